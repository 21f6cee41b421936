"""Which callers the security groups of the load balancer allow."""

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from tests.endpoint.lab import Lab

SOURCES = ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId")
DUAL_STACK = elbv2.IpAddressType.DUAL_STACK
FIFTY = [f"10.{number}.0.0/16" for number in range(50)]


class Callers(Lab):
    """Endpoints of one stack by the callers that they allow."""

    def __init__(self) -> None:
        super().__init__()
        web = self.service()
        lists = [
            ec2.Peer.prefix_list("pl-1"),
            ec2.PrefixList(self.stack, "Small", max_entries=5),
            ec2.PrefixList(self.stack, "Next", max_entries=1),
        ]
        bastion = ec2.SecurityGroup.from_security_group_id(self.stack, "Bastion", "sg-1")
        ipv6 = [f"2001:db8:{number:x}::/48" for number in range(35)]
        https: dict[str, Any] = {"certificate": self.certificate}
        arguments: dict[str, dict[str, Any]] = {
            "Public": {},
            "Internal": {"internal": True},
            "NoRange": {"allow_cidrs": []},
            # A range is allowed once, however often it is named.
            "Ranges": https | {"allow_cidrs": ["203.0.113.0/24", *["198.51.100.7/32"] * 60]},
            "Token": {"allow_cidrs": [CfnParameter(self.stack, "Cidr").value_as_string]},
            "Peers": {"internal": True, "allow_cidrs": ["10.1.0.0/16"], "allow_from": [lists[0], bastion, web]},
            "Lists": https | {"allow_from": lists},
            "Many": https | {"allow_cidrs": FIFTY},
            "ManyStatic": https | {"allow_cidrs": FIFTY, "static_ips": True},
            "DualStack": https | {"ip_address_type": DUAL_STACK},
            "BothFamilies": {"allow_cidrs": [*FIFTY[:35], *ipv6], "ip_address_type": DUAL_STACK},
            "Later": {"internal": True},
        }
        self.endpoints = {name: self.http(name, **each) for name, each in arguments.items()}
        self.endpoints["Later"].connections.allow_default_port_from(ec2.Peer.ipv4("10.1.0.0/16"))
        (group,) = web.connections.security_groups
        self.web_group = self.resolve(group.security_group_id)

    def rules(self, name: str) -> list[tuple[object, int]]:
        """Return all rules of the endpoint's security group, in it or separate: source and port."""
        (group,) = self.endpoints[name].connections.security_groups
        rules: list[dict[str, Any]] = [
            *self.of(group).get("SecurityGroupIngress", []),
            *self.all("AWS::EC2::SecurityGroupIngress", GroupId=self.resolve(group.security_group_id)),
        ]
        assert all(rule["FromPort"] == rule["ToPort"] for rule in rules)
        return [(next(rule[key] for key in SOURCES if key in rule), rule["FromPort"]) for rule in rules]


@pytest.fixture(scope="module")
def lab() -> Callers:
    """One synthesis for all of them."""
    return Callers()


def test_the_callers_of_each_endpoint(lab: Callers) -> None:
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
def test_more_ranges_than_a_security_group_holds(lab: Callers, name: str) -> None:
    """Further groups hold the rest, each 60 rules. The first group stays as it was."""
    endpoint = lab.endpoints[name]
    called = endpoint.static_ips.network_load_balancer if endpoint.static_ips else endpoint.load_balancer
    own, further = called.connections.security_groups
    found = lab.of(further)

    assert len(lab.rules(name)) == 60
    assert found["GroupDescription"] == "Further callers"
    assert len(found["SecurityGroupIngress"]) == 40
    assert lab.of(called)["SecurityGroups"] == [lab.resolve(group.security_group_id) for group in (own, further)]


def test_a_prefix_list_counts_with_its_entries(lab: Callers) -> None:
    """So it is allowed at the port of the routes only. One of unknown size counts as AWS's largest, CloudFront's."""
    (first, port), (second, other_port) = lab.rules("Lists")

    assert (first, port, other_port) == ("pl-1", 443, 443)
    assert "Small" in str(second)
    assert len(lab.endpoints["Lists"].load_balancer.connections.security_groups) == 2


def test_ranges_of_both_families_share_a_group(lab: Callers) -> None:
    """AWS counts IPv4 and IPv6 separately."""
    assert len(lab.rules("BothFamilies")) == 70
    assert len(lab.endpoints["BothFamilies"].load_balancer.connections.security_groups) == 1


def test_a_caller_in_another_stack() -> None:
    """If the caller opens the port, the rule is in the caller's stack, and the endpoint's stack depends on nothing."""
    base = Lab("Base")
    endpoint, other = base.http(internal=True), Lab("Other", base.app)
    group = ec2.SecurityGroup(other.stack, "Group", vpc=base.network.vpc)

    group.connections.allow_to_default_port(endpoint)

    assert other.all("AWS::EC2::SecurityGroupIngress", FromPort=80)
    assert base.stack.dependencies == []


@pytest.mark.parametrize("peer", ["task", "given group", "group"])
def test_callers_of_a_stack_that_is_deployed_later(peer: str) -> None:
    """If their stack needs the endpoint's, the message for the cycle says what to write, also at a TcpEndpoint."""
    base = Lab("Base")
    later = Lab("Later", base.app)
    group = ec2.SecurityGroup(later.stack, "Group", vpc=base.network.vpc)
    groups = [group] if peer == "given group" else []
    batch = later.service("Batch", network=base.network, security_groups=groups)
    edge = base.tcp("Edge", internal=True)
    edge.add_listener("Batch", port=25, service=batch, allow_from=[group if peer == "group" else batch])

    path = "Later/Group" if peer == "group" else "Later/Batch"
    call = "Group.connections.allow_to" if peer == "group" else "Batch.connect_to"
    message = (
        f"DependencyCycle: 'Base' depends on 'Later' (allow_from of Base/Edge holds {path}; if Later must be deployed "
        f"after Base, leave it out and write {call}(Edge, ...))"
    )
    with pytest.raises(RuntimeError, match=re.escape(message)):
        base.app.synth()
