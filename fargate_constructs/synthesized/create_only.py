"""Reads AWS's resource schemas and documentation; returns the properties that CloudFormation replaces for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.intrinsics import is_intrinsic

if TYPE_CHECKING:
    from cfnlint.schema.manager import ProviderSchemaManager

# By type, what AWS's documentation replaces for and the schemas do not; `make create-only` writes it.
DOCUMENTED = Path(__file__).with_name("create_only_documented.json")
# How a schema names them: CloudFormation always replaces for the first, and under some conditions for the second.
UNCONDITIONALLY, CONDITIONALLY = KINDS = ("createOnlyProperties", "conditionalCreateOnlyProperties")
NO_VALUE = {"Ref": "AWS::NoValue"}

# RDS changes these in place, although the schema calls them create-only:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
CHANGED_IN_PLACE = {"AWS::RDS::DBInstance": {"MultiAZ"}}
# The schema says that CloudFormation always replaces for these; it may only report a change:
# https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1057
IN_FACT_CONDITIONAL = {
    "AWS::RDS::DBClusterParameterGroup": {"Description", "Family"},
    "AWS::RDS::DBParameterGroup": {"Description", "Family"},
}


def create_only_names(type_: str, kind: str) -> set[str]:
    """Return the create-only properties of a type, of one of `KINDS`, such as `TableInput/Name`."""
    conditional = IN_FACT_CONDITIONAL.get(type_, set())
    if kind == UNCONDITIONALLY:
        return names_in_schema(type_, kind) - conditional
    documented = set(_documented().get(type_, ()))
    return (names_in_schema(type_, kind) | conditional | documented) - CHANGED_IN_PLACE.get(type_, set())


def names_in_schema(type_: str, kind: str) -> set[str]:
    """Return the create-only properties that a type's schema lists."""
    return {pointer.removeprefix("/properties/") for pointer in _schema(type_).get(kind, ())}


def create_only_values(
    resource: Mapping[str, Any],
    kinds: Sequence[str] = KINDS,
    compared: Sequence[Mapping[str, Sequence[str]]] = (),
) -> dict[str, Any]:
    """Return the create-only properties of a resource with their values; of those in *compared*, if there are any."""
    type_ = resource["Type"]
    names = {name for kind in kinds for name in create_only_names(type_, kind)}
    names = names.intersection(*(each.get(type_, names) for each in compared))
    kept = _cut(resource.get("Properties", {}), [name.split("/") for name in sorted(names)])
    return {name: value for name, value in kept.items() if _in_one_form(value) not in ({}, [], NO_VALUE)}


def normalize(type_: str, name: str, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a property's value in one form, equal for all values that are the same to CloudFormation."""
    value = _in_one_form(value)
    is_set = _schema(type_).get("properties", {}).get(name, {}).get("insertionOrder") is False
    return sorted(value, key=json.dumps) if is_set and isinstance(value, list) else value


def known_types() -> Iterable[str]:
    """Return all types that have a schema."""
    types: Iterable[str] = _schemas().get_resource_types("us-east-1")
    return types


def _in_one_form(value: Any) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a value with numbers and booleans as texts, and without `AWS::NoValue`."""
    match value:
        case Mapping() if value != NO_VALUE:
            return {key: _in_one_form(each) for key, each in value.items() if each != NO_VALUE}
        case list():
            return [_in_one_form(each) for each in value if each != NO_VALUE]
        case bool() | int() | float():
            return json.dumps(value)
    return value


def _cut(value: Any, paths: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a value with only what is at some paths."""
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
def _documented() -> Mapping[str, Sequence[str]]:
    documented: Mapping[str, Sequence[str]] = json.loads(DOCUMENTED.read_text(encoding="utf-8"))
    return documented


@cache
def _schema(type_: str) -> Mapping[str, Any]:
    """Return AWS's schema of a type; an empty one if there is none."""
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
            "the properties that CloudFormation replaces for come from cfn-lint, which is not installed: "
            "pip install 'fargate-constructs[testing]', or '.[testing]' in a checkout"
        ) from error
    return PROVIDER_SCHEMA_MANAGER
