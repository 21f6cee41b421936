"""The bucket for the export tasks of a backfill."""

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.private_bucket import PrivateBucket
from fargate_constructs.logs.backfill import PREFIX

EXPIRE_AFTER = Duration.days(30)


@checked
class LogExportBucket(PrivateBucket):
    """A bucket for `fargate-constructs archive backfill`: CloudWatch Logs of this account and region may write.

    Its policy is the one that AWS documents
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasks.html), below the command's own prefix.
    Exports are deleted after 30 days.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        """A bucket for `fargate-constructs archive backfill`: CloudWatch Logs of this account and region may write.

        Args:
            scope: The construct that owns the bucket.
            id: The bucket's ID.
        """
        super().__init__(scope, id, lifecycle_rules=[s3.LifecycleRule(expiration=EXPIRE_AFTER)])
        exported = self.arn_for_objects(f"{PREFIX}/*")
        for action, resource in (("s3:GetBucketAcl", self.bucket_arn), ("s3:PutObject", exported)):
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
                    actions=[action],
                    resources=[resource],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                        "ArnLike": {"aws:SourceArn": Stack.of(self).format_arn(service="logs", resource="log-group:*")},
                    },
                )
            )
