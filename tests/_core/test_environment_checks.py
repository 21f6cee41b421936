"""Which VPC, region and account things are in, as far as an app knows."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, get_args

import pytest
from aws_cdk import App, Aws, CustomResource, Environment, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

import fargate_constructs
from fargate_constructs import (
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    Rollback,
    SignIn,
    WebAcl,
)
from fargate_constructs._core.argument_types import types_of
from fargate_constructs._core.environment_checks import (
    ALLOWED_IN_OTHER_ACCOUNT,
    ALLOWED_IN_OTHER_REGION,
    environment_of,
    may_be_in_vpc,
    may_be_same_vpc,
    validate_environment,
)
from tests.modes.made_elsewhere import IMAGE, network_in

HERE = Environment(account="111111111111", region="eu-west-1")
ELSEWHERE = {
    "region": Environment(account="111111111111", region="us-east-1"),
    "account": Environment(account="222222222222", region="eu-west-1"),
}


def imported(stack: Stack, id: str, vpc_id: str, region: str | None = None) -> ec2.IVpc:  # noqa: A002 - as constructs
    """Return a VPC by its ID."""
    return ec2.Vpc.from_vpc_attributes(stack, id, vpc_id=vpc_id, availability_zones=["a"], region=region)


@pytest.fixture(scope="module")
def vpcs() -> Mapping[str, ec2.IVpc]:
    """Two VPCs that an app makes, and others that it has the ID of."""
    app = App()
    here, there = Stack(app, "Here"), Stack(app, "There", env=Environment(region="eu-west-1"))
    ours, other = ec2.Vpc(here, "Vpc"), ec2.Vpc(there, "Vpc")
    resource = ours.node.default_child
    assert isinstance(resource, ec2.CfnVPC)
    return {
        "ours": ours,
        "ours by its reference": imported(there, "Reference", resource.ref),
        "another of ours": other,
        "one": imported(here, "One", "vpc-0123456789abcdef1", region="us-east-1"),
        "one again": imported(there, "One", "vpc-0123456789abcdef1"),
        "another": imported(here, "Another", "vpc-0123456789abcdef2"),
        "not known": imported(here, "Export", Fn.import_value("vpc")),
        "not looked up": imported(here, "LookUp", "vpc-12345"),
    }


OURS, ONE, UNKNOWN = ("ours", "ours by its reference"), ("one", "one again"), ("not known", "not looked up")


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("ours", {*OURS, *UNKNOWN}),
        ("another of ours", {"another of ours", *UNKNOWN}),
        ("one", {*ONE, *UNKNOWN}),
        ("another", {"another", *UNKNOWN}),
    ],
)
def test_what_may_be_one_vpc(vpcs: Mapping[str, ec2.IVpc], name: str, same: set[str]) -> None:
    """Two VPCs of the app differ, and so do two IDs; an unknown one may be any."""
    assert {other for other in vpcs if may_be_same_vpc(vpcs[name], vpcs[other])} == same
    assert {other for other in vpcs if may_be_same_vpc(vpcs[other], vpcs[name])} == same


def test_what_may_be_in_a_vpc(vpcs: Mapping[str, ec2.IVpc]) -> None:
    """A security group is of the VPC that it was made in; an imported one may be of any."""
    stack = Stack.of(vpcs["ours"])
    made = ec2.SecurityGroup(stack, "Group", vpc=vpcs["ours"])
    elsewhere = ec2.SecurityGroup.from_security_group_id(stack, "Imported", "sg-1")

    assert {other for other in vpcs if may_be_in_vpc(made, vpcs[other])} == {*OURS, *UNKNOWN}
    assert all(may_be_in_vpc(elsewhere, vpc) for vpc in vpcs.values())


# --- Arguments of all parts ---


def arn(service: str, resource: str, stack: Stack) -> str:
    """Return an ARN of a stack's region and account."""
    return f"arn:aws:{service}:{stack.region}:{stack.account}:{resource}"


def group_in(stack: Stack) -> ec2.ISecurityGroup:
    """Return a security group."""
    return ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")


# What makes a thing of a type in a stack.
MAKERS: dict[str, Callable[[Stack], object]] = {
    **dict.fromkeys(("IConnectable", "ISecurityGroup"), group_in),
    **dict.fromkeys(
        ("Construct", "FargateService", "ListenerTarget", "RouteTarget"),
        lambda stack: FargateService(stack, "Thing", network=network_in(stack), image=IMAGE),
    ),
    "ContainerDefinition": lambda stack: ecs.FargateTaskDefinition(stack, "Thing").add_container("Main", image=IMAGE),
    "HttpEndpoint": lambda stack: HttpEndpoint(stack, "Thing", network=network_in(stack)),
    "IAccessPoint": lambda stack: efs.AccessPoint.from_access_point_id(stack, "Thing", "fsap-1"),
    "IAlarm": lambda stack: cloudwatch.Alarm.from_alarm_arn(stack, "Thing", arn("cloudwatch", "alarm:a", stack)),
    "IApplicationListener": lambda stack: elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Thing",
        listener_arn=arn("elasticloadbalancing", "listener/a/1/2", stack),
        security_group=group_in(stack),
    ),
    "IBucket": lambda stack: s3.Bucket(stack, "Thing"),
    "ICertificate": lambda stack: acm.Certificate.from_certificate_arn(
        stack, "Thing", arn("acm", "certificate/1", stack)
    ),
    "ICluster": lambda stack: ecs.Cluster.from_cluster_arn(stack, "Thing", arn("ecs", "cluster/a", stack)),
    "IFileSystem": lambda stack: efs.FileSystem.from_file_system_attributes(
        stack, "Thing", file_system_id="fs-1", security_group=group_in(stack)
    ),
    "IFunction": lambda stack: lambda_.Function.from_function_arn(stack, "Thing", arn("lambda", "function:a", stack)),
    "IGrantable": lambda stack: iam.Role(stack, "Thing", assumed_by=iam.AccountRootPrincipal()),
    "IHostedZone": lambda stack: route53.HostedZone(stack, "Thing", zone_name="example.com"),
    "IKey": lambda stack: kms.Key.from_key_arn(stack, "Thing", arn("kms", "key/1", stack)),
    "ILogGroup": lambda stack: logs.LogGroup.from_log_group_arn(stack, "Thing", arn("logs", "log-group:a:*", stack)),
    "INetworkLoadBalancer": lambda stack: elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(
        stack, "Thing", load_balancer_arn=arn("elasticloadbalancing", "loadbalancer/net/a/1", stack)
    ),
    "IQueue": lambda stack: sqs.Queue.from_queue_arn(stack, "Thing", arn("sqs", "a", stack)),
    "IRole": lambda stack: iam.Role(stack, "Thing", assumed_by=iam.AccountRootPrincipal()),
    "ISubnet": lambda stack: ec2.Subnet.from_subnet_id(stack, "Thing", "subnet-1"),
    "IVpc": lambda stack: ec2.Vpc(stack, "Thing"),
    **dict.fromkeys(("Construct", "LogArchive"), lambda stack: LogArchive(stack, "Thing")),
    "MutualAuthentication": lambda stack: elbv2.MutualAuthentication(
        trust_store=elbv2.TrustStore.from_trust_store_arn(
            stack, "Thing", arn("elasticloadbalancing", "truststore/a/1", stack)
        )
    ),
    "Network": lambda stack: FixedEgressNetwork.from_vpc(stack, "Thing", ec2.Vpc(stack, "Vpc"), egress_ips=[]),
    "Rollback": lambda stack: Rollback(
        alarms=[cloudwatch.Alarm.from_alarm_arn(stack, "Thing", arn("cloudwatch", "alarm:a", stack))]
    ),
    "SignIn": lambda stack: SignIn.cognito(
        user_pool=cognito.UserPool(stack, "Thing"),
        user_pool_client=cognito.UserPoolClient.from_user_pool_client_id(stack, "Client", "1"),
        user_pool_domain=cognito.UserPoolDomain.from_domain_name(stack, "Domain", "a"),
    ),
    "WebAcl": lambda stack: WebAcl.from_arn(arn("wafv2", "regional/webacl/a/1", stack)),
}
# Of what these are made CDK does not tell; why that does no harm.
UNSEEN = {
    "CredentialSpec": "as EnvironmentFile",
    "EnvironmentFile": "S3 is reached from any region and account, as the bucket's policy allows",
    "ContainerImage": "ECR is reached from any region and account, as the repository's policy allows",
    "IAlarmAction": "of any kind; CloudWatch refuses a topic of another region when it makes the alarm",
    "IMetric": "CDK notes its region and account in the alarm",
    "Secret": "ECS reads secrets and parameters of other regions by their ARN",
}
# What is nowhere: values and settings.
NOWHERE = {
    *("CapacityProviderStrategy", "CpuArchitecture", "Duration", "HealthCheck", "ListenerAction", "ListenerCondition"),
    *("ObjectLockRetention", "OperatingSystemFamily", "Port", "ScheduleExpression", "Size"),
    *("SystemControl", "TransformProperty", "Ulimit"),
}


class Given(NamedTuple):
    """An argument of the public API that a thing, which is somewhere, is given by."""

    owner: type
    function: Callable[..., object]
    argument: str
    type: str


def public_functions(owner: type) -> Iterator[Callable[..., object]]:
    """Yield the constructor and the public methods of a class that this library has written."""
    for name in dir(owner):
        function = inspect.getattr_static(owner, name)
        function = getattr(function, "__func__", function)
        is_public = inspect.isfunction(function) and (name == "__init__" or not name.startswith("_"))
        if is_public and inspect.unwrap(function).__module__.startswith("fargate_constructs"):
            yield function


def types_in(annotation: object) -> Iterator[type]:
    """Yield the types in an annotation."""
    if get_args(annotation):
        for each in get_args(annotation):
            yield from types_in(each)
    elif isinstance(annotation, type):
        yield annotation


def is_of_cdk(type_: type) -> bool:
    """Whether a type is a construct, or any other class of CDK's but a choice."""
    return hasattr(type_, "node") or (hasattr(type_, "__jsii_type__") and not issubclass(type_, Enum))


@cache
def given_things() -> list[Given]:
    """Return every argument of the public constructs that may be, or hold, something of a region and an account."""
    found = []
    for name in vars(fargate_constructs)["__all__"]:
        owner = getattr(fargate_constructs, name)
        for function in public_functions(owner):
            hints = types_of(inspect.unwrap(function))
            found += [
                Given(owner, function, argument, each.__name__)
                for argument, hint in hints.items()
                for each in types_in(hint)
                if argument not in {"scope", "return"} and (each.__name__ in MAKERS or is_of_cdk(each))
            ]
    return found


# Methods by which the parts meet; nothing is given by a caller.
BETWEEN_PARTS = {"prove_egress"}


def given_to_constructs() -> list[Given]:
    """Return those that a construct takes from its caller."""
    own = (each for each in given_things() if each.function.__name__ not in BETWEEN_PARTS)
    return [each for each in own if issubclass(each.owner, Construct)]


def test_every_argument_is_checked() -> None:
    """Each constructor and method of a construct looks at what it is given; what values are made of is known here."""
    assert [each for each in given_to_constructs() if not hasattr(each.function, "__wrapped__")] == []
    assert {each.type for each in given_to_constructs()} == {*MAKERS, *UNSEEN, *NOWHERE}
    values = {each.owner.__name__ for each in given_things() if each.type in MAKERS} - {
        each.owner.__name__ for each in given_to_constructs()
    }
    assert values <= {*MAKERS, "LogRouter", "Metrics"}  # which get the region of their bucket, and of their log group


@pytest.fixture(scope="module")
def things() -> Mapping[tuple[str, str], object]:
    """A thing of each type in another region, and one in another account."""
    app = App()
    return {
        (type_, what): make(Stack(app, f"{type_}-{what}", env=environment))
        for what, environment in ELSEWHERE.items()
        for type_, make in MAKERS.items()
    }


def test_arguments_from_elsewhere(things: Mapping[tuple[str, str], object]) -> None:
    """Each argument of each part is refused or allowed by a rule; and each rule allows something."""
    stack, used = Stack(App(), "Here", env=HERE), set()
    for what, passes in (("region", ALLOWED_IN_OTHER_REGION), ("account", ALLOWED_IN_OTHER_ACCOUNT)):
        for owner, _, argument, type_ in given_to_constructs():
            if (thing := things.get((type_, what))) is None:
                continue
            names = {f"{each.__name__}.{argument}" for each in owner.__mro__}
            rules = {key for key in passes if key in names or hasattr(thing, key)}
            used |= {(what, rule) for rule in rules}
            if rules:
                validate_environment(stack, owner, "Mine", {argument: [thing]})
            else:
                with pytest.raises(ValueError, match=f"{argument} must be in the {what} of 'Mine', .*; give one of "):
                    validate_environment(stack, owner, "Mine", {argument: {"name": thing}})

    assert used | {("region", "CloudFrontDistribution.web_acl_arn")} == {
        *(("region", rule) for rule in ALLOWED_IN_OTHER_REGION),
        *(("account", rule) for rule in ALLOWED_IN_OTHER_ACCOUNT),
    }


def test_what_is_not_known_passes(things: Mapping[tuple[str, str], object]) -> None:
    """A stack tied to no region and account may be deployed anywhere."""
    stack = Stack(App(), "Anywhere")

    for (type_, _), thing in things.items():
        validate_environment(stack, Stack, "Mine", {type_: thing})
    validate_environment(stack, Stack, "Mine", {"text": "arn", "number": 1, "nothing": None})


def test_an_arn_that_is_known_only_later() -> None:
    """A resource of the app is where its stack is; one of another app or of a custom resource may be anywhere."""
    app = App()
    here, there = Stack(app, "Here", env=HERE), Stack(app, "There", env=ELSEWHERE["region"])
    made = acm.Certificate(there, "Made", domain_name="shop.example.com")
    custom = CustomResource(here, "Custom", service_token=arn("lambda", "function:a", here))
    arns = (
        made.certificate_arn,
        Fn.import_value("a"),
        custom.ref,
        ssm.StringParameter.value_for_string_parameter(here, "/arn"),
        f"{Aws.PARTITION}:{Aws.REGION}",
    )
    imported = [acm.Certificate.from_certificate_arn(here, f"{number}", arn) for number, arn in enumerate(arns)]

    assert [environment_of(each) for each in imported] == [("us-east-1", "111111111111"), *[("", "")] * 4]


def test_the_api_refuses_arguments_from_elsewhere(things: Mapping[tuple[str, str], object]) -> None:
    """A constructor, a method and one without an object; a thing itself, one in a value, and an ARN."""
    stack = Stack(App(), "Here", env=HERE)
    network = network_in(stack)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    new: dict[str, Any] = {"network": network, "image": IMAGE}
    before = len(stack.node.children)

    for what in ELSEWHERE:
        given: dict[str, Any] = {type_: thing for (type_, where), thing in things.items() if where == what}
        for call in (
            lambda of=given: HttpEndpoint(stack, "New", network=network, certificate=of["ICertificate"]),
            lambda of=given: HttpEndpoint(stack, "New", network=network, web_acl=of["WebAcl"]),
            lambda of=given: HttpEndpoint.from_listener(stack, "New", of["IApplicationListener"]),
            lambda of=given: endpoint.add_route("New", service=of["RouteTarget"]),
            lambda of=given: endpoint.add_route("New", service=web, sign_in=of["SignIn"]),
            lambda of=given: FargateService(stack, "New", **new, rollback=of["Rollback"]),
            lambda of=given: web.rollback_on(of["IAlarm"]),
            lambda of=given: web.scale_on_backlog("New", queue=of["IQueue"], messages_per_task=1),
        ):
            with pytest.raises(ValueError, match=f"must be in the {what} of "):
                call()
    assert len(stack.node.children) == before
