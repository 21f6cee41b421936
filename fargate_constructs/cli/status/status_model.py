"""The status of a service: what is known of it, what is not healthy, and what changed since the last look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.status.archive_arrival import Arrival
from fargate_constructs.cli.status.queue_depth import Queue
from fargate_constructs.cli.terminal.output import SHORT_ID

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
FAILED = ("STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "FAILED")
ENDING = ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
UNHEALTHY = ("unhealthy", "unhealthy.draining", "unavailable")


class Outcome(Enum):
    """How far a deployment is."""

    COMPLETE = "complete"
    FAILED = "failed"
    IN_PROGRESS = "in progress"
    UNKNOWN = "unknown"


class Revision(NamedTuple):
    """A version of a service in a deployment."""

    name: str
    """Its task definition, such as `shop:7`; empty if it cannot be read."""
    is_new: bool
    running: int
    requested: int
    weight: float | None
    """Its percentage of the requests, if the deployment shifts them."""


class Deployment(NamedTuple):
    """The newest deployment of a service."""

    state: str
    """AWS's status of a service deployment; empty if another tool, such as CodeDeploy, deploys."""
    reason: str
    strategy: str
    stage: str
    bake_minutes: int
    created: datetime | None
    finished: datetime | None
    revisions: Sequence[Revision]
    alarms: Sequence[str]
    """Those that end the deployment."""
    triggered: Sequence[str]
    failed_tasks: str
    """The failed tasks and the threshold of the circuit breaker, such as `1 of 3`; empty if none failed."""
    hooks: Sequence[str]
    """The lifecycle hooks that it waits for."""

    @property
    def outcome(self) -> Outcome:
        """How far it is."""
        if self.state in FAILED:
            return Outcome.FAILED
        if self.state == "SUCCESSFUL":
            return Outcome.COMPLETE
        return Outcome.IN_PROGRESS if self.state else Outcome.UNKNOWN


class Task(NamedTuple):
    """A task that runs, or starts."""

    id: str
    state: str
    health: str
    """Of its container health checks; empty without them."""
    zone: str
    since: datetime
    revision: str
    """The number of its task definition."""
    image: str
    """The tag or digest of its image, shortened."""
    capacity: str
    """Its launch type or capacity provider, such as `FARGATE_SPOT`."""
    address: str
    target: str
    """The state of its targets, the worst first; empty without a load balancer."""


class Target(NamedTuple):
    """A target of a load balancer."""

    address: str
    state: str
    reason: str
    task: str
    """The ID of its task; empty if that is gone."""

    @property
    def name(self) -> str:
        """Its address, and its task."""
        return f"{self.address} (task {short(self.task)})" if self.task else self.address


class Event(NamedTuple):
    """An event of a service; those that differ only in the IDs in them are one."""

    time: datetime
    text: str
    times: int


class ServiceStatus(NamedTuple):
    """The status of a service. In a table of services some of it is not asked for, and empty."""

    found: DeployedService
    state: str
    running: int
    pending: int
    desired: int
    deployment: Deployment
    tasks: Sequence[Task] = ()
    targets: Sequence[Target] = ()
    stopped: Sequence[tuple[str, int]] = ()
    """Why tasks stopped in the last hour, and how many."""
    events: Sequence[Event] = ()
    alarms: Sequence[str] | None = ()
    """Its alarms in ALARM; `None` if they cannot be read."""
    urls: Sequence[str] = ()
    egress: Sequence[str] = ()
    """The addresses that the internet sees, and why there may be others."""
    log: Arrival | None = None
    """When lines last reached the archive of its log; `None` without an archive."""
    queues: Sequence[Queue] = ()
    gaps: Sequence[str] = ()
    """What could not be read, and why."""

    @property
    def problems(self) -> list[str]:
        """What is not healthy."""
        return list(_problems(self))

    @property
    def is_active(self) -> bool:
        """Whether ECS does not delete it."""
        return self.state == "ACTIVE"

    @property
    def is_complete(self) -> bool:
        """Whether its deployment is complete, and all tasks run."""
        done = self.deployment.outcome in (Outcome.COMPLETE, Outcome.UNKNOWN)
        return done and self.is_active and self.running >= self.desired


class Overview(NamedTuple):
    """The status of one service, or of several."""

    services: Sequence[ServiceStatus]
    is_one: bool
    """Whether a person named it."""
    gaps: Sequence[str] = ()
    """What could not be read about all of them, and why."""


def words(state: str) -> str:
    """Return a state of AWS as words."""
    return state.lower().replace("_", " ")


def _problems(status: ServiceStatus) -> Iterator[str]:
    if not status.is_active:
        yield f"the service is {words(status.state)}"
    if status.running < status.desired:
        yield f"{status.running} of {status.desired} tasks run"
    deployment = status.deployment
    if deployment.state in (*FAILED, *ENDING):
        yield f"last deployment {words(deployment.state)}" + (f": {deployment.reason}" if deployment.reason else "")
    for task in status.tasks:
        if task.health == "UNHEALTHY":
            yield f"task {short(task.id)} is unhealthy"
    for target in status.targets:
        if target.state in UNHEALTHY:
            yield f"target {target.name} is {target.state}" + (f": {target.reason}" if target.reason else "")
    for alarm in status.alarms or ():
        yield f"alarm {alarm} is in ALARM"


def short(id_: str) -> str:
    """Return an ID as people write it."""
    return id_[:SHORT_ID]


def changes(before: ServiceStatus, after: ServiceStatus) -> list[str]:
    """Return what changed from one look to the next, each as a line."""
    return [*_changed_counts(before, after), *_changed_tasks(before, after), *_changed_rest(before, after)]


def _changed_counts(before: ServiceStatus, after: ServiceStatus) -> Iterator[str]:
    old, new = before.deployment, after.deployment
    if after.state != before.state:
        yield f"the service is {words(after.state)}, was {words(before.state)}"
    if (new.state, new.stage) != (old.state, old.stage) or new.created != old.created:
        stage = f", {words(new.stage)}" if new.stage else ""
        yield f"deployment {words(new.state)}{stage}" + (f": {new.reason}" if new.reason != old.reason else "")
    for revision in new.revisions:
        same = [each for each in old.revisions if (each.name, each.is_new) == (revision.name, revision.is_new)]
        if revision.weight is not None and same and revision.weight != same[0].weight:
            yield f"{revision.name or 'a revision'} gets {revision.weight:g} % of the requests"
    if new.failed_tasks != old.failed_tasks and new.failed_tasks:
        yield f"failed tasks: {new.failed_tasks}"
    if (after.running, after.desired) != (before.running, before.desired):
        yield f"{after.running} of {after.desired} tasks run, were {before.running} of {before.desired}"


def _changed_tasks(before: ServiceStatus, after: ServiceStatus) -> Iterator[str]:
    old, new = ({each.id: each for each in status.tasks} for status in (before, after))
    for id_, task in new.items():
        if id_ not in old:
            yield f"task {short(id_)} is new, {words(task.state)}"
            continue
        for what, is_, was in (
            ("", task.state, old[id_].state),
            ("health ", task.health, old[id_].health),
            ("target ", task.target, old[id_].target),
        ):
            if is_ != was:
                yield f"task {short(id_)} {what}{words(is_) or 'unknown'}, was {words(was) or 'unknown'}"
    for id_ in old.keys() - new.keys():
        yield f"task {short(id_)} is gone"


def _changed_rest(before: ServiceStatus, after: ServiceStatus) -> Iterator[str]:
    if before.alarms is not None and after.alarms is not None:
        yield from (f"alarm {each} is in ALARM" for each in after.alarms if each not in before.alarms)
        yield from (f"alarm {each} is not in ALARM any more" for each in before.alarms if each not in after.alarms)
    seen = {(each.text, each.time) for each in before.events}
    for event in reversed(after.events):
        if (event.text, event.time) not in seen:
            yield f"event: {event.text}"
    for queue in after.queues:
        same = [each for each in before.queues if each.name == queue.name]
        for was in (each for each in same if each != queue):
            now = f"{queue.waiting} wait, {queue.in_work} in work"
            yield f"queue {queue.name}: {now}, were {was.waiting} and {was.in_work}"
