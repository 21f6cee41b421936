"""What CloudWatch Logs knows about log groups: their settings, and where it delivers their events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer, paged


class Subscription(NamedTuple):
    """A delivery of events, of one log group or of all of an account."""

    destination: str
    """An ARN."""
    pattern: str
    """The filter pattern; empty if all events are delivered."""
    criteria: str = ""
    """Of an account, which log groups it leaves out: `LogGroupName NOT IN ["/a", "/b"]`."""

    def has(self, log_group: str) -> bool:
        """Whether it delivers the events of a log group of the account."""
        return json.dumps(log_group) not in self.criteria


def describe_log_group(logs: Any, name: str) -> Answer:  # noqa: ANN401 - of boto3
    """Return what CloudWatch Logs knows about a log group; nothing if it does not exist."""
    found = paged(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return next((each for each in found if each["logGroupName"] == name), {})


def subscriptions(logs: Any, log_group: str) -> Iterator[Subscription]:  # noqa: ANN401 - of boto3
    """Yield the subscriptions of a log group itself."""
    for each in paged(logs, "describe_subscription_filters", "subscriptionFilters", logGroupName=log_group):
        yield Subscription(each["destinationArn"], each.get("filterPattern", ""))


def account_subscriptions(logs: Any) -> Iterator[Subscription]:  # noqa: ANN401 - of boto3
    """Yield the subscriptions of the account."""
    for each in logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")["accountPolicies"]:
        policy = json.loads(each["policyDocument"])
        yield Subscription(policy["DestinationArn"], policy.get("FilterPattern", ""), each.get("selectionCriteria", ""))
