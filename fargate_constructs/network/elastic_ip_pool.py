"""Elastic IPs that outlive the stack.

```
NAT gateway ──> [ElasticIpPool] ──> allow-lists, mail servers
```
"""

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct


class ElasticIpPool(Construct):
    """Numbered Elastic IPs, kept when the stack is deleted and when CloudFormation would replace one.

    An address's logical ID comes from the pool's place in the construct tree and from the address's number,
    never from a subnet or a zone: renaming those cannot lose an address that a partner put on an allow-list.

    Args:
        scope: The construct that owns the pool.
        id: The pool's ID; part of every address's logical ID.
        size: How many addresses. Growing the pool keeps those it has.

    Raises:
        ValueError: If *size* is below 1.
    """

    def __init__(self, scope: Construct, id: str, *, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1 address, got: {size}")
        super().__init__(scope, id)

        self.elastic_ips = [self._allocate(number) for number in range(1, size + 1)]

    @property
    def allocation_ids(self) -> list[str]:
        """The allocation ID of each address (`eipalloc-…`, a token until deployed), by number."""
        return [elastic_ip.attr_allocation_id for elastic_ip in self.elastic_ips]

    @property
    def public_ips(self) -> list[str]:
        """Each IPv4 address (a token until deployed), by number."""
        return [elastic_ip.attr_public_ip for elastic_ip in self.elastic_ips]

    def _allocate(self, number: int) -> ec2.CfnEIP:
        elastic_ip = ec2.CfnEIP(self, str(number), domain="vpc")
        elastic_ip.apply_removal_policy(RemovalPolicy.RETAIN)
        Tags.of(elastic_ip).add("Name", elastic_ip.node.path)
        return elastic_ip
