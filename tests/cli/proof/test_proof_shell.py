"""The step that runs a command in a task, with a program in place of AWS's plugin."""

import sys
from pathlib import Path

import pytest

from fargate_constructs.cli.proof.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.proof.proof_shell import open_a_shell, run_in_terminal
from fargate_constructs.cli.proof.proof_steps import Proof
from tests.cli.proof.conftest import TASK_ARN, Sequence
from tests.cli.recorded_aws import ACCOUNT, REGION, RecordedAws, task

AGENT = {"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}
SESSION = {"session": {"sessionId": "s1", "streamUrl": "wss://example.com", "tokenValue": "t"}}


@pytest.fixture
def plugin(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in place of the plugin, which prints the answer in a terminal only, and a task with an agent."""
    path = tmp_path / "bin/session-manager-plugin"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ntest -t 0 && echo proof-1a2b-42\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
    containers = [
        {"name": "sidecar", "managedAgents": [AGENT], "runtimeId": "r0"},
        {"name": "web", "managedAgents": [AGENT], "runtimeId": "r1"},
    ]
    aws.answers["ListTasks"] = Sequence({"taskArns": []}, {"taskArns": [TASK_ARN]})
    aws.answers["DescribeTasks"] = {"tasks": [task(taskArn=TASK_ARN, clusterArn=cluster, containers=containers)]}
    aws.answers["ExecuteCommand"] = Sequence(("TargetNotConnectedException", "not yet"), SESSION)
    return path


def test_a_command_runs(proof: Proof, plugin: Path) -> None:
    """It is tried until the agent is connected; the plugin gets what the AWS CLI gives it."""
    assert "command_seconds" in open_a_shell(proof)
    session, region, operation, profile, request, endpoint = (plugin.parents[1] / "arguments").read_text().splitlines()
    assert '"tokenValue": "t"' in session
    assert (region, operation, profile) == (REGION, "StartSession", "")
    assert request == '{"Target": "ecs:shop_1dc5c17a_r1"}'
    assert endpoint == "https://ssm.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("printed", "message"), [("Session ended", "printed: Session ended"), ("", "printed: nothing")]
)
def test_a_session_without_the_answer(proof: Proof, plugin: Path, printed: str, message: str) -> None:
    """The echo of the command is no answer: the number is computed in the task."""
    plugin.write_text(f"#!/bin/sh\nprintf '{printed}'\n")

    with pytest.raises(DisprovedError, match=message):
        open_a_shell(proof)


def test_a_task_without_an_agent(proof: Proof, plugin: Path, aws: RecordedAws) -> None:
    """It starts some seconds after the task."""
    del plugin
    aws.answers["DescribeTasks"] = {"tasks": [task(containers=[{"name": "web"}])]}

    with pytest.raises(DisprovedError, match="the agent of ECS Exec does not run in a task after 300 s"):
        open_a_shell(proof)


def test_without_the_plugin(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says how to install it."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NotShownError, match="session-manager-plugin is not on the PATH; install it: https://docs"):
        open_a_shell(proof)


def test_a_program_without_an_end_is_ended() -> None:
    """Sessions hang sometimes; what was printed until then counts."""
    program = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]

    assert run_in_terminal(program, limit=0.2).strip() in ("", "ready")


def test_the_end_of_a_terminal_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a read returns nothing; on Linux it fails."""
    monkeypatch.setattr("os.read", lambda *_: b"")

    assert run_in_terminal([sys.executable, "-c", "print(1)"], limit=5) == ""
