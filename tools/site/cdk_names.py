"""Addresses of CDK's own reference, without asking for its inventory.

The pages are https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_ecs/Secret.html,
https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk/Duration.html, and
https://docs.aws.amazon.com/cdk/api/v2/python/constructs/Construct.html; Sphinx makes them, so members have anchors.
"""

import re

BASE = "https://docs.aws.amazon.com/cdk/api/v2/python"
LAZY = "fargate_constructs._core.lazy_cdk."
CLASS = re.compile(r"(?P<module>aws_cdk(?:\.aws_\w+)?|constructs)\.(?P<name>[A-Z]\w*)(?P<members>(?:\.\w+)*)")


def without_laziness(path: str) -> str:
    """Return the name in CDK of what this library imports on first use."""
    return f"aws_cdk.{path.removeprefix(LAZY)}" if path.startswith(LAZY) else path


def cdk_address(path: str) -> str | None:
    """Return the page of a class or of its member, such as `aws_cdk.aws_ecs.Secret`; None for other names."""
    found = CLASS.fullmatch(without_laziness(path))
    if not found:
        return None
    anchor = f"#{found[0]}" if found["members"] else ""
    return f"{BASE}/{found['module']}/{found['name']}.html{anchor}"
