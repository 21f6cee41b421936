"""What many tests start from."""

from collections.abc import Iterator
from functools import cached_property

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct, Node

from fargate_constructs import FixedEgressNetwork
from tests.emulator.emulator import Emulator


def keep(kind: type, *properties: str) -> None:
    """Let objects of CDK keep what never changes: CDK asks Node.js each time, which is a tenth of all questions."""
    for name in properties:
        kept = cached_property(getattr(kind, name).fget)
        kept.__set_name__(kind, name)
        setattr(kind, name, kept)


keep(Construct, "node")
keep(Node, "id", "path", "root", "scope")
keep(Stack, "account", "nested_stack_parent", "region")


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
