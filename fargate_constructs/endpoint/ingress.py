"""Who may call.

```
caller ──> [security groups: ports 80 and 443] ──> load balancer
```
"""

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
# What a prefix list of unknown size counts as: CloudFront's, the largest of AWS's own, is 55 entries
# (https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html).
UNKNOWN_LIST_ENTRIES = 55


class _Opening(NamedTuple):
    """A rule of a security group."""

    peer: ec2.IConnectable
    port: int
    description: str
    families: Sequence[int] = (IPV4, IPV6)
    entries: int = 1
    """How many rules it counts as."""


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Address ranges and security groups that may call; checked. Empty means nobody."""

    cidrs: Sequence[str]
    peers: Sequence[ec2.IConnectable]
    ports: Sequence[int]
    """The load balancer's; the last one serves, and another one redirects to it."""

    @classmethod
    def of(
        cls,
        *,
        allow_cidrs: Sequence[str] | None,
        allow_from: Sequence[ec2.IConnectable] | None,
        ports: Sequence[int],
        internal: bool,
        is_dual_stack: bool,
    ) -> "Callers":
        """Return who may call: whoever is named, or everybody who could find an internet-facing load balancer.

        Raises:
            ValueError: If a range is malformed, or could not reach a load balancer without IPv6; a peer is anybody; or
                they take more rules than the security groups of a load balancer hold.
        """
        _validate_cidrs(allow_cidrs or (), is_dual_stack=is_dual_stack)
        for peer in allow_from or ():
            if (range_ := getattr(peer, "unique_id", None)) in {ANY_IPV4, ANY_IPV6}:
                raise ValueError(f"allow_from must not be a peer of everybody; write allow_cidrs=[{range_!r}]")
        if allow_cidrs is None and allow_from is None and not internal:
            allow_cidrs = [ANY_IPV4, ANY_IPV6] if is_dual_stack else [ANY_IPV4]
        callers = cls(cidrs=tuple(dict.fromkeys(allow_cidrs or ())), peers=tuple(allow_from or ()), ports=tuple(ports))
        if (groups := len(callers._groups())) > MAX_GROUPS:
            raise ValueError(
                f"allow_cidrs and allow_from must fit into {MAX_GROUPS} security groups of {MAX_GROUP_RULES} rules, "
                f"got: {groups} for {len(callers.cidrs)} ranges and {len(callers.peers)} others on ports "
                f"{' and '.join(map(str, ports))}; give fewer and wider ranges, or let anyone in and refuse others by "
                "an IP set in a web ACL of yours",
            )
        return callers

    @property
    def is_nobody(self) -> bool:
        """Whether nobody was named."""
        return not self.cidrs and not self.peers

    def may_reach(
        self,
        scope: Construct,
        load_balancer: elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer,
        vpc: ec2.IVpc,
    ) -> None:
        """Let them, and nobody else, reach it by its security group; what has no room there is in further ones."""
        own, *_ = load_balancer.connections.security_groups
        for number, openings in enumerate(self._groups(), start=1):
            group = own if number == 1 else _further_group(scope, f"Callers{number}", load_balancer, vpc)
            for peer, port, description, *_ in openings:
                group.connections.allow_from(peer, ec2.Port.tcp(port), description)
        if {ANY_IPV4, ANY_IPV6}.intersection(self.cidrs):
            for group in load_balancer.connections.security_groups:
                acknowledge(group, {"AwsSolutions-EC23": "The endpoint is meant to be reached from anywhere."})

    def _groups(self) -> list[list[_Opening]]:
        """Return the rules of each security group, in their order."""
        groups: list[list[_Opening]] = [[]]
        taken: list[Counter[int]] = [Counter()]
        for opening in self._openings():
            rules = dict.fromkeys(opening.families, opening.entries)
            has_room = (all(each[family] + more <= MAX_GROUP_RULES for family, more in rules.items()) for each in taken)
            index = next((index for index, has in enumerate(has_room) if has), len(groups))
            if index == len(groups):
                groups.append([])
                taken.append(Counter())
            groups[index].append(opening)
            taken[index].update(rules)
        return groups

    def _openings(self) -> Iterator[_Opening]:
        for port in self.ports:
            for cidr in filterfalse(is_dummy, self.cidrs):  # of which CDK makes no peer
                who = "anyone" if cidr in {ANY_IPV4, ANY_IPV6} else cidr
                is_ipv6 = ":" in cidr and not is_unresolved(cidr)
                peer = ec2.Peer.ipv6(cidr) if is_ipv6 else ec2.Peer.ipv4(cidr)
                yield _Opening(peer, port, f"Allow from {who} on port {port}", (IPV6 if is_ipv6 else IPV4,))
            for other in self.peers:
                entries = _list_entries(other)
                # A list is one of proxies, such as CloudFront's, which need no redirect; each port counts all entries.
                if entries is None or port == self.ports[-1]:
                    yield _Opening(other, port, f"Allow callers on port {port}", entries=entries or 1)


def _list_entries(peer: ec2.IConnectable) -> int | None:
    """Return how many entries a prefix list may have, as which a rule counts; None if it is something else."""
    rule = peer.to_ingress_rule_config() if hasattr(peer, "to_ingress_rule_config") else None
    if not getattr(rule, "source_prefix_list_id", None):
        return None
    resource = peer.node.default_child if isinstance(peer, ec2.PrefixList) else None
    entries = resource.max_entries if isinstance(resource, ec2.CfnPrefixList) else None
    return UNKNOWN_LIST_ENTRIES if entries is None or is_unresolved(entries) else int(entries)


def _further_group(
    scope: Construct,
    id: str,
    load_balancer: elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer,
    vpc: ec2.IVpc,
) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(scope, id, vpc=vpc, description="Further callers", allow_all_outbound=False)
    load_balancer.add_security_group(group)
    return group


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
