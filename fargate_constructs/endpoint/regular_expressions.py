"""Regular expressions of listener rules, as a load balancer takes them."""

import re

from fargate_constructs._core.unresolved import is_known

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
