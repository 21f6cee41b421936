"""Elastic IPs that stay when the stack is deleted."""

from aws_cdk import Annotations, RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place, path_of
from fargate_constructs.network.address_plan import RESERVED_ZONES

# An Elastic IP is billed whether or not it is in use: 0.005 USD an hour (https://aws.amazon.com/vpc/pricing/).
USD_A_MONTH = 3.65


class ElasticIpPool(Construct):
    """Numbered Elastic IPs, retained when the stack is deleted and when CloudFormation would replace one.

    An address's logical ID depends on the pool's construct path and on the address's number, and not on a subnet, a
    gateway or a zone name. The first address of zone 1 has number 1, that of zone 2 number 2, up to 6. The second
    addresses begin at 7, the third ones at 13. So more zones or more addresses for each zone change no number.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        zones: int = 1,
        addresses_per_az: int = 1,
        public_ipv4_pool: str | None = None,
        ipam_pool_id: str | None = None,
    ) -> None:
        """Numbered Elastic IPs, retained when the stack is deleted and when CloudFormation would replace one.

        Args:
            scope: The construct that owns the pool.
            id: The pool's ID; part of every address's logical ID.
            zones: For how many zones. By default 1.
            addresses_per_az: How many addresses each zone has. By default 1.
            public_ipv4_pool: The pool of your own addresses to take them from. By default Amazon's.
            ipam_pool_id: The IPAM pool to take them from. By default none.

        Raises:
            ValueError: If *zones* is not 1 to 6, or *addresses_per_az* is below 1.
        """
        if not 1 <= zones <= RESERVED_ZONES:
            raise ValueError(f"zones must be 1 to {RESERVED_ZONES}, got: {zones}")
        if addresses_per_az < 1:
            raise ValueError(f"addresses_per_az must be at least 1, got: {addresses_per_az}")
        super().__init__(scope, id)
        keep_place(self, scope, id)

        self._public_ipv4_pool = public_ipv4_pool
        self._ipam_pool_id = ipam_pool_id
        self.by_zone: list[list[ec2.CfnEIP]] = [
            [self._allocate(zone + rank * RESERVED_ZONES) for rank in range(addresses_per_az)]
            for zone in range(1, zones + 1)
        ]
        """The Elastic IPs of each zone, the first zone's first."""

    @property
    def elastic_ips(self) -> list[ec2.CfnEIP]:
        """All Elastic IPs, zone by zone."""
        return [elastic_ip for zone in self.by_zone for elastic_ip in zone]

    @property
    def allocation_ids(self) -> list[str]:
        """All allocation IDs (`eipalloc-…`, tokens until deployed), zone by zone."""
        return [elastic_ip.attr_allocation_id for elastic_ip in self.elastic_ips]

    @property
    def public_ips(self) -> list[str]:
        """All IPv4 addresses (tokens until deployed), zone by zone."""
        return [elastic_ip.attr_public_ip for elastic_ip in self.elastic_ips]

    def _allocate(self, number: int) -> ec2.CfnEIP:
        elastic_ip = ec2.CfnEIP(
            self,
            str(number),
            domain="vpc",
            public_ipv4_pool=self._public_ipv4_pool,
            ipam_pool_id=self._ipam_pool_id,
        )
        # A first deployment that fails does release them: a region has a quota of five.
        elastic_ip.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        Tags.of(elastic_ip).add("Name", f"{path_of(self)}/{number}")
        return elastic_ip


def report_unused(network: Construct, unused: int, *, of: int) -> None:
    """Add a note with the cost of the addresses that a network keeps for another egress."""
    if unused:
        Annotations.of(network).add_info_v2(
            "fargate-constructs:unusedAddresses",
            f"{unused} of {of} Elastic IPs are not in use, at {unused * USD_A_MONTH:.2f} USD a month: kept for "
            "another egress; docs/network.md says how to release them",
        )
