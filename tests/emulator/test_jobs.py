"""Deployed jobs: a migration before a service, and a scheduled task with messages about failed runs."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn

from fargate_constructs import AuditedCluster, FargateService, FixedEgressNetwork, Job, OneOffTask, ScheduledTask
from fargate_constructs.cli.deployed.deployed_jobs import DeployedJob, find_service_or_job, launch_of
from fargate_constructs.cli.deployed.deployed_services import DeployedService, describe_service, find_service
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.shell.exec_permissions import permission_findings
from fargate_constructs.cli.shell.exec_targets import choose_target
from tests.emulator.emulator import ROOT, Emulator
from tests.emulator.migrations import ending_migrations
from tests.emulator.updates import DeployedStack


def jobs_app() -> App:
    """Return an app of a service that waits for a migration, and of a scheduled task."""
    app = App(context={"aws:cdk:enable-path-metadata": True})  # as the CDK CLI
    stack = Stack(app, "Jobs")
    image = ecs.ContainerImage.from_registry("example.com/shop:1")
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    web = FargateService(stack, "Web", network=network, image=image, cluster=cluster)
    migrate = OneOffTask(stack, "Migrate", network=network, image=image, cluster=cluster)
    migrate.run_before(web)
    store = ec2.SecurityGroup(stack, "Store", vpc=network.vpc)
    migrate.connect_to(store, port=5432)
    nightly = scheduler.ScheduleExpression.cron(minute="15", hour="3")
    report = ScheduledTask(stack, "Report", network=network, image=image, cluster=cluster, schedule=nightly)
    CfnOutput(stack, "RunCommand", value=report.run_command)
    CfnOutput(stack, "Queue", value=report.dead_letter_queue.queue_url)
    common: dict[str, Any] = {"network": network, "image": image, "cluster": cluster}
    load = Job(stack, "Load", retries=1, **common)
    bucket = s3.Bucket(stack, "Files")
    load.run_on_upload("Uploads", bucket=bucket, prefix="orders/")
    order = sfn.JsonPath.string_at("$.detail.order")
    paid = events.Rule(stack, "Paid", event_pattern=events.EventPattern(source=["shop"]))
    paid.add_target(load.event_target("Bill", command=["./bill.py", order]))
    day = sfn.JsonPath.string_at("$.day")
    state = load.task_state("RunLoad", environment={"DAY": day}, command=["./load.py", day])
    nightly_flow = sfn.StateMachine(stack, "Daily", definition_body=sfn.DefinitionBody.from_chainable(state))
    slow = Job(stack, "Slow", timeout=Duration.minutes(1), **common)
    lone = ScheduledTask(stack, "Lone", schedule=nightly, skip_if_running=True, **common)
    for name, value in {
        "StoreGroup": store.security_group_id,
        "TaskGroup": migrate.connections.security_groups[0].security_group_id,
        "Bucket": bucket.bucket_name,
        "LoadCommand": load.run_command,
        "LoadQueue": load.dead_letter_queue.queue_url,
        "Flow": nightly_flow.state_machine_arn,
        "SlowCommand": slow.run_command,
        "SlowQueue": slow.dead_letter_queue.queue_url,
        "LoadFamily": load.task_definition.family,
        "LoneFamily": lone.task_definition.family,
    }.items():
        CfnOutput(stack, name, value=value)
    return app


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """The app's first version; its migration ran before there was a service."""
    with ending_migrations(aws, 0) as runs:
        stack = DeployedStack(aws, jobs_app())
    assert runs == [[]]
    return stack


def _deploy_version(stack: DeployedStack, version: int) -> str:
    """Deploy the app with another version of its image."""
    return stack.change(stack.template().replace("example.com/shop:1", f"example.com/shop:{version}"))


def _version_of_service(stack: DeployedStack) -> str:
    api = stack.aws.client("ecs")
    (cluster,) = api.list_clusters()["clusterArns"]
    names = api.list_services(cluster=cluster)["serviceArns"]
    (service,) = api.describe_services(cluster=cluster, services=names)["services"]
    definition = api.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return str(definition["containerDefinitions"][0]["image"].partition(":")[2])


def test_a_failed_migration_keeps_the_version_before(stack: DeployedStack) -> None:
    """The deployment fails with the reason, and the rollback runs no migration. The next deployment does."""
    with ending_migrations(stack.aws, 3) as runs:
        assert _deploy_version(stack, 2) == "UPDATE_ROLLBACK_COMPLETE"
    assert len(runs) == 1
    assert (
        "exit code 3 (EssentialContainerExited: Essential container in task exited); its log: aws logs" in stack.why()
    )
    assert _version_of_service(stack) == "1"

    with ending_migrations(stack.aws, 0) as runs:
        assert _deploy_version(stack, 3) == "UPDATE_COMPLETE", stack.why()
    assert len(runs) == 1
    assert _version_of_service(stack) == "3"


def test_a_migration_reaches_its_store(stack: DeployedStack) -> None:
    """The store's security group allows that of the task, at the port."""
    ec2_api = stack.aws.client("ec2")
    (store,) = ec2_api.describe_security_groups(GroupIds=[stack.output("StoreGroup")])["SecurityGroups"]

    (rule,) = store["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
    assert [each["GroupId"] for each in rule["UserIdGroupPairs"]] == [stack.output("TaskGroup")]


def _run(aws: Emulator, line: str, *, started_by: str = "") -> str:
    """Do what a `run_command` says; return the cluster and the task."""
    words = shlex.split(line)
    options = dict(zip(words[3:11:2], words[4:11:2], strict=True))
    strategy: dict[str, Any] = dict(pair.split("=") for pair in options["--capacity-provider-strategy"].split(","))
    (task,) = aws.client("ecs").run_task(
        cluster=options["--cluster"],
        taskDefinition=options["--task-definition"],
        capacityProviderStrategy=[{key: int(value) if value.isdecimal() else value for key, value in strategy.items()}],
        networkConfiguration=json.loads(options["--network-configuration"]),
        **({"startedBy": started_by} if started_by else {}),
    )["tasks"]
    return str(task["taskArn"])


def _messages(stack: DeployedStack, queue: str, *, count: int) -> list[dict[str, Any]]:
    """Take the messages of a queue, when it has so many."""
    sqs = stack.aws.client("sqs")
    messages: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while len(messages) < count and time.monotonic() < deadline:
        for each in sqs.receive_message(QueueUrl=stack.output(queue), MaxNumberOfMessages=10).get("Messages", []):
            messages.append(json.loads(each["Body"]))
            sqs.delete_message(QueueUrl=stack.output(queue), ReceiptHandle=each["ReceiptHandle"])
    return messages


def _machine(stack: DeployedStack, name: str) -> str:
    """Return the state machine with a name in its own."""
    machines = stack.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    (arn,) = (each["stateMachineArn"] for each in machines if name in each["name"])
    return str(arn)


def _running(stack: DeployedStack, family: str, *, count: int = 1) -> list[dict[str, Any]]:
    """Return the running tasks of a job, when there are so many."""
    api = stack.aws.client("ecs")
    (cluster,) = api.list_clusters()["clusterArns"]
    deadline = time.monotonic() + 60
    arns: list[str] = []
    while len(arns) < count and time.monotonic() < deadline:
        arns = api.list_tasks(cluster=cluster, family=family)["taskArns"]
    assert len(arns) == count
    tasks: list[dict[str, Any]] = api.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return tasks


def test_a_failed_run_leaves_a_message(stack: DeployedStack) -> None:
    """A run that failed or was stopped leaves a message with the reason. A successful run leaves none."""
    api = stack.aws.client("ecs")

    for reason in ("exit 0", "exit 7", "stopped by hand"):
        task = _run(stack.aws, stack.output("RunCommand"))
        api.stop_task(cluster=task.split("/")[1], task=task, reason=reason)

    messages = [each["detail"] for each in _messages(stack, "Queue", count=2)]
    codes = sorted((each["stopCode"], each["containers"][0]["exitCode"]) for each in messages)
    assert codes == [("EssentialContainerExited", 7), ("UserInitiated", 0)]


def test_the_schedule_runs_the_task(stack: DeployedStack) -> None:
    """It runs the task that `run_command` runs."""
    api = stack.aws.client("scheduler")
    (schedule,) = (each for each in api.list_schedules()["Schedules"] if "Report" in each["Name"])
    target = api.get_schedule(Name=schedule["Name"])["Target"]

    assert shlex.split(stack.output("RunCommand"))[6] == target["EcsParameters"]["TaskDefinitionArn"]


def test_an_upload_runs_the_task_and_a_failed_run_starts_again(stack: DeployedStack) -> None:
    """The run gets the key as it is. After the last retry there is one message."""
    key = 'orders/it\'s "1"}, \\ ü $.x {% y %}.csv'
    api, family = stack.aws.client("ecs"), stack.output("LoadFamily")
    stack.aws.client("s3").put_object(Bucket=stack.output("Bucket"), Key="other/1.csv")
    stack.aws.client("s3").put_object(Bucket=stack.output("Bucket"), Key=key)

    (first,) = _running(stack, family)
    (override,) = first["overrides"]["containerOverrides"]
    assert override == {
        "name": "load",
        "environment": [{"name": "S3_BUCKET", "value": stack.output("Bucket")}, {"name": "S3_KEY", "value": key}],
    }
    api.stop_task(cluster=first["clusterArn"], task=first["taskArn"], reason="exit 3")

    (second,) = _running(stack, family)
    assert (second["startedBy"], second["overrides"]) == ("retry-1", first["overrides"])
    assert _messages(stack, "LoadQueue", count=0) == []
    api.stop_task(cluster=second["clusterArn"], task=second["taskArn"], reason="exit 4")

    (message,) = _messages(stack, "LoadQueue", count=1)
    assert [message["detail"][each] for each in ("taskArn", "startedBy")] == [second["taskArn"], "retry-1"]
    assert message["detail"]["containers"][0]["exitCode"] == 4


def test_retries_that_a_deployment_lowers_end(stack: DeployedStack) -> None:
    """A run that was already repeated more often is not repeated; another text of a caller counts as no retry."""
    api, family = stack.aws.client("ecs"), stack.output("LoadFamily")
    for started_by in ("retry-7", "my-retry-run"):
        task = _run(stack.aws, stack.output("LoadCommand"), started_by=started_by)
        api.stop_task(cluster=task.split("/")[1], task=task, reason="exit 3")

    (again,) = _running(stack, family)
    assert again["startedBy"] == "retry-1"
    api.stop_task(cluster=again["clusterArn"], task=again["taskArn"], reason="exit 0")
    (message,) = _messages(stack, "LoadQueue", count=1)
    assert message["detail"]["startedBy"] == "retry-7"


def test_an_event_runs_the_task(stack: DeployedStack) -> None:
    """With a value of the event as it is, as soon as there is capacity."""
    api, bus = stack.aws.client("ecs"), stack.aws.client("events")
    order = "1 '2 capacity after 2 attempts"
    bus.put_events(Entries=[{"Source": "shop", "DetailType": "OrderPaid", "Detail": json.dumps({"order": order})}])

    (task,) = _running(stack, stack.output("LoadFamily"))
    assert task["overrides"]["containerOverrides"] == [{"name": "load", "command": ["./bill.py", order]}]
    api.stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason="exit 0")


def test_a_state_machine_that_does_not_end_is_reported(stack: DeployedStack) -> None:
    """Also if no state could catch the error, such as when a person aborts it."""
    flows = stack.aws.client("stepfunctions")
    begun = {"detail": {"createdAt": "2099-01-01T00:00:00.000Z"}}
    execution = flows.start_execution(stateMachineArn=_machine(stack, "SlowTimeout"), input=json.dumps(begun))
    flows.stop_execution(executionArn=execution["executionArn"])

    (message,) = _messages(stack, "SlowQueue", count=1)
    assert message["detail"]["executionArn"] == execution["executionArn"]


def test_a_state_runs_the_task_and_waits(stack: DeployedStack) -> None:
    """With the values of the state's input; the state ends with the task."""
    api, flows = stack.aws.client("ecs"), stack.aws.client("stepfunctions")
    day = '2030-01-31 "x"'
    execution = flows.start_execution(stateMachineArn=stack.output("Flow"), input=json.dumps({"day": day}))
    (task,) = _running(stack, stack.output("LoadFamily"))

    assert flows.describe_execution(executionArn=execution["executionArn"])["status"] == "RUNNING"
    (override,) = task["overrides"]["containerOverrides"]
    assert override["environment"] == [{"name": "DAY", "value": day}]
    assert override["command"] == ["./load.py", day]
    api.stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason="exit 0")

    deadline = time.monotonic() + 60
    while (status := flows.describe_execution(executionArn=execution["executionArn"])["status"]) == "RUNNING":
        assert time.monotonic() < deadline
    assert status == "SUCCEEDED"


def test_a_run_that_hangs_is_stopped(stack: DeployedStack) -> None:
    """However it was started; the message has the reason."""
    task = _run(stack.aws, stack.output("SlowCommand"))

    (message,) = _messages(stack, "SlowQueue", count=1)
    assert [message["detail"][each] for each in ("taskArn", "stopCode", "stoppedReason")] == [
        *(task, "UserInitiated", "not done after 60 seconds")
    ]


def test_a_run_is_skipped_while_another_runs(stack: DeployedStack) -> None:
    """A time that comes twice starts one run; so does a time at which another run is not done."""
    flows, api = stack.aws.client("stepfunctions"), stack.aws.client("ecs")
    launcher = _machine(stack, "LoneLauncher")

    def start(time_: str) -> None:
        execution = flows.start_execution(stateMachineArn=launcher, input=json.dumps({"id": time_}))["executionArn"]
        deadline = time.monotonic() + 60
        while (status := flows.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            assert time.monotonic() < deadline
        assert status == "SUCCEEDED"

    start("03:15")
    (first,) = _running(stack, stack.output("LoneFamily"))
    start("03:30")
    assert _running(stack, stack.output("LoneFamily")) == [first]
    api.stop_task(cluster=first["clusterArn"], task=first["taskArn"], reason="exit 0")
    start("03:15")
    assert _running(stack, stack.output("LoneFamily"), count=0) == []
    start("03:45")
    (second,) = _running(stack, stack.output("LoneFamily"))
    assert second["taskArn"] != first["taskArn"]
    api.stop_task(cluster=second["clusterArn"], task=second["taskArn"], reason="exit 0")


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("name", ["Report", "Load", "Lone", "Migrate", "Slow"])
def test_the_command_line_runs_jobs_where_the_stack_does(name: str, session: Any) -> None:  # noqa: ANN401  # as boto3's
    """It reads where from the schedule, a state machine or the function; without one it takes the private subnets."""
    job = find_service_or_job(session, f"Jobs/{name}")
    assert isinstance(job, DeployedJob)
    launch = launch_of(job)
    network = dict(launch.parameters["networkConfiguration"]["awsvpcConfiguration"])
    service = find_service_or_job(session, "Jobs/Web")
    assert isinstance(service, DeployedService)
    expected = dict(describe_service(session, service)["networkConfiguration"]["awsvpcConfiguration"])

    assert launch.cluster.rpartition("/")[2] == service.cluster
    assert sorted(network["subnets"]) == sorted(expected["subnets"])
    assert network["assignPublicIp"] == "DISABLED"
    assert network["securityGroups"] != expected["securityGroups"]
    # MiniStack does not return the network of a schedule.
    assert ("launchType" in launch.parameters) == (name in ("Slow", "Report"))


@pytest.mark.usefixtures("stack")
def test_iam_lets_the_task_role_open_a_shell(session: Any) -> None:  # noqa: ANN401  # as boto3's
    """Its own role has what the cluster's transcripts need, too; the execution role has not."""
    found = find_service(session, "Jobs/Web")
    reader = Reader(session, found)
    target = choose_target(reader, describe_service(session, found), task=None, container=None)
    other = {"taskRoleArn": target.definition["executionRoleArn"]}

    assert [each.id for each in permission_findings(reader, target)] == []
    denied = [
        each.id for each in permission_findings(reader, target._replace(task={**target.task, "overrides": other}))
    ]
    assert denied == ["roleDenied", "logDenied", "logDenied"]
    assert reader.gaps == []


@pytest.mark.long
@pytest.mark.parametrize(("ends", "status"), [("exit 3", 3), (None, 130)])
def test_the_command_line_ends_as_the_task_does(ends: str | None, status: int, stack: DeployedStack) -> None:
    """It prints the log of the task; Ctrl-C stops it."""
    program = [sys.executable, "-m", "fargate_constructs", "run", "Jobs/Web", "--", "./check.py"]
    environment = {**os.environ, **stack.aws.environment, "PYTHONPATH": str(ROOT)}
    options: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen(program, cwd=stack.aws.folder, **options) as process:
        errors: Any = process.stderr
        found = re.search(r"task (\S+) of (\S+), cluster (\S+),", errors.readline())
        if not found:
            process.kill()
        assert found, errors.read()
        task, definition, cluster = found.groups()
        ecs, logs = stack.aws.client("ecs"), stack.aws.client("logs")
        (web,) = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
        options = web["logConfiguration"]["options"]
        stream = {"logGroupName": options["awslogs-group"]}
        stream["logStreamName"] = f"{options['awslogs-stream-prefix']}/{web['name']}/{task}"
        logs.create_log_stream(**stream)
        logs.put_log_events(logEvents=[{"timestamp": 1000 * int(time.time()), "message": "one"}], **stream)
        assert "is RUNNING" in errors.readline()
        if ends:
            ecs.stop_task(cluster=cluster, task=task, reason=ends)
        else:
            process.send_signal(signal.SIGINT)
        output, rest = process.communicate(timeout=60)
    (stopped,) = ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"]

    assert (process.returncode, output) == (status, "one\n"), rest
    assert stopped["lastStatus"] == "STOPPED"
    assert stopped["startedBy"] == "fargate-constructs/run"
    assert stopped["stoppedReason"] == ("Essential container in task exited" if ends else "interrupted")
