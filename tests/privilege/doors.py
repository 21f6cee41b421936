"""What services may do to a resource by the resource's own policy, and why.

```
bucket, function, queue, key ──> its policy ──> [doors] ──> service
```
"""

from tests.privilege.policies import Policies

LOGS = "logs.${AWS::Region}.amazonaws.com"
KEY_PAGE = (
    "CloudWatch Logs encrypts and decrypts: "
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
)
EXPORT_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasks.html"

DOORS = {
    ("AWS::Lambda::Permission", "events.amazonaws.com"): {"lambda:InvokeFunction": "a rule calls the function"},
    ("AWS::Lambda::Permission", "logs.amazonaws.com"): {"lambda:InvokeFunction": "log groups deliver to the shipper"},
    ("AWS::S3::BucketPolicy", "logdelivery.elasticloadbalancing.amazonaws.com"): {
        "s3:PutObject": "the load balancer's access log"
    },
    ("AWS::S3::BucketPolicy", LOGS): {
        "s3:GetBucketAcl": f"an export checks the owner of the bucket: {EXPORT_PAGE}",
        "s3:PutObject": f"an export writes: {EXPORT_PAGE}",
    },
    ("AWS::SQS::QueuePolicy", "events.amazonaws.com"): {
        "sqs:SendMessage": "a rule reports a run that failed",
        "sqs:GetQueueAttributes": "CDK's grant_send_messages adds it: how long the queue is, not what is in it",
        "sqs:GetQueueUrl": "CDK's grant_send_messages adds it: where the queue is",
    },
    ("AWS::KMS::Key", LOGS): dict.fromkeys(
        (
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ),
        KEY_PAGE,
    ),
}
"""Why each action, by the type of the resource that has the policy, and the service."""


def faults(policies: Policies) -> list[str]:
    """Return what services may do for no reason."""
    return [
        f"{door[1]} may {action} for no reason: {holder}"
        for holder, door, action in _open(policies)
        if action not in DOORS.get(door, {})
    ]


def met(policies: Policies) -> set[tuple[tuple[str, str], str]]:
    """Return the entries of the table that are needed."""
    return {(door, action) for _, door, action in _open(policies)}


def _open(policies: Policies) -> list[tuple[str, tuple[str, str], str]]:
    """Return who has the policy, of which type and for which service, and what that may do."""
    return [
        (statement.holder, (statement.type, principal.removeprefix("Service:")), action)
        for statement in policies.statements
        if statement.effect == "Allow" and not statement.is_trust
        for principal in statement.principals
        if principal.startswith("Service:")
        for action in statement.actions
    ]
