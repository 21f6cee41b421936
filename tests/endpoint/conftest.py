"""What the endpoint's tests start from."""

from typing import NamedTuple

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import certificate_in, network_in, zone_in


@pytest.fixture
def network(stack: Stack) -> Network:
    """A network made elsewhere: its template is a tenth of one that makes its own."""
    return network_in(stack)


@pytest.fixture
def zone(stack: Stack) -> route53.IHostedZone:
    """A zone imported with its name, example.com."""
    return zone_in(stack)


@pytest.fixture
def certificate(stack: Stack) -> acm.ICertificate:
    """A certificate made elsewhere, in the region of CloudFront's certificates."""
    return certificate_in(stack)


class Idle(NamedTuple):
    """What refused constructs get. The stack is never synthesized, and nothing refused is left in it."""

    stack: Stack
    network: Network
    zone: route53.IHostedZone
    certificate: acm.ICertificate


@pytest.fixture(scope="package")
def idle() -> Idle:
    """One for all refusals."""
    stack = Stack(App(), "Test")
    return Idle(stack, network_in(stack), zone_in(stack), certificate_in(stack))
