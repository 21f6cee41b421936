"""All parts together."""

from aws_cdk import Duration, Stack, Stage

from app import Example
from fargate_constructs import (
    Egress,
    FargateMonitoring,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    QueueWorker,
)
from tests.modes.archive import action_in
from tests.modes.made_elsewhere import DOMAIN, IMAGE, network_in, zone_in


def example(stage: Stage) -> None:
    """The example app."""
    Example(stage, "Example")


def web_service(stage: Stage) -> None:
    """One construct, and a second one, in a stack of its own, that shares the first one's parts."""
    first, second = Stack(stage, "Test"), Stack(stage, "Second")
    shop = FargateWebService(first, "Shop", image=IMAGE, domain_name=DOMAIN, hosted_zone=zone_in(first))
    FargateWebService(second, "Blog", image=IMAGE, network=shop.network, archive=shop.archive)


def monitored(stage: Stage) -> None:
    """A web service with an objective, watched from a stack of its own, and its parts that are not in every one."""
    shop_stack, stack = Stack(stage, "Shop"), Stack(stage, "Test")
    network = network_in(shop_stack)
    shop = FargateWebService(
        shop_stack, "Shop", image=IMAGE, network=network, domain_name=DOMAIN, hosted_zone=zone_in(shop_stack)
    )
    api = FargateService(shop_stack, "Api", image=IMAGE, network=network, cluster=shop.service.cluster)
    shop.service.link_to(api)
    cheap = FixedEgressNetwork(stack, "Network", egress=Egress.nat_instance())
    orders = QueueWorker(stack, "Orders", image=IMAGE, network=cheap, message_duration=Duration.seconds(1))
    for each in (api, orders):
        shop.archive.add_log_group(each.log_group)
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[action_in(stack)])
    monitoring.watch(shop, slo=99.9, latency=Duration.seconds(1), anomalies=True)
    monitoring.watch(api, cheap, orders)


MODES = {
    "example": example,
    "web-service": web_service,
    "monitored": monitored,
}
