"""`python -m tests.emulator.server`: MiniStack's own server, with the types it lacks.

Started with a pipe as its standard input, it ends with its process group when the pipe closes.
"""

import os
import signal
import stat
import threading

from ministack.app import main

from tests.emulator.resources import register


def _end_with_pipe() -> None:
    """Wait for the other end to close, which it does however its process ends."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_end_with_pipe, daemon=True).start()
    register()
    main()
