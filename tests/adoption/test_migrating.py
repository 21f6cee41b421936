"""What docs/migrating.md promises of each origin, by templates alone."""

import json
import re
from pathlib import Path

import pytest

from tests.origins import ADOPT, FILE, PAGE, Origin, beside, dns, origins, plan, synthesize, with_security_group


def test_the_table_has_each_origin() -> None:
    """In the order of the sections."""
    assert re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)[: len(origins())] == [
        origin.name for origin in origins()
    ]


@pytest.mark.parametrize("origin", origins(), ids=lambda origin: origin.name)
def test_each_origin_is_kept(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command writes a file, by which the plan of the new app and of the second deployment has no finding."""
    monkeypatch.chdir(tmp_path)
    deployed = kept(origin, origin.after)
    if origin.last == origin.after:
        return
    last = synthesize(origin.last, tmp_path / "last")
    found = plan("--deployed", str(tmp_path / "before/Shop.template.json"), app=last)
    assert found.exit_code == 1, "the listener would answer 404 before there is a rule"
    assert "its DefaultActions forward no longer" in found.output
    assert plan("--deployed", str(deployed), app=last).exit_code == 0


def test_a_network_load_balancer_with_a_security_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature flag makes one."""
    monkeypatch.chdir(tmp_path)
    (origin,) = (each for each in origins() if each.name == "NetworkLoadBalancedFargateService")
    flag = {"@aws-cdk/aws-elasticloadbalancingv2:networkLoadBalancerWithSecurityGroupByDefault": True}

    kept(origin, with_security_group(origin), **flag)


def kept(origin: Origin, after: str, **context: object) -> Path:
    """Write the file, and plan the app with it; return the template that is deployed then."""
    deployed = synthesize(origin.before, Path("before").absolute(), **context) / "Shop.template.json"
    options = ("--deployed", str(deployed), *origin.accepted)

    written = plan(
        *options, "--write", FILE, app=synthesize(after.replace(ADOPT, ""), Path("first").absolute(), **context)
    )
    assert written.exit_code == 0, written.output

    app = synthesize(after, Path("after").absolute(), **context)
    planned = plan(*options, app=app)
    assert planned.exit_code == 0, planned.output
    return app / "Shop.template.json"


def test_the_apps_beside_the_old_service(tmp_path: Path) -> None:
    """The new service changes nothing of the old stack but the deletion policy of addresses, and adds outputs."""
    synthesize(dns(), tmp_path / "dns")
    alone, both = (
        json.loads((synthesize(program, tmp_path / str(number)) / "Shop.template.json").read_text())
        for number, program in enumerate(beside())
    )

    changed = [each for key, each in both["Resources"].items() if each != alone["Resources"].pop(key)]
    assert {each["Type"] for each in changed} == {"AWS::EC2::EIP"}
    assert alone["Resources"] == {}
