"""The failure destination in China, from which the replay function moves batches to the failure bucket.

In the China regions Lambda cannot write failed invocations to a bucket
(https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html#feature-diff), but into a queue.
"""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.logs.failure_bucket import FailureDestination

# The maximum (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
RETENTION = Duration.days(14)
# The maximum time of the replay function, so that one run receives a message only once.
VISIBILITY_TIMEOUT = Duration.minutes(15)


def needs_queue(scope: Construct) -> bool:
    """Return whether the stack's region is known, and Lambda has no S3 destination there."""
    return Stack.of(scope).region.startswith("cn-")


class FailureQueue(sqs.Queue):
    """The queue of failed invocations: encrypted, TLS only, retained."""

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey | None) -> None:
        super().__init__(
            scope,
            id,
            encryption=sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=VISIBILITY_TIMEOUT,
            removal_policy=RemovalPolicy.RETAIN,
        )
        is_one = "It is a failure destination, like a dead-letter queue; an alarm reports a message that is not moved."
        acknowledge(self, {"AwsSolutions-SQS3": is_one, "SQSRedrivePolicy": is_one})

    def grant_failures(self, role: iam.Role) -> None:
        """Let a function with this role, and Lambda for it, send failed batches."""
        self._allow(role, ["sqs:SendMessage"], ["kms:GenerateDataKey", "kms:Decrypt"])

    def as_destination(self) -> lambda_.IDestination:
        """Return the queue as a destination; CDK's own would also let the function read the queue's attributes."""
        return FailureDestination(self.queue_arn)

    def grant_drain(self, role: iam.Role) -> None:
        """Let a function with this role receive messages, and delete those that it has moved."""
        self._allow(role, ["sqs:ReceiveMessage", "sqs:DeleteMessage"], ["kms:Decrypt"])

    def _allow(self, role: iam.Role, actions: list[str], key_actions: list[str]) -> None:
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[self.queue_arn]))
        if self.encryption_master_key:
            self.encryption_master_key.grant(role, *key_actions)
