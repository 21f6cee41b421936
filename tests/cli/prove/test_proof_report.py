"""The report of a proof."""

import json
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from fargate_constructs.cli.prove.leftovers import Leftover, Leftovers
from fargate_constructs.cli.prove.outcomes import NOT_SHOWN, SHOWN, Result
from fargate_constructs.cli.prove.proof_report import Environment, ProofReport, redacted
from fargate_constructs.cli.prove.proof_state import ProofState

ACCOUNT = "111122223333"
NOTHING = Leftovers([], [])
AWS = Environment("AWS", {"python": "3.13.1"})


def report(folder: Path, leftovers: Leftovers = NOTHING, environment: Environment = AWS) -> ProofReport:
    """Return the report of a proof that could not open a shell."""
    state = ProofState(folder, "1a2b", ACCOUNT, "eu-west-1", "2026-11-29T15:00:00+00:00", 0.43)
    state.results = [
        Result("deploy", "CloudFormation creates the stack", SHOWN, seconds=301.2, measured={"resources": 137}),
        Result("shell", "a command runs in a task", NOT_SHOWN, f"no | of {ACCOUNT}\nin two lines"),
        Result("egress", "tasks leave from the Elastic IPs", SHOWN, measured={"seen": ["192.0.2.1", "192.0.2.2"]}),
    ]
    return ProofReport(state, environment, "2026-11-29T15:47:00+00:00", leftovers)


def test_the_page(tmp_path: Path) -> None:
    """Each step is in it, in order, also those that did not run."""
    page = report(tmp_path).markdown()

    assert "On AWS, eu-west-1, 2026-11-29T15:00:00+00:00 to 2026-11-29T15:47:00+00:00, expected cost 0.43 USD." in page
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.count(" | ") == 3]
    assert rows == [
        "step",
        "deploy",
        "endpoint",
        "egress",
        "log",
        "archive",
        "query",
        "shell",
        "second deployment",
        "rollback",
        "destroy",
    ]
    assert r"- shell: no \| of 111122223333 in two lines" in page
    assert "- query: it did not run to its end" in page
    assert "| egress | seen | 192.0.2.1, 192.0.2.2 |" in page
    assert page.endswith("Nothing is left that the command can find.\n")


def test_what_is_not_aws_is_marked(tmp_path: Path) -> None:
    """The first line says so."""
    place = Environment("http://127.0.0.1:4566", {})

    assert "On **not AWS**, but http://127.0.0.1:4566" in report(tmp_path, environment=place).markdown()


def test_what_is_left_is_listed(tmp_path: Path) -> None:
    """And what could not be asked."""
    left = Leftovers([Leftover("bucket", "logs", "name")], ["tags: AccessDenied"])
    page = report(tmp_path, left).markdown()

    assert page.endswith("- bucket logs (found by name)\n- not asked: tags: AccessDenied\n")
    assert not report(tmp_path, left).is_clean


def test_all_is_shown(tmp_path: Path) -> None:
    """That is, each step; and nothing is left once the stack is deleted."""
    one = report(tmp_path)
    assert not one.shows_all
    one.state.results = [Result(each.step, each.promise, SHOWN) for each in one.results]
    assert one.shows_all
    assert "Why not shown" not in one.markdown()
    assert "Measured" not in one.markdown()
    assert not one.is_clean
    one.state.is_destroyed = True
    assert one.is_clean


@pytest.mark.parametrize("shows_account", [True, False])
def test_the_files_have_no_account(tmp_path: Path, shows_account: bool) -> None:  # noqa: FBT001 - a parameter
    """Unless it is wanted."""
    files = report(tmp_path).write(shows_account=shows_account)

    assert [each.name for each in files] == ["report.md", "report.json"]
    assert all((ACCOUNT in each.read_text()) is shows_account for each in files)
    document = json.loads(files[1].read_text())
    assert (document["format"], document["account"]) == (1, ACCOUNT if shows_account else "ACCOUNT")
    assert document["steps"][0] == {
        "step": "deploy",
        "promise": "CloudFormation creates the stack",
        "outcome": "shown",
        "reason": "",
        "seconds": 301.2,
        "measured": {"resources": 137},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice@example.com is not", "User: (a role or user) is not"),
        (f"arn:aws-cn:iam::{ACCOUNT}:user/alice, and", "(a role or user), and"),
        ("key AKIAIOSFODNN7EXAMPLE of", "key (a key) of"),
        ("Encoded authorization failure message: aBc-dEf_1", "Encoded authorization failure message: (left out)"),
        (f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/shop/1", "arn:aws:ecs:eu-west-1:ACCOUNT:task/shop/1"),
        ("1764428400123 is a time", "1764428400123 is a time"),
    ],
)
def test_texts_of_aws_name_no_person(text: str, expected: str) -> None:
    """They may name who calls AWS, and keys."""
    assert redacted(text, shows_account=False) == expected


@pytest.mark.parametrize(("home", "path"), [("/home/alice", "~/state.json"), ("/", "/home/alice/state.json")])
def test_paths_name_no_person(monkeypatch: pytest.MonkeyPatch, home: str, path: str) -> None:
    """The folder of a person has their name."""
    monkeypatch.setenv("HOME", home)

    assert redacted("/home/alice/state.json", shows_account=False) == path


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://cloudformation.eu-west-1.amazonaws.com", "AWS"),
        ("https://cloudformation.cn-north-1.amazonaws.com.cn", "AWS"),
        ("https://cloudformation.eu-west-1.api.aws", "AWS"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("https://amazonaws.com.example.com", "https://amazonaws.com.example.com"),
    ],
)
def test_the_place(url: str, place: str) -> None:
    """It is AWS only if the address is one of AWS's."""
    environment = Environment.of(SimpleNamespace(meta=SimpleNamespace(endpoint_url=url)))

    assert environment.place == place
    assert environment.is_aws is (place == "AWS")
    assert environment.versions["boto3"] == metadata.version("boto3")


def test_a_checkout_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""

    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    environment = Environment.of(SimpleNamespace(meta=SimpleNamespace(endpoint_url="https://sts.amazonaws.com")))

    assert environment.versions["fargate-constructs"] == "not installed, but run from a checkout"
