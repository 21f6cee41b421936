"""The permissions with which a shell opens in a task, and its transcript is kept.

The L2's `enable_execute_command` is not used: it adds these permissions to what callers grant the role. AWS asks for
the resource `*` (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html), and an acknowledgement of
it there would also accept the `*` of callers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import ArnFormat, Aws, Names
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge, acknowledge_wildcards

CHANNELS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


@dataclass(frozen=True, kw_only=True)
class ExecAccess:
    """Where a cluster keeps the transcripts of shells, and what encrypts the sessions.

    Args:
        log_streams: The ARN of the log group's streams. By default there is none.
        bucket_arn: The bucket's ARN. By default there is none.
        is_log_encrypted: Whether the log group is encrypted with the key.
        is_bucket_encrypted: Whether the agent checks that the bucket is encrypted.
        key: The key. By default one of AWS's.
    """

    log_streams: str | None = None
    bucket_arn: str | None = None
    is_log_encrypted: bool = False
    is_bucket_encrypted: bool = False
    key: kms.IKey | None = None

    @classmethod
    def of(cls, cluster: ecs.ICluster) -> ExecAccess:
        """Return that of another cluster, as far as its construct says."""
        configuration = cluster.execute_command_configuration
        if configuration is None or configuration.logging is ecs.ExecuteCommandLogging.NONE:
            return cls(key=configuration.kms_key if configuration else None)
        transcripts = configuration.log_configuration
        log_group = transcripts.cloud_watch_log_group if transcripts else None
        bucket = transcripts.s3_bucket if transcripts else None
        return cls(
            log_streams=log_streams(cluster, log_group.log_group_ref.log_group_name) if log_group else None,
            bucket_arn=f"arn:{stack_of(cluster).partition}:s3:::{bucket.bucket_ref.bucket_name}" if bucket else None,
            is_log_encrypted=configuration.logging is not ecs.ExecuteCommandLogging.OVERRIDE
            or bool(transcripts and transcripts.cloud_watch_encryption_enabled),
            is_bucket_encrypted=bool(transcripts and transcripts.s3_encryption_enabled),
            key=configuration.kms_key,
        )

    @cached_property
    def policy(self) -> iam.PolicyDocument:
        """What the roles of all tasks in the cluster may do."""
        return iam.PolicyDocument(statements=list(self._statements()))

    def enable(
        self, scope: Construct, service: ecs.CfnService, *, task_role: iam.IRole, given_role: iam.IRole | None
    ) -> None:
        """Turn on ECS Exec in a service's tasks. A role made for the tasks has the policy already."""
        service.enable_execute_command = True
        policy = None
        if given_role:
            # A role may be given to services of several stacks and regions, and its policies need different names.
            name = f"{Names.unique_resource_name(scope, separator='-', max_length=100)}-{Aws.REGION}"
            policy = iam.Policy(scope, "ExecPolicy", policy_name=name, document=self.policy)
            given_role.attach_inline_policy(policy)  # does nothing if the role is not mutable
            acknowledge(policy, INLINE_POLICY)
            service.node.add_dependency(policy)
        # Only the first policy of a role made here. Callers decide about their later grants.
        acknowledge_wildcards(
            policy or task_role.node.default_child or task_role,
            self._wildcards,
            reason="ECS Exec needs ssmmessages, which accepts no resource, and logs each session in its own stream.",
            stack=stack_of(scope),
        )

    @property
    def _wildcards(self) -> Sequence[str]:
        """The resources of the policy that have a wildcard."""
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
    """Return the ARN pattern of a log group's streams, by the name, which other stacks know too."""
    return stack_of(cluster).format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{log_group_name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
