"""Runs the steps of a proof one after the other, and destroys what it deployed, also after a failure."""

from __future__ import annotations

from collections.abc import Callable

from fargate_constructs.cli.aws import meaning_of
from fargate_constructs.cli.causes.diagnosis import diagnose
from fargate_constructs.cli.deployed.deployed_resources import DeployedStack
from fargate_constructs.cli.deployed.deployed_services import services_in
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.prove.deployment_steps import deploy, deploy_again, roll_back
from fargate_constructs.cli.prove.log_steps import archive_a_line, log_a_line, query_the_line
from fargate_constructs.cli.prove.network_steps import leave_from_elastic_ips, reach_endpoint
from fargate_constructs.cli.prove.outcomes import FAILED, NOT_SHOWN, SHOWN, DisprovedError, NotShownError, Result
from fargate_constructs.cli.prove.proof_shell import open_a_shell
from fargate_constructs.cli.prove.proof_step import Measured, Proof, Step
from fargate_constructs.cli.prove.stack_operations import GONE

DESTROY_SECONDS = 60 * 60
STEPS = (
    Step("deploy", "CloudFormation creates the stack", deploy),
    Step("endpoint", "a request through the endpoint is answered", reach_endpoint),
    Step("egress", "tasks leave from the Elastic IPs", leave_from_elastic_ips),
    Step("log", "a line of a task is in CloudWatch Logs", log_a_line),
    Step("archive", "the line is in S3", archive_a_line),
    Step("query", "Athena finds the line", query_the_line),
    Step("shell", "a command runs in a task", open_a_shell),
    Step("second deployment", "it is fast, and no request fails", deploy_again),
    Step("rollback", "a broken image is rolled back, and no request fails", roll_back),
)
DESTROY, DESTROY_PROMISE = "destroy", "the stack is deleted"


def run_steps(proof: Proof, say: Callable[[str], None], *, is_aws: bool) -> None:
    """Run each step that is not yet shown.

    If it is not AWS itself, what fails is not shown, because the fault may be in what is in its place.
    """
    state = proof.operations.state
    for step in STEPS:
        if not state.has_shown(step.name):
            _run(proof, step, say, is_aws=is_aws)
        if not state.has_shown(STEPS[0].name):
            return  # without the app, there is nothing to ask about


def destroy(proof: Proof, say: Callable[[str], None], *, is_aws: bool) -> None:
    """Delete the stack and the bucket of the proof."""
    state = proof.operations.state

    def delete() -> str:
        for each in proof.operations.not_deleted():
            if each["ResourceType"] == "AWS::EC2::VPC":
                state.vpc = each["PhysicalResourceId"]
        state.remember()
        return proof.operations.destroy(limit=DESTROY_SECONDS)

    def run(proof: Proof) -> Measured:
        status = proof.waiting.until(delete, limit=DESTROY_SECONDS, missing="the deletion has no end")
        if status not in GONE:
            raise DisprovedError("; ".join([f"the stack is {status}", *proof.operations.failures()]))
        return {}

    _run(proof, Step(DESTROY, DESTROY_PROMISE, run), say, is_aws=is_aws)
    state.is_destroyed = state.has_shown(DESTROY)
    state.remember()


def _run(proof: Proof, step: Step, say: Callable[[str], None], *, is_aws: bool) -> None:
    """Run a step; remember its result."""
    say(f"{step.name}: {step.promise}")
    started = proof.waiting.now()
    outcome, reason, measured, failed = SHOWN, "", {}, FAILED if is_aws else NOT_SHOWN
    try:
        measured = step.run(proof)
    except NotShownError as error:
        outcome, reason = NOT_SHOWN, str(error)
    except DisprovedError as error:
        outcome, reason = failed, str(error)
    except Exception as error:  # noqa: BLE001 - also a fault of this program must not prevent the deletion
        outcome, reason = failed, f"{type(error).__name__}: {error}"
        if type(error).__module__.startswith("botocore."):  # a network or a permission that lacks disproves nothing
            outcome, reason = NOT_SHOWN, meaning_of(error)
    reason = " ".join(reason.split())
    if outcome == FAILED:
        measured = {"explained": _explained(proof)}
    seconds = proof.waiting.now() - started
    proof.operations.state.add(Result(step.name, step.promise, outcome, reason, round(seconds, 1), measured))
    say(f"{step.name}: {outcome}, {seconds:.0f} s{f': {reason}' if reason else ''}")


def _explained(proof: Proof) -> list[str]:
    """Return what `fargate-constructs explain` finds about the services, before they are deleted."""
    operations = proof.operations
    stack = DeployedStack(operations.session, operations.state.stack, operations.state.region)
    try:
        return [
            f"{service.name}: {finding.cause.what} {finding.texts[0]}"
            for service in services_in(stack)
            for finding in diagnose(Reader(operations.session, service)).findings
        ]
    except Exception as error:  # noqa: BLE001 - it is extra, and must not prevent the deletion
        return [f"not explained: {type(error).__name__}: {error}"]
