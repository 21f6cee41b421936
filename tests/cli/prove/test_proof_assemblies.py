"""The program that synthesizes the app of a proof."""

import json
from pathlib import Path

import pytest

from fargate_constructs.cli.prove import proof_assemblies
from fargate_constructs.cli.prove.proof_assemblies import synthesize, usd_of
from fargate_constructs.cli.prove.proof_state import ProofState

PROGRAM = """
import json, pathlib, sys
folder, stack, bucket = sys.argv[1:]
path = pathlib.Path(folder, "first", f"{stack}.template.json")
path.parent.mkdir(parents=True)
path.write_text(json.dumps({"Resources": {bucket: {"Type": "AWS::EC2::EIP"}}}))
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProofState:
    """A new proof, and another program in place of the app."""
    (tmp_path / "other_app.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(proof_assemblies, "APP", "other_app")
    return ProofState.new(tmp_path, "111122223333", "eu-west-1")


def test_the_app_is_synthesized_once(state: ProofState, tmp_path: Path) -> None:
    """A resumed proof has the same templates; their cost is computed."""
    synthesize(state, tmp_path / "assemblies")
    (tmp_path / "other_app.py").unlink()
    synthesize(state, tmp_path / "assemblies")

    template = json.loads((tmp_path / "assemblies/first" / f"{state.stack_name}.template.json").read_text())
    assert [*template["Resources"]] == [state.bucket]
    assert usd_of(state, tmp_path / "assemblies", 2) == 0.16


@pytest.mark.parametrize(
    ("program", "message"),
    [("import sys; sys.exit('no Node.js\\n')", "got: no Node.js"), ("exit(3)", "got: no reason")],
)
def test_an_app_that_does_not_synthesize(state: ProofState, tmp_path: Path, program: str, message: str) -> None:
    """The last line of its errors is the reason."""
    (tmp_path / "other_app.py").write_text(program)

    with pytest.raises(ValueError, match=f"the app of the proof must synthesize, {message}"):
        synthesize(state, tmp_path / "assemblies")
    assert not (tmp_path / "assemblies").exists()
