"""Recorded answers about one-off tasks, and a time that does not pass by itself."""

from collections.abc import Callable
from typing import Any

from tests.cli.recorded_aws import NOW, RecordedAws

CLUSTER_ARN = "arn:aws:ecs:us-east-1:111122223333:cluster/shop"
DAY = 86_400
ID = "1dc5c17a422b4dc4b493970c6b8c4d6d"


def a_task(status: str = "RUNNING", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return what ECS knows about a one-off task."""
    arn = f"arn:aws:ecs:us-east-1:111122223333:task/shop/{ID}"
    containers = [{"name": "web", "lastStatus": status}]
    task = {"taskArn": arn, "clusterArn": CLUSTER_ARN, "lastStatus": status, "createdAt": NOW, "containers": containers}
    return {**task, **changes}


def ended(exit_code: int = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return what ECS knows about a task that has ended by itself."""
    reasons = {"stoppedReason": "Essential container in task exited", "stopCode": "EssentialContainerExited"}
    return a_task("STOPPED", **{**reasons, "containers": [{"name": "web", "exitCode": exit_code}], **changes})


class Time:
    """A clock that goes on while a program sleeps; at a time something may happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: dict[float, Callable[[], object]] = {}

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time go on."""
        self.now += seconds
        assert self.now < DAY, "the program waits without end"
        if event := self.events.pop(self.now, None):
            event()


def interrupt() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


def start_tasks(aws: RecordedAws) -> None:
    """Let AWS start a task, which ends when it is stopped."""
    looks = {"stopped": False}

    def stop(_request: object) -> dict[str, Any]:
        looks["stopped"] = True
        return {"task": a_task("DEACTIVATING")}

    def look(_request: object) -> dict[str, Any]:
        return {"tasks": [ended(143, stopCode="UserInitiated") if looks["stopped"] else a_task()]}

    aws.answers |= {
        "RunTask": {"tasks": [a_task("PROVISIONING")], "failures": []},
        "StopTask": stop,
        "DescribeTasks": look,
    }


def tasks_look(aws: RecordedAws, *looks: object) -> None:
    """Let DescribeTasks give answers, and the last of them again and again."""
    left = [*looks]

    def look(_request: object) -> Any:  # noqa: ANN401 - an answer
        each = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(each, Exception):
            raise each
        return each if isinstance(each, tuple) else {"tasks": [each] if each else []}

    aws.answers["DescribeTasks"] = look


def requests_of(aws: RecordedAws, operation: str) -> list[Any]:
    """Return the requests of an operation."""
    return [request for name, request in aws.requests if name == operation]
