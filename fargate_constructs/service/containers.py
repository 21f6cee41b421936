"""The containers of a task: the main one and its sidecars.

```
task ──> [containers] ──> one log group
```
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Size
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

# ECS drops lines when this buffer is full rather than stop the application
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html). Its default of 10 MiB holds
# about a second of a service that logs as fast as CloudWatch takes it; 25 MiB holds a burst.
LOG_BUFFER = Size.mebibytes(25)


def add_container(
    task_definition: ecs.FargateTaskDefinition,
    name: str,
    *,
    image: ecs.ContainerImage,
    log_group: logs.ILogGroup,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, ecs.Secret] | None = None,
    command: Sequence[str] | None = None,
    health_check: ecs.HealthCheck | None = None,
    essential: bool = True,
    stop_timeout: Duration | None = None,
) -> ecs.ContainerDefinition:
    """Add a container that logs under its own name and reaps what a shell leaves behind."""
    return task_definition.add_container(
        name,
        image=image,
        environment=environment,
        secrets=secrets,
        command=command,
        essential=essential,
        health_check=health_check,
        stop_timeout=stop_timeout,
        logging=log_driver(log_group, stream_prefix=name),
        port_mappings=[ecs.PortMapping(name=name, container_port=port)] if port else None,
        # An init process reaps the processes that a shell opened by ECS Exec leaves behind
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
        linux_parameters=ecs.LinuxParameters(
            task_definition,
            f"{name}LinuxParameters",
            init_process_enabled=True,
        ),
    )


def log_driver(log_group: logs.ILogGroup, *, stream_prefix: str) -> ecs.LogDriver:
    """Return the driver that sends lines to the log group, and drops lines rather than stop the application."""
    return ecs.LogDrivers.aws_logs(
        log_group=log_group,
        stream_prefix=stream_prefix,
        mode=ecs.AwsLogDriverMode.NON_BLOCKING,
        max_buffer_size=LOG_BUFFER,
    )
