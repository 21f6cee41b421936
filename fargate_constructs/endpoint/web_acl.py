"""What is refused before any route is looked at.

```
caller ──> load balancer ──> [web ACL: AWS's managed rules] ──> routes
```
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Annotations, ArnFormat, Aws, Fn, Names, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import LOG_GROUP, acknowledge
from fargate_constructs._core.unresolved import is_known
from fargate_constructs._core.validation import validate_distinct, validate_range

# Addresses that AWS knows as bots; the usual attacks on any web application; requests that only an exploit makes.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
# All that cost nothing beyond WAF's own price and need no configuration, and their capacity units: baseline, use-case
# specific and IP reputation groups; the pages behind that list have the units.
CAPACITY = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesWindowsRuleSet": 200,
    "AWSManagedRulesPHPRuleSet": 100,
    "AWSManagedRulesWordPressRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
}
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
RATE_CAPACITY = 2
# What one price covers; all of the above stay below the limit of 5,000
# (https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html).
PRICED_CAPACITY = 1500
# Groups that cost more, most of which need to be told about the application:
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-managed-rule-groups.html
AT_A_PRICE = (
    "AWSManagedRulesACFPRuleSet",
    "AWSManagedRulesATPRuleSet",
    "AWSManagedRulesBotControlRuleSet",
    "AWSManagedRulesAntiDDoSRuleSet",
)
# Bodies over 8 KB, which WAF cannot read to their end behind a load balancer: refusing them would refuse every upload.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-request-limiting.html
MIN_RATE, MAX_RATE = 10, 2_000_000_000
# What logs should not hold: whoever reads one of these can pretend to be the caller.
REDACTED_HEADERS = ("authorization", "cookie", "x-api-key")
# WAF writes to log groups of this name alone: https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
LOG_GROUP_PREFIX = "aws-waf-logs-"


@dataclass(frozen=True, kw_only=True)
class WebAcl:
    """A web application firewall for an endpoint. Made by one of the named constructors, never by hand.

    ```python
    HttpEndpoint(stack, "Endpoint", network=network, web_acl=WebAcl.managed())
    ```
    """

    arn: str | None = None
    rule_groups: Sequence[str] = RULE_GROUPS
    counted_rules: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rate_limit: int | None = None

    @classmethod
    @checked
    def managed(
        cls,
        *,
        rule_groups: Sequence[str] = RULE_GROUPS,
        counted_rules: Mapping[str, Sequence[str]] = COUNTED,
        rate_limit: int | None = None,
    ) -> "WebAcl":
        """A web ACL with AWS's managed rules: 8 USD a month, and 0.60 USD for a million requests.

        The list price is 5 USD for the ACL and 1 USD for each rule group (https://aws.amazon.com/waf/pricing/). Only
        requests that were refused or counted are logged, without their credentials, to a log group kept for a year:
        those let through are in the access logs.

        Args:
            rule_groups: AWS's rule groups that cost nothing beyond that, tried in this order. By default known bad
                addresses, the common rules, and known bad inputs; 925 of the 1,500 units that one price covers. Beyond
                those synthesis warns.
            counted_rules: Rules, by group, that only count what they would refuse. By default
                `SizeRestrictions_BODY`, which would refuse each body over 8 KB. Give `{}` to let every rule refuse.
            rate_limit: How many requests one address may make in five minutes, 10 to 2,000,000,000; another 1 USD a
                month. By default any number. Behind CloudFront all requests come from CloudFront's addresses.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If there is neither a rule group nor a limit, a group is named twice or is none of those, a
                counted rule's group is missing, or the limit is out of range.
        """
        _validate_groups(rule_groups, rate_limit)
        given = (
            counted_rules if counted_rules is not COUNTED else {k: v for k, v in COUNTED.items() if k in rule_groups}
        )
        if unknown := sorted(given.keys() - set(rule_groups)):
            raise ValueError(f"counted_rules must belong to groups of rule_groups, got: {unknown}")
        validate_range("rate_limit", rate_limit, MIN_RATE, MAX_RATE, unit=" requests in five minutes")
        return cls(rule_groups=tuple(rule_groups), counted_rules=given, rate_limit=rate_limit)

    @classmethod
    @checked
    def from_arn(cls, arn: str) -> "WebAcl":
        """A web ACL made elsewhere, of scope REGIONAL and in the endpoint's region; its logs are its owner's matter.

        Raises:
            ValueError: If the ARN is not one of a regional web ACL.
        """
        if is_known(arn) and not (arn.startswith("arn:") and ":wafv2:" in arn and ":regional/webacl/" in arn):
            raise ValueError(
                "arn must be a regional web ACL's, such as 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/…', "
                f"got: {arn!r}",
            )
        return cls(arn=arn)

    @property
    def capacity(self) -> int:
        """The capacity units of the rules, as far as they are known."""
        groups = sum(CAPACITY.get(name, 0) for name in self.rule_groups)
        return groups + (RATE_CAPACITY if self.rate_limit else 0)

    def protect(self, scope: Construct, load_balancer: elbv2.ApplicationLoadBalancer) -> "ManagedWebAcl | None":
        """Put the web ACL before a load balancer; return it if it is made here."""
        made = None if self.arn else ManagedWebAcl(scope, "WebAcl", web_acl=self)
        arn = made.web_acl_arn if made else self.arn
        assert arn is not None, "from_arn gave one"
        wafv2.CfnWebACLAssociation(
            scope,
            "WebAclAssociation",
            resource_arn=load_balancer.load_balancer_arn,
            web_acl_arn=arn,
        )
        return made


class ManagedWebAcl(Construct):
    """A web ACL with managed rules, and the log group of what it refuses. Made by `WebAcl.managed`."""

    def __init__(self, scope: Construct, id: str, *, web_acl: WebAcl) -> None:
        super().__init__(scope, id)

        if web_acl.capacity > PRICED_CAPACITY:
            Annotations.of(self).add_warning_v2(
                "fargate-constructs:webAclCapacity",
                f"the web ACL takes {web_acl.capacity} capacity units: beyond {PRICED_CAPACITY} AWS asks more for each "
                "request (https://aws.amazon.com/waf/pricing/); leave out what the application does not need",
            )
        self._metric_name = Names.unique_resource_name(self, max_length=128)
        rules = [
            _group_rule(priority, name, web_acl.counted_rules.get(name, ()))
            for priority, name in enumerate(web_acl.rule_groups, start=1)
        ]
        if web_acl.rate_limit:
            rules.insert(0, _rate_rule(web_acl.rate_limit))
        self.resource = wafv2.CfnWebACL(
            self,
            "Resource",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            # The metrics' only name, which a second web ACL of the account must not have.
            visibility_config=_visibility(self._metric_name),
            rules=rules,
        )
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=LOG_GROUP_PREFIX + self._unique_name(),
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(self.log_group, LOG_GROUP)
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl_arn,
            # Without the `:*` at the end of a log group's own ARN.
            log_destination_configs=[
                Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=self.log_group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                ),
            ],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name})
                for name in REDACTED_HEADERS
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")],
                    },
                ],
            },
        )

    @property
    def web_acl_arn(self) -> str:
        """The web ACL's ARN (a token until deployed)."""
        return self.resource.attr_arn

    def metric_blocked_requests(self) -> cloudwatch.Metric:
        """How many requests were refused."""
        return cloudwatch.Metric(
            namespace="AWS/WAFV2",
            metric_name="BlockedRequests",
            dimensions_map={"WebACL": self._metric_name, "Region": Aws.REGION, "Rule": "ALL"},
            statistic="Sum",
        )

    def _unique_name(self) -> str:
        """Return a name that no other web ACL has, not even one of an earlier stack of the same name: logs stay."""
        stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
        return f"{Names.unique_resource_name(self, max_length=200, separator='-')}-{stack_uuid}"


def _group_rule(priority: int, name: str, counted: Sequence[str]) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in counted
                ]
                or None,
            ),
        ),
        visibility_config=_visibility(name),
    )


def _rate_rule(limit: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=300
            ),
        ),
        visibility_config=_visibility("RateLimit"),
    )


def _visibility(metric_name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    # Samples would show in the console the credentials that the logs leave out.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=False
    )


def _validate_groups(rule_groups: Sequence[str], rate_limit: int | None) -> None:
    if not rule_groups and rate_limit is None:
        raise ValueError("rule_groups must name a group, got none, and no rate_limit: such a web ACL lets all through")
    validate_distinct("rule_groups", rule_groups)
    for name in rule_groups:
        if name in AT_A_PRICE:
            raise ValueError(
                f"rule_groups must hold groups without a price of their own, got: {name!r}; configure it in a web ACL, "
                "and pass WebAcl.from_arn",
            )
        if name not in CAPACITY and is_known(name):
            near = difflib.get_close_matches(name, CAPACITY, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"AWS has {', '.join(CAPACITY)}."
            raise ValueError(
                f"rule_groups must hold names of AWS's groups, got: {name!r}; {meant} For rules of your own make a web "
                "ACL, and pass WebAcl.from_arn",
            )
