"""The log group of a task, its log router, and the log drivers of its containers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Protocol

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place, path_of
from fargate_constructs._core.fluent_bit import CONTAINER
from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.log_group_attributes import arn_of, name_of
from fargate_constructs._core.nag_suppressions import LOG_GROUP, acknowledge, acknowledge_wildcards
from fargate_constructs.service.cluster import allow_cloudwatch_logs
from fargate_constructs.service.containers.fire_lens import FireLens
from fargate_constructs.service.execution_role import resource_in

DEFAULT_RETENTION = logs.RetentionDays.ONE_MONTH
# The options of the awslogs driver. Its own buffer of 10 MiB is full in a short time; AWS suggests 25 MiB for many
# lines (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html).
BUFFER_MIB = 25
MODE_OPTIONS = {
    ecs.AwsLogDriverMode.BLOCKING: {"mode": "blocking"},
    ecs.AwsLogDriverMode.NON_BLOCKING: {"mode": "non-blocking", "max-buffer-size": f"{BUFFER_MIB * 1024**2}b"},
}


class LogRouter(Protocol):
    """Sends a task's lines elsewhere than to CloudWatch Logs. `LogArchive.log_router` and `FireLens.to` make one."""

    @property
    def log_group(self) -> logs.ILogGroup | None:
        """The log group that gives the lines their name, and gets the router's own log; None for the task's."""

    def driver(self, task_definition: ecs.TaskDefinition, *, stream_prefix: str) -> ecs.LogDriver:
        """Return the log driver of a container; the first call prepares the task."""


class TaskLogs:
    """The log group of one task, and the log drivers of its containers. The arguments are those of `FargateTask`."""

    def __init__(
        self,
        scope: Construct,
        *,
        log_group: logs.ILogGroup | None,
        retention: logs.RetentionDays | None,
        mode: ecs.AwsLogDriverMode,
        router: LogRouter | None,
    ) -> None:
        self._mode = mode
        self._router = router
        given = log_group or (router.log_group if router else None)
        self.group = given or logs.LogGroup(
            scope, "Logs", retention=retention or DEFAULT_RETENTION, removal_policy=RemovalPolicy.RETAIN
        )
        self._is_made_here = given is None
        _allow_use_of_key(given)
        if self._is_made_here:
            keep_place(self.group, scope, "Logs")
            acknowledge(self.group, LOG_GROUP)
        self._may_write = False

    @property
    def policies(self) -> Mapping[str, iam.PolicyDocument]:
        """The policies with which an execution role is made, by name.

        A group made elsewhere may itself depend on the role, as the policy of its key may. Then the permission is in a
        policy of its own, and only if a container logs there.
        """
        return {"Logs": iam.PolicyDocument.from_json({"Statement": [self._permission]})} if self._is_made_here else {}

    def use(self, task_definition: ecs.TaskDefinition, execution_role: iam.IRole, *, may_write: bool) -> None:
        """Set which task logs and by which role, and whether the role has the permission."""
        self._task_definition = task_definition
        self._execution_role = execution_role
        self._may_write = may_write
        if not isinstance(self.group, logs.LogGroup):  # the ARN of an imported group ends in a wildcard
            acknowledge_wildcards(
                execution_role,
                [arn_of(self.group)],
                reason="Each container of each task has its own log stream.",
            )

    def validate_pattern(self, multiline_pattern: str | None) -> None:
        """Refuse a pattern that a router would ignore."""
        _validate_pattern(multiline_pattern, self._router)

    def driver(self, stream_prefix: str, multiline_pattern: str | None = None) -> ecs.LogDriver:
        """Return the log driver of a container."""
        if isinstance(self._router, FireLens):
            own_log = self.group_driver(CONTAINER)
            return self._router.driver(self._task_definition, stream_prefix=stream_prefix, own_log=own_log)
        if self._router:
            return self._router.driver(self._task_definition, stream_prefix=stream_prefix)
        return self.group_driver(stream_prefix, multiline_pattern)

    def group_driver(self, stream_prefix: str, multiline_pattern: str | None = None) -> ecs.LogDriver:
        """Return a driver that logs to the group, also if there is a router, and let the role write."""
        if not self._may_write:
            self._may_write = True
            self._execution_role.add_to_principal_policy(iam.PolicyStatement.from_json(self._permission))
        options = {
            "awslogs-group": name_of(self.group),
            "awslogs-stream-prefix": stream_prefix,
            "awslogs-region": _region_of_stack() if self._is_made_here else self.group.env.region,
            **MODE_OPTIONS[self._mode],
        }
        if multiline_pattern:
            options["awslogs-multiline-pattern"] = multiline_pattern
        # `LogDrivers.aws_logs` would make a separate policy for each role: one resource more.
        return ecs.GenericLogDriver(log_driver="awslogs", options=options)

    @property
    def _permission(self) -> Mapping[str, object]:
        actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
        return {"Effect": "Allow", "Action": actions, "Resource": arn_of(self.group)}


def _allow_use_of_key(log_group: logs.ILogGroup | None) -> None:
    """Let CloudWatch Logs use the key of a group made elsewhere in the app; otherwise AWS does not make the group."""
    resource = log_group.node.default_child if log_group else None
    key_resource = resource_in(resource.kms_key_id) if isinstance(resource, logs.CfnLogGroup) else None
    key = key_resource.node.scope if key_resource else None
    if isinstance(key, kms.Key):
        allow_cloudwatch_logs(key, Stack.of(key))


@cache
def _region_of_stack() -> str:
    """Return the region that a stack is deployed to, as a token."""
    return Aws.REGION


def validate_logs(
    log_group: logs.ILogGroup | None,
    retention: logs.RetentionDays | None,
    mode: ecs.AwsLogDriverMode,
    router: LogRouter | None,
    multiline_pattern: str | None,
) -> None:
    """Refuse arguments that would have no effect."""
    if log_group and retention:
        raise ValueError(
            f"log_retention is of a log group made here, got {retention.name} with log_group: set retention there"
        )
    if router is None:
        return
    if retention and router.log_group:
        raise ValueError(
            f"log_retention is of a log group made here, and a log_router has its own, got: {retention.name}"
        )
    if log_group and router.log_group and path_of(log_group) != path_of(router.log_group):
        raise ValueError(
            f"log_group must be that of the log_router ({path_of(router.log_group)}), got: {path_of(log_group)}; "
            "leave it out"
        )
    if mode is ecs.AwsLogDriverMode.BLOCKING:
        raise ValueError("log_driver_mode must be left out with a log_router, which has its own buffer, got: BLOCKING")
    _validate_pattern(multiline_pattern, router)


def _validate_pattern(multiline_pattern: str | None, router: LogRouter | None) -> None:
    if router and multiline_pattern:
        raise ValueError(
            f"multiline_pattern must be left out with a log_router, to which each line is an event, got: "
            f"{multiline_pattern!r}"
        )
