"""Rule about secrets: whether the plain environment of a container holds one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule, undecided
from fargate_constructs.synthesized.intrinsics import (
    as_text,
    functions_in,
    is_true,
    items,
    lookup,
    pieces,
    resolves_secret,
)
from fargate_constructs.synthesized.templates import Templates

if TYPE_CHECKING:
    from aws_cdk import Stack

# The end of the name counts: DB_PASSWORD is a password, PASSWORD_FILE and SECRET_ARN are not secrets.
PASSWORD_NAME = re.compile(r"(password|passwd|passphrase|basic[_-]?auth|(^|[_-]|pg|db)(pass|pwd))s?$", re.IGNORECASE)
SECRET_NAME = re.compile(
    r"(secret|token|credential|creds?|secret[_-]?key[_-]?base"
    r"|(api|app|access|account|auth|encryption|hmac|jwt|license|master|private|secret|service|session|shared|signing)"
    r"[_-]?(access[_-]?)?key)s?$",
    re.IGNORECASE,
)
# The pairs in a value, such as a connection string's, a URL's parameters or JSON.
PAIR = re.compile(
    r"""(?:^|[\s;&?,{'"-])(?P<name>[A-Za-z][\w .-]{0,60}?)(?:\s*=\s*|["']\s*:\s*["'])(?P<value>[^\s;&,"'}]+)"""
)
# A placeholder for a value that the task puts in: ${PASSWORD}, $PASSWORD, %s, {{password}}, <password>, ***.
PLACEHOLDER = re.compile(r"\$?[{<(].*|\$[A-Z_]+|%\w+%?|\*+", re.DOTALL)
PUBLIC_NAME = re.compile(r"public", re.IGNORECASE)
# Values of such a variable that are no secret: a switch, a number, a path, an ARN or alias, a URL.
HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|enabled|disabled|optional|required|auto|file|env"
    r"|\d+"
    r"|[.~]{0,2}(/[\w.@-]+){2,}/?|[.~]{1,2}/[\w.@-]+/?|/[\w-]+\.[a-z]+"
    r"|arn:.*|alias/.*|https?://.*",
    re.IGNORECASE | re.DOTALL,
)
# Values that may name a secret or key kept elsewhere, but not a password: words, or a key's ID.
REFERENCE = re.compile(r"[a-z]+([-_/.][a-z]+)+|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", re.IGNORECASE)
SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    r"|\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_[0-9A-Za-z_]{22,}"
    r"|\bglpat-[\w-]{20}"
    r"|\bAIza[\w-]{35}"
    r"|\bsk-(proj|svcacct|ant)-[\w-]{20,}"
    r'|^"(Bearer|Basic) [^\s"]+"$'  # all of a header
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}"
    r"|\b[rs]k_live_[0-9A-Za-z]{16,}"
    r"|\bhooks\.slack\.com/(services|workflows)/\w"  # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|://[^/\s:@]*:[^/\s:@$%{<]+@"  # except a placeholder, such as ${PASSWORD}
)


def find_secrets(app: FargateApp) -> Iterator[Finding]:
    """Yield the environment variables that hold secrets, without their values."""
    for definition in app.definitions:
        for name, container in app.containers(definition):
            environment = container.get("Environment")
            yield from undecided(definition, Rule.SecretInEnvironment, Environment=environment)
            for variable in items(environment):
                key, value = as_text(variable.get("Name")), variable.get("Value")
                reason = _reason(app.templates, definition.stack, key, value)
                # cdk-nag cannot parse brackets within an ID.
                part = re.sub(r"[^\w.-]", "-", key)
                if reason:
                    yield Finding(Rule.SecretInEnvironment, definition, f"{key} of {name}, {reason}", part)
                elif app.templates.locate(definition.stack, value) is None and not PUBLIC_NAME.search(key):
                    values = {"Name": variable.get("Name"), key: value}
                    yield from undecided(definition, Rule.SecretInEnvironment, **values)


def _reason(templates: Templates, stack: Stack, key: str, value: Any) -> str:  # noqa: ANN401 - a piece of a template
    if resolves_secret(value):
        return "which becomes the value of a secret"
    attributes = [each["Fn::GetAtt"][-1] for each in functions_in(value) if "Fn::GetAtt" in each]
    if any(SECRET_NAME.search(str(each)) or PASSWORD_NAME.search(str(each)) for each in attributes):
        return "which becomes the value of a secret"
    if any(is_true(each.get("NoEcho")) for each in templates.parameters(stack, value)):
        return "which a parameter with NoEcho is part of"
    if SECRET_VALUE.search(json.dumps(as_text(value))):
        return "whose value looks like a secret"
    for text in (each for each in pieces(value) if isinstance(each, str)):
        for pair in PAIR.finditer(text):
            if _is_secret(pair["name"], pair["value"]):
                return f"whose value has a {pair['name'].strip()}"
    literal = lookup(value)
    return "whose name says that it is a secret" if isinstance(literal, str) and _is_secret(key, literal) else ""


def _is_secret(key: str, value: str) -> bool:
    """Whether a value is a secret, judged by its name."""
    if HARMLESS.fullmatch(value) or PLACEHOLDER.fullmatch(value) or PUBLIC_NAME.search(key):
        return False
    return bool(PASSWORD_NAME.search(key) or (SECRET_NAME.search(key) and not REFERENCE.fullmatch(value)))
