"""What runs: a container image as a service on Fargate.

```
caller ──> HttpEndpoint ──> [FargateService] ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                             log group ──> LogArchive
```
"""

from collections.abc import Mapping, Sequence
from typing import cast

import jsii
from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs.findings import acknowledge_wildcards
from fargate_constructs.network import Network
from fargate_constructs.service.cluster import AuditedCluster, session_log_arns
from fargate_constructs.service.containers import add_container, log_driver
from fargate_constructs.service.links import ServiceLinks, name_of, resource_of, validate_name
from fargate_constructs.service.scaling import Scaling
from fargate_constructs.service.target_group import DRAIN, TaskTargetGroup
from fargate_constructs.service.task_size import validate_task_size


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class FargateService(Construct):
    """A service on Fargate: tasks in private subnets, a log group, scaling, a deployment that rolls itself back.

    Tasks have no public address. A deployment starts new tasks before it stops old ones (100 to 200 %) and rolls back
    when new tasks fail. `exec_command` is a ready line that opens a shell in a running task.

    ```python
    api = FargateService(stack, "Api", network=network, image=image, port=8080, cpu=512, memory_limit_mib=1024)
    web = FargateService(stack, "Web", network=network, image=image)
    web.container.add_environment("API_URL", web.link_to(api))
    ```

    Args:
        scope: The construct that owns the service.
        id: The construct's ID.
        network: The network whose private subnets the tasks run in.
        image: The image of the main container.
        port: The TCP port on which the main container listens. By default 80; `None` makes a worker, which no route
            and no link can reach.
        cpu: The task's CPU units, 1,024 being one vCPU. By default 256.
        memory_limit_mib: The task's memory in MiB; with *cpu* a pair that Fargate has. By default 512.
        cpu_architecture: `ecs.CpuArchitecture.X86_64` or `ARM64`. By default x86-64, which most images are built for.
        environment: Plain configuration by name. Whoever may describe the task definition can read it.
        secrets: Secrets by the name of the variable that gets each. The task's execution role may read just these.
        command: The command to run. By default the image's own.
        scaling: Between how many tasks the service scales, and on what. By default 2 to 10, on CPU and requests.
        health_check_path: The path that answers 2xx when a task can serve. By default `/`.
        cluster: Where the service runs. By default in a cluster of its own, which costs nothing, with Container
            Insights on, which does (custom metrics), and with whatever is typed in a shell kept in a log group for
            a year.
        log_retention: How long CloudWatch keeps the service's logs. By default one month; the log group itself
            stays when the stack is deleted.
        name: The name of the main container, and the host name by which linked services reach this one. By default
            the ID in lower case with hyphens: `OrderApi` becomes `order-api`.

    Raises:
        ValueError: If Fargate has no such pair of CPU and memory, or *port* or *name* cannot be one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        image: ecs.ContainerImage,
        port: int | None = 80,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        command: Sequence[str] | None = None,
        scaling: Scaling | None = None,
        health_check_path: str = "/",
        cluster: ecs.ICluster | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        name: str | None = None,
    ) -> None:
        validate_task_size(cpu, memory_limit_mib)
        _validate_port(port)
        _validate_health_check_path(health_check_path)
        name = name or name_of(id)
        validate_name(name)
        super().__init__(scope, id)

        self.name = name
        self.port = port
        self.cluster = cluster or AuditedCluster(self, "Cluster", vpc=network.vpc)
        self.log_group = logs.LogGroup(self, "Logs", retention=log_retention, removal_policy=RemovalPolicy.RETAIN)
        self.task_definition = ecs.FargateTaskDefinition(
            self,
            "TaskDefinition",
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=cpu_architecture or ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        self.container = add_container(
            self.task_definition,
            name,
            log_group=self.log_group,
            image=image,
            port=port,
            environment=environment,
            secrets=secrets,
            command=command,
            stop_timeout=DRAIN,
        )
        self.service = self._make_service(network)
        self.scaling = scaling or Scaling()
        self.scalable_task_count = self._scale()
        self.target_group: elbv2.ApplicationTargetGroup | None = None
        """Where routes send requests; made with the first route."""
        self.links = ServiceLinks(
            self.service,
            name=name,
            port=port,
            vpc=network.vpc,
            log_driver=log_driver(self.log_group, stream_prefix="service-connect"),
        )
        self._network = network
        self._health_check_path = health_check_path
        self._acknowledge()

    @property
    def connections(self) -> ec2.Connections:
        """The tasks' side of security group rules."""
        return self.service.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The tasks' role, so that `bucket.grant_read(service)` works."""
        return self.task_definition.task_role

    @property
    def exec_command(self) -> str:
        """The command line that opens a shell in one of the running tasks."""
        cluster, service = self.cluster.cluster_name, self.service.service_name
        one_task = (
            f"$(aws ecs list-tasks --cluster {cluster} --service-name {service} --query 'taskArns[0]' --output text)"
        )
        return (
            f"aws ecs execute-command --cluster {cluster} --task {one_task} "
            f"--container {self.name} --interactive --command /bin/sh"
        )

    @property
    def logs_command(self) -> str:
        """The command line that follows the service's logs."""
        return f"aws logs tail {self.log_group.log_group_name} --follow"

    def add_sidecar(
        self,
        name: str,
        *,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        command: Sequence[str] | None = None,
        health_check: ecs.HealthCheck | None = None,
        essential: bool = True,
    ) -> ecs.ContainerDefinition:
        """Run a second container beside the main one, in the same task.

        The main container reaches it on `localhost`, at whichever port it listens on, and starts after it.

        Args:
            name: The container's name, unlike every other in the task.
            image: The container's image.
            environment: Plain configuration by name.
            secrets: Secrets by the name of the variable that gets each.
            command: The command to run. By default the image's own.
            health_check: How the container says that it is ready; the main container starts when it first is. By
                default it is not asked, and the main container starts once this one has started.
            essential: Whether the task stops when this container does. By default it does.

        Raises:
            ValueError: If the task has a container of that name.
        """
        if self.task_definition.find_container(name):
            raise ValueError(f"name must differ from the task's other containers, got: {name!r}")
        sidecar = add_container(
            self.task_definition,
            name,
            log_group=self.log_group,
            image=image,
            environment=environment,
            secrets=secrets,
            command=command,
            health_check=health_check,
            essential=essential,
        )
        self.container.add_container_dependencies(
            ecs.ContainerDependency(
                container=sidecar,
                condition=ecs.ContainerDependencyCondition.HEALTHY
                if health_check
                else ecs.ContainerDependencyCondition.START,
            ),
        )
        return sidecar

    def add_listener_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
    ) -> elbv2.ApplicationListenerRule:
        """Answer a listener's requests. `HttpEndpoint.add_route` calls this; call it for a listener made elsewhere.

        Args:
            id: The rule's ID; unique among the service's rules.
            listener: The listener; all rules of a service must be on one load balancer.
            priority: The rule's number, 1 to 50,000; the lowest is tried first.
            conditions: What a request must meet, all of them.

        Raises:
            ValueError: If the service has no port.
        """
        is_first = self.target_group is None
        target_group = self.target_group = self.target_group or self._make_target_group()
        rule = elbv2.ApplicationListenerRule(
            _child_scope(self, "Routes"),
            id,
            listener=listener,
            priority=priority,
            conditions=list(conditions),
            target_groups=[target_group],
        )
        if is_first:
            self.scalable_task_count.scale_on_request_count(
                "Requests",
                requests_per_target=self.scaling.requests_per_target,
                target_group=target_group,
            )
        return rule

    def link_to(self, other: "FargateService") -> str:
        """Let this service's tasks reach another service's by name, and return the URL, such as `http://api:8080`.

        Opens exactly the other service's port between exactly these two security groups. The name works inside this
        service's tasks only (ECS Service Connect); this service is deployed after the other.

        Args:
            other: The service to reach, in the same network.

        Raises:
            ValueError: If *other* has no port, or is this service.
        """
        return self.links.link_to(other.links)

    def _make_service(self, network: Network) -> ecs.FargateService:
        service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            vpc_subnets=ec2.SubnetSelection(subnets=network.task_subnets),
            assign_public_ip=False,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            # Said aloud, because otherwise a feature flag decides whether it is, and changing it replaces the service.
            deployment_controller=ecs.DeploymentController(type=ecs.DeploymentControllerType.ECS),
            enable_execute_command=True,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        # A task that starts before its way out exists cannot pull its image, and the circuit breaker counts it.
        connected = [subnet.internet_connectivity_established for subnet in network.task_subnets]
        resource = resource_of(service)
        resource.node.add_dependency(*connected)
        # Whether CDK writes an empty list of alarms here is a feature flag's choice, and a region's.
        cast(ecs.CfnService, resource).add_property_deletion_override("DeploymentConfiguration.Alarms")
        return service

    def _scale(self) -> ecs.ScalableTaskCount:
        task_count = self.service.auto_scale_task_count(min_capacity=self.scaling.min, max_capacity=self.scaling.max)
        task_count.scale_on_cpu_utilization("Cpu", target_utilization_percent=self.scaling.cpu_percent)
        return task_count

    def _make_target_group(self) -> elbv2.ApplicationTargetGroup:
        if self.port is None:
            raise ValueError(f"a route needs a service with a port, got the worker {self.node.path}; give it a port")
        return TaskTargetGroup(
            self,
            "TargetGroup",
            vpc=self._network.vpc,
            port=self.port,
            target=self.service.load_balancer_target(container_name=self.name, container_port=self.port),
            health_check_path=self._health_check_path,
        )

    def _acknowledge(self) -> None:
        Validations.of(self.task_definition).acknowledge(
            Acknowledgment(
                id="AwsSolutions-ECS2",
                reason="environment holds plain configuration; what is secret goes to secrets.",
            ),
        )
        acknowledge_wildcards(
            self.task_definition.task_role,
            ["*", *session_log_arns(self.cluster)],
            reason="ECS Exec needs ssmmessages, which knows no resource, and logs each session in a stream of its own.",
        )


def _child_scope(scope: Construct, id: str) -> Construct:
    existing = scope.node.try_find_child(id)
    return existing if isinstance(existing, Construct) else Construct(scope, id)


def _validate_port(port: int | None) -> None:
    if port is not None and not 1 <= port <= 65535:  # noqa: PLR2004 - the TCP ports
        raise ValueError(f"port must be 1 to 65535, or None for a worker, got: {port}")


def _validate_health_check_path(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f"health_check_path must begin with '/', got: {path!r}")
