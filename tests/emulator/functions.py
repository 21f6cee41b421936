"""Lambda functions in a hurry: what one sleeps between two looks at AWS lasts a twentieth of its time.

MiniStack's Lambda ──> [this, before the worker's own script] ──> the function's handler
"""

from ministack.core import lambda_runtime

HURRY = """
import time
_sleep = time.sleep
time.sleep = lambda seconds: _sleep(seconds / 20)
"""


def register() -> None:
    """Enter this in MiniStack's Python worker."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001  # where MiniStack looks it up
    vars(lambda_runtime)["_PYTHON_WORKER_SCRIPT"] = HURRY + script
