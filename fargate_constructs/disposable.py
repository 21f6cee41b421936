"""Environments that may go: previews, tests, anything whose data and addresses are for nothing else.

```
cdk destroy ──> [disposable stack] ──> nothing is left
```
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import jsii
from aws_cdk import CfnResource, Mixins, RemovalPolicies, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_s3 import mixins
from constructs import Construct, IConstruct, IMixin, IValidation

from fargate_constructs.arguments import checked
from fargate_constructs.findings import LOG_GROUP, acknowledge
from fargate_constructs.paths import path_of

FUNCTION = "AWS::Lambda::Function"
DELETION_PROTECTION = "deletion_protection.enabled"
# What the proof of egress knows an address by that need not stay.
DISPOSABLE = "fargate-constructs:disposable"


@checked
def make_disposable(scope: Construct) -> None:
    """Let everything at and below a construct go when its stack is deleted. Call it when all of that is made.

    Elastic IPs are released, buckets are emptied and deleted with every version in them, log groups and image
    repositories go with what they hold, functions log to groups of the stack, and load balancers are not protected from
    deletion. The proof of egress stays
    on; it takes the addresses for known, since they are there as long as the stack is.

    ```python
    if stage != "prod":
        make_disposable(stack)
    ```

    An update that replaces something deletes what it replaces, too: no partner should rely on the addresses, and nobody
    on the data. What is made elsewhere is not touched, nor is what AWS makes beside a stack: final snapshots, and keys,
    which KMS deletes after 30 days (https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html).

    Args:
        scope: A stack, a stage, an app, or any construct.

    Raises:
        ValueError: If a bucket has an object lock, which nobody can empty before its time.
    """
    resources = list(_resources(scope))
    for each in resources:
        if isinstance(each, s3.CfnBucket) and each.object_lock_enabled:
            raise ValueError(f"scope must hold no bucket with an object lock, got: {path_of(each)}; leave the lock out")
    RemovalPolicies.of(scope).destroy()
    Mixins.of(scope).apply(cast(IMixin, mixins.BucketAutoDeleteObjects()))
    for each in resources:
        if isinstance(each, ec2.CfnEIP):
            each.add_metadata(DISPOSABLE, True)  # noqa: FBT003 - the value
        if isinstance(each, elbv2.CfnLoadBalancer):
            load_balancer = cast(elbv2.BaseLoadBalancer, each.node.scope)
            load_balancer.set_attribute(DELETION_PROTECTION, "false")
        if isinstance(each, ecr.CfnRepository):
            each.empty_on_delete = True
    for each in _resources(scope):  # those of what empties the buckets among them
        if each.cfn_resource_type == FUNCTION and not getattr(each, "logging_config", None):
            _make_log_group(each)
    scope.node.add_validation(cast(IValidation, _Complete(scope, resources)))


def _make_log_group(function: CfnResource) -> None:
    """Let a function log to a group of the stack, where Lambda would make one that stays."""
    lines = logs.LogGroup(
        cast(Construct, function.node.scope),
        f"{function.node.id}Lines",
        retention=logs.RetentionDays.ONE_WEEK,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(lines, LOG_GROUP)
    function.add_property_override("LoggingConfig.LogGroup", lines.log_group_name)


def is_disposable(resource: Mapping[str, Any]) -> bool:
    """Whether somebody said of a template's resource that it may go with its stack, by `make_disposable`."""
    return bool(resource.get("Metadata", {}).get(DISPOSABLE))


@jsii.implements(IValidation)
class _Complete:
    """Refuses what was made after `make_disposable`, and would be left."""

    def __init__(self, scope: Construct, known: list[CfnResource]) -> None:
        self._scope = scope
        self._known = {path_of(each) for each in known}

    def validate(self) -> list[str]:
        """Return a message for each bucket that nobody empties and each load balancer that is protected."""
        late = [
            path_of(each)
            for each in _resources(self._scope)
            if isinstance(each, s3.CfnBucket | elbv2.CfnLoadBalancer) and path_of(each) not in self._known
        ]
        return [f"make_disposable must be called when all is made, got after it: {path}" for path in late]


def _resources(scope: IConstruct) -> Iterator[CfnResource]:
    """Yield the resources at and below a construct."""
    for each in scope.node.find_all():
        if CfnResource in type(each).__mro__:
            yield cast(Any, each)
