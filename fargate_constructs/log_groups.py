"""Which log groups an app has, and whether what is in them goes on to elsewhere.

```
log driver ──> [log group ──> subscription] ──> archive
```
"""

import json
from typing import Any

from aws_cdk import Stack

from fargate_constructs.templates import UNSEEN, Place, Templates, seen


class LogGroups:
    """The log groups of an app, and which of them something subscribes to.

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
        names = [
            (place.stack, templates.properties(place).get("LogGroupName"))
            for place in templates.of_type["AWS::Logs::SubscriptionFilter"]
        ]
        self._subscribed = {self.find(*each) or self._key(*each) for each in names}
        # Which groups a policy leaves out is a matter of its text, and taken for deliberate.
        self._policies = {
            templates.environment(place.stack)
            for place in templates.of_type["AWS::Logs::AccountPolicy"]
            if seen(templates.properties(place), "PolicyType") in ("SUBSCRIPTION_FILTER_POLICY", UNSEEN)
        }

    def find(self, stack: Stack, name: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the log group that is referred to, or named; `None` if it is not of the app."""
        place = self._templates.locate(stack, name) or self._by_name.get(self._key(stack, name))
        return place if place in self._templates.of_type["AWS::Logs::LogGroup"] else None

    def is_subscribed(self, group: Place) -> bool:
        """Whether its lines go on to elsewhere."""
        return group in self._subscribed or self._templates.environment(group.stack) in self._policies

    def goes_on(self, stack: Stack, name: Any) -> bool:  # noqa: ANN401 - a piece of a template
        """Whether the lines of a log group, of the app or not, go on to elsewhere."""
        group = self.find(stack, name)
        if group:
            return self.is_subscribed(group)
        return self._key(stack, name) in self._subscribed or self._templates.environment(stack) in self._policies

    def describe(self, stack: Stack, name: Any) -> str:  # noqa: ANN401 - a piece of a template
        """Return a log group's construct path, or how the template refers to it."""
        group = self.find(stack, name)
        return self._templates.path(group) if group else str(name)

    def _key(self, stack: Stack, name: Any) -> tuple[Stack | str, str]:  # noqa: ANN401 - a piece of a template
        return self._templates.environment(stack) if isinstance(name, str) else stack, json.dumps(name)
