"""The web ACL of `WebAcl.managed`: AWS's managed rules, and the logs of refused requests."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations, ArnFormat, Aws, Fn, Names, RemovalPolicy, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_wafv2 as wafv2
from fargate_constructs._core.nag_suppressions import LOG_GROUP, acknowledge
from fargate_constructs.endpoint.web_acl import PRICED_CAPACITY, WebAcl

# Headers that logs leave out: a reader of the logs could use them to act as the caller.
REDACTED_HEADERS = ("authorization", "cookie", "x-api-key")
# WAF writes only to log groups with this prefix: https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
LOG_GROUP_PREFIX = "aws-waf-logs-"


class ManagedWebAcl(Construct):
    """A web ACL with managed rules, and a log group of refused requests. Made for `WebAcl.managed`."""

    def __init__(self, scope: Construct, id: str, *, web_acl: WebAcl) -> None:
        super().__init__(scope, id)

        if web_acl.capacity > PRICED_CAPACITY:
            Annotations.of(self).add_warning_v2(
                "fargate-constructs:webAclCapacity",
                f"the web ACL takes {web_acl.capacity} capacity units: beyond {PRICED_CAPACITY} each request costs "
                "more (https://aws.amazon.com/waf/pricing/); leave out groups that the application does not need",
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
            # The metrics are by this name, so each web ACL of an account needs another one.
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
        self._log_refused_requests()

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
        """Return a name that no web ACL has, also not one of an earlier stack of this name: its log group remains."""
        stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
        return f"{Names.unique_resource_name(self, max_length=200, separator='-')}-{stack_uuid}"

    def _log_refused_requests(self) -> None:
        conditions = [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")]
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl_arn,
            # Without the `:*` at the end of the log group's `log_group_arn`.
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
                "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": conditions}],
            },
        )


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
    # Samples in the console would show the credentials that the logs leave out.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=False
    )


def associate_web_acl(
    scope: Construct, load_balancer: elbv2.ApplicationLoadBalancer, web_acl: WebAcl | None
) -> ManagedWebAcl | None:
    """Associate the web ACL, if any, with a load balancer. Return it if it is made here."""
    if web_acl is None:
        reason = "A web ACL costs 5 USD a month, and more for rules and requests. web_acl=WebAcl.managed() makes one."
        acknowledge(load_balancer, {"ALBWAFEnabled": reason})
        return None
    made, arn = None, web_acl.arn
    if arn is None:
        made = ManagedWebAcl(scope, "WebAcl", web_acl=web_acl)
        arn = made.web_acl_arn
    wafv2.CfnWebACLAssociation(
        scope, "WebAclAssociation", resource_arn=load_balancer.load_balancer_arn, web_acl_arn=arn
    )
    return made
