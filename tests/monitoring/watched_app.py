"""An app with each part, watched."""

from functools import cache
from typing import Any, NamedTuple

from aws_cdk import App, CfnResource, Duration, Stack
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from fargate_constructs import (
    AuditedCluster,
    Egress,
    FargateMonitoring,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    QueueWorker,
    ScheduledTask,
    TcpEndpoint,
)
from tests.modes.made_elsewhere import IMAGE


class WatchedApp(NamedTuple):
    """The stack, its monitoring, its resources, and the ID of each alarm by logical ID."""

    stack: Stack
    monitoring: FargateMonitoring
    resources: dict[str, Any]
    ids: dict[str, str]


@cache
def watched_app() -> WatchedApp:
    """Return the app; made once."""
    stack = Stack(App(), "Shop")
    network = FixedEgressNetwork(stack, "Network")
    cheap = FixedEgressNetwork(stack, "Cheap", egress=Egress.nat_instance(), cidr="10.1.0.0/16")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    archive = LogArchive(stack, "Archive")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
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
    return WatchedApp(stack, monitoring, template["Resources"], ids)
