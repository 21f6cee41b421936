"""Logs straight from a task to S3, past CloudWatch Logs and its price."""

import re
from collections.abc import Callable

from aws_cdk import Aws, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.environment_checks import validate_environment
from fargate_constructs._core.fluent_bit import CONTAINER, SERVICE, add_fluent_bit, wait_for
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs._core.unresolved import is_unresolved, may_match
from fargate_constructs.logs.log_group_names import log_group_name

# What percent-encoding leaves as it is in a log group's name; all but slashes and `#`.
UNENCODED = re.compile(r"[A-Za-z0-9._-]+")

# What is not in S3 yet is lost with the task: the sooner, the less; and S3 bills each PUT.
UPLOAD_TIMEOUT = "1m"
# Fluent Bit reads a whole file to compress it. Twice that and what it holds of the pipe fit into the memory limit.
TOTAL_FILE_SIZE = "16M"

# A record as the archive has it; FireLens's tag is `<container>-firelens-<task's ID>`. The event's ID is made once,
# before anything is buffered: what is sent twice has the same, and the view `logs` shows it once.
LUA = (
    "function archived(tag, time, record) "
    'local container, task = tag:match("^(.*)%-firelens%-(.*)$"); '
    "count = (count or 0) + 1; "
    "local milliseconds = math.floor(time * 1000); "
    'local prefixes = "," .. os.getenv("STREAM_PREFIXES") .. ","; '
    'local prefix = prefixes:match("," .. container:gsub("%p", "%%%0") .. "=(.-),"); '
    "return 2, time, { "
    'logGroup = os.getenv("LOG_GROUP"), '
    'logStream = prefix .. "/" .. container .. "/" .. task, '
    'owner = os.getenv("OWNER"), '
    'id = string.format("%s-%s-%d-%d", task, container, milliseconds, count), '
    "timestamp = milliseconds, "
    "message = record.log } "
    "end"
)
CONFIG = f"""\
{SERVICE}
[FILTER]
    Name lua
    Match *-firelens-*
    code {LUA}
    call archived
    type_int_key timestamp
"""


class LogRouter:
    """A sidecar that sends a task's logs to the archive without CloudWatch Logs: AWS's Fluent Bit, with FireLens.

    Made by `LogArchive.log_router`. CloudWatch Logs takes 0.50 USD per GB; this takes S3's price for an object a minute
    and container, 0.22 USD a month each, and 256 MiB of the task's memory.

    The risks, which `Delivery.direct()` and `.buffered()` do not have:

    - Lines that the router has not put yet, a minute and at most 16 MB, are lost if it is killed, runs out of memory,
      or the task's host fails; so are lines that S3 does not take in five attempts. No failure bucket keeps them, and
      no alarm of the archive reports them.
    - The router is essential: if it ends, ECS replaces the task.
    - `aws logs tail`, Live Tail, metric filters and Logs Insights see nothing of these lines.

    Lines have the same keys and fields, so that the same table and view read them. The differences:

    - An object is in the partition of its first line, so up to a minute of the next hour's lines are with it.
    - Its name is random: lines that are sent again are stored again, with the same IDs. The view has them once, the
      table twice.
    - `LogCompaction` leaves it alone: nothing in its name would prove that it is whole.
    - Times are when Docker read the line, *id* is the task's, container's, time and a count. A line of more than 16 KB
      comes in parts.

    Args:
        bucket: The archive's bucket.
        log_group: The log group whose lines it sends, and to which it logs itself.
        image: The image of Fluent Bit. By default AWS's.
        on_grant: Called with each task's role and the statement that it gets.
    """

    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        log_group: logs.ILogGroup,
        image: ecs.ContainerImage | None,
        on_grant: Callable[[iam.IRole, iam.PolicyStatement], None],
    ) -> None:
        _validate_name(log_group_name(log_group))
        self._bucket = bucket
        self.log_group = log_group
        self._image = image
        self._on_grant = on_grant
        self._prefixes: dict[str, dict[str, str]] = {}

    @checked
    def driver(self, task_definition: ecs.TaskDefinition, *, stream_prefix: str) -> ecs.LogDriver:
        """Return what a container of a task logs by; at the first of them, give the task the router.

        Args:
            task_definition: The task, of Linux on Fargate.
            stream_prefix: What the log stream's name begins with: `<prefix>/<container>/<task's ID>`, as CloudWatch's.

        Raises:
            TypeError: If an argument is of another type than it says.
            ValueError: If the task is in another region or account than the log group.
        """
        validate_environment(task_definition, LogRouter, task_definition.node.path, {"log_router": self.log_group})
        router = task_definition.find_container(CONTAINER) or self._add_router(task_definition)
        prefixes = self._prefixes.setdefault(task_definition.node.path, {})
        return _Driver(router, stream_prefix, self._options(Stack.of(task_definition).region), prefixes)

    def _add_router(self, task_definition: ecs.TaskDefinition) -> ecs.ContainerDefinition:
        objects = self._bucket.arn_for_objects(f"log_group={self.log_group.log_group_name}/*")
        statement = iam.PolicyStatement(actions=["s3:PutObject"], resources=[objects])
        task_definition.add_to_task_role_policy(statement)
        acknowledge_wildcards(
            task_definition.task_role, [objects], reason="The hours in which the task logs are not known."
        )
        if self._bucket.encryption_key:
            self._bucket.encryption_key.grant(task_definition.task_role, "kms:GenerateDataKey")
        self._on_grant(task_definition.task_role, statement)
        own_log = ecs.LogDrivers.aws_logs(
            log_group=self.log_group, stream_prefix="log-router", mode=ecs.AwsLogDriverMode.NON_BLOCKING
        )
        return add_fluent_bit(
            task_definition,
            image=self._image,
            config=CONFIG,
            environment={"LOG_GROUP": self.log_group.log_group_name, "OWNER": Aws.ACCOUNT_ID},
            logging=own_log,
            adds_metadata=False,
        )

    def _options(self, region: str) -> dict[str, str]:
        """Return the settings of Fluent Bit's output (https://docs.fluentbit.io/manual/pipeline/outputs/s3).

        It sends to the region of its settings, and S3 accepts nothing there for a bucket of another region.
        """
        bucket_region = self._bucket.env.region
        is_elsewhere = bucket_region != region and not is_unresolved(bucket_region)
        return {
            "Name": "s3",
            "bucket": self._bucket.bucket_name,
            "region": bucket_region if is_elsewhere else Aws.REGION,
            "s3_key_format": f"/log_group={self.log_group.log_group_name}/dt=%Y-%m-%d/hour=%H/$UUID.ndjson.gz",
            "use_put_object": "On",
            "compression": "gzip",
            "content_type": "application/x-ndjson",
            "total_file_size": TOTAL_FILE_SIZE,
            "upload_timeout": UPLOAD_TIMEOUT,
            "json_date_key": "false",
            "send_content_md5": "On",  # which a bucket with Object Lock demands
            "retry_limit": "5",
        }


class _Driver(ecs.LogDriver):
    """FireLens's driver, which also sets the container's prefix and makes the container wait for the router."""

    def __init__(
        self,
        router: ecs.ContainerDefinition,
        stream_prefix: str,
        options: dict[str, str],
        prefixes: dict[str, str],
    ) -> None:
        super().__init__()
        self._router, self._stream_prefix, self._options, self._prefixes = router, stream_prefix, options, prefixes

    def bind(self, scope: Construct, container_definition: ecs.ContainerDefinition) -> ecs.LogDriverConfig:
        wait_for(self._router, container_definition)
        self._prefixes[container_definition.container_name] = self._stream_prefix
        prefixes = ",".join(f"{name}={prefix}" for name, prefix in self._prefixes.items())
        self._router.add_environment("STREAM_PREFIXES", prefixes)
        return ecs.LogDrivers.firelens(options=self._options).bind(scope, container_definition)


def _validate_name(name: str) -> None:
    """Refuse what would have to be percent-encoded in a key: Fluent Bit signs such a key wrongly."""
    if not may_match(UNENCODED, name):
        raise ValueError(
            f"log_group's name must be of letters, digits, '.', '-' and '_' for Fluent Bit to write it into a key, "
            f"got: {name!r}; let CloudFormation name it"
        )
