"""The part of the Lambda API that the replay function calls: a synchronous invocation of the shipper.

```
replay handler ──> [LambdaApi] ──> shipper handler ──> MiniStack's S3
```
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

Function = Callable[[Any], object]


class Killed(Exception):  # noqa: N818 -- no error of the function's
    """Raised by a function that Lambda kills: out of time, out of memory."""


class LambdaApi(ThreadingHTTPServer):
    """It, on a free port of 127.0.0.1 while its block lasts.

    Attributes:
        functions: What each function does, by name. An exception is answered as Lambda answers it: 200, with the
            exception's class and message.
        status: What every invocation is answered with instead, if it is not 200.
        invoked: The events that came.
    """

    daemon_threads = True
    # Of http.server's own 5 a busy machine drops the sixth, who tries again after longer than a client waits.
    request_queue_size = 128

    def __init__(self, **functions: Function) -> None:
        """Take the functions."""
        super().__init__(("127.0.0.1", 0), _Invocation)
        self.endpoint_url = f"http://127.0.0.1:{self.server_port}"
        self.functions = functions
        self.status = 200
        self.invoked: list[Any] = []

    def __enter__(self) -> Self:
        """Serve in a thread."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the thread."""
        self.shutdown()
        self.server_close()


class _Invocation(BaseHTTPRequestHandler):
    """POST /2015-03-31/functions/<name>/invocations."""

    protocol_version = "HTTP/1.1"
    server: LambdaApi

    def do_POST(self) -> None:
        """Run the function."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.invoked.append(event)
        _, version, _, name, verb = self.path.split("/")
        assert (version, verb) == ("2015-03-31", "invocations")
        if self.server.status != 200:
            self._answer(self.server.status, {"Type": "User", "message": "scripted"}, {})
            return
        try:
            result, headers = self.server.functions[unquote(name)](event), {}
        except Killed:
            result, headers = {"errorMessage": "Task timed out"}, {"X-Amz-Function-Error": "Unhandled"}
        except Exception as error:  # noqa: BLE001 -- whatever it is, Lambda answers 200
            result = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            headers = {"X-Amz-Function-Error": "Unhandled"}
        self._answer(200, result, headers)

    def _answer(self, status: int, content: object, headers: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep requests out of the tests' output."""
