"""One line each for what matters, on apps of any make."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import (
    Acknowledgment,
    App,
    CfnCondition,
    CfnParameter,
    CfnStack,
    Fn,
    NestedStack,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from fargate_constructs import FargateService, FixedEgressNetwork, LogArchive, OneOffTask
from fargate_constructs.testing import assert_fixed_egress, assert_logs_archived, assert_private_tasks

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
NIGHTLY = applicationautoscaling.Schedule.cron(hour="3", minute="0")
NOWHERE = "which has no subscription; subscribe to it by LogArchive.add_log_group(...) or a logs.SubscriptionFilter"
ASSERTIONS = (assert_private_tasks, assert_fixed_egress, assert_logs_archived)


def faults_of(assertion: Callable[..., None], scope: Stack | Stage, **arguments: Any) -> list[str]:  # noqa: ANN401
    """Return what an assertion says, line by line."""
    try:
        assertion(scope, **arguments)
    except AssertionError as error:
        return str(error).splitlines()
    return []


class Plain(App):
    """An app without this library: a network, and stacks with a private service, a public one, and a job."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Stack(self, "Base")
        vpc = ec2.Vpc(self.base, "Vpc", max_azs=1, nat_gateways=1)
        self.private, self.public, self.job = (Stack(self, name) for name in ("Private", "Public", "Job"))
        for stack in (self.private, self.public):
            ecs_patterns.ApplicationLoadBalancedFargateService(
                stack,
                "Web",
                vpc=vpc,
                assign_public_ip=stack is self.public,
                task_image_options=ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=IMAGE),
            )
        ecs_patterns.ScheduledFargateTask(
            self.job,
            "Report",
            vpc=vpc,
            schedule=NIGHTLY,
            scheduled_fargate_task_image_options=ecs_patterns.ScheduledFargateTaskImageOptions(image=IMAGE),
        )


class Ours(App):
    """The same of this library: a network and an archive, a service in another stack, and a job by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.shop = Stack(self, "Base"), Stack(self, "Shop")
        network, archive = FixedEgressNetwork(self.base, "Network"), LogArchive(self.base, "LogArchive")
        web = FargateService(self.shop, "Web", network=network, image=IMAGE)
        self.jobs = Stack(self, "Jobs")
        migration = OneOffTask(self.jobs, "Migration", network=network, image=IMAGE)
        for each in (web, migration):
            archive.add_log_group(each.log_group)


@pytest.fixture(scope="module")
def plain() -> Plain:
    """An app without this library."""
    return Plain()


@pytest.fixture(scope="module")
def ours() -> Ours:
    """An app of this library."""
    return Ours()


@pytest.mark.parametrize("assertion", ASSERTIONS, ids=lambda each: each.__name__)
def test_this_librarys_parts_pass(assertion: Callable[..., None], ours: Ours) -> None:
    """With the network and the archive in other stacks, for services and jobs."""
    for scope in (ours.shop, ours.jobs, ours):
        assertion(scope)


@pytest.mark.parametrize("assertion", ASSERTIONS, ids=lambda each: each.__name__)
def test_scopes_without_tasks(assertion: Callable[..., None], ours: Ours) -> None:
    """An assertion about nothing would pass for the wrong stack; other things than stacks and stages are refused."""
    (fault,) = faults_of(assertion, ours.base)
    assert fault.startswith("there is nothing to assert: Base ")
    (fault,) = faults_of(assertion, App())
    assert fault.startswith("there is nothing to assert: the app ")
    with pytest.raises(TypeError, match=r"scope must be aws_cdk\.Stack or aws_cdk\.Stage, got: 'Shop'"):
        assertion("Shop")


def test_stages_and_nested_stacks() -> None:
    """A network in a nested stack, in a stage: read where it is."""
    stage = Stage(App(), "Prod")
    shop = Stack(stage, "Shop", stack_name="another-name")
    network = FixedEgressNetwork(NestedStack(shop, "Base"), "Network")
    FargateService(shop, "Web", network=network, image=IMAGE)

    for scope in (shop, stage):
        assert_private_tasks(scope)
        assert_fixed_egress(scope)
        assert faults_of(assert_logs_archived, scope) == [
            f"container web of Prod/Shop/Web/TaskDefinition/Resource logs to Prod/Shop/Web/Logs/Resource, {NOWHERE}"
        ]


def test_public_tasks(plain: Plain) -> None:
    """The message has the path of the service, its public address and its subnet; the service's egress is not fixed."""
    faults = faults_of(assert_private_tasks, plain.public)

    web, subnet = "Public/Web/Service/Service", "Base/Vpc/PublicSubnet1"
    route = f"{subnet}/DefaultRoute leads 0.0.0.0/0"
    assert [fault.partition(";")[0] for fault in faults] == [
        f"tasks of {web} must have no public address, got: AssignPublicIp ENABLED on {web}",
        f"tasks of {web} must not run in a public subnet, got: {subnet}/Subnet, where {route} to an internet gateway",
    ]
    assert faults_of(assert_private_tasks, plain) == faults == faults_of(assert_fixed_egress, plain.public)
    assert_private_tasks(plain.private)
    assert_private_tasks(plain.job)


@pytest.mark.parametrize("name", ["private", "job"])
def test_addresses_that_go_with_the_stack_are_told(name: str, plain: Plain) -> None:
    """CDK's own gateways have such addresses; the message has the service or job, and the Elastic IP."""
    tasks = {"private": "Private/Web/Service/Service", "job": "Job/Report/ScheduledEventRule/Resource"}[name]

    assert faults_of(assert_fixed_egress, getattr(plain, name)) == [
        (
            f"tasks of {tasks} must leave from Elastic IPs that are known and stay, got: "
            "Base/Vpc/PrivateSubnet1/Subnet, where Base/Vpc/PrivateSubnet1/DefaultRoute leads 0.0.0.0/0 to "
            "Base/Vpc/PublicSubnet1/NATGateway on Base/Vpc/PublicSubnet1/EIP, which is not retained; "
            "give the NAT gateway Elastic IPs with RemovalPolicy.RETAIN, or name their allocation IDs as known"
        )
    ]


@pytest.mark.parametrize("launch", ["by_cdk", "by_family", "substitutions"])
def test_tasks_of_a_state_machine_are_told(launch: str, stack: Stack) -> None:
    """It runs the definition of a private service in a public subnet; it refers to the definition in three ways."""
    provider = ec2.NatProvider.gateway(eip_allocation_ids=["eipalloc-1"])
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider)
    service = run_in(stack, vpc)
    definition = service.task_definition
    run = tasks.EcsRunTask(
        stack,
        "Run",
        cluster=service.cluster,
        task_definition=definition,
        launch_target=tasks.EcsFargateLaunchTarget(platform_version=ecs.FargatePlatformVersion.LATEST),
        assign_public_ip=True,
        subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
    )
    body = sfn.DefinitionBody.from_chainable(sfn.Parallel(stack, "Both").branch(run))
    machine = sfn.StateMachine(stack, "Machine", definition_body=body).node.default_child
    assert isinstance(machine, sfn.CfnStateMachine)
    subnet = stack.resolve(vpc.public_subnets[0].subnet_id)
    values = {"TaskDefinition": stack.resolve(definition.task_definition_arn), "subnet": subnet, "seconds": 60}
    if launch == "substitutions":
        machine.add_property_override("DefinitionString", DEFINITION)
        machine.add_property_override("DefinitionSubstitutions", values)
    if launch == "by_family":
        resource = definition.node.default_child
        assert isinstance(resource, ecs.CfnTaskDefinition)
        resource.family = "shop"
        arn = {"TaskDefinition": "arn:aws:ecs:eu-west-1:111111111111:task-definition/shop:7"}
        machine.add_property_override("DefinitionString", {"Fn::Sub": [DEFINITION, values | arn]})

    public, subnet_fault, *rest = faults_of(assert_fixed_egress, stack, known_allocation_ids=["eipalloc-1"])
    assert "tasks of Test/Machine/Resource must have no public address, got: AssignPublicIp ENABLED" in public
    assert "tasks of Test/Machine/Resource must not run in a public subnet" in subnet_fault
    assert rest == []


# As people write it by hand, with a number among the substitutions.
DEFINITION = """{"StartAt": "Run", "States": {"Run": {"Type": "Task", "End": true,
"Resource": "arn:aws:states:::ecs:runTask.sync", "TimeoutSeconds": ${seconds}, "Parameters": {"LaunchType": "FARGATE",
"TaskDefinition": "${TaskDefinition}", "Cluster.$": "$.cluster", "NetworkConfiguration":
{"AwsvpcConfiguration": {"Subnets": ["${subnet}"], "AssignPublicIp": "ENABLED"}}}}}}"""


@pytest.mark.parametrize("acknowledged", [False, True])
def test_routes_that_a_vpn_propagates_are_told(acknowledged: bool, stack: Stack) -> None:  # noqa: FBT001 - a parameter
    """They are in no template; a person who knows them acknowledges the finding."""
    provider = ec2.NatProvider.gateway(eip_allocation_ids=["eipalloc-1"])
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider)
    service = run_in(stack, vpc)
    ids = [subnet.route_table.route_table_id for subnet in vpc.private_subnets]
    ec2.CfnVPNGatewayRoutePropagation(stack, "Propagation", route_table_ids=ids, vpn_gateway_id="vgw-1")
    if acknowledged:
        id_ = "fargate-constructs::unprovenEgress"
        Validations.of(service).acknowledge(Acknowledgment(id=id_, reason="It leads to the office, and nowhere else."))

    faults = faults_of(assert_fixed_egress, stack, known_allocation_ids=["eipalloc-1"])
    assert ["where Test/Propagation may add routes of vgw-1" in fault for fault in faults] == [True] * (
        not acknowledged
    )


def run_in(stack: Stack, vpc: ec2.IVpc) -> ecs.FargateService:
    """Run a service of CDK's own."""
    definition = ecs.FargateTaskDefinition(stack, "Task")
    definition.add_container("app", image=IMAGE, logging=ecs.LogDrivers.aws_logs(stream_prefix="app"))
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    return ecs.FargateService(stack, "Service", cluster=cluster, task_definition=definition)


def test_addresses_kept_elsewhere_can_be_named(stack: Stack) -> None:
    """By their allocation IDs; without these they are unknown."""
    gateway = ec2.NatProvider.gateway(eip_allocation_ids=["eipalloc-1"])
    run_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=gateway))

    (fault,) = faults_of(assert_fixed_egress, stack)
    assert "on eipalloc-1, which is not known; give the NAT gateway" in fault
    assert_fixed_egress(stack, known_allocation_ids=["eipalloc-1"])


def test_ipv6() -> None:
    """A task is private behind an egress-only internet gateway, and its range is known in a network of ours."""
    own, other, public = (Stack(App(), name) for name in ("Own", "Other", "Public"))
    network = FixedEgressNetwork(own, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    FargateService(own, "Web", network=network, image=IMAGE)
    gateway = ec2.NatProvider.gateway(eip_allocation_ids=["eipalloc-1"])
    dual_stack: dict[str, Any] = {"max_azs": 1, "ip_protocol": ec2.IpProtocol.DUAL_STACK}
    run_in(other, ec2.Vpc(other, "Vpc", nat_gateway_provider=gateway, **dual_stack))
    vpc = ec2.Vpc(public, "Vpc", nat_gateway_provider=gateway, **dual_stack)
    run_in(public, vpc)
    table = vpc.private_subnets[0].route_table.route_table_id
    ec2.CfnRoute(
        public, "Half", route_table_id=table, destination_ipv6_cidr_block="2000::/4", gateway_id=vpc.internet_gateway_id
    )

    assert_private_tasks(own)
    assert_fixed_egress(own)
    assert_private_tasks(other)
    (fault,) = faults_of(assert_fixed_egress, other, known_allocation_ids=["eipalloc-1"])
    assert "should reach IPv6 hosts from known ranges" in fault
    (fault,) = faults_of(assert_private_tasks, public)
    assert "must have no IPv6 address that the internet reaches, got: Public/Vpc/PrivateSubnet1/Subnet, where" in fault


@pytest.mark.parametrize("assertion", ASSERTIONS[:2], ids=lambda each: each.__name__)
def test_tasks_with_the_addresses_of_instances_are_told(assertion: Callable[..., None], stack: Stack) -> None:
    """In network mode bridge, or on your own machines, whose network is unknown."""
    definition = ecs.CfnTaskDefinition(stack, "Task", network_mode="bridge")
    ecs.CfnService(stack, "Service", task_definition=definition.ref, launch_type="EC2")

    assert faults_of(assertion, stack) == [
        (
            "tasks of Test/Service must have addresses of their own, got: no AwsvpcConfiguration on Test/Service; "
            "run them in network mode awsvpc: the routes of instances are not read"
        )
    ]


def imported_vpc(stack: Stack) -> ec2.IVpc:
    """Return a VPC of another app."""
    return ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a"], private_subnet_ids=["subnet-1"]
    )


UNSEEN = (
    "tasks of Test/Service/Service must run in subnets of this app, got: {}; "
    "test the app that makes the subnets, or name their addresses as egress_ips of FixedEgressNetwork.from_vpc"
)


def test_subnets_of_another_app_prove_nothing(stack: Stack) -> None:
    """Their routes are unknown: tasks are private there, and their addresses are not known."""
    run_in(stack, imported_vpc(stack))

    assert_private_tasks(stack)
    assert faults_of(assert_fixed_egress, stack) == [UNSEEN.format("subnet-1")]


def test_subnets_of_another_app_with_given_addresses(stack: Stack) -> None:
    """A person who names the addresses is trusted."""
    network = FixedEgressNetwork.from_vpc(stack, "Network", imported_vpc(stack), egress_ips=["203.0.113.7"])
    FargateService(stack, "Web", network=network, image=IMAGE)

    assert_private_tasks(stack)
    assert_fixed_egress(stack)


@pytest.mark.parametrize(
    ("subnets", "got"),
    [
        ({"Ref": "Subnets"}, "subnets known only when deployed"),
        ([{"Fn::GetAtt": ["Network", "Outputs.Subnet"]}], "${Network.Outputs.Subnet}"),
    ],
    ids=["parameter", "elsewhere"],
)
def test_subnets_that_only_the_deployment_knows_prove_nothing(subnets: object, got: str, stack: Stack) -> None:
    """Those of a parameter, and the output of a stack whose template is not the app's."""
    resource = run_in(stack, imported_vpc(stack)).node.default_child
    assert isinstance(resource, ecs.CfnService)
    CfnParameter(stack, "Subnets", type="List<AWS::EC2::Subnet::Id>")
    CfnStack(stack, "Network", template_url="https://example.com/network.yaml")
    resource.add_property_override("NetworkConfiguration.AwsvpcConfiguration.Subnets", subnets)

    assert faults_of(assert_fixed_egress, stack) == [UNSEEN.format(got)]


def task_with(stack: Stack, *drivers: ecs.LogDriver | None) -> ecs.FargateTaskDefinition:
    """Define a task with a container for each log driver."""
    definition = ecs.FargateTaskDefinition(stack, f"Task{len(stack.node.children)}")
    for number, driver in enumerate(drivers):
        definition.add_container(f"c{number}", image=IMAGE, logging=driver)
    return definition


def aws_logs(group: logs.ILogGroup) -> ecs.LogDriver:
    """Log to a log group."""
    return ecs.LogDrivers.aws_logs(stream_prefix="app", log_group=group)


def subscribe(group: logs.ILogGroup, stack: Stack, pattern: str = "") -> None:
    """Let a function have what a log group gets, or what of it matches a pattern."""
    function = lambda_.Function.from_function_arn(stack, "Function", "arn:aws:lambda:eu-west-1:1:function:f")
    logs.SubscriptionFilter(
        stack,
        "Subscription",
        log_group=group,
        destination=destinations.LambdaDestination(function),
        filter_pattern=logs.FilterPattern.literal(pattern),
    )


def test_logs_that_go_nowhere_are_told(plain: Plain, stack: Stack) -> None:
    """No driver; a log group of another app, as the template names it; and not those that FireLens has."""
    elsewhere = logs.LogGroup.from_log_group_name(stack, "Elsewhere", "/of/others")
    task_with(stack, None, aws_logs(elsewhere), ecs.LogDrivers.firelens(options={"Name": "s3"}))

    name = stack.node.children[1].node.path
    assert faults_of(assert_logs_archived, stack) == [
        (
            f"container c0 of {name}/Resource has no log driver, so its lines are lost; "
            "give it logging=ecs.LogDrivers.aws_logs(...)"
        ),
        f"container c1 of {name}/Resource logs to /of/others, {NOWHERE}",
    ]
    assert faults_of(assert_logs_archived, plain.private) == [
        f"container web of Private/Web/TaskDef/Resource logs to Private/Web/TaskDef/web/LogGroup/Resource, {NOWHERE}"
    ]


def test_subscriptions_to_some_lines_are_told(stack: Stack) -> None:
    """The other lines are not archived; the message has the pattern."""
    group = logs.LogGroup(stack, "Group")
    subscribe(group, stack, "ERROR")
    task_with(stack, aws_logs(group))

    (fault,) = faults_of(assert_logs_archived, stack)
    assert " logs to Test/Group/Resource, and only lines that match 'ERROR' are archived; subscribe to it by" in fault


@pytest.mark.parametrize(
    "path",
    ["0", "0.LogConfiguration", "0.LogConfiguration.LogDriver", "0.LogConfiguration.Options"],
    ids=["container", "configuration", "driver", "options"],
)
def test_what_hangs_on_a_condition_is_told(path: str, stack: Stack) -> None:
    """Its log group is unknown, so it does not pass as another driver would."""
    CfnCondition(stack, "IsProd", expression=Fn.condition_equals("a", "b"))
    definition = task_with(stack, aws_logs(logs.LogGroup(stack, "Group"))).node.default_child
    assert isinstance(definition, ecs.CfnTaskDefinition)
    definition.add_property_override(f"ContainerDefinitions.{path}", {"Fn::If": ["IsProd", "", ""]})

    (fault,) = faults_of(assert_logs_archived, stack)
    assert fault.endswith("logs to where only the deployment knows; write its log driver into the template")


def test_stages_have_log_groups_of_their_own() -> None:
    """Of one name, and subscribed to in one of them: without an account they are not known to be the same."""
    app = App()
    for name in ("Beta", "Prod"):
        stack = Stack(Stage(app, name), "Shop")
        group = logs.LogGroup(stack, "Group", log_group_name="/shop")
        task_with(stack, aws_logs(logs.LogGroup.from_log_group_name(stack, "ByName", "/shop")))
        if name == "Beta":
            subscribe(group, stack)
            logs.CfnAccountPolicy(
                Stack(Stage(app, "Other"), "Stack"),
                "Policy",
                policy_name="all",
                policy_type="SUBSCRIPTION_FILTER_POLICY",
                policy_document="{}",
            )
    faults = faults_of(assert_logs_archived, app)

    assert [fault.partition(", ")[0].rpartition(" ")[2] for fault in faults] == ["Prod/Shop/Group/Resource"]


def test_subscriptions(stack: Stack) -> None:
    """A log group of another app counts, too, and one of another stack that is referred to by its name."""
    elsewhere = logs.LogGroup.from_log_group_name(stack, "Elsewhere", "/of/others")
    subscribe(elsewhere, stack)
    task_with(stack, aws_logs(elsewhere))
    assert_logs_archived(stack)

    app = App()
    named, reader = Stack(app, "Named"), Stack(app, "Reader")
    group = logs.LogGroup(named, "Group", log_group_name="/of/ours")
    subscribe(group, named)
    task_with(reader, aws_logs(logs.LogGroup.from_log_group_name(reader, "ByName", "/of/ours")))
    assert_logs_archived(reader)

    everything = Stack(App(), "Test")
    LogArchive(everything, "LogArchive").add_all_log_groups()
    others = logs.LogGroup.from_log_group_name(everything, "Elsewhere", "/of/others")
    task_with(everything, aws_logs(logs.LogGroup(everything, "Group")), aws_logs(others))
    assert_logs_archived(everything)


def test_proxies_log_too(stack: Stack) -> None:
    """Service Connect's proxies, if they have a log driver."""
    group = logs.LogGroup(stack, "Group")
    subscribe(group, stack)
    definition = task_with(stack, aws_logs(group))
    cluster = ecs.Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    ecs.FargateService(
        stack,
        "Service",
        cluster=cluster,
        task_definition=definition,
        service_connect_configuration=ecs.ServiceConnectProps(
            namespace="local", log_driver=aws_logs(logs.LogGroup(stack, "Proxy"))
        ),
    )

    assert faults_of(assert_logs_archived, stack) == [
        f"the Service Connect proxy of Test/Service/Service logs to Test/Proxy/Resource, {NOWHERE}"
    ]
