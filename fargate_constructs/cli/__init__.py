"""The command line: `fargate-constructs`, and `python -m fargate_constructs`.

```
templates, stacks that are deployed ──> [a command] ──> text, JSON or Markdown, and an exit status
```

It reads templates and asks AWS; it does not load the constructs. Its packages are an extra.
"""

import sys
import traceback
from io import TextIOWrapper

PROGRAM = "fargate-constructs"


def missing(error: ModuleNotFoundError) -> str:
    """Return what to install."""
    return (
        f"the command line needs the package {error.name}, which is not installed: "
        "pip install 'fargate-constructs[cli]', or '.[cli]' in a checkout"
    )


def main() -> int:
    """Run the command that the arguments of the process name; return its exit status: docs/command-line.md."""
    try:
        from fargate_constructs.cli.command_line import NO_ANSWER, NO_RESULT, RUNS_A_COMMAND, commands  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        print(f"{PROGRAM}: {missing(error)}", file=sys.stderr)  # noqa: T201 - click may be what is missing
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file on Windows may not have each letter of a log
            stream.reconfigure(errors="backslashreplace")
    try:
        commands.main(prog_name=PROGRAM)
    except SystemExit as end:
        return int(end.code or 0)
    except Exception:  # noqa: BLE001 - Python's own status for it is 1, which is that of a finding
        traceback.print_exc()
    return NO_RESULT if {*sys.argv[1:2]} & {*RUNS_A_COMMAND} else NO_ANSWER
