"""A deployed service without tasks: before there is an image, at night, and turned off again."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, HttpEndpoint, Scaling
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack

NEVER = Scaling(min=0, max=0)


def shop(scaling: Scaling, tag: str, deployment: Deployment | None = None) -> App:
    """Return an app of a service whose image is in a repository of the same stack."""
    app = App()
    stack = Stack(app, "Shop")
    network = FixedEgressNetwork(stack, "Network")
    image = ecs.ContainerImage.from_ecr_repository(ecr.Repository(stack, "Images"), tag)
    web = FargateService(stack, "Web", network=network, image=image, scaling=scaling, deployment=deployment)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)
    return app


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """The first deployment: the repository is empty, so a task could not start."""
    return DeployedStack(aws, shop(NEVER, "1"))


def tasks_of(stack: DeployedStack) -> list[str]:
    """Return the tag of the image of each task that runs."""
    api = stack.aws.client("ecs")
    (cluster,) = api.list_clusters()["clusterArns"]
    arns = api.list_tasks(cluster=cluster)["taskArns"]
    tasks = api.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return [each["containers"][0]["image"].rpartition(":")[2] for each in tasks]


def test_tasks_come_and_go(stack: DeployedStack) -> None:
    """None at first, two when there is an image; none at night, also after a deployment; and none if none may run."""
    assert tasks_of(stack) == []

    assert stack.update(shop(Scaling(), "1")) == "UPDATE_COMPLETE", stack.why()
    assert tasks_of(stack) == ["1", "1"]

    api = stack.aws.client("ecs")
    (cluster,) = api.list_clusters()["clusterArns"]
    (service,) = api.list_services(cluster=cluster)["serviceArns"]
    api.update_service(cluster=cluster, service=service, desiredCount=0)  # as a scheduled action does
    assert stack.update(shop(Scaling(), "2")) == "UPDATE_COMPLETE", stack.why()
    assert tasks_of(stack) == []

    alone = shop(Scaling(min=1, max=1), "3", deployment=Deployment.recreate())
    assert stack.update(alone) == "UPDATE_COMPLETE", stack.why()
    assert tasks_of(stack) == ["3"]

    assert stack.update(shop(NEVER, "4")) == "UPDATE_COMPLETE", stack.why()
    assert tasks_of(stack) == []
