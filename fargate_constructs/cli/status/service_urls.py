"""Finds the addresses at which callers reach services: load balancers, and the listener rules that lead to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fargate_constructs.cli.aws import Answer, in_batches, paged
from fargate_constructs.cli.deployed.deployed_resources import DeployedStack

if TYPE_CHECKING:
    from boto3 import Session

Urls = dict[str, list[str]]
# Of DescribeLoadBalancers and DescribeTags (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/).
BALANCERS_IN_ONE_CALL = 20
PORTS = {"HTTP": 80, "HTTPS": 443}
STACK_TAG = "aws:cloudformation:stack-name"


def urls_of(session: Session, region: str, groups: Collection[str]) -> Urls:
    """Return the URLs that lead to each target group, by its ARN."""
    client: Any = session.client("elbv2", region_name=region)
    found = paged(client, "describe_target_groups", "TargetGroups", **_few(groups))
    ours = [each for each in found if each["TargetGroupArn"] in groups]
    arns = sorted({arn for each in ours for arn in each.get("LoadBalancerArns", [])})
    urls: Urls = {}
    for some in in_batches(arns, BALANCERS_IN_ONE_CALL):
        balancers = client.describe_load_balancers(LoadBalancerArns=some)["LoadBalancers"]
        tags = client.describe_tags(ResourceArns=some)["TagDescriptions"]
        stacks = {each["ResourceArn"]: tag["Value"] for each in tags for tag in each["Tags"] if tag["Key"] == STACK_TAG}
        for balancer in balancers:
            names = _domains(session, region, stacks.get(balancer["LoadBalancerArn"], ""), balancer)
            for group, url in _urls_of_balancer(client, balancer, names):
                urls.setdefault(group, []).append(url)
    return {group: list(dict.fromkeys(each)) for group, each in urls.items()}


def _few(groups: Collection[str]) -> dict[str, Any]:
    """Return the parameters of DescribeTargetGroups: few by their ARNs, many all at once."""
    if len(groups) <= BALANCERS_IN_ONE_CALL:
        return {"TargetGroupArns": sorted(groups)}
    return {"PaginationConfig": {"PageSize": 400}}


def _domains(session: Session, region: str, stack: str, balancer: Answer) -> list[str]:
    """Return the names that callers know a load balancer by: those of the DNS records of its stack, or its own."""
    names = []
    if stack:
        # The caller may read load balancers, but not stacks: its own name is an answer, too.
        from botocore.exceptions import ClientError  # noqa: PLC0415 - `--help` starts without it

        with suppress(ClientError):
            names = sorted(_records(DeployedStack(session, stack, region), balancer["LoadBalancerArn"]))
    return names or [balancer["DNSName"]]


def _records(stack: DeployedStack, arn: str) -> Iterator[str]:
    """Yield the names of the records that lead to a load balancer, also through a front such as CloudFront."""
    records = stack.of_type("AWS::Route53::RecordSet")
    ids = [each.logical_id for each in stack.resources if each.physical_id == arn]
    if not records or not ids:
        return
    resources = stack.template["Resources"]
    for record in records:
        seen: set[str] = set()
        left = {record.logical_id}
        while left:
            seen |= left
            left = {name for each in left for name in _references(resources[each])} & resources.keys() - seen
        if ids[0] in seen and resources[record.logical_id]["Properties"].get("AliasTarget"):
            yield record.physical_id.rstrip(".")


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - a piece of a template
    """Yield the logical IDs that a piece of a template refers to, without DependsOn."""
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        attribute = value.get("Fn::GetAtt")
        if attribute:
            yield attribute.partition(".")[0] if isinstance(attribute, str) else attribute[0]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _urls_of_balancer(client: Any, balancer: Answer, names: Sequence[str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - of boto3
    """Yield each target group that a load balancer forwards to, with a URL."""
    listeners = paged(client, "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"])
    # A listener for HTTP beside one for HTTPS often only redirects, so the secure URLs come first.
    for listener in sorted(listeners, key=lambda each: each.get("Protocol", "") != "HTTPS"):
        rules: list[Answer] = [{"Actions": listener.get("DefaultActions", []), "Conditions": []}]
        if balancer.get("Type") == "application":
            rules = [*paged(client, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"])]
        for rule in rules:
            for group in _groups(rule.get("Actions", [])):
                for url in _urls(listener, rule.get("Conditions", []), names):
                    yield group, url


def _groups(actions: Sequence[Answer]) -> Iterator[str]:
    """Yield the target groups that get requests."""
    for action in actions:
        weighted = action.get("ForwardConfig", {}).get("TargetGroups", [])
        for each in weighted or [{"TargetGroupArn": action.get("TargetGroupArn")}]:
            if each.get("Weight", 1) and each["TargetGroupArn"]:
                yield each["TargetGroupArn"]


def _urls(listener: Answer, conditions: Sequence[Answer], names: Sequence[str]) -> Iterator[str]:
    """Yield the URLs of a rule: for each host and path, and what else a request must have."""
    protocol, port = listener.get("Protocol", "TCP"), listener.get("Port")
    shown = "" if port is None or PORTS.get(protocol) == port else f":{port}"
    if protocol not in PORTS:
        yield from (f"{protocol.lower()}://{name}{shown}" for name in names)
        return
    values = {each["Field"]: _values(each) for each in conditions}
    hosts = values.pop("host-header", None) or names
    paths = values.pop("path-pattern", None) or ["/"]
    more = "".join(f" with {field.replace('-', ' ')} {', '.join(each)}" for field, each in values.items())
    for host in hosts:
        for path in paths:
            yield f"{protocol.lower()}://{host}{shown}{path}{more}"


def _values(condition: Answer) -> list[str]:
    """Return the values of a condition, which are in a field of their own since there are several kinds."""
    config: Answer = next((condition[key] for key in condition if key.endswith("Config")), {})
    values = config.get("Values") or config.get("RegexValues") or condition.get("Values", [])
    name = f"{config['HttpHeaderName']}=" if "HttpHeaderName" in config else ""
    return [name + (each if isinstance(each, str) else f"{each.get('Key', '')}={each['Value']}") for each in values]
