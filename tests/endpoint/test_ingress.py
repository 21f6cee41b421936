"""Who may call."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.network.network import Network

SOURCES = ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId")


def rules_of(stack: Stack, endpoint: HttpEndpoint) -> list[tuple[object, int, int]]:
    """Return all rules of the endpoint's security group, in it or apart from it: source, first and last port."""
    template = Template.from_stack(stack)
    (security_group,) = endpoint.connections.security_groups
    group_id = stack.resolve(security_group.security_group_id)
    own = template.find_resources("AWS::EC2::SecurityGroup")[group_id["Fn::GetAtt"][0]]
    apart = template.find_resources("AWS::EC2::SecurityGroupIngress", {"Properties": {"GroupId": group_id}})
    rules: list[dict[str, Any]] = [
        *own["Properties"].get("SecurityGroupIngress", []),
        *(rule["Properties"] for rule in apart.values()),
    ]
    return [(next(rule[key] for key in SOURCES if key in rule), rule["FromPort"], rule["ToPort"]) for rule in rules]


def test_anybody_by_default(stack: Stack, network: Network) -> None:
    """An internet-facing endpoint answers everybody, on the one port that it listens to."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    assert rules_of(stack, endpoint) == [("0.0.0.0/0", 80, 80)]


def test_nobody_by_default_if_internal(stack: Stack, network: Network) -> None:
    """Who may call from inside is always said."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)

    assert rules_of(stack, endpoint) == []


def test_ranges(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """Those named reach both ports, the redirect's and the service's, and nobody else does."""
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate,
        allow_cidrs=["203.0.113.0/24", *["198.51.100.7/32"] * 60],  # a range is let in once, however often it is named
    )
    assert len(endpoint.load_balancer.connections.security_groups) == 1

    assert rules_of(stack, endpoint) == [
        ("203.0.113.0/24", 80, 80),
        ("198.51.100.7/32", 80, 80),
        ("203.0.113.0/24", 443, 443),
        ("198.51.100.7/32", 443, 443),
    ]


def test_a_range_known_only_when_deployed(stack: Stack, network: Network) -> None:
    """A token passes, as IPv4."""
    cidr = CfnParameter(stack, "Cidr").value_as_string

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, allow_cidrs=[cidr])

    assert rules_of(stack, endpoint) == [({"Ref": "Cidr"}, 80, 80)]


def test_an_empty_list_is_nobody(stack: Stack, network: Network) -> None:
    """A list that came out empty by mistake opens nothing."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, allow_cidrs=[])

    assert rules_of(stack, endpoint) == []


def test_security_groups_and_prefix_lists(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Whatever has connections may be named, beside ranges."""
    office = ec2.Peer.prefix_list("pl-123")
    bastion = ec2.SecurityGroup.from_security_group_id(stack, "Bastion", "sg-123")
    web = FargateService(stack, "Web", network=network, image=image)

    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        internal=True,
        allow_cidrs=["10.1.0.0/16"],
        allow_from=[office, bastion, web],
    )

    (web_group,) = web.connections.security_groups
    assert rules_of(stack, endpoint) == [
        ("10.1.0.0/16", 80, 80),
        ("pl-123", 80, 80),
        ("sg-123", 80, 80),
        (stack.resolve(web_group.security_group_id), 80, 80),
    ]


@pytest.mark.parametrize("static_ips", [False, True], ids=["one load balancer", "two"])
def test_more_ranges_than_a_security_group_holds(
    stack: Stack, network: Network, certificate: acm.ICertificate, *, static_ips: bool
) -> None:
    """They are spread over further groups, each of 60 rules; the first stays as it was."""
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate,
        allow_cidrs=[f"10.{number}.0.0/16" for number in range(50)],
        static_ips=static_ips,
    )

    assert len(rules_of(stack, endpoint)) == 60
    template = Template.from_stack(stack)
    further = template.find_resources(
        "AWS::EC2::SecurityGroup", {"Properties": {"GroupDescription": "Further callers"}}
    )
    ((logical_id, group),) = further.items()
    assert len(group["Properties"]["SecurityGroupIngress"]) == 40
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {
            "Type": "network" if static_ips else "application",
            "SecurityGroups": [Match.any_value(), {"Fn::GetAtt": [logical_id, "GroupId"]}],
        },
    )


def test_a_prefix_list_counts_with_its_entries(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """So it is let in at the port that serves alone; one of unknown size counts as AWS's largest, CloudFront's."""
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate,
        allow_from=[
            ec2.Peer.prefix_list("pl-1"),
            ec2.PrefixList(stack, "Small", max_entries=5),
            ec2.PrefixList(stack, "Next", max_entries=1),
        ],
    )

    first, second = rules_of(stack, endpoint)
    assert first == ("pl-1", 443, 443)
    assert ("Small" in str(second[0]), second[1:]) == (True, (443, 443))


def test_more_than_a_load_balancers_groups_hold_is_refused(idle_stack: Stack, idle_network: Network) -> None:
    """Before anything is made."""
    lists = [ec2.Peer.prefix_list(f"pl-{number}") for number in range(6)]

    with pytest.raises(ValueError, match=r"fit into 5 security groups of 60 rules, got: 6 for 0 ranges and 6 others"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_from=lists)

    assert idle_stack.node.try_find_child("Endpoint") is None


def test_ranges_of_both_families_share_a_group(stack: Stack, network: Network) -> None:
    """AWS counts IPv4 and IPv6 apart."""
    ranges = [f"10.{number}.0.0/16" for number in range(35)] + [f"2001:db8:{number:x}::/48" for number in range(35)]
    dual_stack = elbv2.IpAddressType.DUAL_STACK

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, allow_cidrs=ranges, ip_address_type=dual_stack)

    assert len(rules_of(stack, endpoint)) == 70


def test_somebody_named_later(stack: Stack, network: Network) -> None:
    """The endpoint's connections know its port."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)

    endpoint.connections.allow_default_port_from(ec2.Peer.ipv4("10.1.0.0/16"))

    assert rules_of(stack, endpoint) == [("10.1.0.0/16", 80, 80)]


def test_somebody_in_another_stack(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Opened from the caller's side, the rule is the caller's stack's, and the endpoint's depends on nothing."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    other = Stack(App.of(stack), "Other")
    worker = FargateService(other, "Worker", network=network, image=image, port=None)

    worker.connections.allow_to_default_port(endpoint)

    Template.from_stack(other).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 80})
    assert stack.dependencies == []


@pytest.mark.parametrize(
    ("cidrs", "message"),
    [
        (["203.0.113.0"], "such as '203.0.113.0/24' or '2001:db8::/32', got: '203.0.113.0' (it has no mask"),
        (["203.0.113.7/24"], "got: '203.0.113.7/24' ("),
        (["office"], "allow_cidrs must hold ranges such as '203.0.113.0/24' or '2001:db8::/32', got: 'office'"),
        (["2001:db8::/32"], "IPv4 ranges for a load balancer without IPv6 addresses, got: '2001:db8::/32'"),
    ],
    ids=["bare address", "host bits", "word", "IPv6"],
)
def test_ranges_that_would_fail_are_refused(
    idle_stack: Stack, idle_network: Network, cidrs: Sequence[str], message: str
) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=re.escape(message)):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_cidrs=cidrs)

    assert idle_stack.node.try_find_child("Endpoint") is None


@pytest.mark.parametrize("peer", [ec2.Peer.any_ipv4(), ec2.Peer.any_ipv6()], ids=["IPv4", "IPv6"])
def test_a_peer_of_everybody_is_refused(idle_stack: Stack, idle_network: Network, peer: ec2.IPeer) -> None:
    """That is said by its range, which is checked and audited."""
    with pytest.raises(ValueError, match=re.escape(f"write allow_cidrs=[{peer.unique_id!r}]")):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_from=[peer])

    assert idle_stack.node.try_find_child("Endpoint") is None


def test_one_caller_instead_of_a_list_is_refused(idle_stack: Stack, idle_network: Network) -> None:
    """The message says what to write."""
    with pytest.raises(TypeError, match=re.escape("write allow_cidrs=['10.0.0.0/8']")):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_cidrs="10.0.0.0/8")
    with pytest.raises(TypeError, match=r"allow_from must be a list of aws_ec2.IConnectable or None, got: "):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_from=ec2.Peer.prefix_list("pl-1"))  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"allow_from must be a list of aws_ec2.IConnectable or None, got: "):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_from="sg-123")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"allow_from must be .*, got: \['sg-123'\]; address ranges go to allow_cidrs"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, allow_from=["sg-123"])  # type: ignore[list-item]  # the mistake
