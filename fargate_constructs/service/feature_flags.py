"""The feature flags of CDK that services need."""

from constructs import Construct

from fargate_constructs._core.construct_paths import node_of

# With these flags, a service without its last route or alarm loses it on AWS, too
# (https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/cx-api/FEATURE_FLAGS.md).
FLAGS = (
    "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm",
    "@aws-cdk/aws-ecs:removeEmptyLoadBalancers",
)


def pin_feature_flags(construct: Construct) -> None:
    """Turn these flags on for the children of a construct; it must have none yet."""
    node = node_of(construct)
    for flag in FLAGS:
        node.set_context(flag, True)  # noqa: FBT003 - the flag's value
