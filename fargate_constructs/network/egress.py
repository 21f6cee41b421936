"""How tasks leave, and from which addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aws_cdk import aws_ec2 as ec2

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs._core.validation import validate_allocation_ids, validate_distinct, validate_ips

# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: a NAT gateway holds up to 8 Elastic IPs
# (2 until the quota is raised), a regional one up to 32 in each zone.
MAX_PER_ZONAL_GATEWAY = 8
MAX_PER_REGIONAL_ZONE = 32


class EgressMode(Enum):
    """The kinds of egress, each by the name of its constructor."""

    PER_AZ = "per_az"
    SINGLE = "single"
    REGIONAL = "regional"
    NAT_INSTANCE = "nat_instance"
    ISOLATED = "isolated"


@dataclass(frozen=True, init=False)
class Egress(NamedConstructors):
    """How tasks leave. Made by one of the named constructors.

    ```python
    FixedEgressNetwork(stack, "Network", egress=Egress.per_az(addresses_per_az=2))
    FixedEgressNetwork(stack, "Preview", egress=Egress.single())
    ```

    The network owns the addresses, so a change from one egress to another keeps them. `docs/network.md` compares the
    kinds, and says which changes take one deployment and which need `paused()` in between.
    """

    mode: EgressMode
    addresses_per_az: int
    eip_allocation_ids: Sequence[str]
    egress_ips: Sequence[str]
    public_ipv4_pool: str | None
    ipam_pool_id: str | None
    keep_addresses: bool = True
    instance_type: ec2.InstanceType | None = None
    is_paused: bool = False

    @classmethod
    @checked
    def per_az(
        cls,
        *,
        addresses_per_az: int = 1,
        eip_allocation_ids: Sequence[str] = (),
        egress_ips: Sequence[str] = (),
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> "Egress":
        """A NAT gateway in each zone, 33 USD a month each. If a zone fails, the others keep their egress.

        Args:
            addresses_per_az: How many Elastic IPs each zone has. By default 1. One address carries 55,000 connections
                at a time to one destination
                (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
            eip_allocation_ids: Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default
                the network makes its own.
            egress_ips: The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish
                them. By default it does not know them.
            public_ipv4_pool: The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default
                Amazon's.
            ipam_pool_id: The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's.
        """
        return cls._make(mode=EgressMode.PER_AZ, **_validated(MAX_PER_ZONAL_GATEWAY, locals()))

    @classmethod
    @checked
    def single(
        cls,
        *,
        keep_addresses: bool = True,
        # From Egress.per_az, by make signatures:
        addresses_per_az: int = 1,
        eip_allocation_ids: Sequence[str] = (),
        egress_ips: Sequence[str] = (),
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> "Egress":
        """One NAT gateway for all zones, 33 USD a month. If its zone fails, no zone has egress.

        Args:
            keep_addresses: Whether the network holds an address for each zone, though only the first zone's are in use.
                By default it does, and synthesis says what that costs: a later change to `per_az` needs no new entry on
                an allow-list.
            addresses_per_az: How many Elastic IPs each zone has. By default 1. One address carries 55,000 connections
                at a time to one destination (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
            eip_allocation_ids: Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default
                the network makes its own.
            egress_ips: The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish
                them. By default it does not know them.
            public_ipv4_pool: The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default
                Amazon's.
            ipam_pool_id: The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's.
        """
        options = _validated(MAX_PER_ZONAL_GATEWAY, locals())
        return cls._make(mode=EgressMode.SINGLE, keep_addresses=keep_addresses, **options)

    @classmethod
    @checked
    def regional(
        cls,
        *,
        # From Egress.per_az, by make signatures:
        addresses_per_az: int = 1,
        eip_allocation_ids: Sequence[str] = (),
        egress_ips: Sequence[str] = (),
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> "Egress":
        """One regional NAT gateway with addresses in each zone, at the price of a zonal gateway in each.

        In manual mode: in automatic mode AWS picks the addresses
        (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html).

        Args:
            addresses_per_az: How many Elastic IPs each zone has. By default 1. One address carries 55,000 connections
                at a time to one destination (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
            eip_allocation_ids: Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default
                the network makes its own.
            egress_ips: The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish
                them. By default it does not know them.
            public_ipv4_pool: The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default
                Amazon's.
            ipam_pool_id: The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's.
        """
        return cls._make(mode=EgressMode.REGIONAL, **_validated(MAX_PER_REGIONAL_ZONE, locals()))

    @classmethod
    @checked
    def nat_instance(
        cls,
        *,
        instance_type: ec2.InstanceType | None = None,
        # From Egress.per_az, by make signatures:
        addresses_per_az: int = 1,
        eip_allocation_ids: Sequence[str] = (),
        egress_ips: Sequence[str] = (),
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> "Egress":
        """A small instance in each zone instead of a gateway: cheap, slower, and down for minutes when replaced.

        An instance has one address.

        Args:
            instance_type: The type of the instances. By default `t4g.nano`, some 3 USD a month.
            addresses_per_az: How many Elastic IPs each zone has. By default 1. One address carries 55,000 connections
                at a time to one destination (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
            eip_allocation_ids: Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default
                the network makes its own.
            egress_ips: The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish
                them. By default it does not know them.
            public_ipv4_pool: The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default
                Amazon's.
            ipam_pool_id: The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's.
        """
        return cls._make(mode=EgressMode.NAT_INSTANCE, instance_type=instance_type, **_validated(1, locals()))

    @classmethod
    @checked
    def isolated(
        cls,
        *,
        keep_addresses: bool = False,
        # From Egress.per_az, by make signatures:
        addresses_per_az: int = 1,
        eip_allocation_ids: Sequence[str] = (),
        egress_ips: Sequence[str] = (),
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> "Egress":
        """No egress: tasks reach AWS services through interface endpoints, and nothing else.

        Args:
            keep_addresses: Whether the network holds an address for each zone all the same. By default it does not:
                addresses that it had leave the stack but stay in the account. Keep them to use them again later.
            addresses_per_az: How many Elastic IPs each zone has. By default 1. One address carries 55,000 connections
                at a time to one destination (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
            eip_allocation_ids: Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default
                the network makes its own.
            egress_ips: The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish
                them. By default it does not know them.
            public_ipv4_pool: The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default
                Amazon's.
            ipam_pool_id: The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's.
        """
        options = _validated(MAX_PER_REGIONAL_ZONE, locals())
        return cls._make(mode=EgressMode.ISOLATED, keep_addresses=keep_addresses, **options)

    def paused(self) -> "Egress":
        """Return this egress without its gateways: no egress for now; all addresses are kept and not in use.

        Deploy it between two kinds of egress that need the same addresses: `Egress.per_az().paused()`, then the other.
        """
        return self._replace(is_paused=True)


def count_used_zones(egress: Egress, zones: int) -> int:
    """Return in how many of a network's zones, from the first on, gateways use the addresses."""
    return 0 if egress.is_paused else _count_egress_zones(egress, zones)


def count_held_zones(egress: Egress, zones: int) -> int:
    """Return for how many of a network's zones the network holds addresses, in use or not."""
    return zones if egress.keep_addresses else _count_egress_zones(egress, zones)


def given_allocation_ids(egress: Egress, zones: int) -> list[list[str]]:
    """Return the given allocation IDs of each zone; as many as needed, of a list that the CLI has yet to look up."""
    given, size = egress.eip_allocation_ids, egress.addresses_per_az
    needed = _count_egress_zones(egress, zones) * size
    if any(map(is_dummy, given)):
        given = [given[0]] * needed
    if given and len(given) != needed:
        raise ValueError(
            f"eip_allocation_ids must hold {needed}: {size} for each of the "
            f"{_count_egress_zones(egress, zones)} zones that Egress.{egress.mode.value}() uses, got: {len(given)}",
        )
    return [list(given[start : start + size]) for start in range(0, len(given), size)]


def _count_egress_zones(egress: Egress, zones: int) -> int:
    return {EgressMode.ISOLATED: 0, EgressMode.SINGLE: 1}.get(egress.mode, zones)


def _validated(max_addresses: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the addresses among a constructor's variables, or refuse what contradicts itself."""
    options = forward(Egress.per_az, given)
    addresses_per_az, allocation_ids = options["addresses_per_az"], options["eip_allocation_ids"]
    ips = options["egress_ips"]
    if not 1 <= addresses_per_az <= max_addresses:
        limits = f"1 to {max_addresses}" if max_addresses > 1 else "1"
        raise ValueError(f"addresses_per_az must be {limits} for this egress, got: {addresses_per_az}")
    validate_allocation_ids("eip_allocation_ids", allocation_ids)
    validate_ips("egress_ips", ips)
    validate_distinct("egress_ips", ips)
    sources = ("eip_allocation_ids", "public_ipv4_pool", "ipam_pool_id")
    several = [name for name in sources if options[name]]
    if len(several) > 1:
        raise ValueError(f"addresses come from one source, got: {' and '.join(several)}; give one of them")
    is_counted = not any(map(is_dummy, [*ips, *allocation_ids]))
    if is_counted and ips and len(ips) != len(allocation_ids):
        raise ValueError(
            f"egress_ips must name the address of each of the {len(allocation_ids)} eip_allocation_ids, "
            f"got: {len(ips)}",
        )
    return options
