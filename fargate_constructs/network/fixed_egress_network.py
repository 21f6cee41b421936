"""The network in which tasks have no public address and leave from known ones.

```
caller ──> endpoint ──> service ──> [FixedEgressNetwork] ──> the world, from known Elastic IPs
                                     (NAT + retained EIPs)
```
"""

from collections.abc import Sequence
from functools import cached_property
from ipaddress import IPv4Network
from typing import cast

from aws_cdk import Annotations, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IConstruct, IDependable

from fargate_constructs._core.account_trust import restrict_to_account
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, LOG_GROUP, acknowledge
from fargate_constructs.network.address_plan import (
    PUBLIC_SUBNET_BITS,
    RESERVED_ZONES,
    TASK_SUBNET_BITS,
    planned_range,
    validate_zones,
    zones_of,
)
from fargate_constructs.network.egress import Egress, EgressMode
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.endpoint_policies import validate_accounts
from fargate_constructs.network.imported_network import ImportedNetwork
from fargate_constructs.network.nat_gateways import add_nat_gateways, internet_access
from fargate_constructs.network.reverse_dns import ReverseDns
from fargate_constructs.network.vpc_endpoints import VpcEndpoints, add_vpc_endpoints
from fargate_constructs.synthesized.egress_proof import EgressProof

# An Elastic IP is billed whether or not it is in use: 0.005 USD an hour (https://aws.amazon.com/vpc/pricing/).
ADDRESS_USD_A_MONTH = 3.65


class FixedEgressNetwork(Construct):
    """A VPC whose tasks sit in private subnets and reach the world from Elastic IPs that stay.

    The addresses are the network's own. They are retained when the stack is deleted, and their logical IDs depend on
    nothing but their number: not on subnets, zones' names or the way out. S3 is reached through a gateway endpoint,
    which costs nothing and saves the NAT gateway's data charge. Flow logs are on, and the VPC's default security group
    admits nothing.

    ```python
    network = FixedEgressNetwork(stack, "Network", egress=Egress.per_az())
    CfnOutput(stack, "EgressIps", value=",".join(network.egress_ips))
    ```

    Args:
        scope: The construct that owns the network.
        id: The construct's ID.
        egress: How tasks leave. By default `Egress.per_az()`: a NAT gateway in each zone, so that the loss of a zone
            takes no other zone's egress with it.
        cidr: The VPC's IPv4 range, `/16` to `/19`. By default `10.0.0.0/16`.
        avoid_cidrs: Ranges that *cidr* must not overlap, such as those of networks it will be peered with. By default
            none.
        max_azs: Over how many availability zones, 2 to 6: the region's first, in AWS's order; a region with fewer
            refuses the deployment. By default 2. A further zone later moves no subnet and changes no address.
        availability_zones: The names of the zones, such as `ap-northeast-1a`, as many as *max_azs*; a name may be
            another zone in another account. By default the region's first. Fargate is not in every zone, such as
            `apne1-az3` of Tokyo (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html);
            `aws ec2 describe-availability-zones` shows which name stands for which ID. Another zone replaces its
            subnets: choose at the start, and keep the order.
        endpoints: Sets of interface endpoints, through which tasks reach AWS without the way out. By default none;
            with `Egress.isolated()` what tasks cannot start without.
        resource_accounts: Accounts whose resources tasks reach through the VPC endpoints, S3's included, beside this
            account's: say those that hold your images. Keys of other accounts are not let through. By default, with
            `Egress.isolated()` no further account; with a way out any account, with any keys: give `[]` for none.
        flow_log_retention: How long the VPC's flow logs are kept in CloudWatch, which bills all traffic's; `None` for
            no flow logs. By default one month.

    Raises:
        ValueError: If *cidr* is no such range or overlaps another, *max_azs* is not 2 to 6 or more than the region is
            known to have, *availability_zones* are not as many, *egress* brings another number of addresses than it
            needs, or *resource_accounts* holds what is no account's ID.
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        egress: Egress | None = None,
        cidr: str = "10.0.0.0/16",
        avoid_cidrs: Sequence[str] = (),
        max_azs: int = 2,
        availability_zones: Sequence[str] = (),
        endpoints: Sequence[VpcEndpoints] = (),
        resource_accounts: Sequence[str] | None = None,
        flow_log_retention: logs.RetentionDays | None = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        egress = egress or Egress.per_az()
        address_range = planned_range(cidr, avoid_cidrs)
        validate_zones(scope, max_azs, availability_zones)
        egress.validate_for(max_azs)
        validate_accounts("resource_accounts", resource_accounts or ())
        super().__init__(scope, id)

        self.egress = egress
        self.resource_accounts: Sequence[str] | None = resource_accounts
        """The accounts whose resources tasks reach through the VPC endpoints, beside this one; `None` for any."""
        if resource_accounts is None and self.is_isolated:
            self.resource_accounts = ()
        self._max_azs = max_azs
        self._zones = zones_of(max_azs, availability_zones)
        self.elastic_ip_pool = self._make_pool()
        """The network's own addresses; `None` if it was given some, or has no way out."""
        self._vpc = self._make_vpc(address_range)
        if self.elastic_ip_pool:
            self.elastic_ip_pool.node.add_dependency(internet_access(self._vpc))
        # Asked for once: each answer costs a message to Node, and every service asks.
        self._task_subnets = self._vpc.private_subnets
        self._ways_out = [subnet.internet_connectivity_established for subnet in self._task_subnets]
        add_nat_gateways(self, egress, self._vpc, self._allocation_ids())
        self.vpc_endpoints = self._make_endpoints(endpoints)
        """The endpoints that were asked for, and with `Egress.isolated()` those that tasks cannot do without."""
        if flow_log_retention is not None:
            self._log_flows(flow_log_retention)
        self._tell_unused_addresses()

    @staticmethod
    @checked
    def from_vpc(
        scope: Construct,
        id: str,
        vpc: ec2.IVpc,
        *,
        egress_ips: Sequence[str] = (),
        task_subnets: Sequence[ec2.ISubnet] | None = None,
    ) -> ImportedNetwork:
        """Use a VPC that exists, with its own way out.

        Args:
            scope: The construct that owns the network.
            id: The construct's ID.
            vpc: The VPC, made elsewhere or imported.
            egress_ips: The IPv4 addresses its tasks leave from, known to you. By default none, and synthesis warns
                that egress is unproven: routes of an imported VPC cannot be seen.
            task_subnets: Where tasks belong. By default the VPC's private subnets with egress.

        Raises:
            ValueError: If there are no such subnets, or one is a public subnet of the VPC.
        """
        return ImportedNetwork(scope, id, vpc, egress_ips=egress_ips, task_subnets=task_subnets)

    @property
    def vpc(self) -> ec2.IVpc:
        """The VPC."""
        return self._vpc

    @property
    def task_subnets(self) -> Sequence[ec2.ISubnet]:
        """The private subnets of the tasks, one in each zone."""
        return self._task_subnets

    @property
    def is_isolated(self) -> bool:
        """Whether it has `Egress.isolated()`."""
        return self.egress.mode is EgressMode.ISOLATED

    @property
    def connectivity(self) -> Sequence[IDependable]:
        """What must be there before a task starts: the way out, and the endpoints."""
        return [*self._ways_out, *self.vpc_endpoints]

    @property
    def egress_ips(self) -> Sequence[str]:
        """The IPv4 addresses that tasks leave from or may leave from after a change of egress, zone by zone.

        Tokens until deployed, unless the egress was given its addresses; then those, as far as they were named.
        """
        return self.elastic_ip_pool.public_ips if self.elastic_ip_pool else self.egress.addresses.egress_ips

    @property
    def egress_cidrs(self) -> Sequence[str]:
        """The addresses as ranges, `203.0.113.7/32`, as allow-lists and security groups want them."""
        return [f"{ip}/32" for ip in self.egress_ips]

    @checked
    def publish(self, *, parameter_name: str) -> ssm.StringListParameter:
        """Write the addresses to a parameter of SSM, for other teams' stacks to read.

        Args:
            parameter_name: The parameter's name, such as `/network/egress-ips`.

        Raises:
            ValueError: If the addresses are not known, or are published already.
        """
        public_ips = self._known_ips("publish")
        if published := self.node.try_find_child("EgressIpsParameter"):
            raise ValueError(
                f"publish writes one parameter, got {parameter_name!r} beside {published.node.path}; make another by "
                "ssm.StringListParameter(..., string_list_value=network.egress_ips)",
            )
        return ssm.StringListParameter(
            self,
            "EgressIpsParameter",
            parameter_name=parameter_name,
            description=f"The addresses that tasks in {self.node.path} leave from",
            string_list_value=list(public_ips),
        )

    @checked
    def add_reverse_dns(self, *, hosted_zone: route53.IHostedZone, name: str) -> ReverseDns:
        """Give the addresses a name that mail servers find both ways.

        Args:
            hosted_zone: The zone of *name*, in which the forward record is made.
            name: The name, such as `mail.example.com`.

        Raises:
            ValueError: If the addresses are not known or have a name already, or this one cannot be made.
        """
        public_ips = self._known_ips("add_reverse_dns")
        if self.node.try_find_child("ReverseDns"):
            raise ValueError(
                f"the addresses have a name already, got another: {name!r}; reverse DNS knows one, so call this once"
            )
        allocation_ids = [each for zone in self._allocation_ids() for each in zone]
        return ReverseDns(
            self,
            "ReverseDns",
            hosted_zone=hosted_zone,
            name=name,
            # As many as each other, unless the CLI has yet to look one of the lists up: `Egress` counted them.
            addresses=list(zip(allocation_ids, public_ips, strict=False)),
        )

    @cached_property
    def _proof(self) -> EgressProof:
        return EgressProof.of(self)

    def prove_egress(self, tasks: IConstruct) -> None:
        """Let synthesis fail unless the tasks of a construct leave from the network's addresses.

        `FargateService` asks for it; ask for what else runs in the network.
        """
        self._proof.add(
            tasks,
            subnets=self.task_subnets,
            known_allocation_ids=self.egress.addresses.eip_allocation_ids,
        )

    def _make_pool(self) -> ElasticIpPool | None:
        addresses = self.egress.addresses
        zones = self.egress.held_zones(self._max_azs)
        if addresses.eip_allocation_ids or not zones:
            return None
        return ElasticIpPool(
            self,
            "EgressIps",
            zones=zones,
            addresses_per_az=addresses.addresses_per_az,
            public_ipv4_pool=addresses.public_ipv4_pool,
            ipam_pool_id=addresses.ipam_pool_id,
        )

    def _make_vpc(self, address_range: IPv4Network) -> ec2.Vpc:
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(str(address_range)),
            availability_zones=self._zones,
            reserved_azs=RESERVED_ZONES - self._max_azs,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=address_range.prefixlen + PUBLIC_SUBNET_BITS,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="Tasks",
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                    cidr_mask=address_range.prefixlen + TASK_SUBNET_BITS,
                ),
            ],
            # The way out is made apart from the VPC, so that changing it touches no subnet.
            nat_gateways=0,
            restrict_default_security_group=True,
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        for subnet in vpc.public_subnets:
            acknowledge(
                subnet,
                {"VPCNoUnrestrictedRouteToIGW": "NAT and load balancers stand in public subnets; tasks never do."},
            )
        return vpc

    def _make_endpoints(self, endpoints: Sequence[VpcEndpoints]) -> list[ec2.VpcEndpoint]:
        if self.resource_accounts is None:
            return add_vpc_endpoints(self._vpc, endpoints)
        isolated = VpcEndpoints.for_isolated_tasks if self.is_isolated else ()
        # S3's endpoint is there in any case, and gets a policy, too.
        sets = [*endpoints, *isolated, VpcEndpoints.s3]
        return add_vpc_endpoints(self._vpc, sets, resource_accounts=self.resource_accounts)

    def _allocation_ids(self) -> list[list[str]]:
        """Return the Elastic IPs of each zone."""
        if self.elastic_ip_pool:
            return [[each.attr_allocation_id for each in zone] for zone in self.elastic_ip_pool.by_zone]
        given, size = self.egress.allocation_ids(self._max_azs), self.egress.addresses.addresses_per_az
        return [list(given[start : start + size]) for start in range(0, len(given), size)]

    def _known_ips(self, purpose: str) -> Sequence[str]:
        if not self.egress_ips:
            raise ValueError(
                f"{purpose} needs the network's addresses, got none from Egress.{self.egress.mode.value}(): "
                "name egress_ips=[...] beside eip_allocation_ids",
            )
        return self.egress_ips

    def _log_flows(self, retention: logs.RetentionDays) -> None:
        log_group = logs.LogGroup(self, "FlowLogs", retention=retention, removal_policy=RemovalPolicy.DESTROY)
        acknowledge(log_group, LOG_GROUP)
        flow_log = self._vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group))
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html. CDK's role, for with another one the
        # flow log is replaced, and AWS takes no second one to the same log group beside it.
        restrict_to_account(cast(iam.IRole, flow_log.iam_role))
        acknowledge(flow_log, INLINE_POLICY)

    def _tell_unused_addresses(self) -> None:
        unused = (
            self.egress.held_zones(self._max_azs) - self.egress.used_zones(self._max_azs)
        ) * self.egress.addresses.addresses_per_az
        if self.elastic_ip_pool and unused:
            Annotations.of(self).add_info_v2(
                "fargate-constructs:unusedAddresses",
                f"{unused} of {len(self.egress_ips)} Elastic IPs are not in use, at {unused * ADDRESS_USD_A_MONTH:.2f} "
                "USD a month: they wait for another egress; docs/network.md says how to release them",
            )
