"""Setting up on a machine that is not as it should be."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import set_up


def start(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the program with these arguments; return its exit status. The signals that it handles are put back."""
    monkeypatch.setattr(sys, "argv", ["set_up.py", *map(str, arguments)])
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return set_up.main()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file."""
    path = tmp_path / "lock.txt"
    path.write_text("package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    return path


def test_an_old_python_is_refused_in_one_line(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the version and the remedy; nothing is made."""
    monkeypatch.setattr(set_up, "OLDEST", (4, 0))

    assert start(monkeypatch, tmp_path / "venv", lock) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("set-up failed: Python 4.0 or newer is needed, got: 3.")
    assert "make PYTHON=python4.0" in line
    assert not (tmp_path / "venv").exists()


def test_the_oldest_python_is_the_projects() -> None:
    """What is refused here is what pyproject.toml refuses."""
    assert 'requires-python = ">={}.{}"'.format(*set_up.OLDEST) in Path("pyproject.toml").read_text()


def test_a_failed_step_says_which_and_why(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has the last lines of the step; a folder that was ready before is not so any more."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho ensurepip is not available\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "_base_executable", str(python))
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / ".ready").touch()

    assert start(monkeypatch, folder, lock) == 1
    assert capsys.readouterr().err == "set-up failed: virtual environment failed:\nensurepip is not available\n"
    assert not (folder / ".ready").exists()


def test_a_folder_is_made_anew_by_its_own_python(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the folder's own Python is first in `PATH`. The base Python is used, since the folder is removed."""
    commands: list[list[str]] = []

    def run(command: list[str], *_: object) -> None:
        commands.append(command)
        (tmp_path / "venv").mkdir(exist_ok=True)

    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python3"))
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/python3")
    monkeypatch.setattr(set_up, "run", run)
    monkeypatch.setattr(set_up, "pip_environment", lambda _python, environment: environment)

    assert start(monkeypatch, tmp_path / "venv", lock) == 0
    assert commands[0] == ["/usr/bin/python3", "-m", "venv", str(tmp_path / "venv")]


def test_a_command_that_runs_long_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The packages that pip has collected are counted."""
    monkeypatch.setattr(set_up, "PROGRESS_SECONDS", -1)
    code = "print('Collecting a\\nCollecting b\\nInstalling collected packages: a, b')"

    set_up.run([sys.executable, "-c", code], {}, "Python packages", count=2)
    assert [line[9:] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "collected 1 packages of at most 2",
        "collected 2 packages of at most 2",
        "installing 2 packages",
    ]


def test_only_settings_for_reaching_packages_are_kept(tmp_path: Path) -> None:
    """An index, from a file or a variable, is kept; what says which packages are installed, and where, is not."""
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nuser = true\nindex-url = https://global.example.com/\nextra-index-url =\n  https://a.example.com/\n"
        "  https://b.example.com/\nproxy = http://file.example.com\n"
        "[install]\nindex-url = https://install.example.com/\nconstraint = c.txt\n"
    )
    persons = {
        "PIP_CONFIG_FILE": str(settings),
        "PIP_PROXY": "http://variable.example.com",
        "PIP_DRY_RUN": "1",
        "A": "b",
    }

    environment = set_up.pip_environment(sys.executable, persons)
    assert environment.pop("PIP_EXTRA_INDEX_URL").split() == ["https://a.example.com/", "https://b.example.com/"]
    wanted = {"PIP_INDEX_URL": "https://install.example.com/", "PIP_PROXY": "http://variable.example.com", "A": "b"}
    assert {name: environment[name] for name in wanted} == wanted
    assert environment["PIP_CONFIG_FILE"] == "/dev/null"
    assert environment["PIP_USER"] == "0"
    assert not {"PIP_CONSTRAINT", "PIP_DRY_RUN"} & set(environment)


def test_settings_that_pip_cannot_read_are_shown(tmp_path: Path) -> None:
    """With what pip says of them."""
    settings = tmp_path / "pip.conf"
    settings.write_text("user = true\n")
    with pytest.raises(set_up.SetUpError, match=r"(?s)pip's settings cannot be read: .*pip\.conf"):
        set_up.pip_environment(sys.executable, {"PIP_CONFIG_FILE": str(settings)})


def test_a_persons_npm_installs_the_commands_here() -> None:
    """Variables and files that have npm install nothing, elsewhere, or without commands give way."""
    persons = {"dry_run": "true", "global": "true", "bin_links": "false", "workspaces": "true", "omit": "dev"}
    variables = {f"npm_config_{name}": value for name, value in persons.items()}
    programs = Path(sys.prefix, "bin")
    command = [str(programs / "npm"), "config", "list", "--json", *set_up.NPM]
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/nonexistent", **variables}
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    options = json.loads(done.stdout)

    assert [options[name] for name in ("dry-run", "global", "bin-links", "workspaces")] == [False, False, True, False]
    assert options["include"] == ["dev"]


def test_what_is_stopped_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends what a step started, too: it would write into the folder while the next try makes it anew."""
    began: list[int] = []

    def stop(line: str, **_: object) -> None:
        if "installing" in line:
            began.append(int((tmp_path / "pid").read_text()))
            raise KeyboardInterrupt

    monkeypatch.setattr("builtins.print", stop)
    step = f"sleep 600 & echo $! > '{tmp_path}/pid'; echo Installing collected packages; wait"
    with pytest.raises(KeyboardInterrupt):
        set_up.run(["sh", "-c", step], {"PATH": os.defpath}, "Python packages")

    deadline = time.monotonic() + 10
    while is_running(began[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(began[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_stops_it_as_ctrl_c_does(
    number: signal.Signals, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else a step, which runs in a session of its own, would go on."""
    monkeypatch.setattr(set_up, "run", lambda *_: os.kill(os.getpid(), number))
    assert start(monkeypatch, tmp_path / "venv", lock) == 130


def test_it_goes_on_after_nohup(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that closes does not stop what ignores its signal."""

    def run(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        (tmp_path / "venv").mkdir(exist_ok=True)

    monkeypatch.setattr(set_up, "run", run)
    monkeypatch.setattr(set_up, "pip_environment", lambda *_: {})
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert start(monkeypatch, tmp_path / "venv", lock) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def is_running(process: int) -> bool:
    """Tell whether a process runs; one that has ended, but whose end was not read yet, does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], check=False, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()[:1] not in {"", "Z"}
