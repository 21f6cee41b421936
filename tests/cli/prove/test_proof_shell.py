"""The step that runs a command in a task, with another program in place of `fargate-constructs shell`."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fargate_constructs.cli.prove import proof_shell
from fargate_constructs.cli.prove.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.prove.proof_shell import open_a_shell
from fargate_constructs.cli.prove.proof_step import Proof

# Runs the command that comes after `--` here, once the file `ready` exists.
PROGRAM = """
import pathlib, subprocess, sys
ready = pathlib.Path(__file__).parent / "ready"
if not ready.exists():
    ready.touch()
    sys.exit("no session can open")
pathlib.Path(__file__).with_name("options").write_text(" ".join(sys.argv[1:sys.argv.index("--")]))
sys.exit(subprocess.run(sys.argv[sys.argv.index("--") + 1:]).returncode)
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The other program, and a plugin."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    plugin = tmp_path / "bin/session-manager-plugin"
    plugin.parent.mkdir()
    plugin.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{plugin.parent}:/usr/bin:/bin")
    monkeypatch.setattr(proof_shell, "PROGRAM", (sys.executable, str(path)))
    return path


@pytest.mark.parametrize(("profile", "option"), [("", ""), ("test", " --profile test")])
def test_a_command_runs(proof: Proof, program: Path, profile: str, option: str) -> None:
    """It is tried until a session opens; the profile is that of the proof."""
    assert open_a_shell(replace(proof, profile=profile)).keys() == {"seconds_with_checks"}
    app = f"--app {proof.assemblies / 'first'}"
    assert program.with_name("options").read_text() == f"shell FargateProof-1a2b/Web {app} --region us-east-1{option}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('proof-1a2b-42')", "after 300 s: status 0, printed: proof-1a2b-42"),
        ("import sys; sys.exit('no session')", "after 300 s: status 1, printed: no session"),
        ("import time; time.sleep(60)", r"after 300 s: the session has no end after 0.1 s"),
    ],
)
def test_a_command_that_does_not_run(
    proof: Proof, program: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    """The last reason is named."""
    program.write_text(code)
    monkeypatch.setattr(proof_shell, "PAUSE_SECONDS", 300)
    if "sleep" in code:
        monkeypatch.setattr(proof_shell, "SESSION_SECONDS", 0.1)

    with pytest.raises(DisprovedError, match=f"no command ran in a task {message}"):
        open_a_shell(proof)


def test_without_the_plugin(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says how to install it."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(
        NotShownError, match=r"session-manager-plugin is not on the PATH of this computer. Install it: "
    ):
        open_a_shell(proof)
