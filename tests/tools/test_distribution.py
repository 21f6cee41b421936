"""What a release needs: one version everywhere, the form of the changelog, and workflows that call make."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.distribution import faults

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}
FORMS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")}
READY = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- A.\n\n## [0.1.0] - 2026-11-29\n"


def test_a_version_that_is_ready() -> None:
    """The tag, the version and the newest heading are the same, and there is nothing unreleased."""
    assert list(faults("0.2.0", READY, tag="v0.2.0")) == []
    assert list(faults("0.2.0", READY)) == []


@pytest.mark.parametrize(
    ("version", "changelog", "tag", "words"),
    [
        ("0.2.0", READY, "v0.1.0", "the tag must be v0.2.0"),
        ("0.2.0", READY, "0.2.0", "the tag must be v0.2.0"),
        ("0.2.0", READY, "", "the tag must be v0.2.0"),
        ("0.3.0", READY, None, "must be '## [0.3.0] - ' and a date, got: '[0.2.0] - 2026-12-01"),
        ("0x2.0", READY, None, "must be '## [0x2.0] - '"),
        ("0.2.0", READY.replace("2026-12-01", "1 December"), None, "and a date"),
        (
            "0.2.0",
            READY.replace("## [0.2.0]", "- B.\n\n## [0.2.0]"),
            None,
            "[Unreleased] in CHANGELOG.md must be empty",
        ),
        ("0.2.0", READY.replace("## [Unreleased]\n\n", ""), None, "must be '## [0.2.0] - ' and a date, got: '[0.1.0]"),
        ("0.2.0", "", None, "got: ''"),
    ],
)
def test_a_version_that_is_not_ready(version: str, changelog: str, tag: str | None, words: str) -> None:
    """The message says what differs."""
    assert words in "\n".join(faults(version, changelog, tag=tag))


def test_the_form_of_the_changelog() -> None:
    """Unreleased first, then versions with ISO dates, newest first, with a link each and the usual kinds of change."""
    first, *headings = re.findall(r"^## (.*)$", CHANGELOG, flags=re.MULTILINE)
    versions = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\S+)", heading) for heading in headings]
    found = [(tuple(map(int, each[1].split("."))), date.fromisoformat(each[2])) for each in versions if each]
    kinds = set(re.findall(r"^### (.*)$", CHANGELOG, flags=re.MULTILINE))

    assert first == "[Unreleased]"
    assert len(found) == len(headings) > 0
    assert found == sorted(found, reverse=True)
    assert ".".join(map(str, found[0][0])) == PROJECT["version"]
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for name in ("Unreleased", *(each[1] for each in versions if each)):
        assert f"\n[{name}]: {PROJECT['urls']['Repository']}/" in CHANGELOG


def steps(name: str) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow."""
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_call_make(name: str) -> None:
    """Each command is one target of the Makefile, so that each step can be repeated without the service."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = [step["run"] for step in steps(name) if "run" in step]

    assert commands
    assert [
        each for each in commands if not each.startswith("make ") or each.removeprefix("make ") not in targets
    ] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_are_safe(name: str) -> None:
    """Actions are pinned by commit with their version, jobs end, and only the upload may prove who it is."""
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    jobs = WORKFLOWS[name]["jobs"]

    assert re.findall(r"uses: (.*)", text)
    assert [
        use for use in re.findall(r"uses: (.*)", text) if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)
    ] == []
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert [job for job, each in jobs.items() if "timeout-minutes" not in each] == []
    assert {job for job, each in jobs.items() if "permissions" in each} <= {"publish"}
    assert not re.search(r"secrets\.|pull_request_target", text)
    for step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_each_python_is_tested() -> None:
    """CI runs the Pythons that the package names."""
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    job = WORKFLOWS["ci"]["jobs"]["test"]

    assert job["strategy"]["matrix"]["python"] == named
    assert job["env"] == {"PYTHON": "python${{ matrix.python }}"}


def test_what_is_uploaded_was_tested() -> None:
    """The tag reaches make, the tests come before the build, and the job that uploads runs no code of the project."""
    jobs = WORKFLOWS["release"]["jobs"]

    assert [step["run"] for step in jobs["build"]["steps"] if "run" in step][-1] == "make dist"
    assert jobs["build"]["env"] == {"TAG": "${{ github.ref_name }}"}
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]


def test_forms_ask_what_is_needed() -> None:
    """Each form has its fields; vulnerabilities have their own way, and it is that of SECURITY.md."""
    links = [each["url"] for each in FORMS["config"]["contact_links"]]

    assert FORMS["config"]["blank_issues_enabled"] is False
    assert links[0] in (ROOT / "SECURITY.md").read_text()
    for name in FORMS.keys() - {"config"}:
        ids = [field["id"] for field in FORMS[name]["body"]]
        assert len(ids) == len(set(ids)) > 1
        assert any(field.get("validations", {}).get("required") for field in FORMS[name]["body"])
    for path in re.findall(r"/blob/main/(\S+)", " ".join(links)):
        assert (ROOT / path).exists()


def test_supported_versions() -> None:
    """SECURITY.md names the minor version of the project."""
    minor = PROJECT["version"].rpartition(".")[0]

    assert f"\n| {minor} | yes |\n" in (ROOT / "SECURITY.md").read_text()
