"""How tests are spread over workers."""

import atexit
import gc
import os
import re
import signal
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

from tests import quick_jsii  # noqa: F401 - before CDK, which the conftest.py of a folder may import
from tests.own_settings import forget_persons, forget_terminals

forget_persons()
# The validator that CDK has built in takes as long as all else; `python app.py` runs it, and cfn-lint reads all modes.
# To import CDK starts the process that reads this.
os.environ.setdefault("CDK_VALIDATION", "false")
# CDK records for each construct where it is made; that takes 7 % of Node's time.
os.environ.setdefault("CDK_DISABLE_STACK_TRACE", "1")

# The default of 700 searches the constructs of all tests for cycles so often that it takes 5 % of the time.
gc.set_threshold(50_000, 50, 50)

# Tests that read all modes, or the stacks of `tests/pinned.py`. These take long to build, so one worker runs all these
# tests and builds each once.
ALL_MODES = (
    "tests/properties/",
    "tests/test_security.py",
    "tests/test_stability.py",
    "tests/test_app.py",
    "tests/tools/test_wheel.py",
    "tests/privilege/test_every_mode.py",
)
# Tests that read the same modes of the archive (`tests/logs/archives.py`).
ARCHIVES = tuple(
    f"tests/logs/test_{name}.py"
    for name in (
        *("alarms", "assets", "delivery", "failure_queue", "log_archive", "log_catalog", "log_compaction"),
        "subscriptions",
    )
)
# Files that take longest. They begin first, so that no worker ends with one of them alone.
LONGEST = (*ALL_MODES, "tests/emulator/test_upgrade.py")


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures, but not in the process that only spreads tests: to import CDK takes seconds."""
    is_worker = hasattr(config, "workerinput")
    if is_worker:
        atexit.register(os._exit, 0)  # after all else: Python would free millions of objects, which takes seconds
    if is_worker or not config.getoption("numprocesses", None):
        receive_signals()
        forget_terminals()
        config.pluginmanager.import_plugin("tests.quick_cdk")
        config.pluginmanager.import_plugin("tests.fixtures")


def receive_signals() -> None:
    """Receive the signals that tests send. `make test &` in a script ignores SIGINT; other programs block signals."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):  # these two still end no test, as `nohup` says
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin. Within a file the order is random."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist is untyped
    """Gives each file to one worker, and all that reads the modes, or those of the archive, to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "all modes" if file.startswith(ALL_MODES) else "archives" if file.startswith(ARCHIVES) else file


@pytest.hookimpl(optionalhook=True)  # `pytest -p no:xdist` has no such hook
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:  # noqa: ANN401 - xdist's own, and private
    """Say how tests are spread over workers."""
    return ByFile(config, log)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test by its token without the token's number, which differs from worker to worker."""
    if isinstance(val, str) and "{Token[" in val:
        return re.sub(r"[$#]\{Token\[(\w+(\.\w+)*?)\.\d+\]\}", r"<\1>", val)
    return None
