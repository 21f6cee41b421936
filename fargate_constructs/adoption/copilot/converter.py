"""Converts a workspace or a manifest: reads, writes the files of an app, and says what is not converted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fargate_constructs.adoption.copilot.app_files import (
    ENVIRONMENT_FILE,
    Module,
    app_module,
    root_code,
    settings,
    workload_module,
)
from fargate_constructs.adoption.copilot.draft import Draft, Topic
from fargate_constructs.adoption.copilot.environment_file import environment_module
from fargate_constructs.adoption.copilot.fields import KINDS
from fargate_constructs.adoption.copilot.overrides import with_overrides
from fargate_constructs.adoption.copilot.sections import Ledger, Section
from fargate_constructs.adoption.copilot.statements import Statements
from fargate_constructs.adoption.copilot.workload import statements
from fargate_constructs.adoption.copilot.workspace import Manifest, Workspace, find_workspace


@dataclass(frozen=True)
class Finding:
    """Something that is not converted, or that works differently."""

    file: str
    line: int
    field: str
    environments: tuple[str, ...]
    todo: str
    is_lost: bool = True
    """Whether it is not converted; otherwise it works in another way."""


@dataclass(frozen=True)
class Conversion:
    """The files of an app by name, and what is not converted."""

    application: str
    environments: tuple[str, ...]
    files: Mapping[str, str]
    findings: Sequence[Finding]


def convert(path: Path, *, output: Path, environment: str | None = None, application: str | None = None) -> Conversion:
    """Return the app for a workspace, its folder `copilot`, or one manifest.

    Args:
        path: The workspace, the folder, or the manifest.
        output: The folder of the app; paths in the app are relative to it.
        environment: The only environment that the app has. By default all that the workspace names.
        application: The name of the application. By default that of `copilot/.workspace`.

    Raises:
        FileNotFoundError: If there is nothing to convert, or no name of the application.
        ValueError: If no environment is known, or if a manifest says something that Copilot does not know, or that
            cannot be.
    """
    workspace = find_workspace(path, application)
    names = [environment] if environment else workspace.environment_names()
    if not names:
        raise ValueError(f"no environment is known in {path}: pass --environment with the name of one")
    topics = frozenset(topic for each in workspace.manifests for topic in _topics(each))
    modules: list[Module] = []
    findings: list[Finding] = []
    for position, manifest in enumerate(workspace.manifests):
        by_name: dict[str, Statements] = {}
        taken: dict[Topic, None] = {}
        notes: dict[tuple[int, str, str, bool], list[str]] = {}
        for name in names:
            draft = _draft(manifest, workspace, name, topics, output)
            by_name[name] = statements(draft, position)
            taken |= dict.fromkeys(sorted(draft.subscribed, key=lambda each: (each.publisher, each.name)))
            for note in draft.root.ledger.notes:
                notes.setdefault((note.line, note.path, note.todo, note.is_lost), []).append(name)
        source = _shown(manifest.file, workspace.root)
        modules.append(Module(manifest.name, KINDS[manifest.kind], source, by_name, tuple(taken)))
        findings += [
            Finding(source, line, field, tuple(where), todo, is_lost)
            for (line, field, todo, is_lost), where in sorted(notes.items())
        ]
    findings += [
        Finding(_shown(file, workspace.root), 1, "", tuple(names), todo) for file, todo in workspace.not_converted
    ]
    return Conversion(workspace.application, tuple(names), _files(workspace, names, modules, output), findings)


def _draft(manifest: Manifest, workspace: Workspace, name: str, topics: frozenset[Topic], output: Path) -> Draft:
    ledger = Ledger(manifest.file, manifest.kind)
    section = Section(ledger, with_overrides(manifest.block, name))
    root, own = workspace.root.resolve().as_posix(), output.resolve().as_posix()
    return Draft(manifest.name, manifest.kind, workspace.application, section, topics, root, own)


def _files(workspace: Workspace, names: Sequence[str], modules: Sequence[Module], output: Path) -> dict[str, str]:
    code = {each.file: workload_module(each) for each in modules}
    if not code:
        return {}
    environment = environment_module(
        workspace.application,
        {name: workspace.subnets(name) for name in names},
        list(code.values()),
        root=root_code(output, workspace.root),
    )
    app = app_module(workspace.application, names, modules)
    return {"app.py": app, ENVIRONMENT_FILE: environment, **code, **settings()}


def _topics(manifest: Manifest) -> list[Topic]:
    """Return the topics that a manifest publishes."""
    sections = Section(Ledger(manifest.file, manifest.kind), manifest.block).section("publish").sections("topics")
    names = [f"{name}{'.fifo' if each.is_on('fifo') else ''}" for each in sections if (name := each.text("name"))]
    return [Topic(manifest.name, each) for each in names]


def _shown(file: Path, root: Path) -> str:
    resolved = file.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(file)
