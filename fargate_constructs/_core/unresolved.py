"""What is known of a value while the app is synthesized.

```
value ──> [known?] ──> checks
```

A token is not: only the deployment tells. Nor is the dummy that CDK takes for a value which the CLI has yet to look up.
The CLI looks up after a synthesis that succeeded, and then synthesizes again with the values
(https://docs.aws.amazon.com/cdk/v2/guide/context.html). A check that refused a dummy would never get to see the value.
"""

import re
import struct
import sys
from collections.abc import Iterable

from aws_cdk import Token

# How CDK writes a value that it does not know yet into a text (https://docs.aws.amazon.com/cdk/v2/guide/tokens.html).
TOKEN = re.compile(r"\$\{Token\[[^]]*\]\}")
# The first two bytes of a number in which CDK hides a token (aws-cdk-lib, core/lib/private/encoding.ts).
NUMBER_TOKEN = b"\xfb\xff"
LIST_TOKEN = "#{Token["  # noqa: S105 - no secret
# What may be in a token's place. If any value of it makes a text match, one of these does, for the patterns of names,
# hosts, paths and headers: a word, a number, a name of several parts, a path, or nothing.
FILLERS = ("aa", "AA", "00", "", "aa.aa", ".aa", "aa.", "/aa", "aa/")
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
    """Whether a value is or holds a token. Python sees that of a text or a number; Node.js would take 0.2 ms."""
    if isinstance(value, str):
        return TOKEN.search(value) is not None
    if isinstance(value, (int, float)):
        return -sys.float_info.max <= value < 0 and struct.pack(">d", value).startswith(NUMBER_TOKEN)
    return Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether a value is itself: no token, and no dummy of a look-up; of a list, whether each of its values is."""
    if isinstance(value, str):
        return not is_dummy(value) and not is_list_token(value) and not is_unresolved(value)
    return all(map(is_known, value)) if isinstance(value, Iterable) else not is_unresolved(value)


def may_match(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a text matches a pattern, or may once all of it is known: as far as the text around its tokens tells."""
    parts = TOKEN.split(text)
    fillers = FILLERS if len(parts) > 1 else ("",)
    return _may_be_anything(text) or any(pattern.fullmatch(filler.join(parts)) for filler in fillers)


def may_start_with(prefix: str, text: str) -> bool:
    """Whether a text begins so, or may once all of it is known."""
    start, *others = TOKEN.split(text)
    return start.startswith(prefix) or bool(others and prefix.startswith(start)) or _may_be_anything(text)


def may_end_with(suffix: str, text: str) -> bool:
    """Whether a text ends so, or may once all of it is known."""
    *others, end = TOKEN.split(text)
    return end.endswith(suffix) or bool(others and suffix.endswith(end)) or _may_be_anything(text)


def min_length(text: str) -> int:
    """Return how long a text is at least: without its tokens, and as if what is yet to be looked up were empty."""
    return 0 if _may_be_anything(text) else len(TOKEN.sub("", text))


def is_list_token(value: str) -> bool:
    """Whether a text is how CDK writes, within a list, that only the deployment knows the list."""
    return value.startswith(LIST_TOKEN)


def is_dummy(value: str) -> bool:
    """Whether a text is, or holds, what CDK takes for a value that the CLI has yet to look up."""
    return DUMMY.search(value) is not None


def _may_be_anything(text: str) -> bool:
    """Whether nothing is known of a text: it is made of tokens alone, one for a list, or a dummy."""
    return is_dummy(text) or is_list_token(text) or (TOKEN.sub("", text) == "" != text)
