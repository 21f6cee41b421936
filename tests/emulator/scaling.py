"""Application Auto Scaling's scalable targets, of which MiniStack has none: they keep a service's tasks in their range.

ScalableTarget ──> the service's desired count is inside of the range ──> UpdateService
"""

import json

from ministack.services.ecs import _ACTION_MAP

from tests.emulator.api import Attributes, Created, Props, checked


def create_target(props: Props) -> Created:
    """AWS::ApplicationAutoScaling::ScalableTarget of an ECS service."""
    assert (props["ScalableDimension"], props["ServiceNamespace"]) == ("ecs:service:DesiredCount", "ecs")
    return f"{props['ResourceId']}|ecs:service:DesiredCount|ecs", register_target("", {}, props)


def register_target(_physical_id: str, _old: Props, new: Props) -> Attributes:
    """Change the desired count to one that is inside of the range.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    _, cluster, name = new["ResourceId"].split("/")
    described = checked(_ACTION_MAP["DescribeServices"]({"cluster": cluster, "services": [name]}))
    (service,) = json.loads(described)["services"]
    count = min(max(service["desiredCount"], int(new["MinCapacity"])), int(new["MaxCapacity"]))
    if count != service["desiredCount"]:
        checked(_ACTION_MAP["UpdateService"]({"cluster": cluster, "service": name, "desiredCount": count}))
    return {}


def deregister_target(_physical_id: str, _props: Props) -> None:
    """Leave the service as it is."""
