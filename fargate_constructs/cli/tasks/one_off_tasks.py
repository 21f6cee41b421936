"""Runs one task where a service or a job runs its own, follows it to its end, and stops it if it is interrupted.

Launch ──> RunTask ──> StartedTask ──> DescribeTasks, again and again ──> exit code, and the reason why it stopped
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer, aws_errors, is_passing
from fargate_constructs.cli.causes import cause_of
from fargate_constructs.cli.causes.diagnosis import task_text
from fargate_constructs.cli.tasks.task_launch import Launch, Override
from fargate_constructs.cli.terminal.interrupts import deferred_interrupts, terminations_as_interrupts
from fargate_constructs.cli.terminal.output import say

# DescribeTasks is a read of a cluster's resources, which may be 20 a second
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html).
PAUSE_SECONDS = 2.0
# How long ECS may not know a task that it has just started
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html).
UNKNOWN_SECONDS = 120.0
# How long AWS may give no answer before a wait ends: a network that comes back, a laptop that was closed.
SILENT_SECONDS = 600.0
MAY_HAVE_STARTED = (
    "ECS may have started a task; look for it with: aws ecs list-tasks --cluster {cluster} --started-by {started_by}"
)
STOP_COMMAND = "aws ecs stop-task --cluster {cluster} --task {id}"
# The end of a task, after which its containers do not change.
ENDED = ("DEPROVISIONING", "STOPPED")


class NotStartedError(ValueError):
    """ECS started no task. The message says why, and what to do."""


class Ended(NamedTuple):
    """How a task ended."""

    task: Answer
    """Of DescribeTasks."""
    container: str
    is_over_time: bool = False
    """Whether it was stopped because its time was over."""

    @property
    def exit_code(self) -> int | None:
        """The exit code of the container; `None` if it did not start, or ECS does not know it."""
        return next((each.get("exitCode") for each in self.task["containers"] if each["name"] == self.container), None)

    @property
    def reason(self) -> str:
        """All that ECS reports about the end, in one line."""
        return task_text(self.task)

    @property
    def explanation(self) -> str:
        """The reason, and what it means and what to do if that is known."""
        return _explained(self.reason)


class StartedTask:
    """A task that this program started, and therefore stops."""

    def __init__(self, ecs: Any, task: Answer, container: str) -> None:  # noqa: ANN401 - of boto3
        self.task = task
        """Of DescribeTasks, as it was last seen."""
        self.container = container
        self._ecs = ecs

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.task["taskArn"])

    @property
    def cluster(self) -> str:
        """The name of its cluster."""
        return str(self.task["clusterArn"].rpartition("/")[2])

    @property
    def id(self) -> str:
        """Its ID."""
        return self.arn.rpartition("/")[2]

    @property
    def is_over(self) -> bool:
        """Whether ECS has reported the end of each container, which it does before the task is STOPPED."""
        status, containers = self.task["lastStatus"], self.task["containers"]
        return status == "STOPPED" or (status in ENDED and all("exitCode" in each for each in containers))

    def wait(self, *, timeout: float | None = None, at_each_look: Callable[[Answer], None] = lambda _: None) -> Ended:
        """Wait until the task has stopped.

        Ctrl-C, SIGTERM and SIGHUP stop the task, and wait for its end; another Ctrl-C leaves it, and says so. If the
        reader of the output has ended, the task is stopped, too. Any other error leaves it.

        Args:
            timeout: After so many seconds the task is stopped.
            at_each_look: Is called with each answer about the task, also while it stops; for example, it prints what
                the task has logged.

        Raises:
            KeyboardInterrupt: After an interrupt.
            TimeoutError: If AWS gave no answer for ten minutes.
        """
        with terminations_as_interrupts():
            try:
                end = None if timeout is None else time.monotonic() + timeout
                if self._is_over_before(end, at_each_look):
                    return Ended(self.task, self.container)
                say(f"{timeout:g} seconds are over; stops task {self.id}")
                self.stop(f"not done after {timeout:g} seconds")
                self._is_over_before(None, at_each_look)
                return Ended(self.task, self.container, is_over_time=True)
            except KeyboardInterrupt:
                self._stop_after_interrupt(at_each_look)
                raise
            except BrokenPipeError:  # as a local program in `… | head`
                self._stop_after_interrupt()
                raise
            except BaseException:
                self._say_that_it_goes_on()
                raise

    def stop(self, reason: str) -> None:
        """Ask ECS to stop the task: SIGTERM now, SIGKILL after its stop timeout."""
        self._ecs.stop_task(cluster=self.cluster, task=self.arn, reason=reason)

    def _stop_after_interrupt(self, at_each_look: Callable[[Answer], None] = lambda _: None) -> None:
        try:
            say(f"stops task {self.id}; Ctrl-C again leaves it")
            self.stop("interrupted")
            self._is_over_before(None, at_each_look)
        except BaseException:
            self._say_that_it_goes_on()
            raise

    def _say_that_it_goes_on(self) -> None:
        command = STOP_COMMAND.format(cluster=self.cluster, id=self.id)
        say(f"task {self.id} may go on, and cost; stop it with: {command}")

    def _is_over_before(self, end: float | None, at_each_look: Callable[[Answer], None]) -> bool:
        """Wait until the task is over; return whether it was before a time."""
        while True:
            self.task = self._look()
            at_each_look(self.task)
            if self.is_over:
                return True
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(PAUSE_SECONDS)

    def _look(self) -> Answer:
        """Return what ECS knows about the task; wait if there is no answer.

        Raises:
            TimeoutError: If there is none for minutes, or ECS has forgotten the task.
        """
        begin, is_silent = time.monotonic(), False
        while True:
            try:
                found = self._ecs.describe_tasks(cluster=self.cluster, tasks=[self.arn])["tasks"]
            except aws_errors() as error:
                if not is_passing(error):
                    raise
                if time.monotonic() - begin > SILENT_SECONDS:
                    raise TimeoutError(f"AWS gives no answer about task {self.id}: {error}") from error
                if not is_silent:
                    say("AWS gives no answer; asks again")
                is_silent = True
            else:
                if found:
                    answer: Answer = found[0]
                    return answer
                if time.monotonic() - begin > UNKNOWN_SECONDS:
                    raise TimeoutError(f"ECS does not know task {self.id}; it forgets stopped tasks after an hour")
            time.sleep(PAUSE_SECONDS)


def start_task(ecs: Any, launch: Launch, override: Override, *, started_by: str) -> StartedTask:  # noqa: ANN401 - of boto3
    """Start one task.

    Args:
        ecs: The client of ECS.
        launch: Where it runs.
        override: What it has of its own.
        started_by: What ECS shows as `startedBy`: letters, numbers, hyphens, slashes and underscores.

    Raises:
        NotStartedError: If ECS starts no task.
        KeyboardInterrupt: If Ctrl-C came while ECS started it. Then it is stopped.
    """
    request = {
        "cluster": launch.cluster,
        "taskDefinition": launch.task_definition,
        **launch.parameters,
        "count": 1,
        "startedBy": started_by,
        "overrides": override.parameters(),
    }
    warning = MAY_HAVE_STARTED.format(cluster=launch.cluster.rpartition("/")[2], started_by=started_by)
    with deferred_interrupts(warning) as interrupts:
        answer = _run_task(ecs, request, warning)
    for task in answer["tasks"]:
        started = StartedTask(ecs, task, override.container)
        if interrupts:
            with terminations_as_interrupts():
                started._stop_after_interrupt()
            raise KeyboardInterrupt
        return started
    reasons = dict.fromkeys(
        ": ".join(filter(None, (each.get("reason"), each.get("detail")))) for each in answer["failures"]
    )
    raise NotStartedError(f"ECS started no task: {_explained('; '.join(reasons) or 'it gives no reason')}")


def _run_task(ecs: Any, request: Mapping[str, Any], warning: str) -> Answer:  # noqa: ANN401 - of boto3
    """Call RunTask; what ECS refuses is a text with its cause, if that is known."""
    from botocore.exceptions import HTTPClientError  # noqa: PLC0415 - the same

    try:
        answer: Answer = ecs.run_task(**request)
    except ecs.exceptions.ClientError as error:
        text = error.response["Error"].get("Message", "")
        if cause_of(text) is None:
            raise
        raise NotStartedError(f"ECS started no task: {_explained(text)}") from error
    except HTTPClientError:  # the request has been sent
        say(warning)
        raise
    return answer


def _explained(text: str) -> str:
    cause = cause_of(text)
    return f"{cause.what} {cause.todo} ({text})" if cause else text
