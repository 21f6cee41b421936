"""A network of a VPC that was made elsewhere, which leaves from the addresses that a person named."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct, IDependable

from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.environment_checks import may_have_ipv6
from fargate_constructs._core.subnets import internet_access_of, private_subnets_of, public_subnets_of, subnet_id_of
from fargate_constructs._core.unresolved import is_dummy, is_list_token, is_unresolved
from fargate_constructs._core.validation import validate_ips, validate_ipv6_cidrs
from fargate_constructs.network.network_metrics import NetworkMetrics
from fargate_constructs.synthesized.egress_proof import EgressProof


class ImportedNetwork(NetworkMetrics, Construct):
    """A VPC made elsewhere, as a network. Made by `FixedEgressNetwork.from_vpc`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        vpc: ec2.IVpc,
        *,
        egress_ips: Sequence[str],
        egress_ipv6_cidrs: Sequence[str],
        task_subnets: Sequence[ec2.ISubnet] | None,
    ) -> None:
        validate_ips("egress_ips", egress_ips)
        validate_ipv6_cidrs("egress_ipv6_cidrs", egress_ipv6_cidrs)
        if egress_ipv6_cidrs and not may_have_ipv6(vpc):
            raise ValueError(
                f"egress_ipv6_cidrs need a VPC with IPv6, got: {vpc.node.path} without; make it with "
                "ip_protocol=ec2.IpProtocol.DUAL_STACK, or its ec2.CfnVPCCidrBlock before this"
            )
        subnets = list(private_subnets_of(vpc) if task_subnets is None else task_subnets)
        if not subnets and is_dummy(vpc.vpc_id):
            subnets = list(private_subnets_of(vpc))  # the CLI has yet to look up a selection by name
        if not subnets:
            raise ValueError(
                f"the VPC {vpc.node.path} has no private subnets with egress to put tasks in: "
                "import it with private_subnet_ids, or pass task_subnets",
            )
        _validate_private(vpc, subnets)
        super().__init__(scope, id)

        self.vpc = vpc
        self.egress_ips: Sequence[str] = tuple(egress_ips)
        self.egress_ipv6_cidrs: Sequence[str] = tuple(egress_ipv6_cidrs)
        self.ip_protocol: ec2.IpProtocol = ec2.IpProtocol.DUAL_STACK if egress_ipv6_cidrs else ec2.IpProtocol.IPV4_ONLY
        """`DUAL_STACK` if the IPv6 ranges were named; tasks use IPv4 only otherwise."""
        self.is_isolated: bool = False
        """False: a VPC made elsewhere may have any egress."""
        self.resource_accounts: Sequence[str] | None = None
        """None: VPC endpoints made elsewhere lead to any account."""
        self.task_subnets: Sequence[ec2.ISubnet] = subnets
        if not egress_ips:
            Annotations.of(self).add_warning_v2(
                "fargate-constructs:unprovenEgress",
                "the routes of an imported VPC are unknown, so its egress addresses are unproven: "
                "pass egress_ips=[...] if you know them",
            )

    @property
    def nat_gateways(self) -> Sequence[ec2.CfnNatGateway]:
        """The NAT gateways of a VPC of this app; those of an imported VPC are not known."""
        return [each for each in self.vpc.node.find_all() if isinstance(each, ec2.CfnNatGateway)]

    @property
    def connectivity(self) -> Sequence[IDependable]:
        """What a task needs before it starts: the subnets' routes, if they are of this app."""
        return [*map(internet_access_of, self.task_subnets)]

    @cached_property
    def _proof(self) -> EgressProof:
        return EgressProof.of(self)

    def prove_egress(self, tasks: IConstruct) -> None:
        """Make synthesis fail if the VPC is in this app and tasks bypass its NAT gateways.

        It fails, too, if a gateway's addresses are not retained and were not named.
        """
        self._proof.add(
            tasks,
            subnets=self.task_subnets,
            trusts_given_addresses=bool(self.egress_ips),
            has_known_ipv6=bool(self.egress_ipv6_cidrs),
        )


def _validate_private(vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Refuse public subnets. The proof of egress does not read the routes of a VPC made elsewhere."""
    own, public = ([[subnet_id_of(each)] for each in some] for some in (subnets, public_subnets_of(vpc)))
    if any(is_unresolved(subnet_id) or is_list_token(subnet_id) for (subnet_id,) in [*own, *public]):
        # Two tokens of one export differ as texts, and resolve to the same reference.
        own, public = stack_of(vpc).resolve([own, public])
    for subnet, subnet_id in zip(subnets, own, strict=True):
        if subnet_id in public:
            raise ValueError(
                f"task_subnets must be private, got: {subnet.node.path}, a public subnet of {vpc.node.path}, from "
                "which tasks without a public address reach nothing; take vpc.private_subnets",
            )
