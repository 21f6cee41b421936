"""The recorded AWS of the commands' tests."""

from pathlib import Path

import pytest

from fargate_constructs.cli import run
from fargate_constructs.cli.egress import address_probes
from fargate_constructs.cli.tasks import one_off_tasks
from tests.cli.recorded_aws import RecordedAws
from tests.cli.recorded_tasks import Time


@pytest.fixture(scope="session")
def recorded() -> RecordedAws:
    """The clients of all tests, because boto3 takes long to make them."""
    return RecordedAws()


@pytest.fixture
def clients(recorded: RecordedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RecordedAws:
    """An AWS with a healthy service, which commands ask from an empty folder; nothing was asked yet."""
    recorded.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: recorded)
    return recorded


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The time of what starts tasks and waits for them; it does not pass by itself."""
    made = Time()
    for module in (one_off_tasks, address_probes, run):
        monkeypatch.setattr(module, "time", made)
    return made
