"""How a rule changes the path and the host of a request: the transforms of a listener rule.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.unresolved import is_known, may_match, may_start_with, min_length
from fargate_constructs.endpoint.regular_expressions import validate_regex

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RewriteConfig.html
MAX_LENGTH = 1024
REPLACEMENT = re.compile(r"[!-~]*")
# Without a query string, and without what has a meaning in a replacement. A digit after `*` would belong to its group.
PATH = re.compile(r"/(?!.*\*\d)[^*$?#\s]*\*?[^*$?#\s]*", re.ASCII)
HOST = re.compile(r"(?!.*\*\d)[A-Za-z0-9.-]*\*?[A-Za-z0-9.-]+")
SPECIAL = re.compile(r"[.$+^(){}\[\]|\\]")
# A character of a path in a URL, which has a query string too; and of a host, which may have a port.
PATH_CHARACTER, HOST_CHARACTER = "[^?]", "[^:]"

Target = str | tuple[str, str]
"""A path or host, in which `*` is what the `*` of the route's pattern matched; or a regular expression and AWS's
replacement for what it matches."""


@dataclass(frozen=True)
class Rewrite:
    """A regular expression, and what replaces the part that it matches."""

    regex: str
    replace: str

    @classmethod
    def of_path(cls, name: str, target: Target, paths: Sequence[str]) -> "Rewrite":
        """Return the rewrite of a URL whose path one of the patterns matches. AWS leaves the query string as it is."""
        if isinstance(target, str) and not may_match(PATH, target):
            raise ValueError(
                f"{name} must be a path such as '/*' or '/new/*', without '$', '?query' and a digit after '*', got: "
                f"{target!r}; or give a regular expression and its replacement: ({r'^/old/([^?]*)'!r}, '/new/$1')",
            )
        rewrite = cls._of(name, target, paths or ["/*"], PATH_CHARACTER)
        starts = not rewrite.replace or any(may_start_with(each, rewrite.replace) for each in "/$")
        if rewrite.regex.startswith("^/") and not starts:
            raise ValueError(
                f"{name} must have a replacement that begins with '/', as each path does, got: {rewrite.replace!r} for "
                f"{rewrite.regex!r}",
            )
        return rewrite

    @classmethod
    def of_host(cls, name: str, target: Target, hosts: Sequence[str]) -> "Rewrite":
        """Return the rewrite of the host that one of the patterns matches."""
        if isinstance(target, str) and not may_match(HOST, target):
            raise ValueError(f"{name} must be a bare host name, which may have a '*', got: {target!r}")
        return cls._of(name, target, hosts or ["*"], HOST_CHARACTER)

    @classmethod
    def _of(cls, name: str, target: Target, patterns: Sequence[str], character: str) -> "Rewrite":
        if not isinstance(target, str):
            rewrite = cls(*target)
            _validate_groups(name, rewrite)
        elif "*" in target:
            rewrite = cls(_regex_of(name, patterns, character), _replacement(target, patterns))
        else:
            rewrite = cls(f"^{character}*", target)
        for part, value in (("regular expression", rewrite.regex), ("replacement", rewrite.replace)):
            if min_length(value) > MAX_LENGTH:
                raise ValueError(f"{name} must have a {part} of at most {MAX_LENGTH} characters, got: {len(value)}")
        return rewrite

    def render(self, kind: str) -> elbv2.CfnListenerRule.TransformProperty:
        """Return the transform, of kind `url` or `host_header`."""
        rewrites = elbv2.CfnListenerRule.RewriteConfigObjectProperty(
            rewrites=[elbv2.CfnListenerRule.RewriteConfigProperty(regex=self.regex, replace=self.replace)]
        )
        return elbv2.CfnListenerRule.TransformProperty(
            type=f"{kind.replace('_', '-')}-rewrite", **{f"{kind}_rewrite_config": rewrites}
        )


def _regex_of(name: str, patterns: Sequence[str], character: str) -> str:
    """Return an expression that matches what the patterns match; the last group is what their `*` matched."""
    if not all(map(is_known, patterns)):
        raise ValueError(
            f"{name} cannot have a '*' for patterns that are known only when deployed; give a regular expression and "
            "its replacement",
        )
    if not any("*" in each for each in patterns) or any(each.count("*") > 1 or each[:1] == "^" for each in patterns):
        raise ValueError(
            f"{name} has a '*', so each pattern of the route must have one '*' at most, and one of them must have it, "
            f"got: {list(patterns)}; give a regular expression and its replacement",
        )
    # The first alternative that matches is used: the one with the most characters before its `*`, then the exact ones.
    ordered = sorted(patterns, key=lambda each: (each.find("*") < 0, -each.find("*")))
    written = [_escaped(each).replace("?", character).replace("*", f"({character}*)") for each in ordered]
    if character == PATH_CHARACTER:
        # Each path begins with a slash, so `*.png` is `/*.png`.
        written = [f"/?{each}" if each.startswith("(") else each for each in written]
    return f"^{written[0]}" if len(written) == 1 else f"^(?:{'|'.join(written)})"


def _replacement(target: str, patterns: Sequence[str]) -> str:
    """Return the target with the groups in place of its `*`. A group of another alternative is empty."""
    groups = range(1, sum("*" in each for each in patterns) + 1)
    return target.replace("*", "".join(f"${group}" for group in groups))


def _escaped(pattern: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", pattern)


def _validate_groups(name: str, rewrite: Rewrite) -> None:
    groups = validate_regex(name, rewrite.regex, max_length=MAX_LENGTH)
    if not may_match(REPLACEMENT, rewrite.replace):
        raise ValueError(f"{name} must have a replacement of visible ASCII characters, got: {rewrite.replace!r}")
    if group := re.search(r"\\\d", rewrite.replace):
        raise ValueError(
            f"{name} must refer to a group as in '$1', got {group.group()!r} in the replacement: {rewrite.replace!r}"
        )
    highest = max(map(int, re.findall(r"\$(\d+)", rewrite.replace)), default=0)
    if highest > groups:
        raise ValueError(
            f"{name} refers to group ${highest} in {rewrite.replace!r}, and its regular expression has {groups}: "
            f"{rewrite.regex!r}",
        )
