"""What synthesis knows of a value.

A token is not known: only the deployment knows its value. CDK uses a dummy for a value that the CLI has not looked up
yet. The CLI looks up after a successful synthesis, and then synthesizes again with the values
(https://docs.aws.amazon.com/cdk/v2/guide/context.html). So a check must accept dummies.
"""

import json
import re
import struct
import sys
from collections.abc import Iterable

from aws_cdk import Stack, Token

# A token in a text (https://docs.aws.amazon.com/cdk/v2/guide/tokens.html).
TOKEN = re.compile(r"\$\{Token\[[^]]*\]\}")
# The first two bytes of a number that is a token (aws-cdk-lib, core/lib/private/encoding.ts).
NUMBER_TOKEN = b"\xfb\xff"
LIST_TOKEN = "#{Token["  # noqa: S105 - no secret
# Values to try for a token: a word, a number, a name of several parts, a path, or nothing. If some value of the token
# makes a text match a pattern of names, hosts, paths or headers, one of these does.
SAMPLES = ("aa", "AA", "00", "", "aa.aa", ".aa", "aa.", "/aa", "aa/")
# The dummies of CDK's look-ups: `dummyValue` in its calls of `ContextProvider.getValue`, and `DUMMY_VPC_PROPS` in its
# aws-ec2/lib/vpc.ts.
DUMMIES = {
    "StringParameter.value_from_lookup": r"dummy-value-for-",
    "Vpc.from_lookup": r"\bvpc-12345\b|\b[sp]-(12345|67890)\b|\bdummy1[abc]\b|\b1\.2\.3\.4/5\b",
    "SecurityGroup.from_lookup_by_name, and a load balancer's": r"\bsg-(1234|12345678|123456789012)\b",
    "ApplicationLoadBalancer and ApplicationListener.from_lookup": r"/my-load-balancer/50dc6c495c0c9188\b",
    "HostedZone, Repository and Role.from_lookup": r"\bDUMMY(_ARN)?\b",
    "Key.from_lookup": r"\b1234abcd-12ab-34cd-56ef-1234567890ab\b",
}
DUMMY = re.compile("|".join(DUMMIES.values()))


def is_unresolved(value: object) -> bool:
    """Whether a value is or contains a token. Python checks texts and numbers itself; Node.js would take 0.2 ms."""
    if isinstance(value, str):
        return TOKEN.search(value) is not None
    if isinstance(value, (int, float)):
        return -sys.float_info.max <= value < 0 and struct.pack(">d", value).startswith(NUMBER_TOKEN)
    return Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether a value contains no token and no dummy of a look-up; a list is known if each of its values is."""
    if isinstance(value, str):
        return not is_dummy(value) and not is_list_token(value) and not is_unresolved(value)
    return all(map(is_known, value)) if isinstance(value, Iterable) else not is_unresolved(value)


def with_names(text: str) -> str:
    """Return a text for a message: with references in place of tokens, such as `${AWS::Region}`, as in `Fn::Sub`."""
    return TOKEN.sub(lambda token: _reference(Stack().resolve(token[0])), text)


def _reference(value: object) -> str:
    match value:
        case str():
            return value
        case {"Ref": str() as name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str() as name, str() as attribute]}:
            return f"${{{name}.{attribute}}}"
    return json.dumps(value)


def may_match(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a text matches a pattern, or may match it with some values of its tokens."""
    parts = TOKEN.split(text)
    samples = SAMPLES if len(parts) > 1 else ("",)
    return _may_be_anything(text) or any(pattern.fullmatch(sample.join(parts)) for sample in samples)


def may_start_with(prefix: str, text: str) -> bool:
    """Whether a text begins with a prefix, or may with some values of its tokens."""
    start, *others = TOKEN.split(text)
    return start.startswith(prefix) or bool(others and prefix.startswith(start)) or _may_be_anything(text)


def may_end_with(suffix: str, text: str) -> bool:
    """Whether a text ends with a suffix, or may with some values of its tokens."""
    *others, end = TOKEN.split(text)
    return end.endswith(suffix) or bool(others and suffix.endswith(end)) or _may_be_anything(text)


def min_length(text: str) -> int:
    """Return the smallest length of a text: without its tokens; 0 for a dummy of a look-up."""
    return 0 if _may_be_anything(text) else len(TOKEN.sub("", text))


def is_list_token(value: str) -> bool:
    """Whether a text is the item of a list that is a token."""
    return value.startswith(LIST_TOKEN)


def is_dummy(value: str) -> bool:
    """Whether a text contains a dummy for a value that the CLI has not looked up yet."""
    return DUMMY.search(value) is not None


def _may_be_anything(text: str) -> bool:
    """Whether nothing is known of a text: it has tokens only, or is a list token or a dummy."""
    return is_dummy(text) or is_list_token(text) or (TOKEN.sub("", text) == "" != text)
