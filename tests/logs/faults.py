"""S3's bad days: what stands before an S3 API, spoils the answers that a test scripts, and passes on the rest.

```
handler ──> boto3 ──> in this process, or over HTTP ──> [FaultyS3] ──> MemoryS3
```
"""

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import count
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from urllib3 import HTTPResponse


@dataclass(frozen=True)
class Request:
    """A request as it came in, its body read."""

    method: str
    path: str
    headers: Message
    body: bytes


Answer = tuple[int, dict[str, str], bytes]
Api = Callable[[Request], Answer]
Fault = Callable[["FaultyS3", Request], Answer]


class Reset(Exception):  # noqa: N818 -- not an answer: the connection is reset
    """Raised by an API instead of an answer."""


class FaultyS3:
    """An S3 API that follows a script.

    Attributes:
        s3: The S3 API behind.
        script: What happens to the next requests, in their order; past its end they are passed on.
        requests: Those that came.
        late: Released each time a late answer has been given.
        silent: Set once a request waits in `stay_silent`.
        ended: Set when the test ends.
    """

    def __init__(self, s3: Api) -> None:
        """Take the S3 API behind."""
        self.s3 = s3
        self.script: deque[Fault] = deque()
        self._always: list[tuple[str, str, Fault]] = []
        self.requests: list[Request] = []
        self.late = threading.Semaphore(0)
        self.silent = threading.Event()
        self.ended = threading.Event()

    def always(self, method: str, part: str, fault: Fault) -> None:
        """Let a fault happen to each request of a method whose path has this part, beside the script."""
        self._always.append((method, part, fault))

    def well(self) -> None:
        """End all faults."""
        self.script.clear()
        self._always.clear()

    def end(self) -> None:
        """End all faults, let waiting requests go, and forget all requests."""
        self.well()
        self.requests.clear()
        self.ended.set()
        self.late, self.silent, self.ended = threading.Semaphore(0), threading.Event(), threading.Event()

    def __call__(self, request: Request) -> Answer:
        """Do to a request what the script says."""
        self.requests.append(request)
        for method, part, fault in self._always:
            if request.method == method and part in request.path:
                return fault(self, request)
        return (self.script.popleft() if self.script else pass_on)(self, request)


def pass_on(faulty: FaultyS3, request: Request) -> Answer:
    """No fault: let the S3 API behind answer."""
    return faulty.s3(request)


def refuse(status: int, code: str, headers: dict[str, str] | None = None) -> Fault:
    """Answer with one of S3's errors."""
    answer = status, headers or {}, f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
    return lambda _faulty, _request: answer


def reset(_faulty: FaultyS3, _request: Request) -> Answer:
    """Reset the connection instead of an answer."""
    raise Reset


def lose_answer(faulty: FaultyS3, request: Request) -> Answer:
    """Let the S3 API do it, and reset the connection before its answer gets through."""
    faulty.s3(request)
    raise Reset


def stay_silent(faulty: FaultyS3, _request: Request) -> Answer:
    """Leave the client waiting until the test ends."""
    faulty.silent.set()
    faulty.ended.wait()
    raise Reset


def come_late(seconds: float) -> Fault:
    """Let the S3 API do it only when the client has long given up."""

    def fault(faulty: FaultyS3, request: Request) -> Answer:
        faulty.ended.wait(seconds)
        faulty.s3(request)
        faulty.late.release()
        raise Reset

    return fault


# --- In this process ---

HOSTS = count(2)
APIS: dict[str, Api] = {}
Untyped = Any  # of botocore


@contextmanager
def in_process(api: Api) -> Iterator[str]:
    """Let boto3 talk to an API without a connection, for a block; yield the URL under which it is found.

    Only signing, sending and the description of the client are left out. What botocore does before (checks, headers),
    after (parsing) and between (trying again) stays.
    """
    host = next(HOSTS)
    url = f"http://127.{host >> 8}.{host & 255}.1:9"  # a host of its own, at which nothing listens
    APIS[url] = api
    try:
        yield url
    finally:
        del APIS[url]


def url_of(request: Untyped) -> str:
    """The URL of the API that a request is for."""
    return "/".join(request.url.split("/", 3)[:3])


def sign(
    signer: RequestSigner,
    operation: str,
    request: Untyped,
    *others: Untyped,
    elsewhere: Untyped = RequestSigner.sign,
    **more: Untyped,
) -> None:
    """Sign a request that leaves this process."""
    if url_of(request) not in APIS:
        elsewhere(signer, operation, request, *others, **more)


def send(session: URLLib3Session, request: Untyped, elsewhere: Untyped = URLLib3Session.send) -> AWSResponse:
    """Answer a request that does not leave this process."""
    url = url_of(request)
    if url not in APIS:
        answer: AWSResponse = elsewhere(session, request)
        return answer
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    headers = Message()
    for name, value in request.headers.items():
        headers[name] = value.decode() if isinstance(value, bytes) else value
    try:
        status, answered, content = APIS[url](Request(request.method, request.url.removeprefix(url), headers, body))
    except Reset:
        raise ConnectionClosedError(endpoint_url=request.url) from None
    answered = {"Content-Length": str(len(content)), **answered}
    raw = HTTPResponse(BytesIO(b"" if request.method == "HEAD" else content), preload_content=False)
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(answered), raw)


# For good, in any order of fixtures: they pass on what is for no API here.
mock.patch.object(URLLib3Session, "send", send).start()
mock.patch.object(RequestSigner, "sign", sign).start()
mock.patch.object(UserAgentString, "to_string", lambda self: type(self).__name__).start()  # a fifth of a call's time


# --- Over HTTP ---


@contextmanager
def over_http(api: Api) -> Iterator[str]:
    """Serve an API on a free port of 127.0.0.1 for a block; yield its URL."""
    server = Server(("127.0.0.1", 0), Exchange)
    server.api = api
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    """The server."""

    daemon_threads = True
    # Of http.server's own 5 a busy machine drops the sixth, who tries again after longer than a client waits.
    request_queue_size = 128
    api: Api


class Exchange(BaseHTTPRequestHandler):
    """One connection, request by request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which makes an answer of two packets wait 40 ms for an acknowledgement
    server: Server

    def do_PUT(self) -> None:
        """Answer a request, or reset the connection (RST), which is not an orderly end."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = self.server.api(Request(self.command, self.path, self.headers, body))
        except Reset:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.answer(*answer)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT  # noqa: N815 -- the names that http.server calls

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send an answer."""
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep requests out of the tests' output."""
