"""`fargate-constructs status`."""

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.status.status_model import words
from fargate_constructs.cli.status.status_text import age
from tests.cli import recorded_aws
from tests.cli.recorded_aws import (
    ACCOUNT,
    BEFORE,
    NOW,
    REGION,
    SERVICE_ARN,
    RecordedAws,
    deployment,
    event,
    running_task,
    service,
    stack_resource,
    task,
)
from tests.cli.runner import Run
from tests.cli.status.conftest import described, listed

ROOT = Path(__file__).parents[3]
OLD, NEW = (f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/shop/web/{number}" for number in (7, 8))


def document(run: Run, *arguments: str) -> dict[str, Any]:
    """Return the answer as a document."""
    code, output, errors = run(*(arguments or ["Shop/Web"]), "--json")
    assert output, errors
    found: dict[str, Any] = json.loads(output)
    assert code == (1 if found.get("problems") else 0)
    return found


def in_progress(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a canary deployment in progress."""
    return deployment(
        status="IN_PROGRESS",
        lifecycleStage="PRODUCTION_TRAFFIC_SHIFT",
        targetServiceRevision={
            "arn": NEW,
            "requestedTaskCount": 2,
            "runningTaskCount": 1,
            "requestedProductionTrafficWeight": 10.0,
        },
        sourceServiceRevisions=[
            {
                "arn": OLD,
                "requestedTaskCount": 2,
                "runningTaskCount": 2,
                "requestedProductionTrafficWeight": 90.0,
            }
        ],
        deploymentConfiguration={"strategy": "CANARY", "bakeTimeInMinutes": 5},
        deploymentCircuitBreaker={"status": "MONITORING", "failureCount": 1, "threshold": 3},
        alarms={"status": "MONITORING", "alarmNames": ["web-errors"]},
        lifecycleHookDetails=[
            {
                "hookId": "1",
                "targetType": "PAUSE",
                "status": "AWAITING_ACTION",
                "expiresAt": NOW + timedelta(hours=1),
            },
            {
                "hookId": "2",
                "targetType": "AWS_LAMBDA",
                "targetArn": "arn:aws:lambda:us-east-1:1:function:check",
                "status": "IN_PROGRESS",
            },
            {"hookId": "3", "targetType": "AWS_LAMBDA", "status": "SUCCEEDED"},
        ],
        **changes,
    )


def deploy(aws: RecordedAws, found: dict[str, Any]) -> None:
    """Let the service have a deployment of the task definition `shop:8` after `shop:7`."""
    aws.answers["DescribeServiceDeployments"] = {"serviceDeployments": [found]}
    arn = recorded_aws.FAMILY_ARN
    revisions = [
        {"serviceRevisionArn": OLD, "taskDefinition": arn},
        {"serviceRevisionArn": NEW, "taskDefinition": arn.replace(":7", ":8")},
    ]
    aws.answers["DescribeServiceRevisions"] = {"serviceRevisions": revisions}


def trouble(aws: RecordedAws) -> None:
    """Let a canary deployment have a task that fails its checks, an alarm, and events."""
    deploy(aws, in_progress())
    target = {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch"}
    why = "Health checks failed with these codes: [503]"
    group = [
        {"Target": {"Id": "10.0.1.5", "Port": 80}, "TargetHealth": {"State": "healthy"}},
        {"Target": {"Id": "10.0.1.6", "Port": 80}, "TargetHealth": {**target, "Description": why}},
        {"Target": {"Id": "10.0.1.99", "Port": 80}, "TargetHealth": {"State": "draining"}},
    ]
    aws.answers["DescribeTargetHealth"] = {"TargetHealthDescriptions": group}
    aws.answers["DescribeAlarms"] = {"MetricAlarms": [{"AlarmName": "web-errors"}, {"AlarmName": "other"}]}
    stopped = [task(stoppedReason="Essential container in task exited", containers=[{"name": "web", "exitCode": 1}])]
    aws.answers["ListTasks"] = lambda request: listed(request) if "serviceName" in request else {"taskArns": ["9"]}
    aws.answers["DescribeTasks"] = lambda request: (
        {"tasks": stopped} if request["tasks"] == ["9"] else described(request)
    )
    ids = ("a" * 32, "b" * 32)
    started = [
        event(f"(service web) has started 1 tasks: (task {id_}).", NOW - timedelta(minutes=number))
        for number, id_ in enumerate(ids, 1)
    ]
    old = event("(service web) was unable to place a task.", NOW - timedelta(days=3))
    rest = service()["events"]
    counts: dict[str, Any] = {"runningCount": 1, "pendingCount": 1}
    aws.answers["DescribeServices"] = {"services": [service(events=[*started, old, *rest], **counts)]}


def test_the_guide_shows_what_is_printed(aws: RecordedAws, printed: Callable[..., str]) -> None:
    """The example of docs/status.md is the output in a terminal of 80 columns without colours."""
    trouble(aws)
    text = printed("Shop/Web")

    assert f"```\n{text}```" in (ROOT / "docs/status.md").read_text()
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 32


def test_a_healthy_service(run: Run, printed: Callable[..., str]) -> None:
    """It has no problem, and status 0; an image without a tag has its digest."""
    assert run("Shop/Web")[0] == 0
    assert printed("Shop/Web").splitlines() == [
        "Shop/Web: healthy",
        "service web, cluster shop, us-east-1",
        "Tasks       2 of 2 run, 0 start",
        "Deployment  successful 40 min ago, rolling",
        "Alarms      none in ALARM",
        "URL         http://shop-1.elb.amazonaws.com/",
        "Egress      203.0.113.7",
        "",
        "TASK      STATE    AGE     ZONE  REVISION  CAPACITY  HEALTH  TARGET",
        "00dc5c17  running  39 min  a     7 v1      Fargate   -       healthy",
        "01dc5c17  running  39 min  b     7 v1      Fargate   -       -",
    ]
    assert "ADDRESS\n" in printed("Shop/Web", width=120)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"services": [service(runningCount=1)]}, "1 of 2 tasks run"),
        ({"services": [service(status="DRAINING")]}, "the service is draining"),
    ],
)
def test_problems_of_the_service(answers: dict[str, Any], problem: str, aws: RecordedAws, run: Run) -> None:
    """Each is a reason for status 1."""
    aws.answers["DescribeServices"] = answers

    assert document(run)["problems"] == [problem]
    assert run()[0] == 1


@pytest.mark.parametrize(
    ("changes", "outcome", "problem"),
    [
        ({"status": "SUCCESSFUL", "finishedAt": NOW}, "complete", ""),
        (
            {"status": "ROLLBACK_SUCCESSFUL", "statusReason": "tasks failed", "rollback": {"reason": "tasks failed"}},
            "failed",
            "last deployment rollback successful: tasks failed",
        ),
        ({"status": "STOPPED"}, "failed", "last deployment stopped"),
        (
            {"status": "ROLLBACK_IN_PROGRESS", "rollback": {"reason": "tasks failed"}},
            "in progress",
            "last deployment rollback in progress: tasks failed",
        ),
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else "",
)
def test_deployments(changes: dict[str, Any], outcome: str, problem: str, aws: RecordedAws, run: Run) -> None:
    """One that failed or is rolled back is a problem; one in progress is none."""
    deploy(aws, deployment(**changes))
    found = document(run)

    assert found["deployment"]["outcome"] == outcome
    assert found["problems"] == ([problem] if problem else [])
    when = {"complete": " 0 s ago,", "failed": " 40 min ago,", "in progress": ", begun 40 min ago,"}[outcome]
    assert f"Deployment  {words(found['deployment']['state'])}{when}" in run("Shop/Web")[1]


@pytest.mark.parametrize(
    ("rollout", "newest", "expected"),
    [
        ({"rolloutState": "IN_PROGRESS", "failedTasks": 2}, [], ("IN_PROGRESS", "", "2")),
        ({"rolloutState": "FAILED", "rolloutStateReason": "circuit breaker"}, [], ("FAILED", "circuit breaker", "")),
        (
            {"rolloutState": "IN_PROGRESS"},
            [deployment(status="ROLLBACK_SUCCESSFUL", alarms={"triggeredAlarmNames": ["slow"]})],
            ("IN_PROGRESS", "", ""),
        ),
        (
            {"rolloutState": "IN_PROGRESS"},
            [deployment(status="ROLLBACK_IN_PROGRESS")],
            ("ROLLBACK_IN_PROGRESS", "", ""),
        ),
        ({}, [], ("", "", "")),
    ],
    ids=["not yet listed", "failed", "only the one before is listed", "rollback", "CodeDeploy"],
)
def test_the_newest_deployment(
    rollout: dict[str, Any],
    newest: list[dict[str, Any]],
    expected: tuple[str, str, str],
    aws: RecordedAws,
    run: Run,
) -> None:
    """ECS lists a deployment later than it begins; the service's rollout is known at once."""
    primary = {"id": "1", "status": "PRIMARY", "createdAt": NOW, "taskDefinition": recorded_aws.FAMILY_ARN, **rollout}
    old = {"id": "0", "status": "ACTIVE", "createdAt": NOW, "runningCount": 2, "desiredCount": 2}
    watched = {"alarms": {"enable": True, "rollback": True, "alarmNames": ["errors"]}}
    answer = service(deployments=[primary, {**old, "taskDefinition": "task-definition/shop:6"}, {**old, "id": "x"}])
    aws.answers["DescribeServices"] = {"services": [{**answer, "deploymentConfiguration": watched}]}
    aws.answers["ListServiceDeployments"] = {"serviceDeployments": newest}
    aws.answers["DescribeServiceDeployments"] = {"serviceDeployments": newest}
    found = document(run)["deployment"]

    assert (found["state"], found["reason"], found["failed_tasks"]) == expected
    assert (found["alarms"], found["triggered"]) == (["errors"], [])
    assert found["created"] == (BEFORE if found["state"].startswith("ROLLBACK") else NOW).isoformat()
    assert [(each["name"], each["is_new"]) for each in found["revisions"]] == [("shop:7", True), ("shop:6", False)]


def test_a_service_without_deployments(aws: RecordedAws, printed: Callable[..., str]) -> None:
    """Another tool deploys it, in a task set."""
    aws.answers["DescribeServices"] = {"services": [service(deployments=[], loadBalancers=[], events=[])]}
    aws.answers["ListServiceDeployments"] = {"serviceDeployments": []}

    assert "Deployment  not known: another tool than ECS deploys\n" in printed("Shop/Web")
    assert "URL" not in printed("Shop/Web")
    assert "not known  " in printed()


def test_an_alarm_that_ended_a_deployment(aws: RecordedAws, printed: Callable[..., str]) -> None:
    """It is shown, also if it is not in ALARM any more."""
    alarms = {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]}
    deploy(aws, deployment(status="ROLLBACK_SUCCESSFUL", alarms=alarms, lifecycleStage="BAKE_TIME"))

    text = printed("Shop/Web")
    assert "ended by the alarm errors\n" in text
    assert "bake time" not in text
    assert "stage" not in text


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"image": "nginx:stable"}, "stable"),
        ({"image": "nginx"}, "nginx"),
        ({"image": "nginx", "imageDigest": "sha256:0123456789"}, "@01234567"),
        ({"image": "nginx:latest", "imageDigest": "sha256:0123456789"}, "@01234567"),
        ({"image": "1.dkr.ecr.eu-west-1.amazonaws.com/cdk-assets:" + "ab12" * 16}, "ab12ab12"),
        ({"image": "shop@sha256:0123456789"}, "@01234567"),
    ],
)
def test_images(container: dict[str, str], expected: str, aws: RecordedAws, run: Run) -> None:
    """The tag of the container that gets requests; its digest if the tag does not say which image it is."""
    sidecar = {"name": "agent", "image": "agent:1"}
    health: dict[str, Any] = {"healthStatus": "UNHEALTHY", "capacityProviderName": "FARGATE_SPOT"}
    made = running_task(containers=[sidecar, {"name": "web", **container}], **health)
    bare = {each: made[each] for each in ("taskArn", "taskDefinitionArn", "lastStatus", "createdAt")}
    aws.answers["DescribeTasks"] = {"tasks": [made, bare]}
    found = document(run)

    pending, first = sorted(found["tasks"], key=lambda each: bool(each["image"]))
    assert (first["image"], first["capacity"], first["health"]) == (expected, "FARGATE_SPOT", "UNHEALTHY")
    assert (pending["image"], pending["capacity"], pending["zone"]) == ("", "", "")
    assert found["problems"] == ["task 00dc5c17 is unhealthy"]


def test_many_tasks(aws: RecordedAws, run: Run, printed: Callable[..., str]) -> None:
    """250 tasks come in three pages, each described 100 at a time; a screen has ten, those with problems first."""

    def pages(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        start = int(request.get("nextToken", 0))
        if "family" in request:
            return {"taskArns": []}
        arns = [str(number) for number in range(start, min(start + 100, 250))]
        return {"taskArns": arns, **({"nextToken": str(start + 100)} if start < 200 else {})}

    def describe(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        assert len(request["tasks"]) <= 100
        return {"tasks": [running_task(int(each)) for each in request["tasks"]]}

    bad = [
        {"Target": {"Id": f"10.0.1.{number + 5}"}, "TargetHealth": {"State": "unhealthy"}} for number in range(40, 47)
    ]
    odd = [{"Target": {"Id": f"10.9.0.{number}"}, "TargetHealth": {"State": "initial"}} for number in range(7)]
    aws.answers.update(ListTasks=pages, DescribeTasks=describe)
    aws.answers["DescribeTargetHealth"] = {"TargetHealthDescriptions": [*bad, *odd]}
    text = printed("Shop/Web")

    assert len(document(run)["tasks"]) == 250
    assert "and 240 more tasks, which --json has\n" in text
    assert text.index("40dc5c17  running") < text.index("00dc5c17  running")
    assert "  and 1 more, which --json has\nservice web" in text
    assert "10.9.0.4 initial\n  and 2 more, which --json has\n" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Scaling activity initiated by (deployment ecs-svc/8646900195280463695)", "initiated by a deployment"),
        ("CannotPullContainerError: pull has been retried 5 time(s): not found", "retried 5 time(s): not found"),
        ("", "1 x no reason"),
    ],
)
def test_reasons_of_stopped_tasks(text: str, expected: str, aws: RecordedAws, printed: Callable[..., str]) -> None:
    """They have no IDs, and are sentences without them."""
    aws.answers["ListTasks"] = lambda request: listed(request) if "serviceName" in request else {"taskArns": ["9"]}
    aws.answers["DescribeTasks"] = lambda request: (
        {"tasks": [task(stoppedReason=text)]} if request["tasks"] == ["9"] else described(request)
    )

    assert f"{expected}\n" in printed("Shop/Web", width=120)


ALARM = {"AlarmName": "alarm"}


def dimensions(**values: str) -> list[dict[str, str]]:
    """Return dimensions of a metric."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("alarm", "is_own"),
    [
        ({"Dimensions": dimensions(ClusterName="shop", ServiceName="web")}, True),
        ({"Dimensions": dimensions(ServiceName="web")}, True),
        ({"Dimensions": dimensions(ClusterName="blog", ServiceName="web")}, False),
        ({"Dimensions": dimensions(LoadBalancer="app/shop/1", TargetGroup="targetgroup/web/1")}, True),
        ({"Dimensions": dimensions(LoadBalancer="app/shop/1", TargetGroup="targetgroup/api/1")}, False),
        ({"Dimensions": dimensions(QueueName="orders")}, True),
        (
            {
                "Metrics": [
                    {"Id": "rate", "Expression": "errors / 2"},
                    {
                        "Id": "errors",
                        "MetricStat": {
                            "Metric": {"Dimensions": dimensions(ClusterName="shop", ServiceName="web")},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ]
            },
            True,
        ),
        ({"AlarmName": "below"}, True),
        ({"AlarmName": "of-the-network"}, False),
        (
            {
                "Dimensions": dimensions(ClusterName="shop", ServiceName="web"),
                "AlarmActions": [f"arn:aws:autoscaling:{REGION}:1:scalingPolicy:2:resource/ecs/service/shop/web"],
            },
            False,
        ),
        (
            {
                "Dimensions": dimensions(ClusterName="shop", ServiceName="web"),
                "AlarmActions": [f"arn:aws:sns:{REGION}:1:pager"],
            },
            True,
        ),
    ],
)
def test_alarms(alarm: dict[str, Any], is_own: bool, aws: RecordedAws, run: Run) -> None:  # noqa: FBT001 - of a table
    """Those about the service, its target groups and queues, and those below its construct; not those of scaling."""
    worker(aws)
    whole = {"AlarmName": "page", "AlarmRule": f'ALARM({alarm.get("AlarmName", "alarm")}) OR ALARM("of-the-network")'}
    other = {"AlarmName": "other", "AlarmRule": 'ALARM("alarm-2")'}
    aws.answers["DescribeAlarms"] = lambda request: (
        {"CompositeAlarms": [whole, other]}
        if "NextToken" in request
        else {"MetricAlarms": [{**ALARM, **alarm}], "NextToken": "2"}
    )
    found = document(run)["alarms"]

    assert found == (sorted([alarm.get("AlarmName", "alarm"), "page"]) if is_own else [])


def worker(aws: RecordedAws) -> None:
    """Let the service have a queue with its dead letters, and an alarm, below its construct."""
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    resources = {
        "Web": ("AWS::ECS::Service", SERVICE_ARN, "Shop/Web/Service/Service"),
        "Queue": ("AWS::SQS::Queue", f"{url}/orders", "Shop/Web/Queue/Resource"),
        "Dead": ("AWS::SQS::Queue", f"{url}/dead", "Shop/Web/DeadLetters/Resource"),
        "Other": ("AWS::SQS::Queue", f"{url}/other", "Shop/WebHooks/Resource"),
        "Alarm": ("AWS::CloudWatch::Alarm", "below", "Shop/Web/Alarm/Resource"),
    }
    summaries = [stack_resource(id_, type_, physical) for id_, (type_, physical, _) in resources.items()]
    body = {id_: {"Type": type_, "Metadata": {"aws:cdk:path": path}} for id_, (type_, _, path) in resources.items()}
    aws.answers["ListStackResources"] = {"StackResourceSummaries": summaries}
    aws.answers["GetTemplate"] = {"TemplateBody": {"Resources": body}}
    depths = {"ApproximateNumberOfMessages": "12", "ApproximateNumberOfMessagesNotVisible": "3"}
    aws.answers["GetQueueAttributes"] = {"Attributes": depths}


def test_the_queue_of_a_worker(aws: RecordedAws, run: Run, printed: Callable[..., str]) -> None:
    """Its messages are counted, and those of its dead-letter queue."""
    worker(aws)

    assert "Queues      Queue: 12 wait, 3 in work\n            DeadLetters: 12 wait, 3 in work\n" in printed("Shop/Web")
    assert [each["name"] for each in document(run)["queues"]] == ["Queue", "DeadLetters"]


DENIED = ("AccessDeniedException", "not authorized")


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        ("ListServiceDeployments", "deployments"),
        ("DescribeServiceRevisions", "the revisions of the deployment"),
        ("DescribeTasks", "tasks"),
        ("DescribeTargetHealth", "the health of targets"),
        ("DescribeAlarms", "alarms"),
        ("DescribeSubnets", "egress addresses"),
        ("DescribeRules", "URLs"),
        ("GetQueueAttributes", "queues"),
    ],
)
def test_what_may_not_be_read_is_not_shown(
    operation: str, subject: str, aws: RecordedAws, run: Run, printed: Callable[..., str]
) -> None:
    """It is no problem, and the rest is shown."""
    worker(aws)
    deploy(aws, in_progress())
    aws.answers[operation] = DENIED

    gaps = document(run)["not_shown"]
    assert gaps
    assert gaps[0].startswith(f"{subject}: ")
    assert "Not shown\n" in printed("Shop/Web")


def test_what_is_not_known_is_not_shown_as_fine(aws: RecordedAws, run: Run, printed: Callable[..., str]) -> None:
    """Alarms are not known, a rollback may look like a success, and the reason is whole in a narrow terminal."""
    denied = ("AccessDeniedException", f"{'x' * 90} is not authorized to perform: the action")
    aws.answers.update(ListServiceDeployments=denied, DescribeAlarms=denied)
    text = printed("Shop/Web")

    assert document(run)["alarms"] is None
    assert "ago, rolling\n            a rollback looks the same: deployments are not shown\n" in text
    assert "Alarms      not known\n" in text
    assert text.count("perform: the action\n") == 2
    assert "  -       http://shop" in printed()
    assert "perform: the action\n" in printed()


def test_the_time_of_a_hook_is_utc(aws: RecordedAws, run: Run) -> None:
    """boto3 has times in the zone of the computer."""
    made = in_progress()
    japan = (NOW + timedelta(days=2)).astimezone(timezone(timedelta(hours=9)))
    made["lifecycleHookDetails"] = [{**made["lifecycleHookDetails"][0], "expiresAt": japan}]
    deploy(aws, made)

    assert document(run)["deployment"]["hooks"] == ["PAUSE (awaiting action until 2026-12-01 15:00 UTC)"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_399, "23 h"), (200_000, "2 d")],
)
def test_ages(seconds: int, text: str) -> None:
    """They are in their largest unit; the clock of AWS may be ahead."""
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


def test_a_service_that_is_gone(aws: RecordedAws, run: Run) -> None:
    """There is no status of it."""
    aws.answers["DescribeServices"] = {"services": []}
    code, output, errors = run("Shop/Web")

    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert "web is not in the cluster shop" in errors


def test_a_service_of_no_stack(aws: RecordedAws, run: Run) -> None:
    """It has a status, too, without what is only in a stack."""
    aws.answers["ListServices"] = {"serviceArns": [SERVICE_ARN.replace("web", "hook")]}
    aws.answers["DescribeStacks"] = {"Stacks": []}

    assert document(run, "shop/hook")["service"]["stack"] == ""
    assert "ListStackResources" not in dict(aws.requests)


def archived(aws: RecordedAws, *hours: int) -> None:
    """Let the log of the service have an archive, with objects in the folders of some hours."""
    shipper = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Shop-Shipper"
    variables = {"ARCHIVE_BUCKET": "archive", "ARCHIVE_FORMAT": "ndjson", "ARCHIVE_BUCKET_OWNER": ACCOUNT}
    objects = [{"Key": str(hour), "LastModified": NOW - timedelta(seconds=40)} for hour in hours]
    aws.answers.update(
        DescribeSubscriptionFilters={"subscriptionFilters": [{"filterName": "f", "destinationArn": shipper}]},
        GetFunctionConfiguration={"Environment": {"Variables": variables}},
        DescribeStackResources={"StackResources": []},
        ListObjectsV2=lambda request: {
            "Contents": [each for each in objects if f"hour={each['Key']}/" in request["Prefix"]]
        },
    )


@pytest.mark.parametrize(
    ("hours", "text"),
    [((15,), "40 s ago"), ((14,), "40 s ago"), ((), "more than an hour ago")],
    ids=["this hour", "the hour before", "none"],
)
def test_the_log_archive(hours: tuple[int, ...], text: str, aws: RecordedAws, printed: Callable[..., str]) -> None:
    """The newest object of this hour, or of the one before, is when lines last reached the archive."""
    archived(aws, *hours)

    assert f"Log         last lines reached the archive Shop-Shipper {text}\n" in printed("Shop/Web")
    requests = [params for name, params in aws.requests if name == "ListObjectsV2"]
    assert requests[0]["Prefix"] == "log_group=%2Fshop%2Fweb/dt=2026-11-29/hour=15/"
    assert (requests[0]["Bucket"], requests[0]["ExpectedBucketOwner"]) == ("archive", ACCOUNT)


def test_no_log_archive(aws: RecordedAws, run: Run) -> None:
    """The log goes to another tool, to no log group, or to a log group without an archive."""
    assert document(run)["log"] is None
    for driver in ("awsfirelens", "awslogs"):
        definition = recorded_aws.task_definition()
        definition["containerDefinitions"][0]["logConfiguration"] = {"logDriver": driver, "options": {}}
        aws.answers["DescribeTaskDefinition"] = {"taskDefinition": definition}
        assert document(run)["log"] is None
    aws.answers["DescribeTaskDefinition"] = DENIED
    assert document(run)["not_shown"][0].startswith("the log archive: ")
