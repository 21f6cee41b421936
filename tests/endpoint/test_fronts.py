"""Every front of an endpoint: the same whatever feature flags the app has."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint import Accelerator, CloudFrontDistribution, WebAcl
from fargate_constructs.network import Network
from tests.audit import Template, all_feature_flags, spread_policies

NAME = "shop.example.com"


def zone_of(stack: Stack) -> route53.IHostedZone:
    """Return a zone made elsewhere."""
    return route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")


def public(stack: Stack, network: Network) -> None:
    """An application load balancer over plain HTTP."""
    HttpEndpoint(stack, "Endpoint", network=network)


def restricted(stack: Stack, network: Network) -> None:
    """One for an office, with two names, a web ACL and all logs."""
    zone = zone_of(stack)
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        domain_name=NAME,
        hosted_zone=zone,
        allow_cidrs=["203.0.113.0/24"],
        web_acl=WebAcl.managed(rate_limit=2000),
        connection_logs=True,
    )
    endpoint.add_domain("*.example.com", hosted_zone=zone)
    endpoint.maintenance()


def internal(stack: Stack, network: Network) -> None:
    """One that nobody on the internet reaches."""
    HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["10.0.0.0/8"])


def static_ips(stack: Stack, network: Network) -> None:
    """One behind a network load balancer with fixed addresses."""
    HttpEndpoint(
        stack, "Endpoint", network=network, domain_name=NAME, hosted_zone=zone_of(stack), static_ips=True
    ).publish(parameter_name="/ingress-ips")


def accelerator(stack: Stack, network: Network) -> None:
    """One behind an accelerator."""
    Accelerator(stack, "Accelerator", endpoint=HttpEndpoint(stack, "Endpoint", network=network))


def cloud_front(stack: Stack, network: Network) -> None:
    """An internal one behind CloudFront, at CloudFront's own name."""
    CloudFrontDistribution(
        stack, "Distribution", endpoint=HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    )


def named_cloud_front(stack: Stack, network: Network) -> None:
    """An internal one behind CloudFront, at a name of one's own."""
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network, internal=True, domain_name=NAME, hosted_zone=zone_of(stack)
    )
    CloudFrontDistribution(
        stack,
        "Distribution",
        endpoint=endpoint,
        certificate=acm.Certificate.from_certificate_arn(
            stack, "Certificate", "arn:aws:acm:us-east-1:123456789012:certificate/1"
        ),
        web_acl_arn="arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1",
    )


FRONTS: list[Callable[[Stack, Network], None]] = [
    public,
    restricted,
    internal,
    static_ips,
    accelerator,
    cloud_front,
    named_cloud_front,
]
every_front = pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.__name__)


def app_of(front: Callable[[Stack, Network], None], flags: dict[str, object] | None = None) -> App:
    """Return an app that holds a network and the front."""
    app = App(context=flags or {})
    stack = Stack(app, "Test")
    front(stack, FixedEgressNetwork(stack, "Network"))
    return app


def template_of(app: App) -> Template:
    """Return its template."""
    template: Template = app.synth().get_stack_by_name("Test").template
    return template


@every_front
def test_feature_flags_change_nothing(front: Callable[[Stack, Network], None]) -> None:
    """All flags on or all off: the same resources, IDs and properties."""
    with_flags = template_of(app_of(front, all_feature_flags()))

    assert spread_policies(with_flags) == spread_policies(template_of(app_of(front)))
