"""Regular expressions of listener rules, as a load balancer takes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.languages import Language, shared_text
from fargate_constructs.endpoint.regex_parts import REGEX

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html lists what is not supported:
# lookaheads, lookbehinds, backreferences, atomic groups, possessive quantifiers, subroutines, recursion and Unicode
# character classes. Flags and POSIX classes are refused too, because the page names neither.
VISIBLE = re.compile(r"[!-~]+")
ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
ESCAPES = {r"\\[0-9kg]": "a backreference", r"\\[pP]": "a Unicode character class", r"\\[RXGKZAz]": "an escape"}
SYNTAX = {
    r"\(\?<?[=!]": "a lookahead or lookbehind",
    r"\(\?>": "an atomic group",
    r"[*+?}]\+": "a possessive quantifier",
    r"\(\?(?!:|P?<[A-Za-z_])": "a flag, subroutine, recursion or condition",
    r"\{(?!\d+(?:,\d*)?\})": "a '{' that begins no '{1,2}'",
}
POSIX_CLASS = "[:"


class RegexCondition(elbv2.ListenerCondition):
    """A condition of regular expressions. CDK's L2 has none (https://github.com/aws/aws-cdk/issues/36363)."""

    def __init__(self, field: str, expressions: Sequence[str]) -> None:
        super().__init__()
        self._field = field
        self._expressions = expressions

    def render_raw_condition(self) -> Mapping[str, Any]:
        """Return the condition as a template has it."""
        kind = {"host-header": "hostHeaderConfig", "path-pattern": "pathPatternConfig"}[self._field]
        return {"field": self._field, kind: {"regexValues": self._expressions}}


def has_regex(values: Iterable[str]) -> bool:
    """Whether one of several hosts or paths is a regular expression."""
    return any(value.startswith(REGEX) for value in values)


def validate_regexes(name: str, values: Sequence[str], *, max_length: int) -> None:
    """Refuse hosts or paths that no condition of regular expressions can have, or that have no place in the order."""
    if not all(value.startswith(REGEX) for value in values):
        raise ValueError(
            f"{name} must be all patterns or all regular expressions, which begin with '^', got: {list(values)}; make "
            "a second route",
        )
    for value in filter(is_known, values):
        validate_regex(name, value, max_length=max_length)
        try:
            language, end = Language.of(value), Language.of(value, backwards=True).prefix
            is_empty = shared_text(language, Language.of("*")) is None
        except ValueError as error:
            raise ValueError(f"{name} {error}, got: {value!r}") from error
        if is_empty:
            raise ValueError(f"{name} must have regular expressions that match some text, got: {value!r}")
        if name == "paths" and not language.prefix.startswith("/"):
            raise ValueError(
                f"paths must have regular expressions that begin with '^/', as all paths do, got: {value!r}",
            )
        if name == "hosts" and ("." not in end or re.search("[A-Z]", ESCAPE_OR_CLASS.sub("", value))):
            raise ValueError(
                "hosts must have regular expressions in lower case that end in at least one whole label, such as "
                f"'^pr-[0-9]+[.]example[.]com$', got: {value!r}",
            )


def validate_regex(name: str, regex: str, *, max_length: int) -> int:
    """Refuse an expression that a load balancer refuses, and return the number of its groups; tokens pass."""
    if not is_known(regex):
        return max_length  # as many as it can have
    if len(regex) > max_length:
        raise ValueError(
            f"{name} must have regular expressions of at most {max_length} characters, got {len(regex)}: {regex!r}"
        )
    if not VISIBLE.fullmatch(regex):
        raise ValueError(f"{name} must have regular expressions of visible ASCII characters, got: {regex!r}")
    parts = ESCAPE_OR_CLASS.findall(regex)
    found = [meaning for each, meaning in ESCAPES.items() if re.search(each, " ".join(_escapes(parts)))]
    found += [meaning for each, meaning in SYNTAX.items() if re.search(each, ESCAPE_OR_CLASS.sub("x", regex))]
    found += ["a POSIX class"] if any(each[0] == "[" and POSIX_CLASS in each for each in parts) else []
    if found:
        raise ValueError(f"{name} has {found[0]} in {regex!r}, which a load balancer does not support")
    try:
        return re.compile(re.sub(r"\(\?<", "(?P<", regex)).groups
    except re.error as error:
        raise ValueError(f"{name} has a malformed regular expression, got: {regex!r} ({error})") from error


def _escapes(parts: list[str]) -> list[str]:
    """Return each escape, also of a class of characters."""
    return [escape for part in parts for escape in re.findall(r"\\.", part)]
