"""What many tests start from."""

from collections.abc import Iterator

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from hypothesis import settings

from fargate_constructs import FixedEgressNetwork
from tests.emulator.emulator import Emulator

# An example may take any time: a busy machine fails no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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
