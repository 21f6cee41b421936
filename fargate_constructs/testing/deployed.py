"""What is deployed, or would be: the resources of a stack, of a template, or of a file.

```
stack, template, file ──> [resources, conditions and mappings put in] ──> assert_no_replacement
```
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import Stack

from fargate_constructs.templates import element_paths
from fargate_constructs.testing.templates import template_of

Template = Mapping[str, object]
PATH = "aws:cdk:path"
SEEN = "fargate-constructs:create-only"
WRITTEN = "write it when the stack has been deployed, as JSON of lasting_resources(stack): docs/testing.md has pin.py"
PROCESSED = "take it by `aws cloudformation get-template --template-stage Processed`, or from cdk.out"


class Deployed(NamedTuple):
    """What is compared of a template."""

    resources: dict[str, Any]
    seen: Mapping[str, Sequence[str]] = {}
    """By type, the create-only properties that a pin was made of; of what is not a pin, nothing."""


def read_deployed(source: Stack | Template | Path | str, name: str) -> Deployed:
    """Return what is deployed by a template, with construct paths if it is a stack's.

    In the place of a condition's name stands what the condition says, and in that of a literal `Fn::FindInMap` what it
    finds: else a change of either would not show.

    Args:
        source: A stack, a template, or the JSON file of one.
        name: How the source is called if it is refused.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a template, or one that macros or a `Fn::ForEach` have yet to complete.
    """
    template: dict[str, Any]
    if isinstance(source, Stack):
        template = _with_paths(source)
    else:
        template = dict(source) if isinstance(source, Mapping) else _load(source, name)
    match template.get("Resources"):
        case Mapping() as resources:
            pass
        case _:
            raise ValueError(f"{name} must be a template with Resources, got one with: {', '.join(template)}")
    odd = [key for key, each in resources.items() if not isinstance(each, Mapping) or "Type" not in each]
    if odd:
        raise ValueError(
            f"{name} must be a template that is complete, got Resources with {', '.join(odd)}; {PROCESSED}"
        )
    settled = {key: _settled_resource(each, template) for key, each in resources.items()}
    return Deployed(settled, template.get("Metadata", {}).get(SEEN, {}))


def references(value: object) -> Iterator[str]:
    """Yield the logical IDs that a piece of a template refers to."""
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": str() as name} | {"Fn::GetAtt": [name, *_]}:
            yield name.partition(".")[0]
        case {"Fn::Sub": [text, _]} | {"Fn::Sub": text}:
            yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
    if isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from references(each)


def _with_paths(stack: Stack) -> dict[str, Any]:
    template, paths = template_of(stack), element_paths(stack)
    for logical_id, resource in template.setdefault("Resources", {}).items():
        resource["Metadata"] = {**resource.get("Metadata", {}), PATH: paths.get(logical_id, logical_id)}
    return template


def _load(file: Path | str, name: str) -> dict[str, Any]:
    try:
        match json.loads(Path(file).read_text(encoding="utf-8")):
            case dict() as template:
                return template
        problem = "it is no object"
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name} must be the file of a template in JSON, got none at {Path(file).absolute()}; {WRITTEN}"
        ) from error
    except json.JSONDecodeError as error:
        problem = str(error)
    raise ValueError(f"{name} must be the file of a template in JSON, got {file}: {problem}; {PROCESSED}")


def _settled_resource(resource: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    settled: dict[str, Any] = _settle(dict(resource), template)
    if isinstance(settled.get("Condition"), str):  # that of a pin has been put in
        settled["Condition"] = _settle({"Condition": settled["Condition"]}, template)
    return settled


def _settle(value: Any, template: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a piece of a template with all put in that the template says elsewhere."""
    conditions = template.get("Conditions", {})
    match value:
        case {"Fn::FindInMap": [str(map_), str(first), str(second)]}:
            return template.get("Mappings", {}).get(map_, {}).get(first, {}).get(second, value)
        case {"Condition": str(name), **rest} if not rest:
            return _settle(conditions.get(name, name), template)
        case {"Fn::If": [str(name), *branches]}:
            return {"Fn::If": [_settle(conditions.get(name, name), template), *_settle(branches, template)]}
        case Mapping():
            return {key: _settle(each, template) for key, each in value.items()}
        case list():
            return [_settle(each, template) for each in value]
    return value
