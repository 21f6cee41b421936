"""S3's bad days: a proxy in front of an S3 API that spoils the answers a test scripts, and passes on the rest.

```
handler ──> [FaultyS3] ──> MiniStack
```
"""

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """A request as it came in, its body read."""

    method: str
    path: str
    headers: Message
    body: bytes


Fault = Callable[["Exchange", Request], None]


def pass_on(exchange: "Exchange", request: Request) -> None:
    """No fault: let the S3 API behind answer."""
    exchange.answer(*exchange.ask_upstream(request))


def refuse(status: int, code: str, headers: dict[str, str] | None = None) -> Fault:
    """Answer with one of S3's errors."""

    def fault(exchange: "Exchange", _request: Request) -> None:
        exchange.answer(
            status, headers or {}, f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
        )

    return fault


def reset(exchange: "Exchange", _request: Request) -> None:
    """Reset the connection instead of an answer."""
    exchange.hang_up()


def lose_answer(exchange: "Exchange", request: Request) -> None:
    """Let the S3 API do it, and reset the connection before its answer gets through."""
    exchange.ask_upstream(request)
    exchange.hang_up()


def stay_silent(exchange: "Exchange", _request: Request) -> None:
    """Leave the client waiting until the proxy ends."""
    exchange.server.silent.set()
    exchange.server.ended.wait()
    exchange.hang_up()


class FaultyS3(ThreadingHTTPServer):
    """The proxy, on a free port of 127.0.0.1 while its block lasts.

    Attributes:
        script: What happens to the next requests, in their order; past its end they are passed on.
        requests: Those that came.
        silent: Set once a request waits in `stay_silent`.
        ended: Set when the block ends.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        """Take the URL of the S3 API behind."""
        super().__init__(("127.0.0.1", 0), Exchange)
        self.upstream = urlsplit(upstream).netloc
        self.endpoint_url = f"http://127.0.0.1:{self.server_port}"
        self.script: deque[Fault] = deque()
        self.requests: list[Request] = []
        self.silent = threading.Event()
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        """Serve in a thread."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of who still waits, and end the thread."""
        self.ended.set()
        self.shutdown()
        self.server_close()


class Exchange(BaseHTTPRequestHandler):
    """One connection, request by request."""

    protocol_version = "HTTP/1.1"
    server: FaultyS3

    def do_PUT(self) -> None:
        """Take a request and do to it what the script says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, self.headers, body)
        self.server.requests.append(request)
        fault = self.server.script.popleft() if self.server.script else pass_on
        fault(self, request)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT  # noqa: N815 -- the names that http.server calls

    def ask_upstream(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body that the S3 API behind answers with."""
        connection = HTTPConnection(self.server.upstream)
        connection.request(request.method, request.path, request.body, dict(request.headers.items()))
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send an answer, framed anew."""
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "content-length", "date", "server", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        """Close the connection such that the client gets a reset (RST), not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_args: object) -> None:
        """Keep requests out of the tests' output."""
