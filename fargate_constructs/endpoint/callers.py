"""Who may call.

```
caller ──> [security group: ports 80 and 443] ──> load balancer
```
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import filterfalse

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2

from fargate_constructs.findings import acknowledge
from fargate_constructs.known import is_dummy, is_known
from fargate_constructs.lists import validate_list

ANY_IPV4, ANY_IPV6 = "0.0.0.0/0", "::/0"


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Address ranges and security groups that may call; checked. Empty means nobody."""

    cidrs: Sequence[str]
    peers: Sequence[ec2.IConnectable]

    @classmethod
    def of(
        cls,
        *,
        allow_cidrs: Sequence[str] | None,
        allow_from: Sequence[ec2.IConnectable] | None,
        internal: bool,
        is_dual_stack: bool,
    ) -> "Callers":
        """Return who may call: whoever is named, or everybody who could find an internet-facing load balancer.

        Raises:
            ValueError: If a range is malformed, or could not reach a load balancer without IPv6; or a peer is anybody.
        """
        _validate_cidrs(allow_cidrs or (), is_dual_stack=is_dual_stack)
        for peer in allow_from or ():
            if (range_ := getattr(peer, "unique_id", None)) in {ANY_IPV4, ANY_IPV6}:
                raise ValueError(f"allow_from must not be a peer of everybody; write allow_cidrs=[{range_!r}]")
        if allow_cidrs is None and allow_from is None and not internal:
            allow_cidrs = [ANY_IPV4, ANY_IPV6] if is_dual_stack else [ANY_IPV4]
        return cls(cidrs=tuple(allow_cidrs or ()), peers=tuple(allow_from or ()))

    @property
    def is_nobody(self) -> bool:
        """Whether nobody was named."""
        return not self.cidrs and not self.peers

    def may_reach(self, connections: ec2.Connections, ports: Sequence[int]) -> None:
        """Let them, and nobody else, reach these TCP ports."""
        for port in ports:
            for cidr in filterfalse(is_dummy, self.cidrs):  # of which CDK makes no peer
                who = "anyone" if cidr in {ANY_IPV4, ANY_IPV6} else cidr
                connections.allow_from(_peer(cidr), ec2.Port.tcp(port), f"Allow from {who} on port {port}")
            for peer in self.peers:
                connections.allow_from(peer, ec2.Port.tcp(port), f"Allow callers on port {port}")
        if {ANY_IPV4, ANY_IPV6}.intersection(self.cidrs):
            for security_group in connections.security_groups:
                acknowledge(security_group, {"AwsSolutions-EC23": "The endpoint is meant to be reached from anywhere."})


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
        if version == 6 and not is_dual_stack:  # noqa: PLR2004 - IPv6
            raise ValueError(
                f"allow_cidrs must hold IPv4 ranges for a load balancer without IPv6 addresses, got: {cidr!r}; "
                "pass ip_address_type=elbv2.IpAddressType.DUAL_STACK in a VPC that has IPv6",
            )


def _ip_version(cidr: str) -> int:
    if not str(cidr).partition("/")[2].isdigit():
        raise ValueError("it has no mask; one address ends in /32")
    return ipaddress.ip_network(cidr).version


def _peer(cidr: str) -> ec2.IPeer:
    return ec2.Peer.ipv6(cidr) if ":" in cidr and not Token.is_unresolved(cidr) else ec2.Peer.ipv4(cidr)
