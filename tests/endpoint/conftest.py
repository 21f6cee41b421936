"""What the endpoint's tests start from."""

import pytest
from aws_cdk import Stack
from aws_cdk import aws_route53 as route53
from hypothesis import settings

from fargate_constructs.network.network import Network
from tests.endpoint.lab import Lab
from tests.modes.made_elsewhere import network_in, zone_in

# Of `make long`, for random routes and requests.
settings.register_profile("long", max_examples=8000)


@pytest.fixture
def network(stack: Stack) -> Network:
    """A network made elsewhere: its template is a tenth of one that makes its own."""
    return network_in(stack)


@pytest.fixture
def zone(stack: Stack) -> route53.IHostedZone:
    """A zone imported with its name, example.com."""
    return zone_in(stack)


@pytest.fixture(scope="package")
def idle() -> Lab:
    """What refused constructs get. The stack is never synthesized, and nothing refused is left in it."""
    return Lab()
