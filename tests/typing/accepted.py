"""What type checkers accept: what is required is given, and each argument has the type of its annotation."""

from typing import assert_type

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler

from fargate_constructs import (
    Egress,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    Network,
    OneOffTask,
    Scaling,
    ScheduledTask,
    ServiceConnect,
)


def accepted(stack: Stack, vpc: ec2.IVpc, network: Network, image: ecs.ContainerImage) -> None:
    """Use every construct with what it needs, and with some of what it takes."""
    FixedEgressNetwork(stack, "Network", egress=Egress.per_az())
    FixedEgressNetwork.from_vpc(stack, "Imported", vpc)
    web = FargateService(stack, "Web", network=network, image=image)
    api = FargateService(
        stack,
        "Api",
        network=network,
        image=image,
        port={"http": 8080, "admin": 9000},
        cpu=512,
        memory_limit_mib=1024,
        environment={"STAGE": "prod"},
        scaling=Scaling(min=2, max=20),
        service_connect=ServiceConnect.http(idle_timeout=Duration.minutes(1)),
        log_driver_mode=ecs.AwsLogDriverMode.BLOCKING,
    )
    assert_type(web.link_to(api), str)
    assert_type(web.add_sidecar("cache", image=image, essential=False, read_only=True), ecs.ContainerDefinition)
    OneOffTask(stack, "Migrate", network=network, image=image, command=["migrate"]).run_before(web)
    ScheduledTask(
        stack,
        "Report",
        network=network,
        image=image,
        schedule=scheduler.ScheduleExpression.rate(Duration.hours(1)),
        health_check=ecs.HealthCheck(command=["CMD", "true"]),
    )
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)
    endpoint.add_route("Web", service=web, paths=["/*"])
    LogArchive(stack, "LogArchive").add_log_group(web.log_group)
    shop = FargateWebService(stack, "Shop", image=image)
    FargateWebService(stack, "Blog", image=image, network=shop.network, internal=True, name="blog", port=None)
    assert_type(shop.service, FargateService)
