"""What type checkers refuse, one mistake a line. An ignored line without a mistake is an error: an unused ignore."""

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs import (
    Capacity,
    Delivery,
    Deployment,
    Egress,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    Job,
    LogArchive,
    Network,
    OneOffTask,
    ScheduledTask,
    ServiceConnect,
    SignIn,
    WebAcl,
)


def missing(stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService) -> None:
    """Leave out what is required."""
    FargateService(stack, "Web", image=image)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FargateService(stack, "Web", network=network)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OneOffTask(stack, "Migrate", image=image)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ScheduledTask(stack, "Report", network=network, image=image)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Job(stack, "Load", network=network)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FargateWebService(stack, "Shop")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    HttpEndpoint(stack, "Endpoint")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    web.connect_to()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    web.add_sidecar("cache")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_names(stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService) -> None:
    """Use a name that is no argument, or no attribute."""
    FargateService(stack, "Web", network=network, image=image, memory=512)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FargateService(stack, "Web", network=network, image=image, health_check=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OneOffTask(stack, "Migrate", network=network, image=image, port=80)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FargateWebService(stack, "Shop", image=image, static_ip=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    web.add_sidecar("cache", image=image, port=6379)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ServiceConnect.tcp(per_request_timeout=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert web.url  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    Egress.per_zone()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def raw_fields() -> None:
    """Make a value without one of its named constructors."""
    Capacity(on_demand_base=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Deployment(percent=10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Delivery(is_draining=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Egress(keep_addresses=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ServiceConnect(protocol="http")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SignIn(_before=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    WebAcl(arn="arn")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_types(stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService) -> None:
    """Give a value of another type."""
    FargateService(stack, "Web", network=network, image="nginx")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FargateService(stack, "Web", network=network, image=image, cpu="512")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FargateService(stack, "Web", network=network, image=image, command=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    ScheduledTask(stack, "Report", network=network, image=image, schedule="daily")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FargateWebService(stack, "Shop", image=image, internal="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FargateWebService(stack, "Shop", image=image, network="vpc-1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FixedEgressNetwork(stack, "Network", egress="single")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    LogArchive(stack, "LogArchive").add_log_group(web)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    web.link_to("api")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
