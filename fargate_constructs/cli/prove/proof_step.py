"""What a step of a proof is, and what it works with.

A step raises `DisprovedError` if AWS did something else, and `NotShownError` if it lacks what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.prove.outcomes import Waiting
from fargate_constructs.cli.prove.request_watch import Get, get
from fargate_constructs.cli.prove.stack_operations import StackOperations

Measured = dict[str, Any]
MINUTE = 60


@dataclass
class Proof:
    """What the steps work with."""

    operations: StackOperations
    assemblies: Path
    """The folder with a cloud assembly for each state of the app."""
    waiting: Waiting = field(default_factory=Waiting)
    get: Get = get
    profile: str = ""
    """The profile of the credentials; empty if it is not named."""

    @property
    def folder(self) -> Path:
        """The folder of the report."""
        return self.operations.state.folder

    @property
    def token(self) -> str:
        """What a log line of this proof has."""
        return self.operations.state.token

    def client(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return the client of a part of AWS."""
        return self.operations.client(name)

    @cached_property
    def _outputs(self) -> Mapping[str, str]:
        return self.operations.outputs()

    def output(self, name: str) -> str:
        """Return an output of the stack."""
        return self._outputs[name]

    def service(self) -> Answer:
        """Return what ECS answers about the service."""
        found = self.client("ecs").describe_services(cluster=self.output("Cluster"), services=[self.output("Service")])
        service: Answer = found["services"][0]
        return service

    def deploy(self, state: str, limit: float) -> str:
        """Deploy a state of the app; return the status of the stack."""
        return self.waiting.until(
            lambda: self.operations.deploy(self.assemblies / state, limit=limit),
            limit=limit,
            missing="the deployment has no end",
        )


class Step(NamedTuple):
    """A step, and the promise that it asks about."""

    name: str
    promise: str
    run: Callable[[Proof], Measured]
