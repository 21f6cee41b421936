"""Collects what AWS knows about a service: its deployments, stopped tasks, events, targets and last log lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from fargate_constructs.cli.aws import Answer, in_batches, noting, paged
from fargate_constructs.cli.deployed.deployed_resources import last_events
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.tasks.container_log import stream_of, without_stream

if TYPE_CHECKING:
    from boto3 import Session

Found = TypeVar("Found")
# Of DescribeTasks and DescribeServiceDeployments (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/).
TASKS_IN_ONE_CALL = 100
DEPLOYMENTS_IN_ONE_CALL = 20
LOG_LINES = 10
# The event of a service at rest.
STEADY = "has reached a steady state"
# The subject of a note that they cannot be read.
DEPLOYMENTS = "deployments"
# What DescribeServices would answer, if ECS did not forget a deleted service.
GONE: Answer = {
    "status": "INACTIVE",
    "desiredCount": 0,
    "runningCount": 0,
    "pendingCount": 0,
    "deployments": [],
    "events": [],
}


class ServiceFacts(NamedTuple):
    """What AWS answers about a service."""

    service: Answer
    """Of DescribeServices."""
    deployments: Sequence[Answer]
    """Of DescribeServiceDeployments, the newest first."""
    stopped_tasks: Sequence[Answer]
    """Of DescribeTasks, the newest first. ECS keeps them for about an hour."""
    targets: Sequence[Answer]
    """Of DescribeTargetHealth."""
    task_definition: Answer
    """Of DescribeTaskDefinition; empty if it cannot be read."""
    stack_failures: Sequence[Answer]
    """The events of the stack about the service that failed, of its last operation."""

    def is_at_rest(self) -> bool:
        """Whether all tasks run, and the last deployment is complete and was not rolled back."""
        service = self.service
        rollouts = [each.get("rolloutState", "COMPLETED") for each in service["deployments"]]
        newest = self.deployments[0]["status"] if self.deployments else "SUCCESSFUL"
        return (
            service["status"] == "ACTIVE"
            and service["runningCount"] >= service["desiredCount"]
            and rollouts in ([], ["COMPLETED"])  # those of CodeDeploy are elsewhere
            and newest == "SUCCESSFUL"
        )


class Reader:
    """Asks AWS about one service, and notes what it cannot read."""

    def __init__(self, session: Session, found: DeployedService) -> None:
        self.found = found
        self.gaps: list[str] = []
        self.session = session
        self._clients: dict[str, Any] = {}

    def client(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return the client of a part of AWS in the service's region, the same each time."""
        if name not in self._clients:
            self._clients[name] = self.session.client(name, region_name=self.found.region)  # type: ignore[call-overload]
        return self._clients[name]

    def noting(self, subject: str) -> AbstractContextManager[None]:
        """Note that a subject is not checked, if AWS refuses it."""
        return noting(self.gaps, subject)

    def noted(self, subject: str, ask: Callable[[], Found]) -> Found | None:
        """Return what is asked for; `None` and a note if AWS refuses it."""
        with self.noting(subject):
            return ask()
        return None

    def facts(self) -> ServiceFacts:
        """Return what AWS knows about the service."""
        found = self.found
        failures = self.noted("the events of the stack", self._stack_failures) if found.stack else None
        service = self.service()
        if service is None and failures:
            return ServiceFacts(GONE, [], [], [], {}, failures)
        if service is None:
            raise ValueError(gone(found))
        return ServiceFacts(
            service,
            deployments=self.noted(DEPLOYMENTS, lambda: self.deployments(service)) or [],
            task_definition=self.noted("the task definition", lambda: self.task_definition(service)) or {},
            stopped_tasks=self.noted("stopped tasks", lambda: self.stopped_tasks(service)) or [],
            targets=self.targets(service),
            stack_failures=failures or [],
        )

    def service(self) -> Answer | None:
        """Return the service; `None` if it is gone, perhaps with its cluster, or was never created."""
        ecs = self.client("ecs")
        if not self.found.service:
            return None
        try:
            services = ecs.describe_services(cluster=self.found.cluster, services=[self.found.service])["services"]
        except ecs.exceptions.ClusterNotFoundException:
            return None
        return services[0] if services else None

    def task_definition(self, service: Answer) -> Answer:
        """Return the task definition of the service."""
        ecs = self.client("ecs")
        answer: Answer = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return answer

    def deployments(self, service: Answer) -> list[Answer]:
        """Return the last deployments of the service, the newest first."""
        ecs = self.client("ecs")
        found = ecs.list_service_deployments(
            service=service["serviceArn"], cluster=self.found.cluster, maxResults=DEPLOYMENTS_IN_ONE_CALL
        )
        arns = [each["serviceDeploymentArn"] for each in found["serviceDeployments"]]
        if not arns:
            return []
        answer = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(answer, key=lambda each: each["createdAt"], reverse=True)

    def stopped_tasks(self, service: Answer) -> list[Answer]:
        """Return the stopped tasks, also of a service that is gone, which ListTasks refuses by its name."""
        family = service["taskDefinition"].rpartition("/")[2].rpartition(":")[0]
        tasks = self.tasks(family=family, desiredStatus="STOPPED")
        ours = [each for each in tasks if each.get("group") == f"service:{service['serviceName']}"]
        return sorted(ours, key=when_stopped, reverse=True)

    def tasks(self, **which: str) -> list[Answer]:
        """Return tasks of the cluster, chosen by the parameters of ListTasks."""
        return tasks_in(self.client("ecs"), self.found.cluster, **which)

    def targets(self, service: Answer) -> list[Answer]:
        """Return the health of the service's targets, as far as it can be read."""
        targets: list[Answer] = []
        for group in target_groups(service):
            with self.noting("the health of targets"):
                targets += self.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return targets

    def _stack_failures(self) -> list[Answer]:
        """Return the failures of the service in the stack's last operation, if that failed; the newest first."""
        return [
            event
            for event in last_events(self.client("cloudformation"), self.found.stack)
            if event["LogicalResourceId"] == self.found.logical_id and event["ResourceStatus"].endswith("_FAILED")
        ]

    def log_lines(self, task: Answer, definition: Answer) -> dict[str, list[str]]:
        """Return the last lines that each container of a task logged, as far as CloudWatch Logs has them."""
        lines = {}
        for container in definition.get("containerDefinitions", []):
            place = stream_of(container, task["taskArn"].rpartition("/")[2], self.found.region)
            if place is None:
                self.gaps.append(without_stream(container))
                continue
            region, group, stream = place
            logs: Any = self.session.client("logs", region_name=region)
            with self.noting(f"the log of {container['name']}"):
                try:
                    events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LOG_LINES)["events"]
                except logs.exceptions.ResourceNotFoundException:
                    continue  # the container did not start
                lines[container["name"]] = [each["message"].rstrip() for each in events]
        return lines


def tasks_in(ecs: Any, cluster: str, **which: str) -> list[Answer]:  # noqa: ANN401 - of boto3
    """Return tasks of a cluster, chosen by the parameters of ListTasks."""
    return described_tasks(ecs, cluster, [*paged(ecs, "list_tasks", "taskArns", cluster=cluster, **which)])


def described_tasks(ecs: Any, cluster: str, arns: Sequence[str]) -> list[Answer]:  # noqa: ANN401 - of boto3
    """Return tasks of a cluster, as far as ECS knows them."""
    some = in_batches(arns, TASKS_IN_ONE_CALL)
    return [task for each in some for task in ecs.describe_tasks(cluster=cluster, tasks=each)["tasks"]]


def target_groups(service: Answer) -> list[str]:
    """Return the target groups of a service; for blue/green, also the other one, which may be in use."""
    both = [
        (each.get("targetGroupArn"), each.get("advancedConfiguration", {}).get("alternateTargetGroupArn"))
        for each in service["loadBalancers"]
    ]
    return [arn for arns in both for arn in arns if arn]


def gone(found: DeployedService) -> str:
    """Return that ECS does not know a service."""
    return (
        f"{found.name} must be a service of ECS, got none: {found.service} is not in the cluster {found.cluster}, "
        f"region {found.region}; deploy it again"
    )


def when_stopped(task: Answer) -> Any:  # noqa: ANN401 - a time
    """Return when a task stopped or began to."""
    return task.get("stoppedAt") or task.get("stoppingAt") or task["createdAt"]
