"""What the Makefile makes of a person's settings."""

import os
import signal
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.conftest import receive_signals

ROOT = Path(__file__).parents[2]
LOWEST = "sys.prefix) " + '/ "lowest"'  # how a test finds it; in two pieces, so that this file is none


def make(tmp_path: Path, recipe: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a recipe as one of the project's Makefile."""
    file = tmp_path / "Makefile"
    file.write_text(f"include Makefile\nshow:\n\t@{recipe}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", "-f", str(file), "show", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment | variables, check=False, capture_output=True, text=True)


def test_each_version_of_python_has_an_environment_of_its_own(tmp_path: Path) -> None:
    """Named by a command or by a path. Otherwise one version would run with another one's packages."""
    version = "{}.{}".format(*sys.version_info)
    base = getattr(sys, "_base_executable", sys.executable)

    assert make(tmp_path, "echo $(VENV)").stdout == ".venv\n"
    assert make(tmp_path, "echo $(VENV)", f"PYTHON={base}").stdout == f".venv-{version}\n"
    # ruff passes over what git ignores.
    assert any(fnmatch(f".venv-{version}/", pattern) for pattern in Path(".gitignore").read_text().splitlines())


def test_what_is_no_python_is_refused_in_one_line(tmp_path: Path) -> None:
    """With what was given, and what to write."""
    for python in ("python3.99", "/nonexistent/python", "false", ""):
        (line,) = make(tmp_path, "echo $(VENV)", f"PYTHON={python}").stderr.splitlines()
        assert f"PYTHON={python} does not run as a Python 3; name one, such as PYTHON=python3.13" in line


def test_settings_for_other_programs_stay_outside(tmp_path: Path) -> None:
    """Python and jsii get none of a person's settings; which Python to use is handed on."""
    persons = {"PYTHONPATH": "a", "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error", "JSII_NODE": "a"}
    kept = {"PYTHON": "python3", "PYTEST_ADDOPTS": "-q", "NODE_EXTRA_CA_CERTS": "a"}
    given = set(make(tmp_path, "env", **persons, **kept).stdout.splitlines())

    assert {f"{name}={value}" for name, value in kept.items()} <= given
    assert not [line for line in given if line.partition("=")[0] in persons]


def test_the_folder_of_temporary_files_has_any_name(tmp_path: Path) -> None:
    """With a space and an apostrophe, as a person's own folder may have."""
    folder = tmp_path / "an o'clock"
    assert make(tmp_path, "true", f"TMPDIR={folder}").stderr == ""
    assert folder.is_dir()


def test_make_quick_leaves_out_what_there_is(tmp_path: Path) -> None:
    """Each file and folder of SLOW exists, and each test that needs .venv/lowest is in it, which `make quick` lacks."""
    slow = [f"tests/{each}" for each in make(tmp_path, "echo $(SLOW)").stdout.split()]
    need_lowest = [f"{file}" for file in Path("tests").rglob("test_*.py") if LOWEST in file.read_text()]

    assert [each for each in slow if not Path(each).exists()] == []
    assert "tests/tools/test_locks.py" in need_lowest
    assert [each for each in need_lowest if not each.startswith(tuple(slow))] == []


SENT_BY_TESTS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


def test_tests_run_in_the_background() -> None:
    """A script's `make test &` ignores SIGINT, and `nohup` SIGHUP; the tests that send it would wait without end."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SENT_BY_TESTS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SENT_BY_TESTS)
    try:
        receive_signals()
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
        assert signal.SIG_IGN not in map(signal.getsignal, SENT_BY_TESTS)
        os.kill(os.getpid(), signal.SIGHUP)  # of a terminal that closes: `nohup make test` goes on
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
