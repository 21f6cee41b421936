"""AWS's Fluent Bit as the log router of a task, by FireLens."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.ecr_images import allow_image

# By its tag, for `latest` has moved from Fluent Bit 1.9 to 4, and `stable` follows. From 3.0.1 on there is the `curl`
# that the health check runs (https://github.com/aws/aws-for-fluent-bit/releases).
IMAGE = "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.8"
CONTAINER = "LogRouter"
# Where FireLens puts what it made, which includes *CONFIG_PATH*.
PROGRAM = "/fluent-bit/bin/fluent-bit -c /fluent-bit/etc/fluent-bit.conf"
CONFIG_PATH = "/tmp/archive.conf"  # noqa: S108 -- in the router's container alone
# Fluent Bit may take so long to hand in what it has after SIGTERM; less than what ECS gives a container by default.
GRACE_SECONDS = 25
MEMORY_LIMIT_MIB = 256
SERVICE = f"""\
[SERVICE]
    Flush 1
    Grace {GRACE_SECONDS}
    HTTP_Server On
    HTTP_Listen 127.0.0.1
    HTTP_Port 2020
"""


def add_fluent_bit(
    task_definition: ecs.TaskDefinition,
    *,
    image: ecs.ContainerImage | None,
    config: str,
    environment: Mapping[str, str],
    logging: ecs.LogDriver | None,
    adds_metadata: bool,
) -> ecs.ContainerDefinition:
    """Add a router, which starts before the containers that log by it, and ends after them.

    Args:
        task_definition: The task.
        image: The router's image. By default AWS's.
        config: Sections of Fluent Bit's configuration beside those that FireLens writes.
        environment: The router's variables.
        logging: The driver of the router's own log, if it has one.
        adds_metadata: Whether lines get the names of the cluster and the task.
    """
    image = image or ecs.ContainerImage.from_registry(IMAGE)
    router = task_definition.add_firelens_log_router(
        CONTAINER,
        image=image,
        essential=True,
        memory_limit_mib=MEMORY_LIMIT_MIB,
        environment={"CONFIG": config, **environment},
        # FireLens includes a file of the container's. Fargate knows no other place for it, and your own image
        # would have to be built, so the container writes the file itself. By `exec`, so that SIGTERM arrives.
        entry_point=["/bin/sh", "-c"],
        command=[f"printf '%s' \"$CONFIG\" > {CONFIG_PATH} && exec {PROGRAM}"],
        firelens_config=ecs.FirelensConfig(
            type=ecs.FirelensLogRouterType.FLUENTBIT,
            options=ecs.FirelensOptions(
                config_file_type=ecs.FirelensConfigFileType.FILE,
                config_file_value=CONFIG_PATH,
                enable_ecs_log_metadata=adds_metadata,
            ),
        ),
        # Whether it answers, not whether its destination does: a task is not better off without what it has not sent.
        health_check=ecs.HealthCheck(
            command=["CMD-SHELL", "curl -fs http://127.0.0.1:2020/ || exit 1"],
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            retries=3,
            start_period=Duration.seconds(10),
        ),
        stop_timeout=Duration.seconds(GRACE_SECONDS + 5),
        logging=logging,
    )
    allow_image(router, image)
    return router


def wait_for(router: ecs.ContainerDefinition, container: ecs.ContainerDefinition) -> None:
    """Let a container start after the router and end before it, so that all its lines are sent."""
    container.add_container_dependencies(
        ecs.ContainerDependency(container=router, condition=ecs.ContainerDependencyCondition.HEALTHY)
    )
