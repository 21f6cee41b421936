"""Deployed jobs: a migration before a service, and a scheduled task with messages about failed runs."""

import json
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler

from fargate_constructs import AuditedCluster, FargateService, FixedEgressNetwork, OneOffTask, ScheduledTask
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack


def jobs_app(version: int) -> App:
    """Return an app of a service that waits for a migration, and of a scheduled task."""
    app = App()
    stack = Stack(app, "Jobs")
    image = ecs.ContainerImage.from_registry(f"example.com/shop:{version}")
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    web = FargateService(stack, "Web", network=network, image=image, cluster=cluster)
    OneOffTask(stack, "Migrate", network=network, image=image, cluster=cluster).run_before(web)
    nightly = scheduler.ScheduleExpression.cron(minute="15", hour="3")
    report = ScheduledTask(stack, "Report", network=network, image=image, cluster=cluster, schedule=nightly)
    CfnOutput(stack, "RunCommand", value=report.run_command)
    CfnOutput(stack, "Queue", value=report.dead_letter_queue.queue_url)
    return app


@contextmanager
def ending_migrations(aws: Emulator, exit_code: int) -> Iterator[list[list[str]]]:
    """Let migrations end with an exit code; for each, yield the services that exist while it runs."""
    api = aws.client("ecs")
    services: list[list[str]] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            for cluster in api.list_clusters()["clusterArns"]:
                tasks = api.list_tasks(cluster=cluster)["taskArns"]
                for task in api.describe_tasks(cluster=cluster, tasks=tasks)["tasks"]:
                    if "Migrate" in task["taskDefinitionArn"]:
                        services.append(api.list_services(cluster=cluster)["serviceArns"])
                        api.stop_task(cluster=cluster, task=task["taskArn"], reason=f"exit {exit_code}")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield services
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """The app's first version; its migration ran before there was a service."""
    with ending_migrations(aws, 0) as runs:
        stack = DeployedStack(aws, jobs_app(1))
    assert runs == [[]]
    return stack


def _version_of_service(stack: DeployedStack) -> str:
    api = stack.aws.client("ecs")
    (cluster,) = api.list_clusters()["clusterArns"]
    names = api.list_services(cluster=cluster)["serviceArns"]
    (service,) = api.describe_services(cluster=cluster, services=names)["services"]
    definition = api.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return str(definition["containerDefinitions"][0]["image"].partition(":")[2])


def test_a_failed_migration_keeps_the_version_before(stack: DeployedStack) -> None:
    """The deployment fails with the reason, and the rollback runs no migration. The next deployment does."""
    with ending_migrations(stack.aws, 3) as runs:
        assert stack.update(jobs_app(2)) == "UPDATE_ROLLBACK_COMPLETE"
    assert len(runs) == 1
    assert (
        "exit code 3 (EssentialContainerExited: Essential container in task exited); its log: aws logs" in stack.why()
    )
    assert _version_of_service(stack) == "1"

    with ending_migrations(stack.aws, 0) as runs:
        assert stack.update(jobs_app(3)) == "UPDATE_COMPLETE", stack.why()
    assert len(runs) == 1
    assert _version_of_service(stack) == "3"


def _run(aws: Emulator, line: str) -> str:
    """Do what a `run_command` says; return the cluster and the task."""
    words = shlex.split(line)
    options = dict(zip(words[3:11:2], words[4:11:2], strict=True))
    strategy: dict[str, Any] = dict(pair.split("=") for pair in options["--capacity-provider-strategy"].split(","))
    (task,) = aws.client("ecs").run_task(
        cluster=options["--cluster"],
        taskDefinition=options["--task-definition"],
        capacityProviderStrategy=[{key: int(value) if value.isdecimal() else value for key, value in strategy.items()}],
        networkConfiguration=json.loads(options["--network-configuration"]),
    )["tasks"]
    return str(task["taskArn"])


def test_a_failed_run_leaves_a_message(stack: DeployedStack) -> None:
    """A run that failed or was stopped leaves a message with the reason. A successful run leaves none."""
    api, sqs = stack.aws.client("ecs"), stack.aws.client("sqs")

    for reason in ("exit 0", "exit 7", "stopped by hand"):
        task = _run(stack.aws, stack.output("RunCommand"))
        api.stop_task(cluster=task.split("/")[1], task=task, reason=reason)

    messages: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while len(messages) < 2 and time.monotonic() < deadline:
        received = sqs.receive_message(QueueUrl=stack.output("Queue"), MaxNumberOfMessages=10)
        messages += [json.loads(each["Body"])["detail"] for each in received.get("Messages", [])]
    codes = sorted((each["stopCode"], each["containers"][0]["exitCode"]) for each in messages)
    assert codes == [("EssentialContainerExited", 7), ("UserInitiated", 0)]


def test_the_schedule_runs_the_task(stack: DeployedStack) -> None:
    """It runs the task that `run_command` runs."""
    api = stack.aws.client("scheduler")
    (schedule,) = api.list_schedules()["Schedules"]
    target = api.get_schedule(Name=schedule["Name"])["Target"]

    assert shlex.split(stack.output("RunCommand"))[6] == target["EcsParameters"]["TaskDefinitionArn"]
