"""`fargate-constructs explain`."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call

import pytest
from click.testing import CliRunner
from rich.console import Console

from fargate_constructs.cli import explain
from fargate_constructs.cli.causes import CAUSES
from fargate_constructs.cli.causes.diagnosis import diagnose
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.deployed.service_facts import Reader
from tests.cli import recorded_aws
from tests.cli.recorded_aws import (
    NOW,
    REGION,
    SERVICE_ARN,
    STACK_ID,
    RecordedAws,
    deployment,
    event,
    service,
    stack_resource,
    task,
)

ROOT = Path(__file__).parents[2]
RECORDED = json.loads((ROOT / "tests/cli/recorded_answers.json").read_text())["answers"]
WEB = DeployedService("Shop/Web", "shop", "web", REGION, "Shop", "Web")
BROKEN: dict[str, Any] = {"runningCount": 0, "pendingCount": 1}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with a healthy service."""
    return clients


@pytest.fixture
def run(aws: RecordedAws) -> Run:
    """Runs the command; returns its status, and what it printed."""
    del aws

    def function(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(commands, ["explain", *(arguments or ["Shop/Web"])])
        return result.exit_code, result.stdout, result.stderr

    return function


def record(aws: RecordedAws, answer: dict[str, Any]) -> str:
    """Let AWS give a recorded answer about the service; return the text in it."""
    match answer:
        case {"task": stopped}:
            aws.answers["ListTasks"] = {"taskArns": ["1dc5c17a"]}
            aws.answers["DescribeTasks"] = {"tasks": [task(**stopped)]}
            text = stopped["stoppedReason"]
        case {"event": text}:
            aws.answers["DescribeServices"] = {"services": [service(events=[event(text)])]}
        case {"target": health}:
            target = {"Target": {"Id": "10.0.1.5", "Port": 80}, "TargetHealth": health}
            aws.answers["DescribeTargetHealth"] = {"TargetHealthDescriptions": [target]}
            text = health["Reason"]
        case {"deployment": failed}:
            aws.answers["DescribeServiceDeployments"] = {"serviceDeployments": [deployment(**failed)]}
            text = failed["status"]
        case {"stack": text}:
            aws.answers["DescribeStackEvents"] = {"StackEvents": [stack_event(ResourceStatusReason=text)]}
        case {"service": changes}:
            aws.answers["DescribeServices"] = {"services": [service(**changes)]}
            text = ""
        case {"answers": answers}:
            aws.answers.update(answers)
            text = ""
    return str(text)


def stack_event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return an event of the stack: the service has failed."""
    return {
        "StackId": STACK_ID,
        "EventId": "1",
        "StackName": "Shop",
        "LogicalResourceId": "Web",
        "PhysicalResourceId": SERVICE_ARN,
        "ResourceType": "AWS::ECS::Service",
        "Timestamp": NOW,
        "ResourceStatus": "UPDATE_FAILED",
        **changes,
    }


@pytest.mark.parametrize("answer", RECORDED, ids=[f"{each['cause']}-{place}" for place, each in enumerate(RECORDED)])
def test_each_cause_explains_a_recorded_answer(answer: dict[str, Any], aws: RecordedAws) -> None:
    """A finding has its text as AWS gives it; what also happens in a healthy service is no finding."""
    text = record(aws, answer)
    session: Any = aws
    found = diagnose(Reader(session, WEB))

    (cause,) = [each for each in CAUSES if each.id == answer["cause"]]
    assert found.gaps == []
    assert [each.cause for each in found.findings] == ([] if cause.is_normal else [cause])
    assert all(text in "".join(each.texts) for each in found.findings)


def test_each_cause_has_a_recorded_answer() -> None:
    """There are more than 70, each with all its texts and a page of AWS."""
    assert {each["cause"] for each in RECORDED} == {each.id for each in CAUSES}
    assert len({each.id for each in CAUSES}) == len(CAUSES) > 70
    assert all(each.what.endswith(".") and each.why and each.todo for each in CAUSES)
    assert all(each.page.startswith(("https://docs.aws.amazon.com/", "https://repost.aws/")) for each in CAUSES)


def rolled_back(aws: RecordedAws) -> None:
    """Let the last deployment of the service be rolled back, because its app ends with an error."""
    tasks = [
        task(
            taskArn=f"arn:aws:ecs:us-east-1:111122223333:task/shop/{number}dc5c17a422b4dc4b493970c6b8c4d6d",
            stoppedAt=NOW - timedelta(minutes=number),
            startedBy="ecs-svc/2",
            stoppedReason="Essential container in task exited",
            stopCode="EssentialContainerExited",
            containers=[{"name": "web", "lastStatus": "STOPPED", "exitCode": 1}],
        )
        for number in (1, 2, 3)
    ]
    aws.answers["ListTasks"] = {"taskArns": [each["taskArn"] for each in tasks]}
    aws.answers["DescribeTasks"] = {"tasks": tasks}
    failed = deployment(
        status="ROLLBACK_SUCCESSFUL",
        statusReason="Service deployment rolled back because the circuit breaker threshold was exceeded.",
    )
    aws.answers["DescribeServiceDeployments"] = {"serviceDeployments": [failed]}


def printed(run: Run, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Return what the command prints in a terminal of 80 columns without colours."""
    output = StringIO()
    monkeypatch.setattr(explain, "console", lambda: Console(file=output, width=80, highlight=False, markup=False))
    run(*arguments)
    return output.getvalue()


def test_the_guide_shows_what_is_printed(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of docs/command-line.md is the output in a terminal of 80 columns without colours."""
    rolled_back(aws)
    text = printed(run, monkeypatch)

    assert f"```\n{text}```" in (ROOT / "docs/command-line.md").read_text()
    assert max(len(each) for each in text.splitlines() if "https://" not in each) <= 80
    assert "\x1b" not in text


def findings(run: Run, *arguments: str) -> list[str]:
    """Return the causes that the command finds."""
    _, output, errors = run(*(arguments or ["Shop/Web"]), "--json")
    assert output, errors
    return [each["cause"] for each in json.loads(output)["findings"]]


def test_a_healthy_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no finding, and status 0."""
    assert run("Shop/Web")[0] == 0
    assert printed(run, monkeypatch).splitlines() == [
        "Shop/Web: no findings",
        "2 of 2 tasks run, 0 start, last deployment successful",
        "service web, cluster shop, us-east-1",
    ]


def test_a_text_that_is_not_known_is_shown_whole(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two such texts are two findings. An event of a service at rest is no finding, but shown."""
    reasons = [f"GremlinError: {'the moon is full ' * 20}number {number}" for number in range(2)]
    stopped = [task(stoppedReason=each, stopCode="ServiceSchedulerInitiated") for each in reasons]
    aws.answers["ListTasks"] = {"taskArns": ["a", "b"]}
    aws.answers["DescribeTasks"] = {"tasks": stopped}
    text = " ".join(printed(run, monkeypatch).split())
    assert all(each in text for each in reasons)
    assert findings(run) == ["unknown", "unknown"]

    new = "(service web) was photographed."
    aws.reset()
    aws.answers["DescribeServices"] = {"services": [service(events=[event(new)])]}
    assert (findings(run), run("Shop/Web")[0]) == ([], 0)
    assert f"Other events\n  {new}" in printed(run, monkeypatch)
    aws.answers["DescribeServices"] = {"services": [service(events=[event(new)], **BROKEN)]}
    assert findings(run) == ["unknown"]


def test_what_is_over_is_no_finding(aws: RecordedAws, run: Run) -> None:
    """A service at rest has only failures since its last steady state, and those of its last deployment."""
    refused = "(service web) was unable to place a task. Reason: Internal error."
    steady = event("(service web) has reached a steady state.", NOW - timedelta(minutes=5))
    old = [steady, event(refused, NOW - timedelta(minutes=9))]
    aws.answers["ListTasks"] = {"taskArns": ["a"]}
    aws.answers["DescribeTasks"] = {"tasks": [task(startedBy="ecs-svc/0", stoppedReason="OutOfMemoryError")]}
    aws.answers["DescribeServices"] = {"services": [service(events=old)]}
    assert findings(run) == []

    failed = [{**service()["deployments"][0], "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker: 3"}]
    aws.answers["DescribeServices"] = {"services": [service(events=old, deployments=failed)]}
    assert sorted(findings(run)) == ["breakerRollback", "outOfMemory", "zoneWithoutFargate"]
    aws.answers["ListServiceDeployments"] = {"serviceDeployments": []}
    assert sorted(findings(run)) == ["breakerRollback", "outOfMemory", "zoneWithoutFargate"]
    aws.answers["DescribeServices"] = {"services": [service(events=old, **BROKEN)]}
    assert findings(run) == ["outOfMemory"]


def test_a_deployment_that_starts_tasks_is_no_finding(aws: RecordedAws, run: Run) -> None:
    """Tasks are missing while it starts them."""
    starting = [{**service()["deployments"][0], "rolloutState": "IN_PROGRESS"}]
    aws.answers["DescribeServices"] = {"services": [service(deployments=starting, **BROKEN)]}
    aws.answers["DescribeServiceDeployments"] = {"serviceDeployments": [deployment(status="IN_PROGRESS")]}
    assert findings(run) == []


def test_only_the_last_operation_of_the_stack_counts(aws: RecordedAws, run: Run) -> None:
    """A failure of an earlier deployment is over."""
    begin = stack_event(
        LogicalResourceId="Shop",
        PhysicalResourceId=STACK_ID,
        ResourceType="AWS::CloudFormation::Stack",
        ResourceStatus="UPDATE_IN_PROGRESS",
    )
    aws.answers["DescribeStackEvents"] = {"StackEvents": [stack_event(), begin]}
    assert findings(run) == ["unknown"]
    done = {**begin, "ResourceStatus": "UPDATE_COMPLETE"}
    aws.answers["DescribeStackEvents"] = {"StackEvents": [done, begin, stack_event()]}
    assert findings(run) == []


def test_much_is_shortened_in_text_only(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """150 tasks fail for a missing command, each with another text; JSON has all."""
    aws.answers["ListTasks"] = {"taskArns": [str(number) for number in range(150)]}

    def describe(request: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
        assert len(request["tasks"]) <= 100
        reason = "exec: {}: no such file or directory"
        return {"tasks": [task(taskArn=f"task/{each}", stoppedReason=reason.format(each)) for each in request["tasks"]]}

    aws.answers["DescribeTasks"] = describe
    text = printed(run, monkeypatch)
    assert "task 0, task 1, task 2, task 3 and 146 more, last 2026" in text
    assert "and 147 more texts, which --json has" in text
    status, output, _ = run("Shop/Web", "--json")
    document = json.loads(output)
    (finding,) = document["findings"]
    assert (status, document["service"]["name"], len(finding["seen"])) == (1, "Shop/Web", 150)
    for number, each in enumerate(finding["seen"]):
        assert f"exec: {number}: no such file" in each["text"]
        assert each["where"] == f"task {number}"


def test_quotas_are_shown(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of the account, if they can be read."""
    full = "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs"
    aws.answers["DescribeServices"] = {"services": [service(events=[event(full)])]}
    assert "quota Fargate On-Demand vCPU resource count: 6\n" in printed(run, monkeypatch)
    aws.answers["ListServiceQuotas"] = ("AccessDenied", "not\nauthorized")
    assert "Not checked\n  the quotas of Fargate: An error occurred (AccessDenied)" in printed(run, monkeypatch)


DENIED = ("AccessDeniedException", "not authorized")


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        ("ListServiceDeployments", "deployments"),
        ("DescribeTaskDefinition", "the task definition"),
        ("ListTasks", "stopped tasks"),
        ("DescribeTargetHealth", "the health of targets"),
        ("DescribeStackEvents", "the events of the stack"),
        ("DescribeImages", "the image 1"),
        ("DescribeSecret", "the secret arn"),
        ("DescribeParameters", "the secret arn"),
        ("GetRole", "the role arn"),
        ("DescribeLogGroups", "the log group /shop/web"),
        ("DescribeRouteTables", "the egress of the subnets"),
    ],
)
def test_what_may_not_be_read_is_not_checked(operation: str, subject: str, aws: RecordedAws, run: Run) -> None:
    """It is no finding, and the rest is checked."""
    aws.answers[operation] = DENIED
    status, output, _ = run("Shop/Web", "--json")

    assert status == 0
    gaps = json.loads(output)["not_shown"]
    assert gaps
    assert all(each.startswith(subject) and "not authorized" in each for each in gaps)


def test_the_log(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the task that failed last; a container that did not start has none."""
    rolled_back(aws)
    aws.answers["GetLogEvents"] = {"events": []}
    assert "Last lines of web in task 1dc5c17a\n  (it logged nothing)\n" in printed(run, monkeypatch)
    (request,) = [params for name, params in aws.requests if name == "GetLogEvents"]
    assert request["logStreamName"] == "web/web/1dc5c17a422b4dc4b493970c6b8c4d6d"

    aws.answers["GetLogEvents"] = ("ResourceNotFoundException", "The specified log stream does not exist.")
    assert "Last lines" not in printed(run, monkeypatch)


ELSEWHERE: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"logDriver": "none"}, "web has no log driver, so its lines are kept nowhere"),
    "router": (
        {"logDriver": "awsfirelens", "options": {"Name": "firehose", "region": REGION, "delivery_stream": "shop"}},
        "web logs through FireLens, output firehose to shop, so its lines are not shown",
    ),
    "fluentd": (
        {"logDriver": "fluentd", "options": {"fluentd-address": "127.0.0.1:24224"}},
        "web logs with the driver fluentd to 127.0.0.1:24224, so its lines are not shown",
    ),
    "no prefix": (
        {"logDriver": "awslogs", "options": {"awslogs-group": "/shop/web"}},
        "web logs with the driver awslogs to /shop/web, so its lines are not shown",
    ),
}


@pytest.mark.parametrize(("configuration", "text"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_log_that_is_elsewhere(configuration: dict[str, Any], text: str, aws: RecordedAws, run: Run) -> None:
    """The answer says where, and CloudWatch Logs is not asked for it."""
    rolled_back(aws)
    aws.answers["DescribeTaskDefinition"] = definition_with(logConfiguration=configuration)

    assert json.loads(run("Shop/Web", "--json")[1])["not_shown"] == [text]
    assert "GetLogEvents" not in dict(aws.requests)


def test_a_log_in_another_region(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read there."""
    rolled_back(aws)
    asked = Mock(side_effect=aws.client)
    monkeypatch.setattr(aws, "client", asked)
    options = {"awslogs-group": "/shop/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
    logging = {"logDriver": "awslogs", "options": options}
    aws.answers["DescribeTaskDefinition"] = definition_with(logConfiguration=logging)

    assert "KeyError: 'DATABASE_URL'" in run("Shop/Web")[1]
    assert call("logs", region_name="eu-west-1") in asked.mock_calls


def definition_with(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about the task definition, with changes of its container."""
    definition = recorded_aws.task_definition()
    definition["containerDefinitions"][0].update(changes)
    return {"taskDefinition": definition}


def routes(*routes: dict[str, str], **association: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about one route table."""
    link = association or {"SubnetId": "subnet-0a1b"}
    return {
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-0a1b", "Associations": [link], "Routes": [*routes]}]
    }


NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
IGW = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
EGRESS_ONLY = {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"}
ENDPOINTS = {
    "VpcEndpoints": [{"ServiceName": f"com.amazonaws.us-east-1.{each}"} for each in ("ecr.api", "ecr.dkr", "s3")]
}
OWN_GROUP = {"logDriver": "awslogs", "options": {"awslogs-group": "/new", "awslogs-create-group": "true"}}
ROLE = recorded_aws.healthy()["GetRole"]["Role"]
EC2_TRUST = {"AssumeRolePolicyDocument": '{"Statement":[{"Principal":{"Service":"ec2.amazonaws.com"}}]}'}
SUBNET = {"SubnetId": "subnet-0a1b", "VpcId": "vpc-0a1b", "AvailabilityZone": "a", "AvailableIpAddressCount": 9}


NEEDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "main table": ({"DescribeRouteTables": routes(NAT, Main=True)}, []),
    "egress-only gateway": ({"DescribeRouteTables": routes(EGRESS_ONLY)}, []),
    "only IPv6": (
        {"DescribeRouteTables": routes(IGW), "DescribeSubnets": {"Subnets": [{**SUBNET, "Ipv6Native": True}]}},
        [],
    ),
    "endpoints": ({"DescribeRouteTables": routes(), "DescribeVpcEndpoints": ENDPOINTS}, []),
    "endpoints without the registry": (
        {
            "DescribeRouteTables": routes(),
            "DescribeVpcEndpoints": ENDPOINTS,
            "DescribeTaskDefinition": definition_with(image="nginx:stable"),
        },
        ["noDefaultRoute"],
    ),
    "digest": ({"DescribeTaskDefinition": definition_with(image=f"{recorded_aws.IMAGE}@sha256:0a1b")}, []),
    "no roles": ({"DescribeTaskDefinition": {"taskDefinition": {"family": "shop", "containerDefinitions": []}}}, []),
    "no repository": (
        {"DescribeImages": ("RepositoryNotFoundException", "The repository does not exist")},
        ["imageMissing"],
    ),
    "no subnets": ({"DescribeServices": {"services": [service(networkConfiguration={})]}}, []),
    "classic load balancer": (
        {"DescribeServices": {"services": [service(loadBalancers=[{"loadBalancerName": "old"}])]}},
        [],
    ),
    "parameter by its name": (
        {"DescribeTaskDefinition": definition_with(secrets=[{"name": "URL", "valueFrom": "/shop/url"}])},
        [],
    ),
    "CodeDeploy": ({"DescribeServices": {"services": [service(deployments=[])]}}, []),
    "log group of the driver": ({"DescribeTaskDefinition": definition_with(logConfiguration=OWN_GROUP)}, []),
    "another trusted service": ({"GetRole": {"Role": {**ROLE, **EC2_TRUST}}}, ["roleUnusable"]),
}


@pytest.mark.parametrize(("answers", "expected"), NEEDS.values(), ids=NEEDS)
def test_what_the_next_task_needs(answers: dict[str, Any], expected: list[str], aws: RecordedAws, run: Run) -> None:
    """It is checked, also if the service is healthy."""
    aws.answers.update(answers)

    assert findings(run) == expected


def test_what_is_in_another_region_is_not_checked(aws: RecordedAws, run: Run) -> None:
    """The clients are those of the service's region."""
    image, secret = [each.replace("us-east-1", "eu-west-1") for each in (recorded_aws.IMAGE, recorded_aws.SECRET)]
    options = {"awslogs-group": "/elsewhere", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
    aws.answers["DescribeTaskDefinition"] = definition_with(
        image=image,
        secrets=[{"name": "PASSWORD", "valueFrom": secret}],
        logConfiguration={"logDriver": "awslogs", "options": options},
    )
    document = json.loads(run("Shop/Web", "--json")[1])

    where = "it is in another region"
    assert document["not_shown"] == [f"the image {image}: {where}", f"the secret {secret}: {where}"]
    assert document["findings"] == []


@pytest.mark.parametrize(("arn", "names"), [("url", ["/url", "url"]), ("shop/url", ["/shop/url"])])
def test_a_parameter_without_a_path(arn: str, names: list[str], aws: RecordedAws, run: Run) -> None:
    """Its ARN has a slash before its name, which the name may have, too."""
    value = f"arn:aws:ssm:us-east-1:111122223333:parameter/{arn}"
    aws.answers["DescribeTaskDefinition"] = definition_with(secrets=[{"name": "URL", "valueFrom": value}])
    assert findings(run) == []
    (request,) = [params for name, params in aws.requests if name == "DescribeParameters"]
    assert request["ParameterFilters"][0]["Values"] == names


def test_both_target_groups_of_blue_green_are_read(aws: RecordedAws, run: Run) -> None:
    """Either may be in use."""
    group = recorded_aws.GROUP_ARN
    other = {"alternateTargetGroupArn": f"{group}-other", "productionListenerRule": "arn:rule", "roleArn": "arn:role"}
    balancer = {"targetGroupArn": group, "advancedConfiguration": other}
    aws.answers["DescribeServices"] = {"services": [service(loadBalancers=[balancer])]}
    run("Shop/Web")

    read = [params["TargetGroupArn"] for name, params in aws.requests if name == "DescribeTargetHealth"]
    assert read == [group, f"{group}-other"]


def test_an_image_for_another_processor_is_found_in_the_log(aws: RecordedAws, run: Run) -> None:
    """The stopped task only has the exit code."""
    rolled_back(aws)
    lines = ["exec /usr/local/bin/server: exec format error"] * 2
    aws.answers["GetLogEvents"] = {"events": [{"message": each, "timestamp": 1} for each in lines]}

    assert findings(run) == ["appFailed", "wrongFormat", "breakerRollback"]


def roll_back(aws: RecordedAws, status: str, physical_id: str = "") -> None:
    """Let the stack of the service be rolled back, with its cluster."""
    resource = stack_resource("Web", "AWS::ECS::Service", physical_id, status)
    if not physical_id:
        del resource["PhysicalResourceId"]
    other = stack_resource("Bucket", "AWS::S3::Bucket", "bucket", "DELETE_COMPLETE")
    aws.answers["ListStackResources"] = {"StackResourceSummaries": [other, resource]}
    aws.answers["ListClusters"] = {"clusterArns": []}
    aws.answers["DescribeServices"] = ("ClusterNotFoundException", "Cluster not found.")


def test_a_service_that_was_not_created(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no name; the events of the stack say why."""
    roll_back(aws, "CREATE_FAILED")
    text = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    aws.answers["DescribeStackEvents"] = {"StackEvents": [stack_event(ResourceStatusReason=text)]}

    assert findings(run) == ["linkedRoleMissing", "serviceGone"]
    assert "0 of 0 tasks run, 0 start\nno service was created, us-east-1\n" in printed(run, monkeypatch)
    assert run("Shop/Api")[2].endswith("of the account 111122223333: Shop/Web, got: Shop/Api\n")


def test_a_first_deployment_that_failed(aws: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation has deleted the service with its cluster; the events of the stack are left."""
    roll_back(aws, "DELETE_COMPLETE", SERVICE_ARN)
    text = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
    deleted = stack_event(ResourceStatus="DELETE_COMPLETE")
    failed = stack_event(ResourceStatus="CREATE_FAILED", ResourceStatusReason=text)
    pages = {"StackEvents": [deleted], "NextToken": "2"}, {"StackEvents": [failed]}
    aws.answers["DescribeStackEvents"] = lambda request: pages["NextToken" in request]
    aws.answers["DescribeServices"] = ("ClusterNotFoundException", "Cluster not found.")

    assert findings(run) == ["serviceGone", "breakerRollback"]
    assert "0 of 0 tasks run, 0 start\nservice web, cluster shop" in printed(run, monkeypatch)


def test_an_image_of_a_pull_through_cache_is_no_finding(aws: RecordedAws, run: Run) -> None:
    """Amazon ECR has it only after the first pull."""
    aws.answers["DescribeImages"] = ("RepositoryNotFoundException", "The repository does not exist")
    registry = recorded_aws.IMAGE.partition("/")[0]
    aws.answers["DescribeTaskDefinition"] = definition_with(image=f"{registry}/docker-hub/library/nginx:1")
    assert findings(run) == []
    aws.answers["DescribePullThroughCacheRules"] = {"pullThroughCacheRules": [{"ecrRepositoryPrefix": "ROOT"}]}
    aws.answers["DescribeTaskDefinition"] = definition_with()
    assert findings(run) == []


def test_the_credentials_of_a_registry_are_secrets(aws: RecordedAws, run: Run) -> None:
    """So are those of a log driver."""
    registry, token = (f"{recorded_aws.SECRET}-{name}" for name in ("registry", "token"))
    logs = {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": token}]}
    aws.answers["DescribeTaskDefinition"] = definition_with(
        image="registry.example.com/shop:1",
        repositoryCredentials={"credentialsParameter": registry},
        logConfiguration=logs,
        secrets=[],
    )
    aws.answers["DescribeSecret"] = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    _, output, _ = run("Shop/Web", "--json")

    (finding,) = json.loads(output)["findings"]
    assert [each["text"] for each in finding["seen"]] == [
        f"the secret {registry} does not exist",
        f"the secret {token} does not exist",
    ]


def test_one_subnet_is_gone(aws: RecordedAws, run: Run) -> None:
    """The others are checked, too."""
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b", "subnet-gone"]}}
    aws.answers["DescribeServices"] = {"services": [service(networkConfiguration=network)]}
    aws.answers["DescribeRouteTables"] = routes()

    assert findings(run) == ["networkGone", "noDefaultRoute"]
