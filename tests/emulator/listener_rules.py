"""Listener rules as a load balancer applies them: conditions, rewrites, weights between target groups, sign-in.

template ──> MiniStack's AWS::ElasticLoadBalancingV2::ListenerRule ──> its load balancer ──> target

MiniStack keeps one target group of a weighted action and no sign-in, forgets the load balancer of a rule's target
groups, reads no query string condition of a template, matches every source address, compares hosts with regard to case,
keeps rewrites without using them, and allows two listeners on one port.
"""

import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from ministack.core.responses import get_request_client_ip
from ministack.services import alb
from ministack.services.cloudformation import provisioners

from tests.emulator.api import ApiError, Created, Props

Query = Mapping[str, str | list[str]]


def _matches(pattern: str, text: str, *, ignore_case: bool) -> bool:
    """Whether a text matches a pattern, in which only `*` and `?` are special."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _has_pair(query: Query, pair: Mapping[str, str]) -> bool:
    """Whether a query string has a key with a value; without a key, any key with it."""
    return any(
        pair.get("Key", key).lower() == key.lower() and _matches(pair["Value"], value, ignore_case=True)
        for key, values in query.items()
        for value in ([values] if isinstance(values, str) else values)
    )


def match_condition(  # noqa: PLR0911  # one for each kind
    condition: Props, method: str, path: str, headers: Mapping[str, str], query: Query
) -> bool:
    """Whether a request meets a condition by one of its values.

    As in https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html: only paths and
    methods are case-sensitive, only methods and addresses know no wildcards, and a source address is the caller's own,
    never one of `X-Forwarded-For`.
    """
    (config,) = [value for key, value in condition.items() if key.endswith("Config")] or [condition]
    values: Sequence[Any] = config.get("Values", ())
    host = headers.get("host", "").partition(":")[0]
    if expressions := config.get("RegexValues"):
        text = {"path-pattern": path, "host-header": host}[condition["Field"]]
        return any(re.search(each, text) for each in expressions)
    match condition["Field"]:
        case "path-pattern":
            return any(_matches(value, path, ignore_case=False) for value in values)
        case "host-header":
            return any(_matches(value, host, ignore_case=True) for value in values)
        case "http-header":
            header = headers.get(config["HttpHeaderName"].lower())
            return header is not None and any(_matches(value, header, ignore_case=True) for value in values)
        case "http-request-method":
            return method in values
        case "query-string":
            return any(_has_pair(query, value) for value in values)
        case "source-ip":
            caller = ip_address(get_request_client_ip())
            return any(caller in ip_network(value) for value in values)
    raise ValueError(f"no such condition: {condition}")


def _configs(described: Mapping[str, Any]) -> Props:
    """What a template says beside a type."""
    return {key: value for key, value in described.items() if key.endswith("Config")}


def _conditions(declared: list[Props], *, flatten: Callable[[list[Props]], list[Props]]) -> list[Props]:
    """A rule's conditions, as MiniStack stores them and whole."""
    return [flat | _configs(whole) for flat, whole in zip(flatten(declared), declared, strict=True)]


def _actions(
    props: Props, lb_arn: str | None, prop: str = "DefaultActions", *, stored: Callable[..., list[Props]]
) -> list[Props]:
    """A rule's or a listener's actions, as MiniStack stores them and whole; their target groups know the balancer."""
    balancer = lb_arn or alb._listeners[props["ListenerArn"]]["LoadBalancerArn"]  # noqa: SLF001  # has no API
    pairs = zip(stored(props, lb_arn, prop), props[prop], strict=True)
    actions = [kept | _configs(whole) | {"Transforms": props.get("Transforms", [])} for kept, whole in pairs]
    for action in actions:
        several = action.get("ForwardConfig", {}).get("TargetGroups", [])
        for group in {action.get("TargetGroupArn"), *(each["TargetGroupArn"] for each in several)} - {None}:
            known = alb._tgs[group]["LoadBalancerArns"]  # noqa: SLF001  # the same
            known += [balancer] if balancer not in known else []
    return actions


def _rewritten(rewrite: Mapping[str, str], text: str) -> str:
    """A text whose first part that an expression matches is replaced; `$1` is the expression's first group."""
    found = re.search(rewrite["Regex"], text)
    if not found:
        return text
    replacement = re.sub(r"\$(\d+)", lambda group: found[int(group[1])] or "", rewrite["Replace"])
    return text[: found.start()] + replacement + text[found.end() :]


def rewritten(transforms: Sequence[Props], url: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """A request's URL, from the path on, and its headers, as the transforms of the rule change them.

    As in https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html. A redirect takes the
    rewritten path, as tests of the AWS Load Balancer Controller show:
    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/main/test/e2e/gateway/alb_tests/alb_ip_target_test.go
    """
    for transform in transforms:
        if transform["Type"] == "url-rewrite":
            url = "/" + _rewritten(transform["UrlRewriteConfig"]["Rewrites"][0], url).removeprefix("/")
        else:
            host = _rewritten(transform["HostHeaderRewriteConfig"]["Rewrites"][0], headers["host"])
            headers = {**headers, "host": host}
    return url, headers


def chosen_target_group(action: Props) -> Props:
    """A forward action to one of its target groups, each as likely as its weight says."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups")
    if not groups:
        return action
    weights = [int(group.get("Weight", 1)) for group in groups]
    (group,) = random.choices(groups, weights)  # noqa: S311  # spreads load
    return action | {"TargetGroupArn": group["TargetGroupArn"]}


async def _execute(  # noqa: PLR0917  # as MiniStack calls it
    action: Props,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: object,
    query: Query,
    raw_query: str | None = None,
    raw_path: str | None = None,
    *,
    execute: Callable[..., Awaitable[object]],
) -> object:
    """Run an action."""
    if transforms := action.get("Transforms"):
        url, headers = rewritten(transforms, f"{raw_path or path}?{raw_query or ''}".removesuffix("?"), headers)
        path, _, raw_query = url.partition("?")
        raw_path = path
    return await execute(chosen_target_group(action), method, path, headers, body, query, raw_query, raw_path)


def _create_listener(logical_id: str, props: Props, stack_name: str, *, create: Callable[..., Created]) -> Created:
    """A listener, on a port that has none."""
    place = {"LoadBalancerArn": props["LoadBalancerArn"], "Port": int(props["Port"])}
    if any(place.items() <= listener.items() for listener in alb._listeners.values()):  # noqa: SLF001  # has no API
        raise ApiError("DuplicateListener", f"a listener already exists on this port for this load balancer: {place}")
    return create(logical_id, props, stack_name)


def register() -> None:
    """Enter this in MiniStack's load balancer and its CloudFormation."""
    listener = provisioners._RESOURCE_HANDLERS["AWS::ElasticLoadBalancingV2::Listener"]  # noqa: SLF001  # the same
    listener["create"] = partial(_create_listener, create=listener["create"])
    alb._match_condition = match_condition  # noqa: SLF001  # where MiniStack looks it up
    alb._execute_action = partial(_execute, execute=alb._execute_action)  # noqa: SLF001  # the same
    provisioners._flatten_listener_rule_conditions = partial(  # noqa: SLF001  # the same
        _conditions,
        flatten=provisioners._flatten_listener_rule_conditions,  # noqa: SLF001  # the same
    )
    provisioners._elbv2_listener_actions = partial(  # noqa: SLF001  # the same
        _actions,
        stored=provisioners._elbv2_listener_actions,  # noqa: SLF001  # the same
    )
