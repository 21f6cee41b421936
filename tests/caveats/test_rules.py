"""Each change in cases.yaml breaks the rules that it names, and no other rule."""

from typing import Any

import pytest

from fargate_constructs.caveats import Rule
from tests.caveats.lab import findings_after, read

CASES: dict[str, dict[str, Any]] = {
    **{
        f"{path}: {value}": {path: value, "rules": rules}
        for path, values in read("cases.yaml")["values"].items()
        for value, *rules in values
    },
    **{
        f"{name}: {value}": {
            "Web.Environment": [{"Name": name, "Value": value}],
            "rules": [f"SecretInEnvironment[{id_}]"],
        }
        for name, values in read("cases.yaml")["secrets"].items()
        for id_ in [name.replace("[", "-").replace("]", "-")]
        for value in values
    },
    **{
        f"{name}: {value}": {"Web.Environment": [{"Name": name, "Value": value}]}
        for name, values in read("cases.yaml")["no secrets"].items()
        for value in values
    },
    **read("cases.yaml")["changes"],
}


@pytest.mark.parametrize("name", CASES)
def test_a_change(name: str) -> None:
    """It breaks its rules, each once for a resource, and no other."""
    broken = [finding.id for finding in findings_after(CASES[name]) if not finding.is_undecided]

    assert sorted(broken) == CASES[name].get("rules", [])


def test_every_rule_has_a_case() -> None:
    """test_addresses.py has those about egress."""
    broken = {rule.split("[")[0] for case in CASES.values() for rule in case.get("rules", [])}

    assert broken | {"PublicSubnet", "UnknownEgress", "Ipv6Egress", "Undecided"} == {rule.name for rule in Rule}
