"""Whether an image that is built at deployment is for the processors of its task."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import PolicyViolation, Stack, Stage
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Templates

# Docker's names of the processors that Fargate has (https://docs.docker.com/reference/dockerfile/#from).
ARCHITECTURES = {"X86_64": ("amd64", "x86_64"), "ARM64": ("arm64", "aarch64")}
PLATFORMS = {"X86_64": "LINUX_AMD64", "ARM64": "LINUX_ARM64"}


def check_image_platforms(task_definition: ecs.TaskDefinition) -> None:
    """Make synthesis fail if a task's image is built for other processors, and warn if that depends on the machine.

    A container of such an image ends with "exec format error" when it starts
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html).
    """
    path = f"{path_of(task_definition)}/Resource"

    def check(templates: Templates) -> Iterator[PolicyViolation]:
        definition = templates.properties(templates.place(Stack.of(task_definition), path))
        runs_on = definition["RuntimePlatform"]
        processors = runs_on["CpuArchitecture"]
        if processors in ("X86_64", "ARM64") and runs_on["OperatingSystemFamily"] == "LINUX":
            platforms = _docker_platforms(task_definition)
            for container in definition["ContainerDefinitions"]:
                yield from _violations(path_of(task_definition), container, processors, platforms)

    TemplateChecks.add(task_definition, check)


def _violations(
    path: str, container: Mapping[str, Any], processors: str, platforms: Mapping[str, str | None]
) -> Iterator[PolicyViolation]:
    image = json.dumps(container["Image"])
    tag = next((tag for tag in platforms if tag in image), None)
    if tag is None:
        return
    name, platform = container["Name"], platforms[tag]
    fix = f"write platform=ecr_assets.Platform.{PLATFORMS[processors]} at the image, or change cpu_architecture"
    if platform is None:
        yield violation(
            "imagePlatformOfMachine",
            path,
            f"the image of container {name!r} is built for the processors of the machine that builds it, and its task "
            f"has {processors}",
            fix=fix,
            severity="warning",
        )
    elif not {*ARCHITECTURES[processors]} & {*platform.split("/")}:
        yield violation(
            "imagePlatform",
            path,
            f"the image of container {name!r} must be built for {processors}, as its task has, got: {platform!r}",
            fix=fix,
        )


def _docker_platforms(task_definition: ecs.TaskDefinition) -> dict[str, str | None]:
    """Return the platform of each image that CDK builds, by its tag; `None` for that of the machine."""
    stage = Stage.of(task_definition)
    assert stage is not None, "CDK gives a stack without an app one"
    images = [
        image
        for manifest in Path(stage.outdir).glob("*.assets.json")
        for image in json.loads(manifest.read_text(encoding="utf-8")).get("dockerImages", {}).values()
    ]
    return {
        destination["imageTag"]: image["source"].get("platform")
        for image in images
        for destination in image["destinations"].values()
    }
