"""What a header must be that a listener rule asks for, in any part that names one."""

import re

from fargate_constructs.known import may_match

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html. Headers with
# other names the load balancer drops (routing.http.drop_invalid_header_fields).
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
# Visible ASCII and spaces within. An escaped wildcard (\*) would have no rank.
VALUE = re.compile(r"(?=.{1,128}$)[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?")
NAMES = "of at most 40 letters, digits and hyphens"
VALUES = "of at most 128 visible characters, none of them a backslash"


def validate_header(parameter: str, name: str, value: str) -> None:
    """Refuse a header that no listener rule can ask for, as far as it is known at synth.

    Args:
        parameter: What the caller calls the header.
        name: Its name.
        value: Its value.

    Raises:
        ValueError: If the name or the value is malformed, or it is the host, of which a rule asks otherwise.
    """
    if not may_match(HEADER_NAME, name):
        raise ValueError(f"{parameter} must have a name {NAMES}, got: {name!r}")
    if name.lower() == "host":
        raise ValueError(f"{parameter} cannot be the host, got: {name!r}; take a header of your own, such as x-version")
    if not may_match(VALUE, value):
        raise ValueError(f"{parameter} must have a value {VALUES}, got: {value!r}")
