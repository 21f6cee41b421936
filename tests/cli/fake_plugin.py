"""A fake of AWS's session-manager-plugin, and of the agent in the task. The real one cannot be had here.

It takes the same seven words (aws/session-manager-plugin, src/sessionmanagerplugin/session/session.go), or the name of
a variable in place of the session; it ends at the end of its input, and always with 0. The session's token has the
command, which it splits and starts on a terminal, as the agent does (aws/amazon-ssm-agent,
agent/session/shell/shell_unix.go).
"""

import base64
import json
import os
import pty
import select
import shlex
import signal
import sys
import termios
import tty

CONTROLS = {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c", signal.SIGTSTP: b"\x1a"}


def main(arguments: list[str]) -> None:
    """Print the version, or start a session."""
    if arguments == ["--version"]:
        say(os.environ.get("FAKE_VERSION", "1.2.814.0\n"))
        return
    session, _region, operation, _profile, request, _endpoint = arguments
    session = os.environ.pop(session, session)
    start = json.loads(session)
    assert operation == "StartSession"
    assert json.loads(request)["Target"].startswith("ecs:shop_")
    say(f"\nStarting session with SessionId: {start['sessionId']}\n")
    words = shlex.split(base64.b64decode(start["tokenValue"]).decode())
    if words[0] == "/no/such/program":
        say("Unable to start command: Failed to start pty: fork/exec /no/such/program: no such file or directory\n")
        return
    child, master = pty.fork()
    if child == 0:
        os.execvp(words[0], words)  # noqa: S606 - what the test asks for
    for number, key in CONTROLS.items():
        signal.signal(number, lambda *_, key=key: os.write(master, key))
    if os.isatty(0):
        tty.setcbreak(0)
    relay(master)
    os.waitpid(child, 0)
    say(f"\n\nExiting session with sessionId: {start['sessionId']}.\n\n")
    if words[-1] == "the plugin hangs":
        signal.pause()


def relay(master: int) -> None:
    """Pass on input, output and the size of the terminal, until the command has ended."""
    while True:
        if os.isatty(1):
            termios.tcsetwinsize(master, termios.tcgetwinsize(1))
        ready, _, _ = select.select([0, master], [], [], 0.05)
        if 0 in ready:
            data = os.read(0, 1024)
            if not data:
                say("Cannot perform start session: EOF\n")
                return
            os.write(master, data)
        if master in ready:
            try:
                os.write(1, os.read(master, 1024))
            except OSError:
                return


def say(text: str) -> None:
    """Print a text."""
    os.write(1, text.encode())


if __name__ == "__main__":
    main(sys.argv[1:])
