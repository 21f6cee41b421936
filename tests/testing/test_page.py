"""What docs/testing.md says."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from fargate_constructs.testing import assert_no_replacement

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
FILES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))


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


def test_the_files_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied as they are: what is deployed is pinned, and each test passes, the snapshot made on the way."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    runpy.run_path("pin.py")
    command = [sys.executable, "-m", "pytest", "-q", "--snapshot-update", "-p", "no:cacheprovider"]
    printed = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout

    assert re.search(r"^5 passed", printed, flags=re.MULTILINE), printed
    assert "<asset Web/LogArchive/Shipper/Code>.zip" in next(tmp_path.rglob("*_was.json")).read_text()


def test_the_message_is_what_it_says() -> None:
    """Word by word."""
    with pytest.raises(AssertionError) as failure:
        assert_no_replacement(network("10.0.0.0/16"), network("10.1.0.0/16"))

    assert f"```\n{failure.value}\n```\n" in PAGE
