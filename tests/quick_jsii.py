"""Asks CDK with less time: tests send jsii half a million messages. Imported before CDK, which starts jsii."""

import json
import os
import sys
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from unittest import mock

from jsii._kernel.providers import process
from jsii._kernel.providers.process import _NodeProcess
from jsii._reference_map import InterfaceDynamicProxy

SCRIPT = Path(__file__).with_suffix(".js").read_text()

_start, _runtime = _NodeProcess.start, _NodeProcess._jsii_runtime  # noqa: SLF001 - jsii has no setting for it


def _start_program(self: _NodeProcess) -> None:
    with mock.patch.dict(os.environ, NODE_PRESERVE_SYMLINKS="1"):
        _start(self)  # type: ignore[no-untyped-call] # jsii has no types here


def _write_script(self: _NodeProcess) -> str:
    """Write what starts jsii's program in the place of jsii's own script, which starts another process for it."""
    script = Path(_runtime(self))
    script.write_text(SCRIPT)
    return str(script)


def print_captured(reader: IO[bytes]) -> None:
    """Print what CDK prints if a test captures it. Some comes after the test: it would be between the results."""
    for line in reader:
        out = sys.stderr
        if not line.startswith(b'{"std'):  # of Node.js
            out.write(line.decode())
        elif out is not sys.__stderr__:
            (text,) = json.loads(line).values()
            out.buffer.write(b64decode(text))


process.stderr_sink = print_captured  # type: ignore[assignment] # it reads bytes only
_NodeProcess.start, _NodeProcess._jsii_runtime = _start_program, _write_script  # type: ignore[method-assign] # noqa: SLF001


def _ask_once(construct: InterfaceDynamicProxy, name: str) -> Any:  # noqa: ANN401 - of any attribute
    """Return an attribute of an imported construct. jsii asks Node.js twice: whether there is one, and for it."""
    for interface in construct._delegates:  # noqa: SLF001 - as jsii does
        with suppress(AttributeError):
            return getattr(interface, name)
    raise AttributeError(name)


InterfaceDynamicProxy.__getattr__ = _ask_once  # type: ignore[method-assign]
