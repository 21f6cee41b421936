"""What an editor shows: pyright's language server, which many editors use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.typing.language_server import LanguageServer

ROOT = Path(__file__).parents[2]
SNIPPET = """
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from fargate_constructs import Capacity, FargateService, FixedEgressNetwork, HttpEndpoint, Scaling

stack = Stack()
network = FixedEgressNetwork(stack, "Network")
image = ecs.ContainerImage.from_registry("nginx")
web = FargateService(stack, "Web", network=network, image=image, cpu=512, capacity=Capacity.spot(on_demand_base=1))
endpoint = HttpEndpoint(stack, "Endpoint", network=network)
endpoint.add_route("Web", service=web)
scaling = Scaling(max=4)
web.rollback_alarms
web.container
"""


@pytest.fixture(scope="module")
def editor() -> Iterator[LanguageServer]:
    """An editor with the snippet."""
    with LanguageServer(ROOT / "snippet.py", SNIPPET) as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "name", "shown"),
    [
        ("web = FargateService(", "FargateService", "A service on Fargate."),
        ("web = FargateService(", "FargateService", "network: The network; tasks run in its private subnets."),
        ("import Capacity, FargateService", "FargateService", "rolls back"),
        ("FixedEgressNetwork(stack", "FixedEgressNetwork", "Args:"),
        ("HttpEndpoint(stack", "HttpEndpoint", "Args:"),
        ("cpu=512", "cpu", "cpu: The task's CPU units, 1,024 being one vCPU. By default 256."),
        ("network=network, image", "network", "network: The network; tasks run in its private subnets."),
        ("Capacity.spot(", "Capacity", "Which tasks run on demand, and which on Spot."),
        ("Capacity.spot(", "spot", "Run tasks on Spot, for up to 70 % less"),
        ("on_demand_base=1", "on_demand_base", "How many tasks run on demand before any runs on Spot."),
        ("endpoint.add_route", "add_route", "Send requests to a service."),
        ("service=web", "service", "service: The service that answers."),
        ("Scaling(max", "Scaling", "The number of tasks of a service, and the metrics on which it scales."),
        ("web.rollback_alarms", "rollback_alarms", "The alarms that end a deployment."),
        ("web.container", "container", "The main container."),
    ],
)
def test_hovering_a_name_shows_its_documentation(editor: LanguageServer, code: str, name: str, shown: str) -> None:
    """Of classes where they are called, methods, arguments, properties and attributes."""
    found = editor.hover(code, name).replace("\\_", "_").replace("  \n", " ").replace("&nbsp;", " ")

    assert " ".join(shown.split()) in " ".join(found.split())
    assert "Creates a new construct node" not in found  # CDK's, which a constructor without documentation inherits


@pytest.mark.long
def test_typing_a_call_shows_its_arguments(editor: LanguageServer) -> None:
    """Each with its type and default, and the documentation of all."""
    (signature,) = editor.signature_help("FargateService(stack, ")["signatures"]
    labels = [each["label"] for each in signature["parameters"]]

    assert "cpu: int = 256" in labels
    assert len(labels) > 40
    assert "cpu: The task's CPU units" in signature["documentation"]["value"]


@pytest.mark.long
def test_typing_a_call_shows_the_documentation_of_a_field(editor: LanguageServer) -> None:
    """Of dataclasses too, of which hovering a field shows only the type."""
    (signature,) = editor.signature_help("Scaling(")["signatures"]
    documentation = {
        each["label"].partition(":")[0]: each["documentation"]["value"] for each in signature["parameters"]
    }

    assert documentation["max"].startswith("max: The maximum number of tasks. By default 10.")
