"""The options of commands that ask AWS, and the session that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from boto3 import Session

Function = TypeVar("Function", bound=Callable[..., Any])


def aws_options(command: Function) -> Function:
    """Add `--profile` and `--region` to a command."""
    profile = click.option("--profile", help="The profile of your AWS credentials. By default AWS_PROFILE.")
    region = click.option("--region", help="The region. By default that of the stack in the app, or AWS_REGION.")
    return profile(region(command))


def session_for(profile: str | None, region: str | None) -> Session:
    """Return a session with ordinary credentials."""
    import boto3  # noqa: PLC0415 - commands that ask AWS nothing start without it

    return boto3.Session(profile_name=profile, region_name=region)
