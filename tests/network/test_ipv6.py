"""IPv6 in the network: ranges, routes, endpoints, and what tasks may reach."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from fargate_constructs import Egress, FargateService, FixedEgressNetwork, OneOffTask, VpcEndpoints
from fargate_constructs.network.imported_network import ImportedNetwork
from fargate_constructs.synthesized.comparable_sources import read_comparable_template
from fargate_constructs.synthesized.replacements import find_replacements
from tests.modes.made_elsewhere import IMAGE
from tests.templates import properties, properties_of

DUAL_STACK = ec2.IpProtocol.DUAL_STACK


class Network(NamedTuple):
    """A network with IPv6 and what its template has."""

    stack: Stack
    network: FixedEgressNetwork
    template: Template

    def routes(self, destination: str) -> list[dict[str, Any]]:
        """Return the routes of task subnets to a destination."""
        tables = {
            self.stack.resolve(subnet.route_table.route_table_id)["Ref"] for subnet in self.network.vpc.private_subnets
        }
        routes = properties(self.template, "AWS::EC2::Route", {"DestinationIpv6CidrBlock": destination})
        return [each for each in routes if each["RouteTableId"]["Ref"] in tables]


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    """A network of each kind of egress, the first with all VPC endpoints and a third zone."""
    every = [*VpcEndpoints.for_isolated_tasks, VpcEndpoints.dynamodb]
    kinds: dict[str, dict[str, Any]] = {
        "PerAz": {"max_azs": 3, "endpoints": every},
        "Single": {"egress": Egress.single(), "endpoints": [VpcEndpoints.ecr]},
        "Regional": {"egress": Egress.regional()},
        "NatInstance": {"egress": Egress.nat_instance()},
        "Paused": {"egress": Egress.per_az().paused()},
        "Isolated": {"egress": Egress.isolated()},
    }
    app, made = App(), {}
    for name, arguments in kinds.items():
        stack = Stack(app, name)
        made[name] = (stack, FixedEgressNetwork(stack, "Network", ip_protocol=DUAL_STACK, **arguments))
    made["PerAz"][1].publish(parameter_name="/network/ips", ipv6_parameter_name="/network/ipv6-cidrs")
    return {name: Network(stack, network, Template.from_stack(stack)) for name, (stack, network) in made.items()}


def test_each_subnet_has_a_64_of_the_vpcs_56(networks: dict[str, Network]) -> None:
    """Divided for six zones from the start. Tasks get an address each; nothing in a public subnet does by itself."""
    for name, zones in (("PerAz", 3), ("Isolated", 2)):
        stack, network, template = networks[name]
        vpc_range = {"Fn::Select": [0, {"Fn::GetAtt": [stack.resolve(network.vpc.vpc_id)["Ref"], "Ipv6CidrBlocks"]}]}
        template.has_resource_properties("AWS::EC2::VPCCidrBlock", {"AmazonProvidedIpv6CidrBlock": True})
        for subnets, first, assigned in (
            (network.vpc.public_subnets, 0, False),
            (network.vpc.private_subnets, 6, True),
        ):
            found = [properties_of(template, subnet) for subnet in subnets]
            assert [(each["Ipv6CidrBlock"], each["AssignIpv6AddressOnCreation"]) for each in found] == [
                ({"Fn::Select": [first + zone, {"Fn::Cidr": [vpc_range, 12, "64"]}]}, assigned) for zone in range(zones)
            ]


@pytest.mark.parametrize("name", ["PerAz", "Single", "Regional", "NatInstance", "Paused"])
def test_ipv6_leaves_by_an_egress_only_gateway(networks: dict[str, Network], name: str) -> None:
    """From task subnets, independent of the IPv4 egress, also while that is paused."""
    template = networks[name].template
    (gateway,) = template.find_resources("AWS::EC2::EgressOnlyInternetGateway")
    routes = networks[name].routes("::/0")
    assert [each["EgressOnlyInternetGatewayId"] for each in routes] == [{"Ref": gateway}] * len(
        networks[name].network.task_subnets
    )


def test_isolated_tasks_have_no_ipv6_egress(networks: dict[str, Network]) -> None:
    """There is no egress-only gateway, nothing waits for a route to one, and no range is known to leave from."""
    _, network, template = networks["Isolated"]
    template.resource_count_is("AWS::EC2::EgressOnlyInternetGateway", 0)
    assert networks["Isolated"].routes("::/0") == []
    assert network.egress_ipv6_cidrs == ()
    resources = template.to_json()["Resources"]
    assert {name for each in resources.values() for name in each.get("DependsOn", [])} <= resources.keys()


def test_nat64_leaves_by_the_nat_gateways(networks: dict[str, Network]) -> None:
    """From the Elastic IPs, where AWS documents it: with zonal gateways."""
    targets = {
        name: [each.get("NatGatewayId") for each in one.routes("64:ff9b::/96")] for name, one in networks.items()
    }
    gateways = [{"Ref": name} for name in networks["PerAz"].template.find_resources("AWS::EC2::NatGateway")]
    (gateway,) = networks["Single"].template.find_resources("AWS::EC2::NatGateway")
    assert targets.pop("PerAz") == gateways
    assert targets.pop("Single") == [{"Ref": gateway}] * 2
    assert not any(targets.values())


def test_the_ranges_are_published(networks: dict[str, Network]) -> None:
    """The /64 of each task subnet, beside the addresses."""
    stack, network, template = networks["PerAz"]
    ranges = [
        {"Fn::Select": [0, {"Fn::GetAtt": [stack.resolve(subnet.subnet_id)["Ref"], "Ipv6CidrBlocks"]}]}
        for subnet in network.task_subnets
    ]
    assert stack.resolve(list(network.egress_ipv6_cidrs)) == ranges
    template.has_resource_properties(
        "AWS::SSM::Parameter",
        {"Name": "/network/ipv6-cidrs", "Type": "StringList", "Value": {"Fn::Join": [",", ranges]}},
    )
    template.has_resource_properties("AWS::SSM::Parameter", {"Name": "/network/ips"})


def test_endpoints_with_ipv6(networks: dict[str, Network]) -> None:
    """S3's gateway, and the interfaces of services that AWS lists; HTTPS is allowed from the VPC's IPv6 range too."""
    template = networks["PerAz"].template
    endpoints = {str(each["ServiceName"]): each for each in properties(template, "AWS::EC2::VPCEndpoint")}
    types = {
        re.sub(r".*'\.([a-z0-9.-]+)'.*", r"\1", name): each.get("IpAddressType") for name, each in endpoints.items()
    }
    dual_stack = {"s3", "logs", "secretsmanager", "ssm"}
    rest = {"dynamodb", "ecr.api", "ecr.dkr", "ssmmessages", "ecs-agent"}
    assert types == dict.fromkeys(dual_stack, "dualstack") | dict.fromkeys(rest)
    names = {each["DnsOptions"]["DnsRecordIpType"] for each in endpoints.values() if "DnsOptions" in each}
    assert names == {"service-defined"}
    (group,) = template.find_resources(
        "AWS::EC2::SecurityGroup", {"Properties": {"GroupDescription": "AWS services inside the VPC"}}
    ).values()
    ipv4, ipv6 = group["Properties"]["SecurityGroupIngress"]
    assert ipv4["CidrIp"] == "10.0.0.0/16"
    assert ipv6["CidrIpv6"]["Fn::Select"][0] == 0
    assert [*template.find_resources("AWS::EC2::VPCCidrBlock")] == group["DependsOn"]


def test_ecr_endpoints_stay_ipv4(networks: dict[str, Network]) -> None:
    """AWS has no IPv6 for them, so their security group has no rule for it."""
    (group,) = properties(networks["Single"].template, "AWS::EC2::SecurityGroup")
    assert [rule["CidrIp"] for rule in group["SecurityGroupIngress"]] == ["10.0.0.0/16"]


def test_tasks_may_reach_ipv6_hosts() -> None:
    """In a network with IPv6, and in an imported one whose ranges are named. Elsewhere their group has no such rule."""
    app = App()
    vpc = ec2.Vpc(Stack(app, "Vpc"), "Vpc", ip_protocol=DUAL_STACK)
    ranges = [Fn.select(0, vpc.vpc_ipv6_cidr_blocks), "2001:db8::/64"]
    stacks = {name: Stack(app, name) for name in ("Own", "Named", "Unnamed")}
    networks: dict[str, FixedEgressNetwork | ImportedNetwork] = {
        "Own": FixedEgressNetwork(stacks["Own"], "Network", ip_protocol=DUAL_STACK),
        "Named": FixedEgressNetwork.from_vpc(
            stacks["Named"], "Network", vpc, egress_ips=["203.0.113.7"], egress_ipv6_cidrs=ranges
        ),
        "Unnamed": FixedEgressNetwork.from_vpc(stacks["Unnamed"], "Network", vpc, egress_ips=["203.0.113.7"]),
    }
    groups: dict[str, list[ec2.ISecurityGroup]] = {}
    for name, network in networks.items():
        service = FargateService(stacks[name], "Web", network=network, image=IMAGE)
        task = OneOffTask(stacks[name], "Repair", network=network, image=IMAGE, cluster=service.cluster)
        groups[name] = [*service.connections.security_groups, *task.connections.security_groups]
    for name, stack in stacks.items():
        template = Template.from_stack(stack)
        rules = [properties_of(template, group)["SecurityGroupEgress"] for group in groups[name]]
        expected = [None] if name == "Unnamed" else [None, "::/0"]
        assert [[rule.get("CidrIpv6") for rule in each] for each in rules] == [expected] * 2
    assert [network.ip_protocol is DUAL_STACK for network in networks.values()] == [True, True, False]
    assert list(networks["Named"].egress_ipv6_cidrs) == ranges


def test_turning_ipv6_on_deletes_nothing() -> None:
    """The only property that CloudFormation might replace for is the range that subnets get, which they had not."""
    before, after = (Stack(App(), "Test") for _ in range(2))
    for stack, ip_protocol in ((before, ec2.IpProtocol.IPV4_ONLY), (after, DUAL_STACK)):
        network = FixedEgressNetwork(stack, "Network", ip_protocol=ip_protocol, endpoints=[VpcEndpoints.logs])
        FargateService(stack, "Web", network=network, image=IMAGE)
    found = find_replacements(read_comparable_template(before, "old"), read_comparable_template(after, "new"))
    reasons = [reason for each in found if each.type == "AWS::EC2::Subnet" for reason in each.reasons]
    assert {(reason.property, reason.is_certain) for reason in reasons} == {("Ipv6CidrBlock", False)}
    assert all("was not set" in reason.text for reason in reasons)
    assert not any(reason.is_certain for each in found for reason in each.reasons if not reason.text.startswith("may"))


@pytest.fixture(scope="module")
def idle() -> Stack:
    """A stack for refusals, which is never synthesized."""
    return Stack(App(), "Test")


def test_ranges_that_are_not_there_are_not_published(idle: Stack, networks: dict[str, Network]) -> None:
    """Neither parameter is made. Two parameters have two names, or the second one would fail at the deployment."""
    without = FixedEgressNetwork(idle, "Without")
    isolated = FixedEgressNetwork(idle, "Isolated", ip_protocol=DUAL_STACK, egress=Egress.isolated(keep_addresses=True))
    message = "ipv6_parameter_name needs a network whose tasks leave over IPv6, got: '/v6' for "
    for network in (without, isolated):
        with pytest.raises(ValueError, match=f"{message}{network.node.path}"):
            network.publish(parameter_name="/v4", ipv6_parameter_name="/v6")
        assert not [each for each in network.node.children if "Parameter" in each.node.id]
    with pytest.raises(ValueError, match="ipv6_parameter_name must differ from parameter_name, got: '/ips' for both"):
        networks["Single"].network.publish(parameter_name="/ips", ipv6_parameter_name="/ips")


def test_a_vpc_without_ipv6_has_no_ranges(idle: Stack) -> None:
    """A VPC of the app is known to have none, until its range is made, such as beside it.

    That was the way before CDK had `ip_protocol` (https://github.com/aws/aws-cdk/issues/28213).
    """
    vpc, other = ec2.Vpc(idle, "Vpc"), ec2.Vpc(idle, "Other")
    ec2.CfnVPCCidrBlock(vpc, "More", vpc_id=vpc.vpc_id, cidr_block="10.1.0.0/16")
    ec2.CfnVPCCidrBlock(idle, "Another", vpc_id=other.vpc_id, amazon_provided_ipv6_cidr_block=True)
    message = "egress_ipv6_cidrs need a VPC with IPv6, got: Test/Vpc without; make it with ip_protocol=ec2.IpProtocol"
    with pytest.raises(ValueError, match=re.escape(message)):
        FixedEgressNetwork.from_vpc(idle, "Later", vpc, egress_ipv6_cidrs=["2001:db8::/64"])
    ec2.CfnVPCCidrBlock(idle, "Range", vpc_id=vpc.vpc_id, amazon_provided_ipv6_cidr_block=True)
    network = FixedEgressNetwork.from_vpc(idle, "Later", vpc, egress_ipv6_cidrs=["2001:db8::/64"])
    assert network.ip_protocol is DUAL_STACK


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "2001:db8::1/64", "2001:db8::", "::ffff:0:0/96", "::/0", "fe80", ""])
def test_other_ranges_are_refused(idle: Stack, networks: dict[str, Network], cidr: str) -> None:
    """An imported network leaves from IPv6 ranges."""
    message = f"egress_ipv6_cidrs must hold IPv6 ranges such as '2001:db8::/64', got: {cidr!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        FixedEgressNetwork.from_vpc(idle, "Network", networks["Single"].network.vpc, egress_ipv6_cidrs=[cidr])
    assert idle.node.try_find_child("Network") is None


def test_the_protocol_is_cdks_own(idle: Stack) -> None:
    """A boolean or a string is refused."""
    for given in (True, "dualstack"):
        with pytest.raises(TypeError, match=re.escape(f"ip_protocol must be aws_ec2.IpProtocol, got: {given!r}")):
            FixedEgressNetwork(idle, "Network", ip_protocol=given)  # type: ignore[arg-type]
