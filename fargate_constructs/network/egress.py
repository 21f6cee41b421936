"""How tasks leave, and from which addresses.

```
task ──> private subnet ──> [egress: gateways] ──> [egress: addresses] ──> the world
```
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypedDict, Unpack

from aws_cdk import aws_ec2 as ec2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs._core.validation import validate_allocation_ids, validate_ips

# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: a NAT gateway holds up to 8 Elastic IPs
# (2 until the quota is raised), a regional one up to 32 in each zone.
MAX_PER_ZONAL_GATEWAY = 8
MAX_PER_REGIONAL_ZONE = 32


class EgressMode(Enum):
    """The ways out that there are."""

    PER_AZ = "per_az"
    SINGLE = "single"
    REGIONAL = "regional"
    NAT_INSTANCE = "nat_instance"
    ISOLATED = "isolated"


class AddressOptions(TypedDict, total=False):
    """Where the addresses of an egress come from; each named constructor of `Egress` takes these."""

    addresses_per_az: int
    """How many Elastic IPs each gateway, or each zone of a regional one, has; by default 1. One address carries 55,000
    connections at a time to one destination
    (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html)."""
    eip_allocation_ids: Sequence[str]
    """Elastic IPs that exist (`eipalloc-…`): the first zone's, then the second's. By default the network makes its
    own."""
    egress_ips: Sequence[str]
    """The IPv4 addresses of *eip_allocation_ids*, in the same order, so that the network can publish them."""
    public_ipv4_pool: str
    """The pool (`ipv4pool-ec2-…`) of addresses that your company brought to AWS. By default Amazon's."""
    ipam_pool_id: str
    """The IPAM pool (`ipam-pool-…`) to take addresses from. By default Amazon's."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the addresses come from; checked. See `AddressOptions`."""

    addresses_per_az: int = 1
    eip_allocation_ids: Sequence[str] = ()
    egress_ips: Sequence[str] = ()
    public_ipv4_pool: str | None = None
    ipam_pool_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.addresses_per_az < 1:
            raise ValueError(f"addresses_per_az must be at least 1, got: {self.addresses_per_az}")
        validate_allocation_ids("eip_allocation_ids", self.eip_allocation_ids)
        validate_ips("egress_ips", self.egress_ips)
        sources = ("eip_allocation_ids", "public_ipv4_pool", "ipam_pool_id")
        given = [name for name in sources if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"addresses come from one source, got: {' and '.join(given)}; give one of them")
        is_counted = not any(map(is_dummy, [*self.egress_ips, *self.eip_allocation_ids]))
        if is_counted and self.egress_ips and len(self.egress_ips) != len(self.eip_allocation_ids):
            raise ValueError(
                f"egress_ips must name the address of each of the {len(self.eip_allocation_ids)} eip_allocation_ids, "
                f"got: {len(self.egress_ips)}",
            )


@dataclass(frozen=True, kw_only=True)
class Egress:
    """How tasks leave. Made by one of the named constructors, never by hand.

    ```python
    FixedEgressNetwork(stack, "Network", egress=Egress.per_az(addresses_per_az=2))
    FixedEgressNetwork(stack, "Network", egress=Egress.single())
    ```

    The addresses belong to the network, not to the way out: moving from one to another keeps them. `docs/network.md`
    compares the ways, and says which moves go in one deployment and which by way of `paused()`.
    """

    mode: EgressMode
    addresses: Addresses = field(default_factory=Addresses)
    keep_addresses: bool = True
    instance_type: ec2.InstanceType | None = None
    is_paused: bool = False

    @classmethod
    @checked
    def per_az(cls, **addresses: Unpack[AddressOptions]) -> "Egress":
        """A NAT gateway in each zone, 33 USD a month each: losing a zone takes no other zone's egress with it."""
        return cls(mode=EgressMode.PER_AZ, addresses=_checked(MAX_PER_ZONAL_GATEWAY, addresses))

    @classmethod
    @checked
    def single(cls, *, keep_addresses: bool = True, **addresses: Unpack[AddressOptions]) -> "Egress":
        """One NAT gateway for all zones, 33 USD a month: losing its zone takes everybody's egress.

        Args:
            keep_addresses: Whether the network holds an address for each zone, though only the first zone's are in
                use. By default it does, and synthesis says what that costs: `per_az` later needs no new entry on
                anybody's allow-list.
            addresses: See `AddressOptions`.
        """
        own = _checked(MAX_PER_ZONAL_GATEWAY, addresses)
        return cls(mode=EgressMode.SINGLE, addresses=own, keep_addresses=keep_addresses)

    @classmethod
    @checked
    def regional(cls, **addresses: Unpack[AddressOptions]) -> "Egress":
        """One regional NAT gateway with addresses of its own in each zone, at the price of a zonal one in each.

        In manual mode: left to itself AWS would pick the addresses
        (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html).
        """
        return cls(mode=EgressMode.REGIONAL, addresses=_checked(MAX_PER_REGIONAL_ZONE, addresses))

    @classmethod
    @checked
    def nat_instance(
        cls, *, instance_type: ec2.InstanceType | None = None, **addresses: Unpack[AddressOptions]
    ) -> "Egress":
        """A small instance in each zone instead of a gateway: cheap, slower, and away for minutes when replaced.

        Args:
            instance_type: By default `t4g.nano`, some 3 USD a month.
            addresses: See `AddressOptions`; an instance has one address.
        """
        return cls(mode=EgressMode.NAT_INSTANCE, addresses=_checked(1, addresses), instance_type=instance_type)

    @classmethod
    @checked
    def isolated(cls, *, keep_addresses: bool = False, **addresses: Unpack[AddressOptions]) -> "Egress":
        """No way out: tasks reach AWS through interface endpoints, and nothing else.

        Args:
            keep_addresses: Whether the network holds an address for each zone all the same. By default it does not;
                if it had some, they leave the stack but not the account. Keep them to come back to them.
            addresses: See `AddressOptions`.
        """
        own = _checked(MAX_PER_REGIONAL_ZONE, addresses)
        return cls(mode=EgressMode.ISOLATED, addresses=own, keep_addresses=keep_addresses)

    def paused(self) -> "Egress":
        """Return this egress without its gateways: no way out for now, but all its addresses kept, and free.

        The step between two ways out that want the same addresses: `Egress.per_az().paused()`, then the other.
        """
        return replace(self, is_paused=True)

    def used_zones(self, zones: int) -> int:
        """Return of how many of the network's zones the addresses are in use; the first ones."""
        return 0 if self.is_paused else self._wanted_zones(zones)

    def held_zones(self, zones: int) -> int:
        """Return for how many of the network's zones it holds addresses, in use or not."""
        return zones if self.keep_addresses else self._wanted_zones(zones)

    def validate_for(self, zones: int) -> None:
        """Refuse the wrong number of addresses.

        Raises:
            ValueError: If there are other than one group of *eip_allocation_ids* for each zone in use.
        """
        given = len(self.allocation_ids(zones))
        needed = self._needed(zones)
        if given and given != needed:
            raise ValueError(
                f"eip_allocation_ids must hold {needed}: {self.addresses.addresses_per_az} for each of the "
                f"{self._wanted_zones(zones)} zones that Egress.{self.mode.value}() uses, got: {given}",
            )

    def allocation_ids(self, zones: int) -> Sequence[str]:
        """Return those that were given; as many as are needed, of a list that the CLI has yet to look up."""
        given = self.addresses.eip_allocation_ids
        return [given[0]] * self._needed(zones) if any(map(is_dummy, given)) else given

    def _needed(self, zones: int) -> int:
        return self._wanted_zones(zones) * self.addresses.addresses_per_az

    def _wanted_zones(self, zones: int) -> int:
        match self.mode:
            case EgressMode.ISOLATED:
                return 0
            case EgressMode.SINGLE:
                return 1
            case _:
                return zones


def _checked(most: int, options: AddressOptions) -> Addresses:
    addresses = Addresses(**options)
    if addresses.addresses_per_az > most:
        raise ValueError(f"addresses_per_az must be at most {most} here, got: {addresses.addresses_per_az}")
    return addresses
