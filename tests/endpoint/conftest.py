"""What the endpoint's tests start from."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in


@pytest.fixture
def network(stack: Stack) -> Network:
    """A network made elsewhere: its template is a tenth of one that makes its own."""
    return network_in(stack)


@pytest.fixture(scope="session")
def idle_stack() -> Stack:
    """A stack for what is refused: nothing is left in it, and it is never synthesized."""
    return Stack(App(), "Test")


@pytest.fixture(scope="session")
def idle_network(idle_stack: Stack) -> Network:
    """A network in it."""
    return network_in(idle_stack)


@pytest.fixture
def zone(stack: Stack) -> route53.IHostedZone:
    """A zone imported with its name."""
    return route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z123", zone_name="example.com")


@pytest.fixture
def certificate(stack: Stack) -> acm.ICertificate:
    """A certificate made elsewhere, in the region that CloudFront takes them of."""
    return acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:us-east-1:123456789012:certificate/1"
    )
