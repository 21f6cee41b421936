"""Images: from a folder, or from a registry, with what a private registry asks for."""

import posixpath
import re

from fargate_constructs.adoption.copilot.code import Call, Expression, Listed, call, made, mapping, text
from fargate_constructs.adoption.copilot.draft import Draft, text_map
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import construct_id

COMPLETE_ARN = re.compile(r"arn:.*-[A-Za-z0-9]{6}")
FROM_REGISTRY = "ecs.ContainerImage.from_registry"


def image(draft: Draft, section: Section, *, platform: str, credentials: str | None, owner: str) -> Expression | None:
    """Return the image of a section that has `build` or `location`."""
    if "build" in section:
        return _built(draft, section, platform)
    location = section.text("location")
    if location is None:
        return None
    return call(FROM_REGISTRY, text(location), credentials=registry_credentials(draft, credentials, owner))


def registry_credentials(draft: Draft, arn: str | None, owner: str) -> Expression | None:
    """Import the secret of a private registry."""
    if arn is None:
        return None
    name = f"{owner}RegistryCredentials"
    return draft.imported(name, secret_by_arn(construct_id(name), arn))


def secret_by_arn(id: str, arn: str) -> Call:
    """Return the import of a secret by its whole or partial ARN."""
    method = "from_secret_complete_arn" if COMPLETE_ARN.fullmatch(arn) else "from_secret_partial_arn"
    return made(f"secretsmanager.Secret.{method}", id, text(arn))


def _built(draft: Draft, section: Section, platform: str) -> Expression:
    options: dict[str, Expression] = {}
    if section.is_map("build"):
        build = section.section("build")
        dockerfile, context = build.text("dockerfile"), build.text("context")
        if arguments := text_map(build.section("args")):
            options["build_args"] = arguments
        if target := build.text("target"):
            options["target"] = text(target)
        if caches := build.texts("cache_from"):
            options["cache_from"] = Listed(tuple(_cache(each) for each in caches))
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
        options["exclude"] = Listed((text("cdk.out" if own == "." else own),))
    path = "str(WORKSPACE)" if folder == "." else f"str(WORKSPACE / {text(folder)})"
    return call("ecs.ContainerImage.from_asset", path, **options, platform=f"ecr_assets.Platform.{platform}")


def _cache(image_name: str) -> Expression:
    parameters = mapping({"ref": text(image_name)})
    return call("ecr_assets.DockerCacheOption", type='"registry"', params=parameters)
