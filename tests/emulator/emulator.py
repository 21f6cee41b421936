"""A local AWS for the length of a block: MiniStack as a child process, and the real CDK CLI deploying to it.

with Emulator() as aws ──> aws.deploy(a CDK app's folder) ──> its outputs ──> aws.client("ecs"), aws.client("s3")
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp

from tests.emulator.processes import free_port, group, sigterm_raises
from tests.own_settings import NOT_HANDED_ON

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
START_SECONDS, CDK_SECONDS = 60, 600
MIB, ROOM_MIB = 1 << 20, 100
JSII_CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
# The variables that the server gets. MiniStack reads a hundred others, such as SERVICES and USE_SSL.
OF_ANY_PROGRAM = re.compile(r"AWS_|PATH$|HOME$|TMPDIR$|TZ$|LANG|LC_|LD_|DYLD_|PYTHON")
# Without a change set, whose end the CLI looks for every few seconds.
DEPLOY = ("deploy", "--all", "--require-approval", "never", "--progress", "events", "--method", "direct")
BOOTSTRAP_TEMPLATE = ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"


class EmulatorError(RuntimeError):
    """The emulator did not start or the CDK CLI failed; the message holds the log that says why."""


class Emulator:
    """MiniStack on a free port of 127.0.0.1, its data in a temporary folder.

    An exception, Ctrl-C or SIGTERM in the block ends the server and each Lambda function that it runs.

    Args:
        progress: is called with each line that the CDK CLI prints. By default none is shown.

    Example:
        with Emulator(progress=print) as aws:
            outputs = aws.deploy(Path(), outdir=Path("cdk.out"))
            aws.client("s3").list_objects_v2(Bucket=outputs["ArchiveBucket"])
    """

    def __init__(self, *, progress: Callable[[str], None] = lambda _line: None) -> None:
        self._progress = progress
        # A session that reads no person's profile and no file.
        unset = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        variables = {name: (None, None, value, None) for name, value in unset.items()}
        session = botocore.session.Session(session_vars=variables)
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read_time)
        self._session = boto3.Session(botocore_session=session)
        self._clients: dict[str, Any] = {}
        self._bootstrapped = False

    def __enter__(self) -> Self:
        """Start the server and wait until it is ready."""
        with ExitStack() as opening:
            opening.enter_context(sigterm_raises())
            self.folder = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="emulator-")))
            _check_room(self.folder)
            self._port = free_port()
            log = opening.enter_context((self.folder / "ministack.log").open("w+"))
            command = [sys.executable, "-m", "tests.emulator.server"]
            # The server holds the read end of a pipe, so it ends even if this process is killed.
            server = opening.enter_context(
                group(command, cwd=ROOT, env=self._server_environment(), stdin=subprocess.PIPE, stdout=log)
            )
            self._wait_until_ready(server, Path(log.name))
            self._opened = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the server with all its children, and remove its data."""
        self._opened.__exit__(kind, error, traceback)

    @property
    def endpoint_url(self) -> str:
        """The address of every service."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which a child process (a CLI, an SDK) uses only this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:  # noqa: ANN401  # boto3 makes its client classes at run time
        """Return the boto3 client of a service; to make one takes as long as tens of calls."""
        if service not in self._clients:
            make: Any = self._session.client  # its type has only literal names
            self._clients[service] = make(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106  # the emulator takes any
                config=Config(proxies={}, user_agent="tests"),  # to write botocore's own takes longer than to sign
            )
        return self._clients[service]

    def reset(self) -> None:
        """Delete everything."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("POST", "/_ministack/reset")
        assert connection.getresponse().status == http.HTTPStatus.OK
        connection.close()
        self._bootstrapped = False

    def bootstrap(self) -> None:
        """Deploy the bootstrap stack, as `cdk bootstrap` does, from the CLI's own template."""
        if self._bootstrapped:
            return
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName="CDKToolkit",
            TemplateBody=BOOTSTRAP_TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": "FileAssetsBucketKmsKeyId", "ParameterValue": "AWS_MANAGED_KEY"}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        waiter = {"Delay": 0.1, "MaxAttempts": 600}
        cloudformation.get_waiter("stack_create_complete").wait(StackName="CDKToolkit", WaiterConfig=waiter)
        self._bootstrapped = True

    def deploy(self, app_dir: Path, *, outdir: Path) -> dict[str, str]:
        """Deploy all stacks of a CDK app with the CDK CLI, and return their outputs by name.

        Raises:
            EmulatorError: the CLI failed; the message ends with the failed resources and AWS's reasons.
        """
        self.bootstrap()
        outputs = self.folder / "outputs.json"
        outputs.unlink(missing_ok=True)
        self._cdk(*DEPLOY, "--outputs-file", str(outputs), "--output", str(outdir.resolve()), cwd=app_dir)
        return {key: value for stack in json.loads(outputs.read_text()).values() for key, value in stack.items()}

    def deploy_assembly(self, outdir: Path) -> None:
        """Deploy all stacks of a synthesized app with the CDK CLI.

        Raises:
            EmulatorError: the CLI failed; the message ends with the failed resources and AWS's reasons.
        """
        self.bootstrap()
        self._cdk(*DEPLOY, "--app", str(outdir.resolve()), cwd=self.folder)

    def destroy(self, outdir: Path) -> None:
        """Destroy all stacks of a synthesized app with the CDK CLI.

        Raises:
            EmulatorError: the CLI failed; the message ends with the failed resources and AWS's reasons.
        """
        self._cdk("destroy", "--all", "--force", "--app", str(outdir.resolve()), cwd=self.folder)

    def take_back(self, outdir: Path, *, mapping: Path) -> None:
        """Import the resources that a destroyed stack retained into a new one, by a file for `cdk import`.

        Raises:
            EmulatorError: the CLI failed; the message ends with the failed resources and AWS's reasons.
        """
        self._cdk("import", "--resource-mapping", str(mapping), "--app", str(outdir.resolve()), cwd=self.folder)

    def _cdk(self, *arguments: str, cwd: Path) -> None:
        """Run the CDK CLI and pass on each line that it prints."""
        command = [str(ROOT / "node_modules/.bin/cdk"), *arguments, "--no-color", "--no-notices", "--ci"]
        environment = self.child_environment(CDK_DISABLE_CLI_TELEMETRY="true")
        lines = []
        with ExitStack() as running:
            options = {"cwd": cwd, "env": environment, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
            process = running.enter_context(group(command, **options))
            deadline = threading.Timer(CDK_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
            running.callback(deadline.cancel)
            deadline.start()
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                self._progress(lines[-1])
            process.wait()
        if process.returncode:
            raise EmulatorError("\n".join([f"cdk {arguments[0]} failed:", *lines[-40:], *self._failed_resources()]))

    def _failed_resources(self) -> Iterator[str]:
        """A line for each resource that the last operation of any stack failed on."""
        cloudformation = self.client("cloudformation")
        for stack in cloudformation.describe_stacks()["Stacks"]:
            events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            for event in takewhile(lambda event: not _begins_operation(event), events):
                if event["ResourceStatus"].endswith("FAILED"):
                    yield "{StackName} {LogicalResourceId} {ResourceType}: {ResourceStatusReason}".format(**event)

    def _server_environment(self) -> dict[str, str]:
        """MiniStack's settings: on this machine alone, without Docker."""
        return dict(
            {name: value for name, value in self.child_environment().items() if OF_ANY_PROGRAM.match(name)},
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=str(self._port),
            MINISTACK_ACCOUNT_ID=ACCOUNT,
            MINISTACK_REGION=REGION,
            LAMBDA_EXECUTOR="local",
            SFN_WAIT_SCALE="0.01",  # a minute of a state machine takes 0.6 s
            NODE_PATH=str(ROOT / "node_modules"),  # where CDK's own custom resources find the AWS SDK
            DOCKER_HOST=f"unix://{self.folder}/none",
            IOT_MTLS_ENABLED="0",  # these two would listen on ports of their own
            SFTP_ENABLED="0",
        )

    def child_environment(self, **settings: str) -> dict[str, str]:
        """This process's environment with this project's tools, this AWS and no other."""
        ours = {name: value for name, value in os.environ.items() if not NOT_HANDED_ON.match(name)}
        tools = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
        home = self.folder / "home"  # without a person's .cdk.json, .aws and .cdk
        home.mkdir(exist_ok=True)
        here = {"HOME": str(home), "PATH": tools, "TMPDIR": str(self.folder)}
        return {JSII_CACHE: f"{sys.prefix}/cache/jsii", **ours, **here, **self.environment, **settings}

    def _wait_until_ready(self, server: "subprocess.Popen[str]", log: Path) -> None:
        """Return when the server answers; raise with its log when it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
                connection.request("GET", "/_ministack/ready")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
            time.sleep(0.1)
        raise EmulatorError(f"the emulator did not start (exit code {server.poll()}):\n{log.read_text()}")


def read_time(value: Any) -> datetime:  # noqa: ANN401  # a number, or a text
    """A time of a response, which is in ISO 8601 nearly always; botocore's way takes longer than the rest of it."""
    if isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return parse_timestamp(value)


def _check_room(folder: Path) -> None:
    """Refuse a full disk here, before one of the many programs below fails on it without saying so."""
    free = shutil.disk_usage(folder).free // MIB
    if free < ROOM_MIB:
        raise EmulatorError(
            f"{folder.parent} must have {ROOM_MIB} MB free, got: {free} MB; free some, or set TMPDIR to another folder"
        )


def _begins_operation(event: Mapping[str, Any]) -> bool:
    """Whether a stack event is the first of a deployment."""
    starts = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
    return event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in starts
