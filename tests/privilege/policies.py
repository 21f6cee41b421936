"""Every permission that templates give, in one form.

```
templates ──> [policies] ──> statements: who may do what, to what, on which condition
```

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
    """The values by condition key; one that is not to be equal to them has its operator before it."""
    roles: tuple[str, ...]
    """The roles that have the policy: `stack:LogicalId`, or the name of one made elsewhere."""
    inverted: tuple[str, ...]
    """`NotAction`, `NotResource`, `NotPrincipal`, if it is written by exclusion."""

    def __str__(self) -> str:
        """Where it stands and what it says, for a failing test."""
        who = f" {', '.join(self.principals)}" if self.principals else ""
        return f"{self.holder} ({self.type}):{who} {', '.join(self.actions)} on {', '.join(self.resources)}"


class Policies:
    """The resources of templates and what their policies say.

    Args:
        templates: The templates, by the names of their stacks.
    """

    def __init__(self, templates: Mapping[str, Template]) -> None:
        """Keep the templates."""
        self._templates = templates
        self.resources: dict[str, dict[str, Any]] = {
            f"{stack}:{logical_id}": resource
            for stack, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
        }

    @cached_property
    def statements(self) -> list[Statement]:
        """Every statement of every policy."""
        return [statement for node in self.resources for statement in self._of_resource(node)]

    def of_role(self, role: str) -> list[Statement]:
        """What a role may do, in whichever resources that is said."""
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

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return the properties of each resource of a type."""
        return {node: each.get("Properties", {}) for node, each in self.resources.items() if each["Type"] == type_}

    def references(self, value: object, node: str) -> set[str]:
        """Return what a part of a resource refers to."""
        return {match[1] for match in REFERENCE.finditer(self.text(value, node))}

    def text(self, value: object, node: str) -> str:  # noqa: PLR0911 - a line for each way to write it
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
        """What other stacks can refer to."""
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
        resource = self.resources[node]
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::EC2::VPCEndpoint":
            return  # its policy grants nothing, it limits what others grant: tests/network/test_endpoint_policies.py
        if resource["Type"] == "AWS::Lambda::Permission":
            yield self._of_permission(node, properties)
        for path, document in self._documents(properties, node):
            for each in _listed(document["Statement"]):
                yield self._statement(node, each, is_trust=path == ("AssumeRolePolicyDocument",))

    def _documents(self, value: object, node: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Find policies wherever they are, also written as text."""
        match value:
            case {"Statement": list([{"Effect": _}, *_]) | {"Effect": _}}:
                yield path, value
            case dict() if '"Statement"' in (written := self.text(value, node)) and "Fn::Join" in value:
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
        resource = self.resources[node]
        is_identity = "Principal" not in statement and "NotPrincipal" not in statement
        roles = _listed(resource["Properties"].get("Roles", [])) if resource["Type"] != "AWS::IAM::Role" else [node]
        return Statement(
            holder=node,
            type=resource["Type"],
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
            roles=tuple(_bare(each if isinstance(each, str) else self.text(each, node)) for each in roles)
            if is_identity
            else (),
            inverted=tuple(sorted(key for key in statement if key.startswith("Not"))),
        )

    def _principals(self, principal: object, node: str) -> Iterator[str]:
        if isinstance(principal, dict):
            for kind, names in principal.items():
                for name in _listed(names):
                    yield f"{kind}:{self.text(name, node)}"
        else:
            yield f"AWS:{principal}"

    def _of_permission(self, node: str, properties: dict[str, Any]) -> Statement:
        """Read who may call a function, which has a resource type of its own."""
        keys = {"SourceArn": "aws:SourceArn", "SourceAccount": "aws:SourceAccount"}
        principal = self.text(properties["Principal"], node)
        return Statement(
            holder=node,
            type="AWS::Lambda::Permission",
            is_trust=False,
            effect="Allow",
            actions=(properties["Action"],),
            resources=(self.text(properties["FunctionName"], node),),
            principals=(f"{'Service' if principal.endswith('.amazonaws.com') else 'AWS'}:{principal}",),
            conditions={key: (self.text(properties[name], node),) for name, key in keys.items() if name in properties},
            roles=(),
            inverted=(),
        )


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    return value if isinstance(value, list) else [value]


def _bare(reference: str) -> str:
    match = REFERENCE.fullmatch(reference)
    return match[1] if match else reference
