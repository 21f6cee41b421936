"""Finds the manifests of a Copilot workspace."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fargate_constructs.adoption.copilot.fields import TYPES
from fargate_constructs.adoption.copilot.source import Block, Items, ManifestError, Scalar, read_yaml

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
FOLDER, SUMMARY, MANIFEST = "copilot", ".workspace", "manifest.yml"
OTHER_TYPES = {
    "Static Site": "make an s3.Bucket and a cloudfront.Distribution with s3deploy.BucketDeployment",
    "Request-Driven Web Service": "App Runner is another service of AWS; make a FargateService with a route",
}
PIPELINE = "a pipeline of CDK deploys an app: pipelines.CodePipeline, or `cdk deploy` in your CI"
ADDONS = (
    "a stack below that of Copilot's service, which had its outputs as variables, secrets, policies and security "
    "groups; deploy the templates as a stack of its own first (docs/from-copilot.md, step 2)"
)
OVERRIDES = "overrides of Copilot's template: write them as overrides of the L1 constructs"
STAYS = "it stays in Copilot's stack of the environment; manifests may import what it exports"


@dataclass(frozen=True)
class Manifest:
    """The manifest of one workload."""

    file: Path
    name: str
    kind: str
    block: Block


@dataclass
class Workspace:
    """What a folder `copilot` holds."""

    root: Path
    application: str
    manifests: list[Manifest] = field(default_factory=list)
    environments: dict[str, Block] = field(default_factory=dict)
    not_converted: list[tuple[Path, str]] = field(default_factory=list)
    """Files that are not converted, and what to do."""

    def environment_names(self) -> list[str]:
        """Return the names of all environments, those of the folder first."""
        names = dict.fromkeys(self.environments)
        for each in self.manifests:
            overrides = each.block.get("environments")
            names |= dict.fromkeys(overrides if isinstance(overrides, Block) else ())
        return list(names)

    def subnets(self, environment: str) -> int:
        """Return the number of private subnets, which is 2 unless the environment's manifest says otherwise."""
        network = _inner(self.environments.get(environment), "network", "vpc", "subnets", "private")
        return len(network) if isinstance(network, Items) else 2


def _inner(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Block) else None
    return value


def find_workspace(path: Path, application: str | None) -> Workspace:
    """Read a workspace: its root, its folder `copilot`, or one manifest.

    Raises:
        FileNotFoundError: If there is no manifest.
        ManifestError: If a manifest says something that Copilot does not know.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist: pass the root of a workspace, its folder copilot, or a manifest"
        )
    if path.is_file():
        parents = path.resolve().parents
        folder = next((each for each in parents if each.name == FOLDER or (each / SUMMARY).exists()), None)
        root = folder.parent if folder else Path.cwd()
        workspace = Workspace(root, _application(folder, application, path))
        _read(workspace, path)
        return workspace
    folder = path / FOLDER if (path / FOLDER).is_dir() else path
    files = sorted(folder.glob(f"*/{MANIFEST}"))
    if not files:
        raise FileNotFoundError(f"there is no <name>/{MANIFEST} in {folder}: pass the root of a Copilot workspace")
    workspace = Workspace(folder.resolve().parent, _application(folder, application, folder))
    for file in sorted(folder.glob(f"environments/*/{MANIFEST}")):
        workspace.environments[file.parent.name] = read_yaml(file, workspace.application)
    for file in files:
        _read(workspace, file)
    workspace.not_converted += list(_others(folder))
    return workspace


def _application(folder: Path | None, application: str | None, path: Path) -> str:
    if application:
        return application
    summary = folder / SUMMARY if folder else None
    if summary is None or not summary.exists():
        raise FileNotFoundError(f"there is no {SUMMARY} beside {path}: pass --application with the application's name")
    value = read_yaml(summary, "").get("application")
    if not isinstance(value, Scalar):
        raise ManifestError(summary, 1, "application is missing")
    return value.text


def _read(workspace: Workspace, file: Path) -> None:
    block = read_yaml(file, workspace.application)
    type_, name = block.get("type"), block.get("name")
    if not isinstance(type_, Scalar) or not isinstance(name, Scalar):
        missing = "type" if not isinstance(type_, Scalar) else "name"
        raise ManifestError(file, block.line, f"{missing} is missing")
    if type_.text in OTHER_TYPES:
        workspace.not_converted.append((file, f"{type_.text}: {OTHER_TYPES[type_.text]}"))
        return
    kind = TYPES.get(type_.text)
    if kind is None or kind == "E":
        known = ", ".join(repr(each) for each in TYPES if each != "Environment")
        raise ManifestError(file, block.lines["type"], f"type must be one of {known}, got: {type_.text!r}")
    if not NAME.fullmatch(name.text):
        message = f"name must be letters, digits and hyphens, and begin with a letter, got: {name.text!r}"
        raise ManifestError(file, block.lines["name"], message)
    overrides = block.get("environments", Block({}, 0, {}))
    for each in overrides.values() if isinstance(overrides, Block) else [overrides]:
        if not isinstance(each, Block) and not (isinstance(each, Scalar) and each.is_null):
            message = "environments must be a map of the fields of each environment by its name"
            raise ManifestError(file, block.lines["environments"], message)
    workspace.manifests.append(Manifest(file, name.text, kind, block))


def _others(folder: Path) -> Iterator[tuple[Path, str]]:
    for name, todo in (("addons", ADDONS), ("overrides", OVERRIDES)):
        for found in sorted(folder.glob(f"*/{name}")):
            yield found, STAYS if found.parent.name == "environments" else todo
    for pipeline in sorted([*folder.glob("pipelines/*"), *folder.glob("pipeline.yml"), *folder.glob("buildspec.yml")]):
        yield pipeline, PIPELINE
