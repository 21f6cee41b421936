"""Draws where logs go: log groups, their subscriptions, and what writes the lines to S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fargate_constructs.drawing.diagram import Kind, Link, Node, Row, unique
from fargate_constructs.drawing.drawn_routes import title_outside
from fargate_constructs.drawing.drawn_tasks import Tasks
from fargate_constructs.drawing.names import KNOWN_LATER, Names, plain
from fargate_constructs.synthesized.intrinsics import Unresolved, items, lookup
from fargate_constructs.synthesized.log_groups import LogGroups
from fargate_constructs.synthesized.templates import Place, Templates

SUBSCRIPTION, POLICY = "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy"
BUCKET = "AWS::S3::Bucket"
SHIPPERS = {
    "AWS::Lambda::Function": "Log shipper (Lambda function)",
    "AWS::KinesisFirehose::DeliveryStream": "Amazon Data Firehose",
    "AWS::Kinesis::Stream": "Kinesis data stream",
    "AWS::Logs::Destination": "CloudWatch Logs destination",
}


class DrawnLogs:
    """The cards of an app's log groups and of what archives them, and their links."""

    def __init__(self, templates: Templates, names: Names, tasks: list[Tasks]) -> None:
        self._templates, self._names = templates, names
        self._groups = LogGroups(templates)
        self._rows: dict[str, Row] = {}
        self._shippers: dict[str, Node] = {}
        self.links: list[Link] = []
        for each in tasks:
            for row in self._rows_of(each):
                self._rows.setdefault(row.id, row)
                self.links.append(Link(each.node.id, row.id))
        for place in templates.of_type[SUBSCRIPTION]:
            self._subscribe(place)
        for place in templates.of_type[POLICY]:
            self._subscribe_all(place)
        node = Node("logs", Kind.LOGS, "CloudWatch Logs", "Log groups", rows=tuple(self._rows.values()))
        self.nodes = [*([node] if self._rows else []), *self._shippers.values()]

    def _rows_of(self, tasks: Tasks) -> Iterator[Row]:
        """Yield where the containers of tasks log to."""
        if tasks.definition is None:
            return
        for container in items(self._templates.properties(tasks.definition), "ContainerDefinitions"):
            driver, options = (lookup(container, "LogConfiguration", key) for key in ("LogDriver", "Options"))
            if driver == "awslogs":
                yield self._row(tasks.definition, options.get("awslogs-group") if isinstance(options, dict) else None)
            elif driver == "awsfirelens":
                output = plain(lookup(options, "Name"), "as its configuration says")
                yield Row(f"logs:firelens:{output}", "FireLens router", f"to {output}")
            elif isinstance(driver, Unresolved):
                yield Row(f"logs:{KNOWN_LATER}", f"log driver {KNOWN_LATER}")
            elif driver:
                yield Row(f"logs:{driver}", f"log driver {driver}")

    def _row(self, place: Place, name: Any) -> Row:  # noqa: ANN401 - a piece of a template
        """Return the row of a log group, in the app or not."""
        group = self._groups.find(place.stack, name)
        if group is None:
            title = self._names.value(place.stack, name) or KNOWN_LATER
            return Row(f"logs:{title}", title, "outside of this app")
        days = plain(self._templates.properties(group).get("RetentionInDays"))
        return Row(self._names.id(group), self._names.of(group), f"kept {days} days" if days else "never expires")

    def _subscribe(self, place: Place) -> None:
        properties = self._templates.properties(place)
        row = self._row(place, properties.get("LogGroupName"))
        self._rows.setdefault(row.id, row)
        pattern = plain(properties.get("FilterPattern"))
        self._ship(place, row.id, properties.get("DestinationArn"), label=f"only {pattern}" if pattern else "")

    def _subscribe_all(self, place: Place) -> None:
        properties = self._templates.properties(place)
        if plain(properties.get("PolicyType")) != "SUBSCRIPTION_FILTER_POLICY":
            return
        row = Row(
            self._names.id(place),
            "all log groups of the account",
            "except some" if "SelectionCriteria" in properties else "",
        )
        self._rows[row.id] = row
        for target in self._templates.references(place.stack, properties.get("PolicyDocument")):
            if self._templates.resource(target)["Type"] in SHIPPERS:
                self.links.append(Link(row.id, self._shipper(target).id))

    def _ship(self, place: Place, row: str, destination: Any, label: str) -> None:  # noqa: ANN401 - a piece
        """Link a log group to what gets its lines."""
        target = self._templates.locate(place.stack, destination)
        if target and self._templates.resource(target)["Type"] in SHIPPERS:
            self.links.append(Link(row, self._shipper(target).id, label))
            return
        title = title_outside(self._names.value(place.stack, destination))
        node = Node(f"shipper:{title}", Kind.ARCHIVE, "Destination outside of this app", title)
        self._shippers.setdefault(node.id, node)
        self.links.append(Link(row, node.id, label))

    def _shipper(self, place: Place) -> Node:
        id_ = self._names.id(place)
        label = SHIPPERS[self._templates.resource(place)["Type"]]
        node = Node(id_, Kind.ARCHIVE, label, self._names.of(place), rows=tuple(self._stores(place)))
        return self._shippers.setdefault(id_, node)

    def _stores(self, place: Place) -> Iterator[Row]:
        """Yield the buckets that a shipper writes to."""
        properties = self._templates.properties(place)
        settings = (
            lookup(properties, "Environment", "Variables"),
            lookup(properties, "ExtendedS3DestinationConfiguration"),
        )
        buckets = unique(
            self._names.of(each)
            for value in settings
            for each in self._templates.references(place.stack, value)
            if self._templates.resource(each)["Type"] == BUCKET
        )
        yield from (Row(f"{self._names.id(place)}#{each}", f"S3 bucket {each}") for each in buckets)
