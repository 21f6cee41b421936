"""Reads a YAML file as Copilot does: texts as they are written, each with its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

# What a text holds in place of ${COPILOT_ENVIRONMENT_NAME}, and around the name of another variable of the shell.
ENVIRONMENT = "\ue000"
VARIABLE = re.compile("\ue001([^\ue002]+)\ue002")
# https://aws.github.io/copilot-cli/docs/developing/manifest-env-var/
INTERPOLATED = re.compile(r"(\\?)\$\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
# The C library is many times faster, and not in each installation.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What a manifest shows in place of the marks above.
WRITTEN = str.maketrans({ENVIRONMENT: "${COPILOT_ENVIRONMENT_NAME}", "\ue001": "${", "\ue002": "}"})
NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Scalar:
    """A text, number or boolean: the text that the file has."""

    text: str
    line: int
    is_plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether the value is left out."""
        return self.is_plain and self.text in NULLS


class Items(list["Value"]):
    """A list, and the line at which it begins."""

    def __init__(self, values: list["Value"], line: int) -> None:
        super().__init__(values)
        self.line = line


class Block(dict[str, "Value"]):
    """A map, the line at which it begins, and the line of each key."""

    def __init__(self, values: Mapping[str, "Value"], line: int, lines: Mapping[str, int]) -> None:
        super().__init__(values)
        self.line = line
        self.lines = dict(lines)


Value = Scalar | Items | Block


class ManifestError(ValueError):
    """What a manifest says wrong: the file, the line, and what to change."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


def read_yaml(file: Path, application: str) -> Block:
    """Return the map that a file holds."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=LOADER)
        value = _Reader(file, application).value(node) if node else None
    except RecursionError as error:
        raise ManifestError(file, 1, "this is too deep: an alias holds itself, or maps are in too many maps") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ManifestError(file, mark.line + 1 if mark else 1, f"this is not YAML: {problem}") from error
    if not isinstance(value, Block):
        raise ManifestError(file, 1, "a manifest must be a map of fields such as 'name: web'")
    return value


class _Reader:
    def __init__(self, file: Path, application: str) -> None:
        self._file = file
        self._application = application

    def value(self, node: yaml.Node) -> Value:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._block(node, line)
        if isinstance(node, yaml.SequenceNode):
            return Items([self.value(each) for each in node.value], line)
        is_plain = not getattr(node, "style", None)
        return Scalar(self._interpolate(node.value), line, is_plain=is_plain)

    def _block(self, node: yaml.MappingNode, line: int) -> Block:
        block, merged = Block({}, line, {}), Block({}, line, {})
        for key_node, value_node in node.value:
            key, key_line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ManifestError(self._file, key_line, "a key must be a text")
            value = self.value(value_node)
            if key == "<<" and not key_node.style:  # https://yaml.org/type/merge.html
                for each in reversed(value if isinstance(value, Items) else [value]):
                    if not isinstance(each, Block):
                        raise ManifestError(self._file, key_line, "'<<' takes a map, such as an alias of one")
                    merged.update(each)
                    merged.lines.update(each.lines)
                continue
            if key in block:
                raise ManifestError(self._file, key_line, f"the key {key!r} is there twice: leave one out")
            block[key] = value
            block.lines[key] = key_line
        return Block(merged | block, line, merged.lines | block.lines)

    def _interpolate(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            escaped, name = match.groups()
            if escaped:
                return match[0][1:]
            if name == "COPILOT_APPLICATION_NAME":
                return self._application
            return ENVIRONMENT if name == "COPILOT_ENVIRONMENT_NAME" else f"\ue001{name}\ue002"

        return INTERPOLATED.sub(replace, text)
