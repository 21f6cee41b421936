"""The proof, at synth, that tasks leave only from known addresses."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jsii
import pytest
from aws_cdk import (
    Acknowledgment,
    App,
    Aspects,
    CfnParameter,
    CfnResource,
    Duration,
    Environment,
    Fn,
    IAspect,
    NestedStack,
    RemovalPolicy,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_servicecatalog as servicecatalog
from aws_cdk.assertions import Template
from constructs import Construct, IConstruct

from fargate_constructs import FargateService, FixedEgressNetwork, ScheduledTask
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.imported_network import ImportedNetwork
from fargate_constructs.synthesized.egress_proof import EgressProof

INTERNET = "0.0.0.0/0"


class Lab:
    """A VPC with one subnet, in which a job runs, and the routes of a test."""

    def __init__(self, stack: Stack) -> None:
        """Make the VPC and the job."""
        self.stack = stack
        self.vpc = ec2.CfnVPC(stack, "Vpc", cidr_block="10.0.0.0/16")
        self.subnet = ec2.PrivateSubnet(
            stack, "Subnet", vpc_id=self.vpc.ref, cidr_block="10.0.0.0/24", availability_zone="eu-west-1a"
        )
        self.job = Construct(stack, "Job")
        self.subnets: Sequence[ec2.ISubnet] = [self.subnet]
        self.known: Sequence[str] = ()
        self.has_known_ipv6 = False

    def bare_subnet(self) -> ec2.ISubnet:
        """Make a subnet without a route table of its own."""
        subnet = ec2.CfnSubnet(self.stack, "Bare", vpc_id=self.vpc.ref, cidr_block="10.0.1.0/24")
        return ec2.Subnet.from_subnet_id(self.stack, "Tasks", subnet.ref)

    def route(self, destination: str = INTERNET, **target: Any) -> ec2.CfnRoute:  # noqa: ANN401 - passed through
        """Give the subnet a route."""
        if "destination_prefix_list_id" not in target:
            target["destination_ipv6_cidr_block" if ":" in destination else "destination_cidr_block"] = destination
        table = self.subnet.route_table.route_table_id
        return ec2.CfnRoute(self.stack, f"Route{len(self.stack.node.children)}", route_table_id=table, **target)

    def elastic_ip(self, policy: RemovalPolicy = RemovalPolicy.RETAIN) -> ec2.CfnEIP:
        """Make an Elastic IP, retained by default."""
        elastic_ip = ec2.CfnEIP(self.stack, f"Ip{len(self.stack.node.children)}", domain="vpc")
        elastic_ip.apply_removal_policy(policy)
        return elastic_ip

    def nat_gateway(self, **properties: Any) -> str:  # noqa: ANN401 - passed through
        """Make a NAT gateway and return its ID."""
        return ec2.CfnNatGateway(self.stack, "Nat", subnet_id=self.subnet.subnet_id, **properties).ref

    def ask(self) -> None:
        """Ask for the proof of the job's egress."""
        EgressProof.of(self.job).add(
            self.job, subnets=self.subnets, known_allocation_ids=self.known, has_known_ipv6=self.has_known_ipv6
        )


@pytest.fixture
def lab(stack: Stack) -> Lab:
    """A VPC with one subnet without egress."""
    return Lab(stack)


def findings_in(scope: Construct) -> set[tuple[str, str]]:
    """Synthesize the app and return each finding's rule and description, whether it failed or not."""
    app = scope.node.root
    assert isinstance(app, App)
    try:
        app.synth(force=True)
    except RuntimeError as error:
        assert "validation-report.json" in str(error)  # noqa: PT017 - it need not fail
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    reports = [each for each in report["pluginReports"] if each["pluginName"] == "fargate-constructs"]
    assert not any("error" in each.get("metadata", {}) for each in reports), "the proof itself failed"
    return {(violation["ruleName"], violation["description"]) for each in reports for violation in each["violations"]}


def rules_in(scope: Construct) -> set[str]:
    """Synthesize the app and return the rules that its tasks break."""
    return {rule for rule, _ in findings_in(scope)}


def service_in(
    scope: Construct,
    vpc: ec2.IVpc,
    *,
    task_subnets: Sequence[ec2.ISubnet] | None = None,
    known_allocation_ids: Sequence[str] = (),
) -> FargateService:
    """Run a service in a VPC that is not a network of ours, and prove its egress."""
    network = FixedEgressNetwork.from_vpc(scope, "Imported", vpc, egress_ips=["203.0.113.7"])
    network.task_subnets = (
        task_subnets or network.task_subnets
    )  # public ones, too, as another implementation of Network might
    return proven_service(scope, network, known_allocation_ids)


def proven_service(
    scope: Construct, network: FixedEgressNetwork | ImportedNetwork, known_allocation_ids: Sequence[str] = ()
) -> FargateService:
    """Run a service and prove its egress."""
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    service = FargateService(scope, "Web", network=network, image=image)
    EgressProof.of(service).add(service, subnets=network.task_subnets, known_allocation_ids=known_allocation_ids)
    return service


def l1_of(service: FargateService) -> ecs.CfnService:
    """Return what the template will hold of the service."""
    resource = service.service.node.default_child
    assert isinstance(resource, ecs.CfnService)
    return resource


# Services as people build them.


def test_a_network_of_ours_is_proven(stack: Stack, network: FixedEgressNetwork) -> None:
    """Each zone has a NAT gateway on a retained Elastic IP."""
    proven_service(stack, network)

    assert findings_in(stack) == set()


def test_networks_with_ipv6() -> None:
    """A network of ours, and one whose ranges are named, are proven. No name helps if the internet may connect."""
    app = App()
    vpc_stack = Stack(app, "Vpc")
    vpc = ec2.Vpc(vpc_stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    known: dict[str, Any] = {"egress_ips": ["203.0.113.7"], "egress_ipv6_cidrs": ["2001:db8::/64"]}
    own, public, named, unnamed = (Stack(app, name) for name in ("Own", "Public", "Named", "Unnamed"))
    networks: dict[Stack, FixedEgressNetwork | ImportedNetwork] = {
        own: FixedEgressNetwork(own, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK),
        public: FixedEgressNetwork.from_vpc(public, "Network", vpc, **known),
        named: FixedEgressNetwork.from_vpc(named, "Network", vpc, **known),
        unnamed: FixedEgressNetwork.from_vpc(unnamed, "Network", vpc, egress_ips=["203.0.113.7"]),
    }
    networks[public].task_subnets = vpc.public_subnets  # type: ignore[misc]  # as another Network might
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    for stack, network in networks.items():
        FargateService(stack, "Web", network=network, image=image)

    assert {(rule, re.findall(r"tasks of (\w+)/Web", got)[0]) for rule, got in findings_in(app)} == {
        ("publicSubnet", "Public"),
        ("publicIpv6", "Public"),
        ("ipv6Egress", "Unnamed"),
    }


@pytest.mark.parametrize("references", ["strong", "weak"])
def test_a_network_in_another_stack_is_proven(references: str) -> None:
    """Subnets are followed through exports, and through outputs that are read without one."""
    app = App(context={"@aws-cdk/core:defaultCrossStackReferences": references})
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    proven_service(Stack(app, "Good"), network)
    bad = Stack(app, "Bad")
    service_in(bad, network.vpc, task_subnets=network.vpc.public_subnets)

    assert {rule for rule, got in findings_in(app) if "tasks of Bad/Web" in got} == {"publicSubnet"}
    assert not any("tasks of Good/Web" in got for _, got in findings_in(app))


def test_a_nested_stack_is_followed_both_ways(stack: Stack) -> None:
    """A nested stack's subnets are known by its outputs, and the parent's by its parameters."""
    inner = FixedEgressNetwork(NestedStack(stack, "Inner"), "Network")
    outer = FixedEgressNetwork(stack, "Outer")
    for name, network in (("UsesInner", inner), ("UsesOuter", outer)):
        scope = NestedStack(stack, name) if network is outer else Construct(stack, name)
        service_in(scope, network.vpc, task_subnets=network.vpc.public_subnets)

    assert {re.findall(r"tasks of (\S+) .* where (\S+)/Vpc", got)[0] for _, got in findings_in(stack)} == {
        ("Test/UsesInner/Web", "Test/Inner/Network"),
        ("Test/UsesOuter/Web", "Test/Outer"),
    }


def test_services_of_the_same_stack_in_two_stages_are_told_apart() -> None:
    """Two stages export under the same names; each service is judged by its own stage's network."""
    app = App()
    for region, subnets in (("eu-west-1", "private_subnets"), ("us-east-1", "public_subnets")):
        stage = Stage(app, region, env=Environment(account="123456789012", region=region))
        network = FixedEgressNetwork(Stack(stage, "Base", stack_name="Base"), "Network")
        service_in(Stack(stage, "App", stack_name="App"), network.vpc, task_subnets=getattr(network.vpc, subnets))

    findings = findings_in(app)

    assert {rule for rule, _ in findings} == {"publicSubnet"}
    assert all("tasks of us-east-1/App/Web" in got for _, got in findings)


def test_an_imported_vpc_is_skipped(stack: Stack) -> None:
    """The app does not define its routes; the network has warned of it."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["eu-west-1a"],
        private_subnet_ids=["subnet-1"],
        private_subnet_route_table_ids=["rtb-1"],
    )
    service_in(stack, vpc)

    assert findings_in(stack) == set()


def test_a_public_subnet_fails_the_synthesis(stack: Stack) -> None:
    """The message names the service, the subnet and the route, and what to change."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    service_in(stack, vpc, task_subnets=vpc.public_subnets)

    with pytest.raises(RuntimeError) as error:
        Template.from_stack(stack)

    for zone in (1, 2):
        assert (
            "ERROR tasks of Test/Web must not run in a public subnet, "
            f"got: Test/Vpc/PublicSubnet{zone}/Subnet, where Test/Vpc/PublicSubnet{zone}/DefaultRoute leads 0.0.0.0/0 "
            "to an internet gateway"
        ) in str(error.value)
    assert "Suggested fix: run them in subnets with a route to a NAT gateway" in str(error.value)


def test_a_vpc_with_addresses_of_its_own_is_refused_until_they_are_retained(stack: Stack) -> None:
    """A deleted stack releases the Elastic IPs of `ec2.Vpc`; to retain them is enough."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    service_in(stack, vpc)

    assert findings_in(stack) == {
        (
            "unknownEgress",
            (
                "tasks of Test/Web must leave from Elastic IPs that are known and stay, "
                "got: Test/Vpc/PrivateSubnet1/Subnet, where Test/Vpc/PrivateSubnet1/DefaultRoute leads 0.0.0.0/0 "
                "to Test/Vpc/PublicSubnet1/NATGateway on Test/Vpc/PublicSubnet1/EIP, which is not retained"
            ),
        )
    }

    for each in vpc.node.find_all():
        if isinstance(each, ec2.CfnEIP):
            each.apply_removal_policy(RemovalPolicy.RETAIN)
    assert findings_in(stack) == set()


def test_a_finding_can_be_acknowledged(stack: Stack) -> None:
    """Acknowledged at the service with a reason, it does not fail the synthesis."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    service = service_in(stack, vpc)
    Validations.of(service).acknowledge(
        Acknowledgment(id="fargate-constructs::unknownEgress", reason="No allow-list has these addresses.")
    )

    Template.from_stack(stack).resource_count_is("AWS::ECS::Service", 1)


# Escape hatches.


@pytest.mark.parametrize(
    ("given", "path", "value", "broken"),
    [
        ("private_subnets", "AssignPublicIp", {"Ref": "Public"}, {"publicAddress"}),
        ("private_subnets", "Subnets", "public_subnets", {"publicSubnet"}),
        ("public_subnets", "Subnets", "private_subnets", set()),
    ],
    ids=["address-by-parameter", "to-public-subnets", "to-private-subnets"],
)
def test_an_override_counts(
    network: FixedEgressNetwork, given: str, path: str, value: object, broken: set[str]
) -> None:
    """The template is judged, and not what the constructs were given."""
    stack = Stack.of(network)
    CfnParameter(stack, "Public")
    service = service_in(stack, network.vpc, task_subnets=getattr(network.vpc, given))
    if isinstance(value, str):
        value = [each.subnet_id for each in getattr(network.vpc, value)]
    l1_of(service).add_property_override(f"NetworkConfiguration.AwsvpcConfiguration.{path}", value)

    assert rules_in(stack) == broken


def test_a_service_without_subnets_is_no_fault(stack: Stack, network: FixedEgressNetwork) -> None:
    """Fargate refuses it."""
    l1_of(proven_service(stack, network)).add_property_deletion_override("NetworkConfiguration")

    assert findings_in(stack) == set()


def test_an_overridden_public_address_is_refused(stack: Stack, network: FixedEgressNetwork) -> None:
    """The template is judged, and not the constructs' arguments."""
    service = proven_service(stack, network)
    l1_of(service).add_property_override("NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", "ENABLED")

    assert findings_in(stack) == {
        (
            "publicAddress",
            "tasks of Test/Web must have no public address, got: AssignPublicIp ENABLED on Test/Web/Service/Service",
        )
    }


def test_an_overridden_schedule_is_refused(stack: Stack, network: FixedEgressNetwork) -> None:
    """A schedule and a rule that start a job have their own subnets and public address settings."""
    rate = scheduler.ScheduleExpression.rate(Duration.hours(1))
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    job = ScheduledTask(stack, "Job", network=network, image=image, schedule=rate)
    rule = events.Rule(Stack(Stage.of(stack), "Other"), "Rule", schedule=events.Schedule.rate(Duration.hours(1)))
    rule.add_target(targets.EcsTask(cluster=job.cluster, task_definition=job.task_definition, assign_public_ip=False))
    assert findings_in(stack) == set()

    places = {
        "Test/Job/Schedule/Resource": "Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration",
        "Other/Rule/Resource": "Targets.0.EcsParameters.NetworkConfiguration.AwsVpcConfiguration",
    }
    public_subnets = [subnet.subnet_id for subnet in network.vpc.public_subnets[:1]]
    for each in stack.node.root.node.find_all():
        if isinstance(each, CfnResource) and each.node.path in places:
            each.add_property_override(f"{places[each.node.path]}.AssignPublicIp", "ENABLED")
            each.add_property_override(f"{places[each.node.path]}.Subnets", public_subnets)

    findings = findings_in(stack)
    assert {got.split("got: ")[1] for rule, got in findings if rule == "publicAddress"} == {
        f"AssignPublicIp ENABLED on {path}" for path in places
    }
    assert [got.split()[2] for rule, got in findings if rule == "publicSubnet"] == ["Test/Job"]


def test_an_aspect_counts(lab: Lab) -> None:
    """Resources that an aspect adds during synthesis are read, and a second synthesis has the same result."""

    @jsii.implements(IAspect)
    class AddRoute:
        def visit(self, node: IConstruct) -> None:
            if node is lab.job and not hasattr(lab, "opened"):
                lab.opened = lab.route(gateway_id="igw-1")  # type: ignore[attr-defined]  # said once

    Aspects.of(lab.job).add(AddRoute())
    lab.ask()

    assert rules_in(lab.stack) == {"publicSubnet"}
    assert rules_in(lab.stack) == {"publicSubnet"}


def test_a_product_is_left_alone(stack: Stack, network: FixedEgressNetwork) -> None:
    """A service inside a Service Catalog product is deployed elsewhere, and its template is not this app's."""
    proven_service(stack, network)
    product = servicecatalog.ProductStack(stack, "Product")
    service = ecs.CfnService(product, "Service", cluster="c")
    EgressProof.of(service).add(service, subnets=[])

    assert findings_in(stack) == set()


# Routes: each in its own stack, all in one app.

DEFAULT_ROUTE = {"destination_cidr_block": INTERNET}


def in_main_route_table(lab: Lab) -> None:
    """A subnet without a route table of its own has the VPC's, where no template can put a route."""
    lab.subnets = [lab.bare_subnet()]


def in_route_table_from_elsewhere(lab: Lab) -> None:
    """Its routes cannot be seen."""
    lab.subnets = [lab.bare_subnet()]
    ec2.CfnSubnetRouteTableAssociation(lab.stack, "Table", subnet_id=lab.subnets[0].subnet_id, route_table_id="rtb-1")
    ec2.CfnRoute(lab.stack, "Other", route_table_id="rtb-2", gateway_id="igw-1", **DEFAULT_ROUTE)


def to_internet_gateway(destination: str) -> Callable[[Lab], object]:
    """Return a lab with an internet gateway, and public addresses handed out on launcher."""

    def build(lab: Lab) -> None:
        lab.route(destination, gateway_id=ec2.CfnInternetGateway(lab.stack, "Gateway").ref)
        cast(ec2.CfnSubnet, lab.subnet.node.default_child).map_public_ip_on_launch = True

    return build


def raw_route(lab: Lab) -> None:
    """A route is one however it was written."""
    properties = {"DestinationCidrBlock": INTERNET, "GatewayId": "igw-1"}
    properties["RouteTableId"] = lab.subnet.route_table.route_table_id
    CfnResource(lab.stack, "Raw", type="AWS::EC2::Route", properties=properties)


def gateway_on(*policies: RemovalPolicy) -> Callable[[Lab], object]:
    """Return a lab with a NAT gateway on Elastic IPs with these policies, for IPv4 and NAT64."""

    def build(lab: Lab) -> None:
        first, *more = [lab.elastic_ip(policy).attr_allocation_id for policy in policies]
        gateway = lab.nat_gateway(allocation_id=first, secondary_allocation_ids=more)
        lab.route(nat_gateway_id=gateway)
        lab.route("64:ff9b::/96", nat_gateway_id=gateway)

    return build


def gateway_on_given(source: Callable[[Lab], str], *, is_named: bool) -> Callable[[Lab], object]:
    """Return a lab with a NAT gateway on an address kept elsewhere, which a person may name."""

    def build(lab: Lab) -> None:
        allocation_id = source(lab)
        lab.known = ["eipalloc-0", *([allocation_id] if is_named else [])]
        lab.route(nat_gateway_id=lab.nat_gateway(allocation_id=allocation_id))

    return build


def of_another_stack(lab: Lab) -> str:
    """The pool may be in its own stack."""
    return ElasticIpPool(Stack(Stage.of(lab.stack), "Addresses"), "Pool", zones=1).allocation_ids[0]


def of_custom_resource(lab: Lab) -> str:
    """A retained custom resource is no Elastic IP of the app."""
    allocator = CfnResource(lab.stack, "Allocator", type="Custom::Allocator")
    allocator.apply_removal_policy(RemovalPolicy.RETAIN)
    return allocator.get_att("AllocationId").to_string()


SOURCES: dict[str, Callable[[Lab], str]] = {
    "literal": lambda _: "eipalloc-1",
    "parameter": lambda lab: CfnParameter(lab.stack, "Ip").value_as_string,
    "import": lambda _: Fn.import_value("Ip"),
}


def interface_on(allocation_id: str | None, *known: str) -> Callable[[Lab], object]:
    """Return a lab whose default route leads to a network interface, on an address brought along or on none."""

    def build(lab: Lab) -> None:
        lab.known = list(known)
        lab.route(network_interface_id=interface_of(lab, allocation_id))

    return build


def interface_of(lab: Lab, allocation_id: str | None = "eipalloc-1") -> str:
    """Make a network interface on an address brought along, or on none, and return its ID."""
    interface = ec2.CfnNetworkInterface(lab.stack, "Interface", subnet_id=lab.subnet.subnet_id)
    ec2.CfnEIPAssociation(
        lab.stack,
        "Association",
        network_interface_id=interface.ref if allocation_id else "eni-1",
        allocation_id=allocation_id or "eipalloc-1",
    )
    return interface.ref


def egress_only(*, has_known_ipv6: bool) -> Callable[[Lab], object]:
    """Return a lab with an egress-only internet gateway, whose IPv6 range may be known."""

    def build(lab: Lab) -> None:
        lab.has_known_ipv6 = has_known_ipv6
        gateway = ec2.CfnEgressOnlyInternetGateway(lab.stack, "Gateway", vpc_id=lab.vpc.ref)
        lab.route("::/0", egress_only_internet_gateway_id=gateway.ref)

    return build


def instance_on(association: str, policy: RemovalPolicy) -> Callable[[Lab], object]:
    """Return a lab with an instance whose address is its own, its interface's, or names the instance itself."""

    def build(lab: Lab) -> None:
        interface = ec2.CfnNetworkInterface(lab.stack, "Interface", subnet_id=lab.subnet.subnet_id)
        attached = ec2.CfnInstance.NetworkInterfaceProperty(device_index="0", network_interface_id=interface.ref)
        instance = ec2.CfnInstance(lab.stack, "Instance", network_interfaces=[attached])
        elastic_ip = lab.elastic_ip(policy)
        lab.route(instance_id=instance.ref)
        if association == "itself":
            elastic_ip.instance_id = instance.ref
        elif association == "instance":
            ec2.CfnEIPAssociation(lab.stack, "Ip", instance_id=instance.ref, eip=elastic_ip.ref)
        else:
            allocation_id = elastic_ip.attr_allocation_id
            ec2.CfnEIPAssociation(lab.stack, "Ip", network_interface_id=interface.ref, allocation_id=allocation_id)

    return build


RETAIN, RETAIN_EXCEPT, DESTROY = (
    RemovalPolicy.RETAIN,
    RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    RemovalPolicy.DESTROY,
)
FINE: dict[str, Callable[[Lab], object]] = {
    "isolated": lambda _: None,
    "main-route-table": in_main_route_table,
    "local-route-of-a-public-range": lambda lab: lab.route("198.51.100.0/24", gateway_id="local"),
    **{
        f"private-{destination}": lambda lab, to=destination: lab.route(to, transit_gateway_id="tgw-1")  # type: ignore[misc]
        for destination in ("10.0.0.0/8", "172.20.0.0/16", "192.168.7.0/24", "100.64.0.0/12", "fd00::/8")
    },
    "gateway-on-retained": gateway_on(RETAIN, RETAIN_EXCEPT),
    "gateway-on-another-stacks": gateway_on_given(of_another_stack, is_named=False),
    **{f"gateway-on-named-{name}": gateway_on_given(source, is_named=True) for name, source in SOURCES.items()},
    "interface-on-named": interface_on("eipalloc-1", "eipalloc-1"),
    "ipv6-egress-only-named": egress_only(has_known_ipv6=True),
    **{f"instance-by-{by}-retained": instance_on(by, RETAIN) for by in ("interface", "instance", "itself")},
}
PUBLIC: dict[str, Callable[[Lab], object]] = {
    # Half of the internet is enough.
    **{
        f"internet-{destination}": to_internet_gateway(destination)
        for destination in (INTERNET, "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/8", "10.0.0.0/7", "11.0.0.0/8")
    },
    "prefix-list": lambda lab: lab.route(destination_prefix_list_id="pl-1", gateway_id="igw-1"),
    "raw": raw_route,
}
UNKNOWN: dict[str, Callable[[Lab], object]] = {
    "gateway-with-one-that-goes": gateway_on(RETAIN, DESTROY),
    **{f"gateway-on-{name}": gateway_on_given(source, is_named=False) for name, source in SOURCES.items()},
    "gateway-on-custom": gateway_on_given(of_custom_resource, is_named=False),
    "interface-on-none": interface_on(None, "eipalloc-1"),
    "interface-on-unnamed": interface_on("eipalloc-1"),
    **{f"instance-by-{by}-that-goes": instance_on(by, DESTROY) for by in ("interface", "instance", "itself")},
}
UNPROVEN: dict[str, Callable[[Lab], object]] = {
    "route-table-from-elsewhere": in_route_table_from_elsewhere,
    **{
        name: lambda lab, name=name, id_=id_: lab.route(**{name: id_})  # type: ignore[misc]
        for name, id_ in {
            "transit_gateway_id": "tgw-1",
            "vpc_peering_connection_id": "pcx-1",
            "vpc_endpoint_id": "vpce-1",
            "gateway_id": "vgw-1",
            "nat_gateway_id": "nat-1",
            "network_interface_id": "eni-1",
        }.items()
    },
    "vpn": lambda lab: lab.route(gateway_id=ec2.CfnVPNGateway(lab.stack, "Vpn", type="ipsec.1").ref),
    # It has no address on the internet; what comes after it decides.
    "private-gateway": lambda lab: lab.route(nat_gateway_id=lab.nat_gateway(connectivity_type="private")),
    # An instance gives IPv6 traffic no Elastic IP, though it has one.
    "ipv6-interface": lambda lab: lab.route("::/0", network_interface_id=interface_of(lab)),
}
# From the tasks' own addresses, to which the internet may connect.
PUBLIC_IPV6: dict[str, Callable[[Lab], object]] = {
    "ipv6-internet": to_internet_gateway("::/0"),
    "ipv6-global": to_internet_gateway("2000::/3"),
}
# From the tasks' own addresses, to which no one may connect.
IPV6: dict[str, Callable[[Lab], object]] = {"ipv6-egress-only": egress_only(has_known_ipv6=False)}
WARNINGS = UNPROVEN | IPV6
BROKEN_BY = {
    **dict.fromkeys(FINE),
    **dict.fromkeys(PUBLIC, "publicSubnet"),
    **dict.fromkeys(UNKNOWN, "unknownEgress"),
    **dict.fromkeys(UNPROVEN, "unprovenEgress"),
    **dict.fromkeys(PUBLIC_IPV6, "publicIpv6"),
    **dict.fromkeys(IPV6, "ipv6Egress"),
}


def labs_of(builds: Mapping[str, Callable[[Lab], object]]) -> App:
    """Return an app with a lab for each."""
    app = App()
    for name, build in builds.items():
        lab = Lab(Stack(app, stack_id(name)))
        build(lab)
        lab.ask()
    return app


def stack_id(name: str) -> str:
    """Return a lab's name as the ID of its stack."""
    return re.sub("[^A-Za-z0-9-]", "-", f"Lab-{name}")


@pytest.fixture(scope="module")
def broken() -> Mapping[str, set[str]]:
    """The rules that the job of each lab breaks, by the lab's stack; the app is synthesized once."""
    found = defaultdict(set)
    for rule, description in findings_in(labs_of(FINE | PUBLIC | PUBLIC_IPV6 | UNKNOWN | WARNINGS)):
        found[description.removeprefix("tasks of ").split("/")[0]].add(rule)
    return found


@pytest.mark.parametrize(("name", "rule"), BROKEN_BY.items(), ids=BROKEN_BY)
def test_routes(broken: Mapping[str, set[str]], name: str, rule: str | None) -> None:
    """Each by its own template."""
    assert broken.get(stack_id(name), set()) == ({rule} if rule else set())


def test_warnings_do_not_fail_the_synthesis() -> None:
    """Routes that cannot be followed, and IPv6, are reported and do not fail the synthesis."""
    labs_of(WARNINGS).synth()


def test_warnings_come_once_for_a_service(lab: Lab) -> None:
    """Two routes make one warning, which names them both."""
    lab.route("0.0.0.0/1", transit_gateway_id="tgw-1")
    lab.route("128.0.0.0/1", transit_gateway_id="tgw-1")
    lab.ask()

    ((_, got),) = findings_in(lab.stack)
    assert got.count("to TransitGatewayId tgw-1") == 2


# NAT gateways and instances of CDK's own.


@pytest.mark.parametrize("allocation_id", [None, "eipalloc-1"])
def test_a_regional_gateway_in_automatic_mode_has_no_known_address(stack: Stack, allocation_id: str | None) -> None:
    """AWS picks and adds its addresses, also if the first is given."""
    provider = ec2.NatProvider.regional_gateway(allocation_id=allocation_id)
    vpc = ec2.Vpc(stack, "Vpc", nat_gateway_provider=provider)
    service_in(stack, vpc, known_allocation_ids=["eipalloc-1"])

    findings = findings_in(stack)
    assert {rule for rule, _ in findings} == {"unknownEgress"}
    assert all("to Test/Vpc/RegionalNatGateway on addresses that AWS picks" in got for _, got in findings)


@pytest.mark.parametrize(
    ("policy", "broken"), [(RemovalPolicy.RETAIN, set()), (RemovalPolicy.DESTROY, {"unknownEgress"})]
)
def test_a_regional_gateway_in_manual_mode_is_judged_by_its_addresses(
    stack: Stack, policy: RemovalPolicy, broken: set[str]
) -> None:
    """It has only the addresses that are given for each zone."""
    elastic_ip = ec2.CfnEIP(stack, "Ip", domain="vpc")
    elastic_ip.apply_removal_policy(policy)
    provider = ec2.NatProvider.regional_gateway(
        availability_zone_addresses=[
            ec2.AvailabilityZoneAddress(
                availability_zone=Fn.select(0, Fn.get_azs()), allocation_ids=[elastic_ip.attr_allocation_id]
            )
        ]
    )
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider))

    assert rules_in(stack) == broken


def test_the_nat_instances_of_a_vpc_are_refused(stack: Stack) -> None:
    """`NatProvider.instance_v2` gives its instances no Elastic IP."""
    provider = ec2.NatProvider.instance_v2(
        instance_type=ec2.InstanceType("t4g.nano"),
        machine_image=ec2.MachineImage.from_ssm_parameter("/aws/service/some-image"),
    )
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider))

    assert rules_in(stack) == {"unknownEgress"}


@pytest.mark.parametrize(
    ("egress_ips", "subnets_of", "found"),
    [
        ([], "private_subnets", {"unknownEgress"}),
        (["203.0.113.7"], "private_subnets", set()),
        (["203.0.113.7"], "public_subnets", {"publicSubnet"}),
    ],
)
def test_given_addresses_of_a_vpc_of_the_app(
    stack: Stack, egress_ips: list[str], subnets_of: str, found: set[str]
) -> None:
    """Given addresses do not need to be retained; a task's own public address is not one of them."""
    vpc = ec2.Vpc(stack, "Vpc")
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=egress_ips)
    network.task_subnets = getattr(vpc, subnets_of)
    FargateService(stack, "Web", network=network, image=ecs.ContainerImage.from_registry("nginx"))

    assert {rule for rule, _ in findings_in(stack)} == found
