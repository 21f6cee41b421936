"""Which log groups are shipped, and which must never be."""

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import NamedTuple

from aws_cdk import Aws, Names, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as logs_destinations
from constructs import Construct, IDependable

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import node_of, path_of
from fargate_constructs._core.environment_checks import may_be_same
from fargate_constructs._core.log_group_attributes import arn_of, name_of
from fargate_constructs._core.unresolved import TOKEN, may_match
from fargate_constructs.logs.log_group_names import known_name, log_group_name, resource_of

# What CloudWatch Logs delivers from (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html).
STANDARD = "STANDARD"
# A log group's name (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html), in
# which `*` matches any characters.
PATTERN = re.compile(r"[A-Za-z0-9_/.#*-]{1,512}")
# A function has 4 KB for all of its environment (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html);
# what else is in it takes up to 256 bytes.
MAX_IGNORED_BYTES = 4096 - 256
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
MAX_SELECTION_BYTES = 25_000
# About as long as what CloudFormation calls a log group: its stack, its logical ID and 12 characters more.
GENERATED_NAME = "x" * 80


class SubscriptionTarget(NamedTuple):
    """What delivers to an archive."""

    destination: logs.ILogSubscriptionDestination
    policy_document: Mapping[str, str]
    """The same, as an account policy names it."""
    needs: IDependable
    """What must be there before CloudWatch Logs may deliver."""


def function_target(scope: Construct, function: lambda_.IFunction) -> SubscriptionTarget:
    """Return a function as what the log groups of the account and region are subscribed to.

    One permission serves them all: one statement each would fill the function's policy at 44.
    """
    permission = lambda_.CfnPermission(
        scope,
        "Delivery",
        action="lambda:InvokeFunction",
        function_name=function.function_arn,
        principal="logs.amazonaws.com",
        source_account=Aws.ACCOUNT_ID,
        source_arn=Stack.of(scope).format_arn(service="logs", resource="log-group:*"),
    )
    return SubscriptionTarget(
        logs_destinations.LambdaDestination(function, add_permissions=False),
        {"DestinationArn": function.function_arn},
        needs=permission,
    )


class _Named(NamedTuple):
    """A log group, or all log groups whose names match a pattern."""

    text: str
    """The name as the template has it, or the pattern."""
    name: str
    """The same, as far as the app knows it."""
    path: str
    """What a person knows it by: its construct's path, or the pattern."""
    arn: str | None = None

    def covers(self, other: "_Named") -> bool:
        """Tell whether another is the same log group, also if it is imported by name or ARN, or is of the pattern."""
        pattern = re.sub(r"[?[]", r"[\g<0>]", self.name)  # of a token
        return fnmatchcase(other.name, pattern) or (self.arn is not None and self.arn == other.arn)


class _Archives:
    """The subscriptions of all archives of an app."""

    def __init__(self) -> None:
        self.all: list[Subscriptions] = []


class _Shipped(NamedTuple):
    """A log group that is shipped."""

    log_group: _Named
    subscription: logs.SubscriptionFilter


class Subscriptions:
    """The log groups of one archive."""

    def __init__(self, archive: Construct, target: SubscriptionTarget) -> None:
        self._archive = archive
        self._target = target
        self._functions: list[lambda_.Function] = []
        self._ignored: list[_Named] = []
        self._own: list[_Named] = []
        self._shipped: list[_Shipped] = []
        self._excepted: list[_Named] = []
        self._account_policy: logs.CfnAccountPolicy | None = None
        self._archives = app_singleton(archive, _Archives).all
        self._archives.append(self)

    @cached_property
    def filter_name(self) -> str:
        """The name that all subscriptions have: by it, one alarm watches all of them."""
        return Names.unique_resource_name(self._archive, max_length=128, separator="-")

    def publish_to(self, function: lambda_.Function) -> None:
        """Let a function know which log groups to drop: what would come from one by another's subscription."""
        self._functions.append(function)
        self._publish()

    def ignore_own(self, own_log_group: logs.ILogGroup) -> None:
        """Never ship what the archive itself logs."""
        self.ignore(own_log_group)
        self._own.append(self._ignored[-1])

    def ignore(self, log_group: logs.ILogGroup | str) -> None:
        """Never ship a log group, or those of a pattern."""
        ignored = self._named(log_group)
        for each in self._shipped:
            if ignored.covers(each.log_group):
                raise ValueError(f"a log group must not be shipped and ignored, got both for: {each.log_group.path}")
        self._validate_size([*self._ignored, ignored], self._excepted)
        self._ignored.append(ignored)
        self._publish()

    def add(self, log_group: logs.ILogGroup) -> logs.SubscriptionFilter | None:
        """Ship a log group, unless that was asked for before or the account policy does so already."""
        _validate_class(log_group)
        added = self._named(log_group)
        for each in (*self._ignored, *self._excepted):
            if each.covers(added):
                raise ValueError(
                    f"log_group must not be one that is ignored, as the archive's own are, got: {added.path}, ignored "
                    f"as {each.path!r}",
                )
        if self._account_policy:
            return None
        self._validate_no_loop([each for each in self._archives if each.logs_to(added)], added.path)
        for shipped in self._shipped:
            if shipped.log_group.covers(added):
                return shipped.subscription
        archive_id = path_of(self._archive).split("/")[-1]
        if node_of(log_group).try_find_child(archive_id):
            raise ValueError(
                "log_group must not have a child with the archive's ID, such as the subscription of another archive, "
                f"got: {added.path}/{archive_id}; give the archive another ID",
            )
        subscription = log_group.add_subscription_filter(
            archive_id,
            destination=self._target.destination,
            filter_pattern=_all_events(),
            filter_name=self.filter_name,
        )
        subscription.node.add_dependency(self._target.needs)
        self._shipped.append(_Shipped(added, subscription))
        return subscription

    def add_all(self, except_for: Sequence[logs.ILogGroup | str]) -> logs.CfnAccountPolicy:
        """Ship every log group of the account and region, except the ignored ones."""
        excepted = [self._named(each) for each in except_for]
        if self._shipped:
            first = self._shipped[0].log_group.path
            raise ValueError(
                f"add_all_log_groups must be called before add_log_group, got {first} first; "
                "its lines would be shipped twice",
            )
        self._validate_size(self._ignored, excepted)
        left_out = [*self._ignored, *excepted]
        others = [each for each in self._archives if each is not self and self._reaches(each, left_out)]
        self._validate_no_loop(others, "all log groups")
        self._excepted = excepted
        self._account_policy = logs.CfnAccountPolicy(
            self._archive,
            "AllLogGroups",
            policy_name=self.filter_name,
            policy_type="SUBSCRIPTION_FILTER_POLICY",
            policy_document=Stack.of(self._archive).to_json_string(
                {**self._target.policy_document, "FilterPattern": ""}
            ),
            scope="ALL",
        )
        self._account_policy.node.add_dependency(self._target.needs)
        self._publish()
        return self._account_policy

    def logs_to(self, log_group: _Named) -> bool:
        """Tell whether the archive itself logs to a log group."""
        return any(log_group.name == own.name or log_group.arn == own.arn for own in self._own)

    def ships(self, other: "Subscriptions") -> bool:
        """Tell whether it ships what another archive logs."""
        if self._account_policy:
            return self._reaches(other, [*self._ignored, *self._excepted])
        return any(other.logs_to(each.log_group) for each in self._shipped)

    def _reaches(self, other: "Subscriptions", left_out: Sequence[_Named]) -> bool:
        """Tell whether an account policy that leaves these out ships what another archive logs.

        One that has such a policy itself is of another account or region: there is one in each.
        """
        here, there = Stack.of(self._archive), Stack.of(other._archive)
        is_here = may_be_same(here.region, there.region) and may_be_same(here.account, there.account)
        is_left_out = all(any(each.covers(own) for each in left_out) for own in other._own)
        return is_here and not other._account_policy and not is_left_out

    def _validate_no_loop(self, others: Sequence["Subscriptions"], got: str) -> None:
        """Refuse to ship what others log that ship, one by way of the other, what this one logs."""
        reached = list(others)
        for other in reached:  # grows meanwhile
            if other.ships(self):
                raise ValueError(
                    f"archives must not ship each other's logs: each line would be shipped forever, got: {got} for "
                    f"{path_of(self._archive)}, whose own logs {path_of(other._archive)} ships; leave one of them out",
                )
            reached += [each for each in self._archives if each not in reached and other.ships(each)]

    def _named(self, log_group: logs.ILogGroup | str) -> _Named:
        if isinstance(log_group, str):
            _validate_pattern(log_group)
            return _Named(log_group, known_name(self._archive, log_group), log_group)
        name = log_group_name(log_group)
        return _Named(name_of(log_group), name, path_of(log_group), arn_of(log_group).removesuffix(":*"))

    def _publish(self) -> None:
        """Write the ignored log groups again: into the functions that drop them, and the account policy."""
        for function in self._functions:
            function.add_environment("IGNORED_LOG_GROUPS", _dropped(self._ignored, self._excepted))
        if self._account_policy:
            self._account_policy.selection_criteria = _selection(self._ignored, self._excepted)

    @staticmethod
    def _validate_size(ignored: Sequence[_Named], excepted: Sequence[_Named]) -> None:
        """Refuse more than a function's environment, or an account policy, holds."""
        for text, limit in (
            (_dropped(ignored, excepted), MAX_IGNORED_BYTES),
            (_selection(ignored, excepted), MAX_SELECTION_BYTES),
        ):
            size = len(TOKEN.sub(GENERATED_NAME, text))
            if size > limit:
                raise ValueError(
                    f"the names of log groups that are ignored must take at most {limit:,} bytes, got: {size:,} for "
                    f"{len(ignored) + len(excepted)} names; write a pattern, such as '/aws/lambda/*'",
                )


@cache
def _all_events() -> logs.IFilterPattern:
    return logs.FilterPattern.all_events()


def _dropped(ignored: Sequence[_Named], excepted: Sequence[_Named]) -> str:
    """Return what the functions drop: what is ignored, and exceptions by pattern, which no account policy takes."""
    return ",".join([each.text for each in ignored] + [each.text for each in excepted if "*" in each.text])


def _selection(ignored: Sequence[_Named], excepted: Sequence[_Named]) -> str:
    """Return what an account policy leaves out: it takes names, and no patterns.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
    """
    names = [each.text for each in (*ignored, *excepted) if "*" not in each.text]
    return f"LogGroupName NOT IN {json.dumps(names)}"


def _validate_pattern(pattern: str) -> None:
    if not may_match(PATTERN, pattern):
        raise ValueError(
            "a log group that is ignored must be named by letters, digits, '_', '-', '/', '.', '#', and '*' for any "
            f"characters, at most 512, got: {pattern!r}",
        )


def _validate_class(log_group: logs.ILogGroup) -> None:
    resource = resource_of(log_group)
    log_class = resource.log_group_class if resource else None
    if log_class not in (None, STANDARD):
        raise ValueError(
            f"log_group must be of the class {STANDARD}, the only one that has subscriptions, "
            f"got: {log_class} for {log_group.node.path}",
        )
