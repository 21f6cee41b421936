"""Finds deployed ECS services by their names in the app.

cdk.out, or CloudFormation in a region ──> stacks ──> ECS services, named by construct path
ECS ──> services of no stack, named CLUSTER/SERVICE
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.deployed.deployed_resources import (
    CDK_OUT,
    DeployedResource,
    DeployedStack,
    fits,
    listed,
    only,
    place_of,
    region_of,
    searches,
)

if TYPE_CHECKING:
    from boto3 import Session

SERVICE_TYPE = "AWS::ECS::Service"
# The last IDs of a construct path that name no construct of the app: those of an L1 in its L2, and of the L2 in ours.
INNER_IDS = ("/Service", "/Resource")


class DeployedService(NamedTuple):
    """An ECS service that is deployed."""

    name: str
    """Its construct path, such as `Shop/Web`; its stack and logical ID if CDK wrote no paths; or CLUSTER/SERVICE."""
    cluster: str
    service: str
    region: str
    stack: str = ""
    """Its stack; empty if it is in none."""
    logical_id: str = ""

    def fits(self, name: str) -> bool:
        """Whether a name may mean this service: its path, a path above it, the end of its path, or CLUSTER/SERVICE."""
        return f"{self.cluster}/{self.service}" == name or fits(self.name, name)


def find_service(
    session: Session, name: str, app: Path | None = None, region: str | None = None, *, also_lost: bool = False
) -> DeployedService:
    """Return the service with a name.

    Args:
        session: The credentials, and the region if there is no other.
        name: Its construct path, a part of it that fits no other service, or CLUSTER/SERVICE.
        app: The folder of CDK whose stacks are searched first. By default cdk.out, if it is there.
        region: The region. By default that of each stack in the app, or that of the session.
        also_lost: Whether it may be one that its stack deleted or could not create, if no other fits.

    Raises:
        ValueError: If there is none, or more than one.
    """
    known: dict[tuple[str, str, str], DeployedService] = {}
    for services in (services_in, lost_services_in) if also_lost else (services_in,):
        for candidates in _searches(session, name, app, region, services):
            for each in candidates:
                known.setdefault((each.region, each.cluster, each.service or each.name), each)
            found = only([each for each in known.values() if each.fits(name)], name, "service")
            if found:
                return found
    place = place_of(session, region)
    if not known:
        raise ValueError(f"{place} has no ECS service; correct --profile or --region")
    names = listed(each.name for each in known.values())
    raise ValueError(f"the service must be one of those in {place}: {names}, got: {name}")


def describe_service(session: Session, found: DeployedService) -> Mapping[str, Any]:
    """Return what ECS knows about a service that is active.

    Raises:
        ValueError: If there is no such service any more.
    """
    ecs: Any = session.client("ecs", region_name=found.region)
    for service in ecs.describe_services(cluster=found.cluster, services=[found.service])["services"]:
        if service["status"] == "ACTIVE":
            answer: Mapping[str, Any] = service
            return answer
    raise ValueError(
        f"{found.name} must be an active service of the cluster {found.cluster}, got none; deploy it again"
    )


def all_services(session: Session, app: Path | None = None, region: str | None = None) -> list[DeployedService]:
    """Return the services of the app; without an app, or if it has none, those of the region.

    Args:
        session: The credentials, and the region if there is no other.
        app: The folder of CDK. By default cdk.out, if it is there.
        region: The region. By default that of each stack in the app, or that of the session.
    """
    known: dict[tuple[str, str, str], DeployedService] = {}
    has_app = bool(app) or CDK_OUT.exists()
    for place, candidates in enumerate(_searches(session, "", app, region)):
        for each in candidates:
            known.setdefault((each.region, each.cluster, each.service), each)
        if known and has_app and place == 0:
            break
    return [*known.values()]


def services_in(stack: DeployedStack) -> Iterator[DeployedService]:
    """Yield the services of a stack."""
    return _services(stack, stack.resources)


def lost_services_in(stack: DeployedStack) -> Iterator[DeployedService]:
    """Yield the services that a stack deleted, or could not create, and so have no name."""
    return _services(stack, stack.lost)


def _services(stack: DeployedStack, resources: Iterable[DeployedResource]) -> Iterator[DeployedService]:
    for each in resources:
        if each.type == SERVICE_TYPE:
            *_, cluster, service = ("", *each.physical_id.split("/"))
            name = stack.name_of(each.logical_id, *INNER_IDS)
            yield DeployedService(name, cluster, service, stack.region, stack.name, each.logical_id)


def _searches(
    session: Session,
    name: str,
    app: Path | None,
    region: str | None,
    services: Callable[[DeployedStack], Iterator[DeployedService]] = services_in,
) -> Iterator[Iterable[DeployedService]]:
    """Yield the services of one place after the other, the likeliest first."""
    for stacks in searches(session, name, app, region):
        yield [service for stack in stacks for service in services(stack)]
    if services is services_in:
        yield services_in_ecs(session, region_of(session, region))


def services_in_ecs(session: Session, region: str) -> Iterator[DeployedService]:
    """Yield all services of a region, named CLUSTER/SERVICE."""
    client: Any = session.client("ecs", region_name=region)
    for clusters in client.get_paginator("list_clusters").paginate():
        for cluster in clusters["clusterArns"]:
            for page in client.get_paginator("list_services").paginate(cluster=cluster):
                for arn in page["serviceArns"]:
                    name = cluster.rpartition("/")[2]
                    service = arn.rpartition("/")[2]
                    yield DeployedService(f"{name}/{service}", name, service, region)
