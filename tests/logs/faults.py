"""S3's bad days: a server before an S3 API that spoils the answers a test scripts, and passes on the rest.

```
handler ──> [FaultyS3] ──> MiniStack, or a dictionary where thousands of requests must be quick
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


Answer = tuple[int, dict[str, str], bytes]
S3Api = Callable[[Request], Answer]
Fault = Callable[["Exchange", Request], None]


def s3_at(url: str) -> S3Api:
    """The S3 API behind a URL."""
    host = urlsplit(url).netloc

    def ask(request: Request) -> Answer:
        connection = HTTPConnection(host)
        connection.request(request.method, request.path, request.body, dict(request.headers.items()))
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer

    return ask


class KeptObjects:
    """As much of S3's API as a writer needs: PUT, only where nothing is.

    Attributes:
        bodies: The objects that were put, by the request's path.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.bodies: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        """Keep an object, or answer 412 if there is one."""
        assert (request.method, request.headers["If-None-Match"]) == ("PUT", "*")
        with self._lock:
            if request.path in self.bodies:
                return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
            self.bodies[request.path] = request.body
            return 200, {}, b""


def pass_on(exchange: "Exchange", request: Request) -> None:
    """No fault: let the S3 API behind answer."""
    exchange.answer(*exchange.server.s3(request))


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
    exchange.server.s3(request)
    exchange.hang_up()


def stay_silent(exchange: "Exchange", _request: Request) -> None:
    """Leave the client waiting until the proxy ends."""
    exchange.server.silent.set()
    exchange.server.ended.wait()
    exchange.hang_up()


def come_late(seconds: float) -> Fault:
    """Let the S3 API do it only when the client has long given up."""

    def fault(exchange: "Exchange", request: Request) -> None:
        exchange.server.ended.wait(seconds)
        exchange.server.s3(request)
        exchange.server.late.release()
        exchange.hang_up()

    return fault


class FaultyS3(ThreadingHTTPServer):
    """The server, on a free port of 127.0.0.1 while its block lasts.

    Attributes:
        script: What happens to the next requests, in their order; past its end they are passed on.
        requests: Those that came.
        late: Released each time a late answer has been given.
        silent: Set once a request waits in `stay_silent`.
        ended: Set when the block ends.
    """

    daemon_threads = True
    # Of http.server's own 5 a busy machine drops the sixth, who tries again after longer than a client waits.
    request_queue_size = 128

    def __init__(self, s3: S3Api) -> None:
        """Take the S3 API behind."""
        super().__init__(("127.0.0.1", 0), Exchange)
        self.s3 = s3
        self.endpoint_url = f"http://127.0.0.1:{self.server_port}"
        self.script: deque[Fault] = deque()
        self.requests: list[Request] = []
        self.late = threading.Semaphore(0)
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
    disable_nagle_algorithm = True  # which makes an answer of two packets wait 40 ms for an acknowledgement
    server: FaultyS3

    def do_PUT(self) -> None:
        """Take a request and do to it what the script says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, self.headers, body)
        self.server.requests.append(request)
        fault = self.server.script.popleft() if self.server.script else pass_on
        fault(self, request)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT  # noqa: N815 -- the names that http.server calls

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
