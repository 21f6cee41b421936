"""Which callers the security groups of the load balancer allow."""

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from typing import NamedTuple

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_dummy, is_known, is_unresolved
from fargate_constructs._core.validation import validate_list

ANY_IPV4, ANY_IPV6 = "0.0.0.0/0", "::/0"
IPV4, IPV6 = 4, 6
# Inbound rules of a security group, as many outbound, of each family; and security groups of a network interface
# (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups).
MAX_GROUP_RULES, MAX_GROUPS = 60, 5
# What a prefix list of unknown size counts as. CloudFront's has 55 entries, and no list of AWS has more
# (https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html).
UNKNOWN_LIST_ENTRIES = 55


class _Rule(NamedTuple):
    """A rule of a security group."""

    peer: ec2.IConnectable
    port: int
    description: str
    families: Sequence[int] = (IPV4, IPV6)
    entries: int = 1
    """How many rules it counts as against the quota."""


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """The address ranges and the peers that may connect to a load balancer."""

    cidrs: Sequence[str]
    peers: Sequence[ec2.IConnectable]
    ports: Sequence[int]
    """The load balancer's ports. The last one has the routes; another one redirects to it."""

    @classmethod
    def of(
        cls,
        *,
        allow_cidrs: Sequence[str] | None,
        allow_from: Sequence[ec2.IConnectable] | None,
        ports: Sequence[int],
        internal: bool,
        is_dual_stack: bool,
    ) -> "Ingress":
        """Return the given callers; by default every address, if the load balancer faces the internet."""
        _validate_cidrs(allow_cidrs or (), is_dual_stack=is_dual_stack)
        for peer in allow_from or ():
            if (range_ := getattr(peer, "unique_id", None)) in {ANY_IPV4, ANY_IPV6}:
                raise ValueError(f"allow_from must not hold the peer of every address; write allow_cidrs=[{range_!r}]")
        if allow_cidrs is None and allow_from is None and not internal:
            allow_cidrs = [ANY_IPV4, ANY_IPV6] if is_dual_stack else [ANY_IPV4]
        ingress = cls(cidrs=tuple(dict.fromkeys(allow_cidrs or ())), peers=tuple(allow_from or ()), ports=tuple(ports))
        if (groups := len(ingress._groups())) > MAX_GROUPS:
            raise ValueError(
                f"allow_cidrs and allow_from must fit into {MAX_GROUPS} security groups of {MAX_GROUP_RULES} rules, "
                f"got: {groups} for {len(ingress.cidrs)} ranges and {len(ingress.peers)} others on ports "
                f"{' and '.join(map(str, ports))}; give fewer and wider ranges, or allow every address and use an "
                "IP set in your own web ACL",
            )
        return ingress

    @property
    def is_empty(self) -> bool:
        """Whether no caller may connect."""
        return not self.cidrs and not self.peers

    def allow(
        self,
        scope: Construct,
        load_balancer: elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer,
        vpc: ec2.IVpc,
    ) -> None:
        """Allow the callers in the load balancer's security group. Rules that do not fit are in further groups."""
        own, *_ = load_balancer.connections.security_groups
        for number, rules in enumerate(self._groups(), start=1):
            group = own
            if number > 1:
                group = ec2.SecurityGroup(
                    scope, f"Callers{number}", vpc=vpc, description="Further callers", allow_all_outbound=False
                )
                load_balancer.add_security_group(group)
            for peer, port, description, *_ in rules:
                group.connections.allow_from(peer, ec2.Port.tcp(port), description)
        if {ANY_IPV4, ANY_IPV6}.intersection(self.cidrs):
            for group in load_balancer.connections.security_groups:
                acknowledge(group, {"AwsSolutions-EC23": "The endpoint is meant to be reached from anywhere."})

    def _groups(self) -> list[list[_Rule]]:
        """Return the rules of each security group. Each rule is in the first group that has room for it."""
        groups: list[list[_Rule]] = [[]]
        taken: list[Counter[int]] = [Counter()]
        for rule in self._rules():
            more = dict.fromkeys(rule.families, rule.entries)
            has_room = (all(each[family] + more[family] <= MAX_GROUP_RULES for family in more) for each in taken)
            index = next((index for index, has in enumerate(has_room) if has), len(groups))
            if index == len(groups):
                groups.append([])
                taken.append(Counter())
            groups[index].append(rule)
            taken[index].update(more)
        return groups

    def _rules(self) -> Iterator[_Rule]:
        for port in self.ports:
            for cidr in filterfalse(is_dummy, self.cidrs):  # CDK makes no peer of a dummy
                who = "anyone" if cidr in {ANY_IPV4, ANY_IPV6} else cidr
                is_ipv6 = ":" in cidr and not is_unresolved(cidr)
                peer = ec2.Peer.ipv6(cidr) if is_ipv6 else ec2.Peer.ipv4(cidr)
                yield _Rule(peer, port, f"Allow from {who} on port {port}", (IPV6 if is_ipv6 else IPV4,))
            for other in self.peers:
                entries = _list_entries(other)
                # Prefix lists hold proxies, such as CloudFront, that need no redirect. Each port counts all entries.
                if entries is None or port == self.ports[-1]:
                    yield _Rule(other, port, f"Allow callers on port {port}", entries=entries or 1)


def _list_entries(peer: ec2.IConnectable) -> int | None:
    """Return how many entries a prefix list may have, all of which count. None if the peer is no prefix list."""
    rule = peer.to_ingress_rule_config() if hasattr(peer, "to_ingress_rule_config") else None
    if not getattr(rule, "source_prefix_list_id", None):
        return None
    resource = peer.node.default_child if isinstance(peer, ec2.PrefixList) else None
    entries = resource.max_entries if isinstance(resource, ec2.CfnPrefixList) else None
    return UNKNOWN_LIST_ENTRIES if entries is None or is_unresolved(entries) else int(entries)


def _validate_cidrs(cidrs: Sequence[str], *, is_dual_stack: bool) -> None:
    validate_list("allow_cidrs", cidrs)
    for cidr in cidrs:
        if not is_known(cidr):
            continue
        try:
            version = _ip_version(cidr)
        except ValueError as error:
            raise ValueError(
                f"allow_cidrs must hold ranges such as '203.0.113.0/24' or '2001:db8::/32', got: {cidr!r} ({error})",
            ) from error
        if version == IPV6 and not is_dual_stack:
            raise ValueError(
                f"allow_cidrs must hold IPv4 ranges for a load balancer without IPv6 addresses, got: {cidr!r}; "
                "pass ip_address_type=elbv2.IpAddressType.DUAL_STACK in a VPC that has IPv6",
            )


def _ip_version(cidr: str) -> int:
    if not str(cidr).partition("/")[2].isdigit():
        raise ValueError("it has no mask; one address ends in /32")
    return ipaddress.ip_network(cidr).version
