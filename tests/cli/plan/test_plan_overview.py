"""`fargate-constructs plan`: the drawing, costs and caveats of the app."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.plan import plan_overview_report
from tests.cli.plan.conftest import old
from tests.cli.runner import Run

ROOT = Path(__file__).parents[3]
SERVICE = {"LaunchType": "FARGATE", "TaskDefinition": {"Ref": "Task"}}
TASK = {"Cpu": "256", "Memory": "512", "ContainerDefinitions": [{"Name": "<b>&|", "Image": "nginx"}]}
SHOP: dict[str, Any] = {
    "Web": {
        "Type": "AWS::ECS::Service",
        "Properties": SERVICE,
        "Metadata": {"aws:cdk:path": "Shop/<i>Web|/Service/Service"},
    },
    "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": TASK},
    "Data": {"Type": "AWS::RDS::DBInstance"},
}
NAT = {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1"}}
QUIET = {"Nat": NAT}
VOID = {"br", "meta"}


def test_everything_is_new_without_aws(run: Run) -> None:
    """Offline and without a deployed template; the status is 0, whatever the costs and caveats are."""
    status, text, _ = run(SHOP, "--offline")

    assert status == 0
    assert "Shop: no findings\n\nAll 3 resources are new.\n\nCosts without any use: 9.01 USD a month\n" in text
    assert "    vCPU                              0.25      7.39\n" in text
    assert "    not counted: AWS::RDS::DBInstance: Shop/Data\n" in text
    assert "    By use, not counted: data to the internet: 0.09 USD per GB; data between zones" in text
    assert "FargateCaveats: 2 errors, " in text
    assert "    Shop/<i>Web|/Service/Service (NoCircuitBreaker, error)\n        Without a circuit breaker" in text
    assert "\n        -> Set circuit_breaker=" in text


def test_costs_before_and_after(run: Run) -> None:
    """Each thing with both numbers; one that stays has one number."""
    two = {"Nat": NAT, "Two": NAT, "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "a"}}}
    given = {**two, "Nat": NAT}
    del given["Two"]
    status, text, _ = run(two, "--deployed", old(given))

    assert status == 0
    assert "Costs without any use: 32.95 -> 65.80 USD a month (+32.85)" in text
    assert f"    {'NAT gateway':28}    1 -> 2        32.85 -> 65.70\n" in text
    assert f"    {'alarm':28}         1{0.10:>22.2f}\n" in text
    assert "FargateCaveats: nothing found\n" in text


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 0),
        (["--max-increase", "50"], 0),
        (["--max-increase", "30"], 1),
        (["--fail-on", "error"], 0),
        (["--fail-on", "warning"], 0),
    ],
)
def test_the_status_for_costs(arguments: list[str], status: int, run: Run) -> None:
    """Costs count only with a limit."""
    assert run({**QUIET, "Two": NAT}, "--deployed", old(QUIET), *arguments)[0] == status


def test_the_status_for_caveats(run: Run) -> None:
    """Errors and warnings count only if asked for; an error is more than a warning."""
    good = {
        **SERVICE,
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 100,
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
    }
    task = {**SHOP["Task"], "Properties": {**TASK, "ContainerDefinitions": []}}
    no_exec = {"Web": {**SHOP["Web"], "Properties": good}, "Task": task}

    assert run(no_exec, "--offline", "--fail-on", "error")[0] == 0
    assert run(no_exec, "--offline", "--fail-on", "warning")[0] == 1
    assert run(SHOP, "--offline", "--fail-on", "error")[0] == 1


def test_without_cdk(run: Run) -> None:
    """It loads neither CDK, which takes a second and needs Node.js, nor cdk-nag."""
    run(SHOP, "--offline")
    program = "import sys; from fargate_constructs.cli import main"
    check = "print({'aws_cdk', 'jsii', 'cdk_nag', 'boto3'} & {*sys.modules})"
    code = f"{program}\ntry:\n    main()\nfinally:\n    {check}"
    arguments = [sys.executable, "-c", code, "plan", "--offline", "--html", "plan.html"]
    result = subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )

    assert result.stdout.endswith("set()\n"), result.stderr


def test_json(run: Run) -> None:
    """It has the costs with all prices, the caveats, and the architecture."""
    found = json.loads(run(SHOP, "--offline", "--json")[1])

    assert (found["costs"]["before"], found["costs"]["after"]) == (None, 9.01)
    assert found["costs"]["prices"]["NAT gateway"]["source"] == "https://aws.amazon.com/vpc/pricing/"
    assert found["costs"]["prices"]["vCPU"]["usd"] == 0.04048
    assert {"rule", "level", "path", "why", "got", "fix"} == found["caveats"][0].keys()
    assert [card["title"] for card in found["architecture"]["cards"]] == ["<i>Web|"]


def test_prices_of_a_file(run: Run) -> None:
    """They are used, and named; those of the bill that are of another region are named, too."""
    prices = {"region": "eu-west-1", "date": "2026-11", "prices": {"NAT gateway": 0.048}}
    Path("prices.json").write_text(json.dumps(prices))
    text = run(QUIET, "--offline", "--prices", "prices.json")[1]

    assert "Costs without any use: 35.04 USD a month" in text
    assert "list prices of eu-west-1, 2026-11, 730 hours a month" in text
    assert "; of us-east-1 for what the file lacks: data through a NAT gateway\n" in text


def test_markdown(run: Run) -> None:
    """Tables for costs and caveats, and the architecture for GitHub; signs of Markdown are escaped."""
    text = run(SHOP, "--offline", "--markdown")[1]

    assert "### Costs without any use: 9.01 USD a month\n\n| what | number | USD a month |\n|---|---:|---:|\n" in text
    assert "| GB of memory | 0.5 | 1.62 |\n" in text
    assert "\nList prices of us-east-1, 2026-11" in text
    assert (
        "<details><summary>Notes on the costs (1)</summary>\n\n- not counted: AWS::RDS::DBInstance: Shop/Data" in text
    )
    assert "| `Shop/<i>Web\\|/Service/Service` | NoCircuitBreaker (error): " in text
    assert "\n### Architecture\n\n```mermaid\nflowchart LR\n" in text
    before = run({**QUIET, "Two": NAT}, "--deployed", old(QUIET), "--markdown")[1]
    assert "| what | before | after | USD before | USD after |" in before
    assert "| NAT gateway | 1 | 2 | 32.85 | 65.70 |" in before
    assert "```mermaid" not in before


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("MAX_TEXT", 99, "The architecture is too large for Mermaid: `--html` draws it."),
        ("MAX_LINKS", -1, "The architecture is too large for Mermaid: `--html` draws it."),
        ("MAX_COMMENT", 999, "A comment on GitHub has no room for the architecture: `--html` draws it."),
    ],
)
def test_an_architecture_without_room(
    limit: str, value: int, text: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub would show an error in place of the drawing, and refuses a comment of more characters."""
    assert re.search(r"\n```mermaid\n[^`]+\n```\n", run(SHOP, "--offline", "--markdown")[1])
    monkeypatch.setattr(plan_overview_report, limit, value)
    shown = run(SHOP, "--offline", "--markdown")[1]

    assert text in shown
    assert "```mermaid" not in shown


def test_characters_that_are_not_shown(run: Run) -> None:
    """A path with a line break, or with a character that turns the direction of text, breaks no table and no page."""
    evil = {**SHOP["Web"], "Metadata": {"aws:cdk:path": "Shop/a\nb\u202ec\x00d/Service"}}
    text = run({"Web": evil, "Task": SHOP["Task"]}, "--offline", "--markdown", "--html", "plan.html")[1]

    assert "| `Shop/a b c d/Service` | NoCircuitBreaker (error): " in text
    for each in (text, Path("plan.html").read_text()):
        assert not {"\u202e", "\x00"} & {*each}


class Page(HTMLParser):
    """Reads a page; fails if an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and what it asks for."""
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src", "srcset", "action", "data")]
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        """Check that the last element ends."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that is closed at once."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data


def test_the_page(run: Run) -> None:
    """One file without scripts and requests; texts of the app are no elements."""
    replaced = {**QUIET, "Nat": {**NAT, "Properties": {"SubnetId": "<subnet>"}}, "Two": NAT}
    status, _, _ = run({**SHOP, **replaced}, "--deployed", old({**SHOP, **QUIET}), "--html", "plan.html")
    page = Page(Path("plan.html").read_text())

    assert status == 1
    assert (page.open, page.links) == ([], [])
    assert not page.tags & {"script", "link", "img", "i"}
    assert "Plan of Shop" in page.text
    assert 'was "subnet-1", now "<subnet>"' in page.text
    assert "Costs without any use: 41.86 -> 74.71 USD a month (+32.85)" in page.text
    assert "Shop/<i>Web|/Service/Service" in page.text
    assert {"svg", "table", "details"} <= page.tags
    for resources in (QUIET, {"Topic": {"Type": "AWS::SNS::Topic"}}):
        run(resources, "--offline", "--html", "new.html")
        assert "nothing found" in Page(Path("new.html").read_text()).text


def test_a_warning_on_the_page(run: Run) -> None:
    """It has another colour than an error, and the word."""
    containers = [{"Name": "a", "LogConfiguration": {"LogDriver": "awslogs"}}]
    task = {**TASK, "RequiresCompatibilities": ["FARGATE"], "ContainerDefinitions": containers}
    run({"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task}}, "--offline", "--html", "plan.html")

    assert '<li class="warning">FargateCaveats: ' in Path("plan.html").read_text()
