"""Whether a template contains a secret.

A template names a secret by its ARN, or by a dynamic reference that CloudFormation follows
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html).
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.audit import Template

NAME = re.compile(r"pass(word|wd|phrase)|secret|token|api_?key|private_?key|access_?key|credential", re.IGNORECASE)
VALUES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."),
    "a password in an address": re.compile(r"\b\w+://[^/\s:@]+:[^/\s:@{}$]+@"),
}
RESOLVED = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")
# Properties that take a secret and that CloudFormation never shows.
TAKE_SECRETS = {("AWS::ElasticLoadBalancingV2::ListenerRule", "ClientSecret")}
# Names that look like secrets.
NO_SECRETS = {
    "HttpTokens": "whether the instance metadata service asks for a session",
    "TokenEndpoint": "an address of the sign-in",
}


def faults(template: Template) -> list[str]:
    """Return where a template contains a secret, or could."""
    return [
        fault
        for section in ("Resources", "Outputs", "Parameters")
        for name, each in template.get(section, {}).items()
        for fault in (
            *_of_value(each, name, each["Type"] if section == "Resources" else section),
            *(_of_default(name, each) if section == "Parameters" else ()),
        )
    ]


def _of_default(name: str, parameter: dict[str, Any]) -> Iterator[str]:
    if "Default" in parameter and (parameter.get("NoEcho") or NAME.search(name)):
        yield f"{name}: a secret parameter has a default"


def _of_value(value: object, path: str, type_: str) -> Iterator[str]:
    match value:
        case {"Name": str(name), "Value": given} if NAME.search(name) and not _is_reference(given):
            yield f"{path}: the variable {name} has a value in plain text"
        case dict():
            for key, each in value.items():
                if NAME.search(key) and isinstance(each, str) and key not in NO_SECRETS and not _is_named(each):
                    yield f"{path}.{key}: has a value in plain text"
                yield from _of_value(each, f"{path}.{key}", type_)
        case list():
            for each in value:
                yield from _of_value(each, path, type_)
        case str():
            yield from _of_text(value, path, type_)


def _of_text(text: str, path: str, type_: str) -> Iterator[str]:
    for kind, pattern in VALUES.items():
        if pattern.search(text):
            yield f"{path}: looks like {kind}"
    if RESOLVED.search(text) and (type_, _last_key(path)) not in TAKE_SECRETS:
        yield f"{path}: would show the value of a secret"


def _last_key(path: str) -> str:
    """Return the property of a value, without intrinsic functions."""
    return next(part for part in reversed(path.split(".")) if not part.startswith("Fn::"))


def _is_reference(value: object) -> bool:
    return isinstance(value, dict) or _is_named(str(value))


def _is_named(value: str) -> bool:
    """Tell whether a value is the name of a secret."""
    return value.startswith("arn:") or RESOLVED.match(value) is not None
