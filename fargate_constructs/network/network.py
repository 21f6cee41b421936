"""The interface of a network: what the other parts read of it."""

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct, IDependable


class Network(Protocol):
    """A VPC, its subnets for tasks, and the addresses that tasks leave from.

    `FixedEgressNetwork` is one; `FixedEgressNetwork.from_vpc` makes one of a VPC that exists.
    """

    @property
    def vpc(self) -> ec2.IVpc:
        """The VPC of the tasks and of the load balancer."""

    @property
    def task_subnets(self) -> Sequence[ec2.ISubnet]:
        """The private subnets of the tasks."""

    @property
    def egress_ips(self) -> Sequence[str]:
        """The IPv4 addresses that tasks leave from, as far as they are known."""

    @property
    def ip_protocol(self) -> ec2.IpProtocol:
        """`DUAL_STACK` if tasks use IPv6 too, from `egress_ipv6_cidrs`."""

    @property
    def egress_ipv6_cidrs(self) -> Sequence[str]:
        """The IPv6 ranges that tasks leave from, as far as they are known."""

    @property
    def is_isolated(self) -> bool:
        """Whether tasks are known to have no egress but interface endpoints."""

    @property
    def resource_accounts(self) -> Sequence[str] | None:
        """The accounts that VPC endpoints let tasks reach, beside this account; `None` if that is not known."""

    @property
    def connectivity(self) -> Sequence[IDependable]:
        """What a task needs before it starts: without it, no image can be pulled."""

    def prove_egress(self, tasks: IConstruct) -> None:
        """Make synthesis fail unless the tasks of a construct leave from those addresses, as far as it is known.

        Args:
            tasks: The construct whose tasks are checked.
        """
