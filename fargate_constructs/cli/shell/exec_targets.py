"""The task and the container in which ECS Exec opens a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.service_facts import Reader, described_tasks
from fargate_constructs.cli.tasks.container_log import container_of
from fargate_constructs.cli.terminal.moments import as_text
from fargate_constructs.cli.terminal.output import SHORT_ID

AGENT = "ExecuteCommandAgent"
HEALTHS = ("UNHEALTHY", "UNKNOWN", "HEALTHY")


class ExecTarget(NamedTuple):
    """A container of a task."""

    service: Answer
    """Of DescribeServices."""
    task: Answer
    """Of DescribeTasks."""
    definition: Answer
    """Of DescribeTaskDefinition, of the task's own revision."""
    container: Answer
    """Its definition."""

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.container["name"])

    @property
    def task_id(self) -> str:
        """The task's ID."""
        return _id(self.task["taskArn"])

    @property
    def state(self) -> Answer:
        """What ECS knows about the container in the task."""
        return next((each for each in self.task["containers"] if each["name"] == self.name), {})

    @property
    def agent(self) -> Answer:
        """What ECS knows about the agent that opens sessions; empty if there is none."""
        return agent_of(self.state)

    @property
    def is_windows(self) -> bool:
        """Whether the task runs on Windows."""
        family = self.definition.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX")
        return str(family).startswith("WINDOWS")

    def __str__(self) -> str:
        """Return the task and the container for a message."""
        revision = self.task["taskDefinitionArn"].rpartition("/")[2]
        started = self.task.get("startedAt")
        since = f", started {as_text(started)}" if started else ""
        health = self.task.get("healthStatus", "UNKNOWN")
        return f"task {self.task_id[:SHORT_ID]} ({revision}, health {health}{since}), container {self.name}"


def choose_target(reader: Reader, service: Answer, *, task: str | None, container: str | None) -> ExecTarget:
    """Return the newest task of a service in which a session can open, or a task that is named.

    Healthy tasks come before others, and tasks whose agent runs before both. A task is named by its ID, or the begin of
    it. Without a name the container is the main one.

    Raises:
        ValueError: If there is no such task or container.
    """
    only = {} if task else {"serviceName": reader.found.service}
    ecs, cluster = reader.client("ecs"), reader.found.cluster
    arns = [*paged(ecs, "list_tasks", "taskArns", cluster=cluster, desiredStatus="RUNNING", **only)]
    if task:
        wanted = _id(task)
        # A stopped task is not listed, but ECS knows it for an hour.
        arns = [arn for arn in arns if _id(arn).startswith(wanted)] or [wanted]
        if len(arns) > 1:
            raise ValueError(f"--task must fit one task, got {len(arns)}: {', '.join(sorted(map(_id, arns)))}")
    tasks = described_tasks(ecs, cluster, arns)
    if not tasks and task:
        raise ValueError(f"--task must be a task of the cluster {cluster}, got: {task}")
    if not tasks:
        raise ValueError(
            f"{reader.found.name} has no running task; `fargate-constructs explain {reader.found.name}` says why"
        )
    return _newest(ecs, tasks, service, container)


def _newest(ecs: Any, tasks: Sequence[Answer], service: Answer, container: str | None) -> ExecTarget:  # noqa: ANN401 - of boto3
    definitions: dict[str, Answer] = {}

    def target(task: Answer) -> ExecTarget:
        arn = task["taskDefinitionArn"]
        if arn not in definitions:
            definitions[arn] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return ExecTarget(service, task, definitions[arn], container_of(definitions[arn], container, service))

    def rank(each: ExecTarget) -> tuple[bool, int, datetime]:
        health = HEALTHS.index(each.task.get("healthStatus", "UNKNOWN"))
        return each.agent.get("lastStatus") == "RUNNING", health, each.task.get("startedAt", each.task["createdAt"])

    return max(map(target, tasks), key=rank)


def agent_of(container: Answer) -> Answer:
    """Return what ECS knows about the agent in a container; empty if there is none."""
    return next((each for each in container.get("managedAgents", []) if each["name"] == AGENT), {})


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]
