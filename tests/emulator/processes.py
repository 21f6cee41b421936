"""Child processes that never outlive the block that started them."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

END_SECONDS = 5


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def group(command: list[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:  # noqa: ANN401  # Popen's own
    """A child process that ends with the block, together with the processes that it started."""
    process = subprocess.Popen(command, encoding="utf-8", stderr=subprocess.STDOUT, start_new_session=True, **options)
    with ExitStack() as ending:  # in reverse order, and each step even if Ctrl-C interrupts the one before
        for pipe in filter(None, (process.stdin, process.stdout)):
            ending.enter_context(pipe)
        ending.callback(_end, process, signal.SIGKILL)
        ending.callback(_end, process, signal.SIGTERM)
        yield process


def _end(process: "subprocess.Popen[str]", number: int) -> None:
    """Send a signal to a process and all it started, and wait for its end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Let SIGTERM leave the block as an exception, so that what the block opened is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
