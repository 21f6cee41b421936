"""Default security groups without rules, as CDK's own function makes them, but without a process of Node.js for each.

template ──> MiniStack's Custom::VpcRestrictDefaultSG ──> [this] ──> MiniStack's EC2
"""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import custom_resource
from ministack.services.ec2 import _security_groups

# Stacks for which CDK's own function runs: the example, its later changes, and one that is to leave nothing.
AS_ON_AWS = ("Example", "Preview", "Upgrade")


def register() -> None:
    """Enter this in MiniStack."""
    invoke: Callable[..., Any] = custom_resource.invoke_custom_resource

    def close(request: str, logical_id: str, props: dict[str, str], stack: str, *others: str, **more: Any) -> Any:  # noqa: ANN401  # MiniStack's own
        if "Custom::VpcRestrictDefaultSG" not in others or stack in AS_ON_AWS:
            return invoke(request, logical_id, props, stack, *others, **more)
        _security_groups[props["DefaultSecurityGroupId"]] |= {"IpPermissions": [], "IpPermissionsEgress": []}
        return logical_id, {}

    vars(custom_resource)["invoke_custom_resource"] = close
