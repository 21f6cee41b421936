"""Which log groups an app has, and whether what is in them goes on to elsewhere.

```
log driver ──> [log group ──> subscription] ──> archive
```
"""

import json
from collections import defaultdict
from typing import Any

from aws_cdk import Stack, Stage

from fargate_constructs.templates import UNSEEN, Place, Templates, seen


class LogGroups:
    """The log groups of an app, and which of them something subscribes to.

    Only a subscription to all lines counts, not one whose filter picks some: `patterns` tells which those are. An
    account's policy is taken for deliberate, whichever groups and lines its text leaves out.

    Args:
        templates: The app's templates.
    """

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._by_name = {
            self._key(place.stack, templates.properties(place)["LogGroupName"]): place
            for place in templates.of_type["AWS::Logs::LogGroup"]
            if "LogGroupName" in templates.properties(place)
        }
        self._patterns: defaultdict[Place | tuple[object, str], list[Any]] = defaultdict(list)
        for place in templates.of_type["AWS::Logs::SubscriptionFilter"]:
            properties = templates.properties(place)
            self._patterns[self._found(place.stack, properties.get("LogGroupName"))].append(
                seen(properties, "FilterPattern") or ""
            )
        self._policies = {
            self._realm(place.stack)
            for place in templates.of_type["AWS::Logs::AccountPolicy"]
            if seen(templates.properties(place), "PolicyType") in ("SUBSCRIPTION_FILTER_POLICY", UNSEEN)
        }

    def find(self, stack: Stack, name: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the log group that is referred to, or named; `None` if it is not of the app."""
        place = self._templates.locate(stack, name) or self._by_name.get(self._key(stack, name))
        return place if place in self._templates.of_type["AWS::Logs::LogGroup"] else None

    def is_subscribed(self, group: Place) -> bool:
        """Whether its lines go on to elsewhere, all of them."""
        return "" in self._patterns[group] or self._realm(group.stack) in self._policies

    def goes_on(self, stack: Stack, name: Any) -> bool:  # noqa: ANN401 - a piece of a template
        """Whether all lines of a log group, of the app or not, go on to elsewhere."""
        return "" in self.patterns(stack, name) or self._realm(stack) in self._policies

    def patterns(self, stack: Stack, name: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
        """Return which lines of a log group, of the app or not, are subscribed to: `""` is all."""
        return self._patterns[self._found(stack, name)]

    def describe(self, stack: Stack, name: Any) -> str:  # noqa: ANN401 - a piece of a template
        """Return a log group's construct path, or how the template refers to it."""
        group = self.find(stack, name)
        return self._templates.path(group) if group else str(name)

    def _found(self, stack: Stack, name: Any) -> Place | tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self.find(stack, name) or self._key(stack, name)

    def _key(self, stack: Stack, name: Any) -> tuple[object, str]:  # noqa: ANN401 - a piece of a template
        return self._realm(stack) if isinstance(name, str) else stack, json.dumps(name)

    def _realm(self, stack: Stack) -> object:
        """Return where a name stands for one log group: account and region, or if they are not known, the stage."""
        environment = self._templates.environment(stack)
        return (Stage.of(stack), environment) if "unknown-" in environment else environment
