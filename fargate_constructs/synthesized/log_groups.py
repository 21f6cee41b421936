"""Which log groups an app has, and whether what is in them goes on to elsewhere.

```
log driver ──> [log group ──> subscription] ──> archive
```
"""

from collections import defaultdict
from functools import cache
from typing import Any

from aws_cdk import Stack, Stage

from fargate_constructs.synthesized.intrinsics import Unresolved, as_text, lookup, unresolved_in
from fargate_constructs.synthesized.templates import Place, Templates


class LogGroups:
    """The log groups of an app, and which of them something subscribes to.

    Only a subscription to all lines counts, not one whose filter picks some: `patterns` tells which those are. An
    account's policy is taken for deliberate, whichever groups and lines its text leaves out.

    Args:
        templates: The app's templates.
    """

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._realm = cache(self._find_realm)
        self._by_name = {
            self._key(place.stack, templates.properties(place)["LogGroupName"]): place
            for place in templates.of_type["AWS::Logs::LogGroup"]
            if "LogGroupName" in templates.properties(place)
        }
        self._patterns: defaultdict[Place | tuple[object, str], list[Any]] = defaultdict(list)
        for place in templates.of_type["AWS::Logs::SubscriptionFilter"]:
            properties = templates.properties(place)
            pattern = lookup(properties, "FilterPattern") or ""
            self._patterns[self._found(place.stack, properties.get("LogGroupName"))].append(pattern)
        self._policies = {
            self._realm(place.stack)
            for place in templates.of_type["AWS::Logs::AccountPolicy"]
            if lookup(templates.properties(place), "PolicyType") == "SUBSCRIPTION_FILTER_POLICY"
        }
        self._unknown = [
            (place.stack, value)
            for type_, name in (("SubscriptionFilter", "LogGroupName"), ("AccountPolicy", "PolicyType"))
            for place in templates.of_type[f"AWS::Logs::{type_}"]
            for value in unresolved_in(templates.properties(place).get(name))
            if templates.target(place, name) is None
        ]

    def find(self, stack: Stack, name: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the log group that is referred to, or named; `None` if it is not of the app."""
        place = self._templates.locate(stack, name) or self._by_name.get(self._key(stack, name))
        return place if place in self._templates.of_type["AWS::Logs::LogGroup"] else None

    def is_subscribed(self, group: Place) -> bool:
        """Whether its lines go on to elsewhere, all of them."""
        return "" in self._patterns[group] or self._realm(group.stack) in self._policies

    def unknown(self, group: Place) -> list[Unresolved]:
        """Return what may be a subscription to a log group, and only the deployment knows."""
        elsewhere = [value for stack, value in self._unknown if self._realm(stack) == self._realm(group.stack)]
        return [each for each in self._patterns[group] if isinstance(each, Unresolved)] + elsewhere

    def goes_on(self, stack: Stack, name: Any) -> bool:  # noqa: ANN401 - a piece of a template
        """Whether all lines of a log group, of the app or not, go on to elsewhere."""
        return "" in self.patterns(stack, name) or self._realm(stack) in self._policies

    def patterns(self, stack: Stack, name: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
        """Return which lines of a log group, of the app or not, are subscribed to: `""` is all."""
        return self._patterns[self._found(stack, name)]

    def describe(self, stack: Stack, name: Any) -> str:  # noqa: ANN401 - a piece of a template
        """Return a log group's construct path, or how the template refers to it."""
        group = self.find(stack, name)
        return self._templates.path(group) if group else as_text(name)

    def _found(self, stack: Stack, name: Any) -> Place | tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self.find(stack, name) or self._key(stack, name)

    def _key(self, stack: Stack, name: Any) -> tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self._realm(stack), self._templates.text(stack, name)

    def _find_realm(self, stack: Stack) -> object:
        """Return where a name stands for one log group: account and region, or if they are not known, the stage."""
        environment = self._templates.environment(stack)
        return (Stage.of(stack), environment) if "unknown-" in environment else environment
