"""An app with each part, watched."""

import re
from functools import cache
from typing import Any, NamedTuple

from aws_cdk import App, CfnResource, Duration, Stack
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from fargate_constructs import (
    AuditedCluster,
    Egress,
    FargateMonitoring,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    QueueWorker,
    ScheduledTask,
    TcpEndpoint,
)
from tests.modes.made_elsewhere import IMAGE
from tests.monitoring.alarm_model import Alarm, Composite, alarms_of, composites_of


class WatchedApp(NamedTuple):
    """The stack, its monitoring, its resources, and by logical ID the IDs of alarms, and models of them."""

    stack: Stack
    monitoring: FargateMonitoring
    resources: dict[str, Any]
    ids: dict[str, str]
    alarms: dict[str, Alarm]
    composites: dict[str, Composite]


@cache
def watched_app() -> WatchedApp:
    """Return the app; made once."""
    stack = Stack(App(), "Shop")
    network = FixedEgressNetwork(stack, "Network")
    cheap = FixedEgressNetwork(stack, "Cheap", egress=Egress.nat_instance(), cidr="10.1.0.0/16")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    archive = LogArchive(stack, "Archive")
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABCDEFGHIJ", zone_name="example.com"
    )
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)
    mail = TcpEndpoint(stack, "Mail", network=network)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    web, api = FargateService(stack, "Web", **common), FargateService(stack, "Api", **common)
    smtp = FargateService(stack, "Smtp", port=25, **common)
    web.link_to(api)
    endpoint.add_route("Web", service=web)
    mail.add_listener("Smtp", service=smtp, port=25)
    orders = QueueWorker(stack, "Orders", message_duration=Duration.seconds(10), **common)
    report = ScheduledTask(stack, "Report", schedule=scheduler.ScheduleExpression.rate(Duration.days(1)), **common)
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:on-call")
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(topic)])
    monitoring.watch(network, cheap, endpoint, mail, archive, api, smtp, orders, report)
    monitoring.watch(web, slo=99.9, latency=Duration.seconds(1), anomalies=True)
    template = Template.from_stack(stack).to_json()
    ids = {
        stack.get_logical_id(each): each.node.path.removeprefix("Shop/").removesuffix("/Resource")
        for each in stack.node.find_all()
        if isinstance(each, CfnResource) and "CloudWatch" in each.cfn_resource_type
    }
    resources = template["Resources"]
    return WatchedApp(stack, monitoring, resources, ids, alarms_of(resources, ids), composites_of(resources, ids))


class WebServiceApp(NamedTuple):
    """The stack of a web service with its dashboard, and stacks of what the guide gives prices of."""

    shop: Stack
    watched: dict[str, Stack]


@cache
def web_service_app() -> WebServiceApp:
    """Return the app; made once."""
    app = App()
    stack = Stack(app, "Shop")
    shop = FargateWebService(stack, "Shop", image=IMAGE)
    FargateMonitoring(stack, "Monitoring").watch(shop, slo=99.9, latency=Duration.seconds(1))
    api = FargateService(Stack(app, "Api"), "Api", network=shop.network, image=IMAGE, cluster=shop.service.cluster)
    shop.endpoint.add_route("Api", service=api, paths=["/api/*"])
    watched: dict[str, Stack] = {}
    for text, part, options in (
        ("A web service", shop, {}),
        ("A further service with a route", api, {}),
        ("The same with `slo=`", api, {"slo": 99.9}),
        ("The same with `anomalies=`", api, {"anomalies": True}),
    ):
        watched[text] = Stack(app, re.sub(r"\W", "", text))
        FargateMonitoring(watched[text], "Monitoring").watch(part, **options)
    return WebServiceApp(stack, watched)
