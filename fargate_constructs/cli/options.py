"""The options that commands share, and the place that they name: an app, credentials and a region."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from fargate_constructs.cli.aws import session_for

if TYPE_CHECKING:
    from boto3 import Session

Function = TypeVar("Function", bound=Callable[..., Any])
Command = Callable[..., None]


class Place(NamedTuple):
    """Where a command looks for what is deployed."""

    app: Path | None
    """The folder of CDK whose stacks are searched first. By default cdk.out, if it is there."""
    profile: str | None
    region: str | None
    """By default that of each stack in the app, or that of the session."""

    def session(self) -> Session:
        """Return a session with ordinary credentials."""
        return session_for(self.profile, self.region)


def profile_option(command: Function) -> Function:
    """Add `--profile` to a command."""
    return click.option("--profile", help="The profile of your AWS credentials. By default AWS_PROFILE.")(command)


def aws_options(command: Function) -> Function:
    """Add `--profile` and `--region` to a command."""
    region = click.option("--region", help="The region. By default that of the stack in the app, or AWS_REGION.")
    return profile_option(region(command))


def place_options(json_help: str = "Print one JSON document.") -> Callable[[Command], Command]:
    """Add `--app`, `--json`, `--profile` and `--region`; the command gets the arguments `as_json` and `place`."""
    app = click.option(
        "--app",
        type=click.Path(exists=True, path_type=Path),
        help="The folder of `cdk synth`, whose stacks are searched first. By default cdk.out, if it is there.",
    )
    json = click.option("--json", "as_json", is_flag=True, help=json_help)

    def add(command: Command) -> Command:
        @wraps(command)
        def run(*, app: Path | None, profile: str | None, region: str | None, **others: Any) -> None:  # noqa: ANN401
            command(place=Place(app, profile, region), **others)

        return app(json(aws_options(run)))

    return add
