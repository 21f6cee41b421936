"""The emulator as a process: it starts or says why not, deploys or says why not, and ends with its children."""

import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.emulator import emulator
from tests.emulator.emulator import ROOT, Emulator, EmulatorError

ALIVE = "import os\nheld = open(os.environ['ALIVE'], 'w')\ndef handler(event, context):\n    return 'alive'\n"
ENDLESS = """
import time
from tests.emulator.emulator import Emulator
with Emulator() as aws:
    print(aws.endpoint_url, flush=True)
    time.sleep(60)
"""


def _run_function(aws: Emulator, alive: Path) -> None:
    """Start a Lambda function whose process holds a file open for as long as it lives."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", ALIVE)
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="alive",
        Runtime="python3.14",
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/any",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"ALIVE": str(alive)}},
    )
    assert functions.invoke(FunctionName="alive")["Payload"].read() == b'"alive"'


def _answers(url: str) -> bool:
    """Whether a server listens there."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def _use_and_leave(aws: Emulator, fifo: Path, alive: int) -> None:
    """Run a function, make sure that it lives, and leave by SIGTERM."""
    _run_function(aws, fifo)
    with pytest.raises(BlockingIOError):
        os.read(alive, 1)  # nothing to read, but there is a writer
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_ends_the_server_and_its_functions(tmp_path: Path) -> None:
    """What leaves the block, SIGTERM too, ends the server, the functions' processes and the data."""
    before = signal.getsignal(signal.SIGTERM)
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(SystemExit), Emulator() as aws:
        _use_and_leave(aws, fifo, alive)
    assert select.select([alive], [], [], 5)[0], "the function's process outlived its emulator"
    assert os.read(alive, 1) == b""
    os.close(alive)
    assert not _answers(aws.endpoint_url)
    assert not aws.folder.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """A parent that has no time to clean up leaves no server behind."""
    command = [sys.executable, "-c", ENDLESS]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert _answers(url)
        parent.kill()
    deadline = time.monotonic() + 5
    while _answers(url):
        assert time.monotonic() < deadline, f"{url} still answers"
        time.sleep(0.05)


def test_failed_start_shows_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken ends the start at once, with the server's own words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(emulator, "free_port", lambda: taken.getsockname()[1])
        with pytest.raises(EmulatorError, match="already in use"), Emulator():
            pass


def test_failed_deployment_says_which_resource_and_why(aws: Emulator, tmp_path: Path) -> None:
    """The error has what the CDK CLI printed of a deployment that it rolled back, and the reason of the resource."""
    broken = {"Resources": {"Broken": {"Type": "AWS::EC2::EIP", "Properties": {"InstanceId": "i-1"}}}}
    place = {"environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "Tiny.json"}}
    stack = {"type": "aws:cloudformation:stack", **place}
    (tmp_path / "Tiny.json").write_text(json.dumps(broken))
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"Tiny": stack}}))
    (tmp_path / "cdk.json").write_text('{"app": "."}')
    with pytest.raises(EmulatorError) as failure:
        aws.deploy(tmp_path, outdir=tmp_path / "cdk.out")
    first, *printed, last = str(failure.value).splitlines()
    assert first == "cdk deploy failed:"
    assert any("Tiny failed" in each for each in printed)
    assert last.startswith("Tiny Broken AWS::EC2::EIP: NotEmulated: ")
