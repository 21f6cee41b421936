"""Starts jsii's program without the process that jsii puts between: tests send it half a million messages."""

from pathlib import Path

import pytest
from jsii._kernel.providers.process import _NodeProcess

SCRIPT = Path(__file__).with_suffix(".js")


def run_directly() -> None:
    """Let jsii start its program in this way."""
    start, runtime = _NodeProcess.start, _NodeProcess._jsii_runtime  # noqa: SLF001 - jsii has no setting for it

    def start_program(self: _NodeProcess) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NODE_PRESERVE_SYMLINKS", "1")
            start(self)  # type: ignore[no-untyped-call] # jsii has no types here

    def write_script(self: _NodeProcess) -> str:
        script = Path(runtime(self))  # beside a folder with the program
        script.write_text(SCRIPT.read_text())
        return str(script)

    _NodeProcess.start, _NodeProcess._jsii_runtime = start_program, write_script  # type: ignore[method-assign] # noqa: SLF001
