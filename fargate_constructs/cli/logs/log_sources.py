"""Finds where a service, a job, a task or a log group of the app logs.

name ──> service or job ──> task definition ──> containers ──> log driver, log group, streams
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.cloudwatch_log_groups import describe_log_group
from fargate_constructs.cli.deployed.deployed_jobs import DeployedJob, find_service_or_job
from fargate_constructs.cli.deployed.deployed_resources import listed, region_of
from fargate_constructs.cli.deployed.deployed_services import describe_service
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.tasks.container_log import without_stream
from fargate_constructs.cli.tasks.task_launch import Launch

if TYPE_CHECKING:
    from boto3 import Session

ROUTED_KEYS = "/log_group="
LOG_GROUP = re.compile(r"[A-Za-z0-9._/#-]{1,512}")
# Of a task, also one that began before 2018; without a prefix, on EC2, a stream has Docker's ID of the container.
TASK_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f-]{36}|[0-9a-f]{64}")


class LogSource(NamedTuple):
    """The log of a container, or a whole log group."""

    log_group: str
    region: str
    container: str = ""
    """Empty for all of the log group."""
    stream_prefix: str = ""
    """What the names of its streams begin with: `<prefix>/<container>/`, and then the task's ID; empty if not known."""
    router_bucket: str = ""
    """The bucket to which a log router of this library sends the lines, without CloudWatch Logs."""
    task: str = ""
    """What the IDs of its tasks begin with."""

    @property
    def prefix(self) -> str:
        """What the names of its streams begin with, as far as it is known."""
        return f"{self.stream_prefix}{self.task}" if self.stream_prefix else ""

    def has(self, stream: str) -> bool:
        """Whether a stream belongs to it."""
        container, task = self.split(stream)
        is_own = self._is_below(stream) if self.stream_prefix else self.container in ("", container)
        return is_own and task.startswith(self.task)

    def split(self, stream: str) -> tuple[str, str]:
        """Return the container and the task of a stream, as far as its name has them."""
        if self._is_below(stream):
            return self.container, stream[len(self.stream_prefix) :]
        before, _, task = stream.rpartition("/")
        return (before.rpartition("/")[2], task) if TASK_ID.fullmatch(task) else ("", "")

    def _is_below(self, stream: str) -> bool:
        """Whether a stream has the prefix; backfill may have written `-` for `/`, if the stream was deleted before."""
        prefix = self.stream_prefix
        return bool(prefix) and stream.startswith((prefix, prefix.replace("/", "-")))


class Logs(NamedTuple):
    """Where something logs."""

    name: str
    """Its construct path, CLUSTER/SERVICE, or the log group."""
    sources: Sequence[LogSource]
    notes: Sequence[str] = ()
    """What logs elsewhere, and where."""

    def of(self, containers: Sequence[str], task: str) -> Logs:
        """Return the logs of some containers, or of all, and of the tasks whose IDs begin so.

        Raises:
            ValueError: If there is no such container.
        """
        sources = [each._replace(task=task) for each in self.sources]
        if containers and [each.container for each in sources] == [""]:
            return self._replace(sources=[sources[0]._replace(container=each) for each in containers])
        names = {each.container for each in sources if each.container}
        for each in containers:
            if each not in names:
                raise ValueError(f"--container must be one of {listed(names) or 'none that logs here'}, got: {each}")
        return self._replace(sources=[each for each in sources if each.container in containers or not containers])

    def by_group(self) -> dict[tuple[str, str, str], list[LogSource]]:
        """Return the sources of each log group in its region, apart from those of a router's bucket."""
        groups: dict[tuple[str, str, str], list[LogSource]] = {}
        for each in self.sources:
            groups.setdefault((each.region, each.log_group, each.router_bucket), []).append(each)
        return groups


def find_logs(session: Session, name: str, place: Place) -> Logs:
    """Return where something logs.

    Its name is the construct path of a service, a job or a task definition, or a part of it that fits no other;
    CLUSTER/SERVICE; or the name of a log group.

    Raises:
        ValueError: If there is none, or more than one.
    """
    if name.startswith("/"):  # of a log group that was deleted, the archive may have lines
        return Logs(name, [LogSource(name, region_of(session, place.region))])
    try:
        found = find_service_or_job(session, name, place.app, place.region)
    except ValueError as error:
        here = region_of(session, place.region)
        if _has_log_group(session, name, here):
            return Logs(name, [LogSource(name, here)])
        raise ValueError(f"{error}; nor is there a log group of this name") from None
    if isinstance(found, DeployedJob):
        arn = found.task_definition
    else:
        arn = Launch.of_service(describe_service(session, found)).task_definition
    client: Any = session.client("ecs", region_name=found.region)
    definition = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    places = [_source(each, found.region) for each in definition["containerDefinitions"]]
    sources = [each for each in places if isinstance(each, LogSource)]
    return Logs(found.name, sources, [each for each in places if isinstance(each, str)])


def _has_log_group(session: Session, name: str, region: str) -> bool:
    if not LOG_GROUP.fullmatch(name):  # CloudWatch Logs refuses another name
        return False
    return bool(describe_log_group(session.client("logs", region_name=region), name))


def _source(container: Answer, region: str) -> LogSource | str:
    """Return the log of a container, or where its lines are."""
    name, logging = container["name"], container.get("logConfiguration", {})
    options = logging.get("options", {})
    match logging.get("logDriver"):
        case "awslogs":
            group, region = options["awslogs-group"], options.get("awslogs-region", region)
            prefix = options.get("awslogs-stream-prefix")
            # Without a prefix, on EC2 alone, the names of streams do not have the container.
            return LogSource(group, region, name, f"{prefix}/{name}/") if prefix else LogSource(group, region)
        case "awsfirelens" if options.get("s3_key_format", "").startswith(ROUTED_KEYS):
            group = options["s3_key_format"].removeprefix(ROUTED_KEYS).partition("/")[0]
            # The prefix of its streams is the router's.
            return LogSource(group, options.get("region", region), name, "", options["bucket"])
    return without_stream(container)
