"""The containers of a task: which one a command is about, and the stream of its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fargate_constructs.cli.aws import Answer

# The options of log drivers and of outputs of FireLens that say where lines go, such as splunk-url, bucket and Host.
DESTINATION = re.compile("(?i)(?:^|[-_])(?:url|address|group|group_name|host|bucket|stream)$")
URL = re.compile(r"\w+://(?:[^/?#]*@)?([^/?#]*).*", re.DOTALL)


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


def stream_of(container: Answer, task_id: str, region: str) -> tuple[str, str, str] | None:
    """Return the region, the log group and the stream of a container's log; `None` if it is elsewhere.

    By default the log driver uses the region of the task
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html).
    """
    configuration = container.get("logConfiguration", {})
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
        return None
    stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
    return options.get("awslogs-region", region), options["awslogs-group"], stream


def without_stream(container: Answer) -> str:
    """Return where the lines of a container are that has no such stream."""
    name, logging = container["name"], container.get("logConfiguration", {"logDriver": "none"})
    options, driver = logging.get("options", {}), logging["logDriver"]
    if driver == "none":
        return f"{name} has no log driver, so its lines are kept nowhere"
    output = options.get("Name") or options.get("@type") or "in its own configuration"
    way = f"through FireLens, output {output}" if driver == "awsfirelens" else f"with the driver {driver}"
    # Of a URL only the host and the port: the rest may have a password or a token.
    places = (URL.sub(r"\1", value) for key, value in options.items() if DESTINATION.search(key))
    place = next((f" to {each}" for each in places), "")
    return f"{name} logs {way}{place}, so its lines are not shown"


class ContainerLog:
    """The log stream of a container in CloudWatch Logs, read from its begin, each line once."""

    def __init__(self, logs: Any, group: str, stream: str) -> None:  # noqa: ANN401 - of boto3
        self.group = group
        self._logs, self._stream = logs, stream
        self._token: str | None = None

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
