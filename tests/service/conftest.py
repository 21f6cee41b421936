"""What the tests of services and jobs start from."""

import pytest
from aws_cdk import App, Stack

from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in
from tests.shared_stack import halves  # noqa: F401 - a fixture


@pytest.fixture
def network(stack: Stack) -> Network:
    """A network that is in the account already: its template holds what the tests are about, and nothing else."""
    return network_in(stack)


@pytest.fixture(scope="module")
def untouched() -> Stack:
    """A stack for what is refused, which leaves no trace in it; its network is `refusing_network`."""
    return Stack(App(), "Test")


@pytest.fixture(scope="module")
def refusing_network(untouched: Stack) -> Network:
    """The network of that stack."""
    return network_in(untouched)
