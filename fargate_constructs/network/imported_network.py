"""A network made elsewhere.

```
caller ──> endpoint ──> service ──> [ImportedNetwork] ──> the world, from the addresses it is said to have
```
"""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct, IDependable

from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs._core.validation import validate_ips
from fargate_constructs.synthesized.egress_proof import EgressProof


class ImportedNetwork(Construct):
    """A VPC made elsewhere, as a network. Made by `FixedEgressNetwork.from_vpc`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        vpc: ec2.IVpc,
        *,
        egress_ips: Sequence[str],
        task_subnets: Sequence[ec2.ISubnet] | None,
    ) -> None:
        validate_ips("egress_ips", egress_ips)
        subnets = list(vpc.private_subnets if task_subnets is None else task_subnets)
        if not subnets and is_dummy(vpc.vpc_id):
            subnets = vpc.private_subnets  # a selection by name finds none until the CLI has looked them up
        if not subnets:
            raise ValueError(
                f"the VPC {vpc.node.path} has no private subnets with egress to put tasks in: "
                "import it with private_subnet_ids, or pass task_subnets",
            )
        _validate_private(vpc, subnets)
        super().__init__(scope, id)

        self.vpc = vpc
        self.egress_ips: Sequence[str] = tuple(egress_ips)
        self.is_isolated = False
        """A VPC made elsewhere may have any way out."""
        self.resource_accounts: Sequence[str] | None = None
        self.task_subnets: Sequence[ec2.ISubnet] = subnets
        if not egress_ips:
            Annotations.of(self).add_warning_v2(
                "fargate-constructs:unprovenEgress",
                "the routes of an imported VPC cannot be seen, so its egress addresses are unproven: "
                "pass egress_ips=[...] if you know them",
            )

    @property
    def connectivity(self) -> Sequence[IDependable]:
        """What must be there before a task starts: the subnets' way out, if it is of this app."""
        return [subnet.internet_connectivity_established for subnet in self.task_subnets]

    @cached_property
    def _proof(self) -> EgressProof:
        return EgressProof.of(self)

    def prove_egress(self, tasks: IConstruct) -> None:
        """Let synthesis fail if the VPC is one of this app's and lets tasks leave past its NAT gateways.

        Or from a gateway whose addresses may go, unless they were named.
        """
        self._proof.add(tasks, subnets=self.task_subnets, trusts_given_addresses=bool(self.egress_ips))


def _validate_private(vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Refuse public subnets. The proof of egress cannot: it does not see the routes of a VPC made elsewhere."""
    # Two tokens of one export are two texts, and resolve to one reference.
    stack = Stack.of(vpc)
    public = stack.resolve([[subnet.subnet_id] for subnet in vpc.public_subnets])
    for subnet in subnets:
        if stack.resolve([subnet.subnet_id]) in public:
            raise ValueError(
                f"task_subnets must be private, got: {subnet.node.path}, a public subnet of {vpc.node.path}, from "
                "which tasks without a public address reach nothing; take vpc.private_subnets",
            )
