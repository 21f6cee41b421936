"""Prints log events: as lines with the time, the task and the container; as messages alone; or as JSON."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

import click

from fargate_constructs.cli.events.log_events import LogEvent, time_text
from fargate_constructs.cli.logs.log_sources import LogSource
from fargate_constructs.cli.terminal.output import SHORT_ID

LONG_ID = 24
RESET = "\x1b[0m"
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
# What a terminal would obey, except colours: a line of a log must not move the cursor, or rename the window.
COMMANDS = re.compile(
    r"\x1b\[[0-9;]*m|(\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f])"
)


class LinePrinter:
    """Prints events of some containers on the standard output."""

    def __init__(
        self, sources: Sequence[LogSource], *, has_prefix: bool, as_json: bool, before: Callable[[], None]
    ) -> None:
        """Take what to print, and what is called before each line."""
        self._sources = sources
        self._has_prefix, self._as_json = has_prefix, as_json
        self._before = before
        self._names_container = len({each.container for each in sources}) > 1 or not sources[0].container
        self._width = max(len(each.container) for each in sources)
        self._is_terminal = sys.stdout.isatty()
        self._has_colours = self._is_terminal and not os.environ.get("NO_COLOR")
        self._output = sys.stdout.buffer
        self.count = 0

    def print(self, events: Iterable[LogEvent]) -> None:
        """Print events."""
        for event in events:
            self.count += 1
            line = json.dumps(self._document(event), ensure_ascii=False) if self._as_json else self._line(event)
            self._before()
            # Half of a surrogate pair, which UTF-8 does not have, as JSON escapes it.
            self._output.write(line.encode(errors="backslashreplace") + b"\n")
            if self._is_terminal:
                self._output.flush()
        self._output.flush()

    def _line(self, event: LogEvent) -> str:
        message = event.message.rstrip("\r\n")
        if self._is_terminal:
            message = COMMANDS.sub(lambda found: "" if found[1] else found[0], message)
            if "\x1b" in message and not message.endswith(RESET):
                message += RESET
        if not self._has_prefix:
            return message
        container, task = self._names(event)
        label = task[:SHORT_ID] or _short(event.stream)
        if self._names_container and container:
            label = f"{label:{SHORT_ID}} {container:{self._width}}"
        if self._has_colours:
            label = click.style(label, fg=COLOURS[crc32(label.encode()) % len(COLOURS)])
        return f"{time_text(event.timestamp)} {label}  {message}"

    def _document(self, event: LogEvent) -> dict[str, object]:
        container, task = self._names(event)
        return {
            "time": event.time,
            "container": container,
            "task": task,
            "log_group": event.log_group,
            "stream": event.stream,
            "id": event.id,
            "message": event.message,
        }

    def _names(self, event: LogEvent) -> tuple[str, str]:
        """Return the container and the task of an event, as far as the name of its stream has them."""
        own = [each for each in self._sources if each.log_group == event.log_group and each.has(event.stream)]
        return own[0].split(event.stream)


def _short(stream: str) -> str:
    """Return the beginning of the ID at the end of a stream's name, as Lambda writes it; or the end of the name."""
    found = re.search(r"[0-9a-f]{32,}$", stream)
    return found[0][:SHORT_ID] if found else stream[-LONG_ID:]
