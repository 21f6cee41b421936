"""What docs/testing.md says."""

import json
import re
import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest
from aws_cdk import App, NestedStack, Stack
from aws_cdk import aws_s3 as s3

from fargate_constructs.testing import assert_no_replacement, lasting_resources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
FILES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))

(COMMANDS,) = re.findall(r"^```sh\n(python .*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def network(cidr: str) -> dict[str, object]:
    """Return the template that the page's message is about."""
    vpc = {
        "Type": "AWS::EC2::VPC",
        "Metadata": {"aws:cdk:path": "Shop/Vpc"},
        "Properties": {"CidrBlock": cidr},
    }
    subnet = {
        "Type": "AWS::EC2::Subnet",
        "Metadata": {"aws:cdk:path": "Shop/Subnet"},
        "Properties": {"VpcId": {"Ref": "Vpc"}},
    }
    return {"Resources": {"Vpc": vpc, "Subnet": subnet}}


class Outcomes:
    """Counts what becomes of the tests of a run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test; what sets it up, and takes it down, only if it fails."""
        self.counts[report.outcome] += report.when == "call" or report.failed


def test_the_files_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied from the page, and run with its commands: each test passes, and the last run writes nothing."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
    (tmp_path / "pytest.ini").touch()  # or else pytest takes the settings of a folder above, maybe this clone's
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    counts, snapshots = [], []
    for command in COMMANDS.splitlines():
        program, *arguments = command.partition("#")[0].split()
        if program == "python":
            runpy.run_path(arguments[0], run_name="__main__")
            continue
        assert program == "pytest"
        outcomes = Outcomes()
        # A team's run, without this project's plug-ins.
        names = ("slipcover", "xdist", "randomly", "unraisableexception")  # the last searches all tests for cycles
        pytest.main([*arguments, *(f"-pno:{name}" for name in names)], plugins=[outcomes])
        counts.append(outcomes.counts)
        snapshots.append({path: path.stat().st_mtime_ns for path in tmp_path.rglob("*_was.json")})

    assert counts == [Counter(passed=5)] * 2
    assert snapshots[0] == snapshots[1]
    (snapshot,) = snapshots[0]
    assert "<asset Web/LogArchive/Shipper/Code>.zip" in snapshot.read_text()


def test_each_stack_of_an_app_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the page's loops, a nested stack with its parent; a deleted resource of one is found."""
    (loops,) = re.findall(r"^```python\n(stacks = .*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deployed").mkdir()
    app = App()
    shop = Stack(app, "Shop")
    s3.Bucket(NestedStack(shop, "Nested"), "Data")
    s3.Bucket(Stack(app, "Blog"), "Data")
    names = {
        "app": app,
        "assert_no_replacement": assert_no_replacement,
        "json": json,
        "lasting_resources": lasting_resources,
        "Path": Path,
        "Stack": Stack,
    }
    exec(loops, names)  # noqa: S102 - the page's own code

    assert len(list(tmp_path.glob("deployed/*.json"))) == 2
    with pytest.raises(AssertionError, match=r"Shop/Nested/Data/Resource .* is deleted"):
        assert_no_replacement(tmp_path / "deployed" / "Shop.template.json", Stack(App(), "Shop"))
    with pytest.raises(AssertionError, match="Blog/Data"):
        assert_no_replacement(tmp_path / "deployed" / "Blog.template.json", shop)


def test_the_message_is_what_it_says() -> None:
    """The page has the exact message."""
    with pytest.raises(AssertionError) as failure:
        assert_no_replacement(network("10.0.0.0/16"), network("10.1.0.0/16"))

    assert f"```\n{failure.value}\n```\n" in PAGE
