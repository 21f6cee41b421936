"""What runs to its end."""

from aws_cdk import Duration, Stack, Stage
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn

from fargate_constructs import AuditedCluster, Capacity, FargateService, Job, OneOffTask, ScheduledTask
from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from tests.modes.made_elsewhere import CALLERS, IMAGE, answer_for, network_in

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


def by_events(stage: Stage) -> None:
    """By uploads, events and a schedule that skips runs; failed runs start again, and those that hang are stopped."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    load = Job(stack, "Load", network=network, image=IMAGE, timeout=Duration.hours(1), retries=2)
    bucket = s3.Bucket.from_bucket_name(stack, "Uploads", "uploads")
    load.run_on_upload("OrderUploads", bucket=bucket, prefix="orders/", suffix=".csv")
    lone = ScheduledTask(
        stack,
        "Lone",
        network=network,
        image=IMAGE,
        cluster=load.cluster,
        task_count=2,
        schedule=NIGHTLY,
        enabled=False,
        skip_if_running=True,
    )
    rule = events.Rule(Stack(stage, "Rules"), "Rule", event_pattern=events.EventPattern(source=["shop"]))
    rule.add_target(lone.event_target("Bills", command=["./bill.py", sfn.JsonPath.string_at("$.detail.order")]))


def in_a_flow(stage: Stage) -> None:
    """As a state of a state machine of the caller's, and by a role of the caller's."""
    stack = Stack(stage, "Test")
    load = Job(stack, "Load", network=network_in(stack), image=IMAGE, capacity=Capacity.spot(on_demand_base=0))
    deployer = iam.Role.from_role_name(stack, "Deployer", "deployer")
    load.grant_run(deployer)
    role = iam.Role(stack, "FlowRole", assumed_by=service_principal("states.amazonaws.com"))
    state = load.task_state("RunLoad", environment={"DAY": sfn.JsonPath.string_at("$.day")})
    flow = sfn.StateMachine(stack, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state), role=role)
    answer_for(flow, "AwsSolutions-SF1", "AwsSolutions-SF2", "StepFunctionStateMachineXray")
    runs = load._runs  # noqa: SLF001 - to name what the caller accepts
    for each in (deployer, role):
        answer_for(each, "IAMNoInlinePolicy")
        acknowledge_wildcards(each, [runs.revisions, runs.task_arns], reason=CALLERS)


MODES = {
    "scheduled": scheduled,
    "by-hand": by_hand,
    "before-deployments": before,
    "events": by_events,
    "flow": in_a_flow,
}
