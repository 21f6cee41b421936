"""The programs of docs/containers.md."""

import re
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_aps as aps
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from fargate_constructs import FargateService, FireLens, Metrics, RestartPolicy
from tests.modes.made_elsewhere import IMAGE, network_in

GUIDE = (Path(__file__).parents[3] / "docs" / "containers.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_programs_of_the_guide_run(number: int) -> None:
    """Each with what its names say, and all tasks can be synthesized."""
    app = App()
    stack, others = Stack(app, "Test"), Stack(app, "Others")
    network, elsewhere = network_in(stack), network_in(others)
    names = {
        "ecs": ecs,
        "ssm": ssm,
        "FargateService": FargateService,
        "FireLens": FireLens,
        "Metrics": Metrics,
        "RestartPolicy": RestartPolicy,
        "stack": stack,
        "network": network,
        "image": IMAGE,
        "images": ecr.Repository.from_repository_name(stack, "Images", "web"),
        "api_key": secretsmanager.Secret.from_secret_name_v2(stack, "ApiKey", "datadog"),
        "workspace": aps.CfnWorkspace(others, "Workspace"),
        **{name: FargateService(others, name, network=elsewhere, image=IMAGE) for name in ("web", "api", "worker")},
    }

    exec(compile(PROGRAMS[number], "containers.md", "exec"), names)  # noqa: S102 - the guide's own code

    app.synth()
