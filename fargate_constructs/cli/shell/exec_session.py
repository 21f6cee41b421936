"""Opens sessions of ECS Exec with AWS's session-manager-plugin, and learns the exit status of a command in one.

ExecuteCommand ──> session-manager-plugin ──> on the terminal of the user, for a shell
                                         └──> on a terminal of our own, for a command: its output and its status

A session itself always ends with 0, also if its command failed (https://github.com/aws/amazon-ecs-agent/issues/2846).
So a shell in the container prints the status behind a mark, and this module takes the mark out of the output.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.shell.exec_checks import PLUGIN
from fargate_constructs.cli.shell.exec_targets import ExecTarget
from fargate_constructs.cli.terminal.interrupts import TERMINATIONS, handled_signals
from fargate_constructs.cli.terminal.output import say
from fargate_constructs.cli.terminal.terminals import copy_size, open_terminal, raw, same_terminal

if TYPE_CHECKING:
    from types import FrameType

    from boto3 import Session

SHELL = ("/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash; fi; exec sh")
WINDOWS_SHELL = ("cmd",)
# The mark begins with a character that no program prints, so that no output waits for more of it.
MARK = "\x1e"
BEGIN, END = "[", "]"
# On a terminal: the command itself. `$w` is the word of the mark. Ctrl-C is for the command only.
ON_TERMINAL = r"""w=$1; shift; trap : INT QUIT; printf '\036%s[' "$w"; "$@"; printf '\036%s]%d;' "$w" "$?" """
# In a script: a command without terminal and input, as in `docker exec` without -it. The status goes by descriptor 3.
IN_SCRIPT = (
    r"""w=$1; shift; trap : INT QUIT; printf '\036%s[' "$w"; exec 4>&1; s=$(trap : INT QUIT; """
    r"""{ { trap : INT QUIT; "$@" </dev/null 2>&1 3>&- 4>&-; echo $? >&3; } | { trap '' INT QUIT; exec cat >&4; }; } """
    r"""3>&1); printf '\036%s]%d;' "$w" "$s" """
)
CHUNK = 1 << 16
NOT_CONNECTED = (
    "ECS does not reach the agent in the task (TargetNotConnectedException). If no finding says why, the agent failed "
    "or its disk is full: replace the task with `aws ecs stop-task --cluster {cluster} --task {task}`"
)
# The plugin should end with its session; in some networks it does not.
GRACE_SECONDS = 5.0
CTRL_C = b"\x03"
# The last version of the plugin that takes a session from its command line only.
SESSION_VARIABLE, LAST_WITHOUT_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE", [1, 2, 497, 0]
STDIN = 0


class Output:
    """Shows all that a session prints."""

    status: int | None = None
    """The exit status of the command, as soon as it is known."""

    def feed(self, data: bytes) -> bytes:
        """Return what the user sees of it, with lines that end as files have it."""
        return data.replace(b"\r\n", b"\n")


class MarkedOutput(Output):
    """Takes the output of a command and its status out of what a session prints."""

    def __init__(self, word: str, *, keeps_returns: bool) -> None:
        self.before = b""
        """What came before the command, such as messages of the plugin."""
        self.has_begun = False
        self._begin = f"{MARK}{word}{BEGIN}".encode()
        self._end = f"{MARK}{word}{END}".encode()
        self._rest = b""
        self._keeps_returns = keeps_returns

    def feed(self, data: bytes) -> bytes:
        """Return what the command printed, as far as it is known not to be a mark."""
        data = self._rest + data
        self._rest = b""
        if self.status is not None:
            return b""
        if not self.has_begun:
            before, mark, data = data.partition(self._begin)
            if not mark:
                self._rest = self.before = before
                return b""
            self.before, self.has_begun = before, True
        output, mark, after = data.partition(self._end)
        number, closing, _ = after.partition(b";")
        if closing:
            self.status = int(number)
        elif mark:
            self._rest = mark + after
        else:
            self._rest = self._held(output)
            output = output[: len(output) - len(self._rest)]
        return output if self._keeps_returns else output.replace(b"\r\n", b"\n")

    def _held(self, output: bytes) -> bytes:
        """Return the end of an output that may be the begin of a mark, or of a line's end."""
        place = output.rfind(MARK.encode())
        if place >= 0 and self._end.startswith(output[place:]):
            return output[place:]
        return b"\r" if output.endswith(b"\r") and not self._keeps_returns else b""


def marked(words: Sequence[str], *, on_terminal: bool) -> tuple[str, str]:
    """Return a command that runs another one between marks, and the word in the marks.

    The agent splits the text as a shell does, and starts the first word without a shell.
    """
    word = secrets.token_hex(8)
    return shlex.join(["/bin/sh", "-c", ON_TERMINAL if on_terminal else IN_SCRIPT, "sh", word, *words]), word


class PluginCall(NamedTuple):
    """How the plugin is started."""

    arguments: Sequence[str]
    variables: Mapping[str, str] = {}
    """Those that this program does not have."""

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - of Popen
        """Start it."""
        return subprocess.Popen(self.arguments, env={**os.environ, **self.variables}, **settings)  # noqa: S603 - the plugin


def plugin_call(session: Session, region: str, target: ExecTarget, command: str, profile: str | None) -> PluginCall:
    """Open a session, and return the call of the plugin, as the AWS CLI has it.

    Unlike in the AWS CLI, the endpoint is that of Systems Manager, which the plugin asks to resume a session; and the
    session is in the environment if the plugin reads it there, because all users of a computer see command lines.
    """
    ecs: Any = session.client("ecs", region_name=region)
    cluster, task = target.task["clusterArn"], target.task["taskArn"]
    try:
        answer = ecs.execute_command(
            cluster=cluster, task=task, container=target.name, command=command, interactive=True
        )
    except ecs.exceptions.TargetNotConnectedException as error:
        raise ValueError(NOT_CONNECTED.format(cluster=cluster.rpartition("/")[2], task=target.task_id)) from error
    request = {"Target": f"ecs:{cluster.rpartition('/')[2]}_{target.task_id}_{target.state['runtimeId']}"}
    ssm: Any = session.client("ssm", region_name=region)
    endpoint = ssm.meta.endpoint_url
    text, variables = json.dumps(answer["session"]), {}
    if _reads_variables():
        text, variables = SESSION_VARIABLE, {SESSION_VARIABLE: text}
    words = [PLUGIN, text, region, "StartSession", profile or "", json.dumps(request), endpoint]
    return PluginCall(words, variables)


def _reads_variables() -> bool:
    """Whether the plugin takes a session from the environment, as awscli/customizations/sessionmanager.py asks it."""
    asked = subprocess.run([PLUGIN, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - the plugin
    version = asked.stdout.strip()
    is_version = re.fullmatch(r"\d+(\.\d+)*", version) is not None
    return is_version and [*map(int, version.split("."))] > LAST_WITHOUT_VARIABLE


def attach(plugin: PluginCall) -> int:
    """Run the plugin on the user's terminal, and return its own status.

    The terminal sends its signals and its size to the plugin, too, which handles them. Afterwards the terminal is as it
    was, also if the plugin was killed.
    """
    started: list[subprocess.Popen[bytes]] = []

    def leave_it_to_the_plugin(_number: int, _frame: FrameType | None) -> None:
        pass

    def end(_number: int, _frame: FrameType | None) -> None:
        for process in started:
            process.terminate()

    keys = dict.fromkeys(("SIGINT", "SIGQUIT", "SIGTSTP"), leave_it_to_the_plugin)
    with same_terminal(STDIN), handled_signals({**keys, **dict.fromkeys(TERMINATIONS, end)}):
        started.append(plugin.start())
        return started[0].wait()


def relay(plugin: PluginCall, output: Output, write: Callable[[bytes], None], *, terminal: int | None = None) -> None:
    """Run the plugin on a terminal of its own, and pass on what the command prints.

    The plugin ends at the end of its input, so that it needs a terminal also in CI
    (https://github.com/aws/amazon-ssm-agent/issues/354).

    Args:
        plugin: The call of the plugin.
        output: Takes the command's output and status out of the plugin's.
        write: Prints.
        terminal: The descriptor of the user's terminal, whose keys and size the command gets. By default the command
            has no input.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, which the command gets as Ctrl-C. Another one ends the session.
    """
    master, slave = open_terminal()
    copy_size(terminal, master)
    process = plugin.start(preexec_fn=partial(os.login_tty, slave))  # this program has one thread
    os.close(slave)
    interrupts: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        interrupts.append(number)
        if len(interrupts) > 1:
            process.terminate()
        else:
            say("sends Ctrl-C to the command; Ctrl-C again ends the session")
            os.write(master, CTRL_C)

    def resize(_number: int, _frame: FrameType | None) -> None:
        copy_size(terminal, master)

    try:
        handlers = {**dict.fromkeys(("SIGINT", *TERMINATIONS), interrupt), "SIGWINCH": resize}
        with raw(terminal), handled_signals(handlers):
            for data in _read(master, terminal, output):
                if shown := output.feed(data):
                    write(shown)
    finally:
        process.terminate()
        process.wait()
        os.close(master)
    if interrupts:
        raise KeyboardInterrupt


def _read(master: int, terminal: int | None, output: Output) -> Iterator[bytes]:
    """Yield what the plugin prints, and send it what the user types; after the end of the command, for some seconds."""
    sources = [master] if terminal is None else [master, terminal]
    while True:
        ready, _, _ = select.select(sources, [], [], GRACE_SECONDS if output.status is not None else None)
        if not ready:
            return
        for source in ready:
            data = _bytes_of(source)
            if source == master:
                if not data:  # the plugin has ended
                    return
                yield data
            elif data:
                os.write(master, data)
            else:
                sources.remove(source)


def _bytes_of(source: int) -> bytes:
    """Return what can be read; nothing at the end, for which Linux has an error and macOS an empty answer."""
    with suppress(OSError):
        return os.read(source, CHUNK)
    return b""
