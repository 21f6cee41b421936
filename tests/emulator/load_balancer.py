"""Both sides of the local AWS's load balancer: the callers, and web servers that answer as tasks would.

LoadBalancer.send ──> the emulator's load balancer ──> listener ──> rule ──> target group ──> answering(…)

The emulator terminates no TLS: a request for port 443 in its `Host` header is matched against the HTTPS listener's
rules, over plain HTTP.
"""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.emulator.emulator import Emulator

CLOSE_SECONDS = 0.1


class _Answer(BaseHTTPRequestHandler):
    """Answers every request with the server's name and what was asked."""

    def answer(self) -> None:
        """Answer."""
        assert isinstance(self.server, _Server)
        text = f"{self.server.name} {self.command} {self.headers['Host']} {self.path}".encode()
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815  # where http.server looks them up

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """A web server on a free port of 127.0.0.1."""

    request_queue_size = 64

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.name = name


@contextmanager
def answering(aws: Emulator, name: str, target_group: str) -> Iterator[None]:
    """Let a web server answer for a target group, with its name, for the length of a block."""
    with _Server(name) as server:
        threading.Thread(target=server.serve_forever, args=(CLOSE_SECONDS,), daemon=True).start()
        place = {"TargetGroupArn": target_group, "Targets": [{"Id": "127.0.0.1", "Port": server.server_port}]}
        elb = aws.client("elbv2")
        elb.register_targets(**place)
        try:
            yield
        finally:
            elb.deregister_targets(**place)
            server.shutdown()


@dataclass(frozen=True)
class Answer:
    """What a caller receives."""

    status: int
    body: str
    headers: Message

    @property
    def name(self) -> str:
        """Which of the web servers has answered."""
        assert self.status == http.HTTPStatus.OK, f"{self.status}: {self.body}"
        return self.body.partition(" ")[0]


class LoadBalancer:
    """A deployed load balancer."""

    def __init__(self, aws: Emulator, arn: str) -> None:
        self._address = aws.endpoint_url.removeprefix("http://")
        [found] = aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        self._prefix = f"/_alb/{found['LoadBalancerName']}"
        self._dns_name: str = found["DNSName"]

    def send(
        self, path: str, *, host: str = "", method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request, by default to the load balancer's own name."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        # The emulator finds a load balancer by its DNS name, or for other hosts by the beginning of the path.
        target, host = (self._prefix + path, host) if host else (path, self._dns_name)
        connection.request(method, target, headers={**(headers or {}), "Host": host})
        response = connection.getresponse()
        answer = Answer(response.status, response.read().decode(), response.headers)
        connection.close()
        return answer
