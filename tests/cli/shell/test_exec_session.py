"""Sessions of ECS Exec with a fake plugin in place of AWS's."""

import base64
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.shell import exec_session
from fargate_constructs.cli.shell.exec_session import MarkedOutput, Output, PluginCall, attach, marked, relay

FAKE = Path(__file__).parents[1] / "fake_plugin.py"


def plugin_for(command: str) -> PluginCall:
    """Return the call of the fake plugin for a command."""
    token = base64.b64encode(command.encode()).decode()
    session = f'{{"sessionId": "ecs-execute-command-1", "streamUrl": "wss://", "tokenValue": "{token}"}}'
    target = '{"Target": "ecs:shop_1_2"}'
    words = [session, "us-east-1", "StartSession", "", target, "https://ssm"]
    return PluginCall([sys.executable, "-IS", str(FAKE), *words])


class Shown:
    """What a session has printed; when a text has been printed, something is done."""

    def __init__(self, text: bytes = b"", *actions: Callable[[], object]) -> None:
        self.text = b""
        self._awaited, self._actions = text, [*actions]

    def __call__(self, data: bytes) -> None:
        """Note what is printed."""
        self.text += data
        while self._actions and self._awaited in self.text:
            self._actions.pop(0)()


def run(
    *words: str, terminal: int | None = None, shown: Callable[[bytes], None] = lambda _: None
) -> tuple[int | None, bytes]:
    """Run a command in a session; return its status, and what came before."""
    command, word = marked(words, on_terminal=terminal is not None)
    output = MarkedOutput(word, keeps_returns=terminal is not None)
    relay(plugin_for(command), output, shown, terminal=terminal)
    return output.status, output.before


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("sh", "-c", "kill -9 $$"), 137, None),
        (("/no/such/command",), 127, None),
        (("printf", "one\\ntwo"), 0, b"one\ntwo"),
        (("echo", "a 'b' \"c\" $HOME # d\\"), 0, b"a 'b' \"c\" $HOME # d\\\n"),
        (("sh", "-c", "echo out; echo err >&2; exit 2"), 2, b"out\nerr\n"),
        (("cat",), 0, b""),
        (("sh", "-c", "test -t 0 || test -t 1 || echo none"), 0, b"none\n"),
        (("sh", "-c", "printf '\\036[' ; printf '\\036'"), 0, b"\x1e[\x1e"),
    ],
)
def test_a_command_in_a_script_has_its_own_status_and_output(
    words: tuple[str, ...], status: int, text: bytes | None
) -> None:
    """It has no terminal and no input, and each word arrives as it is. Messages of the plugin are not its output."""
    found, before = run(*words, shown=(shown := Shown()))

    assert found == status
    assert text in (None, shown.text)
    assert b"Starting session" not in shown.text
    assert b"Starting session with SessionId: ecs-execute-command-1" in before


def test_a_long_output_is_complete() -> None:
    """It comes in many pieces."""
    status, _ = run("sh", "-c", "seq 20000; exit 1", shown=(shown := Shown()))

    assert status == 1
    assert shown.text == b"".join(b"%d\n" % number for number in range(1, 20001))


@pytest.mark.parametrize("is_macos", [False, True])
def test_a_command_that_cannot_begin_has_no_status(is_macos: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    """What the session printed says why. At the end the terminal gives an error on Linux, and nothing on macOS."""
    read = os.read

    def read_as_macos(source: int, count: int) -> bytes:
        try:
            return read(source, count)
        except OSError:
            return b""

    monkeypatch.setattr(os, "read", read_as_macos if is_macos else read)
    output = MarkedOutput("word", keeps_returns=False)
    relay(plugin_for("/no/such/program"), output, lambda _: None)

    assert (output.status, output.has_begun) == (None, False)
    assert b"fork/exec /no/such/program: no such file" in output.before


def test_a_session_that_is_cut_off_has_no_status() -> None:
    """The command has begun."""
    command, word = marked(["sh", "-c", "echo one; kill -9 $PPID; sleep 1"], on_terminal=True)
    output, shown = MarkedOutput(word, keeps_returns=False), Shown()
    relay(plugin_for(command), output, shown)

    assert (output.status, output.has_begun) == (None, True)
    assert b"one\n" in shown.text


def test_a_plugin_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command has ended already."""
    monkeypatch.setattr(exec_session, "GRACE_SECONDS", 0.1)

    assert run("echo", "the plugin hangs", shown=(shown := Shown()))[0] == 0
    assert shown.text == b"the plugin hangs\n"


def end_self(number: int) -> Callable[[], None]:
    """Return what sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reaches_the_command(number: int) -> None:
    """It gets Ctrl-C and can clean up. The handlers are restored."""
    before = signal.getsignal(number)
    script = "trap 'echo cleaned; exit 9' INT; echo ready; while :; do sleep 0.05; done"
    shown = Shown(b"ready", end_self(number))

    with pytest.raises(KeyboardInterrupt):
        run("sh", "-c", script, shown=shown)
    assert b"cleaned" in shown.text
    assert signal.getsignal(number) is before


def test_a_second_interrupt_ends_the_session() -> None:
    """The command ignores the first one."""
    shown = Shown(b"ready", end_self(signal.SIGINT), end_self(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        run("sh", "-c", "trap '' INT; echo ready; sleep 60", shown=shown)


def test_a_reader_that_has_ended_ends_the_session() -> None:
    """As in `… | head`."""

    def fail(_data: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run("sh", "-c", "echo one; sleep 60", shown=fail)


@pytest.fixture
def terminal() -> Any:  # noqa: ANN401 - two descriptors
    """Both ends of a user's terminal."""
    user, program = os.openpty()
    yield user, program
    os.close(user)
    os.close(program)


def test_keys_and_size_of_a_terminal_reach_the_command(terminal: tuple[int, int]) -> None:
    """The command has a terminal of the same size, also after a resize. Afterwards the user's is as it was."""
    termios = pytest.importorskip("termios")
    user, program = terminal
    termios.tcsetwinsize(program, (30, 111))
    before = termios.tcgetattr(program)

    def resize() -> None:
        termios.tcsetwinsize(program, (31, 99))
        os.kill(os.getpid(), signal.SIGWINCH)
        os.write(user, b"go\n")

    changed = 'until test "$(stty size)" = "31 99"; do sleep 0.05; done'
    script = f"test -t 0 && test -t 1 && stty size; read word; {changed}; echo $word; exit 4"
    status, _ = run("sh", "-c", script, terminal=program, shown=(shown := Shown(b"111", resize)))

    assert (status, shown.text) == (4, b"30 111\r\ngo\r\ngo\r\n")
    assert termios.tcgetattr(program) == before


def test_ctrl_c_is_a_key_of_the_command(terminal: tuple[int, int]) -> None:
    """It does not end this program."""
    user, program = terminal
    script = "trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done"
    shown = Shown(b"ready", lambda: os.write(user, b"\x03"))

    assert run("sh", "-c", script, terminal=program, shown=shown)[0] == 5


def test_ctrl_s_and_ctrl_v_are_keys_of_the_command(terminal: tuple[int, int]) -> None:
    """They stop no output, and take no other key with them."""
    user, program = terminal
    script = "stty raw -echo; printf ready; dd bs=1 count=3 2>/dev/null | od -An -tx1"
    shown = Shown(b"ready", lambda: os.write(user, b"\x13\x16x"))

    assert run("sh", "-c", script, terminal=program, shown=shown)[0] == 0
    assert shown.text.split() == [b"ready", b"13", b"16", b"78"]


def test_a_terminal_that_closes_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of its input is not that of the session."""
    monkeypatch.setattr(exec_session, "raw", lambda _: nullcontext())
    monkeypatch.setattr(exec_session, "copy_size", lambda *_: None)
    read, write = os.pipe()
    os.close(write)
    status, _ = run("sh", "-c", "sleep 0.1; echo late", terminal=read, shown=(shown := Shown()))
    os.close(read)

    assert (status, shown.text) == (0, b"late\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_marks_in_pieces_are_found(size: int) -> None:
    """The output is the same, however it arrives, and none of it waits for the end."""
    text = b"hello\r\n\x1eab[one\r\ntwo\x1e\x1eabc\r\x1eab]17;bye"
    output, shown = MarkedOutput("ab", keeps_returns=False), b""
    for start in range(0, len(text), size):
        shown += output.feed(text[start : start + size])

    assert output.before == b"hello\r\n"
    assert (shown, output.status) == (b"one\ntwo\x1e\x1eabc\r", 17)
    assert output.feed(b"more") == b""


def test_what_is_typed_appears_at_once() -> None:
    """Only what may be a mark waits."""
    output = MarkedOutput("ab", keeps_returns=True)
    assert output.feed(b"\x1eab[") == b""
    assert output.feed(b"f\r") == b"f\r"
    assert output.feed(b"x\x1ea") == b"x"
    assert output.feed(b"c") == b"\x1eac"


def test_plain_output_is_all_of_it() -> None:
    """Without a shell around the command there is no mark."""
    output = Output()
    assert output.feed(b"Starting session\r\none\r\n") == b"Starting session\none\n"
    assert output.status is None


def test_the_plugin_gets_the_users_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Signals of the terminal are its own; only SIGTERM ends it. Its status is its own, too."""
    script = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); print('on'); raise SystemExit(3)"
    assert attach(PluginCall([sys.executable, "-c", script])) == 3
    assert capfd.readouterr().out == "on\n"

    assert attach(PluginCall(["sh", "-c", "while :; do kill -TERM $PPID; sleep 0.05; done"])) == -signal.SIGTERM


def test_the_terminal_is_restored(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is killed leaves it without echo."""
    termios = pytest.importorskip("termios")
    _, program = terminal
    monkeypatch.setattr(exec_session, "STDIN", program)
    before = termios.tcgetattr(program)
    attach(PluginCall(["sh", "-c", f"stty -echo cbreak < {shlex.quote(os.ttyname(program))}"]))

    assert termios.tcgetattr(program) == before


def test_ctrl_y_is_a_key_of_the_session(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS this key would end the plugin. Linux has no such key, so the test takes another one."""
    termios = pytest.importorskip("termios")
    _, program = terminal
    monkeypatch.setattr(exec_session, "STDIN", program)
    monkeypatch.setattr(termios, "VDSUSP", termios.VLNEXT, raising=False)
    before = termios.tcgetattr(program)
    name = shlex.quote(os.ttyname(program))

    assert attach(PluginCall(["sh", "-c", f"stty -a < {name} | grep -q 'lnext = <undef>'"])) == 0
    assert termios.tcgetattr(program) == before
