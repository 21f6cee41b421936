"""The recorded AWS of the commands' tests."""

from pathlib import Path

import pytest

from tests.cli.recorded_aws import RecordedAws


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
