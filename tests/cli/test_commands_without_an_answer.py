"""What each command does that asks AWS, if AWS gives no answer: with the real boto3, whose requests end here."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from botocore.loaders import create_loader
from click.testing import CliRunner

from fargate_constructs.cli.command_line import NO_RESULT, RUNS_A_COMMAND, commands
from tests.cli.test_command_line import PATHS, loaded

# What a command needs beside the options of all; without an entry it gets the name of a service.
ARGUMENTS = {
    "archive backfill": ["--log-group", "/ecs/web"],
    "archive fetch": ["--since", "2h", "--output", "logs"],
    "archive query": ["--list"],
    "archive replay": [],
    "archive verify": ["--since", "2h"],
    "plan": ["Shop"],
    "prove": ["--account", "123456789012"],
    "run": ["Shop/Web", "--", "true"],
    "shell": ["Shop/Web", "--", "true"],
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
# What botocore knows of AWS; each session would read it again.
LOADER = create_loader()
Send = Callable[[AWSRequest], AWSResponse]


# They find their archive as the first of them does.
LONG = ("archive fetch", "archive query", "archive replay", "archive verify")
ASKING = [
    pytest.param(path, marks=pytest.mark.long if path in LONG else ())
    for path in PATHS
    if "profile" in [each.name for each in loaded(path).params]
]
"""The commands that ask AWS: those that know a profile."""


def write_app(folder: Path, stack: str) -> None:
    """Write an app with one stack, as `cdk synth` does."""
    outdir = folder / "cdk.out"
    outdir.mkdir()
    (outdir / "stack.json").write_text('{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    properties = {"templateFile": "stack.json", "stackName": stack}
    artifacts = {stack: {"type": "aws:cloudformation:stack", "properties": properties}}
    (outdir / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


def refuse(code: str, message: str) -> Send:
    """Return what answers each request with an error, in the protocol of the request."""

    def send(request: AWSRequest) -> AWSResponse:
        assert isinstance(request.url, str)
        is_json = "X-Amz-Target" in request.headers
        body = (
            f'{{"__type": "{code}", "message": "{message}"}}'
            if is_json
            else f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
        raw = SimpleNamespace(stream=lambda: iter([body.encode()]))
        return AWSResponse(request.url, 400, HTTPHeaders(), raw)

    return send


def unreachable(request: AWSRequest) -> AWSResponse:
    """Reach nothing."""
    raise EndpointConnectionError(endpoint_url=str(request.url))


CASES: dict[str, tuple[Send, dict[str, str], list[str], str, int]] = {
    "no credentials": (unreachable, {}, ["--region", "eu-west-1"], "AWS: there are no credentials; set AWS_PROFILE", 0),
    "expired": (
        refuse("ExpiredToken", "The security token included in the request is expired"),
        CREDENTIALS,
        ["--region", "eu-west-1"],
        "AWS: the credentials have expired; renew them",
        1,
    ),
    "wrong region": (
        unreachable,
        {**CREDENTIALS, "AWS_MAX_ATTEMPTS": "1"},
        ["--region", "eu-wst-1"],
        "check the network, and whether the region eu-wst-1 exists",
        1,
    ),
    "throttling": (
        refuse("Throttling", "Rate exceeded"),
        CREDENTIALS,
        ["--region", "eu-west-1"],
        "AWS: the rate of requests is limited, also after several attempts; wait a minute",
        3,
    ),
    "not allowed": (
        refuse("AccessDenied", "User is not authorized"),
        CREDENTIALS,
        ["--region", "eu-west-1"],
        "User is not authorized",
        1,
    ),
    "no region": (unreachable, CREDENTIALS, [], "--region", 0),
    "no such profile": (
        unreachable,
        CREDENTIALS,
        ["--profile", "shp", "--region", "eu-west-1"],
        "The config profile (shp) could not be found",
        0,
    ),
}
# The command line has one meaning of an error for all commands, so most cases are shown with one of them.
WITH_ALL_CASES, WITH_EACH_COMMAND = "status", ("expired", "wrong region", "no region")


@pytest.mark.parametrize("path", ASKING)
def test_each_is_one_line(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without credentials, region, permission or network, and if AWS throttles; the status is that of no answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.session.create_loader", lambda _: LOADER)
    write_app(tmp_path, "Shop")
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for case in CASES if path == WITH_ALL_CASES else WITH_EACH_COMMAND:
        send, variables, options, text, attempts = CASES[case]
        sent: list[AWSRequest] = []

        def note(self: object, request: AWSRequest, sent: list[AWSRequest] = sent, send: Send = send) -> AWSResponse:
            del self
            sent.append(request)
            return send(request)

        monkeypatch.setattr(URLLib3Session, "send", note)
        others = {name: None for name in os.environ if name.startswith("AWS_")}
        environment = {**others, **nothing, "AWS_EC2_METADATA_DISABLED": "true", **variables}
        arguments = ARGUMENTS.get(path, ["Shop/Web"])
        result: Any = CliRunner(env=environment).invoke(commands, [*path.split(), *options, *arguments])

        assert (result.exit_code, result.stdout) == (NO_RESULT if path in RUNS_A_COMMAND else 2, ""), case
        assert result.stderr.count("\n") == 1, f"{case}: {result.stderr}"
        assert result.stderr.startswith("Error: "), case
        assert text in result.stderr, case
        assert len(sent) >= attempts, case
        assert not isinstance(result.exception, Exception), case
