"""Every permission that templates give, in one form.

A reference is written `${stack:LogicalId.Attribute}`, also one to another stack, so that it can be followed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.audit import Template

REFERENCE = re.compile(r"\$\{([^{}:]+:[A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")
EQUAL = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}
CONDITIONS_OF_PERMISSION = {"SourceArn": "aws:SourceArn", "SourceAccount": "aws:SourceAccount"}


@dataclass(frozen=True)
class Statement:
    """One statement of one policy."""

    holder: str
    """The resource that has the policy, as `stack:LogicalId`."""
    type: str
    """The type of that resource."""
    is_trust: bool
    """Whether it says who may assume a role."""
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    """`Service:…` or `AWS:…`; none in a policy of a role, which is its own principal."""
    conditions: Mapping[str, tuple[str, ...]]
    """The values by condition key. An operator other than equality is written before the key."""
    roles: tuple[str, ...]
    """The roles that have the policy: `stack:LogicalId`, or the name of an imported one."""
    inverted: tuple[str, ...]
    """`NotAction`, `NotResource`, `NotPrincipal`, if the statement excludes."""

    def __str__(self) -> str:
        """Describe the statement for a failing test."""
        who = f" {', '.join(self.principals)}" if self.principals else ""
        return f"{self.holder} ({self.type}):{who} {', '.join(self.actions)} on {', '.join(self.resources)}"


class Policies:
    """The resources of templates and what their policies say.

    Args:
        templates: The templates, by the names of their stacks.
        paths: The paths of their constructs, by stack and logical ID. By default logical IDs are shown.
    """

    def __init__(self, templates: Mapping[str, Template], paths: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Keep the templates."""
        self._templates = templates
        self._paths = paths or {}
        self.resources: dict[str, dict[str, Any]] = {
            f"{stack}:{logical_id}": resource
            for stack, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
        }

    @cached_property
    def statements(self) -> list[Statement]:
        """Every statement of every policy."""
        return [statement for node in self.resources for statement in self._of_resource(node)]

    @cached_property
    def roles(self) -> list[str]:
        """Every role of the templates, and each imported role that gets a policy in them."""
        return sorted(self._by_role.keys() | self.of_type("AWS::IAM::Role").keys())

    def of_role(self, role: str) -> list[Statement]:
        """Return the statements that allow a role something."""
        return self._by_role.get(role, [])

    @cached_property
    def _by_role(self) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for role in statement.roles:
                found.setdefault(role, []).append(statement)
        return found

    @cached_property
    def managed_policies(self) -> list[tuple[str, str]]:
        """Each policy of AWS's that a role has: the role, and the policy's name."""
        return [
            (node, self.text(arn, node).partition(":policy/")[2])
            for node, resource in self.resources.items()
            for arn in resource.get("Properties", {}).get("ManagedPolicyArns", [])
        ]

    def path(self, node: str) -> str:
        """Return the construct path of a resource, its logical ID, or the name of an imported role."""
        stack, _, logical_id = node.rpartition(":")
        return self._paths.get(stack, {}).get(logical_id, logical_id)

    def type(self, node: str) -> str:
        """Return the type of a resource."""
        return str(self.resources[node]["Type"])

    def properties(self, node: str) -> dict[str, Any]:
        """Return the properties of a resource."""
        properties: dict[str, Any] = self.resources[node].get("Properties", {})
        return properties

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return the properties of each resource of a type."""
        return {node: self.properties(node) for node in self.resources if self.type(node) == type_}

    def references(self, value: object, node: str) -> set[str]:
        """Return the resources that a part of a resource refers to."""
        return {match[1] for match in REFERENCE.finditer(self.text(value, node))}

    def text(self, value: object, node: str) -> str:  # noqa: PLR0911 - a line for each intrinsic function
        """Return a part of a resource as text, its references as `${stack:LogicalId.Attribute}`."""
        stack = node.partition(":")[0]
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return f"${{{name}}}" if name.startswith("AWS::") else f"${{{stack}:{name}}}"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"${{{stack}:{name}.{attribute}}}"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.text(part, node) for part in parts)
            case {"Fn::Sub": str(written)}:
                return re.sub(r"\$\{(?!AWS::)([^}]+)\}", rf"${{{stack}:\1}}", written)
            case {"Fn::ImportValue": str(name)} if name in self._exports:
                exported, other = self._exports[name]
                return self.text(exported, other)
            case dict():
                return json.dumps({key: self.text(each, node) for key, each in value.items()})
            case list():
                return json.dumps([self.text(each, node) for each in value])
        return json.dumps(value)

    @cached_property
    def exported(self) -> set[str]:
        """The resources that other stacks can refer to."""
        return {other for value, stack in self._exports.values() for other in self.references(value, stack)}

    @cached_property
    def _exports(self) -> dict[str, tuple[object, str]]:
        return {
            output["Export"]["Name"]: (output["Value"], f"{stack}:")
            for stack, template in self._templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def _of_resource(self, node: str) -> Iterator[Statement]:
        if self.type(node) == "AWS::EC2::VPCEndpoint":
            return  # its policy limits what others grant: tests/network/test_vpc_endpoint_policies.py
        if self.type(node) == "AWS::Lambda::Permission":
            yield self._of_permission(node)
        for path, document in self._documents(self.properties(node), node):
            for each in _listed(document["Statement"]):
                yield self._statement(node, each, is_trust=path == ("AssumeRolePolicyDocument",))

    def _documents(self, value: object, node: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Find policies at any depth, also those that are written as text."""
        match value:
            case {"Statement": list([{"Effect": _}, *_]) | {"Effect": _}}:
                yield path, value
            case {"Fn::Join": _} if '"Statement"' in (written := self.text(value, node)):
                yield path, json.loads(written)
            case str() if '"Statement"' in value:
                yield path, json.loads(value)
            case dict():
                for key, each in value.items():
                    yield from self._documents(each, node, (*path, key))
            case list():
                for each in value:
                    yield from self._documents(each, node, path)

    def _statement(self, node: str, statement: dict[str, Any], *, is_trust: bool) -> Statement:
        roles: list[Any] = []
        if "Principal" not in statement and "NotPrincipal" not in statement:
            roles = [node] if self.type(node) == "AWS::IAM::Role" else _listed(self.properties(node).get("Roles", []))
        return Statement(
            holder=node,
            type=self.type(node),
            is_trust=is_trust,
            effect=statement["Effect"],
            actions=tuple(_listed(statement.get("Action", []))),
            resources=tuple(self.text(each, node) for each in _listed(statement.get("Resource", []))),
            principals=tuple(self._principals(statement.get("Principal", {}), node)),
            conditions={
                key if operator in EQUAL else f"{operator} {key}": tuple(
                    self.text(each, node) for each in _listed(values)
                )
                for operator, operands in statement.get("Condition", {}).items()
                for key, values in operands.items()
            },
            roles=tuple(_node_or_name(self.text(each, node)) for each in roles),
            inverted=tuple(sorted(key for key in statement if key.startswith("Not"))),
        )

    def _principals(self, principal: object, node: str) -> Iterator[str]:
        kinds = principal if isinstance(principal, dict) else {"AWS": principal}
        for kind, names in kinds.items():
            for name in _listed(names):
                yield f"{kind}:{self.text(name, node)}"

    def _of_permission(self, node: str) -> Statement:
        """Read who may call a function."""
        properties = {key: self.text(value, node) for key, value in self.properties(node).items()}
        principal = properties["Principal"]
        return Statement(
            holder=node,
            type=self.type(node),
            is_trust=False,
            effect="Allow",
            actions=(properties["Action"],),
            resources=(properties["FunctionName"],),
            principals=(f"{'Service' if principal.endswith('.amazonaws.com') else 'AWS'}:{principal}",),
            conditions={
                key: (properties[name],) for name, key in CONDITIONS_OF_PERMISSION.items() if name in properties
            },
            roles=(),
            inverted=(),
        )


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    return value if isinstance(value, list) else [value]


def _node_or_name(reference: str) -> str:
    match = REFERENCE.fullmatch(reference)
    return match[1] if match else reference
