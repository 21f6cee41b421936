"""A local AWS for commands that run in this process."""

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import REGION, Emulator


class EmulatedSession:
    """What the command line takes as a session of boto3; its clients are made once."""

    region_name = REGION

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws

    def client(self, name: str, region_name: str = REGION, config: object = None) -> Any:  # noqa: ANN401  # of boto3
        """Return a client."""
        del config
        assert region_name == REGION
        return self._aws.client(name)


@pytest.fixture
def session(aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:  # noqa: ANN401  # as boto3's
    """The session that commands use, in a folder without an app."""
    made = EmulatedSession(aws)
    monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: made)
    monkeypatch.chdir(tmp_path)
    return made
