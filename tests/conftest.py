"""What many tests start from."""

import os
from collections.abc import Iterator

# The validator that CDK has built in takes as long as all else; `python app.py` runs it, and cfn-lint reads all modes.
# To import CDK starts the process that reads this.
os.environ.setdefault("CDK_VALIDATION", "false")

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs import FixedEgressNetwork
from tests.emulator.emulator import Emulator

# Files that begin first, because they take longest: no worker is to end with one of them alone.
LONGEST = (
    "tests/logs/test_shipper_schedules.py",
    "tests/emulator/test_upgrade.py",
    "tests/test_security.py",
    "tests/emulator/test_reverse_dns.py",
    "tests/test_stability.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


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
