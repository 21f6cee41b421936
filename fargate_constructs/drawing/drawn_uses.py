"""Draws what tasks call and use: other services, queues and data stores, as far as templates show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fargate_constructs.drawing.diagram import Kind, Link, Node, Row
from fargate_constructs.drawing.drawn_callers import ingress_rules
from fargate_constructs.drawing.drawn_tasks import Tasks
from fargate_constructs.drawing.drawn_triggers import Triggers
from fargate_constructs.drawing.names import Names, listed, plain
from fargate_constructs.synthesized.intrinsics import is_true, items, lookup
from fargate_constructs.synthesized.templates import Place, Templates

STORES = {
    "AWS::DocDB::DBCluster": "Amazon DocumentDB cluster",
    "AWS::DynamoDB::GlobalTable": "DynamoDB table",
    "AWS::DynamoDB::Table": "DynamoDB table",
    "AWS::EFS::FileSystem": "EFS file system",
    "AWS::ElastiCache::CacheCluster": "ElastiCache cluster",
    "AWS::ElastiCache::ReplicationGroup": "ElastiCache cluster",
    "AWS::ElastiCache::ServerlessCache": "ElastiCache cache",
    "AWS::Events::EventBus": "EventBridge bus",
    "AWS::Kinesis::Stream": "Kinesis stream",
    "AWS::MSK::Cluster": "MSK cluster",
    "AWS::Neptune::DBCluster": "Neptune cluster",
    "AWS::OpenSearchService::Domain": "OpenSearch domain",
    "AWS::RDS::DBCluster": "RDS cluster",
    "AWS::RDS::DBInstance": "RDS database",
    "AWS::RDS::DBProxy": "RDS proxy",
    "AWS::S3::Bucket": "S3 bucket",
    "AWS::SNS::Topic": "SNS topic",
    "AWS::SQS::Queue": "SQS queue",
}
# Of stores outside of the app, by the service in their ARN.
OUTSIDE = {
    "dynamodb": "DynamoDB table",
    "events": "EventBridge bus",
    "kinesis": "Kinesis stream",
    "s3": "S3 bucket",
    "sns": "SNS topic",
    "sqs": "SQS queue",
}
ARN = re.compile(rf"arn:[^:]*:({'|'.join(OUTSIDE)}):[^:]*:[^:]*:(?:table/|stream/|event-bus/)?([^/*]+)(?:/.*)?")
# The properties by which a store names its security groups.
GROUPS = ("SecurityGroupIds", "SecurityGroups", "VPCSecurityGroups", "VpcSecurityGroupIds")


class DrawnUses:
    """The cards of queues and data stores, and the links of tasks to them and to each other."""

    def __init__(
        self,
        templates: Templates,
        names: Names,
        tasks: list[Tasks],
        tasks_in: dict[Place, list[Tasks]],
        triggers: Triggers,
    ) -> None:
        self._templates, self._names, self._tasks_in, self._triggers = templates, names, tasks_in, triggers
        self._stores: dict[Place, Node] = {}
        self._elsewhere: dict[str, Node] = {}
        self._policies = [
            (place, templates.properties(place))
            for type_ in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for place in templates.of_type[type_]
        ]
        self.links: list[Link] = []
        for each in tasks:
            self._use(each)
        for type_ in STORES:
            for place in templates.of_type[type_]:
                self._call_store(place)
        for each in tasks:
            self._call_service(each)
        self._fill({launcher.place: each.node.id for each in tasks for launcher in each.launchers})
        self.nodes = [*self._stores.values(), *self._elsewhere.values()]

    def _use(self, tasks: Tasks) -> None:
        """Link tasks to what their containers, volumes and role refer to."""
        if tasks.definition is None:
            return
        properties = self._templates.properties(tasks.definition)
        used = {
            self._store(each).id: False
            for each in self._referred(
                tasks.definition, [properties.get("ContainerDefinitions"), properties.get("Volumes")]
            )
        }
        role = self._templates.target(tasks.definition, "TaskRoleArn")
        for place, statement in self._statements(role) if role else ():
            actions = lookup(statement, "Action")
            receives = "sqs:ReceiveMessage" in (actions if isinstance(actions, list) else [actions])
            resources = statement.get("Resource")
            for each in resources if isinstance(resources, list) else [resources]:
                stores = [self._store(found).id for found in self._referred(place, each)]
                for store in stores or self._outside(place, each):
                    used[store] = used.get(store, False) or receives
        for store, receives in used.items():
            self.links.append(Link(store, tasks.node.id) if receives else Link(tasks.node.id, store))

    def _outside(self, place: Place, reference: Any) -> Iterator[str]:  # noqa: ANN401 - a piece of a template
        """Yield the card of a store outside of the app that an ARN names."""
        if found := ARN.fullmatch(self._names.value(place.stack, reference)):
            service, name = found.groups()
            node = Node(f"outside:{service}:{name}", Kind.DATA, f"{OUTSIDE[service]} outside of this app", name)
            self._elsewhere.setdefault(node.id, node)
            yield node.id

    def _referred(self, place: Place, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield the stores that a piece of a template refers to; of an access point, its file system."""
        for each in self._templates.references(place.stack, value):
            type_ = self._templates.resource(each)["Type"]
            if type_ in STORES:
                yield each
            elif type_ == "AWS::EFS::AccessPoint" and (found := self._templates.target(each, "FileSystemId")):
                yield found

    def _statements(self, role: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
        for place, properties in self._policies:
            if role in self._templates.references(place.stack, properties.get("Roles")):
                yield from ((place, each) for each in items(properties, "PolicyDocument", "Statement"))
        for policy in items(self._templates.properties(role), "Policies"):
            yield from ((role, each) for each in items(policy, "PolicyDocument", "Statement"))

    def _store(self, place: Place) -> Node:
        label = STORES[self._templates.resource(place)["Type"]]
        dead = self._templates.references(place.stack, self._templates.properties(place).get("RedrivePolicy"))
        rows = [Row(f"{self._names.id(place)}#", "failed messages", f"to {self._names.of(each)}") for each in dead]
        facts = tuple(self._triggers.when(place))
        node = Node(self._names.id(place), Kind.DATA, label, self._names.of(place), facts, tuple(rows))
        return self._stores.setdefault(place, node)

    def _call_store(self, place: Place) -> None:
        """Link tasks to a store whose security groups allow them."""
        properties = self._templates.properties(place)
        groups = [
            found
            for key in GROUPS
            for each in listed(lookup(properties, key))
            if (found := self._templates.locate(place.stack, each))
        ]
        for caller, _ in self._callers(groups):
            self.links.append(Link(caller, self._store(place).id))

    def _callers(self, groups: list[Place]) -> Iterator[tuple[str, dict[str, Any]]]:
        for stack, rule in ingress_rules(self._templates, groups):
            source = self._templates.locate(stack, rule.get("SourceSecurityGroupId"))
            yield from ((each.node.id, rule) for each in (self._tasks_in.get(source, []) if source else ()))

    def _fill(self, drawn: dict[Place, str]) -> None:
        """Link what events and messages come from to what is drawn and gets them, also over a topic and a queue."""
        stores = [(a, b) for a, b in self._triggers.ways if self._templates.resource(a)["Type"] in STORES]
        count = -1
        while count < len(self._stores):
            count = len(self._stores)
            for source, target in stores:
                to = drawn.get(target) or (self._stores[target].id if target in self._stores else None)
                if to:
                    self.links.append(Link(self._store(source).id, to))

    def _call_service(self, tasks: Tasks) -> None:
        """Link the tasks that security groups allow to call a service to it."""
        for launcher in tasks.launchers:
            groups = [self._templates.locate(launcher.place.stack, each) for each in launcher.security_groups]
            names = dict(self._aliases(launcher.settings, launcher.place))
            for caller, rule in self._callers([each for each in groups if each]):
                port = plain(rule.get("FromPort"))
                self.links.append(Link(caller, tasks.node.id, names.get(port, f"port {port}" if port else "")))

    def _aliases(self, service: dict[str, Any], place: Place) -> Iterator[tuple[str, str]]:
        """Yield the container ports of a service, and under which name others call each."""
        connect = lookup(service, "ServiceConnectConfiguration")
        if not is_true(lookup(connect, "Enabled")):
            return
        definition = self._templates.target(place, "TaskDefinition")
        ports = {
            plain(mapping.get("Name")): plain(mapping.get("ContainerPort"))
            for container in items(self._templates.properties(definition), "ContainerDefinitions")
            for mapping in items(container, "PortMappings")
        }
        for each in items(connect, "Services"):
            for alias in items(each, "ClientAliases"):
                name = plain(alias.get("DnsName"), plain(each.get("PortName")))
                yield ports.get(plain(each.get("PortName")), ""), f"{name}:{plain(alias.get('Port'))}"


def security_groups(templates: Templates, tasks: list[Tasks]) -> dict[Place, list[Tasks]]:
    """Return the tasks in each security group."""
    found: dict[Place, list[Tasks]] = {}
    for each in tasks:
        for launcher in each.launchers:
            for reference in launcher.security_groups:
                group = templates.locate(launcher.place.stack, reference)
                if group and each not in found.setdefault(group, []):
                    found[group].append(each)
    return found
