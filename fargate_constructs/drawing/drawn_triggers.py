"""Reads what starts state machines and fills queues: events, schedules, topics, buckets and pipes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from fargate_constructs.drawing.names import plain
from fargate_constructs.synthesized.intrinsics import as_text, items, lookup
from fargate_constructs.synthesized.templates import Place, Templates

RULE, SCHEDULE, PIPE = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"


class Triggers:
    """When something of an app starts or gets messages, and from what."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.ways: list[tuple[Place, Place]] = []
        """Pairs: where an event or a message comes from, and what gets it."""
        self._starters: defaultdict[Place, list[Place]] = defaultdict(list)
        for type_ in (RULE, SCHEDULE):
            for place in templates.of_type[type_]:
                self._start(place)
        for place in templates.of_type["AWS::SNS::Subscription"]:
            self._pass(place, templates.properties(place).get("TopicArn"), "Endpoint")
        for place in templates.of_type["Custom::S3BucketNotifications"]:
            self._pass(place, templates.properties(place).get("BucketName"), "NotificationConfiguration")
        for place in templates.of_type["AWS::S3::Bucket"]:
            self._pass(place, {"Ref": place.logical_id}, "NotificationConfiguration")
        for place in templates.of_type[PIPE]:
            self._pass(place, templates.properties(place).get("Source"), "Target")

    def when(self, place: Place) -> Iterator[str]:
        """Yield when rules and schedules start a state machine or write to a queue: a text for each."""
        yield from (", ".join(when(self._templates, each)) for each in self._starters[place])

    def _start(self, place: Place) -> None:
        """Note what a rule or a schedule starts, and from which resources its events are."""
        properties = self._templates.properties(place)
        one = properties.get("Target")
        targets = [*items(properties, "Targets"), *([one] if isinstance(one, dict) else [])]
        found = [each for target in targets if (each := self._templates.locate(place.stack, target.get("Arn")))]
        for target in found:
            self._starters[target].append(place)
        origin = [properties.get("EventPattern"), properties.get("EventBusName")]
        sources = list(self._templates.references(place.stack, origin))
        self.ways += [(source, target) for source in sources for target in (place, *found)]

    def _pass(self, place: Place, source: Any, target: str) -> None:  # noqa: ANN401 - a piece of a template
        """Note what gets the messages of a topic, a bucket, or the source of a pipe."""
        found = self._templates.locate(place.stack, source)
        targets = self._templates.references(place.stack, self._templates.properties(place).get(target))
        self.ways += [(found, each) for each in (place, *targets)] if found else []


def when(templates: Templates, place: Place) -> Iterator[str]:
    """Yield when a rule or a schedule starts what it starts."""
    properties = templates.properties(place)
    if expression := properties.get("ScheduleExpression"):
        zone = plain(properties.get("ScheduleExpressionTimezone"), "UTC").removeprefix("Etc/")
        yield f"{plain(expression)} {zone}"
    if pattern := properties.get("EventPattern"):
        sources = lookup(pattern, "source")
        is_failure = sources == ["aws.ecs"] and "exitCode" in str(lookup(pattern, "detail"))
        yield (
            "after a failed run"
            if is_failure
            else f"events of {', '.join(map(as_text, sources))}"
            if isinstance(sources, list)
            else "events"
        )
    if plain(properties.get("State")) == "DISABLED":
        yield "switched off"
