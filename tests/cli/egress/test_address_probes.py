"""`fargate-constructs egress --prove`."""

import json
import os
import signal
from typing import Any

import pytest

from fargate_constructs.cli.deployed.deployed_networks import find_subject
from fargate_constructs.cli.egress.address_probes import (
    IMAGE,
    IPV4_PAGE,
    REQUESTS,
    Seen,
    ask_from_inside,
    plan_probes,
    summary,
)
from fargate_constructs.cli.egress.egress_report import report_on
from tests.cli.deployed.test_egress_addresses import ANYWHERE, IPV6, NAT_ROUTE, by, nat, subnet, table
from tests.cli.egress.test_egress import aws, filtered, network, run
from tests.cli.recorded_aws import ACCOUNT, NOW, REGION, RecordedAws, service, task_definition
from tests.cli.recorded_tasks import CLUSTER_ARN, Time, interrupt, requests_of

__all__ = ["aws"]  # a fixture
pytestmark = pytest.mark.usefixtures("time")

DEFINITION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/fargate-constructs-egress:1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop"
# What the internet sees from each subnet.
SEEN = {"subnet-0a1b": "203.0.113.7", "subnet-0b0b": "203.0.113.8"}


class Tasks:
    """Tasks that write into their logs what the internet sees, and that end at the second look."""

    def __init__(self, lines: dict[str, list[str]]) -> None:
        self.lines = lines
        self.subnets: list[str] = []
        self.looks = 0
        self.stopped: list[str] = []

    def __deepcopy__(self, _memo: object) -> "Tasks":
        """The recorded AWS copies its answers, and so what these methods belong to."""
        return self

    def run(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        """Start a task; its ID is the number of those before it."""
        [name] = request["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
        self.subnets.append(name)
        return {"tasks": [self.task(len(self.subnets) - 1, "PROVISIONING")], "failures": []}

    def describe(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        """Return a task, which has ended."""
        self.looks += 1
        return {"tasks": [self.task(int(request["tasks"][0].rpartition("/")[2]), "STOPPED")]}

    def stop(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        """Stop a task."""
        self.stopped.append(request["task"].rpartition("/")[2])
        return {"task": self.task(0, "DEACTIVATING")}

    def log(self, request: Any) -> Any:  # noqa: ANN401 - of botocore
        """Return the lines of a task."""
        prefix, container, number = request["logStreamName"].split("/")
        assert (prefix, container) == ("fargate-constructs-egress", "egress")
        lines = self.lines[self.subnets[int(number)]]
        shown = [] if "nextToken" in request else lines
        return {"events": [{"timestamp": 1, "message": f"{each}\n"} for each in shown], "nextForwardToken": "f/1"}

    def task(self, number: int, status: str) -> dict[str, Any]:
        """Return what ECS knows about a task."""
        ended = {"exitCode": 0} if status == "STOPPED" else {}
        return {
            "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{number}",
            "clusterArn": CLUSTER_ARN,
            "lastStatus": status,
            "createdAt": NOW,
            "containers": [{"name": "egress", **ended}],
        }


@pytest.fixture
def tasks(aws: RecordedAws) -> Tasks:
    """An AWS whose tasks see the addresses of their NAT gateways."""
    made = Tasks({name: [f"ipv4={ip}"] for name, ip in SEEN.items()})
    aws.answers |= {
        "RegisterTaskDefinition": {"taskDefinition": {"taskDefinitionArn": DEFINITION}},
        "DeregisterTaskDefinition": {"taskDefinition": {"taskDefinitionArn": DEFINITION}},
        "DeleteTaskDefinitions": {"taskDefinitions": [], "failures": []},
        "RunTask": made.run,
        "DescribeTasks": made.describe,
        "StopTask": made.stop,
        "GetLogEvents": made.log,
    }
    return made


def ask(aws: Any) -> list[Seen]:  # noqa: ANN401 - as boto3
    """Return what the tasks of the service see."""
    report = report_on(aws, find_subject(aws, "Shop/Web"))
    return ask_from_inside(aws, REGION, plan_probes(report.subject, report.departures))


def test_each_subnet_is_asked(aws: RecordedAws, tasks: Tasks) -> None:
    """A task in each subnet sees the address of its NAT gateway; nothing is left."""
    status, output, errors = run("Shop/Web", "--prove", "--yes")

    assert status == 0, errors
    assert "Seen from the internet\n" in output
    assert "  us-east-1a  subnet-0a1b  203.0.113.7: as expected\n" in output
    assert "  us-east-1b  subnet-0b0b  203.0.113.8: as expected\n" in output
    assert errors.splitlines() == [
        "task 0 asks from subnet-0a1b (us-east-1a)",
        "task 1 asks from subnet-0b0b (us-east-1b)",
    ]
    assert tasks.stopped == []
    assert requests_of(aws, "DeregisterTaskDefinition") == [{"taskDefinition": DEFINITION}]
    assert requests_of(aws, "DeleteTaskDefinitions") == [{"taskDefinitions": [DEFINITION]}]


def test_a_task_has_least_privileges(aws: RecordedAws, tasks: Tasks) -> None:
    """The service's execution role, log group and security groups; no task role, no secret, no Spot capacity."""
    network(aws, ["subnet-0a1b"])
    run("Shop/Web", "--prove", "--yes")

    [definition] = requests_of(aws, "RegisterTaskDefinition")
    [container] = definition.pop("containerDefinitions")
    assert definition == {
        "family": "fargate-constructs-egress",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": ROLE,
    }
    assert container["image"] == IMAGE
    assert container["readonlyRootFilesystem"] is True
    assert container["logConfiguration"]["options"] == {
        "awslogs-group": "/shop/web",
        "awslogs-region": REGION,
        "awslogs-stream-prefix": "fargate-constructs-egress",
    }
    [request] = requests_of(aws, "RunTask")
    assert request["taskDefinition"] == DEFINITION
    assert request["launchType"] == "FARGATE"
    assert request["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-0a1b"],
        "assignPublicIp": "DISABLED",
    }
    assert request["overrides"]["containerOverrides"] == [
        {"name": "egress", "command": ['echo "ipv4=$(curl -sS --max-time 10 https://checkip.amazonaws.com)"']}
    ]
    assert tasks.subnets == ["subnet-0a1b"]


@pytest.mark.parametrize(
    ("lines", "status", "text"),
    [
        (["ipv4=203.0.113.7", "ipv4=203.0.113.7"], 0, "203.0.113.7: as expected"),
        (["ipv4=203.0.113.8"], 1, "203.0.113.8: another address than expected"),
        (["ipv4=203.0.113.7", "ipv4=198.51.100.9"], 1, "203.0.113.7, 198.51.100.9: another address than expected"),
        (
            ["curl: (28) Connection timed out", "ipv4="],
            2,
            "no address: no answer (curl: (28) Connection timed out; nothing over IPv4)",
        ),
        ([], 2, "no address: no answer (its log is empty)"),
    ],
)
def test_what_is_seen_is_compared(lines: list[str], status: int, text: str, *, aws: RecordedAws, tasks: Tasks) -> None:
    """With the addresses that the VPC routes of the subnet lead to."""
    network(aws, ["subnet-0a1b"])
    tasks.lines["subnet-0a1b"] = lines
    found = run("Shop/Web", "--prove", "--yes")

    assert found[0] == status
    assert f"  us-east-1a  subnet-0a1b  {text}" in found[1]


@pytest.mark.parametrize(("ip", "status", "verdict"), [("203.0.113.7", 0, "proven"), ("8.8.8.8", 1, "otherAddress")])
def test_behind_a_transit_gateway(ip: str, status: int, verdict: str, *, aws: RecordedAws, tasks: Tasks) -> None:
    """The VPC routes do not show the address; any Elastic IP of the account proves it, and answers the finding."""
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(by(TransitGatewayId="tgw-1"))]}
    network(aws, ["subnet-0a1b"])
    tasks.lines["subnet-0a1b"] = [f"ipv4={ip}"]
    found, output, _ = run("Shop/Web", "--prove", "--yes", "--json")

    document = json.loads(output)
    assert (found, document["findings"]) == (status, [])
    text = run("Shop/Web", "--prove", "--yes")[1]
    assert (f"{ip}: no Elastic IP of this account and region\n" in text) == (verdict == "otherAddress")
    assert document["proof"] == [
        {"subnet": "subnet-0a1b", "zone": "us-east-1a", "expected": [], "seen": [ip], "verdict": verdict, "text": ""}
    ]


@pytest.mark.parametrize(
    ("lines", "status", "findings"),
    [(["ipv4=203.0.113.7"], 1, ["198.51.100.0/24"]), ([], 2, [ANYWHERE, "198.51.100.0/24"])],
)
def test_a_route_that_no_task_has_tried_stays_a_finding(
    lines: list[str], status: int, findings: list[str], *, aws: RecordedAws, tasks: Tasks
) -> None:
    """A task asks one page of the internet, and so shows nothing about other VPC routes; without answer, nothing."""
    partner = {"DestinationCidrBlock": "198.51.100.0/24", "TransitGatewayId": "tgw-1"}
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(by(TransitGatewayId="tgw-1"), partner)]}
    network(aws, ["subnet-0a1b"])
    tasks.lines["subnet-0a1b"] = lines
    found, output, _ = run("Shop/Web", "--prove", "--yes", "--json")

    assert found == status
    texts = [each["text"] for each in json.loads(output)["findings"]]
    assert [text.partition(" by ")[0].rpartition(" ")[2] for text in texts] == findings


def test_tasks_with_public_addresses_are_a_finding(aws: RecordedAws, tasks: Tasks) -> None:
    """What one task sees proves nothing for the next one."""
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(by(GatewayId="igw-1"))]}
    network(aws, ["subnet-0a1b"], assignPublicIp="ENABLED")

    assert run("Shop/Web", "--prove", "--yes")[0] == 1
    assert tasks.subnets == ["subnet-0a1b"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("ipv6=2600:1f14:0:100::9", "proven"), ("ipv6=2600:9::9", "otherAddress"), ("ipv6=", "proven")],
)
def test_ipv6_must_be_in_the_range_of_the_subnet(line: str, expected: str, aws: RecordedAws, tasks: Tasks) -> None:
    """A task without an IPv6 address leaves by IPv4 only."""
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(NAT_ROUTE, ipv6)]}
    aws.answers["DescribeSubnets"] = filtered("Subnets", "SubnetId", subnet(ipv6=IPV6))
    network(aws, ["subnet-0a1b"])
    tasks.lines["subnet-0a1b"] = ["ipv4=203.0.113.7", line]
    [seen] = ask(aws)

    assert seen.verdict(["203.0.113.7"]) == expected
    [request] = requests_of(aws, "RunTask")
    assert (
        "curl -6 -sS --max-time 10 https://checkip.global.api.aws"
        in request["overrides"]["containerOverrides"][0]["command"][0]
    )


def test_a_gateway_with_several_addresses_is_asked_again(aws: RecordedAws, tasks: Tasks) -> None:
    """It chooses an address for each connection."""
    gateway = nat(("203.0.113.7", "us-east-1a"), ("203.0.113.8", "us-east-1a"))
    aws.answers["DescribeNatGateways"] = {"NatGateways": [gateway]}
    network(aws, ["subnet-0a1b"])
    tasks.lines["subnet-0a1b"] = ["ipv4=203.0.113.8", "ipv4=203.0.113.7", "ipv4=203.0.113.8"]
    [seen] = ask(aws)

    assert (seen.addresses, seen.verdict([])) == (["203.0.113.8", "203.0.113.7"], "proven")
    [request] = requests_of(aws, "RunTask")
    assert request["overrides"]["containerOverrides"][0]["command"][0].count(IPV4_PAGE) == REQUESTS


def test_a_person_is_asked_first(aws: RecordedAws, tasks: Tasks) -> None:
    """Without a terminal and without --yes nothing is started; the message has the cost and what is done."""
    status, output, errors = run("Shop/Web", "--prove")

    assert (status, output, tasks.subnets) == (2, "", [])
    assert "This starts 2 tasks, one in each subnet, of public.ecr.aws/amazonlinux/amazonlinux:2023" in errors
    assert "in the cluster shop, with a task definition of its own, and removes both" in errors
    assert "less than 0.02 USD" in errors
    assert requests_of(aws, "RegisterTaskDefinition") == []


def test_an_interrupt_leaves_nothing(
    aws: RecordedAws, tasks: Tasks, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """All tasks are stopped, and the task definition is removed, also if one step fails."""
    time.events[2.0] = interrupt
    running = tasks.task(0, "RUNNING")
    aws.answers["DescribeTasks"] = lambda _: {"tasks": [tasks.task(0, "STOPPED") if tasks.stopped else running]}
    with pytest.raises(KeyboardInterrupt):
        ask(aws)

    assert sorted(tasks.stopped) == ["0", "1"]
    assert requests_of(aws, "DeregisterTaskDefinition") == [{"taskDefinition": DEFINITION}]
    assert "is still there" not in capsys.readouterr().err


def test_an_interrupt_while_ecs_registers_leaves_nothing(aws: RecordedAws, tasks: Tasks) -> None:
    """The answer is awaited, so that the task definition is known."""

    def register(_request: object) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGHUP)
        return {"taskDefinition": {"taskDefinitionArn": DEFINITION}}

    aws.answers["RegisterTaskDefinition"] = register
    with pytest.raises(KeyboardInterrupt):
        ask(aws)

    assert tasks.subnets == []
    assert requests_of(aws, "DeleteTaskDefinitions") == [{"taskDefinitions": [DEFINITION]}]


def test_another_interrupt_names_what_may_be_left(
    aws: RecordedAws, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other steps are done nevertheless."""
    aws.answers["DeregisterTaskDefinition"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        ask(aws)

    assert len(tasks.subnets) == 2
    assert f"{DEFINITION} may still be there\n" in capsys.readouterr().err


@pytest.mark.usefixtures("tasks")
def test_an_external_deployment_has_the_settings_of_its_task_set(aws: RecordedAws) -> None:
    """The service itself has no network and no task definition then."""
    made = service()
    made.pop("networkConfiguration")
    configuration = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b"], "assignPublicIp": "DISABLED"}}
    own = {"networkConfiguration": configuration, "taskDefinition": made.pop("taskDefinition")}
    made["taskSets"] = [{"status": "PRIMARY", "launchType": "FARGATE", **own}]
    aws.answers["DescribeServices"] = {"services": [made]}
    status, output, errors = run("Shop/Web", "--prove", "--yes")

    assert status == 0, errors
    assert "203.0.113.7: as expected" in output
    [request] = requests_of(aws, "RunTask")
    assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-0a1b"]


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (
            {"DeregisterTaskDefinition": ("AccessDeniedException", "not authorized")},
            f"{DEFINITION} is still there: An error occurred (AccessDeniedException)",
        ),
        (
            {"DeleteTaskDefinitions": {"failures": [{"arn": DEFINITION, "reason": "IN_USE"}]}},
            f"{DEFINITION} is deregistered, but not deleted: IN_USE",
        ),
    ],
)
def test_what_is_left_is_named(answers: dict[str, Any], text: str, *, aws: RecordedAws, tasks: Tasks) -> None:
    """The proof is shown nevertheless."""
    aws.answers |= answers
    status, output, errors = run("Shop/Web", "--prove", "--yes")

    assert (status, len(tasks.subnets), "as expected" in output) == (0, 2, True)
    assert text in errors


def test_a_task_that_does_not_start_is_explained(aws: RecordedAws, tasks: Tasks) -> None:
    """For example because its subnet has no egress: the image cannot be pulled."""
    network(aws, ["subnet-0a1b"])
    text = "CannotPullContainerError: pull image manifest has been retried 7 time(s): dial tcp 1.2.3.4:443: i/o timeout"
    ended = {**tasks.task(0, "STOPPED"), "containers": [{"name": "egress"}], "stoppedReason": text}
    aws.answers["DescribeTasks"] = {"tasks": [ended]}
    status, output, _ = run("Shop/Web", "--prove", "--yes")

    assert status == 2
    assert "no address: no answer (" in output
    assert text in output


def test_the_log_may_come_late(aws: RecordedAws, tasks: Tasks, time: Time) -> None:
    """CloudWatch Logs makes the log stream some seconds after the task has ended."""
    network(aws, ["subnet-0a1b"])
    nothing = {"events": [], "nextForwardToken": "f/0"}
    left: list[Any] = [("ResourceNotFoundException", "no stream"), nothing, nothing]
    aws.answers["GetLogEvents"] = lambda request: left.pop(0) if left else tasks.log(request)
    began = time.now
    [seen] = ask(aws)

    assert (seen.addresses, time.now - began) == (["203.0.113.7"], 2)


ROUTED = {
    **task_definition(),
    "containerDefinitions": [{"name": "web", "logConfiguration": {"logDriver": "awsfirelens"}}],
}


@pytest.mark.parametrize(
    ("name", "answers", "pattern"),
    [
        (
            "Shop/Web",
            {"DescribeTaskDefinition": {"taskDefinition": ROUTED}},
            "--prove needs a service with the log driver awslogs, got: Shop/Web; name another",
        ),
        (
            "Shop/Web",
            {"DescribeRouteTables": {"RouteTables": []}},
            "--prove needs a VPC route to the internet, got none in Shop/Web",
        ),
        ("Shop/Network", {"ListServices": {"serviceArns": []}}, "--prove needs a service in vpc-0a1b, got none"),
    ],
)
def test_refusals(name: str, answers: dict[str, Any], pattern: str, *, aws: RecordedAws, tasks: Tasks) -> None:
    """What is needed is checked before anything is made."""
    aws.answers |= answers
    status, output, errors = run(name, "--prove", "--yes")

    assert (status, output, tasks.subnets) == (2, "", [])
    assert pattern in errors
    assert requests_of(aws, "RegisterTaskDefinition") == []


def test_a_subnet_without_a_service_borrows_one(aws: Any, tasks: Tasks) -> None:  # noqa: ANN401 - as boto3
    """Of the same VPC: jobs may run there."""
    network(aws, ["subnet-0a1b", "subnet-gone"])
    report = report_on(aws, find_subject(aws, "Shop/Network"))
    probes = plan_probes(report.subject, report.departures)

    assert [(each.subnet, each.host.name) for each in probes] == [
        ("subnet-0a1b", "Shop/Web"),
        ("subnet-0b0b", "Shop/Web"),
    ]
    assert summary(probes[:1]).startswith("This starts a task of public.ecr.aws/")
    assert service()["clusterArn"] == CLUSTER_ARN
    assert tasks.subnets == []
