"""Where a load balancer keeps what it was asked.

```
caller ──> load balancer ──> [access log bucket]
```
"""

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.private_bucket import PrivateBucket, why_no_access_logs
from fargate_constructs._core.unresolved import is_dummy

EXPIRATION_DAYS = 90
DAY = 24 * 60 * 60 * 1000


def log_to(
    scope: Construct,
    bucket: s3.IBucket | None,
    *,
    load_balancer: elbv2.ApplicationLoadBalancer,
    prefix: str | None,
    expiration: Duration | None,
    connection_logs: bool,
) -> s3.IBucket:
    """Turn on a load balancer's logs, once it may write them.

    `ApplicationLoadBalancer.log_access_logs` cannot do this in a stack without a fixed region (aws-cdk#27432): it
    looks up the region's old account of Elastic Load Balancing. The service principal used here needs no region. See
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html.

    Args:
        scope: The endpoint.
        bucket: Where to. By default a private bucket is made.
        load_balancer: Whose logs.
        prefix: What the keys begin with, before `AWSLogs/`. By default nothing.
        expiration: After how long a file in the bucket made here is deleted. By default 90 days.
        connection_logs: Whether TLS connections are logged too.
    """
    kept = bucket or _make_bucket(scope, expiration or Duration.days(EXPIRATION_DAYS))
    _permit(kept, prefix, load_balancer)
    for kind, is_on in (("access_logs", True), ("connection_logs", connection_logs), ("health_check_logs", False)):
        load_balancer.set_attribute(f"{kind}.s3.enabled", str(is_on).lower())
        if is_on:
            load_balancer.set_attribute(f"{kind}.s3.bucket", kept.bucket_name)
        if is_on and prefix:
            load_balancer.set_attribute(f"{kind}.s3.prefix", prefix)
    return kept


def validate_access_logs(
    bucket: s3.IBucket | None, prefix: str | None, expiration: Duration | None, *, load_balancer: str
) -> None:
    """Refuse what the load balancer could not write to.

    Raises:
        ValueError: If *expiration* is not of whole days, the bucket has a KMS key or a default lock, its files
            would be given an expiration here, or the prefix is one that AWS refuses.
    """
    validate_expiration(expiration)
    if bucket and (reason := why_no_access_logs(bucket)):
        raise ValueError(
            f"access_log_bucket must be encrypted with SSE-S3, got {bucket.node.path} with {reason}: {load_balancer} "
            "cannot write there; give another bucket, or none",
        )
    if bucket and expiration:
        raise ValueError(
            "access_log_expiration must be set on the bucket you give, "
            f"got: {expiration.to_human_string()} beside access_log_bucket",
        )
    if (
        prefix is not None
        and not is_dummy(prefix)
        and (not prefix.strip("/") or prefix != prefix.strip("/") or "AWSLogs" in prefix)
    ):
        raise ValueError(
            "access_log_prefix must be a path such as 'access-logs/shop', without a slash at either end and without "
            f"AWSLogs, got: {prefix!r}",
        )


def validate_expiration(expiration: Duration | None) -> None:
    """Refuse what S3 counts no days of.

    Raises:
        ValueError: If it is not of whole days, one at least.
    """
    if expiration is None or expiration.is_unresolved():
        return
    milliseconds = expiration.to_milliseconds()
    if milliseconds < DAY or milliseconds % DAY:
        raise ValueError(f"access_log_expiration must be whole days, 1 at least, got: {expiration.to_human_string()}")


def _make_bucket(scope: Construct, expiration: Duration) -> PrivateBucket:
    return PrivateBucket(scope, "AccessLogs", lifecycle_rules=[s3.LifecycleRule(expiration=expiration)])


def _permit(bucket: s3.IBucket, prefix: str | None, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    # The path holds the account: Elastic Load Balancing writes no other account's logs below it.
    account = Stack.of(load_balancer).account
    objects = bucket.arn_for_objects("/".join([*([prefix] if prefix else []), "AWSLogs", account, "*"]))
    permission = bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[objects],
        ),
    )
    if permission.policy_dependable:
        load_balancer.node.find_child("Resource").node.add_dependency(permission.policy_dependable)
    if not permission.statement_added:
        Annotations.of(load_balancer).add_warning_v2(
            "fargate-constructs:accessLogPolicy",
            f"the policy of the imported bucket {bucket.node.path} cannot be changed from here: let "
            "logdelivery.elasticloadbalancing.amazonaws.com put objects into it, or the deployment fails",
        )
