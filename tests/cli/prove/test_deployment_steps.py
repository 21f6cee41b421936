"""The steps that deploy, on recorded answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fargate_constructs.cli.prove.deployment_steps import deploy, deploy_again, roll_back
from fargate_constructs.cli.prove.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.prove.proof_step import Measured, Proof
from tests.cli.prove.conftest import (
    NO_STACK,
    STACK,
    Sequence,
    service_deployment,
    stack,
    stack_event,
)
from tests.cli.recorded_aws import IMAGE, RecordedAws, service, stack_resource, task_definition


def deployments(aws: RecordedAws, *later: dict[str, Any]) -> None:
    """Let ECS list one deployment before, and further ones later."""
    first = service_deployment(1, "SUCCESSFUL")
    listed = [{"serviceDeploymentArn": each["serviceDeploymentArn"]} for each in (first, *later)]
    aws.answers["ListServiceDeployments"] = Sequence(
        {"serviceDeployments": listed[:1]}, {"serviceDeployments": listed[::-1]}
    )
    aws.answers["DescribeServiceDeployments"] = Sequence(
        {"serviceDeployments": [first]}, {"serviceDeployments": [*later[::-1], first]}
    )


def test_a_deployment(proof: Proof, aws: RecordedAws) -> None:
    """The stack is made from the first state of the app, and its resources are counted."""
    aws.answers["DescribeStacks"] = Sequence(NO_STACK, stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"))
    aws.answers["ListStackResources"] = {"StackResourceSummaries": [stack_resource("Vpc", "AWS::EC2::VPC", "vpc-1")]}

    assert deploy(proof) == {"resources": 1}


def test_a_failed_deployment(proof: Proof, aws: RecordedAws) -> None:
    """The reason is that of the resource which failed first."""
    aws.answers["DescribeStacks"] = Sequence(NO_STACK, stack("ROLLBACK_COMPLETE"))
    aws.answers["DescribeStackEvents"] = {
        "StackEvents": [
            stack_event(4, STACK, "ROLLBACK_COMPLETE"),
            stack_event(3, "Other", "CREATE_FAILED", "Resource creation cancelled"),
            stack_event(2, "Ip", "CREATE_FAILED", "The maximum number of addresses has been reached."),
            stack_event(1, STACK, "CREATE_IN_PROGRESS"),
        ]
    }

    with pytest.raises(DisprovedError) as error:
        deploy(proof)
    assert str(error.value) == ("the stack is ROLLBACK_COMPLETE; Ip: The maximum number of addresses has been reached.")


@pytest.mark.parametrize("end", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"])
def test_the_first_cluster_of_an_account_is_tried_again(proof: Proof, aws: RecordedAws, end: str) -> None:
    """ECS makes its role in the first attempt; the second one is the last."""
    reason = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    failed = [stack_event(2, "Cluster", "CREATE_FAILED", reason), stack_event(1, STACK, "CREATE_IN_PROGRESS")]
    aws.answers["DescribeStackEvents"] = {"StackEvents": failed}
    aws.answers["DescribeStacks"] = Sequence(
        NO_STACK,
        stack("ROLLBACK_COMPLETE"),
        stack("ROLLBACK_COMPLETE"),
        stack("DELETE_COMPLETE"),
        NO_STACK,
        stack(end),
    )

    if end == "CREATE_COMPLETE":
        assert deploy(proof) == {"attempts": 2, "resources": 0}
    else:
        with pytest.raises(DisprovedError, match="Cluster: Unable to assume the service linked role"):
            deploy(proof)
    changes = [name for name, _ in aws.requests if name in ("CreateStack", "DeleteStack")]
    assert changes == ["CreateStack", "DeleteStack", "CreateStack"]


def test_a_second_deployment(proof: Proof, aws: RecordedAws) -> None:
    """ECS's own times count; requests are sent meanwhile."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), stack("UPDATE_COMPLETE"))
    deployments(aws, service_deployment(2, "SUCCESSFUL"))

    measured = deploy_again(proof)

    assert measured.pop("requests") >= 1
    assert measured == {
        "deployment_seconds": 95,
        "check_and_drain_seconds": 40,
        "check_and_drain_seconds_by_default": 330,
        "failed_requests": 0,
    }


def test_after_an_interrupt_the_deployment_of_the_earlier_call_counts(proof: Proof, aws: RecordedAws) -> None:
    """There are no updates, and the state knows which deployment is new."""
    aws.answers["DescribeStacks"] = stack("UPDATE_COMPLETE")
    aws.answers["UpdateStack"] = ("ValidationError", "No updates are to be performed.")
    proof.operations.state.before["second"] = [service_deployment(1, "SUCCESSFUL")["serviceDeploymentArn"]]
    deployments(aws, service_deployment(2, "SUCCESSFUL"))
    aws.answers["ListServiceDeployments"] = aws.answers["ListServiceDeployments"].answers[1]  # type: ignore[union-attr]
    aws.answers["DescribeServiceDeployments"] = aws.answers["DescribeServiceDeployments"].answers[1]  # type: ignore[union-attr]

    assert deploy_again(proof)["deployment_seconds"] == 95


ROLLED_BACK = service_deployment(
    2, "ROLLBACK_SUCCESSFUL", rollback={"startedAt": service_deployment(2, "")["createdAt"] + timedelta(seconds=60)}
)


OTHERS_RUN = "other tasks than those from before run after 300 s"


TWO_ROLLOUTS = [{"status": "PRIMARY"}, {"status": "ACTIVE"}]


def test_a_rollback(proof: Proof, aws: RecordedAws) -> None:
    """It is noticed, and then the old tasks are all that run; CloudFormation's own rollback is a later deployment."""
    aws.answers["DescribeStacks"] = Sequence(stack("UPDATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE"))
    deployments(aws, ROLLED_BACK, service_deployment(3, "SUCCESSFUL"))

    measured = roll_back(proof)

    assert measured.pop("requests") >= 1
    assert measured == {
        "noticed_after_seconds": 60,
        "rolled_back_after_seconds": 95,
        "image": IMAGE,
        "failed_requests": 0,
    }


def test_a_rollback_to_another_image(proof: Proof, aws: RecordedAws) -> None:
    """The tasks that run must have the image from before."""
    aws.answers["DescribeStacks"] = Sequence(
        stack("UPDATE_COMPLETE"), stack("UPDATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")
    )
    broken = {**task_definition()["containerDefinitions"][0], "image": "shop:broken"}
    aws.answers["DescribeTaskDefinition"] = {"taskDefinition": {"containerDefinitions": [broken]}}
    deployments(aws, ROLLED_BACK)

    with pytest.raises(DisprovedError, match="the image of the service is shop:broken"):
        roll_back(proof)


@pytest.mark.parametrize(
    ("step", "status", "later", "changes", "message"),
    [
        (deploy_again, "UPDATE_ROLLBACK_COMPLETE", [], {}, "the stack is UPDATE_ROLLBACK_COMPLETE"),
        (deploy_again, "UPDATE_COMPLETE", [], {}, "ECS made no new deployment"),
        (deploy_again, "UPDATE_COMPLETE", [service_deployment(2, "STOPPED")], {}, "the deployment is STOPPED"),
        (roll_back, "UPDATE_COMPLETE", [], {}, "an image that does not exist was not rolled back"),
        (roll_back, "UPDATE_ROLLBACK_COMPLETE", [service_deployment(2, "STOPPED")], {}, "is STOPPED: no reason"),
        (roll_back, "UPDATE_ROLLBACK_COMPLETE", [ROLLED_BACK], {"runningCount": 1}, OTHERS_RUN),
        (roll_back, "UPDATE_ROLLBACK_COMPLETE", [ROLLED_BACK], {"deployments": TWO_ROLLOUTS}, OTHERS_RUN),
    ],
)
def test_deployments_that_are_not_as_promised(
    *,
    proof: Proof,
    aws: RecordedAws,
    step: Callable[[Proof], Measured],
    status: str,
    later: list[dict[str, Any]],
    changes: dict[str, Any],
    message: str,
) -> None:
    """Each difference is named."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), stack(status))
    aws.answers["DescribeServices"] = {"services": [service(**changes)]}
    deployments(aws, *later)

    with pytest.raises(DisprovedError, match=message):
        step(proof)


def test_an_ecs_that_lists_no_deployments_shows_nothing(proof: Proof, aws: RecordedAws) -> None:
    """Their times are not known."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), stack("UPDATE_COMPLETE"))
    aws.answers["ListServiceDeployments"] = {"serviceDeployments": []}

    with pytest.raises(NotShownError, match="ECS does not list the deployments"):
        deploy_again(proof)


@pytest.mark.parametrize("status", [503, None])
def test_a_request_that_fails_in_between(proof: Proof, aws: RecordedAws, status: int | None) -> None:
    """An answer with another status is a failure, and so is none."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), stack("UPDATE_COMPLETE"))
    deployments(aws, service_deployment(2, "SUCCESSFUL"))

    def get(_url: str) -> tuple[int, str]:
        if status is None:
            raise ConnectionResetError("reset")
        return status, ""

    with pytest.raises(DisprovedError, match=r"\d of \d requests failed: (status 503|reset)"):
        deploy_again(replace(proof, get=get))
