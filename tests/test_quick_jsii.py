"""How tests start jsii's program."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from jsii._runtime import kernel

from tests.quick_jsii import SCRIPT, print_captured


def test_no_process_is_between(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """The process that Python starts runs the program, also after its terminal closes; Python gets what CDK prints."""
    process = kernel.provider._process._process  # type: ignore[attr-defined] # noqa: SLF001 - as the module
    (*_, script) = process.args
    assert Path(script).read_text() == SCRIPT
    started = subprocess.run(["pgrep", "-P", str(process.pid)], check=False, capture_output=True, text=True)  # noqa: S607
    for node in started.stdout.split():  # the command `node` of PyPI is a Python program that starts it
        os.kill(int(node), signal.SIGHUP)

    ec2.Vpc(stack, "Vpc", cidr="10.0.0.0/16")  # of a property that is deprecated
    printed = ""
    end = time.monotonic() + 60
    while "VpcProps#cidr is deprecated" not in printed and time.monotonic() < end:
        time.sleep(0.01)
        printed += capsys.readouterr().err
    assert "VpcProps#cidr is deprecated" in printed


def test_what_cdk_prints_after_a_test_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """It would be between the results of tests. What Node.js itself prints, such as why it ends, is always printed."""
    lines = b'{"stderr":"V2FybmluZwo="}\nout of memory\n'
    print_captured(io.BytesIO(lines))
    assert capsys.readouterr().err == "Warning\nout of memory\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "__stderr__", sys.stderr)  # as if no test captures
        print_captured(io.BytesIO(lines))
    assert capsys.readouterr().err == "out of memory\n"
