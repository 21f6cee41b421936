"""Redirects that the load balancer answers itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.unresolved import is_dummy, is_known, is_unresolved, may_match, min_length
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.rewrites import Rewrite, Target

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
STATUS_CODES = (301, 302)
MAX_LENGTH = 128
HOST = re.compile(r"(?!.*#\{host\}.*#\{host\})(?:[A-Za-z0-9.-]|#\{host\})+")
PATH = re.compile(r"/(?:[!-~](?<![*?#{}])|#\{(?:host|path|port)\})*\*?(?:[!-~](?<![*?#{}])|#\{(?:host|path|port)\})*")
QUERY = re.compile(r"(?!\?)[!-~]*")
GROUP = re.compile(r"\$\d")
KEYWORD = "#{"
KEYWORDS_OF_PATHS = ("#{host}", "#{path}", "#{port}")
SAME_PATH = "/#{path}"
SAME_HOST = (None, "#{host}")


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Where callers are sent. `HttpEndpoint.add_redirect` documents the fields.

    A path with the rest of another one needs a URL rewrite, because `#{path}` is the whole path: the rewrite keeps the
    rest, and the redirect puts the new beginning before it. AWS's pages do not describe a rewrite on a redirect. Its
    load balancer controller for Kubernetes uses them, and tests them against AWS:
    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/gateway/l7gateway/
    """

    to_host: str | None
    to_path: Target | None
    to_query: str | None
    status_code: int

    def validate(self) -> None:
        """Refuse what a load balancer cannot answer."""
        if is_unresolved(self.status_code):
            raise ValueError("status_code must be known at synthesis, got a token")
        if self.status_code not in STATUS_CODES:
            raise ValueError(
                f"status_code must be 301 or 302, got: {self.status_code}; a load balancer has no other redirect",
            )
        if self.to_host in SAME_HOST and self.to_path is None:
            raise ValueError("a redirect must change the host or the path, got neither; give to_host or to_path")
        if self.to_host is not None and not may_match(HOST, self.to_host):
            raise ValueError(
                f"to_host must be a bare host name such as 'example.com', in which '#{{host}}' is the caller's, got: "
                f"{self.to_host!r}",
            )
        if isinstance(self.to_path, str) and not may_match(PATH, self.to_path):
            raise ValueError(
                "to_path must be a path such as '/new/*', of visible ASCII characters, with one '*' at most and "
                f"without '?query', got: {self.to_path!r}; write the query string as to_query, and other characters "
                f"as in '%20'; the keywords are {', '.join(KEYWORDS_OF_PATHS)}",
            )
        if isinstance(self.to_path, str) and GROUP.search(self.to_path):
            raise ValueError(
                f"to_path refers to a group and has no regular expression, got: {self.to_path!r}; give both: "
                f"({r'^/old/([^?]*)'!r}, '/new/$1')",
            )
        if self.to_query is not None and not may_match(QUERY, self.to_query):
            raise ValueError(
                f"to_query must be a query string without '?', such as '#{{query}}&moved=1', got: {self.to_query!r}",
            )
        _validate_length("to_host", self.to_host)
        _validate_length("to_query", self.to_query)

    def path_of(self, conditions: Conditions) -> tuple[str | None, Rewrite | None]:
        """Return the path of the redirect, and the rewrite of the path that it contains."""
        if self.to_path is None:
            return None, None
        path, rewrite = self._path_and_rewrite(self.to_path, conditions)
        _validate_length("to_path", path)
        if twice := [each for each in KEYWORDS_OF_PATHS if path.count(each) > 1]:
            raise ValueError(
                f"to_path must have each of {', '.join(KEYWORDS_OF_PATHS)} once at most; a '*' is '#{{path}}'; got "
                f"{twice[0]!r} twice: {path!r}",
            )
        if path == SAME_PATH and self.to_host in SAME_HOST:
            # AWS answers "The redirect configuration is not valid because it creates a loop", without regard to the
            # rewrite: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/gateway/l7gateway/
            raise ValueError(
                f"to_path {self.to_path!r} has nothing before the rest of the path, and AWS takes such a redirect for "
                "a loop unless the host changes too; give to_host",
            )
        return path, rewrite

    def _path_and_rewrite(self, target: Target, conditions: Conditions) -> tuple[str, Rewrite | None]:
        if not isinstance(target, str):
            rewrite = Rewrite.of_path("to_path", target, conditions.paths)
            if rewrite.regex[:1] != "^" or rewrite.replace[:1] != "/":
                raise ValueError(
                    "to_path must have a regular expression that begins with '^' and a replacement that begins with "
                    f"'/', got: {target!r}",
                )
            # A redirect's path has no query string and no groups, so the rewrite has all from the first of them on.
            head = re.split(r"[$?]", rewrite.replace, maxsplit=1)[0]
            beginning = head.rpartition("/")[0]
            return f"{beginning}{SAME_PATH}", replace(rewrite, replace=rewrite.replace.removeprefix(beginning))
        if "*" not in target:
            return target, None
        before, _, after = target.partition("*")
        pattern = conditions.paths[0] if len(conditions.paths) == 1 else "" if conditions.paths else "/*"
        pattern = "/*" if pattern == "*" else pattern
        if pattern.endswith("*") and not after and before.endswith(pattern[:-1]):  # only more before the whole path
            return f"{before.removesuffix(pattern[:-1])}{SAME_PATH}", None
        return target.replace("*", "#{path}"), Rewrite.of_path("to_path", "/*", conditions.paths)

    def action(self, path: str | None, origin: Mapping[str, str]) -> elbv2.ListenerAction:
        """Return the listener rule's action.

        Args:
            path: The path of the redirect.
            origin: The protocol and port, if they are not those of the listener.
        """
        if path and is_dummy(path):
            path = f"/{path}"  # CDK accepts a path only. A template with a dummy of a look-up is not deployed.
        return elbv2.ListenerAction.redirect(
            host=self.to_host, path=path, query=self.to_query, permanent=self.status_code == STATUS_CODES[0], **origin
        )

    def next_request(self, conditions: Conditions, served: frozenset[str]) -> RouteMatch | None:
        """Return the requests that callers send next, or None if they are not known or may go to another place.

        Args:
            conditions: The conditions of the redirect.
            served: The names of the endpoint.
        """
        parts = (self.to_host or "", self.to_path or "", self.to_query or "")
        if not conditions.is_known or any(not isinstance(each, str) or not is_known(each) for each in parts):
            return None
        if any(KEYWORD in each for each in map(str, parts)) or (self.to_query is not None and conditions.query):
            return None
        if self.to_host is not None and not conditions.hosts and self.to_host.lower() not in served:
            return None
        return RouteMatch.of(
            replace(
                conditions,
                hosts=conditions.hosts if self.to_host is None else [self.to_host],
                paths=conditions.paths if self.to_path is None else [str(self.to_path)],
                # Browsers repeat a POST as a GET.
                methods=[each for each in conditions.methods if each in {"GET", "HEAD"}] or ["GET"],
            )
        )


def _validate_length(name: str, value: str | None) -> None:
    if value is not None and min_length(value) > MAX_LENGTH:
        raise ValueError(f"{name} must be at most {MAX_LENGTH} characters, got {min_length(value)}: {value!r}")
