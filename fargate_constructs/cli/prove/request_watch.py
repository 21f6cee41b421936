"""Sends a request each second while something else happens, and counts those that fail."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

Get: TypeAlias = Callable[[str], tuple[int, str]]
TIMEOUT_SECONDS = 10
EVERY_SECONDS = 1.0
MAX_FAILURES = 5


def get(url: str) -> tuple[int, str]:
    """Return the status and the header Server of an answer; without an answer it raises an OSError."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - of the stack's output
            return answer.status, answer.headers.get("Server", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Server", "")


@dataclass
class RequestWatch:
    """The requests that were sent so far."""

    sent: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    """The first ones."""

    def send(self, get: Get, url: str) -> None:
        """Send a request. Each answer but 200 is a failure, and so is none."""
        try:
            status, _ = get(url)
            failure = "" if status == HTTPStatus.OK else f"status {status}"
        except OSError as error:
            failure = str(error)
        self.sent += 1
        if failure:
            self.failed += 1
            self.failures = [*self.failures, failure][:MAX_FAILURES]

    def document(self) -> dict[str, Any]:
        """Return what a report has."""
        failures = {"request_failures": self.failures} if self.failures else {}
        return {"requests": self.sent, "failed_requests": self.failed, **failures}


@contextmanager
def watching(get: Get, url: str, *, every: float = EVERY_SECONDS) -> Iterator[RequestWatch]:
    """Send requests to a URL for the length of a block: one at its begin, and then one each second."""
    watch, over = RequestWatch(), threading.Event()
    watch.send(get, url)

    def send() -> None:
        while not over.wait(every):
            watch.send(get, url)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
