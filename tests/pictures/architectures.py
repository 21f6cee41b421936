"""Small apps whose architectures the guides show."""

import json
from collections.abc import Callable
from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from benchmarks.bills import standing_usd_a_month
from fargate_constructs import (
    AuditedCluster,
    CloudFrontDistribution,
    Delivery,
    Egress,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    Job,
    LogArchive,
    QueueWorker,
    ScheduledTask,
)
from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.diagram import Diagram, Kind, Link, Node, joined
from fargate_constructs.synthesized.stored_templates import read_app
from tests.modes.made_elsewhere import IMAGE

MODES = {
    "per_az()": Egress.per_az(),
    "single()": Egress.single(),
    "regional()": Egress.regional(),
    "nat_instance()": Egress.nat_instance(),
    "isolated()": Egress.isolated(),
}


def fronts(app: App) -> None:
    """CloudFront before an endpoint with routes of three services, which share a cluster."""
    stack = Stack(app, "Shop")
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    paths = {"Web": [], "Api": ["/api/*"], "Orders": ["/api/orders/*"]}
    for name, of_service in paths.items():
        service = FargateService(stack, name, network=network, cluster=cluster, image=IMAGE)
        endpoint.add_route(name, service=service, paths=of_service)
    endpoint.add_redirect("Moved", paths=["/blog/*"], to_path="/news/*")
    CloudFrontDistribution(stack, "Front", endpoint=endpoint)


def log_lines(app: App) -> None:
    """Direct and buffered delivery of two services' lines."""
    stack = Stack(app, "Shop")
    network = FixedEgressNetwork(stack, "Network", egress=Egress.single())
    for name, delivery in (("Web", Delivery.direct()), ("Clicks", Delivery.buffered())):
        service = FargateService(stack, name, network=network, image=IMAGE, port=None)
        LogArchive(stack, f"{name}Archive", delivery=delivery).add_log_group(service.log_group)


def jobs(app: App) -> None:
    """A scheduled task, a job for uploads, and a worker for a queue."""
    stack = Stack(app, "Jobs")
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    rate = scheduler.ScheduleExpression.rate(Duration.hours(1))
    ScheduledTask(stack, "Report", network=network, cluster=cluster, image=IMAGE, schedule=rate)
    load = Job(stack, "Import", network=network, cluster=cluster, image=IMAGE)
    load.run_on_upload("Orders", bucket=s3.Bucket(stack, "Uploads"), prefix="orders/")
    QueueWorker(stack, "Mails", network=network, cluster=cluster, image=IMAGE, message_duration=Duration.seconds(5))


ARCHITECTURES: dict[str, Callable[[App], None]] = {"endpoint": fronts, "logs": log_lines, "jobs": jobs}


def drawn(build: Callable[[App], None]) -> Diagram:
    """Return the architecture of an app."""
    app = App()
    build(app)
    return diagram_of(read_app(Path(app.synth().directory), all_stacks=True))


def egress_modes() -> Diagram:
    """Return the network and the addresses of each egress mode, with its cost."""
    app = App()
    for number, (name, egress) in enumerate(MODES.items()):
        stack = Stack(app, f"Shop{number}")
        network = FixedEgressNetwork(stack, name.partition("(")[0], egress=egress)
        FargateService(stack, "Web", network=network, image=IMAGE, port=None)
    assembly = app.synth()
    return joined(*_networks(Path(assembly.directory)), "Egress modes")


def _networks(directory: Path) -> tuple[list[Node], list[Link]]:
    nodes: list[Node] = []
    links: list[Link] = []
    for number, name in enumerate(MODES):
        template = json.loads((directory / f"Shop{number}.template.json").read_text())
        only = {"Resources": {key: each for key, each in template["Resources"].items() if not _is_of_tasks(each)}}
        bill = standing_usd_a_month(only)
        diagram = diagram_of(read_app(directory, [f"Shop{number}"]))
        shown = [node for node in diagram.nodes if node.kind in (Kind.NETWORK, Kind.ADDRESSES)]
        nodes += [_of_mode(node, number, name, bill) for node in shown]
        links += [Link(*(f"{number}:{end}" for end in each[:2])) for each in diagram.links]
    return nodes, links


def _is_of_tasks(resource: dict[str, str]) -> bool:
    """Whether a resource is a part of the service, not of the network."""
    return resource["Type"].startswith(("AWS::ECS::", "AWS::ApplicationAutoScaling::", "AWS::CloudWatch::"))


def _of_mode(node: Node, number: int, name: str, bill: float) -> Node:
    """Return a card under its own name, with the cost if it is that of the network."""
    rows = tuple(row._replace(id=f"{number}:{row.id}") for row in node.rows)
    if node.kind is Kind.ADDRESSES:
        return node._replace(id=f"{number}:{node.id}", rows=rows)
    facts = (f"{bill:.2f} USD a month", *node.facts)
    return node._replace(id=f"{number}:{node.id}", title=f"Egress.{name}", facts=facts, rows=rows)
