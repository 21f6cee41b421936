"""How a network's range is divided among zones, once and for all.

```
range ──> [public and task subnets for six zones] ──> VPC
```
"""

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import Fn, Stack, Token
from constructs import IConstruct

from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs._core.validation import validate_list

# An ALB needs two zones, and so does anything that is to survive the loss of one.
FEWEST_ZONES = 2
# No AWS region has more zones than us-east-1's six
# (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html).
# The address range is divided for all of them, so that using a further zone later moves no subnet.
RESERVED_ZONES = 6

# A /16 gives each zone a /20 for tasks (4,091 addresses) and a /24 for gateways and load balancers, and leaves
# 60 % of the range for whatever else the VPC will hold. An ALB wants at least a /27: that makes /19 the smallest range
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html).
TASK_SUBNET_BITS = 4
PUBLIC_SUBNET_BITS = 8
LARGEST_RANGE = 16
SMALLEST_RANGE = 19
STAND_IN = IPv4Network(f"10.0.0.0/{LARGEST_RANGE}")
ALLOWED = f"an IPv4 network of /{LARGEST_RANGE} to /{SMALLEST_RANGE}, such as 10.0.0.0/{LARGEST_RANGE}"


def planned_range(cidr: str, avoid_cidrs: Sequence[str]) -> IPv4Network:
    """Return the range; one that fits for what the CLI has yet to look up.

    Raises:
        ValueError: If it is no range that can be divided, or overlaps one of *avoid_cidrs*.
    """
    if is_dummy(cidr):
        return STAND_IN
    network = _network("cidr", cidr, ALLOWED)
    if not LARGEST_RANGE <= network.prefixlen <= SMALLEST_RANGE:
        raise ValueError(f"cidr must be {ALLOWED}, got: {cidr!r}")
    others = [
        _network("avoid_cidrs", other, "IPv4 networks, such as 10.0.0.0/8", strict=False)
        for other in avoid_cidrs
        if not is_dummy(other)
    ]
    for other in others:
        if network.overlaps(other):
            raise ValueError(
                f"cidr must not overlap {other}, got: {cidr!r}; free: {_free_range(network.prefixlen, others)}",
            )
    return network


def validate_zones(scope: IConstruct, max_azs: int, availability_zones: Sequence[str]) -> None:
    """Refuse a number of zones that no network can have, or not this region as far as it is known.

    Raises:
        ValueError: If *max_azs* is not 2 to 6, or above the number of zones in the context of a stack with a region, or
            *availability_zones* are not as many.
    """
    if Token.is_unresolved(max_azs):
        raise ValueError("max_azs must be known at synth, got a token: so many subnets are made")
    if not FEWEST_ZONES <= max_azs <= RESERVED_ZONES:
        raise ValueError(f"max_azs must be {FEWEST_ZONES} to {RESERVED_ZONES}, got: {max_azs}")
    validate_list("availability_zones", availability_zones)
    is_counted = not any(map(is_dummy, availability_zones))
    if is_counted and availability_zones and len(set(availability_zones)) != max_azs:
        raise ValueError(f"availability_zones must be max_azs={max_azs} zones, got: {list(availability_zones)}")
    stack = Stack.of(scope)
    # What `cdk synth` looked up before, and wrote to cdk.context.json; read without asking for a look-up.
    known = scope.node.try_get_context(f"availability-zones:account={stack.account}:region={stack.region}")
    if known and max_azs > len(known):
        raise ValueError(f"max_azs must be at most {len(known)} in {stack.region}, got: {max_azs}")


def zones_of(max_azs: int, availability_zones: Sequence[str]) -> list[str]:
    """Return the zones that were chosen, unless the CLI has yet to look them up, or else the region's first."""
    is_chosen = availability_zones and not any(map(is_dummy, availability_zones))
    return list(availability_zones) if is_chosen else [Fn.select(zone, Fn.get_azs()) for zone in range(max_azs)]


def _network(name: str, cidr: str, allowed: str, *, strict: bool = True) -> IPv4Network:
    if Token.is_unresolved(cidr):
        raise ValueError(f"{name} must be known at synth, since subnets are cut by it: give {allowed}")
    try:
        return IPv4Network(cidr, strict=strict)
    except ValueError as error:
        raise ValueError(f"{name} must be {allowed}, got: {cidr!r} ({error})") from error


def _free_range(prefix: int, taken: Sequence[IPv4Network]) -> str:
    """Return the first private range of the size that overlaps none of the taken ones."""
    private = (IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
    candidates = (each for block in private for each in block.subnets(new_prefix=max(prefix, block.prefixlen)))
    free = (str(each) for each in candidates if not any(map(each.overlaps, taken)))
    return next(free, "none of this size")
