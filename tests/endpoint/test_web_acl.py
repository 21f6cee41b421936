"""The web ACL in front of an endpoint."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk.assertions import Match

from fargate_constructs.endpoint.web_acl import WebAcl
from tests.endpoint.lab import Lab

SQL = "AWSManagedRulesSQLiRuleSet"
ARN = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shop/1"


class Protected(Lab):
    """Endpoints of one stack, by their web ACLs."""

    def __init__(self) -> None:
        super().__init__()
        many = ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesLinuxRuleSet"]
        most = [*many, "AWSManagedRulesWindowsRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"]
        web_acls = {
            "None": None,
            "Managed": WebAcl.managed(),
            "Chosen": WebAcl.managed(rule_groups=[SQL], counted_rules={SQL: ["SQLi_BODY"]}, rate_limit=2000),
            "Full": WebAcl.managed(rule_groups=most),
            "Beyond": WebAcl.managed(rule_groups=most, rate_limit=2000),
            "Imported": WebAcl.from_arn(ARN),
            "Token": WebAcl.from_arn(CfnParameter(self.stack, "Arn").value_as_string),
        }
        self.endpoints = {name: self.http(name, web_acl=each) for name, each in web_acls.items()}

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of an endpoint's web ACL."""
        web_acl = self.endpoints[name].web_acl
        assert web_acl
        return self.of(web_acl.resource)

    def associated(self, name: str) -> list[object]:
        """Return the ARNs of the web ACLs in front of an endpoint's load balancer."""
        arn = self.resolve(self.endpoints[name].load_balancer.load_balancer_arn)
        return [each["WebACLArn"] for each in self.all("AWS::WAFv2::WebACLAssociation", ResourceArn=arn)]


@pytest.fixture(scope="module")
def lab() -> Protected:
    """One synthesis for all of them."""
    return Protected()


def test_the_associations(lab: Protected) -> None:
    """None by default, because it costs money and refuses requests. One made elsewhere may be a token."""
    made = {name: each.web_acl for name, each in lab.endpoints.items() if each.web_acl}
    assert list(made) == ["Managed", "Chosen", "Full", "Beyond"]
    assert {name: lab.associated(name) for name in lab.endpoints} == {
        "None": [],
        **{name: [lab.resolve(web_acl.web_acl_arn)] for name, web_acl in made.items()},
        "Imported": [ARN],
        "Token": [{"Ref": "Arn"}],
    }
    lab.template.resource_count_is("AWS::WAFv2::WebACL", 4)


def test_managed_rules(lab: Protected) -> None:
    """AWS's rules in order, each with its own metrics. An upload over 8 KB is no attack; other rules refuse."""
    found = lab.properties("Managed")
    groups = [rule["Statement"]["ManagedRuleGroupStatement"] for rule in found["Rules"]]
    assert [(rule["Priority"], rule["Name"]) for rule in found["Rules"]] == [
        (1, "AWSManagedRulesAmazonIpReputationList"),
        (2, "AWSManagedRulesCommonRuleSet"),
        (3, "AWSManagedRulesKnownBadInputsRuleSet"),
    ]
    assert [group["Name"] for group in groups] == [rule["Name"] for rule in found["Rules"]]
    assert all(rule["VisibilityConfig"]["CloudWatchMetricsEnabled"] for rule in found["Rules"])
    assert all(rule["OverrideAction"] == {"None": {}} for rule in found["Rules"])
    counted = [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}]
    assert [group.get("RuleActionOverrides") for group in groups] == [None, counted, None]
    assert (found["DefaultAction"], found["Scope"]) == ({"Allow": {}}, "REGIONAL")


def test_your_own_choice(lab: Protected) -> None:
    """The groups, the rules that only count, and how often an address may call."""
    limit, group = lab.properties("Chosen")["Rules"]
    assert (limit["Priority"], limit["Action"]) == (0, {"Block": {}})
    assert limit["Statement"] == {
        "RateBasedStatement": {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": 2000}
    }
    assert group["Priority"] == 1
    assert group["Statement"]["ManagedRuleGroupStatement"] == {
        "Name": "AWSManagedRulesSQLiRuleSet",
        "RuleActionOverrides": [{"Name": "SQLi_BODY", "ActionToUse": {"Count": {}}}],
        "VendorName": "AWS",
    }


def test_more_units_than_the_basic_price_covers_are_warned_of(lab: Protected) -> None:
    """Beyond 1,500 units each request costs more. A group known only when deployed counts nothing."""
    assert (WebAcl.managed().capacity, WebAcl.from_arn(ARN).capacity) == (925, 0)
    assert WebAcl.managed(rule_groups=[CfnParameter(lab.stack, "Group").value_as_string]).capacity == 0
    message = Match.string_like_regexp("takes 1502 capacity units: beyond 1500")
    warnings = lab.annotations.find_warning("*", message)
    assert [each.id for each in warnings] == ["/Test/Beyond/WebAcl"]


def test_every_rule_may_refuse() -> None:
    """An empty mapping counts nothing. Groups without the counted rule need no mapping."""
    assert WebAcl.managed(counted_rules={}).counted_rules == {}
    assert WebAcl.managed(rule_groups=["AWSManagedRulesSQLiRuleSet"]).counted_rules == {}


def test_refused_requests_are_logged_without_credentials(lab: Protected) -> None:
    """The log group is retained, and has a name that WAF accepts. Other requests are in the access logs."""
    web_acl = lab.endpoints["Managed"].web_acl
    assert web_acl
    log_group = lab.of(web_acl.log_group)
    (logical_id,) = lab.template.find_resources("AWS::Logs::LogGroup", {"Properties": log_group})
    lab.template.has_resource("AWS::Logs::LogGroup", {"Properties": log_group, "DeletionPolicy": "Retain"})
    assert log_group["RetentionInDays"] == 365
    prefix, stack_uuid = log_group["LogGroupName"]["Fn::Join"][1]
    assert prefix.startswith("aws-waf-logs-Test-Managed-")
    assert stack_uuid == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    conditions = [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")]
    lab.template.has_resource_properties(
        "AWS::WAFv2::LoggingConfiguration",
        {
            "ResourceArn": lab.resolve(web_acl.web_acl_arn),
            "LogDestinationConfigs": [{"Fn::Join": ["", Match.array_with([":log-group:", {"Ref": logical_id}])]}],
            "RedactedFields": [{"SingleHeader": {"Name": name}} for name in ("authorization", "cookie", "x-api-key")],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": conditions}],
            },
        },
    )


def test_its_metric_is_its_own(lab: Protected) -> None:
    """The metric has the name under which the web ACL reports, which no other web ACL has."""
    made = {name: each.web_acl for name, each in lab.endpoints.items() if each.web_acl}
    reported = [lab.properties(name)["VisibilityConfig"]["MetricName"] for name in made]
    dimensions = [web_acl.metric_blocked_requests().dimensions for web_acl in made.values()]
    assert [each["WebACL"] for each in dimensions if each] == reported
    assert len(set(reported)) == len(made)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WebAcl.from_arn("shop"), "arn must be a regional web ACL's, such as 'arn:aws:wafv2:eu-west-1:"),
        (lambda: WebAcl.from_arn(ARN.replace("regional", "global")), "got: 'arn:aws:wafv2:eu-west-1:123456789012:glob"),
        (lambda: WebAcl.from_arn("arn:aws:waf-regional:eu-west-1:123456789012:webacl/1"), "got: 'arn:aws:waf-regional"),
        (lambda: WebAcl.managed(rule_groups=[]), "rule_groups must hold a group, got none and no rate_limit"),
        (lambda: WebAcl.managed(rule_groups=[SQL, SQL]), "rule_groups must differ from each other"),
        (lambda: WebAcl.managed(rule_groups=["Ours"]), "names of AWS's groups, got: 'Ours'; AWS has AWSManagedRulesCo"),
        (lambda: WebAcl.managed(rule_groups=["AWSManagedRulesCommonRules"]), "did you mean 'AWSManagedRulesCommonRule"),
        (lambda: WebAcl.managed(rule_groups=["AWSManagedRulesATPRuleSet"]), "got: 'AWSManagedRulesATPRuleSet'; make"),
        (lambda: WebAcl.managed(rule_groups=[SQL], counted_rules={"Other": ["A"]}), "must belong to groups of rule_gr"),
        (lambda: WebAcl.managed(rule_groups=[], rate_limit=9), "rate_limit must be 10 to 2000000000 requests in"),
        (lambda: WebAcl.managed(rule_groups=SQL), f"write rule_groups=['{SQL}']"),
        (lambda: WebAcl.managed(counted_rules={SQL: "SQLi_BODY"}), "counted_rules must be a dict of str to a list"),
    ],
)
def test_web_acls_that_are_refused(make: Callable[[], WebAcl], message: str) -> None:
    """The message says what was given and what to change."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()
