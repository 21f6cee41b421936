"""Reads templates where the CDK and people keep them, in cdk.out or in a file, without the app that made them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import PATH_KEY, TemplateTree
from fargate_constructs.synthesized.template_text import read_template_file

STACK_TYPE = "AWS::CloudFormation::Stack"
ASSET = re.compile(r"/([0-9a-f]{64})\.json")
HOW_TO_SYNTHESIZE = "write one by `cdk synth`"


class StoredStack(NamedTuple):
    """A stack as it is stored."""

    name: str
    """Its name in CloudFormation; the name of the file if that is all there is."""
    tree: TemplateTree
    path: str = ""
    """Its construct path; empty if it is not known."""
    account: str = ""
    region: str = ""
    """Where it is deployed; empty if it is not known."""
    stage: str = ""
    """What differs from stage to stage: the folder of its assembly; empty if it is not known."""
    metadata: Mapping[str, list[dict[str, Any]]] = MappingProxyType({})
    """What CDK keeps of its constructs, by their paths."""


def read_app(
    place: Path, names: Sequence[str] = (), *, all_stacks: bool = False, name: str = "the app"
) -> list[StoredStack]:
    """Return stacks of a synthesized app: those with a name, a construct path or an artifact ID of *names*.

    Args:
        place: The folder that CDK writes, or one template in it or elsewhere.
        names: The stacks. By default the only one.
        all_stacks: Whether to return all stacks.
        name: What the folder or file is, for messages.

    Raises:
        ValueError: If there is no app, no such stack, or more than one stack and no name.
    """
    if place.exists() and not place.is_dir():
        return [_read_file(place)]
    stacks = list(_read_folder(place, name))
    known = ", ".join(each.path or each.name for each in stacks)
    if names:
        chosen = [[each for each in stacks if wanted in (each.name, each.path)] for wanted in names]
        unknown = [wanted for wanted, found in zip(names, chosen, strict=True) if not found]
        if unknown:
            raise ValueError(f"the stack must be one of those in {place}: {known}, got: {', '.join(unknown)}")
        return list({id(each): each for found in chosen for each in found}.values())
    if len(stacks) > 1 and not all_stacks:
        raise ValueError(f"{place} has {len(stacks)} stacks: {known}; name one, or write --all")
    return stacks


def read_stack_file(file: Path, name: str) -> StoredStack:
    """Return the stack of a template file that is not in the app; *name* says what the file is."""
    return StoredStack(file.name.partition(".")[0], TemplateTree(read_template_file(file, name)))


def _read_file(file: Path) -> StoredStack:
    """Return the stack of a template file, with what CDK wrote beside it."""
    if (file.parent / "manifest.json").exists():
        for each, template_file in _artifacts(file.parent):
            if template_file == file.name:
                return each
    return read_stack_file(file, "the app")


def _read_folder(folder: Path, name: str) -> Iterator[StoredStack]:
    if not folder.exists():
        raise ValueError(f"{name} must be a folder of CDK or a template, got nothing at {folder}; {HOW_TO_SYNTHESIZE}")
    if not (folder / "manifest.json").exists():
        raise ValueError(
            f"{name} must be a folder of CDK with a manifest.json, got {folder} without; {HOW_TO_SYNTHESIZE}"
        )
    found = [each for each, _ in _artifacts(folder)]
    if not found:
        raise ValueError(f"{name} must have a stack, got {folder} without")
    yield from found


def _artifacts(folder: Path) -> Iterator[tuple[StoredStack, str]]:
    """Yield each stack of an assembly, and of the assemblies of its stages, with the file of its template."""
    for id_, artifact in _load(folder / "manifest.json").get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _artifacts(folder / properties["directoryName"])
        if artifact.get("type") == "aws:cloudformation:stack":
            file = properties["templateFile"]
            beside = artifact.get("additionalMetadataFile")
            metadata = _load(folder / beside) if beside else artifact.get("metadata", {})
            account, _, region = artifact.get("environment", "").removeprefix("aws://").partition("/")
            paths = _Paths(metadata)
            tree = _tree(folder, file, paths, _assets(folder, file))
            known = ["" if each.startswith("unknown-") else each for each in (account, region)]
            yield (
                StoredStack(
                    properties.get("stackName", id_),
                    tree,
                    paths.of_stack(file) or properties.get("stackName", id_),
                    known[0],
                    known[1],
                    folder.name,
                    {path.strip("/"): entries for path, entries in metadata.items()},
                ),
                file,
            )


class _Paths:
    """The construct paths that CDK keeps beside the templates of a stack and of those nested in it."""

    def __init__(self, metadata: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        entries = [(path.strip("/"), each) for path, all_ in metadata.items() for each in all_]
        self._files = {path: each["data"] for path, each in entries if each["type"] == "aws:cdk:templateFile"}
        self._ids = [(path, each["data"]) for path, each in entries if each["type"] == "aws:cdk:logicalId"]

    def of_stack(self, file: str) -> str:
        """Return the path of the stack with a template file."""
        return next((path for path, each in self._files.items() if each == file), "")

    def in_file(self, file: str) -> dict[str, str]:
        """Return the path of each logical ID in a template file."""
        return {logical_id: path for path, logical_id in self._ids if self._file_of(path) == file}

    def _file_of(self, path: str) -> str | None:
        above = path
        while above not in self._files and "/" in above:
            above = above.rpartition("/")[0]
        return self._files.get(above)


def _tree(folder: Path, file: str, paths: _Paths, assets: Mapping[str, str]) -> TemplateTree:
    template = read_template_file(folder / file, "the app", may_be_empty=True)
    nested = {}
    for logical_id, resource in template["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") == STACK_TYPE:
            url = ASSET.search(json.dumps(resource.get("Properties", {}).get("TemplateURL")))
            if url and url[1] in assets:
                nested[logical_id] = _tree(folder, assets[url[1]], paths, assets)
    return TemplateTree(template, paths.in_file(file) or written_paths(template), nested)


def written_paths(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the construct path of each logical ID, as far as the template itself has it."""
    metadata = {
        key: each.get("Metadata") for key, each in template.get("Resources", {}).items() if isinstance(each, dict)
    }
    return {key: each[PATH_KEY] for key, each in metadata.items() if isinstance(each, dict) and PATH_KEY in each}


def _assets(folder: Path, file: str) -> dict[str, str]:
    """Return the file of each asset of a stack, by its hash."""
    manifest = folder / file.replace(".template.json", ".assets.json")
    files = _load(manifest).get("files", {}) if manifest.exists() else {}
    return {hash_: each["source"]["path"] for hash_, each in files.items() if "path" in each.get("source", {})}


def _load(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} must be as CDK writes it, got: {error}; {HOW_TO_SYNTHESIZE}") from error
    return content
