"""Which log groups are shipped, and which must never be.

```
log group ──> [subscription] ──> shipper Lambda, or Data Firehose
```
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aws_cdk import Names, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from fargate_constructs.environments import may_be_same
from fargate_constructs.paths import path_of

# What CloudWatch Logs delivers from (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html).
STANDARD = "STANDARD"


class _Shipped(NamedTuple):
    """A log group that is shipped."""

    names: tuple[str, str]
    log_group: logs.ILogGroup
    subscription: logs.SubscriptionFilter


class Subscriptions:
    """The log groups of one archive.

    Args:
        archive: The archive.
        destination: What delivers to it.
        policy_document: The same, as an account policy names it.
        needs: What must be there before CloudWatch Logs may deliver.
    """

    def __init__(
        self,
        archive: Construct,
        *,
        destination: logs.ILogSubscriptionDestination,
        policy_document: Mapping[str, str],
        needs: IDependable,
    ) -> None:
        self._archive = archive
        self._destination = destination
        self._policy_document = policy_document
        self._needs = needs
        self._functions: list[lambda_.Function] = []
        self._ignored: list[tuple[str, str]] = []
        self._shipped: list[_Shipped] = []
        self._excepted: list[str] = []
        self._account_policy: logs.CfnAccountPolicy | None = None

    @property
    def filter_name(self) -> str:
        """The name that all subscriptions have: by it, one alarm watches all of them."""
        return Names.unique_resource_name(self._archive, max_length=128, separator="-")

    def tell(self, function: lambda_.Function) -> None:
        """Let a function know which log groups to drop: what would come from one by another's subscription."""
        self._functions.append(function)
        self._publish()

    def ignore(self, log_group: logs.ILogGroup) -> None:
        """Never ship a log group."""
        names = _names(log_group)
        if self._subscription(names):
            raise ValueError(f"a log group must not be shipped and ignored, got both for: {log_group.node.path}")
        self._ignored.append(names)
        self._publish()

    def add(self, log_group: logs.ILogGroup) -> logs.SubscriptionFilter | None:
        """Ship a log group, unless that was asked for before or the account policy does so already."""
        _validate_log_group(log_group, Stack.of(self._archive).region)
        names = _names(log_group)
        if any(_same(names, ignored) for ignored in self._ignored):
            raise ValueError(
                f"log_group must not be one of the archive's own, got: {log_group.node.path}; "
                "every line it shipped would make another",
            )
        if self._account_policy:
            return None
        if known := self._subscription(names):
            return known
        archive_id = path_of(self._archive).split("/")[-1]
        if other := log_group.node.try_find_child(archive_id):
            raise ValueError(
                f"log_group must not have a subscription of another archive with the ID {archive_id!r}, got: "
                f"{other.node.path}; give one of the archives another ID",
            )
        subscription = log_group.add_subscription_filter(
            archive_id,
            destination=self._destination,
            filter_pattern=logs.FilterPattern.all_events(),
            filter_name=self.filter_name,
        )
        subscription.node.add_dependency(self._needs)
        self._shipped.append(_Shipped(names, log_group, subscription))
        return subscription

    def add_all(self, except_for: Sequence[logs.ILogGroup]) -> logs.CfnAccountPolicy:
        """Ship every log group of the account and region, but for those that are ignored."""
        if self._shipped:
            first = self._shipped[0].log_group.node.path
            raise ValueError(
                f"add_all_log_groups must be called before add_log_group, got {first} first; "
                "its lines would be shipped twice",
            )
        self._excepted = [log_group.log_group_name for log_group in except_for]
        self._account_policy = logs.CfnAccountPolicy(
            self._archive,
            "AllLogGroups",
            policy_name=self.filter_name,
            policy_type="SUBSCRIPTION_FILTER_POLICY",
            policy_document=Stack.of(self._archive).to_json_string({**self._policy_document, "FilterPattern": ""}),
            scope="ALL",
        )
        self._account_policy.node.add_dependency(self._needs)
        self._publish()
        return self._account_policy

    def _subscription(self, names: tuple[str, str]) -> logs.SubscriptionFilter | None:
        """Return a log group's subscription, if it has one."""
        return next((each.subscription for each in self._shipped if _same(names, each.names)), None)

    def _publish(self) -> None:
        """Say anew which log groups are ignored: to the functions that drop them, and to the account policy."""
        ignored = [name for name, _ in self._ignored]
        for function in self._functions:
            function.add_environment("IGNORED_LOG_GROUPS", ",".join(ignored))
        if self._account_policy:
            names = json.dumps([*ignored, *self._excepted])
            self._account_policy.selection_criteria = f"LogGroupName NOT IN {names}"


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Tell whether two are one log group, as far as synthesis can know: also if one is imported by its name or ARN."""
    return one[0] == other[0] or one[1] == other[1]


def _names(log_group: logs.ILogGroup) -> tuple[str, str]:
    """Return a log group's name and ARN."""
    return log_group.log_group_name, log_group.log_group_arn.removesuffix(":*")


def _validate_log_group(log_group: logs.ILogGroup, region: str) -> None:
    if not may_be_same(log_group.env.region, region):
        raise ValueError(
            f"log_group must be in the archive's region, {region}, as subscriptions want it, got: "
            f"{log_group.node.path} in {log_group.env.region}; make an archive there",
        )
    resource = log_group.node.default_child
    log_class = resource.log_group_class if isinstance(resource, logs.CfnLogGroup) else None
    if log_class not in (None, STANDARD):
        raise ValueError(
            f"log_group must be of the class {STANDARD}, the only one that has subscriptions, "
            f"got: {log_class} for {log_group.node.path}",
        )
