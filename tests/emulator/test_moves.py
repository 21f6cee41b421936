"""Moving a deployed network from one way out to another: which moves go, and that no address is ever lost."""

import re
from functools import cache

import pytest
from aws_cdk import App, CfnOutput, Stack

from fargate_constructs import Egress, FixedEgressNetwork
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack

PARAMETER = "/network/egress-ips"
# What EC2 answers to a NAT gateway, and to an interface, that wants an address which a gateway or an interface holds.
ADDRESS_IN_USE = "is already associated|AuthFailure"
NEVER_REPLACED = ("AWS::EC2::EIP", "AWS::EC2::RouteTable", "AWS::EC2::Subnet", "AWS::EC2::VPC")


@cache
def network_app(egress: Egress) -> App:
    """Return an app of one network that publishes its addresses."""
    app = App()
    stack = Stack(app, "Moves")
    network = FixedEgressNetwork(stack, "Network", egress=egress)
    network.publish(parameter_name=PARAMETER)
    CfnOutput(stack, "EgressIps", value=",".join(network.egress_ips))
    return app


class DeployedNetwork:
    """A deployed network, and what AWS knows of it."""

    def __init__(self, stack: DeployedStack) -> None:
        self.stack = stack
        self._ec2 = stack.aws.client("ec2")
        self._ssm = stack.aws.client("ssm")

    def move(self, egress: Egress) -> str:
        """Update the stack to another way out; return the status it ends in."""
        return self.stack.update(network_app(egress))

    def promised(self) -> list[str]:
        """Return the addresses that the stack puts out."""
        return sorted(self.stack.output("EgressIps").split(","))

    def published(self) -> list[str]:
        """Return the addresses that other teams read."""
        return sorted(self._ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"].split(","))

    def allocations(self) -> dict[str, str]:
        """Return the account's Elastic IPs: each address and its allocation ID."""
        return {each["PublicIp"]: each["AllocationId"] for each in self._ec2.describe_addresses()["Addresses"]}

    def used(self) -> list[str]:
        """Return the addresses of the NAT gateways and of the instances' interfaces that default routes end at."""
        tables = self._ec2.describe_route_tables()["RouteTables"]
        routes = [route for table in tables for route in table["Routes"]]
        gateways = {route["NatGatewayId"] for route in routes if "NatGatewayId" in route}
        interfaces = {route["NetworkInterfaceId"] for route in routes if "NetworkInterfaceId" in route}
        addresses: list[dict[str, str]] = []
        if gateways:
            described = self._ec2.describe_nat_gateways(NatGatewayIds=sorted(gateways))["NatGateways"]
            addresses += [address for gateway in described for address in gateway["NatGatewayAddresses"]]
        if interfaces:
            found = self._ec2.describe_network_interfaces(NetworkInterfaceIds=sorted(interfaces))["NetworkInterfaces"]
            assert not any(interface["SourceDestCheck"] for interface in found)
            addresses += [each["Association"] for interface in found for each in interface["PrivateIpAddresses"]]
        return sorted({address["PublicIp"] for address in addresses})


@pytest.fixture(scope="module")
def network(aws: Emulator) -> DeployedNetwork:
    """A network with one gateway."""
    return DeployedNetwork(DeployedStack(aws, network_app(Egress.single())))


def _tour(network: DeployedNetwork) -> None:
    """One gateway, one in each zone, regional, instances and back, always with the same addresses.

    If the next mode needs an address that the current mode holds, the direct change fails and rolls back without loss.
    With a pause in between it succeeds.
    """
    addresses, kept = network.promised(), network.stack.physical_ids(*NEVER_REPLACED)
    assert len(addresses) == 2
    assert len(network.used()) == 1

    for egress, used in ((Egress.per_az(), 2), (Egress.single(), 1), (Egress.per_az(), 2)):
        assert network.move(egress) == "UPDATE_COMPLETE", network.stack.why()
        assert network.promised() == network.published() == addresses
        assert len(network.used()) == used

    present = Egress.per_az
    for way in (Egress.regional, Egress.per_az, Egress.nat_instance, Egress.regional, Egress.single):
        before = network.used()
        assert network.move(way()) == "UPDATE_ROLLBACK_COMPLETE"
        assert re.search(ADDRESS_IN_USE, network.stack.why())
        assert network.used() == before
        assert network.move(present().paused()) == "UPDATE_COMPLETE", network.stack.why()
        assert network.used() == []
        assert network.move(way()) == "UPDATE_COMPLETE", network.stack.why()
        assert network.used() == (addresses if way != Egress.single else network.used()[:1])
        assert network.promised() == network.published() == addresses
        present = way
    assert sorted(network.allocations()) == addresses
    assert network.stack.physical_ids(*NEVER_REPLACED) == kept


def _isolate_and_release(network: DeployedNetwork) -> None:
    """A change to isolated and back needs no pause. A released address leaves the stack, but not the account."""
    addresses = network.promised()

    for egress in (Egress.isolated(keep_addresses=True), Egress.per_az(), Egress.single()):
        assert network.move(egress) == "UPDATE_COMPLETE", network.stack.why()
        assert network.promised() == addresses
    assert network.move(Egress.single(keep_addresses=False)) == "UPDATE_COMPLETE", network.stack.why()
    assert network.promised() == network.used()
    assert sorted(network.allocations()) == addresses


def _come_back(network: DeployedNetwork) -> None:
    """After a destroy they are still the account's, and a new stack takes them by their allocation IDs."""
    allocations = network.allocations()
    addresses = sorted(allocations)

    assert network.stack.destroy() == "DELETE_COMPLETE"
    assert network.allocations() == allocations
    kept = tuple(allocations[ip] for ip in addresses)
    egress = Egress.per_az(eip_allocation_ids=kept, egress_ips=tuple(addresses))
    assert network.move(egress) == "CREATE_COMPLETE", network.stack.why()
    assert network.used() == network.promised() == network.published() == addresses


def test_no_address_is_ever_lost(network: DeployedNetwork) -> None:
    """By no change of mode, not with an address given up, and not with the stack deleted."""
    _tour(network)
    _isolate_and_release(network)
    _come_back(network)
