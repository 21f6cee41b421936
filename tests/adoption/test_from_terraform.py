"""The guide from Terraform: its identifiers are CloudFormation's, and its template can be imported."""

import json
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

GUIDE = (Path(__file__).parents[2] / "docs" / "from-terraform.md").read_text()
TABLE = GUIDE.split("<!-- resources -->")[1].split("<!-- end of resources -->")[0]
ROWS = [re.split(r"\s*\|\s*", line)[1:-1] for line in TABLE.strip().splitlines()[2:]]
SCHEMAS = Path(str(distribution("cfn-lint").locate_file("cfnlint/data/schemas")))


@cache
def schema_of(type_: str) -> dict[str, Any]:
    """Return the schema of a type, as CloudFormation publishes it."""
    files = json.loads((SCHEMAS / "providers/us-east-1.json").read_text())
    schema: dict[str, Any] = json.loads((SCHEMAS / f"resources/{files[type_]}.json").read_text())
    return schema


def identifiers_of(type_: str) -> list[str]:
    """Return the properties that identify a resource in an import."""
    return [pointer.removeprefix("/properties/") for pointer in schema_of(type_)["primaryIdentifier"]]


def names_in(cell: str) -> list[str]:
    """Return the names in a cell of the table."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_table_is_right(row: list[str]) -> None:
    """The type can be read, so imported; the identifiers are all of its own, and the rest replaces it."""
    _, _, (type_,), identifiers, equal = row[0], row[1], names_in(row[2]), names_in(row[3]), names_in(row[4])
    schema = schema_of(type_)

    assert "read" in schema["handlers"]
    assert identifiers == identifiers_of(type_)
    create_only = {pointer.removeprefix("/properties/") for pointer in schema["createOnlyProperties"]}
    assert set(equal) <= create_only
    assert equal or row[4] == "all"


def test_what_cannot_be_imported() -> None:
    """A policy of a role has no read handler."""
    assert "read" not in schema_of("AWS::IAM::Policy").get("handlers", {})


def test_the_template_can_be_imported() -> None:
    """Each resource of the guide's template is in the mapping by its logical ID, and is retained."""
    (program,) = [each for each in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "ShopBase" in each]
    namespace: dict[str, Any] = {}
    exec(compile(program, "from-terraform.md", "exec"), namespace)  # noqa: S102 - the guide's own code
    resources = Template.from_stack(namespace["base"]).to_json()["Resources"]

    assert set(json.loads(namespace["mapping"])) == set(resources)
    for name, resource in resources.items():
        assert resource["DeletionPolicy"] == "Retain"
        assert list(namespace["identifiers"][name]) == identifiers_of(resource["Type"])
