"""Reads the text of a template, in JSON or in CloudFormation's YAML; returns the template."""

import codecs
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# CloudFormation takes 1 MB (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html).
# A file may also have white space, and what `get-template` prints around a template.
MAX_BYTES = 10_000_000
ALIAS = re.compile(r"(?:^|[\s\[,:-])\*\w", re.MULTILINE)
TIMESTAMP = "tag:yaml.org,2002:timestamp"
SHOWN_KEYS = 5


def read_template_file(file: Path, name: str, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the template in a file; CDK may also write one that is empty.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds no template; with *name*, which says what the file is.
    """
    if file.is_dir():
        raise ValueError(f"{name} must be a file with a template, got a folder: {file}")
    if file.stat().st_size > MAX_BYTES:
        megabytes = file.stat().st_size / 1_000_000
        raise ValueError(f"{name} must be a template, which has at most 1 MB, got {file} with {megabytes:.0f} MB")
    content = file.read_bytes()
    # PowerShell writes UTF-16 by default.
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} must be a template in JSON or YAML, got {file}: it is no text in UTF-8") from error
    return parse_template(text, f"{name} must be a template in JSON or YAML, got {file}", may_be_empty=may_be_empty)


def parse_template(text: str, problem: str, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the template in a text; it may be in the answer of `aws cloudformation get-template`.

    Raises:
        ValueError: If there is none; the message begins with *problem*.
    """
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else _parse_yaml(text, problem)
    except RecursionError as error:
        raise ValueError(f"{problem}: it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{problem}: {error}") from error
    match content:
        case {"TemplateBody": str() as body}:
            return parse_template(body, problem)
        case {"TemplateBody": dict() as body}:
            content = body
    if not isinstance(content, dict):
        raise ValueError(f"{problem}: it {'is empty' if content is None else 'is no object'}")  # noqa: TRY004 - of a file
    if may_be_empty:
        content.setdefault("Resources", {})
    if not isinstance(content.get("Resources"), Mapping):
        keys = [str(each) for each in content]
        shown = ", ".join(keys[:SHOWN_KEYS]) + (", …" if len(keys) > SHOWN_KEYS else "")
        raise ValueError(  # noqa: TRY004 - of a file
            f"{problem}: CloudFormation's templates have Resources, and it has: {shown or 'nothing'}"
        )
    return content


def _parse_yaml(text: str, problem: str) -> Any:  # noqa: ANN401 - any content
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError("templates in YAML need PyYAML, which is not installed: pip install pyyaml") from error
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = type("_Loader", (base,), {"yaml_implicit_resolvers": _without_timestamps(base)})
    loader.add_multi_constructor("!", _construct)  # type: ignore[attr-defined] # of the base class
    try:
        # An alias may have aliases in its value, and so on: then a short text is a huge template.
        if ALIAS.search(text) and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, base)):
            raise ValueError(f"{problem}: it has YAML aliases, which CloudFormation does not take")
        return yaml.load(text, loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(f"{problem}: {' '.join(str(error).split())}") from error


def _without_timestamps(loader: Any) -> dict[str, Any]:  # noqa: ANN401 - a class of PyYAML
    """Return what PyYAML makes of plain texts, without dates: `Version: 2012-10-17` of a policy is a text."""
    return {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != TIMESTAMP]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }


def _construct(loader: Any, name: str, node: Any) -> dict[str, Any]:  # noqa: ANN401 - PyYAML's own
    """Return the function of a short form, such as `!GetAtt Vpc.CidrBlock`."""
    construct = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}.get(
        node.id, loader.construct_mapping
    )
    value = construct(node) if node.id == "scalar" else construct(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}
