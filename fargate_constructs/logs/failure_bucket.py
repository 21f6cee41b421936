"""Where batches of logs wait that could not be read, or not be stored.

```
log group ──> subscription ──> shipper Lambda ──> S3
                                     │ what failed
                                     v
                              [failure bucket]
```
"""

import jsii
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from fargate_constructs.findings import acknowledge_wildcards
from fargate_constructs.private_bucket import PrivateBucket

# Where the shipper puts what it cannot read.
QUARANTINE_PREFIX = "quarantine/"
# Where Lambda puts what the shipper failed to store; Lambda lets nobody choose
# (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
ASYNC_FAILURE_PREFIX = "aws/lambda/async/"


class FailureBucket(PrivateBucket):
    """The bucket of the batches that failed: apart from the archive, so that trouble with one is not with both.

    Args:
        scope: The construct that owns the bucket.
        id: The bucket's ID.
        expiration: After how long a failed batch is deleted.
    """

    def __init__(self, scope: Construct, id: str, *, expiration: Duration) -> None:
        super().__init__(scope, id, lifecycle_rules=[s3.LifecycleRule(expiration=expiration)])

    def grant_failures(self, role: iam.Role) -> None:
        """Let a function with this role put failed batches here, itself or through Lambda."""
        batches = [self.arn_for_objects(f"{prefix}*") for prefix in (QUARANTINE_PREFIX, ASYNC_FAILURE_PREFIX)]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=batches))
        # Lambda refuses the bucket as a destination without it.
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket_arn]))
        acknowledge_wildcards(role, batches, reason="A failed batch gets a key of its own below this prefix.")

    def as_destination(self) -> lambda_.IDestination:
        """Return the bucket as the place for invocations that failed for good.

        CDK's own `S3Destination` would also let the function read the bucket and delete from it.
        """
        return _OnFailure(self.bucket_arn)


@jsii.implements(lambda_.IDestination)
class _OnFailure:
    def __init__(self, bucket_arn: str) -> None:
        self._bucket_arn = bucket_arn

    def bind(
        self,
        _scope: IConstruct,
        _fn: lambda_.IFunction,
        *,
        type: lambda_.DestinationType,  # noqa: ARG002 - the interface's name
    ) -> lambda_.DestinationConfig:
        return lambda_.DestinationConfig(destination=self._bucket_arn)
