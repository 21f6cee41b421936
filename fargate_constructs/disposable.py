"""Disposable environments: previews and tests, whose data and addresses are not needed later."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from aws_cdk import CfnResource, Mixins, RemovalPolicies, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_s3 import mixins
from constructs import Construct, IConstruct, IMixin

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of, stack_of
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, LOG_GROUP, acknowledge
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs.synthesized.egress_routes import DISPOSABLE

FUNCTION = "AWS::Lambda::Function"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
FULL_OR_PROTECTED = (s3.CfnBucket, ecr.CfnRepository, elbv2.CfnLoadBalancer)
# The construct ID under a bucket that CDK empties.
EMPTIED_BY = "AutoDeleteObjectsCustomResource"
DELETION_PROTECTION = "deletion_protection.enabled"


@checked
def make_disposable(scope: Construct) -> None:
    """Let a destroy delete everything at and below a construct. Call it after all constructs are made.

    Elastic IPs are released. Buckets are emptied with all versions and deleted, and so are log groups and image
    repositories. Functions write to log groups of the stack. Termination protection of stacks is off, and deletion
    protection of load balancers, databases, tables and user pools. The egress proof stays on. It accepts the addresses,
    because they exist as long as the stack.

    ```python
    if stage != "prod":
        make_disposable(stack)
    ```

    An update that replaces a resource also deletes the old one. So partners should not rely on the addresses, or users
    on the data. Imported resources do not change, and neither do resources that AWS makes: final snapshots, and keys,
    which KMS deletes after 30 days (https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html).

    Args:
        scope: A stack, a stage, an app, or any construct.

    Raises:
        ValueError: If a bucket has an object lock: its objects cannot be deleted before the lock ends. Synthesis fails
            if a bucket, a repository or a load balancer is made later, or if a `dynamodb.TableV2` has
            `deletion_protection`.
    """
    resources = list(_resources(scope))
    for each in resources:
        if isinstance(each, s3.CfnBucket) and each.object_lock_enabled:
            raise ValueError(f"scope must hold no bucket with an object lock, got: {path_of(each)}; leave the lock out")
    below = [each for each in scope.node.find_all() if isinstance(each, Stack)]
    stacks = [*(each for each in scope.node.scopes if isinstance(each, Stack)), *below]
    functions = {path_of(each) for each in _functions(stacks)}
    RemovalPolicies.of(scope).destroy()
    for each in resources:
        if isinstance(each, s3.CfnBucket) and not _is_emptied(each):
            Mixins.of(each).apply(cast(IMixin, mixins.BucketAutoDeleteObjects()))
        if isinstance(each, ec2.CfnEIP):
            each.add_metadata(DISPOSABLE, True)  # noqa: FBT003 - the value
        if isinstance(each, ecr.CfnRepository):
            each.empty_on_delete = True
        _take_protection_off(each)
    for stack in below:
        stack.termination_protection = False
    for each in _functions(stacks):
        # The function that empties buckets is in their stack, maybe outside of the scope.
        is_ours = f"{path_of(each)}/".startswith(f"{path_of(scope)}/".lstrip("/")) or path_of(each) not in functions
        if is_ours and not getattr(each, "logging_config", None):
            _make_log_group(each)
    emptied = {path_of(each) for each in resources if isinstance(each, FULL_OR_PROTECTED)}
    check_at_synthesis(scope, lambda: _kept(scope, emptied))


def _functions(stacks: Iterable[Stack]) -> Iterator[CfnResource]:
    """Yield each function of some stacks once."""
    for stack in dict.fromkeys(stacks):
        yield from (each for each in _resources(stack) if _is_function(each) and stack_of(each) == stack)


def _is_function(resource: CfnResource) -> bool:
    """Whether a resource is a function. Node.js is not asked about the L1 constructs of other types."""
    is_other = type(resource).__module__.startswith("aws_cdk.") and not isinstance(resource, lambda_.CfnFunction)
    return not is_other and resource.cfn_resource_type == FUNCTION


def _is_emptied(bucket: s3.CfnBucket) -> bool:
    """Whether a bucket is emptied already: by its own argument, or by an earlier call."""
    return any(each and each.node.try_find_child(EMPTIED_BY) for each in (bucket, bucket.node.scope))


def _take_protection_off(resource: CfnResource) -> None:
    """Turn off deletion protection of a load balancer, a database or a user pool."""
    if isinstance(resource, elbv2.CfnLoadBalancer):
        load_balancer = resource.node.scope
        if isinstance(load_balancer, elbv2.BaseLoadBalancer):
            load_balancer.set_attribute(DELETION_PROTECTION, "false")
        else:
            pairs = Stack.of(resource).resolve(resource.load_balancer_attributes) or []
            attributes = {each["key"]: each["value"] for each in pairs} | {DELETION_PROTECTION: "false"}
            attribute = elbv2.CfnLoadBalancer.LoadBalancerAttributeProperty
            resource.load_balancer_attributes = [attribute(key=key, value=attributes[key]) for key in attributes]
    for name in ("deletion_protection", "deletion_protection_enabled"):
        if value := getattr(resource, name, None):
            setattr(resource, name, "INACTIVE" if isinstance(value, str) else False)


def _make_log_group(function: CfnResource) -> None:
    """Let a function write to a log group of the stack, because Lambda would make one that stays."""
    scope = cast(Construct, function.node.scope)
    if scope.node.try_find_child(f"{function.node.id}Lines"):
        return
    lines = logs.LogGroup(
        scope,
        f"{function.node.id}Lines",
        retention=logs.RetentionDays.ONE_WEEK,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(lines, LOG_GROUP)
    function.add_property_override("LoggingConfig.LogGroup", lines.log_group_name)
    role = scope.node.try_find_child("Role")
    if role:  # a function of CDK, such as the one that runs at the end and writes lines after the log group is deleted
        # Lambda would make the log group again for them (https://github.com/aws/aws-cdk/issues/31487).
        deny = iam.PolicyStatement(effect=iam.Effect.DENY, actions=["logs:CreateLogGroup"], resources=["*"])
        policy = iam.CfnPolicy(
            scope,
            f"{function.node.id}NoOtherLines",
            roles=[cast(CfnResource, role).ref],
            policy_name="NoOtherLines",
            policy_document=iam.PolicyDocument(statements=[deny]),
        )
        acknowledge(policy, INLINE_POLICY)
        lines.node.add_dependency(policy)


def _kept(scope: Construct, emptied: set[str]) -> Iterator[str]:
    """Refuse what a destroy would keep: each later bucket, repository or load balancer, and each protected table."""
    for each in _resources(scope):
        if isinstance(each, FULL_OR_PROTECTED) and path_of(each) not in emptied:
            yield f"make_disposable must be called when all is made, got a later construct: {path_of(each)}"
        if hasattr(type(each), "replicas") and each.cfn_resource_type == GLOBAL_TABLE and _has_protection(each):
            yield f"make_disposable needs tables that may be deleted, got deletion_protection: {path_of(each)}"


def _has_protection(table: Any) -> bool:  # noqa: ANN401 - a CfnGlobalTable, whose module takes long to load
    """Whether deletion protection of a replica is on."""
    return any(each.get("deletionProtectionEnabled") for each in Stack.of(table).resolve(table.replicas))


def _resources(scope: IConstruct) -> Iterator[CfnResource]:
    """Yield the resources at and below a construct."""
    for each in scope.node.find_all():
        if CfnResource in type(each).__mro__:
            yield cast(Any, each)
