"""A way to the local AWS that ends after some requests, as a network does that drops."""

import socket
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class HalfWay:
    """A proxy on a free port of 127.0.0.1 that forwards some requests, and then closes each connection.

    Args:
        url: Where it forwards to.
        requests: How many it forwards. By default all, until `drop` is called.
    """

    def __init__(self, url: str, requests: float = float("inf")) -> None:
        self._target = urlsplit(url).netloc
        self._left = requests
        self.seen = 0
        """How many requests it has forwarded."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                outer.forward(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _forward  # noqa: N815 - the base's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def drop(self) -> None:
        """Forward no more."""
        self._left = 0

    def restore(self) -> None:
        """Forward again."""
        self._left = float("inf")

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forward(self, request: BaseHTTPRequestHandler) -> None:
        """Forward a request, or close its connection."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if self._left <= 0:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        self._left -= 1
        self.seen += 1
        connection = HTTPConnection(self._target)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
        connection.close()
