"""Pyright's language server: what an editor shows at a place in a file."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "node_modules/pyright/langserver.index.js"


class LanguageServer:
    """A running server, with one open file.

    Args:
        path: The file that is open.
        text: Its text.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._uri, self._text, self._number = path.as_uri(), text, 0
        node = Path(sys.prefix) / "bin/node"
        self._process = subprocess.Popen(
            [node, SERVER, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        """Open the file."""
        folder = {"uri": ROOT.as_uri(), "name": "project"}
        hover = {"contentFormat": ["markdown"]}
        signature = {"signatureInformation": {"documentationFormat": ["markdown"]}}
        capabilities = {
            "textDocument": {"hover": hover, "signatureHelp": signature},
            "workspace": {"configuration": True},
        }
        self.ask("initialize", {"processId": None, "capabilities": capabilities, "workspaceFolders": [folder]})
        self._send({"method": "initialized", "params": {}})
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": self._text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return self

    def __exit__(self, type_: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate()

    def hover(self, code: str, name: str) -> str:
        """Return what is shown at a name, in the first line that has the code."""
        answer = self.ask("textDocument/hover", self._place(code, name))
        return str(answer["contents"]["value"]) if answer else ""

    def signature_help(self, code: str) -> dict[str, Any]:
        """Return what is shown while the arguments after the code are typed."""
        place = self._place(code, code)
        place["position"]["character"] += len(code)
        found: dict[str, Any] = self.ask("textDocument/signatureHelp", place)
        return found

    def _place(self, code: str, name: str) -> dict[str, Any]:
        before, found, _ = self._text.partition(code)
        assert found, f"{code} is not in the file"
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        position = {"line": line, "character": column + code.index(name)}
        return {"textDocument": {"uri": self._uri}, "position": position}

    def ask(self, method: str, params: object) -> Any:  # noqa: ANN401 - of any method
        """Return the result of a request; what the server asks meanwhile is answered."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})

    @staticmethod
    def _answer(message: dict[str, Any]) -> object:
        if message["method"] != "workspace/configuration":
            return None
        settings = {"python": {"pythonPath": sys.executable}}
        return [settings.get(each.get("section"), {}) for each in message["params"]["items"]]

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        content = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
