"""The file that remembers a proof."""

from pathlib import Path

import pytest

from fargate_constructs.cli.prove.outcomes import FAILED, SHOWN, Result
from fargate_constructs.cli.prove.proof_state import ProofState, state_for

ACCOUNT, REGION = "111122223333", "eu-west-1"


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A later result of a step is in place of the earlier one."""
    state = ProofState.new(tmp_path, ACCOUNT, REGION)
    state.add(Result("deploy", "the stack is created", FAILED, "a reason"))
    state.add(Result("deploy", "the stack is created", SHOWN, seconds=3.5, measured={"resources": 1}))
    state.before["second"] = ["d1"]
    state.save()

    assert ProofState.read(tmp_path) == state
    assert state.has_shown("deploy")
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_names() -> None:
    """Each proof has names of its own, without the account; S3 allows small letters only."""
    one, other = (ProofState.new(Path(), ACCOUNT, REGION) for _ in range(2))

    assert one.stack_name != other.stack_name
    assert one.stack == one.stack_name == f"FargateProof-{one.id}"
    assert one.bucket == one.stack_name.lower()
    assert ACCOUNT not in one.bucket


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": [{}]}', '{"results": [], "no": 1}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """The message says what to delete."""
    (tmp_path / "state.json").write_text(text)

    with pytest.raises(ValueError, match=r"must be the state of a proof, got: .*; delete the stack FargateProof-"):
        ProofState.read(tmp_path)


@pytest.mark.parametrize(
    ("known", "options", "message"),
    [
        (None, {"account": ""}, "--account must be an ID of 12 digits, got: none"),
        (None, {"account": "1234"}, "--account must be an ID of 12 digits, got: 1234"),
        (None, {"account": "shop"}, "--account must be an ID of 12 digits, got: shop"),
        (None, {"region": None}, "--region must be a region, got: none"),
        (None, {"resume": True, "only_destroys": True}, "--resume and --destroy is allowed, got: both"),
        (None, {"resume": True}, "--output must be the folder of a proof, got: "),
        (None, {"only_destroys": True}, "--output must be the folder of a proof, got: "),
        (
            False,
            {},
            r"without an unfinished proof, got: .* with FargateProof-\w+ in eu-west-1; write --resume",
        ),
        (True, {"resume": True}, "--resume needs an unfinished proof, got: "),
        (False, {"resume": True, "account": "999999999999"}, f"--account must be that of the proof, {ACCOUNT}, got"),
        (False, {"only_destroys": True, "region": "us-east-1"}, "--region must be that of the proof, eu-west-1, got"),
    ],
)
def test_refusals(tmp_path: Path, known: bool | None, options: dict[str, object], message: str) -> None:  # noqa: FBT001 - a parameter
    """Options that do not fit what is in the folder."""
    if known is not None:
        state = ProofState.new(tmp_path, ACCOUNT, REGION)
        state.is_destroyed = known
        state.save()
    arguments: dict[str, object] = {"account": ACCOUNT, "region": REGION, **options}

    with pytest.raises(ValueError, match=message):
        state_for(tmp_path, **arguments)  # type: ignore[arg-type] # of the table


def test_a_finished_proof_makes_place(tmp_path: Path) -> None:
    """A new one has another ID. What is left of the finished one can be asked again."""
    state = state_for(tmp_path, ACCOUNT, REGION)
    state.is_destroyed = True
    state.save()

    assert state_for(tmp_path, ACCOUNT, REGION).id != state.id
    assert state_for(tmp_path, "", None, only_destroys=True) == state
