"""`fargate-constructs prove` on a local AWS, with the real app and the real boto3.

prove ──> CloudFormation ──> [each step; requests get an answer of a web server here] ──> destroy ──> report
"""

import json
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from fargate_constructs.cli import prove
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.prove.outcomes import Waiting
from fargate_constructs.cli.prove.proof_step import Proof
from tests.emulator.emulator import ACCOUNT, REGION, ROOT, Emulator
from tests.emulator.inventory import inventory
from tests.emulator.load_balancer import LoadBalancer, answering
from tests.emulator.terminals import Terminal

pytestmark = pytest.mark.long

OPTIONS = ["prove", "--account", ACCOUNT, "--region", REGION]


class Clock:
    """A clock that goes on by a minute for each moment of sleep, in which a schedule of the emulator would run."""

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws
        self._ahead = 0.0

    def now(self) -> float:
        """Return the time."""
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Let time go on, and let the catalog look for new log groups."""
        self._ahead += seconds
        time.sleep(0.05)
        functions = self._aws.client("lambda").list_functions()["Functions"]
        for name in (each["FunctionName"] for each in functions if "CatalogLogGroups" in each["FunctionName"]):
            self._aws.client("lambda").invoke(FunctionName=name, Payload="{}")


@pytest.fixture
def account(aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulator:
    """An account without anything, in which this process works; requests reach web servers in place of the tasks."""
    for name, value in {**aws.environment, "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    clock = Clock(aws)
    monkeypatch.setattr(prove, "Waiting", lambda **_: Waiting(clock.now, clock.sleep))

    def get(url: str) -> tuple[int, str]:
        elb = aws.client("elbv2")
        (found,) = elb.describe_load_balancers()["LoadBalancers"]
        with ExitStack() as running:
            for group in elb.describe_target_groups()["TargetGroups"]:
                running.enter_context(answering(aws, "nginx", group["TargetGroupArn"]))
            answer = LoadBalancer(aws, found["LoadBalancerArn"]).send(urlsplit(url).path)
        return answer.status, answer.name

    monkeypatch.setattr(prove, "Proof", partial(Proof, get=get))
    return aws


def test_what_the_emulator_has_is_shown(account: Emulator, tmp_path: Path) -> None:
    """The rest is not shown, with the reason; nothing is left."""
    before = inventory(account)
    result = CliRunner().invoke(commands, [*OPTIONS, "--yes", "--json"])

    assert result.exit_code == 1, result.output
    document = json.loads(result.stdout)
    reasons = {each["step"]: each["reason"] for each in document["steps"]}
    assert {step for step, reason in reasons.items() if not reason} == {
        "deploy",
        "endpoint",
        "archive",
        "query",
        "destroy",
    }
    assert "does not end after 300 s" in reasons["egress"]
    assert "no line with proof-" in reasons["log"]
    assert reasons["second deployment"] == "ECS does not list the deployments of the service"
    assert "an image that does not exist was not rolled back" in reasons["rollback"]
    assert {each["outcome"] for each in document["steps"]} == {"shown", "not shown"}
    measured = {each["step"]: each["measured"] for each in document["steps"]}
    assert measured["archive"]["line"].startswith("written by this command")
    assert measured["query"]["rows"] == 1
    assert document["place"] == account.endpoint_url
    assert (document["left"], document["not_shown"]) == ([], [])
    assert inventory(account) - before == set()
    assert "On **not AWS**" in (tmp_path / prove.OUTPUT / "report.md").read_text()


def test_a_person_says_no(account: Emulator, tmp_path: Path) -> None:
    """The question names account, region and cost; nothing is made."""
    before = inventory(account)
    terminal = Terminal(account, *OPTIONS, cwd=tmp_path)
    terminal.wait_for(f"in the account {ACCOUNT}, {REGION}")
    terminal.wait_for("costs about 0.4")
    terminal.wait_for(r"Continue\? \[y/N\]")
    terminal.press("n\n")

    assert terminal.end()[0] == 2
    assert inventory(account) - before == set()


def test_ctrl_c_deletes(account: Emulator, tmp_path: Path) -> None:
    """After a question. It comes while the endpoint, which has no address here, is asked."""
    before = inventory(account)
    terminal = Terminal(account, *OPTIONS, cwd=tmp_path)
    terminal.wait_for(r"Continue\? \[y/N\]")
    terminal.press("y\n")
    terminal.wait_for("endpoint: a request")
    terminal.press("\x03")
    terminal.wait_for(r"Delete what is deployed now\? \[Y/n\]")
    terminal.press("\n")

    assert terminal.end()[0] == 130
    assert inventory(account) - before == set()
    steps = {each["step"]: each for each in json.loads((tmp_path / prove.OUTPUT / "report.json").read_text())["steps"]}
    assert [name for name, each in steps.items() if each["outcome"] == "shown"] == ["deploy", "destroy"]
    assert steps["rollback"]["reason"] == "it did not run to its end"
