"""`fargate-constructs shell`, with a fake plugin on the PATH."""

import base64
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from fargate_constructs.cli import shell as module
from fargate_constructs.cli.shell.exec_session import PluginCall
from tests.cli.recorded_aws import ACCOUNT, FAMILY_ARN, NOW, REGION, Error, RecordedAws, service, task_definition
from tests.cli.recorded_tasks import CLUSTER_ARN, requests_of
from tests.cli.runner import runner

run = runner("shell")
FAKE = Path(__file__).parents[1] / "fake_plugin.py"
TASK = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
AGENT_PATHS = ("/var/lib/amazon", "/var/log/amazon")
IPV6_ALONE = {"PrivateIpAddress": None, "Ipv6Addresses": [{"Ipv6Address": "2001:db8::5"}]}


def a_task(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a running task with an agent."""
    return {
        "taskArn": f"{TASK}/{number}dc5c17a422b4dc4b493970c6b8c4d6d",
        "taskDefinitionArn": FAMILY_ARN,
        "clusterArn": CLUSTER_ARN,
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "enableExecuteCommand": True,
        "createdAt": NOW - timedelta(hours=number),
        "startedAt": NOW - timedelta(hours=number),
        "containers": [a_container()],
        "attachments": [{"details": [{"name": "networkInterfaceId", "value": "eni-1"}]}],
        **changes,
    }


def a_container(status: str = "RUNNING", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the container of a task."""
    agent = {"name": "ExecuteCommandAgent", "lastStatus": status, **changes}
    return {"name": "web", "lastStatus": "RUNNING", "runtimeId": "abc-123", "managedAgents": [agent]}


def decide(aws: RecordedAws, *denied: str, **changes: Any) -> None:  # noqa: ANN401 - of a result
    """Let IAM deny some actions to each role, and allow all others."""

    def simulate(request: Any) -> dict[str, Any]:  # noqa: ANN401 - a request
        results = [
            {
                "EvalActionName": each,
                "EvalDecision": "implicitDeny" if each in denied else "allowed",
                **(changes if each in denied else {}),
            }
            for each in request["ActionNames"]
        ]
        return {"EvaluationResults": results}

    aws.answers["SimulatePrincipalPolicy"] = simulate


@pytest.fixture(autouse=True)
def aws(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RecordedAws:
    """An AWS in which a shell opens."""
    tasks = [a_task(2), a_task(1), a_task(3)]
    clients.answers |= {
        "DescribeServices": {"services": [service(enableExecuteCommand=True)]},
        "ListTasks": {"taskArns": [each["taskArn"] for each in tasks]},
        "DescribeTasks": lambda request: {"tasks": [each for each in tasks if each["taskArn"] in request["tasks"]]},
        "DescribeClusters": {"clusters": [{"clusterArn": CLUSTER_ARN}]},
        "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/me"},
        "DescribeNetworkInterfaces": {"NetworkInterfaces": [interface()]},
        "DescribeSecurityGroups": {"SecurityGroups": [group(egress=[rule()], ingress=[rule()])]},
        "DescribeRouteTables": {"RouteTables": [route_table("nat-1")]},
        "DescribeNatGateways": {
            "NatGateways": [
                {"NatGatewayId": "nat-1", "State": "available", "NatGatewayAddresses": [{"PublicIp": "203.0.113.1"}]}
            ]
        },
        "ExecuteCommand": execute,
    }
    decide(clients)
    plugin = tmp_path / "bin/session-manager-plugin"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{FAKE}" "$@"\n')
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{plugin.parent}{os.pathsep}{os.environ['PATH']}")
    return clients


def execute(request: Any) -> dict[str, Any]:  # noqa: ANN401 - a request
    """Return a session, whose token has the command for the fake plugin."""
    token = base64.b64encode(request["command"].encode()).decode()
    return {
        "clusterArn": request["cluster"],
        "containerName": request["container"],
        "taskArn": request["task"],
        "session": {"sessionId": "ecs-execute-command-1", "streamUrl": "wss://ssmmessages", "tokenValue": token},
    }


def interface(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the network interface of a task."""
    about = {"VpcId": "vpc-0a1b", "SubnetId": "subnet-0a1b", "Groups": [{"GroupId": "sg-1"}]}
    made = {**about, "PrivateIpAddress": "10.0.1.5", **changes}
    return {key: each for key, each in made.items() if each}


def group(*, egress: list[Any], ingress: list[Any]) -> dict[str, Any]:
    """Return a security group."""
    return {"GroupId": "sg-1", "VpcId": "vpc-0a1b", "IpPermissionsEgress": egress, "IpPermissions": ingress}


def rule(ports: int | None = None, **sources: Any) -> dict[str, Any]:  # noqa: ANN401 - of an answer
    """Return a rule of a security group for a port, or for everything."""
    about = {"IpProtocol": "tcp", "FromPort": ports, "ToPort": ports} if ports else {"IpProtocol": "-1"}
    return {**about, **(sources or {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]})}


def route_table(target: str) -> dict[str, Any]:
    """Return the route table of the subnet."""
    key = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
    routes = [{"DestinationCidrBlock": "0.0.0.0/0", key: target}] if target else []
    return {"VpcId": "vpc-0a1b", "Associations": [{"SubnetId": "subnet-0a1b"}], "Routes": routes}


def endpoint(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the VPC endpoint that the agent uses."""
    made = {"VpcEndpointId": "vpce-1", "VpcId": "vpc-0a1b", "ServiceName": f"com.amazonaws.{REGION}.ssmmessages"}
    groups = [{"GroupId": "sg-2"}]
    return {**made, "State": "available", "PrivateDnsEnabled": True, "Groups": groups, **changes}


def checked(*arguments: str) -> dict[str, Any]:
    """Return what `--check` finds."""
    status, output, errors = run("Shop/Web", "--check", "--json", *arguments)
    document: dict[str, Any] = json.loads(output)

    assert status == (1 if document["findings"] else 0), errors
    return document


def ids(*arguments: str) -> list[str]:
    """Return the findings of `--check`, if all could be checked."""
    document = checked(*arguments)
    assert document["not_shown"] == []
    return [each["id"] for each in document["findings"]]


def test_a_command_has_its_output_and_its_status(aws: RecordedAws) -> None:
    """It runs in the newest healthy task, and the message says which."""
    status, output, errors = run("Shop/Web", "--", "sh", "-c", "echo one; exit 3")

    assert (status, output) == (3, "one\n")
    assert errors == (
        "Shop/Web: task 1dc5c17a (shop:7, health HEALTHY, started 2026-11-29 14:00:00 UTC), container web\n"
    )
    (request,) = requests_of(aws, "ExecuteCommand")
    assert request["command"].startswith("/bin/sh -c 'w=$1; shift")
    del request["command"]
    expected = {"cluster": CLUSTER_ARN, "task": a_task()["taskArn"], "container": "web", "interactive": True}
    assert request == expected


def test_nothing_is_asked_twice(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --no-check neither IAM nor EC2 is asked; an old plugin gets the session, too."""
    monkeypatch.setenv("FAKE_VERSION", "1.2.497.0\n")
    assert run("Shop/Web", "--no-check", "--", "true")[0] == 0
    asked = {name for name, _ in aws.requests}
    assert not {name for name in asked if name.startswith(("Simulate", "DescribeSecurity", "GetRole"))}


def test_a_command_without_status_shows_the_whole_session() -> None:
    """Images without a shell need it; the message says that the status is not known."""
    status, output, errors = run("Shop/Web", "--no-status", "--", "sh", "-c", "echo one; exit 3")

    assert status == 0
    assert "\none\n" in output
    assert "Starting session with SessionId" in output
    assert "the status of the command is not known" in errors


def test_a_session_without_a_begin_says_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image has no shell."""
    monkeypatch.setattr(module, "marked", lambda *_, **__: ("/no/such/program", "word"))
    status, output, errors = run("Shop/Web", "--", "true")

    assert (status, output) == (125, "")
    assert "fork/exec /no/such/program: no such file or directory" in errors
    assert "the command has not begun" in errors


def test_a_session_that_is_cut_off_has_the_status_of_no_result() -> None:
    """The shell around the command is gone."""
    status, _, errors = run("Shop/Web", "--", "sh", "-c", "kill -9 0")

    assert status == 125
    assert "the session ended before the command did" in errors


def test_a_shell_opens_on_a_terminal(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin gets the terminal, and starts bash if it is there; the profile is given to it."""
    seen: list[PluginCall] = []
    monkeypatch.setattr(module, "_is_on_terminal", lambda: True)

    def note(plugin: PluginCall) -> int:
        seen.append(plugin)
        return len(seen) - 1

    monkeypatch.setattr(module, "attach", note)

    assert run("Shop/Web", "--profile", "dev")[0] == 0
    ((words, variables),) = seen
    plugin, session, region, operation, profile, request, url = words
    assert (plugin, region, operation, profile) == ("session-manager-plugin", REGION, "StartSession", "dev")
    assert json.loads(variables[session])["sessionId"] == "ecs-execute-command-1"
    assert json.loads(request) == {"Target": "ecs:shop_1dc5c17a422b4dc4b493970c6b8c4d6d_abc-123"}
    assert url == "https://ssm.us-east-1.amazonaws.com"
    (asked,) = requests_of(aws, "ExecuteCommand")
    assert asked["command"] == "/bin/sh -c 'if command -v bash >/dev/null; then exec bash; fi; exec sh'"
    assert run("Shop/Web")[0] == 125


@pytest.mark.parametrize(
    ("version", "place"),
    [
        ("1.2.814.0\n", "variables"),
        ("1.2.498", "variables"),
        ("1.2.497.0\n", "arguments"),
        ("1.1.61.0", "arguments"),
        ("?", "arguments"),
    ],
)
def test_other_users_do_not_see_the_session(version: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token is in no command line, except for an old plugin, which takes it nowhere else."""
    monkeypatch.setenv("FAKE_VERSION", version)
    seen: list[PluginCall] = []
    monkeypatch.setattr(module, "_is_on_terminal", lambda: True)
    monkeypatch.setattr(module, "attach", seen.append)
    run("Shop/Web")
    assert [each for each, value in seen[0]._asdict().items() if "tokenValue" in str(value)] == [place]


def test_windows_has_another_shell(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command there has no status."""
    monkeypatch.setattr(module, "_is_on_terminal", lambda: True)
    monkeypatch.setattr(module, "attach", lambda _: 0)
    windows = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    aws.answers["DescribeTaskDefinition"] = {"taskDefinition": {**task_definition(), "runtimePlatform": windows}}

    assert run("Shop/Web")[0] == 0
    assert run("Shop/Web", "--", "powershell", "-c", "dir")[2].endswith("the status of the command is not known\n")
    assert [each["command"] for each in requests_of(aws, "ExecuteCommand")] == ["cmd", "powershell -c dir"]


def test_the_terminal_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it has input; the status is its own."""
    seen: list[Any] = []

    def take(_arguments: object, output: Any, write: Callable[[bytes], None], *, terminal: int | None) -> None:  # noqa: ANN401 - a double
        seen.append(terminal)
        write(b"one\n")
        output.status = 4

    monkeypatch.setattr(module, "_is_on_terminal", lambda: True)
    monkeypatch.setattr(module, "relay", take)
    assert run("Shop/Web", "--", "psql")[:2] == (4, "one\n")
    assert seen == [0]


@pytest.mark.parametrize(
    ("tasks", "chosen"),
    [
        ([a_task(1, healthStatus="UNHEALTHY"), a_task(2)], 2),
        ([a_task(1, healthStatus="UNKNOWN"), a_task(2)], 2),
        ([a_task(1, healthStatus="UNHEALTHY"), a_task(2, healthStatus="UNKNOWN")], 2),
        ([a_task(1, containers=[a_container("STOPPED")]), a_task(2, healthStatus="UNHEALTHY")], 2),
        ([a_task(3), a_task(2), a_task(4)], 2),
    ],
)
def test_the_best_task_is_taken(tasks: list[dict[str, Any]], chosen: int, aws: RecordedAws) -> None:
    """One whose agent runs, then a healthy one, then the newest."""
    aws.answers["DescribeTasks"] = {"tasks": tasks}
    assert checked()["task"][0] == str(chosen)


@pytest.mark.parametrize("name", ["2dc5", f"{TASK}/2dc5c17a422b4dc4b493970c6b8c4d6d"])
def test_a_task_can_be_named(name: str, aws: RecordedAws) -> None:
    """Its ID may be cut off; it may also be a one-off task of the cluster."""
    assert checked("--task", name)["task"].startswith("2dc5")
    assert requests_of(aws, "ListTasks")[0] == {"cluster": "shop", "desiredStatus": "RUNNING"}


def test_a_task_that_is_not_there_is_refused(aws: RecordedAws) -> None:
    """So is a begin that fits several."""
    aws.answers["DescribeTasks"] = {"tasks": []}
    assert "--task must be a task of the cluster shop, got: 99" in run("Shop/Web", "--task", "99", "--", "true")[2]
    aws.answers["ListTasks"] = {"taskArns": [f"{TASK}/77", f"{TASK}/78"]}
    errors = run("Shop/Web", "--task", "7", "--", "true")[2]
    assert "--task must fit one task, got 2: 77, 78" in errors
    aws.answers["ListTasks"] = {"taskArns": []}
    status, _, errors = run("Shop/Web", "--", "true")
    assert status == 125
    assert "Shop/Web has no running task; `fargate-constructs explain Shop/Web` says why" in errors


def definition(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about the task definition, with changes of its container."""
    (web,) = task_definition()["containerDefinitions"]
    made = {**task_definition(), "containerDefinitions": [{**web, **changes}]}
    return {"DescribeTaskDefinition": {"taskDefinition": made}}


def two_containers(pid_mode: str) -> dict[str, Any]:
    """Return the answer about a task definition whose containers share processes, or do not."""
    (web,) = task_definition()["containerDefinitions"]
    both = {"containerDefinitions": [web, {**web, "name": "agent"}], "pidMode": pid_mode}
    return {"DescribeTaskDefinition": {"taskDefinition": {**task_definition(), **both}}}


def keys_of(name: str) -> dict[str, Any]:
    """Return the answer about a one-off task, of which a container has keys as variables."""
    keys = [{"name": "AWS_SECRET_ACCESS_KEY", "value": "…"}]
    overrides = {"containerOverrides": [{"name": name, "environment": keys}]}
    return {"DescribeTasks": {"tasks": [a_task(overrides=overrides)]}}


def lets_in(ingress: dict[str, Any], **of_interface: Any) -> dict[str, Any]:  # noqa: ANN401 - of an answer
    """Return the answers about a VPC endpoint that a rule lets in to."""
    return {
        "DescribeNetworkInterfaces": {"NetworkInterfaces": [interface(**of_interface)]},
        "DescribeVpcEndpoints": {"VpcEndpoints": [endpoint()]},
        "DescribeSecurityGroups": {"SecurityGroups": [group(egress=[rule()], ingress=[ingress])]},
    }


def isolated(**of_endpoint: Any) -> dict[str, Any]:  # noqa: ANN401 - of an answer
    """Return the answers about a subnet with a VPC endpoint alone."""
    return {
        "DescribeVpcEndpoints": {"VpcEndpoints": [endpoint(Groups=[], **of_endpoint)]},
        "DescribeRouteTables": {"RouteTables": [route_table("")]},
    }


def mounted(*paths: str, read_only: bool = False) -> list[dict[str, Any]]:
    """Return the mounts of a container."""
    return [{"containerPath": each, "sourceVolume": "v", "readOnly": read_only} for each in paths]


@pytest.mark.parametrize(
    ("answers", "found", "text"),
    [
        (
            {"DescribeServices": {"services": [service()]}, "task": a_task(enableExecuteCommand=False)},
            ["notEnabled"],
            "--cluster shop --service web --force-new-deployment --enable-execute-command",
        ),
        ({"task": a_task(enableExecuteCommand=False)}, ["taskTooOld"], "--service web --force-new-deployment"),
        (
            {"task": a_task(lastStatus="STOPPED", stoppedReason="Task stopped by user")},
            ["taskNotRunning"],
            "The task is STOPPED (Task stopped by user).",
        ),
        ({"task": a_task(lastStatus="PENDING")}, ["taskNotRunning"], "The task is PENDING."),
        ({"task": a_task(containers=[a_container("PENDING")])}, ["agentStarts"], "Wait some seconds"),
        (
            {"task": a_task(containers=[a_container("STOPPED", reason="out of disk")])},
            ["agentStopped"],
            "The agent of ECS Exec is STOPPED: out of disk.",
        ),
        (
            {"task": a_task(containers=[{"name": "web", "lastStatus": "RUNNING"}])},
            ["agentStopped"],
            "The agent of ECS Exec is not there.",
        ),
        ({"task": a_task(containers=[])}, ["agentStopped"], "aws ecs stop-task --cluster shop --task 1dc5c17a"),
        (
            {"DescribeTaskDefinition": {"taskDefinition": {**task_definition(), "taskRoleArn": ""}}},
            ["noTaskRole"],
            "Give the task definition a task role",
        ),
    ],
)
def test_without_a_requirement_no_session_opens(
    answers: dict[str, Any], found: list[str], text: str, aws: RecordedAws
) -> None:
    """The message says what to do, and the status is 125."""
    task = answers.pop("task", a_task())
    aws.answers |= {**answers, "ListTasks": {"taskArns": [task["taskArn"]]}, "DescribeTasks": {"tasks": [task]}}
    answers["task"] = task
    status, _, errors = run("Shop/Web", "--", "true")

    assert status == 125
    assert text in errors
    assert "Shop/Web: no session can open in task 1dc5c17a" in errors
    assert requests_of(aws, "ExecuteCommand") == []
    assert ids() == found


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("Darwin", "brew install --cask session-manager-plugin"),
        ("Windows", "install-plugin-windows.html"),
        ("Linux", "install-plugin-debian-and-ubuntu.html for .deb"),
    ],
)
def test_a_missing_plugin_is_said_with_how_to_install_it(
    system: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ECS is not asked for a session then."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setenv("PATH", "/nowhere")
    status, _, errors = run("Shop/Web", "--", "true")

    assert status == 125
    assert "session-manager-plugin is not on the PATH" in errors
    assert text in errors


def configuration(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a cluster that keeps transcripts."""
    logs = {"cloudWatchLogGroupName": "/shop/web", "s3BucketName": "audit", "s3KeyPrefix": "exec/", **changes}
    settings = {"kmsKeyId": "key-1", "logging": "OVERRIDE", "logConfiguration": logs}
    clusters = [{"clusterArn": CLUSTER_ARN, "configuration": {"executeCommandConfiguration": settings}}]
    return {"DescribeClusters": {"clusters": clusters}, "DescribeKey": {"KeyMetadata": key()}}


def key(state: str = "Enabled") -> dict[str, Any]:
    """Return a KMS key."""
    return {"KeyId": "1", "Arn": KEY, "KeyState": state}


@pytest.mark.parametrize(
    ("answers", "denied", "found"),
    [
        ({}, (), []),
        ({}, ("ssmmessages:OpenDataChannel",), ["roleDenied"]),
        ({}, ("ecs:ExecuteCommand",), ["callerDenied"]),
        (configuration(s3EncryptionEnabled=True), (), []),
        (configuration(), ("logs:PutLogEvents",), ["logDenied"]),
        (configuration(), ("s3:PutObject",), ["bucketDenied"]),
        (configuration(s3EncryptionEnabled=True), ("s3:GetEncryptionConfiguration",), ["bucketDenied"]),
        (configuration(), ("kms:Decrypt",), ["keyDenied"]),
        (configuration(), ("kms:GenerateDataKey",), ["callerKeyDenied"]),
        ({**configuration(), "DescribeKey": {"KeyMetadata": key("Disabled")}}, (), ["keyDisabled"]),
        ({**configuration(), "DescribeLogGroups": {"logGroups": []}}, (), ["noTranscript"]),
        (configuration(cloudWatchEncryptionEnabled=True), (), ["plainTranscript"]),
        (definition(readonlyRootFilesystem=True), (), ["readOnly"]),
        (definition(readonlyRootFilesystem=True, mountPoints=mounted(*AGENT_PATHS, read_only=True)), (), ["readOnly"]),
        (definition(readonlyRootFilesystem=True, mountPoints=mounted("/var/lib/amazon", "/var/log")), (), []),
        (definition(environment=[{"name": "AWS_ACCESS_KEY_ID", "value": "AKIA"}]), (), ["ownKeys"]),
        (keys_of("web"), (), ["ownKeys"]),
        (keys_of("agent"), (), []),
        (two_containers("task"), (), ["sharedProcesses"]),
        (two_containers("host"), (), []),
        ({"DescribeSecurityGroups": {"SecurityGroups": [group(egress=[rule(80)], ingress=[])]}}, (), ["groupClosed"]),
        ({"DescribeSecurityGroups": {"SecurityGroups": [group(egress=[rule(443)], ingress=[])]}}, (), []),
        ({"DescribeRouteTables": {"RouteTables": [route_table("")]}}, (), ["noEgress"]),
        ({"DescribeRouteTables": {"RouteTables": [route_table("igw-1")]}}, (), ["noEgress"]),
        (
            {
                "DescribeRouteTables": {"RouteTables": [route_table("igw-1")]},
                "DescribeNetworkInterfaces": {
                    "NetworkInterfaces": [interface(Association={"PublicIp": "203.0.113.7"})]
                },
            },
            (),
            [],
        ),
        (isolated(), (), []),
        (isolated(PrivateDnsEnabled=False), (), ["noEgress"]),
        (isolated(State="pending"), (), ["noEgress"]),
        (lets_in(rule(443, IpRanges=[{"CidrIp": "10.0.0.0/16"}])), (), []),
        (lets_in(rule(443, UserIdGroupPairs=[{"GroupId": "sg-1"}])), (), []),
        (lets_in(rule(443, PrefixListIds=[{"PrefixListId": "pl-1"}])), (), []),
        (lets_in(rule(443, IpRanges=[{"CidrIp": "10.9.0.0/16"}])), (), ["endpointClosed"]),
        (lets_in(rule(443, IpRanges=[{"CidrIp": "10.0.1.9/16"}])), (), []),
        (lets_in(rule(443, UserIdGroupPairs=[{"GroupId": "sg-9"}])), (), ["endpointClosed"]),
        (lets_in(rule(443, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/56"}])), (), ["endpointClosed"]),
        (lets_in(rule(80, IpRanges=[{"CidrIp": "10.0.0.0/16"}])), (), ["endpointClosed"]),
        (lets_in(rule(443, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/56"}]), **IPV6_ALONE), (), []),
        (lets_in(rule(443, Ipv6Ranges=[{"CidrIpv6": "2001:db9::/56"}]), **IPV6_ALONE), (), ["endpointClosed"]),
    ],
)
def test_each_finding_is_one_that_may_keep_a_session_from_opening(
    answers: dict[str, Any], denied: tuple[str, ...], found: list[str], aws: RecordedAws
) -> None:
    """It is a warning: IAM's simulator, VPC routes and VPC endpoints do not say all, so the session is tried."""
    aws.answers |= answers
    decide(aws, *denied)
    document = checked()

    assert document["not_shown"] == []
    assert [each["id"] for each in document["findings"]] == found
    assert not any(each["is_certain"] for each in document["findings"])


@pytest.mark.parametrize("status", ["ACTIVATING", "DEACTIVATING"])
def test_a_task_whose_targets_change_is_tried(status: str, aws: RecordedAws) -> None:
    """Its containers run; the finding is a warning."""
    aws.answers["DescribeTasks"] = {"tasks": [a_task(lastStatus=status)]}
    code, output, errors = run("Shop/Web", "--", "echo", "one")

    assert (code, output) == (0, "one\n")
    assert f"The task is {status}." in errors


def test_what_may_not_be_read_is_not_checked(aws: RecordedAws) -> None:
    """The session is tried."""
    denied = ("AccessDenied", "not authorized")
    names = ("SimulatePrincipalPolicy", "DescribeClusters", "DescribeNetworkInterfaces")
    aws.answers |= dict.fromkeys(names, denied)
    document = checked()

    assert document["findings"] == []
    subjects = [each.partition(":")[0] for each in document["not_shown"]]
    assert subjects == [
        "the cluster's settings for ECS Exec",
        "the permissions of the task role",
        "your own permissions",
        "the network",
    ]
    status, output, _ = run("Shop/Web", "--check")
    assert (status, output.count("\nnot checked: ")) == (0, 4)
    assert run("Shop/Web", "--", "true")[0] == 0


@pytest.mark.parametrize(
    "error", [("Throttling", "Rate exceeded"), EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")]
)
def test_a_check_without_an_answer_refuses_no_session(error: Exception | Error, aws: RecordedAws) -> None:
    """A network may have a way to ECS, and none to IAM or EC2."""
    aws.answers |= {"SimulatePrincipalPolicy": error, "DescribeSecurityGroups": error}
    document = checked()

    assert document["findings"] == []
    assert [each.partition(":")[0] for each in document["not_shown"]] == ["permissions", "the network"]
    assert run("Shop/Web", "--", "echo", "one")[:2] == (0, "one\n")


@pytest.mark.parametrize(
    ("arn", "asked", "gaps"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/me", ROLE, []),
        (f"arn:aws:iam::{ACCOUNT}:user/team/me", f"arn:aws:iam::{ACCOUNT}:user/team/me", []),
        (f"arn:aws:iam::{ACCOUNT}:root", None, []),
        (
            f"arn:aws:sts::{ACCOUNT}:federated-user/me",
            None,
            [f"your own permissions: IAM does not simulate arn:aws:sts::{ACCOUNT}:federated-user/me"],
        ),
    ],
)
def test_the_caller_is_simulated_as_iam_knows_it(
    arn: str, asked: str | None, gaps: list[str], aws: RecordedAws
) -> None:
    """A session of a role is no principal of IAM's simulator, and the root user may do all."""
    aws.answers["GetCallerIdentity"] = {"Account": ACCOUNT, "Arn": arn}
    assert checked()["not_shown"] == gaps
    sources = [
        each["PolicySourceArn"]
        for each in requests_of(aws, "SimulatePrincipalPolicy")
        if each["ActionNames"] == ["ecs:ExecuteCommand"]
    ]
    assert sources == [asked] * bool(asked)


def test_conditions_that_are_not_known_are_no_finding(aws: RecordedAws) -> None:
    """The policy asks for a tag, for example."""
    decide(aws, "ecs:ExecuteCommand", MissingContextValues=["aws:ResourceTag/team"])
    document = checked()

    assert document["findings"] == []
    assert document["not_shown"] == [f"ecs:ExecuteCommand of {ROLE}: it depends on aws:ResourceTag/team"]


def test_a_task_in_the_network_of_an_instance_is_not_checked_there(aws: RecordedAws) -> None:
    """It has no network interface of its own."""
    aws.answers["DescribeTasks"] = {"tasks": [a_task(attachments=[])]}
    assert checked()["not_shown"] == ["the network: the task has no network interface of its own"]


def test_the_check_is_readable(aws: RecordedAws) -> None:
    """Each finding says what to do."""
    decide(aws, "ssmmessages:OpenDataChannel")
    status, output, _ = run("Shop/Web", "--check")

    assert status == 1
    assert output.startswith("Shop/Web: 1 finding\ntask 1dc5c17a (shop:7, health HEALTHY, ")
    assert "\nThe task role may not do ssmmessages:OpenDataChannel on *.\n  do: Allow it for arn:aws:iam" in output
    decide(aws)
    assert run("Shop/Web", "--check")[1].startswith("Shop/Web: no findings\n")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("TargetNotConnectedException", "ECS does not reach the agent in the task"),
        ("AccessDeniedException", "AWS: An error occurred (AccessDeniedException)"),
    ],
)
def test_a_session_that_ecs_refuses_is_one_line(error: str, text: str, aws: RecordedAws) -> None:
    """The status is 125."""
    aws.answers["ExecuteCommand"] = (error, "The execute command failed due to an internal error. Try again later.")
    status, _, errors = run("Shop/Web", "--", "true")

    assert status == 125
    assert text in errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("Shop/Web",), "a shell needs a terminal; in a script write a command: -- COMMAND"),
        (("Shop/Web", "--check", "--no-check"), "write --check or --no-check, not both"),
        (("Shop/Web", "--json", "--", "true"), "--json needs --check"),
        (("Shop/Web", "--no-status"), "--no-status needs a command"),
        (("Shop/Web", "--container", "wep", "--", "true"), "--container must be one of web, got: wep"),
        (("Shop/Wep", "--", "true"), "the service must be one of those"),
    ],
)
def test_misuse_has_the_status_of_no_result(arguments: tuple[str, ...], text: str) -> None:
    """1 and 2 are statuses of commands that ran."""
    status, _, errors = run(*arguments)

    assert status == 125
    assert text in errors
