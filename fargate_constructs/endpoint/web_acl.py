"""The choice of a web ACL, which refuses requests before the routes."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_known
from fargate_constructs._core.validation import validate_distinct, validate_range

# Addresses of known bots; common attacks on web applications; requests that only exploits make.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
# All groups without an extra price that need no configuration, and their capacity units: baseline, use-case specific
# and IP reputation groups. The pages of that list have the units.
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
# The units that the basic price covers. All groups above together stay below the limit of 5,000
# (https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html).
PRICED_CAPACITY = 1500
# Groups with an extra price, most of which need configuration:
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-managed-rule-groups.html
PRICED_GROUPS = (
    "AWSManagedRulesACFPRuleSet",
    "AWSManagedRulesATPRuleSet",
    "AWSManagedRulesBotControlRuleSet",
    "AWSManagedRulesAntiDDoSRuleSet",
)
# Bodies over 8 KB, which WAF cannot read in full behind a load balancer. This rule would refuse every upload.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-request-limiting.html
MIN_RATE, MAX_RATE = 10, 2_000_000_000


@dataclass(frozen=True, init=False)
class WebAcl(NamedConstructors):
    """A web ACL for an endpoint. Made by one of the named constructors.

    ```python
    HttpEndpoint(stack, "Endpoint", network=network, web_acl=WebAcl.managed())
    ```
    """

    arn: str | None = None
    rule_groups: Sequence[str] = ()
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
        refused and counted requests are logged, without their credentials, to a log group that keeps them for a year.
        Other requests are in the access logs.

        Args:
            rule_groups: AWS's rule groups without an extra price, in the order of evaluation. By default known bad
                addresses, the common rules, and known bad inputs: 925 of the 1,500 capacity units that the basic price
                covers. Synthesis warns beyond 1,500.
            counted_rules: Rules, by group, that count requests and do not refuse them. By default
                `SizeRestrictions_BODY`, which would refuse each body over 8 KB. Give `{}` to let every rule refuse.
            rate_limit: How many requests one address may make in five minutes, 10 to 2,000,000,000, for another 1 USD a
                month. By default any number. Behind CloudFront all requests come from CloudFront's addresses.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If there is neither a rule group nor a limit, a group is named twice or has an extra price, the
                group of a counted rule is missing, or the limit is out of range.
        """
        _validate_groups(rule_groups, rate_limit)
        if counted_rules is COUNTED:
            counted_rules = {group: rules for group, rules in COUNTED.items() if group in rule_groups}
        if unknown := sorted(counted_rules.keys() - set(rule_groups)):
            raise ValueError(f"counted_rules must belong to groups of rule_groups, got: {unknown}")
        validate_range("rate_limit", rate_limit, MIN_RATE, MAX_RATE, unit=" requests in five minutes")
        return cls._make(rule_groups=tuple(rule_groups), counted_rules=counted_rules, rate_limit=rate_limit)

    @classmethod
    @checked
    def from_arn(cls, arn: str) -> "WebAcl":
        """A web ACL made elsewhere, of scope REGIONAL and in the endpoint's region. Its owner configures its logs.

        Args:
            arn: The web ACL's ARN.

        Raises:
            ValueError: If the ARN is not one of a regional web ACL.
        """
        if is_known(arn) and not (arn.startswith("arn:") and ":wafv2:" in arn and ":regional/webacl/" in arn):
            raise ValueError(
                "arn must be a regional web ACL's, such as 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/…', "
                f"got: {arn!r}",
            )
        return cls._make(arn=arn)

    @property
    def capacity(self) -> int:
        """The capacity units of the rules, as far as they are known."""
        groups = sum(CAPACITY.get(name, 0) for name in self.rule_groups)
        return groups + (RATE_CAPACITY if self.rate_limit else 0)


def _validate_groups(rule_groups: Sequence[str], rate_limit: int | None) -> None:
    if not rule_groups and rate_limit is None:
        raise ValueError("rule_groups must hold a group, got none and no rate_limit; give one of them")
    validate_distinct("rule_groups", rule_groups)
    for name in rule_groups:
        if name in PRICED_GROUPS:
            raise ValueError(
                f"rule_groups must hold groups without an extra price, got: {name!r}; make your own web ACL with it, "
                "and pass WebAcl.from_arn",
            )
        if name not in CAPACITY and is_known(name):
            near = difflib.get_close_matches(name, CAPACITY, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"AWS has {', '.join(CAPACITY)}."
            raise ValueError(
                f"rule_groups must hold names of AWS's groups, got: {name!r}; {meant} For your own rules make your own "
                "web ACL, and pass WebAcl.from_arn",
            )
