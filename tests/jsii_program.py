"""Starts jsii's program without the process that jsii puts between: tests send it half a million messages."""

from pathlib import Path

import pytest
from jsii._kernel.providers.process import _NodeProcess

SCRIPT = Path(__file__).with_suffix(".js").read_text()

_start, _runtime = _NodeProcess.start, _NodeProcess._jsii_runtime  # noqa: SLF001 - jsii has no setting for it


def _start_program(self: _NodeProcess) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_PRESERVE_SYMLINKS", "1")
        _start(self)  # type: ignore[no-untyped-call] # jsii has no types here


def _write_script(self: _NodeProcess) -> str:
    script = Path(_runtime(self))  # beside a folder with the program
    script.write_text(SCRIPT)
    return str(script)


_NodeProcess.start, _NodeProcess._jsii_runtime = _start_program, _write_script  # type: ignore[method-assign] # noqa: SLF001
