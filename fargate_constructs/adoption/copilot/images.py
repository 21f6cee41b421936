"""Images: from a folder, or from a registry, with what a private registry asks for."""

import posixpath
import re

from fargate_constructs.adoption.copilot.code import Call, Expression, call, listed, made, mapping, text, texts
from fargate_constructs.adoption.copilot.draft import Draft, text_map
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import construct_id

COMPLETE_ARN = re.compile(r"arn:.*-[A-Za-z0-9]{6}")


def image(draft: Draft, section: Section, *, credentials: str | None, owner: str = "") -> Expression | None:
    """Return the image of a section that has `build` or `location`."""
    if "build" in section:
        return _built(draft, section)
    location = section.text("location")
    return None if location is None else from_registry(draft, location, credentials, owner)


def from_registry(draft: Draft, location: str, credentials: str | None = None, owner: str = "") -> Call:
    """Return the image of a registry; *credentials* is the ARN of the secret of a private one."""
    secret = None
    if credentials is not None:
        name = f"{owner}RegistryCredentials"
        secret = draft.imported(name, secret_by_arn(construct_id(name), credentials))
    return call("ecs.ContainerImage.from_registry", text(location), credentials=secret)


def secret_by_arn(id: str, arn: str) -> Call:
    """Return the import of a secret by its whole or partial ARN."""
    method = "from_secret_complete_arn" if COMPLETE_ARN.fullmatch(arn) else "from_secret_partial_arn"
    return made(f"secretsmanager.Secret.{method}", id, text(arn))


def _built(draft: Draft, section: Section) -> Expression:
    options: dict[str, Expression] = {}
    if section.is_map("build"):
        build = section.section("build")
        dockerfile, context = build.text("dockerfile"), build.text("context")
        if arguments := text_map(build.section("args")):
            options["build_args"] = arguments
        if target := build.text("target"):
            options["target"] = text(target)
        if caches := build.texts("cache_from"):
            options["cache_from"] = listed(
                call("ecr_assets.DockerCacheOption", type='"registry"', params=mapping({"ref": text(each)}))
                for each in caches
            )
    else:
        dockerfile, context = section.text("build"), None
    dockerfile = posixpath.normpath(dockerfile or posixpath.join(context or ".", "Dockerfile"))
    folder = posixpath.normpath(context or posixpath.dirname(dockerfile) or ".")
    file = posixpath.relpath(dockerfile, folder)
    if file.startswith(".."):
        section.lose(
            "build", f"the Dockerfile {dockerfile} is outside of its context {folder}; move it into the context"
        )
    if file != "Dockerfile":
        options["file"] = text(file)
    own = posixpath.relpath(draft.output, posixpath.join(draft.workspace, folder))
    if not own.startswith(".."):
        options["exclude"] = texts(["cdk.out" if own == "." else own])
    path = "str(WORKSPACE)" if folder == "." else f"str(WORKSPACE / {text(folder)})"
    return call("ecs.ContainerImage.from_asset", path, **options, platform=f"ecr_assets.Platform.{draft.platform}")
