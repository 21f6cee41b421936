"""What many tests start from."""

import gc
import os
import re
from collections.abc import Iterator
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin. Within a file the order is random."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


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
