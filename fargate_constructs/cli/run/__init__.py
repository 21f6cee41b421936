"""`fargate-constructs run`: a one-off task, whose log and exit status are those of its command."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from fargate_constructs.cli.aws import Answer, aws_errors, meaning_of
from fargate_constructs.cli.command_line import NO_RESULT
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.run.one_off_targets import Target, target_of
from fargate_constructs.cli.tasks.container_log import ContainerLog, stream_of, without_stream
from fargate_constructs.cli.tasks.one_off_tasks import Ended, StartedTask, start_task
from fargate_constructs.cli.tasks.task_launch import Override
from fargate_constructs.cli.terminal.moments import Duration
from fargate_constructs.cli.terminal.output import print_json

if TYPE_CHECKING:
    from boto3 import Session

# As `timeout` of GNU has it.
OVER_TIME = 124
STARTED_BY = "fargate-constructs/run"
# CloudWatch Logs shows a line some seconds after it was written: the log ends if so many looks find none.
QUIET_LOOKS, PAUSE_SECONDS = 3, 2.0
EXAMPLES = """\b
Examples:
  fargate-constructs run Shop/Web -- ./manage.py migrate
  fargate-constructs run Shop/Report
  fargate-constructs run Shop/Report --env DAY=2026-11-28 --timeout 30m
  fargate-constructs run my-cluster/my-service --detach -- ./reindex.sh
"""


def variables(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Return variables, each given as `NAME=value`."""
    pairs = [each.partition("=") for each in values]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise click.BadParameter(f"it must be NAME=value, got: {name}{equals}")
    return {name: value for name, _, value in pairs}


@click.command(epilog=EXAMPLES)
@click.argument("name", metavar="SERVICE|JOB")
@click.argument("words", metavar="[-- COMMAND]", nargs=-1)
@click.option("--container", metavar="NAME", help="The container that gets the command. By default the main one.")
@click.option(
    "--env",
    multiple=True,
    metavar="NAME=VALUE",
    callback=variables,
    help="A variable of this task. May be written several times.",
)
@click.option(
    "--cpu", type=click.IntRange(min=1), metavar="UNITS", help="CPU units of this task, such as 1024 for a vCPU."
)
@click.option("--memory", type=click.IntRange(min=1), metavar="MIB", help="MiB of this task.")
@click.option("--timeout", type=Duration(), help="Stop the task after a time, such as 30m. By default never.")
@click.option("--detach", is_flag=True, help="Start the task, print its ID, and do not wait for it.")
@click.option("--like", metavar="SERVICE", help="A service whose cluster, network and capacity the task gets.")
@place_options()
@click.pass_context
def command(
    context: click.Context,
    *,
    name: str,
    words: tuple[str, ...],
    container: str | None,
    env: Mapping[str, str],
    cpu: int | None,
    memory: int | None,
    timeout: int | None,
    detach: bool,
    like: str | None,
    as_json: bool,
    place: Place,
) -> None:
    """Run a one-off task, and end with its exit status.

    SERVICE or JOB is a construct path, such as Shop/Web, a part of it that fits one service or job, or CLUSTER/SERVICE.
    The task runs the deployed revision in the network of the service, and the command prints its log. ECS cannot
    override the entry point: that of the image gets COMMAND as its arguments. Without COMMAND a job runs its own.

    Ctrl-C stops the task. The status is that of the container; 125 if the task did not start, was stopped, or there is
    no answer; 124 if its time was over; 130 after Ctrl-C.
    """
    if detach and timeout:
        raise click.UsageError("--timeout needs this program to wait; leave out --detach")
    session = place.session()
    target = target_of(session, name.strip("/"), like=like, container=container, place=place)
    if target.is_service and not words:
        raise click.UsageError("the command of a service does not end; write another one: -- COMMAND")
    ecs = session.client("ecs", region_name=target.region)
    main, definition = target.container["name"], target.launch.task_definition.rpartition("/")[2]
    task = start_task(ecs, target.launch, Override(main, words, env, cpu, memory), started_by=STARTED_BY)
    click.echo(f"{target.name}: task {task.id} of {definition}, cluster {task.cluster}, {target.region}", err=True)
    document = {
        "name": target.name,
        "task": task.id,
        "task_definition": definition,
        "cluster": task.cluster,
        "region": target.region,
        "container": main,
    }
    if detach:
        print_json(document) if as_json else click.echo(task.id)
        return
    ended = follow(task, log_of(session, target, task.id), timeout, partial(click.echo, err=as_json))
    status = status_of(ended)
    if as_json:
        print_json({**document, "status": status, "exit_code": ended.exit_code, "reason": ended.reason})
    if status:
        click.echo(f"task {task.id}: {end_of(ended, status)}", err=True)
    context.exit(status)


def log_of(session: Session, target: Target, task_id: str) -> ContainerLog | None:
    """Return the log of a target's container; say where it is if it is not in CloudWatch Logs."""
    place = stream_of(target.container, task_id, target.region)
    if place is None:
        click.echo(without_stream(target.container), err=True)
        return None
    region, group, stream = place
    return ContainerLog(session.client("logs", region_name=region), group, stream)


def follow(task: StartedTask, log: ContainerLog | None, timeout: float | None, echo: Callable[[str], None]) -> Ended:
    """Print what a task logs until it has ended, and to the last line; print its states on the standard error."""
    states: list[str] = []

    def look(answer: Answer) -> None:
        if answer["lastStatus"] not in states:
            states.append(answer["lastStatus"])
            click.echo(f"task {task.id} is {answer['lastStatus']}", err=True)
        if printer:
            printer.print_new_lines()

    printer = LogPrinter(log, echo) if log else None
    try:
        return task.wait(timeout=timeout, at_each_look=look)
    finally:
        has_run = Ended(task.task, task.container).exit_code is not None
        if printer and has_run and task.is_over:
            printer.print_last_lines(task.id)


class LogPrinter:
    """Prints a log as far as AWS answers: a task goes on without its log, and so does the wait for its end."""

    def __init__(self, log: ContainerLog, echo: Callable[[str], None]) -> None:
        self._log, self._echo = log, echo
        self._is_readable, self._is_empty = True, True

    def print_new_lines(self) -> int:
        """Print the lines that were not printed before; return how many there are."""
        count = 0
        try:
            for line in self._log.new_lines():
                self._echo(line)
                self._is_empty = False
                count += 1
        except aws_errors() as error:
            if self._is_readable:
                click.echo(f"the log cannot be read, asks again: {meaning_of(error)}", err=True)
            self._is_readable = False
        else:
            self._is_readable = True
        return count

    def print_last_lines(self, task_id: str) -> None:
        """Print what CloudWatch Logs shows some seconds after a task has ended."""
        quiet = 0
        while quiet < QUIET_LOOKS:
            time.sleep(PAUSE_SECONDS)
            quiet = 0 if self.print_new_lines() else quiet + 1
        if self._is_empty or not self._is_readable:
            lack = "there is no line yet" if self._is_readable else "lines are missing"
            click.echo(f"{lack}; look later with: fargate-constructs logs {self._log.group} --task {task_id}", err=True)


def end_of(ended: Ended, status: int) -> str:
    """Return how a task ended that has not succeeded."""
    if ended.is_over_time:
        return "its time was over"
    return f"exit code {status}" if status == ended.exit_code and status < OVER_TIME else ended.explanation


def status_of(ended: Ended) -> int:
    """Return the exit status of this program: that of the container, if it ended by itself.

    A program that is stopped may end with 0, too, without having done its work.
    """
    if ended.is_over_time:
        return OVER_TIME
    if ended.exit_code == 0 and ended.task.get("stopCode") == "EssentialContainerExited":
        return 0
    return ended.exit_code or NO_RESULT
