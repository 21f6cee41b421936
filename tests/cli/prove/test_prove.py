"""`fargate-constructs prove`, on recorded answers and with steps that take no time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fargate_constructs.cli import prove
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.prove import proof_run
from fargate_constructs.cli.prove.leftovers import Leftover, Leftovers
from fargate_constructs.cli.prove.outcomes import DisprovedError, Waiting
from fargate_constructs.cli.prove.proof_state import ProofState
from fargate_constructs.cli.prove.proof_step import Measured, Proof
from fargate_constructs.cli.terminal import confirmation
from tests.cli.prove.conftest import NO_STACK, Clock, answers, stack
from tests.cli.recorded_aws import ACCOUNT, RecordedAws

NEW = ["--account", ACCOUNT, "--region", "eu-west-1"]
OUTPUT = "fargate-constructs-proof"
LEFT = Leftovers([Leftover("bucket", "logs", "name")], ["tags: AccessDenied"])
NETWORK = {"Type": "AWS::EC2::NatGateway"}

Run = Callable[..., Result]


def let_each_step(monkeypatch: pytest.MonkeyPatch, run: Callable[[Proof], Measured]) -> None:
    """Let each step do something."""
    steps = tuple(each._replace(run=run) for each in proof_run.STEPS)
    monkeypatch.setattr(proof_run, "STEPS", steps)


@pytest.fixture
def aws(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> RecordedAws:
    """An AWS without the stack; each step succeeds."""

    def synthesize(state: ProofState, folder: Path) -> None:
        path = folder / "first" / f"{state.stack_name}.template.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"Resources": {"Nat": NETWORK}}))

    clients.answers.update(answers())
    clients.answers |= {"DescribeStacks": NO_STACK, "ListObjectVersions": ("NoSuchBucket", "does not exist")}
    clock = Clock()
    monkeypatch.setattr(prove, "session_for", lambda *_: clients)
    monkeypatch.setattr(prove, "Waiting", lambda **_: Waiting(clock.now, clock.sleep))
    monkeypatch.setattr(prove, "synthesize", synthesize)
    let_each_step(monkeypatch, lambda _: {"value": 1})
    return clients


@pytest.fixture
def run(aws: RecordedAws) -> Run:
    """Runs the command."""
    del aws

    def function(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(commands, ["prove", *arguments], input=answer)

    return function


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a person be there, whose answers are the input."""
    for module in (prove, confirmation):
        monkeypatch.setattr(module, "is_terminal", lambda: True)


def interrupt(_proof: Proof) -> Measured:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


def state() -> ProofState:
    """Return the state in the usual folder."""
    found = ProofState.read(Path(OUTPUT))
    assert found is not None
    return found


def test_all_is_shown(run: Run) -> None:
    """The reports are written; templates and code are removed."""
    result = run(*NEW, "--yes")

    assert result.exit_code == 0, result.output
    assert "rollback           shown  a broken image is rolled back" in result.stdout
    assert f"in the account {ACCOUNT}, eu-west-1" in result.stderr
    assert "costs about 0.20 USD, or 0.29 USD in 3 hours" in result.stderr
    assert "template=proof.yml" in result.stderr
    assert sorted(each.name for each in Path(OUTPUT).iterdir()) == ["report.json", "report.md", "state.json"]
    assert state().is_destroyed


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"AccountAliases": ["sandbox"]}, f"{ACCOUNT} (sandbox), eu-west-1"),
        (("AccessDenied", "is not authorized"), f"{ACCOUNT}, eu-west-1"),
    ],
)
def test_the_account_has_its_name(run: Run, aws: RecordedAws, answer: Any, name: str) -> None:  # noqa: ANN401 - an answer
    """A person recognizes a wrong one by it; it is not needed."""
    aws.answers["ListAccountAliases"] = answer

    assert f"in the account {name}, tries it" in run(*NEW, "--yes").stderr


def test_json(run: Run) -> None:
    """The document is that of the file."""
    result = run(*NEW, "--yes", "--json")

    assert json.loads(result.stdout) == json.loads((Path(OUTPUT) / "report.json").read_text())
    assert ACCOUNT not in result.stdout
    assert ACCOUNT in run(*NEW, "--yes", "--json", "--show-account").stdout


def test_what_is_not_shown_or_left_is_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is listed."""
    monkeypatch.setattr(prove, "find_leftovers", lambda *_: LEFT)

    result = run(*NEW, "--yes")
    assert result.exit_code == 1
    assert "left: bucket logs (found by name)" in result.stdout
    assert "not asked: tags: AccessDenied" in result.stdout


def test_a_step_that_fails_is_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack is deleted all the same."""

    def fail(_proof: Proof) -> Measured:
        raise DisprovedError("AWS refused")

    let_each_step(monkeypatch, fail)
    result = run(*NEW, "--yes")

    assert result.exit_code == 1
    assert "deploy             failed     AWS refused" in result.stdout
    assert state().is_destroyed


def test_without_a_terminal_it_needs_yes(run: Run) -> None:
    """Nothing is remembered, because nothing was made."""
    result = run(*NEW)

    assert result.exit_code == 2
    assert "There is no terminal to ask at; write --yes to do it" in result.stderr
    assert not Path(OUTPUT).exists()


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_it_asks_before_it_costs_money(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    """By default the answer is no."""
    at_a_terminal(monkeypatch)
    result = run(*NEW, answer=answer)

    assert result.exit_code == status
    assert "and costs about 0.20 USD" in result.stderr
    assert Path(OUTPUT).exists() is (status == 0)


def test_what_is_in_the_folder_stays_without_an_agreement(run: Run) -> None:
    """Such as the report of an earlier proof."""
    Path(OUTPUT).mkdir()
    (Path(OUTPUT) / "report.md").write_text("# Proof\n")
    assert run(*NEW).exit_code == 2
    assert [each.name for each in Path(OUTPUT).iterdir()] == ["report.md"]


@pytest.mark.parametrize("answer", ["\n", "y\n"])
def test_after_an_interrupt_it_asks_and_deletes(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """By default the answer is yes."""
    at_a_terminal(monkeypatch)
    let_each_step(monkeypatch, interrupt)
    result = run(*NEW, answer=f"y\n{answer}")

    assert result.exit_code == 130
    assert "Delete what is deployed now?" in result.stderr
    assert state().is_destroyed


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_what_is_not_deleted_can_be_resumed(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Also after Ctrl-C at the question. The message says how to delete it."""
    at_a_terminal(monkeypatch)
    let_each_step(monkeypatch, interrupt)
    result = run(*NEW, answer=f"y\n{answer}")
    assert result.exit_code == 130
    assert "costs money until it is deleted: fargate-constructs prove --destroy\n" in result.stderr
    assert run(*NEW, "--yes").exit_code == 2

    let_each_step(monkeypatch, lambda _: {})
    assert run("--resume", "--yes").exit_code == 0
    assert state().is_destroyed


def test_without_a_terminal_an_interrupt_deletes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI system that cancels a job cannot be asked."""
    let_each_step(monkeypatch, interrupt)
    result = run(*NEW, "--yes")

    assert result.exit_code == 130
    assert state().is_destroyed


def test_an_interrupt_of_the_deletion(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next call waits for it."""
    monkeypatch.setattr(prove, "destroy", lambda *_, **__: interrupt_now())
    result = run(*NEW, "--yes", "--output", "other one", "--profile", "test")
    assert result.exit_code == 130
    command = "fargate-constructs prove --destroy --output 'other one' --profile test\n"
    assert f"lists what is left: {command}" in result.stderr


def interrupt_now() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


def test_what_is_not_deleted_is_named(run: Run, aws: RecordedAws) -> None:
    """The message says how to try it again."""
    aws.answers["DescribeStacks"] = stack("DELETE_FAILED")
    aws.answers["ListObjectVersions"] = {}
    result = run(*NEW, "--yes")

    assert result.exit_code == 1
    assert "this tries it again: fargate-constructs prove --destroy" in result.stderr
    assert not state().is_destroyed


def test_an_earlier_proof_is_deleted(run: Run, tmp_path: Path) -> None:
    """Without a question about costs, and without a synthesis."""
    ProofState.new(tmp_path / OUTPUT, ACCOUNT, "eu-west-1").save()
    result = run("--destroy", "--yes")

    assert result.exit_code == 0, result.output
    assert "Deletes the stack FargateProof-" in result.stderr
    assert "synthesizes" not in result.stderr
    assert state().is_destroyed


def test_credentials_of_another_account(run: Run, aws: RecordedAws) -> None:
    """Nothing is asked, made or remembered."""
    aws.answers["GetCallerIdentity"] = {"Account": "999999999999"}
    result = run(*NEW, "--yes")

    assert result.exit_code == 2
    assert "--account must be that of the credentials, 999999999999, got: 111122223333" in result.stderr
    assert {name for name, _ in aws.requests} == {"GetCallerIdentity"}


def test_help_names_the_price(run: Run) -> None:
    """A person who reads only the help knows that it costs money."""
    assert "This costs money" in run("--help").stdout
