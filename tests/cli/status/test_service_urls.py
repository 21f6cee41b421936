"""The URLs that lead to a service."""

from typing import Any

import pytest

from fargate_constructs.cli.status.service_urls import urls_of
from tests.cli.recorded_aws import BALANCER, GROUP_ARN, LISTENER, REGION, RecordedAws, stack_resource

OTHER = GROUP_ARN.replace("web", "api")
TO_US = {"Type": "forward", "TargetGroupArn": GROUP_ARN}


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with a load balancer that forwards all to the service."""
    return clients


def urls(aws: Any, *others: str) -> list[str]:  # noqa: ANN401 - as boto3
    """Return the URLs that lead to the service; ask also for other target groups."""
    return urls_of(aws, REGION, {GROUP_ARN, *others}).get(GROUP_ARN, [])


def weighted(ours: int) -> dict[str, Any]:
    """Return an action that shares requests."""
    groups = [{"TargetGroupArn": GROUP_ARN, "Weight": ours}, {"TargetGroupArn": OTHER, "Weight": 1}]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


HOST = {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com", "www.example.com"]}}
PATH = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}


@pytest.mark.parametrize(
    ("conditions", "action", "expected"),
    [
        ([], TO_US, ["https://shop-1.elb.amazonaws.com/"]),
        ([], weighted(1), ["https://shop-1.elb.amazonaws.com/"]),
        ([], weighted(0), []),
        ([], {"Type": "redirect"}, []),
        ([HOST, PATH], TO_US, ["https://shop.example.com/api/*", "https://www.example.com/api/*"]),
        (
            [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["1", "2"]}}],
            TO_US,
            ["https://shop-1.elb.amazonaws.com/ with http header X-Beta=1, X-Beta=2"],
        ),
        (
            [
                {
                    "Field": "query-string",
                    "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}, {"Value": "beta"}]},
                }
            ],
            TO_US,
            ["https://shop-1.elb.amazonaws.com/ with query string v=2, =beta"],
        ),
        (
            [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/v[0-9]+"]}}],
            TO_US,
            ["https://shop-1.elb.amazonaws.com^/v[0-9]+"],
        ),
        ([{"Field": "host-header", "Values": ["old.example.com"]}], TO_US, ["https://old.example.com/"]),
    ],
)
def test_rules(conditions: list[Any], action: dict[str, Any], expected: list[str], aws: RecordedAws) -> None:
    """Each host and path of a rule is a URL; other conditions are written after it."""
    aws.answers["DescribeListeners"] = {"Listeners": [{"ListenerArn": LISTENER, "Protocol": "HTTPS", "Port": 443}]}
    aws.answers["DescribeRules"] = {"Rules": [{"Conditions": conditions, "Actions": [action]}]}

    assert urls(aws) == expected


def test_listeners(aws: RecordedAws) -> None:
    """HTTPS comes first, and a port that is not usual is part of the URL."""
    aws.answers["DescribeListeners"] = {
        "Listeners": [
            {"ListenerArn": LISTENER, "Protocol": "HTTP", "Port": 8080},
            {"ListenerArn": LISTENER, "Protocol": "HTTPS", "Port": 443},
        ]
    }

    assert urls(aws) == ["https://shop-1.elb.amazonaws.com/", "http://shop-1.elb.amazonaws.com:8080/"]


def test_a_network_load_balancer(aws: RecordedAws) -> None:
    """Its listeners have no rules."""
    balancer = {"LoadBalancerArn": BALANCER, "DNSName": "shop-1.elb.amazonaws.com", "Type": "network"}
    aws.answers["DescribeLoadBalancers"] = {"LoadBalancers": [balancer]}
    listener = {"ListenerArn": LISTENER, "Protocol": "TLS", "Port": 5432, "DefaultActions": [TO_US]}
    aws.answers["DescribeListeners"] = {"Listeners": [listener]}

    assert urls(aws) == ["tls://shop-1.elb.amazonaws.com:5432"]
    assert "DescribeRules" not in dict(aws.requests)


def test_a_target_group_without_a_load_balancer(aws: RecordedAws) -> None:
    """No URL leads to it."""
    aws.answers["DescribeTargetGroups"] = {"TargetGroups": [{"TargetGroupArn": GROUP_ARN}]}

    assert urls(aws) == []


RECORD, BALANCER_TYPE = "AWS::Route53::RecordSet", "AWS::ElasticLoadBalancingV2::LoadBalancer"
FRONT = {"Properties": {"Config": {"Origins": [{"DomainName": {"Fn::GetAtt": ["Balancer", "DNSName"]}}]}}}


def alias(to: Any) -> dict[str, Any]:  # noqa: ANN401 - a piece of a template
    """Return a record."""
    return {"Type": RECORD, "Properties": {"AliasTarget": {"DNSName": {"Fn::Join": ["", ["dualstack.", to]]}}}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (alias({"Fn::GetAtt": ["Balancer", "DNSName"]}), "shop.example.com"),
        (alias({"Fn::GetAtt": "Front.DomainName"}), "shop.example.com"),
        (alias({"Ref": "Elsewhere"}), "shop-1.elb.amazonaws.com"),
        (
            {"Type": RECORD, "Properties": {"ResourceRecords": [{"Fn::GetAtt": ["Balancer", "DNSName"]}]}},
            "shop-1.elb.amazonaws.com",
        ),
    ],
    ids=["load balancer", "front", "elsewhere", "no alias"],
)
def test_domains(record: dict[str, Any], expected: str, aws: RecordedAws) -> None:
    """The records of the load balancer's stack name it, also through a front; the service may be in another stack."""
    tag = {"Key": "aws:cloudformation:stack-name", "Value": "Edge"}
    aws.answers["DescribeTags"] = {"TagDescriptions": [{"ResourceArn": BALANCER, "Tags": [tag]}]}
    aws.answers["ListStackResources"] = {
        "StackResourceSummaries": [
            stack_resource("Balancer", BALANCER_TYPE, BALANCER),
            stack_resource("Record", RECORD, "shop.example.com."),
        ]
    }
    body = {"Resources": {"Balancer": {"Type": BALANCER_TYPE}, "Front": FRONT, "Record": record}}
    aws.answers["GetTemplate"] = {"TemplateBody": body}

    assert urls(aws) == [f"http://{expected}/"]
    assert {params["StackName"] for name, params in aws.requests if name == "ListStackResources"} == {"Edge"}


@pytest.mark.parametrize(
    "answer",
    [
        ("AccessDenied", "not authorized"),
        {"StackResourceSummaries": []},
        {"StackResourceSummaries": [stack_resource("R", RECORD, "x")]},
    ],
    ids=["denied", "no records", "another load balancer"],
)
def test_a_load_balancer_without_domains(answer: Any, aws: RecordedAws) -> None:  # noqa: ANN401 - an answer
    """Its own name is in the URL, also if its stack may not be read."""
    tags = [{"Key": "team", "Value": "x"}, {"Key": "aws:cloudformation:stack-name", "Value": "Edge"}]
    aws.answers["DescribeTags"] = {"TagDescriptions": [{"ResourceArn": BALANCER, "Tags": tags}]}
    aws.answers["ListStackResources"] = answer

    assert urls(aws) == ["http://shop-1.elb.amazonaws.com/"]


def test_many_target_groups_are_read_at_once(aws: RecordedAws) -> None:
    """More than 20 are not named in the request, but read page by page."""
    wanted = {f"{GROUP_ARN}{number}" for number in range(21)}
    assert urls(aws, *wanted)
    (request,) = [params for name, params in aws.requests if name == "DescribeTargetGroups"]
    assert request == {"PageSize": 400}
