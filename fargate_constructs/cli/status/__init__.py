"""`fargate-constructs status`: how services are, now or again and again.

```
AWS ──> status_of_service ─┐                        ┌─> status_text (a screen), JSON
    ──> status_of_all     ─┼─> status_model ────────┤
    ──> status_of_job     ─┘   (what is a problem)  └─> status_watch (what changed, whether it is over)
```
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.deployed.deployed_jobs import DeployedJob, find_service_or_job
from fargate_constructs.cli.deployed.deployed_resources import place_of
from fargate_constructs.cli.deployed.deployed_services import DeployedService, all_services
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.status.status_model import Outcome, Overview, ServiceStatus, words
from fargate_constructs.cli.status.status_of_all import TableReader
from fargate_constructs.cli.status.status_of_job import job_status
from fargate_constructs.cli.status.status_of_service import StatusReader
from fargate_constructs.cli.status.status_text import MAX_TASKS, all_of_them, one_job, one_service
from fargate_constructs.cli.status.status_watch import Clock, Look, Screen, lines, looks, verdict
from fargate_constructs.cli.terminal.moments import Duration
from fargate_constructs.cli.terminal.output import console, print_json, print_screen

if TYPE_CHECKING:
    from boto3 import Session

Read = Callable[[], Overview]
INTERVAL, TIMEOUT = "5s", "30m"
CLOCK = Clock(lambda: datetime.now(UTC), time.sleep)
# The lines of a screen that are not tasks.
OTHER_LINES = 24
EXAMPLES = """\b
Examples:
  fargate-constructs status
  fargate-constructs status Shop/Web
  fargate-constructs status Shop/Web --watch --interval 10
  fargate-constructs status Shop/Web --wait --timeout 20m
  fargate-constructs status Shop/Report
  fargate-constructs status my-cluster/my-service --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("service", metavar="[SERVICE|JOB]", required=False)
@click.option("--watch", is_flag=True, help="Look again and again until Ctrl-C, and show what changed.")
@click.option(
    "--wait", is_flag=True, help="Look until the deployment is over: status 0 if it is complete, 1 if it failed."
)
@click.option(
    "--interval",
    type=Duration(),
    default=INTERVAL,
    show_default=True,
    help="The time between two looks.",
)
@click.option(
    "--timeout",
    type=Duration(),
    default=TIMEOUT,
    show_default=True,
    help="How long --wait waits; then the status is 2.",
)
@place_options()
@click.pass_context
def command(
    context: click.Context,
    *,
    service: str | None,
    watch: bool,
    wait: bool,
    interval: int,
    timeout: int,
    as_json: bool,
    place: Place,
) -> None:
    """Show how services are: deployment, tasks, targets, alarms.

    The name is a construct path, such as Shop/Web, or a part of it that fits one service or one job; or
    CLUSTER/SERVICE, also of a service that CDK did not make. Without it there is a table of all services of the app
    (cdk.out), or else of the region. Nothing is changed.

    The status is 1 if something is not healthy: fewer tasks run than desired, the last deployment failed or was rolled
    back, a task or target is unhealthy, an alarm is in ALARM, or the last run of a job failed.
    """
    session = place.session()
    found = find_service_or_job(session, service.strip("/"), place.app, place.region) if service else None
    if isinstance(found, DeployedJob):
        if watch or wait:
            raise ValueError(f"--watch and --wait need a service, got: the job {found.name}; leave them out")
        context.exit(FINDING if _print_job(found, as_json=as_json) else 0)
    read = _reader(session, found, place)
    if not (watch or wait):
        overview = read()
        _print(overview, as_json=as_json)
        context.exit(FINDING if any(each.problems for each in overview.services) else 0)
    some = looks(read, interval, CLOCK)
    if wait:
        waiting = _Waiting(some, timeout)
        _show(iter(waiting), as_json=as_json)
        context.exit(FINDING if waiting.outcome is Outcome.FAILED else 0)
    _show(some, as_json=as_json)


def _reader(session: Session, found: DeployedService | None, place: Place) -> Read:
    """Return what asks for the status of one service, or of all."""
    if found:
        reader = StatusReader(session, found, CLOCK.now)
        return lambda: Overview([reader.status()], is_one=True)
    services = all_services(session, place.app, place.region)
    if not services:
        raise ValueError(f"{place_of(session, place.region)} has no ECS service; correct --profile or --region")
    return TableReader(session, services).overview


def _print_job(found: DeployedJob, *, as_json: bool) -> list[str]:
    """Print the status of a job; return its problems."""
    status = job_status(found)
    if as_json:
        document = _plain(status)
        gaps = document.pop("gaps")
        print_json({"problems": status.problems, **document, "not_shown": gaps})
    else:
        print_screen(console(), one_job(status, CLOCK.now()))
    return status.problems


class _Waiting:
    """Looks until the deployments are over."""

    def __init__(self, some: Iterator[Look], seconds: int) -> None:
        self._some, self._seconds = some, seconds
        self.outcome = Outcome.IN_PROGRESS

    def __iter__(self) -> Iterator[Look]:
        began, is_first = CLOCK.now(), True
        while True:
            look = next(self._some)
            yield look
            self.outcome = Outcome.IN_PROGRESS if look.error else verdict(look.overview)
            # ECS may show a new deployment some seconds late (https://github.com/aws/aws-cli/issues/9275).
            if self.outcome is not Outcome.IN_PROGRESS and not is_first:
                return
            is_first = False
            if (CLOCK.now() - began).total_seconds() >= self._seconds:
                open_ = [each for each in look.overview.services if not each.is_complete]
                got = look.error or ", ".join(f"{each.found.name} {summary(each)}" for each in open_)
                raise ValueError(f"the deployment must be over within {self._seconds} seconds, got: {got}")


def _show(some: Iterator[Look], *, as_json: bool) -> None:
    """Show looks: drawn in a terminal, else as lines."""
    screen = console()
    if as_json:
        for place, look in enumerate(some):
            if look.changes or place == 0:
                click.echo(json.dumps(_document(look.overview), ensure_ascii=False))
    elif screen.is_terminal and not screen.is_dumb_terminal:
        Screen(screen, lambda overview: _text(overview, screen.width, screen.height), CLOCK).show(some)
    else:
        for line in lines(some, summary, CLOCK.now):
            click.echo(line)


def summary(status: ServiceStatus) -> str:
    """Return the status of a service as one line."""
    reason = f": {status.deployment.reason}" if status.deployment.reason else ""
    deployment = f"deployment {words(status.deployment.state) or 'not known'}{reason}"
    tasks = f"{status.running} of {status.desired} tasks run, {status.pending} start"
    deleted = [] if status.is_active else [f"the service is {words(status.state)}"]
    return ", ".join([*deleted, tasks, *(f"alarm {each} is in ALARM" for each in status.alarms or ()), deployment])


def _text(overview: Overview, width: int, height: int) -> RenderableType:
    if overview.is_one:
        tasks = min(MAX_TASKS, max(height - OTHER_LINES, 3))
        return one_service(overview.services[0], CLOCK.now(), width=width, tasks=tasks)
    return all_of_them(overview, CLOCK.now())


def _print(overview: Overview, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(overview))
        return
    screen = console()
    print_screen(screen, _text(overview, screen.width, OTHER_LINES + MAX_TASKS))


def _document(overview: Overview) -> Any:  # noqa: ANN401 - what JSON has
    documents = [as_document(each) for each in overview.services]
    return documents[0] if overview.is_one else {"services": documents, "not_shown": overview.gaps}


def as_document(status: ServiceStatus) -> dict[str, Any]:
    """Return the status of a service as a document for JSON."""
    document: dict[str, Any] = _plain(status)
    found, gaps = document.pop("found"), document.pop("gaps")
    document["deployment"]["outcome"] = status.deployment.outcome.value
    return {"service": found, "problems": status.problems, **document, "not_shown": gaps}


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON has
    """Return a value as JSON has it: named tuples as objects, times as texts."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
