"""A healthy service, and what the command prints about it."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from fargate_constructs.cli import status
from fargate_constructs.cli.status.status_watch import Clock
from tests.cli.recorded_aws import NOW, RecordedAws, running_task
from tests.cli.runner import Run, runner


def listed(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return two tasks that run, and none that stopped."""
    return {"taskArns": ["0", "1"] if "serviceName" in request else []}


def described(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the tasks that run."""
    return {"tasks": [running_task(int(number)) for number in request["tasks"]]}


@pytest.fixture
def aws(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> RecordedAws:
    """An AWS with a healthy service, whose clock does not move."""
    clients.answers.update(ListTasks=listed, DescribeTasks=described)
    monkeypatch.setattr(status, "CLOCK", Clock(lambda: NOW, lambda _: None))
    return clients


@pytest.fixture
def run(aws: RecordedAws) -> Run:
    """Runs the command; returns its status, and what it printed."""
    del aws
    return runner("status")


@pytest.fixture
def printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Returns what the command prints in a terminal of 80 columns without colours."""

    def function(*arguments: str, width: int = 80) -> str:
        output = StringIO()
        monkeypatch.setattr(status, "console", lambda: Console(file=output, width=width, highlight=False, markup=False))
        run(*arguments)
        return output.getvalue()

    return function
