"""The bucket for batches that could not be read or stored."""

import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs._core.private_bucket import PrivateBucket

# The prefix of unreadable batches.
QUARANTINE_PREFIX = "quarantine/"
# Lambda's prefix for failed invocations; it cannot be changed
# (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
ASYNC_FAILURE_PREFIX = "aws/lambda/async/"


class FailureBucket(PrivateBucket):
    """The bucket of failed batches.

    It is separate from the archive, so that a fault of one bucket does not affect both.
    """

    def grant_quarantine(self, role: iam.Role) -> None:
        """Let a function with this role quarantine unreadable batches."""
        self._grant_put(role, QUARANTINE_PREFIX)

    def grant_failures(self, role: iam.Role) -> None:
        """Let Lambda write records of failed invocations with this role."""
        self._grant_put(role, ASYNC_FAILURE_PREFIX)
        # Without this permission Lambda refuses the bucket as a destination.
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket_arn]))

    def as_destination(self) -> lambda_.IDestination:
        """Return the bucket as a destination; CDK's own would also let the function read it and delete from it."""
        return FailureDestination(self.bucket_arn)

    def _grant_put(self, role: iam.Role, prefix: str) -> None:
        batches = self.arn_for_objects(f"{prefix}*")
        role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[batches]))
        acknowledge_wildcards(role, [batches], reason="Each failed batch has its own key below this prefix.")
        if self.encryption_key:
            self.encryption_key.grant(role, "kms:GenerateDataKey")


@jsii.implements(lambda_.IDestination)
class FailureDestination:
    """A destination of failed invocations without CDK's own grants."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def bind(  # noqa: D102 - the interface's
        self,
        _scope: IConstruct,
        _fn: lambda_.IFunction,
        *,
        type: lambda_.DestinationType,  # noqa: ARG002 - the interface's name
    ) -> lambda_.DestinationConfig:
        return lambda_.DestinationConfig(destination=self._arn)
