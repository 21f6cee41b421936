"""What runs to its end."""

from aws_cdk import Stack, Stage
from aws_cdk import aws_scheduler as scheduler

from fargate_constructs import AuditedCluster, Capacity, FargateService, OneOffTask, ScheduledTask
from tests.modes.made_elsewhere import IMAGE, network_in

NIGHTLY = scheduler.ScheduleExpression.cron(minute="15", hour="3")


def scheduled(stage: Stage) -> None:
    """By the clock, on demand and on Spot."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    report = ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY)
    ScheduledTask(
        stack,
        "Cheap",
        network=network,
        image=IMAGE,
        cluster=report.cluster,
        capacity=Capacity.spot(on_demand_base=0),
        schedule=NIGHTLY,
    )


def by_hand(stage: Stage) -> None:
    """By a person."""
    stack = Stack(stage, "Test")
    OneOffTask(stack, "Repair", network=network_in(stack), image=IMAGE)


def before(stage: Stage) -> None:
    """Before each deployment of a service, in a stack of its own."""
    stack, services = Stack(stage, "Test"), Stack(stage, "Services")
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    migrate = OneOffTask(stack, "Migrate", network=network, image=IMAGE, cluster=cluster)
    migrate.run_before(FargateService(services, "Web", network=network, image=IMAGE, cluster=cluster))


MODES = {"scheduled": scheduled, "by-hand": by_hand, "before-deployments": before}
