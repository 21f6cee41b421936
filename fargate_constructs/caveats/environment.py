"""Whether a task's plain environment shows a secret.

```
secret ──> [environment] ──> whoever may describe the task definition
```
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from aws_cdk import Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.service.containers import resolves_secret
from fargate_constructs.templates import Templates, is_true, items

# The end of the name says what the value is: DB_PASSWORD is one, PASSWORD_FILE and SECRET_ARN are none.
PASSWORD_NAME = re.compile(r"(password|passwd|passphrase|basic[_-]?auth|(^|[_-]|pg|db)(pass|pwd))$", re.IGNORECASE)
SECRET_NAME = re.compile(
    r"(secret|token|credentials?|(api|app|access|private|secret|signing|encryption)[_-]?key|secret[_-]?key[_-]?base)$",
    re.IGNORECASE,
)
PUBLIC_NAME = re.compile(r"public", re.IGNORECASE)
# What such a variable may hold that is no secret: a switch, a number, a path, an ARN or alias, an address.
HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|enabled|disabled|optional|required|auto|file|env"
    r"|\d+"
    r"|[.~]{0,2}(/[\w.@-]+){2,}/?|[.~]{1,2}/[\w.@-]+/?|/[\w-]+\.[a-z]+"
    r"|arn:.*|alias/.*|https?://.*",
    re.IGNORECASE | re.DOTALL,
)
# And what may stand for a secret or a key that is kept elsewhere, though not for a password: words, or a key's ID.
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
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|://[^/\s:@]*:[^/\s:@$%{<]+@"  # but for a placeholder, such as ${PASSWORD}
)


def find_secrets(app: FargateApp) -> Iterator[Finding]:
    """Yield the variables that hold secrets, without their values."""
    for definition in app.definitions:
        for name, container in app.containers(definition):
            for variable in items(container, "Environment"):
                key, value = str(variable.get("Name")), variable.get("Value")
                if reason := _reason(app.templates, definition.stack, key, value):
                    # An ID that cdk-nag can read back holds no brackets.
                    part = re.sub(r"[^\w.-]", "-", key)
                    yield Finding(Rule.SecretInEnvironment, definition, f"{key} of {name}, {reason}", part)


def _reason(templates: Templates, stack: Stack, key: str, value: Any) -> str:  # noqa: ANN401 - a piece of a template
    if resolves_secret(value):
        return "which becomes the value of a secret"
    if any(is_true(each.get("NoEcho")) for each in templates.parameters(stack, value)):
        return "which a parameter with NoEcho is part of"
    if SECRET_VALUE.search(json.dumps(value)):
        return "whose value looks like a secret"
    if not isinstance(value, str) or HARMLESS.fullmatch(value) or PUBLIC_NAME.search(key):
        return ""
    named_so = PASSWORD_NAME.search(key) or (SECRET_NAME.search(key) and not REFERENCE.fullmatch(value))
    return "whose name says that it is a secret" if named_so else ""
