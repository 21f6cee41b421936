"""The network in which tasks have no public address and leave from known ones.

```
caller ──> endpoint ──> service ──> [FixedEgressNetwork] ──> the world, from known Elastic IPs
                                     (NAT + retained EIPs)
```
"""

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import Annotations, Fn, RemovalPolicy, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs.network.elastic_ip_pool import ElasticIpPool

# An ALB needs two zones, and so does anything that is to survive the loss of one.
FEWEST_ZONES = 2
# No AWS region has more zones than us-east-1's six
# (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html).
# The address range is divided for all of them, so that using a further zone later moves no subnet.
RESERVED_ZONES = 6

# A /16 gives each zone a /20 for tasks (4,091 addresses) and a /24 for gateways and load balancers, and leaves
# 60 % of the range for whatever else the VPC will hold. An ALB wants at least a /27, a subnet at least a /28:
# that makes /19 the smallest range
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html).
TASK_SUBNET_BITS = 4
PUBLIC_SUBNET_BITS = 8
LARGEST_RANGE = 16
SMALLEST_RANGE = 19


class FixedEgressNetwork(Construct):
    """A VPC whose tasks sit in private subnets and reach the world from Elastic IPs that stay.

    Each zone has a NAT gateway on an Elastic IP of the construct's own pool. The addresses are retained when the
    stack is deleted, and their logical IDs depend on nothing but their number. S3 is reached through a gateway
    endpoint, which costs nothing and saves the NAT gateway's data charge. Flow logs are on, and the VPC's default
    security group admits nothing.

    ```python
    network = FixedEgressNetwork(stack, "Network")
    CfnOutput(stack, "EgressIps", value=",".join(network.egress_ips))
    ```

    Args:
        scope: The construct that owns the network.
        id: The construct's ID.
        cidr: The VPC's IPv4 range, `/16` to `/19`. By default `10.0.0.0/16`.
        max_azs: Over how many availability zones, 2 to 6: the region's first, in AWS's order; a region with fewer
            refuses the deployment. By default 2, each with a NAT gateway of its own, so that the loss of a zone
            takes no other zone's egress with it.
        flow_log_retention: How long the VPC's flow logs are kept in CloudWatch. By default one month.

    Raises:
        ValueError: If *cidr* is no such range, or *max_azs* is not 2 to 6.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cidr: str = "10.0.0.0/16",
        max_azs: int = 2,
        flow_log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        prefix = _validate_cidr(cidr)
        _validate_max_azs(max_azs)
        super().__init__(scope, id)

        self.elastic_ip_pool = ElasticIpPool(self, "EgressIps", size=max_azs)
        self.vpc: ec2.IVpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(max_azs)],
            reserved_azs=RESERVED_ZONES - max_azs,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=prefix + PUBLIC_SUBNET_BITS,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="Tasks",
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                    cidr_mask=prefix + TASK_SUBNET_BITS,
                ),
            ],
            nat_gateway_provider=ec2.NatProvider.gateway(eip_allocation_ids=self.elastic_ip_pool.allocation_ids),
            nat_gateways=max_azs,
            restrict_default_security_group=True,
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        self._log_flows(flow_log_retention)

    @staticmethod
    def from_vpc(
        scope: Construct,
        id: str,
        vpc: ec2.IVpc,
        *,
        egress_ips: Sequence[str] = (),
        task_subnets: Sequence[ec2.ISubnet] | None = None,
    ) -> "ImportedNetwork":
        """Use a VPC that exists, with its own way out.

        Args:
            scope: The construct that owns the network.
            id: The construct's ID.
            vpc: The VPC, made elsewhere or imported.
            egress_ips: The IPv4 addresses its tasks leave from, known to you. By default none, and synthesis warns
                that egress is unproven: routes of an imported VPC cannot be seen.
            task_subnets: Where tasks belong. By default the VPC's private subnets with egress.

        Raises:
            ValueError: If there are no such subnets.
        """
        return ImportedNetwork(scope, id, vpc, egress_ips=egress_ips, task_subnets=task_subnets)

    @property
    def egress_ips(self) -> Sequence[str]:
        """The IPv4 addresses that tasks leave from (tokens until deployed), by number."""
        return self.elastic_ip_pool.public_ips

    @property
    def task_subnets(self) -> Sequence[ec2.ISubnet]:
        """The private subnets of the tasks, one in each zone."""
        return self.vpc.private_subnets

    def _log_flows(self, retention: logs.RetentionDays) -> None:
        log_group = logs.LogGroup(self, "FlowLogs", retention=retention, removal_policy=RemovalPolicy.DESTROY)
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group))


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
        subnets = list(vpc.private_subnets if task_subnets is None else task_subnets)
        if not subnets:
            raise ValueError(
                f"the VPC {vpc.node.path} has no private subnets with egress to put tasks in: "
                "import it with private_subnet_ids, or pass task_subnets",
            )
        super().__init__(scope, id)

        self.vpc = vpc
        self.egress_ips: Sequence[str] = tuple(egress_ips)
        self.task_subnets: Sequence[ec2.ISubnet] = subnets
        if not egress_ips:
            Annotations.of(self).add_warning_v2(
                "fargate-constructs:unprovenEgress",
                "the routes of an imported VPC cannot be seen, so its egress addresses are unproven: "
                "pass egress_ips=[...] if you know them",
            )


def _validate_cidr(cidr: str) -> int:
    """Return the range's prefix length."""
    allowed = f"an IPv4 network of /{LARGEST_RANGE} to /{SMALLEST_RANGE}, such as 10.0.0.0/{LARGEST_RANGE}"
    if Token.is_unresolved(cidr):
        raise ValueError(f"cidr must be known at synth, since subnets are cut from it: give {allowed}")
    try:
        prefix = IPv4Network(cidr).prefixlen
    except ValueError as error:
        raise ValueError(f"cidr must be {allowed}, got: {cidr!r} ({error})") from error
    if not LARGEST_RANGE <= prefix <= SMALLEST_RANGE:
        raise ValueError(f"cidr must be {allowed}, got: {cidr!r}")
    return prefix


def _validate_max_azs(max_azs: int) -> None:
    if not FEWEST_ZONES <= max_azs <= RESERVED_ZONES:
        raise ValueError(f"max_azs must be {FEWEST_ZONES} to {RESERVED_ZONES}, got: {max_azs}")
