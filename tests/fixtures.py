"""What many tests start from."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct, Node
from hypothesis import settings
from jsii._reference_map import InterfaceDynamicProxy

from fargate_constructs import FixedEgressNetwork
from tests.emulator.emulator import Emulator

# An example may take any time: a busy machine fails no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def keep(kind: type, *properties: str) -> None:
    """Let objects of CDK keep what never changes: CDK asks Node.js each time, which is a tenth of all questions."""
    for name in properties:
        kept = cached_property(getattr(kind, name).fget)
        kept.__set_name__(kind, name)
        setattr(kind, name, kept)


keep(Construct, "node")
keep(Node, "id", "path", "root", "scope")
keep(Stack, "account", "nested_stack_parent", "region")


def _ask_once(construct: InterfaceDynamicProxy, name: str) -> Any:  # noqa: ANN401 - of any attribute
    """Return an attribute of an imported construct. jsii asks Node.js twice: whether there is one, and for it."""
    for interface in construct._delegates:  # noqa: SLF001 - as jsii does
        with suppress(AttributeError):
            return getattr(interface, name)
    raise AttributeError(name)


InterfaceDynamicProxy.__getattr__ = _ask_once  # type: ignore[method-assign]


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
