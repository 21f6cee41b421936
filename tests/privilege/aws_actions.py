"""AWS's actions: whether one exists, and which resources it takes, from cfn-lint's copy of AWS's reference.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from functools import cache
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource


@cache
def _services() -> dict[str, Any]:
    services: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return services


def exists(action: str) -> bool:
    """Tell whether AWS has an action."""
    service, _, name = action.partition(":")
    return name.lower() in _services().get(service, {}).get("Actions", {})


def takes_arn(action: str) -> bool:
    """Tell whether an action can be limited to resources."""
    return bool(_resource_types(action))


def fits(action: str, arn: str) -> bool:
    """Tell whether an ARN, or a pattern of ARNs, can be of a resource that an action takes."""
    service, _, _ = action.partition(":")
    return any(
        _fits(arn, type_, pattern)
        for type_ in _resource_types(action)
        for pattern in _services()[service]["Resources"][type_.lower()]["ARNFormats"]
    )


def _resource_types(action: str) -> list[str]:
    service, _, name = action.partition(":")
    types = _services()[service]["Actions"][name.lower()].get("Resources", [])
    return types if isinstance(types, list) else [types]


def _fits(arn: str, type_: str, pattern: str) -> bool:
    # The copy has one pattern for S3's buckets and objects.
    if arn.split(":")[2] == "s3" and type_ in {"bucket", "object"} and ("/" in arn) is (type_ == "bucket"):
        return False
    return re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", "[^:]*", re.escape(pattern)).replace(r"\.\*", ".*"), arn) is not None
