"""`fargate-constructs status` with the real boto3, on a local AWS: as a person runs it, in a pipe and in a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.command_line import NO_RESULT, RUNS_A_COMMAND
from tests.cli.test_commands_without_an_answer import ARGUMENTS, ASKING, write_app
from tests.emulator.commands import run_here
from tests.emulator.emulator import REGION, ROOT, Emulator
from tests.emulator.half_way import HalfWay

SECONDS = 30
PROGRAM = [sys.executable, "-m", "fargate_constructs", "status"]


@pytest.fixture(scope="module")
def cluster(aws: Emulator) -> str:
    """The cluster of two services that CloudFormation deployed: `Blog/Web`, behind a load balancer, and `Blog/Api`."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24")["Subnet"]["SubnetId"] for number in (0, 1)]
    service = {
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Definition"},
        "DesiredCount": 1,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": subnets, "AssignPublicIp": "DISABLED"}},
    }
    target = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": {"Ref": "Group"}}
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/blog/*"]}}
    options = {"awslogs-group": {"Ref": "Logs"}, "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
    container = {
        "Name": "web",
        "Image": "example.com/blog:7",
        "Essential": True,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
    }
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Logs": ("Logs::LogGroup", {"LogGroupName": "/blog/web"}),
        "Cluster": ("ECS::Cluster", {"ClusterName": "blog"}),
        "Definition": (
            "ECS::TaskDefinition",
            {
                "Family": "blog",
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "ContainerDefinitions": [container],
            },
        ),
        "Web": ("ECS::Service", {**service, "ServiceName": "web", "LoadBalancers": [target]}),
        "Api": ("ECS::Service", {**service, "ServiceName": "api"}),
        "Balancer": ("ElasticLoadBalancingV2::LoadBalancer", {"Type": "application", "Subnets": subnets}),
        "Group": (
            "ElasticLoadBalancingV2::TargetGroup",
            {"VpcId": vpc, "Port": 80, "Protocol": "HTTP", "TargetType": "ip"},
        ),
        "Listener": (
            "ElasticLoadBalancingV2::Listener",
            {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            },
        ),
        "Rule": (
            "ElasticLoadBalancingV2::ListenerRule",
            {"ListenerArn": {"Ref": "Listener"}, "Priority": 1, "Actions": [forward], "Conditions": [path]},
        ),
        "Alarm": (
            "CloudWatch::Alarm",
            {
                "AlarmName": "blog-web-slow",
                "Namespace": "AWS/ECS",
                "MetricName": "CPUUtilization",
                "Dimensions": [{"Name": "ClusterName", "Value": "blog"}, {"Name": "ServiceName", "Value": "web"}],
                "Period": 60,
                "EvaluationPeriods": 1,
                "Statistic": "Average",
                "Threshold": 90,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        ),
    }
    resources = {
        id_: {"Type": f"AWS::{type_}", "Properties": given, "Metadata": {"aws:cdk:path": f"Blog/{id_}/Service/Service"}}
        for id_, (type_, given) in properties.items()
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="Blog", TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Blog", WaiterConfig={"Delay": 1})
    return "blog"


def settings(aws: Emulator, **more: str) -> dict[str, str]:
    """Return the environment of a person who uses this AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **aws.environment, **more, "PYTHONPATH": str(ROOT)}


def status(aws: Emulator, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return its status, and what it prints."""
    result = run_here(aws, "status", *arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("cluster")
def test_one_service_and_all(aws: Emulator) -> None:
    """A service has its task, its URL and its alarm in ALARM; the table has both services."""
    code, output, errors = status(aws, "Blog/Web", "--json")
    found = json.loads(output)
    assert (code, errors, found["problems"]) == (0, "", [])
    assert [each for each in found["not_shown"] if "DescribeAccountPolicies" not in each] == []  # MiniStack lacks it
    assert [(each["state"], each["image"], each["capacity"]) for each in found["tasks"]] == [
        ("RUNNING", "7", "FARGATE")
    ]
    assert found["deployment"]["revisions"][0]["name"] == "blog:1"
    assert [re.sub(r"//[^/]+", "//", each) for each in found["urls"]] == ["http:///blog/*"]

    alarms = aws.client("cloudwatch")
    alarms.set_alarm_state(AlarmName="blog-web-slow", StateValue="ALARM", StateReason="test")
    code, output, _ = status(aws, "Blog/Web")
    assert (code, output.splitlines()[:2]) == (1, ["Blog/Web: 1 problem", "  - alarm blog-web-slow is in ALARM"])
    code, output, _ = status(aws)
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.startswith("Blog/")}
    assert (code, rows["Blog/Web"][0], rows["Blog/Api"][0]) == (1, "1/1", "1/1")
    assert "  Blog/Web: alarm blog-web-slow is in ALARM\n" in output
    alarms.set_alarm_state(AlarmName="blog-web-slow", StateValue="OK", StateReason="test")


def test_waiting_for_a_deployment(aws: Emulator, cluster: str) -> None:
    """It ends when the new tasks run; a line is printed for each change."""
    aws.client("ecs").update_service(cluster=cluster, service="api", forceNewDeployment=True)
    code, output, errors = status(aws, "Blog/Api", "--wait", "--interval", "1", "--timeout", "1m")

    assert (code, errors) == (0, "")
    assert re.match(r"\d\d:\d\d:\d\d UTC Blog/Api: ", output)
    assert "Blog/Api" in output.splitlines()[0]


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.usefixtures("cluster")
def test_a_network_that_drops(path: str, aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Half-way, each command that asks AWS has one line, and the status of no answer."""
    monkeypatch.chdir(tmp_path)
    write_app(tmp_path, "Blog")
    given = [each.replace("Shop", "Blog") for each in ARGUMENTS.get(path, ["Shop/Web"])]
    arguments = [*path.split(), "--region", REGION, *given]
    end = 0 if path == "prove" else 1  # after its first request it asks a person
    # `logs`, and a command that has started a task, wait for the network. There is no archive here.
    if path not in ("logs", "prove", *RUNS_A_COMMAND) and not path.startswith("archive "):
        with HalfWay(aws.endpoint_url) as way:
            result = run_here(aws, *arguments, AWS_ENDPOINT_URL=way.url)
        assert result.exit_code in (0, 1), result.output
        end = way.seen // 2
    with HalfWay(aws.endpoint_url, end) as way:
        result = run_here(aws, *arguments, AWS_ENDPOINT_URL=way.url, AWS_MAX_ATTEMPTS="1")
    *_, line = result.stderr.splitlines()

    assert result.exit_code == (NO_RESULT if path in RUNS_A_COMMAND else 2), result.output
    assert way.seen == end
    assert line.startswith("Error: AWS: there is no answer; check the network"), result.stderr
    assert "Traceback" not in result.stderr


class Terminal:
    """A terminal with the command in it."""

    def __init__(self, aws: Emulator, *arguments: str, **more: str) -> None:
        self._mine, theirs = pty.openpty()
        self.resize(30, 80)
        self.text = ""
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=aws.folder,
            env={**settings(aws, **more), "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - this process has no threads here
        )
        os.close(theirs)

    def resize(self, rows: int, columns: int) -> None:
        """Change its size, as a person does at the edge of a window."""
        termios.tcsetwinsize(self._mine, (rows, columns))

    def write(self, text: str) -> None:
        """Type a text."""
        os.write(self._mine, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Read until a pattern is there; return what was read before and with it."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < deadline, f"{pattern} is not in {self.text}"
            self._read(deadline)
        before, self.text = self.text[: found.end()], self.text[found.end() :]
        return before

    def end(self) -> tuple[int, str]:
        """Read until the command ends; return its status, and what it printed last."""
        deadline = time.monotonic() + SECONDS
        while self._process.poll() is None or select.select([self._mine], [], [], 0.1)[0]:
            assert time.monotonic() < deadline
            if not self._read(deadline):
                break
        os.close(self._mine)
        return self._process.wait(SECONDS), self.text

    def _read(self, deadline: float) -> bool:
        if select.select([self._mine], [], [], deadline - time.monotonic())[0]:
            try:
                read = os.read(self._mine, 65536)
            except OSError:  # the other end is closed
                return False
            self.text += read.decode(errors="replace")
        return True


def test_watching_in_a_terminal(aws: Emulator, cluster: str) -> None:
    """It draws over itself, shows what changed, goes on without a network, follows the size, and ends by Ctrl-C."""
    ecs = aws.client("ecs")
    with HalfWay(aws.endpoint_url) as way:
        terminal = Terminal(
            aws, "Blog/Web", "--watch", "--interval", "1", AWS_ENDPOINT_URL=way.url, AWS_MAX_ATTEMPTS="1"
        )
        terminal.wait_for("Blog/Web: healthy")
        ecs.update_service(cluster=cluster, service="web", desiredCount=2)
        terminal.wait_for(r"Changes \(UTC\)")
        terminal.wait_for(r"task \w{8} is new")
        way.drop()
        drawn = terminal.wait_for(r"no answer since \d\d:\d\d:\d\d UTC: there is no answer; check the network")
        assert "\x1b[2J" not in drawn
        way.restore()
        terminal.resize(50, 130)
        terminal.wait_for("ADDRESS|2 of 2 run, 0 start")
        terminal.write("\x03")
        code, text = terminal.end()
    ecs.update_service(cluster=cluster, service="web", desiredCount=1)

    assert code == 130
    assert "Traceback" not in text
    assert "\x1b[?1049l" in text
    assert "Blog/Web: " in text.rpartition("\x1b[?1049l")[2]


@pytest.fixture
def tmux(aws: Emulator, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A tmux server of its own, on a screen of 80 columns; returns what it prints."""
    program = ["tmux", "-S", str(tmp_path / "socket"), "-f", os.devnull]

    def function(*arguments: str) -> str:
        return subprocess.run(
            [*program, *arguments], env=settings(aws, TERM="xterm-256color"), capture_output=True, text=True, check=True
        ).stdout

    function("new-session", "-d", "-s", "test", "-x", "80", "-y", "40", "-c", str(aws.folder), "/bin/sh")
    yield function
    function("kill-server")


@pytest.mark.long
@pytest.mark.usefixtures("cluster")
def test_watching_under_tmux(tmux: Callable[..., str]) -> None:
    """The screen fits into its pane, also after a resize; Ctrl-C brings the shell back, with the last screen."""

    def screen_with(pattern: str) -> str:
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, screen := tmux("capture-pane", "-p", "-t", "test")):
            assert time.monotonic() < deadline, screen
            time.sleep(0.1)
        return screen

    tmux("send-keys", "-t", "test", f"{' '.join(PROGRAM)} Blog/Web --watch --interval 1", "Enter")
    screen = screen_with(r"(?m)^Blog/Web: healthy$")
    assert screen.splitlines()[0] == "Blog/Web: healthy"
    assert max(map(len, screen.splitlines())) <= 80
    tmux("resize-window", "-t", "test", "-x", "60", "-y", "20")
    time.sleep(2)
    screen = tmux("capture-pane", "-p", "-t", "test")
    assert screen.splitlines()[0] == "Blog/Web: healthy"
    assert len(screen.splitlines()) <= 20
    tmux("send-keys", "-t", "test", "C-c", "")
    tmux("send-keys", "-t", "test", "echo status $?", "Enter")
    screen_with(r"(?m)^\W*status 130$")
    # The last state stays, and may be longer than the window.
    assert "Blog/Web: healthy" in tmux("capture-pane", "-p", "-S", "-", "-t", "test")
