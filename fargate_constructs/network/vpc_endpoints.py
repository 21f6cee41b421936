"""AWS services that tasks reach inside the VPC, past the NAT gateways.

```
task ──> [endpoints] ──> ECR, CloudWatch Logs, Secrets Manager, S3, …
```

Every price here is the list price of us-east-1; other regions cost as much or more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import ClassVar, cast

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.network.endpoint_policies import restrict_to_accounts

# https://aws.amazon.com/privatelink/pricing/: an endpoint's hour in one zone, and a GB through it.
ENDPOINT_USD_PER_HOUR = 0.01
ENDPOINT_USD_PER_GB = 0.01
# https://aws.amazon.com/vpc/pricing/: a NAT gateway's hour, and a GB through it.
NAT_USD_PER_HOUR = 0.045
NAT_USD_PER_GB = 0.045
# What AWS's own calculator takes for a month.
HOURS_PER_MONTH = 730


@checked
@dataclass(frozen=True)
class VpcEndpoints:
    """The VPC endpoints for one purpose of a task, such as `VpcEndpoints.ecr`; or a set of your own.

    ```python
    add_vpc_endpoints(network.vpc, [VpcEndpoints.ecr, VpcEndpoints.logs], subnets=network.task_subnets)
    ```

    Interface endpoints are paid by the hour, in each zone, and by the GB. What they save is the NAT gateway's charge
    for the same GB; its own hours go on for as long as tasks need the world. So most sets cost more than they save:
    they are there for tasks that have no other way, or whose traffic must not leave AWS's network.

    There is no KMS in any set: Secrets Manager and Parameter Store decrypt by themselves what tasks read from them.
    Tasks talk to KMS if they encrypt something of their own, or if ECS Exec sessions are encrypted with a key.

    Args:
        interfaces: The services behind interface endpoints, as AWS names them after `com.amazonaws.<region>.`:
            `"ecr.api"`, `"sqs"`. In China some begin with `cn.com.amazonaws.`, which a stack with a region is given.
        gateways: The services behind gateway endpoints, which cost nothing: `"s3"`, `"dynamodb"`.
    """

    interfaces: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()

    ecr: ClassVar["VpcEndpoints"]
    """Images in private ECR repositories: `ecr.api` for the login, `ecr.dkr` for manifests.

    29.20 USD a month (2 endpoints x 2 zones x 730 h x 0.01 USD). A GB saves 0.035 USD (0.045 - 0.01), so it pays from
    834 GB a month; which it never reaches, since an image's layers come from S3, by the gateway endpoint. Images in
    other registries, `public.ecr.aws` included, still come by the NAT gateways.
    """

    logs: ClassVar["VpcEndpoints"]
    """What tasks log, and what is typed in their shells: CloudWatch Logs.

    14.60 USD a month (1 endpoint x 2 zones x 730 h x 0.01 USD). A GB saves 0.035 USD (0.045 - 0.01), so it pays from
    417 GB of log lines a month.
    """

    secrets: ClassVar["VpcEndpoints"]
    """Secrets that tasks start with or read: Secrets Manager, and `ssm` for those in Parameter Store.

    29.20 USD a month (2 endpoints x 2 zones x 730 h x 0.01 USD). A GB saves 0.035 USD (0.045 - 0.01), so it pays from
    834 GB a month; which secrets never reach.
    """

    exec: ClassVar["VpcEndpoints"]
    """Shells in running tasks: `ssmmessages`, the channel of ECS Exec.

    14.60 USD a month (1 endpoint x 2 zones x 730 h x 0.01 USD). A GB saves 0.035 USD (0.045 - 0.01), so it pays from
    417 GB a month; which typing never reaches.
    """

    links: ClassVar["VpcEndpoints"]
    """Services that are linked to each other: `ecs-agent`, from which the proxies of Service Connect learn names.

    14.60 USD a month (1 endpoint x 2 zones x 730 h x 0.01 USD). A GB saves 0.035 USD (0.045 - 0.01), so it pays from
    417 GB a month; which names never reach. What services say to each other does not pass it.
    """

    s3: ClassVar["VpcEndpoints"]
    """Buckets of the same region, and with them the layers of ECR images. A gateway: 0.00 USD a month.

    A GB saves the NAT gateway's 0.045 USD, from the first. `FixedEgressNetwork` has it already.
    """

    dynamodb: ClassVar["VpcEndpoints"]
    """DynamoDB tables of the same region. A gateway: 0.00 USD a month.

    A GB saves the NAT gateway's 0.045 USD, from the first.
    """

    for_isolated_tasks: ClassVar[tuple["VpcEndpoints", ...]]
    """All that a `FargateService` uses, for a network with no way out: every set above but DynamoDB.

    102.20 USD a month (7 endpoints x 2 zones x 730 h x 0.01 USD), against 65.70 USD for the hours of the two NAT
    gateways that such a network does not need (2 x 730 h x 0.045 USD). Without secrets, shells and links, ECR, logs
    and S3 do: 43.80 USD. Images must be in private ECR repositories, mirrored or by a pull-through cache that got
    them by another way before. On Fargate platform version 1.4 AWS asks for no more
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html).
    """

    def monthly_usd(self, *, zones: int = 2) -> float:
        """Return what the set costs for a month, before data."""
        return len(self.interfaces) * zones * HOURS_PER_MONTH * ENDPOINT_USD_PER_HOUR

    def break_even_gb(self, *, zones: int = 2) -> float:
        """Return at how many GB a month the set saves as much at the NAT gateways as it costs."""
        return self.monthly_usd(zones=zones) / (NAT_USD_PER_GB - ENDPOINT_USD_PER_GB)


VpcEndpoints.ecr = VpcEndpoints(interfaces=("ecr.api", "ecr.dkr"))
VpcEndpoints.logs = VpcEndpoints(interfaces=("logs",))
VpcEndpoints.secrets = VpcEndpoints(interfaces=("secretsmanager", "ssm"))
VpcEndpoints.exec = VpcEndpoints(interfaces=("ssmmessages",))
VpcEndpoints.links = VpcEndpoints(interfaces=("ecs-agent",))
VpcEndpoints.s3 = VpcEndpoints(gateways=("s3",))
VpcEndpoints.dynamodb = VpcEndpoints(gateways=("dynamodb",))
VpcEndpoints.for_isolated_tasks = (
    VpcEndpoints.ecr,
    VpcEndpoints.logs,
    VpcEndpoints.secrets,
    VpcEndpoints.exec,
    VpcEndpoints.links,
    VpcEndpoints.s3,
)


def add_vpc_endpoints(
    vpc: ec2.IVpc,
    sets: Sequence[VpcEndpoints],
    *,
    subnets: Sequence[ec2.ISubnet] | None = None,
    resource_accounts: Sequence[str] | None = None,
) -> list[ec2.VpcEndpoint]:
    """Let tasks reach AWS services inside the VPC, under the services' usual names.

    An endpoint stands beside the VPC under its service's name and is made once, however often it is asked for. The
    interface endpoints share one security group, which admits HTTPS from the VPC's address range, and from subnets
    that are known to lie in a further range of the VPC.

    Args:
        vpc: The VPC, with DNS support and DNS host names on, as CDK makes it. If it was imported, nobody can see the
            endpoints that it has: ask only for those that it has not.
        sets: What to reach.
        subnets: Where tasks are. Each zone gets an address in the first of its subnets, each subnet's route table a
            route to the gateways. By default the VPC's private subnets, or else its isolated ones. An endpoint that is
            there keeps the subnets with which it was first asked for.
        resource_accounts: Accounts whose resources are reached, beside this account's; with keys of this account
            alone. By default those of any account, with the keys of any.

    Returns:
        The interface endpoints in the order of *sets*, then the gateways; each once.

    Raises:
        ValueError: If the VPC has no such subnets, or was imported without its address range.
    """
    subnets = list(subnets if subnets is not None else vpc.private_subnets or vpc.isolated_subnets)
    interfaces = dict.fromkeys(service for each in sets for service in each.interfaces)
    gateways = dict.fromkeys(service for each in sets for service in each.gateways)
    if not subnets:
        raise ValueError(
            f"the VPC {vpc.node.path} has no private and no isolated subnets to reach endpoints from: pass subnets",
        )
    security_groups = [_security_group(vpc, subnets)] if interfaces else []
    made = {service: _interface(vpc, service, subnets, security_groups) for service in interfaces}
    made |= {service: _gateway(vpc, service, subnets) for service in gateways}
    if resource_accounts is not None:
        for service, endpoint in made.items():
            restrict_to_accounts(endpoint, service, resource_accounts)
    return list(made.values())


def _interface(
    vpc: ec2.IVpc,
    service: str,
    subnets: Sequence[ec2.ISubnet],
    security_groups: Sequence[ec2.ISecurityGroup],
) -> ec2.VpcEndpoint:
    return _existing(vpc, service) or ec2.InterfaceVpcEndpoint(
        _scope(vpc),
        _id_of(service),
        vpc=vpc,
        service=ec2.InterfaceVpcEndpointAwsService(service),
        subnets=ec2.SubnetSelection(subnets=subnets),
        security_groups=security_groups,
        open=False,  # the security group says it once
        private_dns_enabled=True,
    )


def _gateway(vpc: ec2.IVpc, service: str, subnets: Sequence[ec2.ISubnet]) -> ec2.VpcEndpoint:
    return _existing(vpc, service) or ec2.GatewayVpcEndpoint(
        _scope(vpc),
        _id_of(service),
        vpc=vpc,
        service=ec2.GatewayVpcEndpointAwsService(service),
        subnets=[ec2.SubnetSelection(subnets=subnets)],
    )


def _existing(vpc: ec2.IVpc, service: str) -> ec2.VpcEndpoint | None:
    """Return the endpoint that was made here before, or with the VPC, as `FixedEgressNetwork` makes that of S3."""
    for place in (_scope(vpc), vpc):
        child = place.node.try_find_child(_id_of(service))
        if isinstance(child, ec2.VpcEndpoint):
            return child
    return None


def _security_group(vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> ec2.SecurityGroup:
    address_range = _address_range(vpc)
    existing = _scope(vpc).node.try_find_child("SecurityGroup")
    security_group = (
        existing
        if isinstance(existing, ec2.SecurityGroup)
        else ec2.SecurityGroup(
            _scope(vpc),
            "SecurityGroup",
            vpc=vpc,
            description="AWS services inside the VPC",
            allow_all_outbound=False,
        )
    )
    for each in (address_range, *_further_ranges(address_range, subnets)):
        # CDK leaves out a rule that is there.
        security_group.add_ingress_rule(ec2.Peer.ipv4(each), ec2.Port.tcp(443), "HTTPS from within the VPC")
    return security_group


def _further_ranges(address_range: str, subnets: Sequence[ec2.ISubnet]) -> Iterator[str]:
    """Yield the ranges of subnets outside of the VPC's first range, as far as they are known: a VPC may have several.

    Of those CDK knows the first alone (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
    """
    for subnet in subnets:
        try:
            range_ = subnet.ipv4_cidr_block
        except RuntimeError:  # a subnet that was imported without its range does not know it
            continue
        is_told = is_known(range_) and is_known(address_range)
        if is_told and not IPv4Network(range_).subnet_of(IPv4Network(address_range)):
            yield range_


def _address_range(vpc: ec2.IVpc) -> str:
    """Return the VPC's IPv4 range: as it was written if it was, so that auditors can read the rule."""
    resource = vpc.node.default_child
    if isinstance(resource, ec2.CfnVPC) and resource.cidr_block:
        return resource.cidr_block
    try:
        return vpc.vpc_cidr_block
    except RuntimeError as error:  # a VPC imported by its ID alone does not know its range
        raise ValueError(
            f"the VPC {vpc.node.path} does not know its address range, from which endpoints are to be reached: "
            "import it with vpc_cidr_block",
        ) from error


def _scope(vpc: ec2.IVpc) -> Construct:
    """Return the owner of the VPC's endpoints, beside the VPC: in Python an imported VPC is no scope."""
    beside = cast(Construct, vpc.node.scope)  # only an app has none
    name = f"{vpc.node.id}Endpoints"
    existing = beside.node.try_find_child(name)
    return existing if isinstance(existing, Construct) else Construct(beside, name)


def _id_of(service: str) -> str:
    """Return a service's name as a construct ID: `ecr.api` becomes `EcrApi`."""
    return service.replace(".", "-").title().replace("-", "")
