"""The steps of a proof, on recorded answers."""

import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fargate_constructs.cli.proof.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.proof.proof_steps import (
    Measured,
    Proof,
    archive_a_line,
    deploy,
    deploy_again,
    leave_from_elastic_ips,
    log_a_line,
    query_the_line,
    reach_endpoint,
    roll_back,
)
from tests.cli.proof.conftest import (
    CONTAINERS,
    NO_STACK,
    ROWS,
    STACK,
    STOPPED,
    Sequence,
    log_event,
    service_deployment,
    stack,
    stack_event,
)
from tests.cli.recorded_aws import IMAGE, NOW, RecordedAws, service, stack_resource, task_definition

LINE = b'{"message": "proof-1a2b 192.0.2.1"}\n'


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


def test_the_endpoint_answers(proof: Proof) -> None:
    """It may need some time; then a request has the token."""
    asked = []

    def get(url: str) -> tuple[int, str]:
        asked.append(url)
        if len(asked) == 1:
            raise OSError("Name or service not known")
        return (503 if len(asked) == 2 else 200), "nginx"

    assert reach_endpoint(replace(proof, get=get)) == {"status": 200, "server": "nginx"}
    assert asked[-1] == "http://shop.example.com/proof-1a2b"


def test_an_endpoint_without_answer(proof: Proof) -> None:
    """The last error is named."""

    def get(_url: str) -> tuple[int, str]:
        raise OSError("Name or service not known")

    with pytest.raises(DisprovedError, match="does not answer after 300 s: Name or service not known"):
        reach_endpoint(replace(proof, get=get))


def test_the_egress_addresses(proof: Proof, aws: RecordedAws) -> None:
    """A task in each subnet logs an address; all Elastic IPs are seen, and no other address."""
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}}
    aws.answers["DescribeServices"] = {"services": [service(networkConfiguration=network)]}
    aws.answers["FilterLogEvents"] = Sequence(
        {"events": []},
        {"events": [log_event("proof-1a2b 192.0.2.2\n"), log_event("of another task", "web/web/other")]},
        {"events": [log_event("proof-1a2b 192.0.2.1\n")]},
    )

    assert leave_from_elastic_ips(proof) == {
        "elastic_ips": ["192.0.2.1", "192.0.2.2"],
        "seen": ["192.0.2.2", "192.0.2.1"],
    }
    started = [request for name, request in aws.requests if name == "RunTask"]
    subnets = [each["networkConfiguration"]["awsvpcConfiguration"]["subnets"] for each in started]
    assert subnets == [["subnet-1"], ["subnet-2"]]
    assert "checkip.amazonaws.com" in started[0]["overrides"]["containerOverrides"][0]["command"][2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FilterLogEvents": {"events": [log_event("proof-1a2b 198.51.100.9")]}}, "tasks leave from .*198.51.100.9"),
        ({"FilterLogEvents": {"events": [log_event("proof-1a2b")]}}, "gave no address, but: proof-1a2b"),
        ({"FilterLogEvents": {"events": []}}, "task 1dc5c17a logged no line after 180 s"),
        ({"RunTask": {"tasks": [], "failures": [{"reason": "RESOURCE:FARGATE"}]}}, "ECS started no task"),
        ({"exitCode": 28}, "a task in subnet-1 ended with 28: web exited with code 28"),
        ({"lastStatus": "RUNNING"}, "a task in subnet-1 does not end after 300 s"),
    ],
    ids=["other address", "no address", "no line", "no task", "curl failed", "no end"],
)
def test_egress_that_is_not_as_promised(proof: Proof, aws: RecordedAws, changes: dict[str, Any], message: str) -> None:
    """Each difference is named."""
    if "exitCode" in changes:
        containers = [{**CONTAINERS[0], "exitCode": 28}]
        aws.answers["DescribeTasks"] = {"tasks": [{**STOPPED, "containers": containers}]}
    elif "lastStatus" in changes:
        aws.answers["DescribeTasks"] = {"tasks": [{**STOPPED, "lastStatus": "RUNNING"}]}
        aws.answers["StopTask"] = lambda _: aws.answers.update(DescribeTasks={"tasks": [STOPPED]}) or {}
    else:
        aws.answers.update(changes)

    with pytest.raises(DisprovedError, match=message):
        leave_from_elastic_ips(proof)


def test_a_line_is_logged(proof: Proof, aws: RecordedAws) -> None:
    """It is searched by the token, and its delay is measured."""
    assert log_a_line(proof) == {"lag_seconds": 1.5}
    (request,) = [request for name, request in aws.requests if name == "FilterLogEvents"]
    assert request["filterPattern"] == '"proof-1a2b"'
    aws.answers["FilterLogEvents"] = {"events": []}
    with pytest.raises(DisprovedError, match="no line with proof-1a2b is in /shop/web after 180 s"):
        log_a_line(proof)


def archived(aws: RecordedAws) -> None:
    """Let S3 have an object with another line, a list of compaction, and an object with the line."""
    bodies = {"a.ndjson.gz": gzip.compress(b"{}"), "_b.merged.txt": b"a", "c.ndjson.gz": gzip.compress(LINE)}
    stored = [{"Key": key, "LastModified": NOW + timedelta(seconds=4), "Size": 1} for key in bodies]
    aws.answers["ListObjectsV2"] = Sequence({}, {"Contents": stored})
    aws.answers["GetObject"] = lambda request: {"Body": io.BytesIO(bodies[request["Key"]])}


def test_a_line_is_archived(proof: Proof, aws: RecordedAws) -> None:
    """The delay is the time of the object without that of the line."""
    archived(aws)

    assert archive_a_line(proof) == {"key": "c.ndjson.gz", "lag_seconds": 4}
    assert [request["Prefix"] for name, request in aws.requests if name == "ListObjectsV2"] == [
        "log_group=%2Fshop%2Fweb/"
    ] * 2


def test_without_a_task_that_logs_the_command_writes_the_line(proof: Proof, aws: RecordedAws) -> None:
    """The report says so."""
    archived(aws)
    aws.answers |= {"FilterLogEvents": {"events": []}, "CreateLogStream": {}, "PutLogEvents": {}}

    assert archive_a_line(proof)["line"] == "written by this command, because no task has logged one"
    (request,) = [request for name, request in aws.requests if name == "PutLogEvents"]
    assert request["logEvents"][0]["message"] == "proof-1a2b by prove"


def test_a_line_that_is_not_archived(proof: Proof) -> None:
    """It is searched for five minutes."""
    with pytest.raises(DisprovedError, match="the line is not in S3 after 300 s"):
        archive_a_line(proof)


def test_a_query_finds_the_line(proof: Proof, aws: RecordedAws) -> None:
    """The first query comes before the catalog knows the log group."""
    aws.answers["GetQueryResults"] = Sequence({"ResultSet": {"Rows": ROWS[:1]}}, {"ResultSet": {"Rows": ROWS}})
    done = aws.answers["GetQueryExecution"]
    aws.answers["GetQueryExecution"] = Sequence({"QueryExecution": {"Status": {"State": "RUNNING"}}}, done)

    assert query_the_line(proof) == {"found_after_seconds": 21, "rows": 1, "bytes_scanned": 1024}
    request = next(request for name, request in aws.requests if name == "StartQueryExecution")
    assert "log_group = url_encode('/shop/web')" in request["QueryString"]
    assert request["WorkGroup"] == "catalog"


def test_a_query_that_fails(proof: Proof, aws: RecordedAws) -> None:
    """Athena's reason is in the message."""
    status = {"State": "FAILED", "StateChangeReason": "TABLE_NOT_FOUND"}
    aws.answers["GetQueryExecution"] = {"QueryExecution": {"Status": status}}

    with pytest.raises(DisprovedError, match="the query failed: TABLE_NOT_FOUND"):
        query_the_line(proof)


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
