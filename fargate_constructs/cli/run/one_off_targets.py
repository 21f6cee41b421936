"""What a one-off task of a service or of a job runs, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.deployed_jobs import DeployedJob, find_service_or_job, launch_of
from fargate_constructs.cli.deployed.deployed_services import describe_service, find_service
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.tasks.container_log import container_of
from fargate_constructs.cli.tasks.task_launch import Launch

if TYPE_CHECKING:
    from boto3 import Session


class Target(NamedTuple):
    """A service or a job that a one-off task is of."""

    name: str
    region: str
    launch: Launch
    container: Answer
    """The definition of the container that gets the command."""
    is_service: bool


def target_of(session: Session, name: str, *, like: str | None, container: str | None, place: Place) -> Target:
    """Return the target with a name, and the container that gets the command: one with a name, or the main one.

    Args:
        session: The credentials.
        name: The construct path of a service or job, a part of it that fits nothing else, or CLUSTER/SERVICE.
        like: The name of a service, whose cluster, network and capacity the task gets. By default those of the target.
        container: The container's name.
        place: Where it is searched.

    Raises:
        ValueError: If there is no such target or container, or the target's stack does not say where it runs.
    """
    found = find_service_or_job(session, name, place.app, place.region)
    service: Answer = {}
    if isinstance(found, DeployedJob):
        # `like` answers what the stack of a job may not say.
        launch = Launch("", found.task_definition, {}) if like else launch_of(found)
    else:
        service = describe_service(session, found)
        launch = Launch.of_service(service)
    if like:
        model = describe_service(session, find_service(session, like, place.app, place.region))
        launch = Launch.of_service(model).with_task_definition(launch.task_definition)
    ecs: Any = session.client("ecs", region_name=found.region)
    definition = ecs.describe_task_definition(taskDefinition=launch.task_definition)["taskDefinition"]
    return Target(found.name, found.region, launch, container_of(definition, container, service), bool(service))
