"""The proof, at synth, that tasks leave only from known addresses."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from fargate_constructs.network import ElasticIpPool, ImportedNetwork
from fargate_constructs.network.egress_proof import EgressProof

INTERNET = "0.0.0.0/0"


class Lab:
    """A VPC with one subnet, in which a job runs, and whatever route a test gives it."""

    def __init__(self, stack: Stack) -> None:
        """Make the VPC and the job."""
        self.stack = stack
        self.vpc = ec2.CfnVPC(stack, "Vpc", cidr_block="10.0.0.0/16")
        self.subnet = ec2.PrivateSubnet(
            stack, "Subnet", vpc_id=self.vpc.ref, cidr_block="10.0.0.0/24", availability_zone="eu-west-1a"
        )
        self.job = Construct(stack, "Job")

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

    def prove(self, *known: str) -> set[str]:
        """Prove the job's egress and return the rules it breaks."""
        EgressProof.of(self.job).add(self.job, subnets=[self.subnet], known_allocation_ids=known)
        return {rule for rule, _ in findings_in(self.stack)}


@pytest.fixture
def lab(stack: Stack) -> Lab:
    """A VPC with one subnet without a way out."""
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
    network = FixedEgressNetwork.from_vpc(scope, "Imported", vpc, egress_ips=["203.0.113.7"], task_subnets=task_subnets)
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
    """Each zone's way out is a NAT gateway on a retained Elastic IP."""
    proven_service(stack, network)

    assert findings_in(stack) == set()


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
    """What the app does not define cannot be followed; the network has warned of it already."""
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
    assert "Suggested fix: run them in subnets that a NAT gateway lets out" in str(error.value)


def test_it_fails_outside_of_tests_too(tmp_path: Path) -> None:
    """`python app.py` ends with an error, as `cdk synth` does."""
    script = tmp_path / "app.py"
    script.write_text(
        "from aws_cdk import App, Stack, aws_ec2 as ec2\n"
        "from fargate_constructs.network.egress_proof import EgressProof\n"
        "vpc = ec2.Vpc(Stack(App(), 'Test'), 'Vpc')\n"
        "EgressProof.of(vpc).add(vpc, subnets=vpc.public_subnets)\n"
        "vpc.node.root.synth()\n"
    )
    environment = {
        "PATH": str(Path(sys.executable).parent),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": str(tmp_path),
    }

    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)

    assert run.returncode != 0
    assert "tasks of Test/Vpc must not run in a public subnet" in run.stderr


def test_a_vpc_with_addresses_of_its_own_is_refused_until_they_are_retained(stack: Stack) -> None:
    """The Elastic IPs that `ec2.Vpc` makes go with the stack; retaining them is enough."""
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
    """Whoever has a reason says it at the service, and synthesis succeeds."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    service = service_in(stack, vpc)
    Validations.of(service).acknowledge(
        Acknowledgment(id="fargate-constructs::unknownEgress", reason="Nobody has these addresses on a list.")
    )

    Template.from_stack(stack).resource_count_is("AWS::ECS::Service", 1)


# Escape hatches.


def test_an_overridden_public_address_is_refused(stack: Stack, network: FixedEgressNetwork) -> None:
    """What counts is the template, not what the constructs were given."""
    service = proven_service(stack, network)
    l1_of(service).add_property_override("NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", "ENABLED")

    assert findings_in(stack) == {
        (
            "publicAddress",
            "tasks of Test/Web must have no public address, got: AssignPublicIp ENABLED on Test/Web/Service/Service",
        )
    }


def test_an_overridden_schedule_is_refused(stack: Stack, network: FixedEgressNetwork) -> None:
    """A job's schedule has subnets and a public address of its own, and so has whatever else starts the job."""
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


def test_a_public_address_that_only_the_deployment_knows_is_refused(stack: Stack, network: FixedEgressNetwork) -> None:
    """A parameter proves nothing."""
    service = proven_service(stack, network)
    parameter = CfnParameter(stack, "Public")
    l1_of(service).add_property_override(
        "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", parameter.value_as_string
    )

    assert rules_in(stack) == {"publicAddress"}


def test_overridden_subnets_are_the_ones_that_count(stack: Stack, network: FixedEgressNetwork) -> None:
    """A service moved to public subnets is refused, whatever its network says."""
    service = proven_service(stack, network)
    l1_of(service).add_property_override(
        "NetworkConfiguration.AwsvpcConfiguration.Subnets", [each.subnet_id for each in network.vpc.public_subnets]
    )

    assert rules_in(stack) == {"publicSubnet"}


def test_subnets_that_are_overridden_do_not_count(stack: Stack, network: FixedEgressNetwork) -> None:
    """A service moved to private subnets is not blamed for where its network wanted it."""
    service = service_in(stack, network.vpc, task_subnets=network.vpc.public_subnets)
    l1_of(service).add_property_override(
        "NetworkConfiguration.AwsvpcConfiguration.Subnets", [each.subnet_id for each in network.task_subnets]
    )

    assert findings_in(stack) == set()


def test_a_service_without_a_network_configuration_is_no_fault(stack: Stack, network: FixedEgressNetwork) -> None:
    """Fargate refuses it anyway."""
    l1_of(proven_service(stack, network)).add_property_deletion_override("NetworkConfiguration")

    assert findings_in(stack) == set()


def test_an_aspect_counts(lab: Lab) -> None:
    """What is added while the app is synthesized is seen as well, and synthesizing twice tells the same."""

    @jsii.implements(IAspect)
    class AddRoute:
        def visit(self, node: IConstruct) -> None:
            if node is lab.job and not hasattr(lab, "opened"):
                lab.opened = lab.route(gateway_id="igw-1")  # type: ignore[attr-defined]  # said once

    Aspects.of(lab.job).add(AddRoute())

    assert lab.prove() == {"publicSubnet"}
    assert rules_in(lab.stack) == {"publicSubnet"}


def test_a_raw_resource_counts(lab: Lab) -> None:
    """A route is one however it was written."""
    CfnResource(
        lab.stack,
        "Raw",
        type="AWS::EC2::Route",
        properties={
            "RouteTableId": lab.subnet.route_table.route_table_id,
            "DestinationCidrBlock": INTERNET,
            "GatewayId": "igw-1",
        },
    )

    assert lab.prove() == {"publicSubnet"}


def test_a_product_is_left_alone(stack: Stack, network: FixedEgressNetwork) -> None:
    """A service inside a Service Catalog product is deployed elsewhere, and its template is not this app's."""
    proven_service(stack, network)
    product = servicecatalog.ProductStack(stack, "Product")
    service = ecs.CfnService(product, "Service", cluster="c")
    EgressProof.of(service).add(service, subnets=[])

    assert findings_in(stack) == set()


# Ways out, one by one.


def test_an_isolated_subnet_is_fine(lab: Lab) -> None:
    """Tasks that leave nowhere leave from nowhere unknown."""
    assert lab.prove() == set()


def test_a_subnet_in_the_main_route_table_is_fine(stack: Stack) -> None:
    """No template can put a route there."""
    vpc = ec2.CfnVPC(stack, "Vpc", cidr_block="10.0.0.0/16")
    subnet = ec2.CfnSubnet(stack, "Subnet", vpc_id=vpc.ref, cidr_block="10.0.0.0/24")
    EgressProof.of(vpc).add(vpc, subnets=[ec2.Subnet.from_subnet_id(stack, "Tasks", subnet.ref)])

    assert findings_in(stack) == set()


def test_a_route_table_from_elsewhere_is_unproven(stack: Stack) -> None:
    """Its routes cannot be seen."""
    vpc = ec2.CfnVPC(stack, "Vpc", cidr_block="10.0.0.0/16")
    subnet = ec2.CfnSubnet(stack, "Subnet", vpc_id=vpc.ref, cidr_block="10.0.0.0/24")
    ec2.CfnSubnetRouteTableAssociation(stack, "Table", subnet_id=subnet.ref, route_table_id="rtb-1")
    ec2.CfnRoute(stack, "Route", route_table_id="rtb-2", destination_cidr_block=INTERNET, gateway_id="igw-1")
    EgressProof.of(vpc).add(vpc, subnets=[ec2.Subnet.from_subnet_id(stack, "Tasks", subnet.ref)])

    assert findings_in(stack) == {
        (
            "unprovenEgress",
            (
                "tasks of Test/Vpc should leave by ways that can be followed to an Elastic IP, "
                "got: Test/Subnet, whose route table is not in this app"
            ),
        )
    }


@pytest.mark.parametrize("destination", [INTERNET, "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/8", "10.0.0.0/7", "11.0.0.0/8"])
def test_any_way_to_the_internet_makes_a_subnet_public(lab: Lab, destination: str) -> None:
    """Half of the internet is enough, and handing out public addresses on launch makes no difference."""
    gateway = ec2.CfnInternetGateway(lab.stack, "Gateway")
    lab.route(destination, gateway_id=gateway.ref)
    subnet = lab.subnet.node.default_child
    assert isinstance(subnet, ec2.CfnSubnet)
    subnet.map_public_ip_on_launch = True

    assert lab.prove() == {"publicSubnet"}


def test_a_prefix_list_may_hold_the_internet(lab: Lab) -> None:
    """Nobody can tell at synth what is on it."""
    lab.route(destination_prefix_list_id="pl-1", gateway_id="igw-1")

    assert lab.prove() == {"publicSubnet"}


@pytest.mark.parametrize("destination", ["10.0.0.0/8", "172.20.0.0/16", "192.168.7.0/24", "100.64.0.0/12", "fd00::/8"])
def test_private_destinations_are_fine(lab: Lab, destination: str) -> None:
    """A route to another network of one's own is no way out."""
    lab.route(destination, transit_gateway_id="tgw-1")

    assert lab.prove() == set()


def test_a_route_within_the_vpc_is_fine(lab: Lab) -> None:
    """A VPC may have a public range; its local route stays inside."""
    lab.route("198.51.100.0/24", gateway_id="local")

    assert lab.prove() == set()


@pytest.mark.parametrize(
    "target",
    [
        {"transit_gateway_id": "tgw-1"},
        {"vpc_peering_connection_id": "pcx-1"},
        {"vpc_endpoint_id": "vpce-1"},
        {"gateway_id": "vgw-1"},
        {"nat_gateway_id": "nat-1"},
        {"network_interface_id": "eni-1"},
    ],
)
def test_a_way_that_cannot_be_followed_is_a_warning(lab: Lab, target: dict[str, str]) -> None:
    """Transit gateways, peers, firewalls, VPNs and whatever is not in the app: synthesis succeeds and says so."""
    lab.route(**target)

    assert lab.prove() == {"unprovenEgress"}
    lab.stack.node.root.synth()  # type: ignore[attr-defined]  # an app


def test_a_vpn_gateway_of_the_app_is_a_warning(lab: Lab) -> None:
    """It leads to a network that is not seen."""
    lab.route(gateway_id=ec2.CfnVPNGateway(lab.stack, "Vpn", type="ipsec.1").ref)

    assert lab.prove() == {"unprovenEgress"}


def test_warnings_come_once_for_a_service(lab: Lab) -> None:
    """Two routes make one warning, which names them both."""
    lab.route("0.0.0.0/1", transit_gateway_id="tgw-1")
    lab.route("128.0.0.0/1", transit_gateway_id="tgw-1")
    lab.prove()

    ((_, got),) = findings_in(lab.stack)
    assert got.count("to TransitGatewayId tgw-1") == 2


@pytest.mark.parametrize("gateway", ["egress_only_internet_gateway_id", "gateway_id"])
def test_ipv6_passes_the_list_by(lab: Lab, gateway: str) -> None:
    """IPv6 leaves from the tasks' own addresses: a warning, not an error, with either kind of gateway."""
    resource = (
        ec2.CfnEgressOnlyInternetGateway(lab.stack, "Gateway", vpc_id=lab.vpc.ref)
        if gateway.startswith("egress")
        else ec2.CfnInternetGateway(lab.stack, "Gateway")
    )
    lab.route("::/0", **{gateway: resource.ref})

    assert lab.prove() == {"ipv6Egress"}
    lab.stack.node.root.synth()  # type: ignore[attr-defined]  # an app


# NAT gateways.


def test_a_gateway_on_retained_addresses_is_proven(lab: Lab) -> None:
    """First and secondary, and for IPv6 destinations that it translates (NAT64)."""
    first, second = lab.elastic_ip(), lab.elastic_ip(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    gateway = lab.nat_gateway(
        allocation_id=first.attr_allocation_id, secondary_allocation_ids=[second.attr_allocation_id]
    )
    lab.route(nat_gateway_id=gateway)
    lab.route("64:ff9b::/96", nat_gateway_id=gateway)

    assert lab.prove() == set()


def test_every_address_of_a_gateway_counts(lab: Lab) -> None:
    """One that goes with the stack is one too many."""
    first, second = lab.elastic_ip(), lab.elastic_ip(RemovalPolicy.DESTROY)
    gateway = lab.nat_gateway(
        allocation_id=first.attr_allocation_id, secondary_allocation_ids=[second.attr_allocation_id]
    )
    lab.route(nat_gateway_id=gateway)

    assert lab.prove() == {"unknownEgress"}


def test_addresses_of_another_stack_are_proven(lab: Lab) -> None:
    """The pool may stand in a stack of its own, which outlives the network."""
    pool = ElasticIpPool(Stack(Stage.of(lab.stack), "Addresses"), "Pool", zones=1)
    lab.route(nat_gateway_id=lab.nat_gateway(allocation_id=pool.allocation_ids[0]))

    assert lab.prove() == set()


def allocation_id_from(lab: Lab, source: str) -> str:
    """Return the allocation ID of an Elastic IP kept elsewhere, as a string or as a token."""
    match source:
        case "parameter":
            return CfnParameter(lab.stack, "Ip").value_as_string
        case "import":
            return Fn.import_value("Ip")
        case _:
            return "eipalloc-1"


@pytest.mark.parametrize("source", ["literal", "parameter", "import"])
def test_addresses_brought_along_are_refused(lab: Lab, source: str) -> None:
    """What nobody named, nobody knows."""
    lab.route(nat_gateway_id=lab.nat_gateway(allocation_id=allocation_id_from(lab, source)))

    assert lab.prove("eipalloc-0") == {"unknownEgress"}


@pytest.mark.parametrize("source", ["literal", "parameter", "import"])
def test_addresses_brought_along_are_known_if_named(lab: Lab, source: str) -> None:
    """The same token means the same address."""
    known = allocation_id_from(lab, source)
    lab.route(nat_gateway_id=lab.nat_gateway(allocation_id=known))

    assert lab.prove("eipalloc-0", known) == set()


def test_an_address_that_is_no_elastic_ip_of_the_app_is_refused(lab: Lab) -> None:
    """What a custom resource hands out may be retained, and still nobody knows it."""
    allocator = CfnResource(lab.stack, "Allocator", type="Custom::Allocator")
    allocator.apply_removal_policy(RemovalPolicy.RETAIN)
    lab.route(nat_gateway_id=lab.nat_gateway(allocation_id=allocator.get_att("AllocationId").to_string()))

    assert lab.prove() == {"unknownEgress"}


def test_a_private_gateway_is_unproven(lab: Lab) -> None:
    """It has no address on the internet; what comes after it decides."""
    lab.route(nat_gateway_id=lab.nat_gateway(connectivity_type="private"))

    assert lab.prove() == {"unprovenEgress"}


@pytest.mark.parametrize("allocation_id", [None, "eipalloc-1"])
def test_a_regional_gateway_in_automatic_mode_has_no_known_address(stack: Stack, allocation_id: str | None) -> None:
    """AWS picks and adds its addresses, whatever the first is."""
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
    """It keeps to those that it is given for each zone."""
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


# NAT instances.


def interface_in(lab: Lab) -> ec2.CfnNetworkInterface:
    """Make a network interface that the subnet's default route leads to."""
    interface = ec2.CfnNetworkInterface(lab.stack, "Interface", subnet_id=lab.subnet.subnet_id)
    lab.route(network_interface_id=interface.ref)
    return interface


def test_an_interface_without_an_elastic_ip_is_refused(lab: Lab) -> None:
    """It has whatever address AWS gives it; an association with another interface changes nothing."""
    interface_in(lab)
    ec2.CfnEIPAssociation(lab.stack, "Other", network_interface_id="eni-1", allocation_id="eipalloc-1")

    assert lab.prove("eipalloc-1") == {"unknownEgress"}


@pytest.mark.parametrize(("known", "broken"), [(["eipalloc-1"], set()), ([], {"unknownEgress"})])
def test_an_interface_with_an_elastic_ip_brought_along(lab: Lab, known: list[str], broken: set[str]) -> None:
    """It is known if somebody says so."""
    interface = interface_in(lab)
    ec2.CfnEIPAssociation(lab.stack, "Ip", network_interface_id=interface.ref, allocation_id="eipalloc-1")

    assert lab.prove(*known) == broken


@pytest.mark.parametrize(
    ("policy", "broken"), [(RemovalPolicy.RETAIN, set()), (RemovalPolicy.DESTROY, {"unknownEgress"})]
)
@pytest.mark.parametrize("association", ["interface", "instance", "address"])
def test_an_instance_is_judged_by_its_elastic_ip(
    lab: Lab, association: str, policy: RemovalPolicy, broken: set[str]
) -> None:
    """Whether the address is associated with the instance, with its interface, or names the instance itself."""
    interface = ec2.CfnNetworkInterface(lab.stack, "Interface", subnet_id=lab.subnet.subnet_id)
    instance = ec2.CfnInstance(
        lab.stack,
        "Instance",
        network_interfaces=[
            ec2.CfnInstance.NetworkInterfaceProperty(device_index="0", network_interface_id=interface.ref)
        ],
    )
    elastic_ip = lab.elastic_ip(policy)
    lab.route(instance_id=instance.ref)
    if association == "address":
        elastic_ip.instance_id = instance.ref
    elif association == "instance":
        ec2.CfnEIPAssociation(lab.stack, "Ip", instance_id=instance.ref, eip=elastic_ip.ref)
    else:
        ec2.CfnEIPAssociation(
            lab.stack, "Ip", network_interface_id=interface.ref, allocation_id=elastic_ip.attr_allocation_id
        )

    assert lab.prove() == broken


def test_the_nat_instances_of_a_vpc_are_refused(stack: Stack) -> None:
    """`NatProvider.instance_v2` gives its instances no Elastic IP."""
    provider = ec2.NatProvider.instance_v2(
        instance_type=ec2.InstanceType("t4g.nano"),
        machine_image=ec2.MachineImage.from_ssm_parameter("/aws/service/some-image"),
    )
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider))

    assert rules_in(stack) == {"unknownEgress"}


@pytest.mark.parametrize(("egress_ips", "found"), [([], {"unknownEgress"}), (["203.0.113.7"], set())])
def test_a_person_may_vouch_for_a_vpc_of_the_app(stack: Stack, egress_ips: list[str], found: set[str]) -> None:
    """Addresses that nobody retains are known to whoever names them, and to nobody else."""
    network = FixedEgressNetwork.from_vpc(stack, "Network", ec2.Vpc(stack, "Vpc"), egress_ips=egress_ips)
    FargateService(stack, "Web", network=network, image=ecs.ContainerImage.from_registry("nginx"))

    assert {rule for rule, _ in findings_in(stack)} == found


def test_nobody_can_vouch_for_a_public_subnet(stack: Stack) -> None:
    """A task's own public address is not one of the network's."""
    vpc = ec2.Vpc(stack, "Vpc")
    network = FixedEgressNetwork.from_vpc(
        stack, "Network", vpc, egress_ips=["203.0.113.7"], task_subnets=vpc.public_subnets
    )
    FargateService(stack, "Web", network=network, image=ecs.ContainerImage.from_registry("nginx"))

    assert {rule for rule, _ in findings_in(stack)} == {"publicSubnet"}
