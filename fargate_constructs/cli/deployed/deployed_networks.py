"""Finds the VPCs and services that a name means, or all of an app or of a region."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import Answer, in_batches, paged
from fargate_constructs.cli.deployed.deployed_resources import (
    DeployedStack,
    fits,
    listed,
    only,
    place_of,
    region_of,
    searches,
)
from fargate_constructs.cli.deployed.deployed_services import DeployedService, services_in, services_in_ecs
from fargate_constructs.cli.deployed.egress_addresses import VpcFacts, read_vpcs, vpcs_of
from fargate_constructs.cli.deployed.service_egress import subnets_of

if TYPE_CHECKING:
    from boto3 import Session

VPC_TYPE = "AWS::EC2::VPC"
# The last IDs of a construct path that name no construct of the app: those of an L1 in its L2, and of the L2 in ours.
INNER_IDS = ("/Vpc", "/Resource")
# CloudFormation gives its resources tags
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-resource-tags.html).
STACK_TAG = "aws:cloudformation:stack-name"
# Of DescribeServices (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html).
SERVICES_IN_ONE_CALL = 10


class DeployedNetwork(NamedTuple):
    """A VPC that is deployed."""

    name: str
    """The construct path of the network, or of the VPC; its tag Name, or its ID, if it is of no stack."""
    vpc: str
    region: str


class Subject(NamedTuple):
    """What a name means."""

    name: str
    region: str
    networks: Sequence[DeployedNetwork]
    services: Sequence[tuple[DeployedService, Answer]]
    """Each with the answer of DescribeServices."""
    facts: VpcFacts
    """Of the networks."""
    stacks: Sequence[DeployedStack]
    """Those that were read."""
    scope: str
    """`service`; `network`, with its services; `app` or `region`, with all networks and services."""

    @property
    def is_service(self) -> bool:
        """Whether one service is meant, and not the others of its network."""
        return self.scope == "service"


class _Known:
    """The networks and services of the stacks that were read, each once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.stacks: list[DeployedStack] = []
        self.networks: dict[tuple[str, str], DeployedNetwork] = {}
        self.services: dict[tuple[str, str, str], DeployedService] = {}

    def add(self, stack: DeployedStack) -> None:
        """Note what a stack has."""
        self.stacks.append(stack)
        for network in networks_in(stack):
            self.networks.setdefault((network.region, network.vpc), network)
        self.add_services(services_in(stack))

    def add_services(self, services: Iterable[DeployedService]) -> None:
        """Note services, unless they are known by a better name."""
        for each in services:
            key = each.region, each.cluster, each.service
            if key not in self.services or not self.services[key].stack:
                self.services[key] = each


def networks_in(stack: DeployedStack) -> Iterator[DeployedNetwork]:
    """Yield the VPCs of a stack."""
    for each in stack.of_type(VPC_TYPE):
        yield DeployedNetwork(stack.name_of(each.logical_id, *INNER_IDS), each.physical_id, stack.region)


def find_subject(session: Session, name: str, app: Path | None = None, region: str | None = None) -> Subject:
    """Return what a name means: one service, or one network with its services.

    The name is a construct path, or a part of it; CLUSTER/SERVICE; or the ID or the tag Name of a VPC. An empty name
    means all of the app in cdk.out; without cdk.out, all of the region. The other arguments are those of `searches`.
    """
    known = _Known(session)
    # The ID of a VPC is in no construct path.
    places = () if name.startswith("vpc-") else searches(session, name, app, region)
    for place, stacks in enumerate(places):
        for each in stacks:
            known.add(each)
        # Without a name, the first place is the app. The others are the region, of which no part is enough.
        networks, services = _chosen(known, name) if name or not place else ([], [])
        if networks or services:
            return _subject(name, networks, services, known, "app")
    here = region_of(session, region)
    known.add_services(services_in_ecs(session, here))
    networks = _networks_in_ec2(name, here, known)
    _, services = _chosen(known, name)
    if networks or services:
        return _subject(name, networks, [] if networks and name else services, known, "region")
    names = [*(each.name for each in known.networks.values()), *(each.name for each in known.services.values())]
    where = place_of(session, region)
    if name.startswith("vpc-"):
        raise ValueError(f"the VPC must be in {where}, got: {name}; correct --profile or --region")
    if not names:
        raise ValueError(f"{where} has no VPC with egress and no ECS service; correct --profile or --region")
    raise ValueError(f"the service or network must be one of those in {where}: {listed(names)}, got: {name}")


def _chosen(known: _Known, name: str) -> tuple[list[DeployedNetwork], list[DeployedService]]:
    """Return what a name means among what is known; a network before the services in it."""
    networks, services = [*known.networks.values()], [*known.services.values()]
    if not name:
        return networks, services
    exact = [each for each in services if name in (each.name, f"{each.cluster}/{each.service}")]
    network = only([each for each in networks if fits(each.name, name)], name, "network") if not exact else None
    if network:
        return [network], []
    service = only(exact or [each for each in services if each.fits(name)], name, "service")
    return [], [service] if service else []


def _networks_in_ec2(name: str, region: str, known: _Known) -> list[DeployedNetwork]:
    """Return the VPCs with an ID or a tag Name; without a name, those with NAT gateways and those of known stacks."""
    ec2: Any = known.session.client("ec2", region_name=region)
    if name:
        key = "vpc-id" if name.startswith("vpc-") else "tag:Name"
        filters = [{"Name": key, "Values": [name]}]
        vpcs = {each["VpcId"] for each in paged(ec2, "describe_vpcs", "Vpcs", Filters=filters)}
        found = only(_named(vpcs, region, known), name, "network")
        return [found] if found else []
    gateways = paged(ec2, "describe_nat_gateways", "NatGateways")
    vpcs = {each["VpcId"] for each in gateways if each["State"] != "deleted"}
    here = {vpc for place, vpc in known.networks if place == region}
    return _named(vpcs | here, region, known)


def _named(vpcs: Collection[str], region: str, known: _Known) -> list[DeployedNetwork]:
    """Return VPCs with their names; read the stacks of those that are not known."""
    unknown = sorted(each for each in vpcs if (region, each) not in known.networks)
    if unknown:
        ec2: Any = known.session.client("ec2", region_name=region)
        filters = [{"Name": "vpc-id", "Values": unknown}]
        for each in paged(ec2, "describe_vpcs", "Vpcs", Filters=filters):
            tags = tags_of(each)
            _read_stack(tags, region, known)
            network = DeployedNetwork(tags.get("Name", each["VpcId"]), each["VpcId"], region)
            known.networks.setdefault((region, each["VpcId"]), network)
    found = [known.networks[region, each] for each in vpcs if (region, each) in known.networks]
    return sorted(found, key=lambda each: each.name)


def _read_stack(tags: Mapping[str, str], region: str, known: _Known) -> None:
    """Read the stack that the tags of a resource name, unless it was read, or is gone."""
    name = tags.get(STACK_TAG)
    if name and (name, region) not in {(each.title, each.region) for each in known.stacks}:
        known.add(DeployedStack(known.session, name, region))


def _subject(
    name: str,
    networks: Sequence[DeployedNetwork],
    services: Sequence[DeployedService],
    known: _Known,
    place: str,
) -> Subject:
    """Ask ECS and EC2 about what was found; *place* is where it was searched without a name."""
    regions = sorted({*(each.region for each in networks), *(each.region for each in services)})
    if len(regions) > 1:
        raise ValueError(f"the app must be in one region, got: {', '.join(regions)}; write --region, or a name")
    region, scope = regions[0], place if not name else "service" if services else "network"
    ecs, ec2 = (known.session.client(each, region_name=region) for each in ("ecs", "ec2"))
    vpcs = {each.vpc for each in networks}
    answers = list(_answers(ecs, services)) if services else []
    if scope == "service" and not answers:
        raise ValueError(f"{services[0].name} must be a service of ECS, got none in {region}; deploy it again")
    vpcs |= vpcs_of(ec2, {subnet for each in answers for subnet in subnets_of(each)})
    facts = read_vpcs(ec2, vpcs)
    if scope != "service":
        others = [each for each in _answers(ecs, services_in_ecs(known.session, region)) if _is_in(facts, each)]
        arns = {each["serviceArn"] for each in others}
        answers = [*others, *(each for each in answers if each["serviceArn"] not in arns)]
    named = [(_service(each, region, known), each) for each in answers]
    found = _named(vpcs, region, known)
    title = ", ".join(each.name for each in found) or region
    if name:
        title = named[0][0].name if scope == "service" else found[0].name
    ordered = sorted(named, key=lambda pair: pair[0].name)
    return Subject(title, region, found, ordered, facts, known.stacks, scope)


def _answers(ecs: Any, services: Iterable[DeployedService]) -> Iterator[Answer]:  # noqa: ANN401 - of boto3
    """Yield what ECS answers about services that are not deleted."""
    by_cluster: dict[str, list[str]] = {}
    for each in services:
        by_cluster.setdefault(each.cluster, []).append(each.service)
    for cluster, names in by_cluster.items():
        for some in in_batches(names, SERVICES_IN_ONE_CALL):
            answer = ecs.describe_services(cluster=cluster, services=some, include=["TAGS"])
            yield from (each for each in answer["services"] if each["status"] != "INACTIVE")


def _is_in(facts: VpcFacts, service: Answer) -> bool:
    return any(each in facts.subnets for each in subnets_of(service))


def _service(answer: Answer, region: str, known: _Known) -> DeployedService:
    """Return a service with its name; read its stack if it is not known."""
    cluster, name = answer["clusterArn"].rpartition("/")[2], answer["serviceName"]
    found = known.services.get((region, cluster, name))
    if found is None or not found.stack:
        _read_stack({each["key"]: each["value"] for each in answer.get("tags", [])}, region, known)
        known.add_services([DeployedService(f"{cluster}/{name}", cluster, name, region)])
    return known.services[region, cluster, name]


def tags_of(answer: Answer) -> dict[str, str]:
    """Return the tags in an answer of EC2."""
    return {each["Key"]: each["Value"] for each in answer.get("Tags", [])}
