"""What a single run of a job has of its own: variables and a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from aws_cdk import Tokenization
from aws_cdk import aws_events as events

from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs.service.containers.container import Container

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job


def overrides_of(
    job: Job, container: Container, environment: Mapping[str, str] | None, command: Sequence[str] | None
) -> dict[str, Any]:
    """Return the parameter `Overrides` of RunTask as Step Functions names it, or none, for the main container."""
    environment = environment or {}
    replace(container, environment=environment).validate(job, on_windows=job._on_windows)
    for value in [*environment.values(), *(command or ())]:
        _validate_value(value)
    own: dict[str, Any] = {}
    if environment:
        own["Environment"] = [{"Name": key, "Value": value} for key, value in environment.items()]
    if command:
        has_fields = any(map(sfn.JsonPath.is_encoded_json_path, command))
        own["Command"] = sfn.JsonPath.array(*command) if has_fields else list(command)
    return {"Overrides": {"ContainerOverrides": [{"Name": job.name, **own}]}} if own else {}


def _validate_value(value: object) -> None:
    """Refuse what cannot be passed, or would be passed as it is written."""
    if not isinstance(value, str):  # the token of a number
        raise TypeError(
            "environment and command take texts, got a number of the input; write sfn.JsonPath.format('{}', number)"
        )
    if value.startswith(("$.", "$$.")):
        raise ValueError(
            f"environment and command pass a text as it is written, got: {value!r}; "
            f"write sfn.JsonPath.string_at({value!r}) for the field"
        )
    if any(isinstance(each, events.EventField) for each in Tokenization.reverse_string(value).tokens):
        raise ValueError(
            "environment and command take fields of the input as sfn.JsonPath, got an events.EventField; "
            "write sfn.JsonPath.string_at('$.detail…')"
        )
    try:
        sfn.FieldUtils.render_object({"Value": value})
    except RuntimeError as error:
        raise ValueError(
            "environment and command take a field of the input as the whole text, got a part of one; "
            "write sfn.JsonPath.format('s3://{}', …)"
        ) from error


def is_jsonata(overrides: Mapping[str, Any]) -> bool:
    """Return whether a value is JSONata, which a state with JSONPath would pass as it is written."""
    return any(each.startswith("{%") and each.endswith("%}") for each in _texts(overrides))


def validate_jsonata(overrides: Mapping[str, Any]) -> None:
    """Refuse fields that AWS refuses in a state with JSONata."""
    if sfn.FieldUtils.render_object(overrides) != overrides:
        raise ValueError(
            "environment and command of a state with JSONata take no sfn.JsonPath; "
            "write '{% $states.input.day %}' for a field"
        )


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, Mapping) else value
    return [text for each in cast("Iterable[object]", children) for text in _texts(each)]
