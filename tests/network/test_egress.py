"""How tasks leave, and from which addresses."""

import re
from collections.abc import Callable
from functools import cache

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import Egress, FixedEgressNetwork
from fargate_constructs.network.egress import count_held_zones, given_allocation_ids

IPS = ("203.0.113.7", "203.0.113.8")
ALLOCATIONS = tuple(f"eipalloc-{number}" for number in range(8))
INSTANCE = Egress.nat_instance(instance_type=ec2.InstanceType("t4g.small"))
EGRESSES = (
    Egress.per_az(),
    Egress.single(),
    Egress.regional(),
    INSTANCE,
    Egress.per_az().paused(),
    Egress.isolated(keep_addresses=True),
)


@cache
def template_of(egress: Egress, max_azs: int = 2) -> Template:
    """Return the template of a stack that holds nothing but a network, made once: tests only read it."""
    stack = Stack(App(), "Test")
    FixedEgressNetwork(stack, "Network", egress=egress, max_azs=max_azs)
    return Template.from_stack(stack)


def elastic_ips_of(template: Template) -> set[str]:
    """Return the logical IDs of the template's Elastic IPs."""
    return set(template.find_resources("AWS::EC2::EIP"))


def addresses_of(template: Template) -> dict[str, list[str]]:
    """Return the Elastic IPs of each NAT gateway, primary first."""
    gateways = template.find_resources("AWS::EC2::NatGateway")
    found = {name: each["Properties"] for name, each in gateways.items()}
    return {
        name: [
            each["Fn::GetAtt"][0] if isinstance(each, dict) else each
            for each in [gateway["AllocationId"], *gateway.get("SecondaryAllocationIds", [])]
        ]
        for name, gateway in found.items()
    }


def router_ids(template: Template) -> list[str]:
    """Return what each default route of a task subnet points at, by logical ID."""
    routes = template.find_resources("AWS::EC2::Route", {"Properties": {"GatewayId": Match.absent()}})
    return [
        str(next(iter(target.values())))
        for _, route in sorted(routes.items())
        for key, target in route["Properties"].items()
        if key in ("NatGatewayId", "NetworkInterfaceId")
    ]


def test_a_gateway_in_each_zone() -> None:
    """Each zone's task subnet has a gateway with its own address."""
    template = template_of(Egress.per_az())

    gateways = addresses_of(template)
    assert len(gateways) == 2
    assert sorted(router_ids(template)) == sorted(gateways)
    assert {ip for ips in gateways.values() for ip in ips} == elastic_ips_of(template)


def test_one_gateway_for_all_zones() -> None:
    """Both task subnets leave by the gateway that is the first of `per_az`; the other zone's address waits."""
    template = template_of(Egress.single())

    (gateway,) = addresses_of(template)
    assert router_ids(template) == [gateway, gateway]
    assert len(elastic_ips_of(template)) == 2


def test_one_regional_gateway_in_manual_mode() -> None:
    """It has the addresses of every zone that has task subnets, and AWS picks none."""
    template = template_of(Egress.regional(addresses_per_az=2), max_azs=3)

    (gateway,) = template.find_resources("AWS::EC2::NatGateway").values()
    assert gateway["Properties"]["AvailabilityMode"] == "regional"
    zones = gateway["Properties"]["AvailabilityZoneAddresses"]
    assert [zone["AvailabilityZone"]["Fn::Select"][0] for zone in zones] == [0, 1, 2]
    assert {ip["Fn::GetAtt"][0] for zone in zones for ip in zone["AllocationIds"]} == elastic_ips_of(template)
    assert len(elastic_ips_of(template)) == 6


def test_an_instance_in_each_zone() -> None:
    """The default route of each task subnet leads to its zone's network interface."""
    template = template_of(INSTANCE)

    assert len(set(router_ids(template))) == 2
    template.resource_count_is("AWS::EC2::NatGateway", 0)
    template.resource_count_is("AWS::EC2::EIP", 2)


def test_no_way_out() -> None:
    """An isolated network has no gateway, no address and no default route, but the endpoints that tasks need."""
    template = template_of(Egress.isolated())

    assert router_ids(template) == []
    template.resource_count_is("AWS::EC2::NatGateway", 0)
    template.resource_count_is("AWS::EC2::EIP", 0)
    template.has_resource_properties("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface"})


def test_a_pause_keeps_the_addresses_free() -> None:
    """No gateway holds an address, and no address is lost."""
    template = template_of(Egress.per_az().paused())

    assert router_ids(template) == []
    assert elastic_ips_of(template) == elastic_ips_of(template_of(Egress.per_az()))


@pytest.mark.parametrize(
    "egress",
    [
        Egress.per_az(addresses_per_az=2),
        Egress.single(keep_addresses=False),
        Egress.regional(addresses_per_az=3),
        Egress.nat_instance(),
        Egress.per_az(eip_allocation_ids=ALLOCATIONS[:2], egress_ips=IPS),
    ],
)
def test_a_pause_keeps_just_the_addresses_there_were(egress: Egress) -> None:
    """Any number of addresses, the network's or given ones."""
    paused = egress.paused()
    assert count_held_zones(paused, 2) == count_held_zones(egress, 2)
    assert given_allocation_ids(paused, 2) == given_allocation_ids(egress, 2)
    assert paused.addresses_per_az == egress.addresses_per_az


def test_moving_keeps_addresses_subnets_and_routes() -> None:
    """Each egress has the same addresses, subnets and route tables under the same logical IDs."""
    kept = ("AWS::EC2::EIP", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable")
    templates = map(template_of, EGRESSES)
    resources = [{type_: template.find_resources(type_) for type_ in kept} for template in templates]

    assert all(each == resources[0] for each in resources)


def test_growing_keeps_every_address() -> None:
    """Neither a further zone nor more addresses for each moves an address to another number."""
    small = elastic_ips_of(template_of(Egress.per_az()))
    wide = elastic_ips_of(template_of(Egress.per_az(), max_azs=3))
    deep = elastic_ips_of(template_of(Egress.per_az(addresses_per_az=3)))

    assert small < wide
    assert small < deep
    assert [len(each) for each in (small, wide, deep)] == [2, 3, 6]


def test_a_gateway_keeps_its_primary_address_when_it_gets_more() -> None:
    """Further addresses are secondary, and come without replacing the gateway."""
    one = addresses_of(template_of(Egress.per_az()))
    three = addresses_of(template_of(Egress.per_az(addresses_per_az=3)))

    assert {gateway: ips[:1] for gateway, ips in three.items()} == one
    assert {len(ips) for ips in three.values()} == {3}


def test_unused_addresses_are_told_and_may_come_from_a_pool() -> None:
    """Synthesis says what the addresses cost that wait, and is silent where none does. A company may have its own."""
    stack = Stack(App(), "Test")
    egresses = {
        "Single": Egress.single(),
        "Paused": Egress.per_az(ipam_pool_id="pool-1").paused(),
        "Released": Egress.single(keep_addresses=False, public_ipv4_pool="pool-2"),
    }
    for number, (name, egress) in enumerate(egresses.items()):
        FixedEgressNetwork(stack, name, egress=egress, max_azs=3 - min(number, 1), cidr=f"10.{number}.0.0/16")

    found = Template.from_stack(stack).find_resources("AWS::EC2::EIP")
    pools = [
        (each["Properties"].get("IpamPoolId"), each["Properties"].get("PublicIpv4Pool")) for each in found.values()
    ]
    assert pools == [(None, None)] * 3 + [("pool-1", None)] * 2 + [(None, "pool-2")]
    annotations = Annotations.from_stack(stack)
    annotations.has_info("/Test/Single", Match.string_like_regexp("2 of 3 Elastic IPs are not in use, at 7.30 USD"))
    annotations.has_info("/Test/Paused", Match.string_like_regexp("2 of 2 Elastic IPs are not in use"))
    annotations.has_no_info("/Test/Released", Match.any_value())


def test_addresses_of_ones_own() -> None:
    """Given allocation IDs are used zone by zone, and no address is made."""
    template = template_of(Egress.per_az(addresses_per_az=2, eip_allocation_ids=ALLOCATIONS[:4]))

    assert list(addresses_of(template).values()) == [[*ALLOCATIONS[:2]], [*ALLOCATIONS[2:4]]]
    template.resource_count_is("AWS::EC2::EIP", 0)


def network_with(egress: Egress) -> FixedEgressNetwork:
    """Return a network of two zones that is not synthesized."""
    return FixedEgressNetwork(Stack(), "Network", egress=egress)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Egress.per_az(addresses_per_az=0), "addresses_per_az must be 1 to 8 for this egress, got: 0"),
        (lambda: Egress.per_az(addresses_per_az=9), "addresses_per_az must be 1 to 8 for this egress, got: 9"),
        (lambda: Egress.regional(addresses_per_az=33), "addresses_per_az must be 1 to 32 for this egress, got: 33"),
        (lambda: Egress.nat_instance(addresses_per_az=2), "addresses_per_az must be 1 for this egress, got: 2"),
        (
            lambda: Egress.single(eip_allocation_ids=ALLOCATIONS[:1], ipam_pool_id="ipam-pool-1"),
            "addresses come from one source, got: eip_allocation_ids and ipam_pool_id",
        ),
        (lambda: Egress.single(eip_allocation_ids=["203.0.113.7"]), "such as 'eipalloc-0123…', got: '203.0.113.7'"),
        (lambda: Egress.per_az(eip_allocation_ids=["eipalloc-1", "eipalloc-1"]), "must differ from each other, got"),
        (
            lambda: Egress.single(eip_allocation_ids=["eipalloc-1"], egress_ips=["home"]),
            "egress_ips must hold IPv4 addresses such as '203.0.113.7', got: 'home'",
        ),
        (
            lambda: Egress.per_az(eip_allocation_ids=ALLOCATIONS[:2], egress_ips=["203.0.113.7"]),
            "egress_ips must name the address of each of the 2 eip_allocation_ids, got: 1",
        ),
        (lambda: Egress.per_az(eip_allocation_ids=ALLOCATIONS[:2], egress_ips=IPS[:1] * 2), "egress_ips must differ"),
        (lambda: Egress.per_az(egress_ips="203.0.113.7"), "must be a list of str, got: '203.0.113.7'; write"),
        (lambda: Egress.per_az(adresses_per_az=2), "adresses_per_az"),  # type: ignore[call-arg]
        (Egress, "Egress is made by a named constructor, got: Egress(); write Egress.per_az(...)"),
        (
            lambda: network_with(Egress.per_az(eip_allocation_ids=ALLOCATIONS[:1])),
            "must hold 2: 1 for each of the 2 zones that Egress.per_az() uses, got: 1",
        ),
        (
            lambda: network_with(Egress.single(eip_allocation_ids=ALLOCATIONS[:2])),
            "must hold 1: 1 for each of the 1 zones that Egress.single() uses, got: 2",
        ),
        (
            lambda: network_with(Egress.regional(addresses_per_az=2, eip_allocation_ids=ALLOCATIONS[:2])),
            "must hold 4: 2 for each of the 2",
        ),
    ],
)
def test_refusals(make: Callable[[], object], message: str) -> None:
    """Of the egress itself when it is made; of the number of addresses by the network."""
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        make()
