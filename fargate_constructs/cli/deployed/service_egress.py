"""Finds the subnets of a service, and how its tasks leave from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.egress_addresses import Departure, VpcFacts, read_vpcs, vpcs_of


class ServiceEgress(NamedTuple):
    """How the tasks of a service leave."""

    departures: Sequence[Departure]
    gone_subnets: Sequence[str] = ()
    """Its subnets that EC2 does not have."""

    @property
    def addresses(self) -> list[str]:
        """The addresses and IPv6 ranges that the internet may see, each once, in the order of the subnets."""
        return list(dict.fromkeys(address for each in self.departures for address in each.addresses))

    @property
    def problems(self) -> list[str]:
        """Of `PROBLEMS`, each once."""
        return list(dict.fromkeys(each.problem for each in self.departures if each.problem))


def service_egress(facts: VpcFacts, service: Answer) -> ServiceEgress:
    """Return how the tasks of a service leave; the facts are those of the VPCs of its subnets."""
    departures: list[Departure] = []
    networks = _networks(service)
    for subnet, assign_public_ip in networks.items():
        if subnet in facts.subnets:
            departures += facts.departures(subnet, assign_public_ip=assign_public_ip)
    return ServiceEgress(departures, [each for each in networks if each not in facts.subnets])


def subnets_of(service: Answer) -> list[str]:
    """Return the subnets in which a service has tasks; none if they run in the network of instances."""
    return list(_networks(service))


def read_service_egress(ec2: Any, service: Answer) -> ServiceEgress:  # noqa: ANN401 - of boto3
    """Ask EC2 in the service's region how its tasks leave."""
    subnets = subnets_of(service)
    vpcs = vpcs_of(ec2, subnets)
    return service_egress(read_vpcs(ec2, vpcs), service) if vpcs else ServiceEgress((), subnets)


def _networks(service: Answer) -> dict[str, bool]:
    """Return the subnets of a service, of its deployments and of its task sets, and whether tasks have addresses."""
    sources = [service, *service.get("deployments", []), *service.get("taskSets", [])]
    found = [each.get("networkConfiguration", {}).get("awsvpcConfiguration", {}) for each in sources]
    return {
        subnet: each.get("assignPublicIp") == "ENABLED"
        for each in reversed(found)
        for subnet in each.get("subnets", [])
    }
