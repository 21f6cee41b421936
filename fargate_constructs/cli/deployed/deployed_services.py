"""Finds deployed ECS services by their names in the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import Answer, paged
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
    """Return the service with a name: a construct path, a part of it that fits no other service, or CLUSTER/SERVICE.

    With `also_lost` it may be one that its stack deleted or could not create, if no other fits. The other arguments
    are those of `searches`.
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


def describe_service(session: Session, found: DeployedService) -> Answer:
    """Return what ECS knows about a service that is active."""
    ecs: Any = session.client("ecs", region_name=found.region)
    answers: list[Answer] = ecs.describe_services(cluster=found.cluster, services=[found.service])["services"]
    for each in answers:
        if each["status"] == "ACTIVE":
            return each
    raise ValueError(
        f"{found.name} must be an active service of the cluster {found.cluster}, got none; deploy it again"
    )


def all_services(session: Session, app: Path | None = None, region: str | None = None) -> list[DeployedService]:
    """Return the services of the app; without an app, or if it has none, those of the region."""
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
    for cluster_arn in paged(client, "list_clusters", "clusterArns"):
        cluster = cluster_arn.rpartition("/")[2]
        for arn in paged(client, "list_services", "serviceArns", cluster=cluster_arn):
            service = arn.rpartition("/")[2]
            yield DeployedService(f"{cluster}/{service}", cluster, service, region)
