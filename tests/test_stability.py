"""What an update must never replace in a deployed stack, of the example and of each part in each mode."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from aws_cdk import App

from fargate_constructs._core.nag_suppressions import PACKS
from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.testing import assert_no_replacement, lasting_resources
from tests import pinned
from tests.everything import Everything
from tests.lowest import FINDINGS, PLAIN
from tests.modes.cover import cover

ROOT = Path(__file__).parents[1]
LOWEST = Path(sys.prefix) / "lowest" / "bin" / "python"
PINNED = pinned.read()


def run(*command: str | Path, **environment: str) -> str:
    """Run a program at the project's root to its end; return what it printed."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    arguments = [str(part) for part in command]
    own = clean | {"PYTHONPATH": "."} | environment
    return subprocess.run(arguments, cwd=ROOT, env=own, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.parametrize("name", PINNED)
def test_nothing_pinned_is_replaced(name: str) -> None:
    """No logical ID of what must last is gone, and no property has changed that CloudFormation replaces it for."""
    assert_no_replacement(PINNED[name], template_of(pinned.stacks()[name]))


@pytest.mark.parametrize("name", PINNED)
def test_what_must_last_is_pinned(name: str) -> None:
    """The file lists all of it: `python -m tests.pinned` adds what is new."""
    assert lasting_resources(pinned.stacks()[name])["Resources"] == PINNED[name]["Resources"]


def test_tls_replaces_nothing() -> None:
    """Whoever starts without a domain can turn on TLS, and off again."""
    plain, secure = pinned.example(), pinned.example(tls=True)
    deployed = template_of(plain)

    assert_no_replacement(deployed, template_of(secure))
    accepted = [f"Example/Endpoint/{each}" for each in ("LoadBalancer/Listener", "Certificate", "AliasRecord")]
    assert_no_replacement(secure, deployed, accepted=accepted)


def test_the_order_of_construction_changes_nothing() -> None:
    """The same parts made and connected in the reverse order are the same resources, with the same properties."""
    everything = template_of(pinned.stacks()["Everything"])

    template = template_of(Everything(App(), "Everything", is_reversed=True))
    assert list(template["Resources"]) != list(everything["Resources"])
    assert template == everything


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the lowest versions made of every mode."""
    assert LOWEST.exists(), "make test sets it up"
    folder = tmp_path_factory.mktemp("lowest")
    run(LOWEST, "-m", "tests.lowest", folder, *cover())
    return folder


def test_the_lowest_versions_replace_nothing(lowest: Path) -> None:
    """With the oldest CDK that is supported, every mode can be built, and all that is pinned is the same."""
    for name, pin in PINNED.items():
        assert_no_replacement(pin, lowest / f"{name}.json")


def test_cdk_nag_2_finds_nothing(lowest: Path) -> None:
    """It finds what is open in plain resources, nothing in the modes, and leaves no metadata in the templates."""
    found = json.loads((lowest / FINDINGS).read_text())

    assert {each.partition("-")[0] for each in found} == {"AwsSolutions", *PACKS}
    assert [each for each in found if f"/{PLAIN}/" not in each] == []


def test_the_lowest_versions_are_those_of_the_project() -> None:
    """What the tests above run with is what the project says it needs at least, and cdk-nag 2."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], (ROOT / "requirements-lowest.in").read_text().splitlines()[-1]]
    installed = (ROOT / "requirements-lowest.txt").read_text()

    floors = [re.split(">=|,", each)[:2] for each in needed]
    assert [f"{name}=={floor}" in installed for name, floor in floors] == [True] * 3
    # The tests of the extra run with its lowest version, too.
    (extra,) = project["optional-dependencies"]["nag"]
    assert extra.startswith(f"cdk-nag>={version('cdk-nag')},")
