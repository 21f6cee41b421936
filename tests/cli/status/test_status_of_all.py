"""The table of `fargate-constructs status`."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded_aws import (
    ACCOUNT,
    BEFORE,
    GROUP_ARN,
    REGION,
    SERVICE_ARN,
    RecordedAws,
    deployment,
    service,
    stack_resource,
)
from tests.cli.runner import Run

COUNT, IN_ONE_STACK = 100, 10


def arn(number: int) -> str:
    """Return the ARN of a service; each cluster has half of them."""
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main-{number % 2}/s{number:02}"


@pytest.fixture
def hundred(aws: RecordedAws) -> RecordedAws:
    """100 services in ten stacks and two clusters, each with a deployment and a target group; one is not healthy."""

    def stack(request: Any) -> range:  # noqa: ANN401 - of botocore
        first = IN_ONE_STACK * int(request["StackName"].removeprefix("Stack"))
        return range(first, first + IN_ONE_STACK)

    def describe(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        assert len(request["services"]) <= 10
        made = []
        for name in request["services"]:
            number = int(name[1:])
            balancer = {"targetGroupArn": f"{GROUP_ARN}{number}"}
            changes: dict[str, Any] = {"serviceName": name, "currentServiceDeployment": f"d{number}"}
            made.append(service(**changes, loadBalancers=[balancer], runningCount=1 if number == 7 else 2))
        return {"services": made}

    def deployments(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        arns = request["serviceDeploymentArns"]
        assert len(arns) <= 20
        failed = {"status": "ROLLBACK_SUCCESSFUL", "statusReason": "tasks failed"}
        made = [deployment(serviceDeploymentArn=each, **(failed if each == "d8" else {})) for each in arns]
        return {"serviceDeployments": made}

    made = {"CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"}
    groups = [
        {"TargetGroupArn": f"{GROUP_ARN}{number}", "LoadBalancerArns": ["arn:balancer"]} for number in range(COUNT)
    ]
    rules = [
        {
            "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/s{number:02}/*"]}}],
            "Actions": [{"Type": "forward", "TargetGroupArn": f"{GROUP_ARN}{number}"}],
        }
        for number in range(COUNT)
    ]
    aws.answers.update(
        DescribeStacks={"Stacks": [{**made, "StackName": f"Stack{number}"} for number in range(10)]},
        ListStackResources=lambda request: {
            "StackResourceSummaries": [
                stack_resource(f"S{number}", "AWS::ECS::Service", arn(number)) for number in stack(request)
            ]
        },
        GetTemplate=lambda request: {
            "TemplateBody": {
                "Resources": {
                    f"S{number}": {"Metadata": {"aws:cdk:path": f"{request['StackName']}/S{number:02}/Service"}}
                    for number in stack(request)
                }
            }
        },
        ListClusters={"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main-{each}" for each in range(2)]},
        ListServices={"serviceArns": []},
        DescribeServices=describe,
        DescribeServiceDeployments=deployments,
        DescribeTargetGroups={"TargetGroups": groups},
        DescribeRules={"Rules": rules},
    )
    return aws


def test_a_hundred_services(hundred: RecordedAws, run: Run) -> None:
    """They need fewer requests than services, and each has its own answer."""
    code, output, errors = run("--json")
    services = {each["service"]["name"]: each for each in json.loads(output)["services"]}
    calls = Counter(name for name, _ in hundred.requests)

    assert (code, errors, len(services)) == (1, "", COUNT)
    assert services["Stack4/S42"]["urls"] == ["http://shop-1.elb.amazonaws.com/s42/*"]
    assert {name: each["problems"] for name, each in services.items() if each["problems"]} == {
        "Stack0/S07": ["1 of 2 tasks run"],
        "Stack0/S08": ["last deployment rollback successful: tasks failed"],
    }
    assert sum(calls.values()) <= 60, calls
    assert calls["DescribeServices"] == 10
    assert calls["DescribeServiceDeployments"] == 5
    assert calls["DescribeAlarms"] == calls["DescribeTargetGroups"] == calls["DescribeRules"] == 1


def test_the_table(hundred: RecordedAws, printed: Any) -> None:  # noqa: ANN401 - a fixture
    """Each service has a line, and each problem is below the table."""
    hundred.answers["DescribeAlarms"] = {"MetricAlarms": [{"AlarmName": "slow", "Dimensions": dimensions("s09")}]}
    lines = printed().splitlines()

    assert lines[0].split() == ["SERVICE", "TASKS", "DEPLOYMENT", "ALARMS", "URL"]
    assert lines[8].split() == [
        "Stack0/S07",
        "1/2",
        "successful",
        "40",
        "min",
        "0",
        "http://shop-1.elb.amazonaw…",
    ]
    assert max(map(len, lines)) <= 80
    assert lines[-4:] == [
        "Not healthy",
        "  Stack0/S07: 1 of 2 tasks run",
        "  Stack0/S08: last deployment rollback successful: tasks failed",
        "  Stack0/S09: alarm slow is in ALARM",
    ]


def dimensions(name: str) -> list[dict[str, str]]:
    """Return the dimension of a service."""
    return [{"Name": "ServiceName", "Value": name}]


def test_long_names(aws: RecordedAws, printed: Any) -> None:  # noqa: ANN401 - fixtures
    """No column vanishes in a terminal of 80 columns: names are in several lines."""
    name = f"checkout-{'and-payment-' * 4}service"
    aws.answers["DescribeStacks"] = {"Stacks": []}
    aws.answers["ListServices"] = {"serviceArns": [SERVICE_ARN.replace("web", name)]}
    aws.answers["DescribeServices"] = {"services": [service(serviceName=name)]}
    lines = printed().splitlines()

    assert lines[0].split() == ["SERVICE", "TASKS", "DEPLOYMENT", "ALARMS", "URL"]
    assert "  2/2  " in lines[1]
    assert "".join(each[:30].split(" ")[0] for each in lines[1:]) == f"shop/{name}"
    assert max(map(len, lines)) <= 80


def test_what_may_not_be_read(hundred: RecordedAws, run: Run) -> None:
    """Each gap is reported once for a region, not for each service."""
    denied = ("AccessDeniedException", "not authorized")
    hundred.answers.update(DescribeAlarms=denied, DescribeTargetGroups=denied, DescribeServiceDeployments=denied)
    document = json.loads(run("--json")[1])

    assert [each.partition(":")[0] for each in document["not_shown"]] == ["URLs", "deployments", "alarms"]
    assert "Not shown\n  URLs: " in run()[1]


def test_a_cluster_that_is_gone(hundred: RecordedAws, run: Run) -> None:
    """Its services have no line."""
    describe: Any = hundred.answers["DescribeServices"]
    gone = ("ClusterNotFoundException", "Cluster not found.")
    hundred.answers["DescribeServices"] = lambda request: gone if request["cluster"] == "main-1" else describe(request)

    assert len(json.loads(run("--json")[1])["services"]) == COUNT / 2


def test_without_services(hundred: RecordedAws, run: Run) -> None:
    """The message has the region and the account."""
    hundred.answers.update(DescribeStacks={"Stacks": []})
    code, _, errors = run()

    assert code == 2
    assert f"region {REGION} of the account {ACCOUNT} has no ECS service; correct --profile or --region" in errors


def test_the_services_of_the_app(hundred: RecordedAws, run: Run, tmp_path: Path) -> None:
    """With cdk.out there are those of its stacks only; if none of it is deployed, those of the region."""
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    (folder / "Stack4.json").write_text('{"Resources": {}}')
    properties = {"templateFile": "Stack4.json", "stackName": "Stack4"}
    artifacts = {"Stack4": {"type": "aws:cloudformation:stack", "properties": properties}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    names = [each["service"]["name"] for each in json.loads(run("--json")[1])["services"]]
    assert names == [f"Stack4/S{number}" for number in range(40, 50)]
    assert json.loads(run("--json", "--app", str(folder))[1])["services"][9]["service"]["region"] == REGION

    resources: Any = hundred.answers["ListStackResources"]
    hundred.answers["ListStackResources"] = lambda request: (
        ("ValidationError", "Stack with id Stack4 does not exist")
        if request["StackName"] == "Stack4"
        else resources(request)
    )
    assert len(json.loads(run("--json")[1])["services"]) == COUNT - IN_ONE_STACK
