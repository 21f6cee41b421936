"""What runs: a container image as a service on Fargate.

```
caller ──> HttpEndpoint ──> [FargateService] ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                             log group ──> LogArchive
```
"""

from collections.abc import Callable, Sequence
from typing import Unpack, cast

import jsii
from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs.service.deployment import Deployment
from fargate_constructs.service.fargate_task import STOP_TIMEOUT_SECONDS, FargateTask, TaskArguments
from fargate_constructs.service.health import Health
from fargate_constructs.service.links import ServiceLinks, resource_of
from fargate_constructs.service.routes import ServiceRoutes
from fargate_constructs.service.scaling import Scaling


@jsii.implements(ec2.IConnectable)
class FargateService(FargateTask):
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
        port: The TCP port on which the main container listens. By default 80; `None` makes a worker, which no route
            and no link can reach.
        protocol: What the main container speaks there: `elbv2.ApplicationProtocol.HTTP` (default), or `HTTPS`, which
            encrypts the way from the load balancer to the task as well (it takes any certificate, a self-signed too).
        protocol_version: `elbv2.ApplicationProtocolVersion.HTTP1` (default), `HTTP2` or `GRPC`; the last two need an
            endpoint that speaks HTTPS. Changing either protocol of a deployed service replaces its target group.
        scaling: Between how many tasks the service scales, and on what. By default 2 to 10, on CPU and, in rolling
            deployments, on requests.
        health: How it is told that a task can serve, and how fast tasks join and leave. By default `Health()`: `/`
            answers 2xx.
        deployment: How a new version takes over. By default `Deployment.rolling()`.
        task: What a task is made of: `network`, `image` and the other arguments of `FargateTask`.

    Raises:
        ValueError: If *port* cannot be one, *stop_timeout* is longer than the target group drains, *health_check* is
            given, or as `FargateTask` does.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        port: int | None = 80,
        protocol: elbv2.ApplicationProtocol = elbv2.ApplicationProtocol.HTTP,
        protocol_version: elbv2.ApplicationProtocolVersion = elbv2.ApplicationProtocolVersion.HTTP1,
        scaling: Scaling | None = None,
        health: Health | None = None,
        deployment: Deployment | None = None,
        **task: Unpack[TaskArguments],
    ) -> None:
        _validate_port(port)
        health = health or Health()
        _validate_health(health, task)
        super().__init__(scope, id, **task | {"health_check": health.container_check()})

        self.port = port
        self.protocol = protocol
        self.protocol_version = protocol_version
        self.health = health
        self.deployment = deployment or Deployment.rolling()
        if port:
            self.container.add_port_mappings(ecs.PortMapping(name=self.name, container_port=port))
        self.service = self._make_service()
        self._network.prove_egress(self)
        self.scaling = scaling or Scaling()
        self.scalable_task_count = self._scale()
        self.routes: ServiceRoutes | None = None
        """The rules and the target group; made with the first route."""
        self.links = ServiceLinks(
            self.service,
            name=self.name,
            port=port,
            vpc=self._network.vpc,
            log_driver=self.log_driver("service-connect"),
        )

    @property
    def connections(self) -> ec2.Connections:
        """The tasks' side of security group rules."""
        return self.service.connections

    @property
    def test_header(self) -> tuple[str, str] | None:
        """A header's name and value; in deployments, requests that carry it reach new tasks first."""
        return self.deployment.test_header

    @property
    def exec_command(self) -> str:
        """The command line that opens a shell in one of the running tasks."""
        cluster, service = self.cluster.cluster_name, self.service.service_name
        one_task = (
            f"$(aws ecs list-tasks --cluster {cluster} --service-name {service} --query 'taskArns[0]' --output text)"
        )
        return (
            f"aws ecs execute-command --cluster {cluster} --task {one_task} "
            f"--container {self.name} --interactive --command {'powershell' if self._on_windows else '/bin/sh'}"
        )

    def add_listener_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
        test_priority: int | None = None,
        authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Answer a listener's requests. `HttpEndpoint.add_route` calls this; call it for a listener made elsewhere.

        Args:
            id: The rule's ID; unique among the service's rules.
            listener: The listener; all rules of a service must be on one load balancer.
            priority: The rule's number, 1 to 50,000; the lowest is tried first.
            conditions: What a request must meet, all of them.
            test_priority: With a test header, the number of the test traffic's rule. By default the one before
                *priority*.
            authenticate: Puts a sign-in before the rule's action. By default none.

        Raises:
            ValueError: If the service has no port, shifts traffic in its deployments and has a rule already, or speaks
                HTTP/2 or gRPC and the listener plain HTTP.
        """
        is_first = self.routes is None
        self.routes = self.routes or self._make_routes()
        rule = self.routes.add_rule(
            id,
            listener=listener,
            priority=priority,
            conditions=conditions,
            test_priority=test_priority,
            authenticate=authenticate,
        )
        # Where requests move between two target groups, the metric of one would be silent half of the time.
        if is_first and not self.deployment.shifts_traffic:
            self._scale_on_requests(self.routes.target_group)
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

    def _make_service(self) -> ecs.FargateService:
        subnets = self._network.task_subnets
        service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            vpc_subnets=ec2.SubnetSelection(subnets=subnets),
            assign_public_ip=False,
            min_healthy_percent=100,
            max_healthy_percent=200,
            **self.deployment.service_options(),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            # Said aloud, because otherwise a feature flag decides whether it is, and changing it replaces the service.
            deployment_controller=ecs.DeploymentController(type=ecs.DeploymentControllerType.ECS),
            enable_execute_command=True,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        # A task that starts before its way out exists cannot pull its image, and the circuit breaker counts it.
        connected = [subnet.internet_connectivity_established for subnet in subnets]
        resource = cast(ecs.CfnService, resource_of(service))
        resource.node.add_dependency(*connected)
        # CDK waits for the task role's policies only; without the execution role's, a task that starts at once could
        # not read a secret or an image it was just allowed to.
        resource.node.add_dependency(self.task_definition.obtain_execution_role())
        # Whether CDK writes an empty list of alarms here is a feature flag's choice, and a region's.
        resource.add_property_deletion_override("DeploymentConfiguration.Alarms")
        return service

    def _scale(self) -> ecs.ScalableTaskCount:
        task_count = self.service.auto_scale_task_count(min_capacity=self.scaling.min, max_capacity=self.scaling.max)
        task_count.scale_on_cpu_utilization("Cpu", target_utilization_percent=self.scaling.cpu_percent)
        return task_count

    def _make_routes(self) -> ServiceRoutes:
        if self.port is None:
            raise ValueError(f"a route needs a service with a port, got the worker {self.node.path}; give it a port")
        # ECS takes a grace period only of a service with a load balancer.
        resource = cast(ecs.CfnService, resource_of(self.service))
        resource.health_check_grace_period_seconds = self.health.grace_period.to_seconds()
        return ServiceRoutes(
            self,
            "Routes",
            service=self.service,
            container_name=self.name,
            port=self.port,
            protocol=self.protocol,
            protocol_version=self.protocol_version,
            vpc=self._network.vpc,
            health=self.health,
            deployment=self.deployment,
        )

    def _scale_on_requests(self, target_group: elbv2.ApplicationTargetGroup) -> None:
        self.scalable_task_count.scale_on_request_count(
            "Requests",
            requests_per_target=self.scaling.requests_per_target,
            target_group=target_group,
        )


def _validate_port(port: int | None) -> None:
    if port is not None and not Token.is_unresolved(port) and not 1 <= port <= 65535:  # noqa: PLR2004 - the TCP ports
        raise ValueError(f"port must be 1 to 65535, or None for a worker, got: {port}")


def _validate_health(health: Health, task: TaskArguments) -> None:
    if "health_check" in task:
        raise ValueError("health_check of a service is part of its health: pass health=Health(command=[...])")
    drain = health.deregistration_delay.to_seconds()
    stop_timeout = task.get("stop_timeout")
    seconds = stop_timeout.to_seconds() if stop_timeout else STOP_TIMEOUT_SECONDS
    if seconds > drain:
        raise ValueError(
            f"stop_timeout must not be longer than the target group drains ({drain:.0f} seconds), got: {seconds:.0f} "
            "seconds; a longer health=Health(deregistration_delay=...) lets tasks finish",
        )
