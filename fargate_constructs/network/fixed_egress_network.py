"""The network of the tasks: they have no public address, and leave from known Elastic IPs.

```
caller ──> endpoint ──> service ──> [FixedEgressNetwork] ──> internet, from known Elastic IPs
                                     (NAT + retained EIPs)
```
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct, IDependable

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.subnets import internet_access_of, private_subnets_of
from fargate_constructs.network.address_plan import choose_zones, make_vpc, parse_cidr, validate_zones
from fargate_constructs.network.egress import (
    Egress,
    EgressMode,
    count_held_zones,
    count_used_zones,
    given_allocation_ids,
)
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool, report_unused
from fargate_constructs.network.flow_logs import log_flows
from fargate_constructs.network.imported_network import ImportedNetwork
from fargate_constructs.network.nat_gateways import add_nat_gateways, internet_gateway_attachment
from fargate_constructs.network.nat_instance import NatInstance
from fargate_constructs.network.network_metrics import NetworkMetrics
from fargate_constructs.network.vpc_endpoint_policies import validate_accounts
from fargate_constructs.network.vpc_endpoints import VpcEndpoints, add_vpc_endpoints
from fargate_constructs.synthesized.egress_proof import EgressProof

if TYPE_CHECKING:
    from fargate_constructs.network.reverse_dns import ReverseDns


class FixedEgressNetwork(NetworkMetrics, Construct):
    """A VPC whose tasks run in private subnets and leave from Elastic IPs that stay.

    The network makes the Elastic IPs and retains them when the stack is deleted. Their logical IDs depend only on their
    number, and not on subnets, zone names or the egress mode. Tasks reach S3 through a gateway endpoint, which costs
    nothing and saves the NAT gateway's data charge. Flow logs are on, and the VPC's default security group allows
    nothing.

    ```python
    network = FixedEgressNetwork(stack, "Network", egress=Egress.per_az())
    CfnOutput(stack, "EgressIps", value=",".join(network.egress_ips))
    ```
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
        ip_protocol: ec2.IpProtocol = ec2.IpProtocol.IPV4_ONLY,
        flow_log_retention: logs.RetentionDays | None = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        """A VPC whose tasks run in private subnets and leave from Elastic IPs that stay.

        Args:
            scope: The construct that owns the network.
            id: The construct's ID.
            egress: How tasks leave. By default `Egress.per_az()`: a NAT gateway in each zone, so that a zone that fails
                stops the egress of no other zone.
            cidr: The VPC's IPv4 range, `/16` to `/19`. By default `10.0.0.0/16`.
            avoid_cidrs: Ranges that *cidr* must not overlap, such as those of networks that will be peered with it. By
                default none.
            max_azs: Over how many availability zones, 2 to 6: the region's first, in AWS's order; a deployment fails in
                a region with fewer. By default 2. One more zone later moves no subnet and changes no address.
            availability_zones: The names of the zones, such as `ap-northeast-1a`, as many as *max_azs*; the same name
                may be another zone in another account. By default the region's first. Fargate is not in every zone,
                such as `apne1-az3` of Tokyo
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html); `aws ec2
                describe-availability-zones` lists the ID of each name. Another zone replaces its subnets: choose at the
                start, and keep the order.
            endpoints: Sets of VPC endpoints, through which tasks reach AWS services without the NAT gateways. By
                default none; with `Egress.isolated()` those that tasks need to start.
            resource_accounts: Accounts whose resources tasks reach through the VPC endpoints, S3's included, beside
                this account's, such as the account of your images. Requests with keys of other accounts are denied. By
                default, with `Egress.isolated()` no other account; in the other modes any account, with any keys: give
                `[]` for none.
            ip_protocol: `ec2.IpProtocol.DUAL_STACK` gives the VPC IPv6 too: an Amazon-provided /56, a /64 for each
                subnet, and an egress-only internet gateway, at no cost. Tasks reach IPv6 hosts from `egress_ipv6_cidrs`
                and cannot be reached from outside, endpoints that face the internet get AAAA records. It can be turned
                on later, and not off again without losing the range. By default `IPV4_ONLY`.
            flow_log_retention: How long CloudWatch keeps the VPC's flow logs, which it bills by volume; `None` for no
                flow logs. By default one month.

        Raises:
            ValueError: If *cidr* is no such range or overlaps another, *max_azs* is not 2 to 6 or more than the region
                is known to have, *availability_zones* are not as many, *egress* brings another number of addresses than
                it needs, or *resource_accounts* holds something other than account IDs.
        """
        egress = egress or Egress.per_az()
        address_range = parse_cidr(cidr, avoid_cidrs)
        validate_zones(scope, max_azs, availability_zones)
        allocation_ids = given_allocation_ids(egress, max_azs)
        validate_accounts("resource_accounts", resource_accounts or ())
        super().__init__(scope, id)

        self.egress = egress
        self.ip_protocol = ip_protocol
        """Whether the VPC has IPv6: `DUAL_STACK`, or `IPV4_ONLY`."""
        self.resource_accounts: Sequence[str] | None = resource_accounts
        """The accounts whose resources tasks reach through the VPC endpoints, beside this one; `None` for any."""
        if resource_accounts is None and self.is_isolated:
            self.resource_accounts = ()
        self.elastic_ip_pool = self._make_pool(max_azs)
        """The network's own addresses; `None` if it was given some, or needs none."""
        zones = choose_zones(max_azs, availability_zones)
        self._vpc = make_vpc(self, address_range, zones, ip_protocol, has_egress=not self.is_isolated)
        if pool := self.elastic_ip_pool:
            pool.node.add_dependency(*internet_gateway_attachment(self._vpc))
            allocation_ids = [[each.attr_allocation_id for each in zone] for zone in pool.by_zone]
        self._allocation_ids = allocation_ids
        add_nat_gateways(self, egress, self._vpc, allocation_ids, ip_protocol)
        self.vpc_endpoints = self._make_endpoints(endpoints, str(address_range))
        """The endpoints that were asked for, and with `Egress.isolated()` those that tasks need to start."""
        if flow_log_retention is not None:
            log_flows(self, self._vpc, flow_log_retention)
        if self.elastic_ip_pool:
            unused_zones = count_held_zones(egress, max_azs) - count_used_zones(egress, max_azs)
            report_unused(self, unused_zones * egress.addresses_per_az, of=len(self.elastic_ip_pool.elastic_ips))

    @staticmethod
    @checked
    def from_vpc(
        scope: Construct,
        id: str,
        vpc: ec2.IVpc,
        *,
        egress_ips: Sequence[str] = (),
        egress_ipv6_cidrs: Sequence[str] = (),
        task_subnets: Sequence[ec2.ISubnet] | None = None,
    ) -> ImportedNetwork:
        """Use a VPC that exists, with its own egress.

        Args:
            scope: The construct that owns the network.
            id: The construct's ID.
            vpc: The VPC, made elsewhere or imported.
            egress_ips: The IPv4 addresses that its tasks leave from. By default none, and synthesis warns that egress
                is unproven: the routes of an imported VPC are unknown.
            egress_ipv6_cidrs: The IPv6 ranges that its tasks leave from, through an egress-only internet gateway. By
                default none, and tasks use IPv4 only.
            task_subnets: The subnets of the tasks. By default the VPC's private subnets with egress.

        Raises:
            ValueError: If there are no such subnets, one is a public subnet of the VPC, or an address or a range is
                malformed.
        """
        return ImportedNetwork(
            scope, id, vpc, egress_ips=egress_ips, egress_ipv6_cidrs=egress_ipv6_cidrs, task_subnets=task_subnets
        )

    @property
    def vpc(self) -> ec2.IVpc:
        """The VPC."""
        return self._vpc

    @property
    def task_subnets(self) -> Sequence[ec2.ISubnet]:
        """The private subnets of the tasks, one in each zone."""
        return private_subnets_of(self._vpc)

    @property
    def nat_gateways(self) -> Sequence[ec2.CfnNatGateway]:
        """The NAT gateways, zone by zone."""
        return [each for each in self.node.children if isinstance(each, ec2.CfnNatGateway)]

    @property
    def nat_instances(self) -> Sequence[NatInstance]:
        """The NAT instances, zone by zone."""
        return [each for each in self.node.children if isinstance(each, NatInstance)]

    @property
    def is_isolated(self) -> bool:
        """Whether it has `Egress.isolated()`."""
        return self.egress.mode is EgressMode.ISOLATED

    @property
    def connectivity(self) -> Sequence[IDependable]:
        """What a task needs before it starts: routes, and the endpoints."""
        routes = [] if self.is_isolated else map(internet_access_of, self.task_subnets)
        return [*routes, *self.vpc_endpoints]

    @property
    def egress_ips(self) -> Sequence[str]:
        """The IPv4 addresses that tasks leave from, or may leave from after a change of egress, zone by zone.

        Tokens until deployed. If the egress was given its addresses, its own `egress_ips`.
        """
        return self.elastic_ip_pool.public_ips if self.elastic_ip_pool else self.egress.egress_ips

    @property
    def egress_cidrs(self) -> Sequence[str]:
        """The addresses as ranges such as `203.0.113.7/32`, for allow-lists and security groups."""
        return [f"{ip}/32" for ip in self.egress_ips]

    @property
    def egress_ipv6_cidrs(self) -> Sequence[str]:
        """The IPv6 ranges that tasks leave from: the /64 of each task subnet (tokens until deployed), zone by zone.

        Empty with `IPV4_ONLY` and with `Egress.isolated()`.
        """
        if self.is_isolated or self.ip_protocol is not ec2.IpProtocol.DUAL_STACK:
            return ()
        return [Fn.select(0, cast(ec2.Subnet, subnet).subnet_ipv6_cidr_blocks) for subnet in self.task_subnets]

    @checked
    def publish(self, *, parameter_name: str, ipv6_parameter_name: str | None = None) -> ssm.StringListParameter:
        """Write the addresses to a parameter of SSM, which other teams' stacks can read.

        Args:
            parameter_name: The parameter's name, such as `/network/egress-ips`.
            ipv6_parameter_name: The name of a second parameter, with `egress_ipv6_cidrs`. By default there is none.

        Raises:
            ValueError: If the addresses or ranges are not known, or are published already.
        """
        public_ips = self._known_ips("publish")
        if ipv6_parameter_name == parameter_name:
            raise ValueError(f"ipv6_parameter_name must differ from parameter_name, got: {parameter_name!r} for both")
        if ipv6_parameter_name is not None and not self.egress_ipv6_cidrs:
            raise ValueError(
                f"ipv6_parameter_name needs a network whose tasks leave over IPv6, got: {ipv6_parameter_name!r} for "
                f"{self.node.path}; make it with ip_protocol=ec2.IpProtocol.DUAL_STACK and egress"
            )
        if published := self.node.try_find_child("EgressIpsParameter"):
            raise ValueError(
                f"publish writes one parameter, got {parameter_name!r} beside {published.node.path}; make another by "
                "ssm.StringListParameter(..., string_list_value=network.egress_ips)",
            )
        if ipv6_parameter_name is not None:
            ssm.StringListParameter(
                self,
                "EgressIpv6CidrsParameter",
                parameter_name=ipv6_parameter_name,
                description=f"The IPv6 ranges that tasks in {self.node.path} leave from",
                string_list_value=list(self.egress_ipv6_cidrs),
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
        """Give the addresses a name, with forward and reverse DNS records for mail servers.

        AWS has no reverse DNS for the IPv6 ranges, so in a network with IPv6 mail servers must send over IPv4.

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
        from fargate_constructs.network.reverse_dns import ReverseDns  # noqa: PLC0415 - it loads Lambda

        allocation_ids = [each for zone in self._allocation_ids for each in zone]
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
        """Make synthesis fail unless the tasks of a construct leave from the network's addresses.

        `FargateService` calls it; call it for other tasks in the network.

        Args:
            tasks: The construct whose tasks are checked, such as a service made with CDK's own class.
        """
        self._proof.add(
            tasks,
            subnets=self.task_subnets,
            known_allocation_ids=self.egress.eip_allocation_ids,
            has_known_ipv6=bool(self.egress_ipv6_cidrs),
        )

    def _make_pool(self, max_azs: int) -> ElasticIpPool | None:
        zones = count_held_zones(self.egress, max_azs)
        if self.egress.eip_allocation_ids or not zones:
            return None
        return ElasticIpPool(
            self,
            "EgressIps",
            zones=zones,
            addresses_per_az=self.egress.addresses_per_az,
            public_ipv4_pool=self.egress.public_ipv4_pool,
            ipam_pool_id=self.egress.ipam_pool_id,
        )

    def _make_endpoints(self, endpoints: Sequence[VpcEndpoints], cidr: str) -> list[ec2.VpcEndpoint]:
        isolated = VpcEndpoints.for_isolated_tasks if self.is_isolated else ()
        # S3's endpoint is always there, and gets the policy, too.
        s3 = [] if self.resource_accounts is None else [VpcEndpoints.s3]
        sets = [*endpoints, *isolated, *s3]
        return add_vpc_endpoints(
            self, self._vpc, sets, cidr=cidr, ip_protocol=self.ip_protocol, resource_accounts=self.resource_accounts
        )

    def _known_ips(self, purpose: str) -> Sequence[str]:
        if not self.egress_ips:
            raise ValueError(
                f"{purpose} needs the network's addresses, got none from Egress.{self.egress.mode.value}(): "
                "name egress_ips=[...] beside eip_allocation_ids",
            )
        return self.egress_ips
