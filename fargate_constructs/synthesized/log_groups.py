"""Reads an app's templates; returns its log groups, and which of them have a subscription that archives all lines."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.intrinsics import Unresolved, as_text, lookup, unresolved_in
from fargate_constructs.synthesized.template_source import UNKNOWN
from fargate_constructs.synthesized.templates import Place, Templates

if TYPE_CHECKING:
    from aws_cdk import Stack

LOG_GROUP = "AWS::Logs::LogGroup"


class LogGroups:
    """The log groups of an app, and their subscriptions.

    A subscription archives all lines if it has no filter pattern. A subscription policy of the account counts for all
    log groups: its document, which may exclude some, is not read.
    """

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._environment = cache(self._find_environment)
        self._by_name = {
            self._key(place.stack, templates.properties(place)["LogGroupName"]): place
            for place in templates.of_type[LOG_GROUP]
            if "LogGroupName" in templates.properties(place)
        }
        self._patterns: defaultdict[Place | tuple[object, str], list[Any]] = defaultdict(list)
        for place in templates.of_type["AWS::Logs::SubscriptionFilter"]:
            properties = templates.properties(place)
            pattern = lookup(properties, "FilterPattern") or ""
            self._patterns[self._find_or_key(place.stack, properties.get("LogGroupName"))].append(pattern)
        self._with_policy = {
            self._environment(place.stack)
            for place in templates.of_type["AWS::Logs::AccountPolicy"]
            if lookup(templates.properties(place), "PolicyType") == "SUBSCRIPTION_FILTER_POLICY"
        }
        self._unresolved = [
            (place.stack, value)
            for type_, name in (("SubscriptionFilter", "LogGroupName"), ("AccountPolicy", "PolicyType"))
            for place in templates.of_type[f"AWS::Logs::{type_}"]
            for value in unresolved_in(templates.properties(place).get(name))
            if templates.target(place, name) is None
        ]

    def find(self, stack: Stack, name: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the log group that a template refers to or names; `None` if it is not in the app."""
        place = self._templates.locate(stack, name) or self._by_name.get(self._key(stack, name))
        return place if place in self._templates.of_type[LOG_GROUP] else None

    def is_archived(self, stack: Stack, name: Any) -> bool:  # noqa: ANN401 - a piece of a template
        """Whether all lines of a log group, in the app or not, have a subscription."""
        return "" in self.patterns(stack, name) or self._environment(stack) in self._with_policy

    def patterns(self, stack: Stack, name: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
        """Return the filter patterns of a log group's subscriptions, in the app or not; `""` is all lines."""
        return self._patterns[self._find_or_key(stack, name)]

    def unresolved(self, group: Place) -> list[Unresolved]:
        """Return the unresolved values that may be a subscription to a log group."""
        here = self._environment(group.stack)
        others = [value for stack, value in self._unresolved if self._environment(stack) == here]
        return [each for each in self._patterns[group] if isinstance(each, Unresolved)] + others

    def describe(self, stack: Stack, name: Any) -> str:  # noqa: ANN401 - a piece of a template
        """Return a log group's construct path, or how the template refers to it."""
        group = self.find(stack, name)
        return self._templates.path(group) if group else as_text(name)

    def _find_or_key(self, stack: Stack, name: Any) -> Place | tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self.find(stack, name) or self._key(stack, name)

    def _key(self, stack: Stack, name: Any) -> tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self._environment(stack), self._templates.text(stack, name)

    def _find_environment(self, stack: Stack) -> object:
        """Return where a log group's name is unique: account and region, or the stage if they are not known."""
        environment = self._templates.environment(stack)
        return (self._templates.facts(stack).stage, environment) if UNKNOWN in environment else environment
