"""Which callers the security groups of the load balancer allow."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, cast

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import node_of, path_of, stack_of, top_stack_of
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import tcp_port, udp_port
from fargate_constructs._core.unresolved import is_dummy, is_known, is_unresolved
from fargate_constructs._core.validation import parse_range, validate_list

ANY_IPV4, ANY_IPV6 = "0.0.0.0/0", "::/0"
IPV4, IPV6 = 4, 6
ANY = {IPV4: ANY_IPV4, IPV6: ANY_IPV6}
TCP, UDP = "TCP", "UDP"
# Inbound rules of a security group, as many outbound, of each family; and security groups of a network interface
# (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups).
MAX_GROUP_RULES, MAX_GROUPS = 60, 5
# What a prefix list of unknown size counts as. CloudFront's has 55 entries, and no list of AWS has more
# (https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html).
UNKNOWN_LIST_ENTRIES = 55


class _Rule(NamedTuple):
    """A rule of a security group."""

    caller: str | ec2.IConnectable
    """A range, or a peer."""
    port: int
    protocol: str
    families: Sequence[int] = (IPV4, IPV6)
    entries: int = 1
    """How many rules it counts as against the quota."""


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """The address ranges and the peers that may connect to a load balancer."""

    cidrs: Mapping[str, int]
    """Each range with its family."""
    peers: Sequence[ec2.IConnectable]
    ports: Sequence[int]
    """The load balancer's ports. The last one has the routes; another one redirects to it."""
    protocols: Sequence[str] = (TCP,)

    @classmethod
    def of(
        cls,
        scope: Construct,
        *,
        allow_cidrs: Sequence[str] | None,
        allow_from: Sequence[ec2.IConnectable] | None,
        ports: Sequence[int],
        internal: bool,
        families: Sequence[int],
        protocols: Sequence[str] = (TCP,),
    ) -> "Ingress":
        """Return the given callers; by default every address, if the load balancer faces the internet."""
        validate_list("allow_cidrs", allow_cidrs or ())
        cidrs = dict(_with_family(scope, each, families) for each in allow_cidrs or ())
        for peer in allow_from or ():
            if (range_ := getattr(peer, "unique_id", None)) in {ANY_IPV4, ANY_IPV6}:
                raise ValueError(f"allow_from must not hold the peer of every address; write allow_cidrs=[{range_!r}]")
        if allow_cidrs is None and allow_from is None and not internal:
            cidrs = {ANY[family]: family for family in families}
        ingress = cls(
            cidrs=cidrs,
            peers=tuple(allow_from or ()),
            ports=tuple(ports),
            protocols=tuple(protocols),
        )
        ingress.validate_room([Counter()])
        return ingress

    @property
    def is_empty(self) -> bool:
        """Whether no caller may connect."""
        return not self.cidrs and not self.peers

    def validate_room(self, taken: Sequence[Counter[int]], *, max_groups: int = MAX_GROUPS) -> None:
        """Refuse callers whose rules do not fit into security groups that have rules already, and further ones."""
        groups = 1 + max((index for index, _ in self.place([*map(Counter, taken)])), default=0)
        if groups > max_groups:
            ports = " and ".join(map(str, self.ports))
            among = ", beside the callers of other listeners" if any(map(Counter.total, taken)) else ""
            raise ValueError(
                f"allow_cidrs and allow_from must fit into {max_groups} security groups of {MAX_GROUP_RULES} rules, "
                f"got: {groups} for {len(self.cidrs)} ranges and {len(self.peers)} others on ports {ports}{among}; "
                "give fewer and wider ranges, or allow all and use an IP set in the web ACL of an HttpEndpoint",
            )

    def place(self, taken: list[Counter[int]]) -> Iterator[tuple[int, _Rule]]:
        """Yield each rule with the index of the first group that has room for it. Count it in *taken*."""
        for rule in self._rules():
            more = dict.fromkeys(rule.families, rule.entries)
            has_room = (all(each[family] + more[family] <= MAX_GROUP_RULES for family in more) for each in taken)
            index = next((index for index, has in enumerate(has_room) if has), len(taken))
            if index == len(taken):
                taken.append(Counter())
            taken[index].update(more)
            yield index, rule

    def _rules(self) -> Iterator[_Rule]:
        for port, protocol in product(self.ports, self.protocols):
            for cidr, family in self.cidrs.items():
                if not is_dummy(cidr):  # CDK makes no peer of it
                    yield _Rule(cidr, port, protocol, (family,))
            for peer, entries in self._peers_with_entries:
                # Prefix lists hold proxies, such as CloudFront, that need no redirect. Each port counts all entries.
                if entries is None or port == self.ports[-1]:
                    yield _Rule(peer, port, protocol, entries=entries or 1)

    @cached_property
    def _peers_with_entries(self) -> Sequence[tuple[ec2.IConnectable, int | None]]:
        return [(peer, _list_entries(peer)) for peer in self.peers]


class CallerGroups:
    """The security groups of a load balancer that hold the rules of its callers: its own and, if needed, further ones.

    Args:
        scope: The endpoint.
        load_balancer: The load balancer. An imported one gets no further group.
        vpc: Its VPC, for further groups. By default there are none.

    Raises:
        ValueError: If the load balancer has no security group that is known.
    """

    def __init__(
        self,
        scope: Construct,
        load_balancer: elbv2.ApplicationLoadBalancer | elbv2.INetworkLoadBalancer,
        vpc: ec2.IVpc | None = None,
    ) -> None:
        self._scope = scope
        self._load_balancer = load_balancer
        self._vpc = vpc
        self.groups = load_balancer.connections.security_groups[:1]
        """The groups, the load balancer's own first."""
        if not self.groups:
            raise ValueError(
                f"allow_cidrs and allow_from need a security group of the load balancer, got none of "
                f"{load_balancer.node.path}; import it with load_balancer_security_groups=[...]. Callers of one that "
                "has none cannot be limited here",
            )
        self._taken: list[Counter[int]] = [Counter()]

    def validate(self, ingress: Ingress) -> None:
        """Refuse callers whose rules have no room."""
        ingress.validate_room(self._taken, max_groups=MAX_GROUPS if self._vpc else 1)

    def allow(self, ingress: Ingress) -> None:
        """Allow the callers."""
        for peer in ingress.peers:
            _depend_on_stack(self._scope, peer)
        for index, rule in ingress.place(self._taken):
            if index == len(self.groups):
                self.groups.append(self._make_group(index + 1))
            _allow(self.groups[index], rule)
        if {ANY_IPV4, ANY_IPV6}.intersection(ingress.cidrs):
            for group in self.groups:
                acknowledge(group, {"AwsSolutions-EC23": "The endpoint is meant to be reached from anywhere."})

    def _make_group(self, number: int) -> ec2.SecurityGroup:
        assert self._vpc is not None
        group = ec2.SecurityGroup(
            self._scope, f"Callers{number}", vpc=self._vpc, description="Further callers", allow_all_outbound=False
        )
        cast("elbv2.NetworkLoadBalancer", self._load_balancer).add_security_group(group)
        return group


def _allow(group: ec2.ISecurityGroup, rule: _Rule) -> None:
    """Make a rule in a security group."""
    caller, port = rule.caller, tcp_port(rule.port) if rule.protocol == TCP else udp_port(rule.port)
    text = f"port {rule.port}" if rule.protocol == TCP else f"{rule.protocol} port {rule.port}"
    if isinstance(caller, str):
        who = "anyone" if caller in {ANY_IPV4, ANY_IPV6} else caller
        range_ = ec2.Peer.ipv6(caller) if IPV6 in rule.families else ec2.Peer.ipv4(caller)
        group.add_ingress_rule(range_, port, f"Allow from {who} on {text}")
    else:
        group.connections.allow_from(caller, port, f"Allow callers on {text}")


def _depend_on_stack(endpoint: Construct, peer: ec2.IConnectable) -> None:
    """Let the endpoint's stack depend on a caller's, with a reason that CDK's message for a cycle repeats."""
    for group in peer.connections.security_groups:
        ours, theirs = top_stack_of(endpoint), top_stack_of(group)
        is_imported = not isinstance(node_of(group).default_child, ec2.CfnSecurityGroup)
        if ours is theirs or is_imported:
            continue
        caller = peer if isinstance(peer, Construct) else cast("Construct", group)
        call = "connect_to" if hasattr(caller, "connect_to") else "connections.allow_to"
        ours.add_stack_dependency(
            theirs,
            f"allow_from of {path_of(endpoint)} holds {path_of(caller)}; if {theirs.node.path} must be deployed after "
            f"{ours.node.path}, leave it out and write {caller.node.id}.{call}({endpoint.node.id}, ...)",
        )


def _list_entries(peer: ec2.IConnectable) -> int | None:
    """Return how many entries a prefix list may have, all of which count. None if the peer is no prefix list."""
    rule = peer.to_ingress_rule_config() if hasattr(peer, "to_ingress_rule_config") else None
    if not getattr(rule, "source_prefix_list_id", None):
        return None
    resource = peer.node.default_child if isinstance(peer, ec2.PrefixList) else None
    entries = resource.max_entries if isinstance(resource, ec2.CfnPrefixList) else None
    return UNKNOWN_LIST_ENTRIES if entries is None or is_unresolved(entries) else int(entries)


def _with_family(scope: Construct, cidr: str, families: Sequence[int]) -> tuple[str, int]:
    """Return a range as AWS writes it, and its family. AWS takes two writings of one range for two equal rules."""
    if not is_known(cidr):
        # The ranges that a VPC or a subnet gets are attributes such as Ipv6CidrBlocks. Other tokens count as IPv4.
        is_ipv6 = is_unresolved(cidr) and "Ipv6CidrBlock" in str(stack_of(scope).resolve(cidr))
        return cidr, IPV6 if is_ipv6 else IPV4
    try:
        network = parse_range(cidr)
    except ValueError as error:
        raise ValueError(
            f"allow_cidrs must hold ranges such as '203.0.113.0/24' or '2001:db8::/32', got: {cidr!r} ({error})",
        ) from error
    if network.version not in families:
        held, missing = ("IPv4", "IPv6") if network.version == IPV6 else ("IPv6", "public IPv4")
        raise ValueError(
            f"allow_cidrs must hold {held} ranges for a load balancer without {missing} addresses, got: {cidr!r}; "
            "pass ip_address_type=elbv2.IpAddressType.DUAL_STACK in a VPC that has IPv6 (an HttpEndpoint with "
            "static_ips has IPv4 only)"
        )
    return str(network), network.version
