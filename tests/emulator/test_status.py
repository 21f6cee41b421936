"""`fargate-constructs status` with the real boto3, on a local AWS: as a person runs it, in a pipe and in a terminal."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fargate_constructs.cli.command_line import NO_RESULT, RUNS_A_COMMAND
from tests.cli.test_commands_without_an_answer import ARGUMENTS, ASKING, write_app
from tests.emulator.commands import run_here
from tests.emulator.emulator import REGION, ROOT, Emulator
from tests.emulator.half_way import HalfWay
from tests.emulator.terminals import Terminal

SECONDS = 30
PROGRAM = [sys.executable, "-m", "fargate_constructs", "status"]


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


def test_watching_in_a_terminal(aws: Emulator, cluster: str) -> None:
    """It draws over itself, shows what changed, goes on without a network, follows the size, and ends by Ctrl-C."""
    ecs = aws.client("ecs")
    with HalfWay(aws.endpoint_url) as way:
        watch = ("status", "Blog/Web", "--watch", "--interval", "1")
        terminal = Terminal(aws, *watch, AWS_ENDPOINT_URL=way.url, AWS_MAX_ATTEMPTS="1")
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
        terminal.press("\x03")
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

    environment = aws.child_environment(TERM="xterm-256color", PYTHONPATH=str(ROOT))

    def function(*arguments: str) -> str:
        command = [*program, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

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
