"""What commands share to talk with a person: times, confirmations, progress."""

import re
import sys
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from fargate_constructs.cli.terminal import confirmation, moments, progress
from fargate_constructs.cli.terminal.confirmation import confirm, is_terminal
from fargate_constructs.cli.terminal.moments import Duration, Moment, as_text, moment_of
from fargate_constructs.cli.terminal.progress import Progress

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon."""
    monkeypatch.setattr(moments, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        (" 2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("4w", NOW - timedelta(weeks=4)),
        ("2026-11-29", NOW - timedelta(hours=12)),
        ("2026-11-29T10:00", NOW - timedelta(hours=2)),
        ("2026-11-29 10:00:30Z", NOW - timedelta(hours=2, seconds=-30)),
        ("2026-11-29T21:00+09:00", NOW),
    ],
)
def test_times(text: str, at: datetime) -> None:
    """How long ago, or a date; UTC without an offset."""
    assert moment_of(text) == at
    assert moment_of(text).tzinfo == UTC


@pytest.mark.parametrize("text", ["", "2", "h", "2y", "-2h", "yesterday", "2026-13-01", "999999w"])
def test_other_texts_are_no_times(text: str) -> None:
    """The message has what is allowed."""

    @click.command
    @click.option("--since", type=Moment())
    def command(since: datetime) -> None:
        """Print a time."""
        click.echo(as_text(since))

    result = CliRunner().invoke(command, ["--since", text])
    assert result.exit_code == 2
    assert re.search(rf"must be how long ago \(90s, .*got: ?{re.escape(text)}", " ".join(result.output.split()))
    assert CliRunner().invoke(command, ["--since", "1h"]).output == "2026-11-29 11:00:00 UTC\n"


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400)])
def test_a_duration_has_a_unit(text: str, seconds: int) -> None:
    """Without one it is in seconds."""
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "0m", "-1", "1.5", "1y", "", "m"])
def test_other_texts_are_no_durations(text: str) -> None:
    """Neither is none at all."""
    with pytest.raises(click.BadParameter, match=f"must be seconds, or a number with a unit .*, got: {text}"):
        Duration().convert(text, None, None)


def test_a_time_stays_a_time() -> None:
    """Click also converts default values."""
    assert Moment().convert(NOW, None, None) == NOW


@pytest.mark.parametrize(
    ("answer", "message"), [("y\n", None), ("n\n", "nothing was done"), (None, "It costs 1 USD. There is no terminal")]
)
def test_a_confirmation(answer: str | None, message: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person agrees or does not; a script must write `--yes`."""
    monkeypatch.setattr(confirmation, "is_terminal", lambda: answer is not None)

    @click.command
    def command() -> None:
        """Ask."""
        confirm("It costs 1 USD.", yes=False)

    result = CliRunner().invoke(command, input=answer)
    assert (result.exit_code == 0) is (message is None)
    assert (message or "Continue?") in result.output
    assert result.output.startswith("\r") is (answer is not None)  # so that no progress is on the line
    confirm("It costs 1 USD.", yes=True)


def test_a_terminal_is_needed_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is printed on the standard error."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert not is_terminal()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert is_terminal()


def test_progress_in_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line takes the place of the other, is cut at the width, and disappears; notes stay."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "10")
    with Progress() as line:
        line.show("1 of 3 objects")
        line.show("2 of 3")
        line.note("done")
    assert capsys.readouterr().err == "1 of 3 ob\r\x1b[K2 of 3\r\x1b[Kdone\n"


def test_progress_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A log of a CI job gets a line now and then."""
    seconds = iter([0, 1, progress.INTERVAL, progress.INTERVAL, progress.INTERVAL + 1])
    with Progress(clock=lambda: next(seconds)) as line:
        line.show("too early")
        line.show("a line")
        line.show("too early again")
    assert capsys.readouterr().err == "a line\n"
