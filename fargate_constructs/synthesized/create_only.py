"""Which properties CloudFormation replaces a resource for.

```
AWS's schemas, AWS's documentation ──> [create-only properties] ──> assert_no_replacement
```
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.create_only_documented import DOCUMENTED
from fargate_constructs.synthesized.intrinsics import is_intrinsic

if TYPE_CHECKING:
    from cfnlint.schema.manager import ProviderSchemaManager

ALWAYS, PERHAPS = KINDS = ("createOnlyProperties", "conditionalCreateOnlyProperties")
NO_VALUE = {"Ref": "AWS::NoValue"}

# What RDS changes in place, whatever the schema says:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
NEVER = {"AWS::RDS::DBInstance": {"MultiAZ"}}
# What CloudFormation may not replace for, but only say that it has changed:
# https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1057
LESS = {
    "AWS::RDS::DBClusterParameterGroup": {"Description", "Family"},
    "AWS::RDS::DBParameterGroup": {"Description", "Family"},
}


def create_only(type_: str, kind: str) -> set[str]:
    """Return the properties of a type that are create-only, always or under conditions, such as `TableInput/Name`."""
    less = LESS.get(type_, set())
    if kind == ALWAYS:
        return of_schema(type_, kind) - less
    return (of_schema(type_, kind) | less | set(DOCUMENTED.get(type_, ()))) - NEVER.get(type_, set())


def of_schema(type_: str, kind: str) -> set[str]:
    """Return those properties of a type that its schema calls so."""
    return {pointer.removeprefix("/properties/") for pointer in _schema(type_).get(kind, ())}


def fixed(
    resource: Mapping[str, Any], kinds: Sequence[str] = KINDS, seen: Sequence[Mapping[str, Sequence[str]]] = ()
) -> dict[str, Any]:
    """Return those properties of a resource that are create-only, of some kinds or of any.

    Args:
        resource: The resource, as its template has it.
        kinds: Those of `KINDS` that count.
        seen: Those properties that count, by type: what each of some pins was made of. By default all do.
    """
    type_ = resource["Type"]
    names = {name for kind in kinds for name in create_only(type_, kind)}
    names = names.intersection(*(each.get(type_, names) for each in seen))
    kept = _cut(resource.get("Properties", {}), [name.split("/") for name in sorted(names)])
    return {name: value for name, value in kept.items() if plain(value) not in ({}, [], NO_VALUE)}


def comparable(type_: str, name: str, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a property's value, equal to any other that is the same to CloudFormation."""
    value = plain(value)
    is_set = _schema(type_).get("properties", {}).get(name, {}).get("insertionOrder") is False
    return sorted(value, key=json.dumps) if is_set and isinstance(value, list) else value


def plain(value: Any) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a piece of a template in one of the ways in which it can be written."""
    match value:
        case Mapping():
            return {key: plain(each) for key, each in value.items() if each != NO_VALUE} if value != NO_VALUE else value
        case list():
            return [plain(each) for each in value if each != NO_VALUE]
        case bool() | int() | float():
            return json.dumps(value)
    return value


def known_types() -> Iterable[str]:
    """Return all types that have a schema."""
    types: Iterable[str] = _schemas().get_resource_types("us-east-1")
    return types


def _cut(value: Any, paths: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return what paths lead to, where it stands."""
    if not all(paths) or is_intrinsic(value):
        return value
    if isinstance(value, list):
        return [_cut(each, [rest for _, *rest in paths]) for each in value]
    if not isinstance(value, Mapping):
        return value
    below: dict[str, list[Sequence[str]]] = {}
    for name, *rest in paths:
        below.setdefault(name, []).append(rest)
    return {name: _cut(value[name], rests) for name, rests in below.items() if name in value}


@cache
def _schema(type_: str) -> Mapping[str, Any]:
    """Return AWS's schema of a type, or nothing if there is none."""
    schemas = _schemas()
    from cfnlint.schema import ResourceNotFoundError  # noqa: PLC0415 - an extra

    try:
        schema: Mapping[str, Any] = schemas.get_resource_schema("us-east-1", type_).schema
    except ResourceNotFoundError:
        return {}
    return schema


def _schemas() -> "ProviderSchemaManager":
    try:
        from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(
            "what CloudFormation replaces a resource for is read from cfn-lint, which is not installed: "
            "pip install '.[testing]' in a checkout of fargate-constructs"
        ) from error
    return PROVIDER_SCHEMA_MANAGER
