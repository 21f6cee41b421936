"""All parts together."""

from collections.abc import Callable

from aws_cdk import Stack, Stage

from app import Example
from fargate_constructs import FargateWebService
from tests.modes.made_elsewhere import DOMAIN, IMAGE, zone_in


def example(**context: str) -> Callable[[Stage], None]:
    """Return the mode of the example app with context."""

    def build(stage: Stage) -> None:
        for name, value in context.items():
            stage.node.set_context(name, value)
        Example(stage, "Example")

    return build


def web_service(stage: Stage) -> None:
    """One construct, and a second one, in a stack of its own, that shares the first one's parts."""
    first, second = Stack(stage, "Test"), Stack(stage, "Second")
    shop = FargateWebService(first, "Shop", image=IMAGE, domain_name=DOMAIN, hosted_zone=zone_in(first))
    FargateWebService(second, "Blog", image=IMAGE, network=shop.network, archive=shop.archive)


MODES = {
    "example": example(),
    "example-tls": example(domain_name=DOMAIN, hosted_zone_id="Z0123456789ABCDEFGHIJ"),
    "web-service": web_service,
}
