"""The steps of requests and addresses, on recorded answers."""

from dataclasses import replace
from typing import Any

import pytest

from fargate_constructs.cli.prove.network_steps import leave_from_elastic_ips, reach_endpoint
from fargate_constructs.cli.prove.outcomes import DisprovedError
from fargate_constructs.cli.prove.proof_step import Proof
from tests.cli.prove.conftest import (
    CONTAINERS,
    STOPPED,
    Sequence,
    log_event,
)
from tests.cli.recorded_aws import RecordedAws, service

pytestmark = pytest.mark.usefixtures("time")


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
