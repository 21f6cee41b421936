"""What many tests start from."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper
from typing import Any

# The validator that CDK has built in takes as long as all else; `python app.py` runs it, and cfn-lint reads all modes.
# To import CDK starts the process that reads this.
os.environ.setdefault("CDK_VALIDATION", "false")
# CDK records for each construct where it is made; that takes 7 % of Node's time.
os.environ.setdefault("CDK_DISABLE_STACK_TRACE", "1")

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from xdist.scheduler.loadfile import LoadFileScheduling

# These load on first use. In a test without coverage their lines would not count.
import fargate_constructs._core.private_bucket
import fargate_constructs.endpoint.alias_target
import fargate_constructs.service.jobs.task_state  # noqa: F401
from fargate_constructs import FixedEgressNetwork
from tests.emulator.emulator import Emulator

# The default of 700 searches the constructs of all tests for cycles so often that it takes 5 % of the time.
gc.set_threshold(50_000, 50, 50)

# Tests that read all modes. Modes take long to build, so one worker runs all these tests and builds the modes once.
ALL_MODES = (
    "tests/properties/",
    "tests/test_security.py",
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
LONGEST = (*ALL_MODES, "tests/test_stability.py", "tests/emulator/test_upgrade.py")
# Tests that run the same code again, beside those of hypothesis. To measure their coverage doubles their time, and
# other tests reach each branch.
REPEATING = (
    "tests/adoption/copilot/test_fields.py::test_each_documented_field_counts",
    "tests/adoption/copilot/test_generated.py",
    "tests/adoption/test_migrating.py",
    "tests/emulator/",
    "tests/logs/test_backfill_schedules.py",
    "tests/logs/test_compaction_lease.py::test_a_run_within_another_at_every_call",
    "tests/logs/test_memory_s3.py",
    "tests/logs/test_on_the_emulator.py",
    "tests/logs/test_queries.py",
    "tests/logs/test_shipper_anything.py",
    "tests/logs/test_shipper_schedules.py",
    "tests/privilege/",
    "tests/properties/",
    "tests/test_benchmarks.py",
    "tests/test_comparison.py",
    "tests/test_examples.py",
    "tests/test_promises.py",
    "tests/test_readme.py",
    "tests/test_security.py",
    "tests/test_stability.py",
    "tests/testing/test_page.py::test_the_files_work",
    "tests/tools/",
)
# Apps that are kept: tests that are not measured read them, and what is in them is tested elsewhere.
KEPT = ("tests.modes", "tests.origins", "tests.privilege", "tests.properties")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin. Within a file the order is random."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Measure no coverage of tests that repeat, nor of their fixtures."""
    if not item.nodeid.startswith(REPEATING):
        return (yield)
    is_last = nextitem is None or not nextitem.nodeid.startswith(REPEATING)
    with _without_coverage(item, clear_caches=is_last):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage of hypothesis's random examples. Their fixtures count, because other tests use them, too."""
    if item.nodeid.startswith(REPEATING) or not hasattr(getattr(item, "obj", None), "hypothesis"):
        return (yield)
    with _without_coverage(item, clear_caches=True):
        return (yield)


@contextmanager
def _without_coverage(item: pytest.Item, *, clear_caches: bool) -> Iterator[None]:
    plugin = item.config.pluginmanager.get_plugin("_cov")
    controller: Any = getattr(plugin, "cov_controller", None)
    if controller is None:
        yield
        return
    _MISSES.update(_misses() if not _MISSES else {})
    controller.pause()
    try:
        yield
    finally:
        controller.resume()
        if clear_caches:
            _clear_caches()


_MISSES: "dict[_lru_cache_wrapper[Any], int]" = {}


def _clear_caches() -> None:
    """Let the next test call each cached function again if one was called meanwhile, because coverage is on again.

    An app that was kept before may have been synthesized meanwhile.
    """
    misses = _misses()
    if any(number != _MISSES.get(function, 0) for function, number in misses.items()):
        for function in misses:
            function.cache_clear()
    _MISSES.clear()


def _misses() -> "dict[_lru_cache_wrapper[Any], int]":
    """Return how often each cached function has been called for what was not cached, also those that make apps."""
    modules = [module for name, module in sys.modules.items() if name.startswith(("fargate_constructs.", "tests."))]
    return {
        value: value.cache_info().misses
        for module in modules
        if not module.__name__.startswith(KEPT) and ".lambdas." not in module.__name__
        for value in vars(module).values()
        if isinstance(value, _lru_cache_wrapper)
    }


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist is untyped
    """Gives each file to one worker, and all that reads the modes, or those of the archive, to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "all modes" if file.startswith(ALL_MODES) else "archives" if file.startswith(ARCHIVES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:  # noqa: ANN401 - xdist's own, and private
    """Say how tests are spread over workers."""
    return ByFile(config, log)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test by its token without the token's number, which differs from worker to worker."""
    if isinstance(val, str) and "{Token[" in val:
        return re.sub(r"[$#]\{Token\[(\w+(\.\w+)*?)\.\d+\]\}", r"<\1>", val)
    return None


@pytest.fixture
def stack() -> Stack:
    """An empty stack of its own app, tied to no account and no region."""
    return Stack(App(), "Test")


@pytest.fixture
def network(stack: Stack) -> FixedEgressNetwork:
    """A network in the stack."""
    return FixedEgressNetwork(stack, "Network")


@pytest.fixture
def image() -> ecs.ContainerImage:
    """Any image."""
    return ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The one local AWS of this process: a start costs two seconds."""
    with Emulator() as aws:
        yield aws


@pytest.fixture(scope="module")
def aws(emulator: Emulator) -> Emulator:
    """A local AWS in which nothing is left of other test files."""
    emulator.reset()
    return emulator
