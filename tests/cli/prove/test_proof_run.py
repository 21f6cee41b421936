"""Which steps of a proof run, and what happens when one fails."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fargate_constructs.cli.prove import proof_run
from fargate_constructs.cli.prove.outcomes import FAILED, NOT_SHOWN, SHOWN, DisprovedError, NotShownError, Result
from fargate_constructs.cli.prove.proof_run import destroy, run_steps
from fargate_constructs.cli.prove.proof_step import Measured, Proof, Step
from tests.cli.prove.conftest import Sequence, stack, stack_event
from tests.cli.recorded_aws import SERVICE_ARN, RecordedAws, event, service, stack_resource

NO_NETWORK = EndpointConnectionError(endpoint_url="https://ecs.us-east-1.amazonaws.com/")
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "is not authorized"}}, "FilterLogEvents")


def no_room(*_: object) -> None:
    """Do what a full disk does."""
    raise OSError("No space left on device")


def use(monkeypatch: pytest.MonkeyPatch, **errors: BaseException | None) -> list[str]:
    """Let a proof have other steps, which raise errors; return the list of those that ran."""
    ran: list[str] = []

    def step(name: str, error: BaseException | None) -> Step:
        def run(_proof: Proof) -> Measured:
            ran.append(name)
            if error:
                raise error
            return {"value": 1}

        return Step(name, "it holds", run)

    monkeypatch.setattr(proof_run, "STEPS", tuple(step(name, error) for name, error in errors.items()))
    return ran


def outcomes(proof: Proof) -> dict[str, tuple[str, str]]:
    """Return the outcome and the reason of each step."""
    return {each.step: (each.outcome, each.reason) for each in proof.operations.state.results}


@pytest.mark.parametrize(("is_aws", "failed"), [(True, FAILED), (False, NOT_SHOWN)])
def test_a_step_that_fails_does_not_end_the_proof(
    proof: Proof,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    is_aws: bool,  # noqa: FBT001 - a parameter
    failed: str,
) -> None:
    """Also if it is a fault of the program. What is not AWS disproves nothing."""
    ran = use(
        monkeypatch,
        deploy=None,
        one=DisprovedError("no"),
        two=NotShownError("no plugin"),
        three=KeyError("a"),
        four=None,
    )
    run_steps(proof, said.append, is_aws=is_aws)

    assert ran == ["deploy", "one", "two", "three", "four"]
    assert outcomes(proof) == {
        "deploy": (SHOWN, ""),
        "one": (failed, "no"),
        "two": (NOT_SHOWN, "no plugin"),
        "three": (failed, "KeyError: 'a'"),
        "four": (SHOWN, ""),
    }
    assert "one: " + failed + ", 0 s: no" in said


def test_a_question_without_an_answer_disproves_nothing(
    proof: Proof, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says what to check, such as the network or a permission."""
    use(monkeypatch, deploy=None, one=NO_NETWORK, two=REFUSED)
    run_steps(proof, said.append, is_aws=True)

    found = outcomes(proof)
    assert {found["one"][0], found["two"][0]} == {NOT_SHOWN}
    assert found["one"][1].startswith("there is no answer; check the network")
    assert "FilterLogEvents operation: is not authorized" in found["two"][1]


def test_a_disk_that_is_full_does_not_prevent_the_deletion(
    proof: Proof, aws: RecordedAws, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are in the report nevertheless."""
    monkeypatch.setattr(Path, "write_text", no_room)
    use(monkeypatch, deploy=None)
    run_steps(proof, said.append, is_aws=True)
    aws.answers["DescribeStacks"] = Sequence(
        stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), stack("DELETE_COMPLETE")
    )
    destroy(proof, said.append, is_aws=True)

    assert outcomes(proof) == {"deploy": (SHOWN, ""), "destroy": (SHOWN, "")}
    assert proof.operations.state.is_destroyed


def test_without_the_app_nothing_is_asked(proof: Proof, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that follow would only repeat it."""
    ran = use(monkeypatch, deploy=DisprovedError("the stack is ROLLBACK_COMPLETE"), one=None)
    run_steps(proof, said.append, is_aws=True)

    assert ran == ["deploy"]


def test_a_resumed_proof_runs_what_is_not_shown(proof: Proof, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a proof; the results so far are kept."""
    use(monkeypatch, deploy=None, one=DisprovedError("no"), two=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_steps(proof, said.append, is_aws=True)
    ran = use(monkeypatch, deploy=None, one=None, two=None)
    run_steps(proof, said.append, is_aws=True)

    assert ran == ["one", "two"]
    assert set(outcomes(proof).values()) == {(SHOWN, "")}


def test_the_app_is_destroyed(proof: Proof, aws: RecordedAws, said: list[str]) -> None:
    """The VPC is remembered, so that its network interfaces can be found."""
    aws.answers["ListStackResources"] = {
        "StackResourceSummaries": [
            stack_resource("Vpc", "AWS::EC2::VPC", "vpc-1"),
            stack_resource("Ip", "AWS::EC2::EIP", "192.0.2.1"),
        ]
    }
    aws.answers["DescribeStacks"] = Sequence(
        stack("UPDATE_COMPLETE"), stack("UPDATE_COMPLETE"), stack("DELETE_COMPLETE")
    )
    destroy(proof, said.append, is_aws=True)

    state = proof.operations.state
    assert (state.vpc, state.is_destroyed) == ("vpc-1", True)
    assert state.results == [Result("destroy", "the stack is deleted", SHOWN, seconds=state.results[0].seconds)]


def test_the_deletion_waits_for_the_network(proof: Proof, aws: RecordedAws, said: list[str]) -> None:
    """What is deployed costs money."""
    left = [NO_NETWORK, NO_NETWORK, stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), stack("DELETE_COMPLETE")]

    def look(_request: object) -> object:
        each = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(each, Exception):
            raise each
        return each

    aws.answers["DescribeStacks"] = look  # type: ignore[assignment]
    destroy(proof, said.append, is_aws=True)

    assert proof.operations.state.is_destroyed
    assert [name for name, _ in aws.requests if name == "DeleteStack"] == ["DeleteStack"]


def test_a_stack_that_is_not_deleted(proof: Proof, aws: RecordedAws, said: list[str]) -> None:
    """The reason is in the result, and the proof is not over."""
    aws.answers["DescribeStacks"] = stack("DELETE_FAILED")
    aws.answers["DescribeStackEvents"] = {"StackEvents": [stack_event(2, "Vpc", "DELETE_FAILED", "has dependencies")]}
    destroy(proof, said.append, is_aws=True)

    assert outcomes(proof) == {"destroy": (FAILED, "the stack is DELETE_FAILED; Vpc: has dependencies")}
    assert not proof.operations.state.is_destroyed


def test_a_failure_is_explained_before_the_deletion(
    proof: Proof, aws: RecordedAws, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what `fargate-constructs explain` finds, because the services are gone then."""
    text = "(service web) is unable to consistently start tasks successfully."
    aws.answers["DescribeServices"] = {"services": [service(runningCount=0, events=[event(text)])]}
    aws.answers["ListStackResources"] = {
        "StackResourceSummaries": [stack_resource("Web", "AWS::ECS::Service", SERVICE_ARN)]
    }
    use(monkeypatch, deploy=DisprovedError("the stack is ROLLBACK_COMPLETE"))
    run_steps(proof, said.append, is_aws=True)

    (result,) = proof.operations.state.results
    explained = result.measured["explained"]
    assert all(each.startswith("Shop/Web: ") for each in explained)
    assert any(text in each for each in explained)


def test_a_failure_that_cannot_be_explained(
    proof: Proof, aws: RecordedAws, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof goes on."""
    aws.answers["ListStackResources"] = ("AccessDenied", "is not authorized")
    use(monkeypatch, deploy=DisprovedError("no"))
    run_steps(proof, said.append, is_aws=True)

    (result,) = proof.operations.state.results
    (explained,) = result.measured["explained"]
    assert explained.startswith("not explained: ClientError: ")
