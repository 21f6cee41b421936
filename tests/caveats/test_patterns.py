"""What the pack finds in an app made of `aws_ecs_patterns`, and in ours."""

from collections import defaultdict

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns

from fargate_constructs import FargateService, FixedEgressNetwork, LogArchive
from fargate_constructs.caveats import FargateCaveats
from tests.caveats.lab import IMAGE, findings_in
from tests.pinned import example

IN_ALL = {"LogsMayDrop", "LogsNeverExpire", "LogsStayInCloudWatch"}
IN_SERVICES = {"NoCircuitBreaker", "NoExec"}


def made_of_patterns() -> App:
    """Return an app as the docs of `aws_ecs_patterns` write it, with as little as it needs."""
    app = App()
    stack = Stack(app, "Shop")
    image = ecs.ContainerImage.from_registry(IMAGE)
    cluster = ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=2))
    patterns.ApplicationLoadBalancedFargateService(
        stack, "Web", cluster=cluster, task_image_options=patterns.ApplicationLoadBalancedTaskImageOptions(image=image)
    )
    scaled = patterns.NetworkLoadBalancedFargateService(
        stack,
        "Scaled",
        cluster=cluster,
        desired_count=2,
        assign_public_ip=True,
        task_image_options=patterns.NetworkLoadBalancedTaskImageOptions(
            image=image, environment={"DB_PASSWORD": "hunter2"}
        ),
    )
    scaled.service.auto_scale_task_count(max_capacity=4).scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
    patterns.QueueProcessingFargateService(stack, "Worker", cluster=cluster, image=image)
    patterns.ScheduledFargateTask(
        stack,
        "Report",
        cluster=cluster,
        schedule=autoscaling.Schedule.rate(Duration.hours(1)),
        scheduled_fargate_task_image_options=patterns.ScheduledFargateTaskImageOptions(image=image),
    )
    return app


def test_patterns_show_what_is_wrong_with_them() -> None:
    """These are their defaults; docs/caveats.md lists them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule, path, _ in findings_in(made_of_patterns()):
        found[path.split("/")[1]].add(rule)

    assert found == {
        "Vpc": {"UnknownEgress"},
        "Web": {*IN_ALL, *IN_SERVICES, "SlowDrain"},
        "Scaled": {
            *IN_ALL,
            *IN_SERVICES,
            "CountReset",
            "NoIngress",
            "PublicAddress",
            "SecretInEnvironment[DB_PASSWORD]",
            "SlowDrain",
            "SlowHealthCheck",
            "TooFewTasks",
        },
        "Worker": IN_ALL | IN_SERVICES,
        "Report": IN_ALL,
    }


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_example_has_none(*, tls: bool) -> None:
    """Neither findings nor notes, over HTTP and HTTPS."""
    violations = FargateCaveats().validate_scope(example(tls=tls).node.root).violations

    assert [(each.rule_name, each.description) for each in violations] == []


def test_a_service_of_ours_without_an_archive_has_one(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage
) -> None:
    """Its log group is archived after a call of add_log_group."""
    service = FargateService(stack, "Web", network=network, image=image)

    assert {rule for rule, _, _ in findings_in(stack)} == {"LogsStayInCloudWatch"}

    LogArchive(stack, "LogArchive").add_log_group(service.log_group)
    assert findings_in(stack) == []
