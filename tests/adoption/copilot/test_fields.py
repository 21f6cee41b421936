"""Every field that Copilot documents: converted, or listed; none is dropped."""

import re
from functools import cache
from pathlib import Path
from unittest import mock

import pytest

from fargate_constructs.adoption.copilot import converter, workspace
from fargate_constructs.adoption.copilot.fields import KINDS, NOT_CONVERTED, TYPES, all_fields, texts_of
from fargate_constructs.adoption.copilot.source import Block, Items, ManifestError, Value, read_yaml
from tests.adoption.copilot import field_table
from tests.adoption.copilot.generated import COPILOT, conversion_of

# Taken from aws/copilot-cli, site/content/docs/manifest/*.en.md and include/*.en.md: path and types.
DOCUMENTED = [line.split("\t") for line in Path(__file__).with_name("documented.tsv").read_text().splitlines()]
FORMS = Path(__file__).with_name("forms")
MANIFESTS = [*sorted(COPILOT.glob("*/manifest.yml")), *sorted(FORMS.glob("*.yml"))]


@cache
def as_written(file: Path) -> Block:
    """Return what a manifest of the tests says."""
    return read_yaml(file, "shop")


@cache
def outcome_as_written(file: Path, environment: str) -> object:
    """Return the statements and the findings for a manifest of the tests."""
    return outcome(file, as_written(file), environment)


def kind_of(file: Path) -> str:
    """Return the letter of a manifest's type."""
    return TYPES[as_written(file)["type"].text]  # type: ignore[union-attr] # a text


def without(value: Value, path: list[str]) -> tuple[Value, bool]:
    """Return a value without a field, and whether it was there. `*` is each key, `[]` each member."""
    if not path:
        return value, False
    first, *rest = path
    if first == "[]":
        members = [without(each, rest) for each in value] if isinstance(value, Items) else []
        return Items([each for each, _ in members], getattr(value, "line", 0)), any(found for _, found in members)
    if not isinstance(value, Block):
        return value, False
    kept, was_there = dict(value), False
    for key in [*value] if first == "*" else [first] if first in value else []:
        if rest:
            kept[key], found = without(value[key], rest)
            was_there |= found
        else:
            del kept[key]
            was_there = True
    return Block(kept, value.line, value.lines), was_there


def outcome(file: Path, block: Block, environment: str) -> object:
    """Return the statements and the findings for a manifest with other content, or the error."""
    read = read_yaml
    with (
        mock.patch.object(workspace, "read_yaml", lambda f, a: block if f == file else read(f, a)),
        mock.patch.object(converter, "_files", lambda _workspace, _names, modules, _output: modules),
    ):
        try:
            conversion = conversion_of(file, application="shop", environment=environment)
        except ManifestError as error:
            return str(error)
        return conversion.files, conversion.findings


def removed(block: Block, path: str) -> tuple[Block, bool]:
    """Return a manifest without a field, also in its environments."""
    parts = re.sub(r"\[\]", ".[]", path).split(".")
    first, found = without(block, parts)
    second, found_below = without(first, ["environments", "*", *parts])
    assert isinstance(second, Block)
    return second, found or found_below


@pytest.mark.parametrize(("path", "kinds"), DOCUMENTED, ids=[path for path, _ in DOCUMENTED])
def test_each_documented_field_counts(path: str, kinds: str) -> None:
    """Without the field the app or the list of what is not converted is another one, or there is an error."""
    assert set(kinds) <= {kind for each in all_fields() if each.path == path for kind in each.kinds}
    removals = [
        (file, changed)
        for file in MANIFESTS
        if kind_of(file) in kinds
        for changed, was_there in [removed(as_written(file), path)]
        if was_there
    ]

    assert removals, "no manifest of the tests has it"
    assert any(
        outcome(file, changed, environment) != outcome_as_written(file, environment)
        for environment in ("test", "prod")
        for file, changed in removals
    ), "it is dropped"


def test_no_field_is_left_to_guess() -> None:
    """What is listed says what to do, in the manifests of the tests and in the table."""
    forms = [
        conversion_of(file, application="shop", environment=environment)
        for file in sorted(FORMS.glob("*.yml"))
        for environment in ("test", "prod")
    ]
    findings = [each for conversion in (conversion_of(), *forms) for each in conversion.findings]

    assert [each.field for each in findings if each.todo == "write it by hand"] == []
    assert all(each.line > 0 and each.todo for each in findings)
    for kind in "LBWJ":
        todos = [text.removeprefix(NOT_CONVERTED) for text in texts_of(kind).values() if text.startswith(NOT_CONVERTED)]
        assert all(len(each) > 5 for each in todos)


def test_findings_are_in_the_app() -> None:
    """Each finding of a manifest is a comment next to its place."""
    conversion = conversion_of()
    for each in conversion.findings:
        name = each.file.split("/")[1]
        code = " ".join(re.sub(r"\n\s*#", " ", conversion.files[f"{name}_stack.py"]).split())
        label = "not converted" if each.is_lost else "different"
        assert f"{label}: {each.field}: {each.todo}" in code


def test_a_converted_field_is_not_listed() -> None:
    """What the table calls not converted is what the converter lists, and nothing else."""
    lost = {re.sub(r"\[\d+\]", "[]", each.field) for each in conversion_of().findings if each.is_lost}
    texts = {path: text for kind in "LBWJ" for path, text in texts_of(kind).items()}
    converted = {path for path in lost if path in texts and not texts[path].startswith(NOT_CONVERTED)}

    # A TLS listener needs a certificate, and a member of a list that the constructs fill needs its index.
    assert converted == {"nlb.additional_listeners[].port", "taskdef_overrides[].path"}
    assert KINDS["W"] == "Worker Service"


def test_the_guide_has_the_table() -> None:
    """`python -m tests.adoption.copilot.field_table` writes it."""
    assert field_table.page() == field_table.PAGE.read_text()
