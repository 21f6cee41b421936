"""Changing how the deployed example is deployed."""

from collections.abc import Callable, Iterator

import pytest
from aws_cdk import App

from app import Example
from fargate_constructs import Deployment
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack

WAYS: dict[str, Callable[[], Deployment]] = {
    "blue_green": lambda: Deployment.blue_green(test_header=("x-version", "next")),
    "canary": Deployment.canary,
    "linear": Deployment.linear,
    "rolling": Deployment.rolling,
}
NEVER_REPLACED = ("AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::Logs::LogGroup")


def example_app(deployment: Deployment) -> App:
    """Return the example, its web deployed in one of the ways."""
    app = App()
    Example(app, "Strategies", deployment=deployment)
    return app


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """The example, in rolling deployments."""
    with Emulator() as aws:
        module = "tests.emulator.test_strategies"
        expression = f"example_app({module}.Deployment.rolling())"
        folder = tmp_path_factory.mktemp("strategies")
        yield DeployedStack(aws, "Strategies", module=module, expression=expression, folder=folder)


def test_every_way_deploys_and_replaces_nothing(stack: DeployedStack) -> None:
    """From rolling through all others and back: the same service, load balancer, log group and target groups."""
    before = stack.physical_ids(*NEVER_REPLACED)
    target_groups = stack.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup")

    for way in WAYS.values():
        assert stack.update(example_app(way())) == "UPDATE_COMPLETE", stack.why()
        assert stack.physical_ids(*NEVER_REPLACED) == before
        assert target_groups.items() <= stack.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup").items()
