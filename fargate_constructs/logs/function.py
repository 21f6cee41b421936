"""What the archive's Lambda functions have in common.

```
[ArchiveFunction] ──> its own log group, which is never shipped
```
"""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, PhysicalName, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs.findings import FUNCTION, INLINE_POLICY, LOG_GROUP, acknowledge
from fargate_constructs.trust import service_principal

FOLDERS = Path(__file__).parent
# A name of CDK's making, only if a bucket in another account's stack of the same app must let the role in.
NAME_IF_NEEDED = PhysicalName.GENERATE_IF_NEEDED


def code_of(folder: str) -> lambda_.Code:
    """Return a folder beside this file as a Lambda's code: itself, not only what is in it.

    There it is the package that it is here, and its modules import each other in the same way. Without bytecode, which
    would give the asset another hash on each machine, and each deployment an upload.
    """
    nothing_else = ["/*", f"!/{folder}/", "__pycache__"]
    return lambda_.Code.from_asset(str(FOLDERS), exclude=nothing_else, ignore_mode=IgnoreMode.GIT)


class ArchiveFunction(lambda_.Function):
    """A Python function on ARM whose role may do nothing at first but write its own log.

    Args:
        scope: The construct that owns the function, its role and its log group.
        id: The function's ID, with which those of its role and its log group begin.
        code: The folder beside this file that is its whole code.
        description: What it does, in a few words.
        environment: Its environment variables.
        memory_size: Its memory in MiB; Lambda gives CPU in proportion.
        timeout: How long one invocation may take.
        module: The module of that folder whose `handler` is called. By default `handler`.
        retry_attempts: How often Lambda tries an asynchronous invocation again, 0 to 2. By default 2.
        max_event_age: For how long Lambda keeps an asynchronous invocation. By default 6 hours.
        on_failure: Where Lambda puts an asynchronous invocation that it gave up. By default nowhere.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: str,
        description: str,
        environment: Mapping[str, str],
        memory_size: int,
        timeout: Duration,
        module: str = "handler",
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
        on_failure: lambda_.IDestination | None = None,
    ) -> None:
        own_logs = logs.LogGroup(
            scope, f"{id}Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        execution_role = iam.Role(
            scope,
            f"{id}Role",
            assumed_by=service_principal("lambda.amazonaws.com"),
            role_name=NAME_IF_NEEDED,
        )
        own_logs.grant_write(execution_role)
        super().__init__(
            scope,
            id,
            description=description,
            code=code_of(code),
            handler=f"{code}.{module}.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=memory_size,
            timeout=timeout,
            role=execution_role,
            log_group=own_logs,
            logging_format=lambda_.LoggingFormat.JSON,
            # Without Lambda's own START and REPORT lines, which would cost more than the function's.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=dict(environment),
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            on_failure=on_failure,
        )
        self.execution_role = execution_role
        self.own_logs = own_logs
        """Where it writes what it does; in the path of every shipped line, so never shipped itself."""
        acknowledge(own_logs, LOG_GROUP)
        acknowledge(execution_role, INLINE_POLICY)
        acknowledge(
            self,
            FUNCTION
            | _lost_invocations(is_asynchronous=retry_attempts is not None, has_destination=on_failure is not None),
        )

    def allow(self, *actions: str, on: str, conditions: Mapping[str, object] | None = None) -> iam.PolicyStatement:
        """Let the function do something with one resource; return the statement that says so."""
        statement = iam.PolicyStatement(actions=list(actions), resources=[on], conditions=conditions)
        self.execution_role.add_to_policy(statement)
        return statement


def _lost_invocations(*, is_asynchronous: bool, has_destination: bool) -> dict[str, str]:
    """Return why no queue keeps invocations that failed."""
    if has_destination:
        return {"LambdaDLQ": "What fails for good goes to a destination; a dead-letter queue is the older form of one."}
    if is_asynchronous:
        again = "The next run does what one that failed has left."
        return {"LambdaDLQ": again, "LambdaAsyncFailureDestination": again}
    return {"LambdaDLQ": "Who calls it waits for its answer, and keeps what it failed to do."}
