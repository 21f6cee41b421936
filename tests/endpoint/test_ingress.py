"""Which callers the security groups of the load balancer allow."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, TcpEndpoint
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in
from tests.templates import properties, properties_of

SOURCES = ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId")
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
DUAL_STACK = elbv2.IpAddressType.DUAL_STACK
FIFTY = [f"10.{number}.0.0/16" for number in range(50)]


class Lab(NamedTuple):
    """Endpoints of one stack by the callers that they allow."""

    stack: Stack
    template: Template
    endpoints: dict[str, HttpEndpoint]
    web_group: object

    def rules(self, name: str) -> list[tuple[object, int]]:
        """Return all rules of the endpoint's security group, in it or separate: source and port."""
        (group,) = self.endpoints[name].connections.security_groups
        group_id = self.stack.resolve(group.security_group_id)
        rules: list[dict[str, Any]] = [
            *properties_of(self.template, group).get("SecurityGroupIngress", []),
            *properties(self.template, "AWS::EC2::SecurityGroupIngress", {"GroupId": group_id}),
        ]
        assert all(rule["FromPort"] == rule["ToPort"] for rule in rules)
        return [(next(rule[key] for key in SOURCES if key in rule), rule["FromPort"]) for rule in rules]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One synthesis for all of them."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    lists = [
        ec2.Peer.prefix_list("pl-1"),
        ec2.PrefixList(stack, "Small", max_entries=5),
        ec2.PrefixList(stack, "Next", max_entries=1),
    ]
    peers = [ec2.Peer.prefix_list("pl-1"), ec2.SecurityGroup.from_security_group_id(stack, "Bastion", "sg-1"), web]
    ipv6 = [f"2001:db8:{number:x}::/48" for number in range(35)]
    https: dict[str, Any] = {"certificate": certificate_in(stack)}
    arguments: dict[str, dict[str, Any]] = {
        "Public": {},
        "Internal": {"internal": True},
        "NoRange": {"allow_cidrs": []},
        # A range is allowed once, however often it is named.
        "Ranges": https | {"allow_cidrs": ["203.0.113.0/24", *["198.51.100.7/32"] * 60]},
        "Token": {"allow_cidrs": [CfnParameter(stack, "Cidr").value_as_string]},
        "Peers": {"internal": True, "allow_cidrs": ["10.1.0.0/16"], "allow_from": peers},
        "Lists": https | {"allow_from": lists},
        "Many": https | {"allow_cidrs": FIFTY},
        "ManyStatic": https | {"allow_cidrs": FIFTY, "static_ips": True},
        "DualStack": https | {"ip_address_type": DUAL_STACK},
        "BothFamilies": {"allow_cidrs": [*FIFTY[:35], *ipv6], "ip_address_type": DUAL_STACK},
        "Later": {"internal": True},
    }
    endpoints = {name: HttpEndpoint(stack, name, network=network, **each) for name, each in arguments.items()}
    endpoints["Later"].connections.allow_default_port_from(ec2.Peer.ipv4("10.1.0.0/16"))
    (group,) = web.connections.security_groups
    return Lab(stack, Template.from_stack(stack), endpoints, stack.resolve(group.security_group_id))


def test_the_callers_of_each_endpoint(lab: Lab) -> None:
    """Both ports are open to ranges and peers: one redirects, the other has the routes. A peer may be added later."""
    both = [(cidr, port) for port in (80, 443) for cidr in ("203.0.113.0/24", "198.51.100.7/32")]
    assert {
        name: lab.rules(name)
        for name in ("Public", "Internal", "NoRange", "Ranges", "Token", "Peers", "DualStack", "Later")
    } == {
        "Public": [("0.0.0.0/0", 80)],
        "Internal": [],
        "NoRange": [],
        "Ranges": both,
        "Token": [({"Ref": "Cidr"}, 80)],
        "Peers": [("10.1.0.0/16", 80), ("pl-1", 80), ("sg-1", 80), (lab.web_group, 80)],
        "DualStack": [("0.0.0.0/0", 80), ("::/0", 80), ("0.0.0.0/0", 443), ("::/0", 443)],
        "Later": [("10.1.0.0/16", 80)],
    }


@pytest.mark.parametrize("name", ["Many", "ManyStatic"])
def test_more_ranges_than_a_security_group_holds(lab: Lab, name: str) -> None:
    """Further groups hold the rest, each 60 rules. The first group stays as it was."""
    endpoint = lab.endpoints[name]
    called = endpoint.static_ips.network_load_balancer if endpoint.static_ips else endpoint.load_balancer
    own, further = called.connections.security_groups
    found = properties_of(lab.template, further)

    assert len(lab.rules(name)) == 60
    assert found["GroupDescription"] == "Further callers"
    assert len(found["SecurityGroupIngress"]) == 40
    assert properties_of(lab.template, called)["SecurityGroups"] == [
        lab.stack.resolve(group.security_group_id) for group in (own, further)
    ]


def test_a_prefix_list_counts_with_its_entries(lab: Lab) -> None:
    """So it is allowed at the port of the routes only. One of unknown size counts as AWS's largest, CloudFront's."""
    (first, port), (second, other_port) = lab.rules("Lists")

    assert (first, port, other_port) == ("pl-1", 443, 443)
    assert "Small" in str(second)
    assert len(lab.endpoints["Lists"].load_balancer.connections.security_groups) == 2


def test_ranges_of_both_families_share_a_group(lab: Lab) -> None:
    """AWS counts IPv4 and IPv6 separately."""
    assert len(lab.rules("BothFamilies")) == 70
    assert len(lab.endpoints["BothFamilies"].load_balancer.connections.security_groups) == 1


def test_a_caller_in_another_stack(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """If the caller opens the port, the rule is in the caller's stack, and the endpoint's stack depends on nothing."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    other = Stack(App.of(stack), "Other")
    worker = FargateService(other, "Worker", network=network, image=image, port=None)

    worker.connections.allow_to_default_port(endpoint)

    Template.from_stack(other).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 80})
    assert stack.dependencies == []


@pytest.mark.parametrize("peer", ["task", "given group", "group"])
def test_callers_of_a_stack_that_is_deployed_later(peer: str) -> None:
    """If their stack needs the endpoint's, the message for the cycle says what to write, also at a TcpEndpoint."""
    app = App()
    base, later = Stack(app, "Base"), Stack(app, "Later")
    network = FixedEgressNetwork(base, "Network")
    group = ec2.SecurityGroup(later, "Group", vpc=network.vpc)
    groups = [group] if peer == "given group" else []
    batch = FargateService(later, "Batch", network=network, image=IMAGE, security_groups=groups)
    edge = TcpEndpoint(base, "Edge", network=network, internal=True)
    edge.add_listener("Batch", port=25, service=batch, allow_from=[group if peer == "group" else batch])

    path = "Later/Group" if peer == "group" else "Later/Batch"
    call = "Group.connections.allow_to" if peer == "group" else "Batch.connect_to"
    message = (
        f"DependencyCycle: 'Base' depends on 'Later' (allow_from of Base/Edge holds {path}; if Later must be deployed "
        f"after Base, leave it out and write {call}(Edge, ...))"
    )
    with pytest.raises(RuntimeError, match=re.escape(message)):
        app.synth()
