"""What docs/migrating.md promises of each origin, by templates alone."""

import json
from pathlib import Path

import pytest

from tests.origins import FILE, Origin, beside, dns, origins, plan, synthesize

ROW = r"^\| `(\w+)` \|"


@pytest.mark.parametrize("origin", origins(), ids=lambda origin: origin.name)
def test_each_origin_is_kept(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command writes a file, by which the plan of the new app and of the second deployment has no finding."""
    monkeypatch.chdir(tmp_path)
    deployed = synthesize(origin.before, tmp_path / "before") / "Shop.template.json"
    template = ("--deployed", str(deployed), *origin.accepted)

    written = plan(*template, "--write", FILE, app=synthesize(origin.first, tmp_path / "first"))
    assert written.exit_code == 0, written.output

    planned = plan(*template, app=synthesize(origin.after, tmp_path / "after"))
    assert planned.exit_code == 0, planned.output
    if origin.last == origin.after:
        return
    at_once = synthesize(origin.last, tmp_path / "last")
    found = plan(*template, app=at_once)
    assert found.exit_code == 1, "the listener would answer 404 before there is a rule"
    deployed = tmp_path / "after/Shop.template.json"
    assert plan("--deployed", str(deployed), app=at_once).exit_code == 0


@pytest.mark.parametrize("program", [*beside(), dns()], ids=["alone", "beside", "dns"])
def test_the_apps_beside_the_old_service_synthesize(program: str, tmp_path: Path) -> None:
    """One with the old service alone, one with both, and one with a record of its own."""
    synthesize(program, tmp_path)


def test_the_old_stack_stays_as_it_is(tmp_path: Path) -> None:
    """The service beside it adds outputs only."""
    alone, both = (
        json.loads((synthesize(program, tmp_path / str(number)) / "Shop.template.json").read_text())
        for number, program in enumerate(beside())
    )

    assert both["Resources"] == alone["Resources"]
    assert both.keys() - alone.keys() <= {"Outputs"}
