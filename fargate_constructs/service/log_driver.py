"""What happens to a line that CloudWatch cannot take yet.

```
container ── stdout ──> [log driver] ──> log group
```
"""

from enum import Enum
from typing import Protocol

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

# MiB. ECS's own default of 10 is a moment's burst; AWS suggests 25 for what logs much
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html).
BUFFER_MIB = 25


class LogRouter(Protocol):
    """What takes a task's lines elsewhere than to CloudWatch Logs. `LogArchive.log_router` makes one."""

    @property
    def log_group(self) -> logs.ILogGroup:
        """Whose lines they are elsewhere, and where the router itself logs."""

    def driver(self, task_definition: ecs.TaskDefinition, *, stream_prefix: str) -> ecs.LogDriver:
        """Return what a container of the task logs by; at the first of them, give the task what it needs."""


class LogDelivery(Enum):
    """Whether the application or its log comes first when CloudWatch is slow. ECS calls it the driver's mode."""

    available = "non-blocking"
    """The application goes on. Lines wait in a buffer of 25 MiB for each container; when it is full, or the task dies,
    lines are lost, and nobody is told."""

    lossless = "blocking"
    """The log goes on. A container that writes faster than CloudWatch takes is stopped in its `write` until it has, and
    so may fail its health checks. Nothing is dropped."""

    def driver(
        self,
        log_group: logs.ILogGroup,
        *,
        stream_prefix: str,
        region: str,
        multiline_pattern: str | None = None,
    ) -> ecs.LogDriver:
        """Return the driver that sends a container's lines to the log group, which is in a region."""
        # Not `LogDrivers.aws_logs`, which gives each role that may write a policy beside it: a resource more.
        options = {
            "awslogs-group": log_group.log_group_name,
            "awslogs-stream-prefix": stream_prefix,
            "awslogs-region": region,
            "mode": self.value,
        }
        if multiline_pattern:
            options["awslogs-multiline-pattern"] = multiline_pattern
        if self is LogDelivery.available:
            options["max-buffer-size"] = f"{BUFFER_MIB * 1024**2}b"
        return ecs.GenericLogDriver(log_driver="awslogs", options=options)
