"""`python3 tools/set_up.py FOLDER LOCK`: make a virtual environment from a lock file, and show the progress.

```
Python version ──> FOLDER ──> pip, LOCK ──> (with --node: npm, package-lock.json ──> node_modules) ──> FOLDER/.ready
```

This file runs with the Python that a machine has, before anything is installed. So it uses the standard library alone,
and syntax that Python 3.6 can read.
"""

import argparse
import ast
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List

OLDEST = (3, 11)  # as requires-python in pyproject.toml
READY = ".ready"
PROGRESS_SECONDS = 2
SHOWN_LINES = 15
# With these settings Python or npm would use other packages, or leave some out.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "NODE_ENV")
# Your settings for how pip reaches packages are kept, also those in its files. Other settings, such as `user`,
# `target`, `constraint`, `no-binary` and `dry-run`, would change what is installed, or where, and are ignored.
OF_REACHING_PACKAGES = (
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-cache-dir",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
    "use-feature",
)
# The same for npm. These options win over your files and variables.
NPM = (
    "--include=dev",
    "--bin-links",
    "--dry-run=false",
    "--global=false",
    "--location=project",
    "--workspaces=false",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
)


class SetUpError(Exception):
    """A step failed; the message says which one, and why."""


def main() -> int:
    """Set up, or print in one line why that is not possible."""
    parser = argparse.ArgumentParser(description="make a virtual environment from a lock file")
    parser.add_argument("folder", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--node", action="store_true", help="also install the packages of package-lock.json")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: each step has its own session and is ended here
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup make test` goes on when the terminal closes
            signal.signal(number, signal.default_int_handler)
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
    """Make the folder again. Only a complete folder has the file `.ready`.

    Raises:
        SetUpError: A step failed.
    """
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    count = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    print(f"setting up {folder} once, with Python {platform.python_version()}", flush=True)
    # This Python may be that of the incomplete folder, because `make` puts the folder's programs first.
    python = getattr(sys, "_base_executable", sys.executable)
    if (folder / READY).exists():
        (folder / READY).unlink()  # first, because a folder that is stopped halfway is not complete
    shutil.rmtree(str(folder), ignore_errors=True)
    run([python, "-m", "venv", str(folder)], environment, "virtual environment")
    # Without --no-compile pip compiles every file of aws_cdk: 40 s more. Python compiles what it imports.
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--require-hashes", "-r", str(lock)]
    own = str(folder / "bin" / "python")
    run([own, *pip], pip_environment(own, environment), "Python packages", count)
    if is_with_node:
        binaries = str((folder / "bin").resolve())
        node = dict(environment, PATH=os.pathsep.join([binaries, environment.get("PATH", os.defpath)]))
        cache = str((folder / "cache" / "npm").resolve())
        npm = str(folder / "bin" / "npm")
        run([npm, "ci", *NPM, "--cache", cache], node, "CDK CLI from npm")
        shutil.rmtree(cache, ignore_errors=True)
    (folder / READY).touch()
    print(f"set up in {time.monotonic() - began:.0f} s", flush=True)


def pip_environment(python: str, environment: Dict[str, str]) -> Dict[str, str]:
    """Return the environment for pip: your settings for reaching packages, and pip's defaults for installing.

    Raises:
        SetUpError: pip cannot read its settings.
    """
    names = {"PIP_" + option.upper().replace("-", "_"): option for option in OF_REACHING_PACKAGES}
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("PIP_") or name in {*names, "PIP_CONFIG_FILE"}
    }
    kept["PIP_USER"] = "0"  # otherwise `pip config list` takes `user = true` of your files as its own option
    command = [python, "-m", "pip", "config", "list"]
    done = subprocess.run(command, env=kept, check=False, capture_output=True)
    if done.returncode:
        raise SetUpError("pip's settings cannot be read: " + done.stderr.decode(errors="replace").strip())
    # Such as `global.index-url='https://...'`. Settings for `pip install` win over settings for all of pip.
    of_files = dict(line.split("=", 1) for line in sorted(done.stdout.decode().splitlines()) if "=" in line)
    for name, option in names.items():
        for section in ("install.", "global."):
            if section + option in of_files:
                kept.setdefault(name, ast.literal_eval(of_files[section + option]))
    return dict(kept, PIP_CONFIG_FILE=os.devnull)


def run(command: List[str], environment: Dict[str, str], what: str, count: int = 0) -> None:
    """Run a step to its end, and show its progress.

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
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
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
            # With its child processes, which would otherwise write into the folder that the next run makes.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
