"""Arguments of the wrong kind, refused where they are given."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from fargate_constructs import (
    AuditedCluster,
    Capacity,
    Deployment,
    Egress,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    LogArchive,
    QueueWorker,
    Retention,
    Scaling,
    TcpEndpoint,
    VpcEndpoints,
)
from fargate_constructs._core.argument_hints import CDK_HINTS
from fargate_constructs._core.argument_types import types_of
from fargate_constructs._core.arguments import checked
from fargate_constructs.endpoint.routes import RouteTarget


def arguments_of(target: Any) -> set[str]:  # noqa: ANN401 - a construct, or a checked method
    """Return the names of its arguments."""
    function = vars(target)["__init__"] if isinstance(target, type) else target
    return set(types_of(function.__wrapped__))


@checked
def deploy(
    stack: Stack,
    count: int = 1,
    *,
    names: Sequence[str] = (),
    header: tuple[str, str] | None = None,
    cluster: ecs.ICluster | None = None,
    wait: Duration | None = None,
    zones: tuple[str, ...] = (),
    force: bool = False,
    share: float = 1.0,
    secrets: Mapping[str, ecs.Secret] | None = None,
    anything: object = None,
) -> str:
    """Return what it got."""
    return f"{stack.node.id} {count} {names} {header} {cluster} {wait} {zones} {force} {share} {secrets} {anything}"


@checked
@dataclass(frozen=True, kw_only=True)
class Limits:
    """A value object."""

    most: int


def test_what_fits_passes(stack: Stack) -> None:
    """As it was given, by position or by name."""
    number = CfnParameter(stack, "Number", type="Number")
    list_ = CfnParameter(stack, "List", type="CommaDelimitedList")

    assert deploy(stack) == "Test 1 () None None None () False 1.0 None None"
    assert deploy(stack, 2, names=["a"], header=("b", "c"), force=True, anything=deploy).startswith("Test 2 ['a'] ('b'")
    deploy(stack, share=1)
    deploy(stack, number.value_as_number, names=list_.value_as_list)  # type: ignore[arg-type]
    deploy(stack, cluster=ecs.Cluster.from_cluster_arn(stack, "C", "arn:aws:ecs:eu-west-1:123456789012:cluster/c"))
    assert Limits(most=1).most == 1


def test_types_are_resolved_when_they_are_needed() -> None:
    """A type may be of a CDK module that is not loaded yet."""
    types = types_of(deploy)

    assert len(types) == 11
    assert (types["count"], types["force"]) == (int, bool)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": "2"}, "count must be int, got: '2'; write count=2"),
        ({"count": True}, "count must be int, got: True"),
        ({"count": {"a": 1}}, "count must be int, got: {'a': 1}"),
        ({"names": "ab"}, "names must be a list of str, got: 'ab'; write names=['ab']"),
        ({"names": [1]}, "names must be a list of str, got: [1]"),
        ({"header": "ab"}, "header must be (str, str) or None, got: 'ab'"),
        ({"header": ("a", "b", "c")}, "header must be (str, str) or None, got: ('a', 'b', 'c')"),
        ({"cluster": "default"}, "cluster must be aws_ecs.ICluster or None, got: 'default'"),
        ({"wait": 30}, "wait must be aws_cdk.Duration or None, got: 30"),
        ({"names": Duration.days(1)}, "names must be a list of str, got: an object of aws_cdk.Duration"),
        ({"wait": [Duration.days(1)]}, "got: [an object of aws_cdk.Duration]; give one, not a list"),
        ({"wait": []}, "wait must be aws_cdk.Duration or None, got: []; write Duration.seconds"),
        ({"wait": Duration.seconds}, "wait must be aws_cdk.Duration or None, got: <bound method Duration.seconds of"),
        ({"zones": ("a", 1)}, "zones must be a tuple of str, got: ('a', 1)"),
        ({"zones": "a"}, "zones must be a tuple of str, got: 'a'; write zones=('a',)"),
        ({"zones": ["a", "b"]}, "zones must be a tuple of str, got: ['a', 'b']; write zones=('a', 'b')"),
        ({"zones": []}, "zones must be a tuple of str, got: []"),
        ({"wait": s3.Transition(storage_class=s3.StorageClass.GLACIER)}, "(storage_class=an object of aws_s3.Stor"),
        ({"share": True}, "share must be float, got: True"),
        ({"force": 1}, "force must be bool, got: 1"),
        (
            {"secrets": {"TOKEN": "x"}},
            "secrets must be a dict of str to aws_ecs.Secret or None, got: an object of str for 'TOKEN'",
        ),
        ({"name": ["a"]}, "deploy has no argument 'name'; did you mean 'names'?"),
        ({"xyz": 1}, "deploy has no argument 'xyz'; it has stack, count, names, header"),
        ({"header_name": 1}, "deploy has no argument 'header_name'; did you mean 'header'?"),
        ({"cluster_names": 1}, "deploy has no argument 'cluster_names'; did you mean 'cluster'?"),
    ],
    ids=range(25),
)
def test_what_does_not_fit_is_refused(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    """With the name, what it may be, and what it got."""
    with pytest.raises(TypeError, match=re.escape(message)):
        deploy(stack, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"most": "three"}, "most must be int, got: 'three'"),
        ({"moist": 3}, "Limits has no argument 'moist'; did you mean 'most'?"),
        ({}, "Limits needs most=..."),
    ],
    ids=["type", "name", "nothing"],
)
def test_value_objects_take_part(arguments: dict[str, Any], message: str) -> None:
    """By their constructor."""
    with pytest.raises(TypeError, match=re.escape(message)):
        Limits(**arguments)


STAGE = ecs.DeploymentLifecycleStage.POST_SCALE_UP


@checked
@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is often given as a string or a number."""

    mode: ecs.ContainerDependencyCondition | None = None
    kept: logs.RetentionDays | None = None
    platform: ecs.CpuArchitecture | None = None
    egress: Egress | None = None
    capacity: Capacity | None = None
    endpoints: Sequence[VpcEndpoints] = ()
    scaling: Scaling | None = None
    target: RouteTarget | None = None
    endpoint: HttpEndpoint | None = None
    key_pair: ec2.IKeyPair | None = None
    cpu: int = 256
    command: Sequence[str] = ()
    secret_words: Sequence[str] = ()
    stages: Sequence[ecs.DeploymentLifecycleStage] = ()
    groups: Sequence[Egress] = ()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"mode": "healthy"}, "got: 'healthy'; write aws_ecs.ContainerDependencyCondition.HEALTHY"),
        ({"mode": 1}, "got: 1; write aws_ecs.ContainerDependencyCondition.START or COMPLETE or SUCCESS or HEALTHY"),
        ({"kept": 30}, "got: 30; write aws_logs.RetentionDays.ONE_DAY or THREE_DAYS or FIVE_DAYS or ONE_WEEK, ..."),
        ({"platform": "arm64"}, "CpuArchitecture or None, got: 'arm64'; write aws_ecs.CpuArchitecture.ARM64"),
        ({"egress": "single"}, "egress must be Egress or None, got: 'single'; write Egress.single(...)"),
        (
            {"capacity": "FARGATE_SPOT"},
            "got: 'FARGATE_SPOT'; write Capacity.on_demand(...) or launch_type(...) or spot(...)",
        ),
        ({"endpoints": ["ecr"]}, "endpoints must be a list of VpcEndpoints, got: ['ecr']; write VpcEndpoints.ecr"),
        ({"scaling": (2, 5)}, "scaling must be Scaling or None, got: (2, 5); write Scaling(min=..., max=...)"),
        ({"target": "web"}, "target must be FargateService or None, got: 'web'; give one of this library's itself"),
        ({"key_pair": 1}, "key_pair must be aws_ec2.IKeyPair or None, got: 1"),
        ({"endpoint": "x"}, "endpoint must be HttpEndpoint or None, got: 'x'"),
        ({"cpu": 0.5}, "cpu must be int, got: 0.5; 1,024 are a vCPU"),
        ({"command": "run it"}, "command must be a list of str, got: 'run it'; write command=['run', 'it']"),
        ({"command": "sh -c 'run it'"}, """got: "sh -c 'run it'"; write command=["sh -c 'run it'"]"""),
        ({"secret_words": "hush"}, "secret_words must be a list of str, got: a str"),
        ({"stages": STAGE}, "'POST_SCALE_UP'>; write stages=[aws_ecs.DeploymentLifecycleStage.POST_SCALE_UP]"),
        ({"groups": Egress.single()}, "; write groups=[...]"),
    ],
    ids=lambda value: str(*value.items()) if isinstance(value, dict) else "",
)
def test_what_to_write_is_told(choice: dict[str, Any], message: str) -> None:
    """By members, constructors or fields of the type, and never with what may be a secret."""
    with pytest.raises(TypeError, match=f"{re.escape(message)}(\\n|$|; |, )") as refusal:
        Choices(**choice)

    assert "hush" not in str(refusal.value)


def test_names_of_cdk_are_told_in_ours() -> None:
    """Each is of something that has the argument by whose side it stands, and not the name itself."""
    constructs = (FargateService, FixedEgressNetwork, HttpEndpoint, QueueWorker, AuditedCluster, LogArchive)
    methods = (HttpEndpoint.add_route, TcpEndpoint.add_listener)
    for argument, names in CDK_HINTS.items():
        owners: list[Any] = [each for each in (*constructs, *methods) if argument in arguments_of(each)]
        assert owners
        assert not [name for name in names for each in owners if name in arguments_of(each)]
        for name, remedy in names.items():
            with pytest.raises(TypeError, match=f"has no argument '{name}'; {re.escape(remedy)}(\\n|$)"):
                owners[0](None, "It", **{name: 1})


def test_what_is_missing_or_too_much(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
    """Is told of what a person called, wherever that is written."""
    service: Any = FargateService
    canary: Any = Deployment.canary
    limits: Any = Limits
    cluster: Any = AuditedCluster
    endpoint: Any = HttpEndpoint(stack, "Endpoint", network=network)

    calls: list[tuple[Callable[[], object], str]] = [
        (
            lambda: service(stack, "Web"),
            "FargateService needs network=..., image=...; write network=FixedEgressNetwork(",
        ),
        (lambda: service(stack, network=network, image=image), "FargateService needs id"),
        (
            lambda: service(stack, "Web", network, image),
            "FargateService takes scope and id by position, got 2 more; write each by its name",
        ),
        (lambda: limits(3), "Limits takes nothing by position, got 1 more; write each by its name"),
        (
            lambda: service(stack, "Web", id="Api", network=network, image=image),
            "FargateService got multiple values for argument 'id'",
        ),
        (lambda: canary(header=("a", "b")), "Deployment.canary has no argument 'header'; did you mean 'test_header'?"),
        (lambda: endpoint.add_route("Web"), "HttpEndpoint.add_route needs service=..."),
        (
            lambda: endpoint.add_route(network),
            "HttpEndpoint.add_route needs an ID before other arguments, got: the FixedEgressNetwork 'Test/Network'; wr",
        ),
        (lambda: cluster(stack, "Cluster"), "AuditedCluster needs vpc=...; write vpc=network.vpc"),
        (lambda: service("Web"), "FargateService needs a scope before its ID, got: 'Web'; write FargateService(stack"),
    ]
    for call, message in calls:
        with pytest.raises(TypeError) as refusal:
            call()
        assert str(refusal.value).startswith(message)


def test_the_constructs_take_part(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
    """What a service hands on to its task is checked by the service, and nothing is left in the tree."""
    with pytest.raises(TypeError, match="FargateService has no argument 'memory'; did you mean 'memory_limit_mib'"):
        FargateService(stack, "Web", network=network, image=image, memory=512)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"deployment must be Deployment or None, got: <bound method .*; call it"):
        FargateService(stack, "Web", network=network, image=image, deployment=Deployment.canary)  # type: ignore[arg-type]

    assert stack.node.try_find_child("Web") is None


def test_what_was_given_has_what_is_wanted(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage
) -> None:
    """A construct in the place of one of its parts, or of what is made from it, is named with the way to that."""
    shop = FargateWebService(stack, "Shop", network=network, image=image)
    repository = ecr.Repository(stack, "Repository")
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Found", vpc_id="vpc-1", availability_zones=["eu-west-1a"])
    archive: Any = shop.archive
    endpoint: Any = shop.endpoint
    retention: Any = Retention
    health: Any = Health
    service: Any = FargateService
    cluster: Any = AuditedCluster
    capacity: Any = Capacity

    calls: list[tuple[Callable[[], object], str]] = [
        (
            lambda: archive.add_log_group(shop.service),
            "got: the FargateService 'Test/Shop/Service'; write its .log_group",
        ),
        (
            lambda: archive.add_log_group([shop.service.log_group]),
            "got: [the LogGroup 'Test/Shop/Service/Logs']; give one, not a list",
        ),
        (
            lambda: archive.add_log_group(shop.service.log_group, shop.service.log_group),
            "LogArchive.add_log_group takes log_group by position, got 1 more; call it for each",
        ),
        (
            lambda: health(healthy_http_codes=200),
            "healthy_http_codes must be str, got: 200; write healthy_http_codes='200'",
        ),
        (
            lambda: endpoint.add_route("Beta", service=shop.service, headers={"x-version": "2"}),
            "got: '2' for 'x-version'; write ['2']",
        ),
        (
            lambda: service(stack, "Web", network=network, image=image, port={"http": "8080"}),
            "got: '8080' for 'http'; write 8080",
        ),
        (lambda: retention(expiration=400), "aws_cdk.Duration or None, got: 400; write Duration.days(...)"),
        (lambda: archive.add_log_group(shop), "got: the FargateWebService 'Test/Shop'; write its .service.log_group"),
        (lambda: service(stack, "Web", network=shop, image=image), "'Test/Shop'; write its .network"),
        (
            lambda: service(stack, "Web", network=vpc, image=image),
            "got: the IVpc 'Test/Found'; make one of a VPC by FixedEgressNetwork.from_vpc",
        ),
        (lambda: cluster(stack, "Cluster", vpc=network), "got: the FixedEgressNetwork 'Test/Network'; write its .vpc"),
        (lambda: service(stack, "Web", network=network, image=repository), "ContainerImage.from_ecr_repository("),
        (lambda: service(stack, "Web", network=network, image=stack), "got: the Stack 'Test'; write ecs."),
        (
            lambda: service(stack, "Web", network=Fn.import_value("N"), image=image),
            'got: \'{"Fn::ImportValue": "N"}\'; make',
        ),
        (lambda: service("Web", stack, network=network, image=image), "got: 'Web'; write the scope first, then the ID"),
        (lambda: capacity("spot"), "Capacity is made by a named constructor, got: Capacity('spot'); write Capacity."),
        (lambda: capacity(spot=1), "got: Capacity(spot=1); write Capacity."),
    ]
    for call, message in calls:
        with pytest.raises(TypeError, match=re.escape(message)):
            call()


def test_where_an_attribute_is(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
    """What a construct does not have is looked for in its parts, and beside it."""
    shop: Any = FargateWebService(stack, "Shop", network=network, image=image)

    for construct, name, way in (
        (shop, "url", "write its .endpoint.url"),
        (shop, "log_group", "write its .service.log_group"),
        (shop.service, "url", "callers reach a service through an endpoint; write endpoint.url"),
        (
            shop.service,
            "dns_name",
            "callers reach a service through an endpoint; write endpoint.load_balancer.load_balancer_dns_name",
        ),
        (shop.service, "scale_on_schedule", "write its .scalable_task_count.scale_on_schedule"),
        (shop.service, "egress_ips", "tasks leave through their network; write network.egress_ips"),
        (shop.endpoint, "load_balancer_dns_name", "write its .load_balancer.load_balancer_dns_name"),
    ):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'; {re.escape(way)}"):
            getattr(construct, name)
    for name in ("colour", "grant"):  # the log group's grant is not what is meant
        with pytest.raises(AttributeError, match=f"'FargateService' object has no attribute '{name}'$"):
            getattr(shop.service, name)
    assert not hasattr(shop, "_private")


def test_an_error_says_which_construct_raised_it(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage
) -> None:
    """A note below the message names what was called last, with its ID and where it is."""
    web = FargateService(stack, "Web", network=network, image=image)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    for call, note in (
        (lambda: FargateService(stack, "Api", network=network, image=image, cpu=300), "FargateService 'Api' in Test"),
        (
            lambda: endpoint.add_route("Api", service=web, paths=["api"]),
            "HttpEndpoint.add_route 'Api' in Test/Endpoint",
        ),
        (lambda: Health(path="x"), "Health"),
    ):
        with pytest.raises(ValueError, match=f"raised by {note}$"):
            call()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 10**400], ids=str)
def test_a_number_that_json_has_not_is_refused(stack: Stack, value: float) -> None:
    """Sent to Node, it would end the process, and every later construct with it."""
    for name in ("share", "count"):
        with pytest.raises(TypeError, match=f"{name} must be (float|int), got: "):
            deploy(stack, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="max must be int, got: "):
        Scaling(max=value)  # type: ignore[arg-type]

    assert Stack(stack, "StillAlive").node.id == "StillAlive"
