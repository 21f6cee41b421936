"""The Lambda functions of this library."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.nag_suppressions import FUNCTION, INLINE_POLICY, LOG_GROUP, acknowledge

# Why there is no queue for failed invocations.
ANSWERS_A_DEPLOYMENT = {"LambdaDLQ": "A deployment calls it, and fails without an answer."}


def code_in(folder: Path) -> lambda_.Code:
    """Return a folder as the code of a function.

    Bytecode is left out: it would change the asset's hash on each machine, and each deployment would upload it.
    """
    return lambda_.Code.from_asset(str(folder), exclude=["__pycache__"])


class PythonFunction(lambda_.Function):
    """A Python function on ARM whose role can only write its own log at first.

    Args:
        dlq_suppressions: Audit rules about failed invocations, each with the reason why it does not apply.
        role_name: The role's name. By default CloudFormation chooses one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: lambda_.Code,
        handler: str,
        description: str,
        timeout: Duration,
        dlq_suppressions: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        memory_size: int = 256,
        role_name: str | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
        on_failure: lambda_.IDestination | None = None,
    ) -> None:
        own_log_group = logs.LogGroup(
            scope, f"{id}Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        execution_role = iam.Role(
            scope, f"{id}Role", assumed_by=service_principal("lambda.amazonaws.com"), role_name=role_name
        )
        own_log_group.grant_write(execution_role)
        super().__init__(
            scope,
            id,
            description=description,
            code=code,
            handler=handler,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=memory_size,
            timeout=timeout,
            role=execution_role,
            log_group=own_log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Without Lambda's own START and REPORT lines, which would cost more than the function's.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=dict(environment or {}),
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            on_failure=on_failure,
        )
        self.execution_role = execution_role
        self.own_log_group = own_log_group
        """The log group of the function."""
        acknowledge(own_log_group, LOG_GROUP)
        acknowledge(execution_role, INLINE_POLICY)
        acknowledge(self, {**FUNCTION, **dlq_suppressions})

    def allow(self, *actions: str, on: str, conditions: Mapping[str, object] | None = None) -> iam.PolicyStatement:
        """Allow the function actions on resources, and return the statement."""
        statement = iam.PolicyStatement(actions=list(actions), resources=[on], conditions=conditions)
        self.execution_role.add_to_policy(statement)
        return statement
