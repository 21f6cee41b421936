"""What is refused before any route is looked at."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import HttpEndpoint
from fargate_constructs.endpoint.web_acl import WebAcl
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in

ARN = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shop/1"


class Made(NamedTuple):
    """An endpoint behind AWS's rules, as most tests read it."""

    stack: Stack
    endpoint: HttpEndpoint
    template: Template


@pytest.fixture(scope="module")
def made() -> Made:
    """One with the rules that are there by default."""
    stack = Stack(App(), "Test")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), web_acl=WebAcl.managed())
    return Made(stack, endpoint, Template.from_stack(stack))


def test_none_by_default(stack: Stack, network: Network) -> None:
    """It costs money, and refuses requests: somebody must want it."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    assert endpoint.web_acl is None
    Template.from_stack(stack).resource_count_is("AWS::WAFv2::WebACL", 0)


def test_managed_rules(made: Made) -> None:
    """One word puts AWS's rules before the load balancer, in order, each with metrics of its own."""
    (web_acl,) = made.template.find_resources("AWS::WAFv2::WebACL").values()
    rules = web_acl["Properties"]["Rules"]
    groups = [rule["Statement"]["ManagedRuleGroupStatement"] for rule in rules]
    assert [(rule["Priority"], rule["Name"]) for rule in rules] == [
        (1, "AWSManagedRulesAmazonIpReputationList"),
        (2, "AWSManagedRulesCommonRuleSet"),
        (3, "AWSManagedRulesKnownBadInputsRuleSet"),
    ]
    assert [group["Name"] for group in groups] == [rule["Name"] for rule in rules]
    assert all(rule["VisibilityConfig"]["CloudWatchMetricsEnabled"] for rule in rules)
    assert all(rule["OverrideAction"] == {"None": {}} for rule in rules)
    assert web_acl["Properties"]["DefaultAction"] == {"Allow": {}}
    assert web_acl["Properties"]["Scope"] == "REGIONAL"
    made.template.has_resource_properties(
        "AWS::WAFv2::WebACLAssociation",
        {
            "ResourceArn": made.stack.resolve(made.endpoint.load_balancer.load_balancer_arn),
            "WebACLArn": made.stack.resolve(made.endpoint.web_acl.web_acl_arn),  # type: ignore[union-attr]  # made above
        },
    )


def test_large_bodies_are_counted_only(made: Made) -> None:
    """An upload over 8 KB is no attack; every other rule refuses."""
    (web_acl,) = made.template.find_resources("AWS::WAFv2::WebACL").values()
    overrides = [
        rule["Statement"]["ManagedRuleGroupStatement"].get("RuleActionOverrides")
        for rule in web_acl["Properties"]["Rules"]
    ]
    assert overrides == [None, [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}], None]


def test_groups_of_ones_own_choice(stack: Stack, network: Network) -> None:
    """Which groups, which rules only count, and how often an address may call."""
    web_acl = WebAcl.managed(
        rule_groups=["AWSManagedRulesSQLiRuleSet"],
        counted_rules={"AWSManagedRulesSQLiRuleSet": ["SQLi_BODY"]},
        rate_limit=2000,
    )

    HttpEndpoint(stack, "Endpoint", network=network, web_acl=web_acl)

    Template.from_stack(stack).has_resource_properties(
        "AWS::WAFv2::WebACL",
        {
            "Rules": [
                Match.object_like(
                    {
                        "Priority": 0,
                        "Action": {"Block": {}},
                        "Statement": {
                            "RateBasedStatement": {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": 2000}
                        },
                    }
                ),
                Match.object_like(
                    {
                        "Priority": 1,
                        "Statement": {
                            "ManagedRuleGroupStatement": {
                                "Name": "AWSManagedRulesSQLiRuleSet",
                                "RuleActionOverrides": [{"Name": "SQLi_BODY", "ActionToUse": {"Count": {}}}],
                                "VendorName": "AWS",
                            }
                        },
                    }
                ),
            ]
        },
    )


def test_more_than_one_price_covers_is_warned_of(stack: Stack, network: Network) -> None:
    """All groups pass; beyond 1,500 units each request costs more."""
    assert WebAcl.managed().capacity == 925
    many = ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesLinuxRuleSet"]
    most = [*many, "AWSManagedRulesWindowsRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"]
    full = WebAcl.managed(rule_groups=most)
    beyond = WebAcl.managed(rule_groups=most, rate_limit=2000)

    HttpEndpoint(stack, "Full", network=network, web_acl=full)
    HttpEndpoint(stack, "Beyond", network=network, web_acl=beyond)

    annotations = Annotations.from_stack(stack)
    annotations.has_no_warning("/Test/Full/WebAcl", Match.any_value())
    annotations.has_warning("/Test/Beyond/WebAcl", Match.string_like_regexp("takes 1502 capacity units: beyond 1500"))


def test_a_group_known_only_when_deployed(stack: Stack) -> None:
    """It passes, and counts nothing."""
    name = CfnParameter(stack, "Group").value_as_string

    assert WebAcl.managed(rule_groups=[name]).capacity == 0


def test_every_rule_may_refuse() -> None:
    """An empty mapping counts nothing; groups without the counted rule need not say so."""
    assert WebAcl.managed(counted_rules={}).counted_rules == {}
    assert WebAcl.managed(rule_groups=["AWSManagedRulesSQLiRuleSet"]).counted_rules == {}


def test_what_is_refused_is_logged_without_credentials(made: Made) -> None:
    """The log group is kept, and named as WAF demands; what passes is in the access logs already."""
    ((logical_id, log_group),) = made.template.find_resources(
        "AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 365}}
    ).items()
    prefix, stack_uuid = log_group["Properties"]["LogGroupName"]["Fn::Join"][1]
    assert prefix.startswith("aws-waf-logs-Test-Endpoint-")
    assert stack_uuid == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert log_group["DeletionPolicy"] == "Retain"
    made.template.has_resource_properties(
        "AWS::WAFv2::LoggingConfiguration",
        {
            "LogDestinationConfigs": [
                {"Fn::Join": ["", Match.array_with([":log-group:", {"Ref": logical_id}])]},
            ],
            "RedactedFields": [{"SingleHeader": {"Name": name}} for name in ("authorization", "cookie", "x-api-key")],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [
                            {"ActionCondition": {"Action": "BLOCK"}},
                            {"ActionCondition": {"Action": "COUNT"}},
                        ],
                    }
                ],
            },
        },
    )


def test_its_metric_is_its_own(stack: Stack, network: Network) -> None:
    """The metric names the web ACL by the name that the web ACL reports under, which no other endpoint's has."""
    dimensions = []
    for name in ("One", "Other"):
        endpoint = HttpEndpoint(stack, name, network=network, web_acl=WebAcl.managed())
        assert endpoint.web_acl
        dimensions.append(endpoint.web_acl.metric_blocked_requests().dimensions)

    reported = [
        each["Properties"]["VisibilityConfig"]["MetricName"]
        for each in Template.from_stack(stack).find_resources("AWS::WAFv2::WebACL").values()
    ]
    assert [each["WebACL"] for each in dimensions if each] == reported
    assert len(set(reported)) == 2


def test_one_made_elsewhere(stack: Stack, network: Network) -> None:
    """It is put before the load balancer, and nothing else is made."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, web_acl=WebAcl.from_arn(ARN))

    template = Template.from_stack(stack)
    assert endpoint.web_acl is None
    template.resource_count_is("AWS::WAFv2::WebACL", 0)
    template.has_resource_properties("AWS::WAFv2::WebACLAssociation", {"WebACLArn": ARN})


def test_one_known_only_when_deployed(stack: Stack, network: Network) -> None:
    """A token passes."""
    arn = CfnParameter(stack, "Arn").value_as_string

    HttpEndpoint(stack, "Endpoint", network=network, web_acl=WebAcl.from_arn(arn))

    Template.from_stack(stack).has_resource_properties("AWS::WAFv2::WebACLAssociation", {"WebACLArn": {"Ref": "Arn"}})


@pytest.mark.parametrize(
    "arn",
    [
        "shop",
        "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1",
        "arn:aws:waf-regional:eu-west-1:123456789012:webacl/1",
    ],
    ids=["name", "global", "classic"],
)
def test_what_is_no_regional_web_acl_is_refused(arn: str) -> None:
    """Its association would fail."""
    with pytest.raises(ValueError, match=re.escape(f"got: {arn!r}")):
        WebAcl.from_arn(arn)


@pytest.mark.parametrize(
    ("groups", "counted", "rate_limit", "message"),
    [
        ([], {}, None, "rule_groups must name a group, got none, and no rate_limit"),
        (["AWSManagedRulesSQLiRuleSet"] * 2, {}, None, "rule_groups must differ from each other"),
        (["Ours"], {}, None, "names of AWS's groups, got: 'Ours'; AWS has AWSManagedRulesCommonRuleSet, AWS"),
        (
            ["AWSManagedRulesCommonRules"],
            {},
            None,
            "did you mean 'AWSManagedRulesCommonRuleSet'? For rules of your own",
        ),
        (
            ["AWSManagedRulesATPRuleSet"],
            {},
            None,
            "got: 'AWSManagedRulesATPRuleSet'; configure it in a web ACL, and",
        ),
        (
            ["AWSManagedRulesSQLiRuleSet"],
            {"Other": ["A"]},
            None,
            "must belong to groups of rule_groups, got: ['Other']",
        ),
        ([], {}, 9, "rate_limit must be 10 to 2000000000 requests in five minutes, got: 9"),
    ],
    ids=["nothing", "twice", "unknown group", "misspelt group", "group at a price", "rule without group", "low limit"],
)
def test_rules_that_would_fail_are_refused(
    groups: Sequence[str], counted: Mapping[str, Sequence[str]], rate_limit: int | None, message: str
) -> None:
    """Before the deployment does."""
    with pytest.raises(ValueError, match=re.escape(message)):
        WebAcl.managed(rule_groups=groups, counted_rules=counted, rate_limit=rate_limit)


def test_strings_instead_of_lists_are_refused() -> None:
    """A string would be taken for a list of characters."""
    with pytest.raises(TypeError, match=re.escape("write rule_groups=['AWSManagedRulesSQLiRuleSet']")):
        WebAcl.managed(rule_groups="AWSManagedRulesSQLiRuleSet")
    with pytest.raises(
        TypeError, match="counted_rules must be a dict of str to a list of str, got: 'SizeRestrictions_BODY' for"
    ):
        WebAcl.managed(counted_rules={"AWSManagedRulesCommonRuleSet": "SizeRestrictions_BODY"})


def test_a_word_is_no_web_acl(idle_stack: Stack, idle_network: Network) -> None:
    """The likeliest mistake is answered with what to write."""
    with pytest.raises(TypeError, match=re.escape(f"web_acl must be WebAcl or None, got: {ARN!r}")):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, web_acl=ARN)  # type: ignore[arg-type]  # the mistake
