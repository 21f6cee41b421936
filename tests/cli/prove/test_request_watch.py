"""The requests that are sent while something else happens."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from fargate_constructs.cli.prove.request_watch import RequestWatch, get, watching


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def version_string(self) -> str:
        """Return the header Server."""
        return "nginx/1.30"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of a web server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_each_status_is_an_answer(url: str) -> None:
    """Also that of an error; without an answer there is an exception."""
    assert get(f"{url}/200") == (200, "nginx/1.30")
    assert get(f"{url}/404") == (404, "nginx/1.30")
    with pytest.raises(OSError, match="refused"):
        get("http://127.0.0.1:9/")


def test_requests_are_sent_until_the_end() -> None:
    """Failures are counted, and the first of them are named."""
    sent = threading.Event()
    numbers = count()

    def answer(_url: str) -> tuple[int, str]:
        number = next(numbers)
        if number >= 10:
            sent.set()
        if number % 2:
            raise TimeoutError("timed out")
        return 502 if number == 2 else 200, ""

    with watching(answer, "http://shop.example.com", every=0) as watch:
        assert sent.wait(10)

    assert watch.sent > 10
    assert watch.failures == ["timed out", "status 502", "timed out", "timed out", "timed out"]
    assert watch.failed == watch.sent // 2 + 1
    assert watch.document() == {
        "requests": watch.sent,
        "failed_requests": watch.failed,
        "request_failures": watch.failures,
    }


def test_without_failures_none_is_listed() -> None:
    """The document is short."""
    assert RequestWatch(sent=3).document() == {"requests": 3, "failed_requests": 0}
