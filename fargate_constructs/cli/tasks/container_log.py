"""The containers of a task: which one a command is about, and the stream of its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fargate_constructs.cli.aws import Answer


def container_of(definition: Answer, name: str | None, service: Answer | None = None) -> Answer:
    """Return the definition of a container: by default of the one behind the load balancer, or the first essential one.

    Args:
        definition: Of DescribeTaskDefinition.
        name: The container's name.
        service: Of DescribeServices, if the task is of a service.

    Raises:
        ValueError: If the task has no such container.
    """
    containers: list[Answer] = definition["containerDefinitions"]
    if name:
        for each in containers:
            if each["name"] == name:
                return each
        names = ", ".join(each["name"] for each in containers)
        raise ValueError(f"--container must be one of {names}, got: {name}")
    balanced = {each.get("containerName") for each in (service or {}).get("loadBalancers", [])}
    first = next(each for each in containers if each.get("essential", True))  # ECS refuses a task without one
    return next((each for each in containers if each["name"] in balanced), first)


class ContainerLog:
    """The log stream of a container in CloudWatch Logs, read from its begin, each line once."""

    def __init__(self, logs: Any, group: str, stream: str) -> None:  # noqa: ANN401 - of boto3
        self.group = group
        self._logs, self._stream = logs, stream
        self._token: str | None = None

    @staticmethod
    def place_of(container: Answer, task_id: str) -> tuple[str, str, str] | None:
        """Return the region, the log group and the stream of a container's log; `None` if it is elsewhere.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
        """
        configuration = container.get("logConfiguration", {})
        options = configuration.get("options", {})
        if configuration.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
            return None
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
        return options["awslogs-region"], options["awslogs-group"], stream

    def new_lines(self) -> Iterator[str]:
        """Yield the lines that were not read before; none if the container has not started."""
        while True:
            following = {"nextToken": self._token} if self._token else {}
            try:
                answer = self._logs.get_log_events(
                    logGroupName=self.group, logStreamName=self._stream, startFromHead=True, **following
                )
            except self._logs.exceptions.ResourceNotFoundException:
                return
            for each in answer["events"]:
                yield each["message"].rstrip("\n")
            # The end is reached if the token stays the same
            # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
            if answer["nextForwardToken"] == self._token:
                return
            self._token = answer["nextForwardToken"]
