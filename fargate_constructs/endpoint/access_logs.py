"""The access logs of the load balancer and their bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from aws_cdk import Annotations, ArnFormat, Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from fargate_constructs._core.access_log_checks import why_no_access_logs
from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.unresolved import is_dummy, with_names

EXPIRATION_DAYS = 90
DAY = 24 * 60 * 60 * 1000
PREFIX = re.compile(r"(?!/|.*AWSLogs).*[^/]")
_days, _service = cache(Duration.days), cache(iam.ServicePrincipal)


@dataclass(frozen=True, kw_only=True)
class AccessLogs:
    """Which logs of a load balancer go to which bucket. By default a private bucket is made."""

    bucket: s3.IBucket | None
    prefix: str | None
    expiration: Duration | None
    connection_logs: bool

    def validate(self, endpoint: str) -> None:
        """Refuse a bucket or prefix that the load balancer cannot write to, and an expiration of a given bucket."""
        validate_expiration(self.expiration)
        if self.bucket and (reason := why_no_access_logs(self.bucket)):
            raise ValueError(
                f"access_log_bucket must be encrypted with SSE-S3, got {self.bucket.node.path} with {reason}: "
                f"{endpoint}'s load balancer cannot write there; give another bucket, or none",
            )
        if self.bucket and self.expiration:
            raise ValueError(
                "access_log_expiration must be set on the bucket you give, "
                f"got: {self.expiration.to_human_string()} beside access_log_bucket",
            )
        if self.prefix is not None and not is_dummy(self.prefix) and not PREFIX.fullmatch(self.prefix):
            raise ValueError(
                "access_log_prefix must be a path such as 'access-logs/shop', without a slash at either end and "
                f"without AWSLogs, got: {self.prefix!r}",
            )

    def enable(self, scope: Construct, load_balancer: elbv2.ApplicationLoadBalancer) -> s3.IBucket:
        """Turn on the logs, let the load balancer write them, and return their bucket.

        `ApplicationLoadBalancer.log_access_logs` does not work in a stack without a fixed region (aws-cdk#27432): it
        looks up the region's old account of Elastic Load Balancing. The service principal used here needs no region.
        See https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html.
        """
        bucket = self.bucket or make_log_bucket(scope, self.expiration)
        sender = _service("logdelivery.elasticloadbalancing.amazonaws.com")
        objects = self._objects(bucket, scope)
        write = iam.PolicyStatement(principals=[sender], actions=["s3:PutObject"], resources=[objects])
        _allow(bucket, load_balancer, write)
        self._set_attributes(load_balancer, "access_logs", bucket)
        self._set_attributes(load_balancer, "connection_logs", bucket if self.connection_logs else None)
        self._set_attributes(load_balancer, "health_check_logs", None)
        return bucket

    def enable_tls_logs(self, scope: Construct, load_balancer: elbv2.NetworkLoadBalancer) -> s3.IBucket:
        """Turn on the logs of a network load balancer, which has them for its TLS listeners only.

        `NetworkLoadBalancer.log_access_logs` does not work in a stack without a fixed region. See
        https://docs.aws.amazon.com/elasticloadbalancing/latest/network/enable-access-logs.html.
        """
        bucket = self.bucket or make_log_bucket(scope, self.expiration)
        stack = stack_of(scope)
        logs = stack.format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
        sender = _service("delivery.logs.amazonaws.com")
        source = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": logs},
        }
        full_control = {"s3:x-amz-acl": "bucket-owner-full-control"}
        _allow(
            bucket,
            load_balancer,
            iam.PolicyStatement(
                principals=[sender],
                actions=["s3:PutObject"],
                resources=[self._objects(bucket, scope)],
                conditions={**source, "StringEquals": {**source["StringEquals"], **full_control}},
            ),
            iam.PolicyStatement(
                principals=[sender], actions=["s3:GetBucketAcl"], resources=[bucket.bucket_arn], conditions=source
            ),
        )
        self._set_attributes(load_balancer, "access_logs", bucket)
        return bucket

    def _objects(self, bucket: s3.IBucket, scope: Construct) -> str:
        """Return the ARN of the objects that hold the logs of this account: Elastic Load Balancing writes no others."""
        before = [self.prefix] if self.prefix else []
        return bucket.arn_for_objects("/".join([*before, "AWSLogs", stack_of(scope).account, "*"]))

    def _set_attributes(self, load_balancer: elbv2.BaseLoadBalancer, kind: str, bucket: s3.IBucket | None) -> None:
        load_balancer.set_attribute(f"{kind}.s3.enabled", str(bucket is not None).lower())
        if bucket:
            load_balancer.set_attribute(f"{kind}.s3.bucket", bucket.bucket_name)
        if bucket and self.prefix:
            load_balancer.set_attribute(f"{kind}.s3.prefix", self.prefix)


def make_log_bucket(
    scope: Construct,
    expiration: Duration | None,
    object_ownership: s3.ObjectOwnership | None = None,
) -> s3.Bucket:
    """Make a bucket for access logs. By default its owner owns each object."""
    # It needs aws_s3, whose import takes 25 ms.
    from fargate_constructs._core.private_bucket import PrivateBucket  # noqa: PLC0415

    rule = s3.LifecycleRule(expiration=expiration or _days(EXPIRATION_DAYS))
    ownership = object_ownership or s3.ObjectOwnership.BUCKET_OWNER_ENFORCED
    return PrivateBucket(scope, "AccessLogs", lifecycle_rules=[rule], object_ownership=ownership)


def validate_expiration(expiration: Duration | None) -> None:
    """Refuse anything but whole days, because S3 counts days."""
    if expiration is None or expiration.is_unresolved():
        return
    milliseconds = expiration.to_milliseconds()
    if milliseconds < DAY or milliseconds % DAY:
        raise ValueError(f"access_log_expiration must be whole days, 1 at least, got: {expiration.to_human_string()}")


def _allow(bucket: s3.IBucket, load_balancer: IConstruct, *statements: iam.PolicyStatement) -> None:
    """Let a sender of logs use the bucket before the load balancer needs it."""
    permissions = [bucket.add_to_resource_policy(each) for each in statements]
    for each in permissions:
        if each.policy_dependable:
            load_balancer.node.find_child("Resource").node.add_dependency(each.policy_dependable)
    if not permissions[0].statement_added:
        sender = statements[0].principals[0].policy_fragment.principal_json["Service"][0]
        Annotations.of(load_balancer).add_warning_v2(
            "fargate-constructs:accessLogPolicy",
            f"this stack cannot change the policy of the imported bucket {bucket.node.path}: let {with_names(sender)} "
            "put objects into it, or the deployment fails",
        )
