"""What a task may do so that one can open a shell in it, and what was typed there is kept.

```
aws ecs execute-command ──> task ──> [its role: the session's channels, its transcript]
```

Not by the L2's `enable_execute_command`, which puts this among what callers grant the role. AWS asks for `*`
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html), and to accept that there would be to accept
the `*` of callers, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from fargate_constructs._core.lazy_cdk import aws_kms as kms

CHANNELS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Where a cluster's transcripts go, and what encrypts its sessions.

    Args:
        log_streams: The ARN of the log group's streams. By default there is none.
        bucket_arn: The bucket's. By default there is none.
        is_log_encrypted: Whether the log group is encrypted with the key.
        is_bucket_encrypted: Whether the agent is to make sure that the bucket encrypts.
        key: The key. By default one of AWS's.
    """

    log_streams: str | None = None
    bucket_arn: str | None = None
    is_log_encrypted: bool = False
    is_bucket_encrypted: bool = False
    key: kms.IKey | None = None

    @classmethod
    def of(cls, cluster: ecs.ICluster) -> Sessions:
        """Return those of a cluster made elsewhere, as far as it tells."""
        configuration = cluster.execute_command_configuration
        if configuration is None or configuration.logging is ecs.ExecuteCommandLogging.NONE:
            return cls(key=configuration.kms_key if configuration else None)
        transcripts, stack = configuration.log_configuration, Stack.of(cluster)
        log_group = transcripts.cloud_watch_log_group if transcripts else None
        bucket = transcripts.s3_bucket if transcripts else None
        return cls(
            log_streams=log_streams(cluster, log_group.log_group_ref.log_group_name) if log_group else None,
            bucket_arn=f"arn:{stack.partition}:s3:::{bucket.bucket_ref.bucket_name}" if bucket else None,
            is_log_encrypted=configuration.logging is not ecs.ExecuteCommandLogging.OVERRIDE
            or bool(transcripts and transcripts.cloud_watch_encryption_enabled),
            is_bucket_encrypted=bool(transcripts and transcripts.s3_encryption_enabled),
            key=configuration.kms_key,
        )

    @cached_property
    def policy(self) -> iam.PolicyDocument:
        """What the roles of all tasks in the cluster get."""
        return iam.PolicyDocument(statements=list(self._statements()))

    @property
    def wildcards(self) -> Sequence[str]:
        """What the policy names with a wildcard."""
        return ["*", *filter(None, [self.log_streams, f"{self.bucket_arn}/*" if self.bucket_arn else None])]

    def _statements(self) -> Iterator[iam.PolicyStatement]:
        yield iam.PolicyStatement(actions=list(CHANNELS), resources=["*"])
        if self.log_streams:
            yield iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=["*"])
            yield iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[self.log_streams],
            )
        if self.bucket_arn:
            about = ["s3:GetBucketLocation", *(["s3:GetEncryptionConfiguration"] if self.is_bucket_encrypted else [])]
            yield iam.PolicyStatement(actions=about, resources=[self.bucket_arn])
            yield iam.PolicyStatement(actions=["s3:PutObject"], resources=[f"{self.bucket_arn}/*"])
        if self.key:
            yield iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self.key.key_arn])


def log_streams(cluster: ecs.ICluster, log_group_name: str) -> str:
    """Return the ARN pattern of a log group's streams, by the name, which is what other stacks know of it."""
    stack = Stack.of(cluster)
    return f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{log_group_name}:*"
