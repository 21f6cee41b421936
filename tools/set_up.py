"""`python3 tools/set_up.py FOLDER LOCK`: make a virtual environment from a lock file, and show the progress.

```
Python version ──> FOLDER ──> pip, LOCK ──> (with --node: npm, package-lock.json ──> node_modules) ──> FOLDER/.ready
```

This file runs with the Python that a machine has, before anything is installed. So it uses the standard library alone,
and syntax that Python 3.6 can read.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List

OLDEST = (3, 11)  # as requires-python in pyproject.toml
READY = ".ready"
PROGRESS_SECONDS = 2
SHOWN_LINES = 15
# These settings of a person's pip, Python and npm would put packages elsewhere, or leave some out.
MISLEADING = ("PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "NODE_ENV")


class SetUpError(Exception):
    """A step failed; the message says which, and why."""


def main() -> int:
    """Set up, or say in a line why that is not possible."""
    parser = argparse.ArgumentParser(description="make a virtual environment from a lock file")
    parser.add_argument("folder", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--node", action="store_true", help="also install the packages of package-lock.json")
    arguments = parser.parse_args()
    try:
        check_python()
        set_up(arguments.folder, arguments.lock, is_with_node=arguments.node)
    except SetUpError as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up stopped; the next `make` starts it again", file=sys.stderr)
        return 130
    return 0


def check_python() -> None:
    """Refuse a Python that the project does not support.

    Raises:
        SetUpError: This Python is too old.
    """
    oldest = "{}.{}".format(*OLDEST)
    if sys.version_info < OLDEST:
        raise SetUpError(
            f"Python {oldest} or newer is needed, got: {platform.python_version()} ({sys.executable}); "
            f"install one and name it: make PYTHON=python{oldest} ..."
        )


def set_up(folder: Path, lock: Path, *, is_with_node: bool) -> None:
    """Make the folder anew. Only a complete one has the file `.ready`.

    Raises:
        SetUpError: A step failed.
    """
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    count = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    print(f"setting up {folder} once, with Python {platform.python_version()}", flush=True)
    # The Python that runs this may be the folder's own, half made: `make` puts the folder's programs first.
    python = getattr(sys, "_base_executable", sys.executable)
    shutil.rmtree(str(folder), ignore_errors=True)
    run([python, "-m", "venv", str(folder)], environment, "virtual environment")
    # Without --no-compile pip compiles every file of aws_cdk: 40 s more. Python compiles what it imports.
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--require-hashes", "-r", str(lock)]
    run([str(folder / "bin" / "python"), *pip], environment, "Python packages", count)
    if is_with_node:
        binaries = str((folder / "bin").resolve())
        node = dict(environment, PATH=os.pathsep.join([binaries, environment.get("PATH", os.defpath)]))
        cache = str((folder / "cache" / "npm").resolve())
        npm = str(folder / "bin" / "npm")
        options = ["--include=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--cache", cache]
        run([npm, "ci", *options], node, "CDK CLI from npm")
        shutil.rmtree(cache, ignore_errors=True)
    (folder / READY).touch()
    print(f"set up in {time.monotonic() - began:.0f} s", flush=True)


def run(command: List[str], environment: Dict[str, str], what: str, count: int = 0) -> None:
    """Run a step to its end, and show how far it is.

    Args:
        command: The program and its arguments.
        environment: The environment variables of the program.
        what: How the progress names the step.
        count: How many packages the step collects, if that is known.

    Raises:
        SetUpError: The program failed; the message ends with its last lines.
    """
    began = shown = time.monotonic()
    lines, collected = [], 0
    print(f"  {what} ...", flush=True)
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            lines.append(line)
            if line.startswith("Installing collected packages"):
                print(f"  {time.monotonic() - began:3.0f} s  installing {collected} packages", flush=True)
            elif line.startswith("Collecting "):
                collected += 1
                if time.monotonic() - shown > PROGRESS_SECONDS:
                    shown = time.monotonic()
                    print(f"  {shown - began:3.0f} s  collected {collected} packages of at most {count}", flush=True)
        if process.wait():
            raise SetUpError("\n".join([f"{what} failed:", *lines[-SHOWN_LINES:]]))
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
