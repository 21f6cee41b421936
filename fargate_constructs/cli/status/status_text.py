"""Shows the status of services as text, for terminals of any width, without meaning by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fargate_constructs.cli.deployed.service_facts import DEPLOYMENTS
from fargate_constructs.cli.status.queue_depth import Queue
from fargate_constructs.cli.status.status_model import (
    ENDING,
    UNHEALTHY,
    Deployment,
    Event,
    Outcome,
    Overview,
    Revision,
    ServiceStatus,
    short,
    words,
)
from fargate_constructs.cli.status.status_of_job import JobStatus, Run

LABEL, INDENT = 12, 2
# What one screen shows of each; JSON has all.
MAX_TASKS, MAX_EVENTS, MAX_TARGETS, MAX_URLS, MAX_REASONS, MAX_PROBLEMS, MAX_RUNS = 10, 5, 5, 3, 3, 6, 5
WIDE = 110
TASK_COLUMNS = ("TASK", "STATE", "AGE", "ZONE", "REVISION", "CAPACITY", "HEALTH", "TARGET")
STRATEGIES = {"ROLLING": "rolling", "BLUE_GREEN": "blue/green", "CANARY": "canary", "LINEAR": "linear"}
CAPACITIES = {"FARGATE": "Fargate", "FARGATE_SPOT": "Spot"}
DAY = timedelta(days=1)
NO_RUNS = "none in about the last hour"


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit."""
    seconds = max(int((now - since).total_seconds()), 0)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def clock(time: datetime, now: datetime) -> str:
    """Return a time of the last day as a time, and an earlier one with its date."""
    is_new = now - time < DAY
    return f"{time.astimezone(UTC):{'%H:%M:%S' if is_new else '%Y-%m-%d %H:%M'}}"


def one_service(status: ServiceStatus, now: datetime, *, width: int, tasks: int = MAX_TASKS) -> RenderableType:
    """Return the screen of one service."""
    found = status.found
    place = Text(f"service {found.service}, cluster {found.cluster}, {found.region}")
    parts: list[RenderableType] = [*_head(found.name, status.problems), place, _facts(_rows(status, now))]
    if status.tasks:
        parts += [Text(), _tasks(status, now, width=width, count=tasks)]
    others = [each for each in status.targets if each.state not in ("healthy", *UNHEALTHY)]
    if others:
        lines = [f"{each.name} {each.state} {each.reason}".rstrip() for each in others[:MAX_TARGETS]]
        parts += _section("Other targets", lines, len(others) - MAX_TARGETS)
    if status.events:
        shown = [_event(each, now) for each in status.events[:MAX_EVENTS]]
        parts += _section("Events (UTC)", shown, 0)
    parts += _notes("Not shown", status.gaps)
    return Group(*parts)


def one_job(status: JobStatus, now: datetime) -> RenderableType:
    """Return the screen of a job."""
    rows = [
        ("Schedule", status.schedules),
        ("Runs", [_run(each, now) for each in status.runs[:MAX_RUNS]] or ["none known" if status.gaps else NO_RUNS]),
        ("Alarms", [_alarms(status.alarms)]),
        ("Queues", _queues(status.queues)),
    ]
    place = f"job, task definition {status.task_definition}, {status.region}"
    return Group(*_head(status.name, status.problems), Text(place), _facts(rows), *_notes("Not shown", status.gaps))


def _run(run: Run, now: datetime) -> str:
    state = words(run.state)
    if run.ended:
        state = f"{state} after {age(run.began, run.ended)}"
    return f"{clock(run.began, now)}  {short(run.id)}  {state}{', ' if run.reason else ''}{run.reason}"


def _alarms(alarms: Sequence[str] | None) -> str:
    return "not known" if alarms is None else f"{len(alarms) or 'none'} in ALARM"


def _queues(queues: Sequence[Queue]) -> list[str]:
    return [f"{each.name}: {each.waiting} wait, {each.in_work} in work" for each in queues]


def _head(name: str, problems: Sequence[str]) -> Iterator[RenderableType]:
    """Yield the name, and what is not healthy."""
    count = len(problems)
    title = f"{count} problem{'' if count == 1 else 's'}" if count else "healthy"
    yield Text(f"{name}: {title}", style="bold red" if count else "bold green")
    for each in problems[:MAX_PROBLEMS]:
        yield Padding.indent(_facts([("- ", [each])], width=INDENT), INDENT)
    if count > MAX_PROBLEMS:
        yield Text(f"{'':{INDENT}}and {count - MAX_PROBLEMS} more, which --json has")


def _section(title: str, lines: Sequence[str], more: int) -> list[RenderableType]:
    """Return lines below a title, each cut at the width of the screen."""
    rest = [Text(f"{'':{INDENT}}and {more} more, which --json has")] if more > 0 else []
    texts = [Text(f"{'':{INDENT}}{each}", no_wrap=True, overflow="ellipsis") for each in lines]
    return [Text(), Text(title, style="bold"), *texts, *rest]


def _notes(title: str, texts: Sequence[str]) -> list[RenderableType]:
    """Return whole texts below a title; nothing if there are none."""
    return [Text(), Text(title, style="bold"), *(Padding.indent(Text(each), INDENT) for each in texts)] if texts else []


def _facts(rows: Iterable[tuple[str, Sequence[str]]], width: int = LABEL) -> Table:
    """Return what is true of the whole, each line after its label."""
    table = Table.grid()
    table.add_column(width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for label, lines in rows:
        for place, line in enumerate(lines):
            table.add_row("" if place else label, line)
    return table


def _table(*columns: str, no_wrap: Sequence[str] = ()) -> Table:
    """Return a table whose columns get narrower, except some."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for each in columns:
        table.add_column(each, no_wrap=each in no_wrap, overflow="fold")
    return table


def _rows(status: ServiceStatus, now: datetime) -> Iterator[tuple[str, Sequence[str]]]:
    yield "Tasks", [f"{status.running} of {status.desired} run, {status.pending} start"]
    lacks = any(each.startswith(f"{DEPLOYMENTS}: ") for each in status.gaps)
    doubt = ["a rollback looks the same: deployments are not shown"] if lacks else []
    yield "Deployment", [*_deployment(status.deployment, now), *doubt]
    if status.stopped:
        total = sum(count for _, count in status.stopped)
        reasons = [f"{count} x {reason}" for reason, count in status.stopped[:MAX_REASONS]]
        yield "Stopped", [f"{total} in about the last hour; `fargate-constructs explain` says why", *reasons]
    yield "Alarms", [_alarms(status.alarms)]
    if status.urls:
        more = len(status.urls) - MAX_URLS
        yield "URL", [*status.urls[:MAX_URLS], *([f"and {more} more, which --json has"] if more > 0 else [])]
    if status.egress:
        yield "Egress", [", ".join(status.egress)]
    if status.log:
        last = f"{age(status.log.last, now)} ago" if status.log.last else "more than an hour ago"
        yield "Log", [f"last lines reached the archive {status.log.archive} {last}"]
    yield "Queues", _queues(status.queues)


def _deployment(deployment: Deployment, now: datetime) -> Iterator[str]:
    parts = [f"{words(deployment.state)}{_when(deployment, now)}" or "not known: another tool than ECS deploys"]
    if deployment.state:
        parts.append(STRATEGIES.get(deployment.strategy, words(deployment.strategy)))
    if deployment.bake_minutes:
        parts.append(f"bake time {deployment.bake_minutes} min")
    names = [each.name for each in deployment.revisions if each.is_new and each.name]
    yield ", ".join([*parts, *names])
    if deployment.outcome is Outcome.IN_PROGRESS:
        if deployment.stage:
            yield f"stage {words(deployment.stage)}"
        yield from map(_revision, deployment.revisions)
        yield from (f"waits for hook {each}" for each in deployment.hooks)
    if deployment.failed_tasks:
        yield f"failed tasks: {deployment.failed_tasks}"
    if deployment.alarms:
        yield f"alarms that end it: {', '.join(deployment.alarms)}"
    if deployment.triggered:
        yield f"ended by the alarm {', '.join(deployment.triggered)}"


def _when(deployment: Deployment, now: datetime) -> str:
    """Return when a deployment ended, or how long it is in its state, or when it began."""
    if not deployment.state or not deployment.created:
        return ""
    if deployment.state in ENDING:
        return f", begun {age(deployment.created, now)} ago"
    if deployment.outcome is Outcome.IN_PROGRESS:
        return f" for {age(deployment.created, now)}"
    return f" {age(deployment.finished or deployment.created, now)} ago"


def _revision(revision: Revision) -> str:
    weight = "" if revision.weight is None else f", {revision.weight:g} % of the requests"
    name = f"{revision.name}: " if revision.name else ""
    return f"{'new' if revision.is_new else 'old'}  {name}{revision.running} of {revision.requested} run{weight}"


def _tasks(status: ServiceStatus, now: datetime, *, width: int, count: int) -> RenderableType:
    """Return the table of tasks, those with problems first."""
    is_wide = width >= WIDE
    table = _table(*TASK_COLUMNS, *(["ADDRESS"] if is_wide else []))
    ordered = sorted(status.tasks, key=lambda task: task.health != "UNHEALTHY" and task.target not in UNHEALTHY)
    for task in ordered[:count]:
        table.add_row(
            short(task.id),
            words(task.state),
            age(task.since, now),
            task.zone.removeprefix(status.found.region).lstrip("-") or "-",
            f"{task.revision} {task.image}",
            CAPACITIES.get(task.capacity, task.capacity),
            words(task.health) or "-",
            task.target or "-",
            *([task.address] if is_wide else []),
        )
    more = len(ordered) - count
    return Group(table, Text(f"and {more} more tasks, which --json has")) if more > 0 else table


def _event(event: Event, now: datetime) -> str:
    times = f"{event.times} times, last: " if event.times > 1 else ""
    return f"{clock(event.time, now)}  {times}{event.text}"


def all_of_them(overview: Overview, now: datetime) -> RenderableType:
    """Return the table of services, and below it what is not healthy."""
    statuses = overview.services
    table = _table("SERVICE", "TASKS", "DEPLOYMENT", "ALARMS", "URL", no_wrap=("TASKS", "ALARMS"))
    for status in statuses:
        more = f" +{len(status.urls) - 1}" if len(status.urls) > 1 else ""
        table.add_row(
            status.found.name,
            f"{status.running}/{status.desired}",
            _short_deployment(status.deployment, now),
            "-" if status.alarms is None else str(len(status.alarms)),
            Text(f"{status.urls[0]}{more}" if status.urls else "-", no_wrap=True, overflow="ellipsis"),
        )
    bad = [(each, problem) for each in statuses for problem in each.problems]
    lines = [f"{each.found.name}: {problem}" for each, problem in bad]
    return Group(table, *_notes("Not healthy", lines), *_notes("Not shown", overview.gaps))


def _short_deployment(deployment: Deployment, now: datetime) -> str:
    stage = f", {words(deployment.stage)}" if deployment.stage else ""
    when = f" {age(deployment.finished or deployment.created, now)}" if deployment.created else ""
    return f"{words(deployment.state) or 'not known'}{stage}{when}"
