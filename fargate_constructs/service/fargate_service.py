"""What runs: a container image as a service on Fargate.

```
caller ──> HttpEndpoint ──> [FargateService] ──> FixedEgressNetwork ──> the internet
                                  │ stdout
                                  v
                             log group ──> LogArchive
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_lambda as lambda_
from fargate_constructs._core.lazy_cdk import aws_servicediscovery as servicediscovery
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.validation import seconds_of, validate_range
from fargate_constructs.network.network import Network
from fargate_constructs.service import route_checks
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.cluster import capacity_dependencies, exec_access_of
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.deployments.deployment import Deployment, default_deployment
from fargate_constructs.service.deployments.lifecycle_hooks import LifecycleHooks, validate_hook
from fargate_constructs.service.deployments.rollback import Rollback, RollbackAlarms
from fargate_constructs.service.ecs_service import EcsService
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.service.feature_flags import pin_feature_flags
from fargate_constructs.service.first_task import check_first_task
from fargate_constructs.service.links.service_connect import (
    ServiceConnect,
    default_service_connect,
    validate_service_connect,
)
from fargate_constructs.service.links.service_connect_links import ServiceLinks
from fargate_constructs.service.links.service_connect_names import host_name_of, port_mapping_name
from fargate_constructs.service.scaling import Scaling, ServiceScaling
from fargate_constructs.service.service_metrics import ServiceMetrics
from fargate_constructs.service.targets.health import CDK_GRACE_PERIOD, Health, container_health_check
from fargate_constructs.service.targets.load_balancing import LoadBalancing, validate_stickiness
from fargate_constructs.service.targets.network_listeners import NetworkListenerOptions, NetworkListeners
from fargate_constructs.service.targets.port_options import HTTP1, OptionsByPort, PortOptions
from fargate_constructs.service.targets.ports import TaskPorts, named_ports
from fargate_constructs.service.targets.rule_checks import validate_weights
from fargate_constructs.service.targets.target_groups import ServiceRoutes, TargetGroups
from fargate_constructs.service.targets.unwatched_target_groups import UnwatchedTargetGroups
from fargate_constructs.service.task_size import is_windows
from fargate_constructs.synthesized.template_checks import TemplateChecks


class FargateService(ServiceMetrics, FargateTask):
    """A service on Fargate: tasks in private subnets, a log group, scaling, and deployments that roll back on failure.

    Tasks have no public address. A deployment starts new tasks before it stops old ones (100 to 200 %) and rolls back
    when new tasks fail. `exec_command` is a command line that opens a shell in a running task.

    ```python
    api = FargateService(stack, "Api", network=network, image=image, port=8080, cpu=512, memory_limit_mib=1024)
    web = FargateService(stack, "Web", network=network, image=image)
    web.container.add_environment("API_URL", web.link_to(api))
    ```
    """

    if not TYPE_CHECKING:  # for type checkers no name would be wrong
        __getattr__ = refuse_attribute

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        # From FargateTask without health_check, by make signatures:
        network: Network,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
        read_only: bool = False,
        writable_paths: Sequence[str] = (),
        multiline_pattern: str | None = None,
        docker_labels: Mapping[str, str] | None = None,
        ulimits: Sequence[ecs.Ulimit] = (),
        restart_policy: RestartPolicy | None = None,
        start_timeout: Duration | None = None,
        init_process_enabled: bool = True,
        add_capabilities: Sequence[ecs.Capability] = (),
        drop_capabilities: Sequence[ecs.Capability] = (),
        system_controls: Sequence[ecs.SystemControl] = (),
        interactive: bool = False,
        pseudo_terminal: bool = False,
        credential_specs: Sequence[ecs.CredentialSpec] = (),
        version_consistency: ecs.VersionConsistency | None = None,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        ephemeral_storage_gib: int | None = None,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        operating_system_family: ecs.OperatingSystemFamily | None = None,
        pid_mode: ecs.PidMode | None = None,
        enable_fault_injection: bool = False,
        stop_timeout: Duration | None = None,
        cluster: ecs.ICluster | None = None,
        capacity: Capacity | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        task_role: iam.IRole | None = None,
        execution_role: iam.IRole | None = None,
        log_group: logs.ILogGroup | None = None,
        log_driver_mode: ecs.AwsLogDriverMode = ecs.AwsLogDriverMode.NON_BLOCKING,
        log_router: LogRouter | None = None,
        log_retention: logs.RetentionDays | None = None,
        name: str | None = None,
        # Of the service:
        port: int | Mapping[str, int] | None = 80,
        protocol: elbv2.ApplicationProtocol | Mapping[str, elbv2.ApplicationProtocol] = elbv2.ApplicationProtocol.HTTP,
        protocol_version: elbv2.ApplicationProtocolVersion | Mapping[str, elbv2.ApplicationProtocolVersion] = HTTP1,
        scaling: Scaling | None = None,
        health: Health | Mapping[str, Health] | None = None,
        load_balancing: LoadBalancing | Mapping[str, LoadBalancing] | None = None,
        deployment: Deployment | None = None,
        rollback: Rollback | None = None,
        service_connect: ServiceConnect | None = None,
        adopted: AdoptedService | None = None,
    ) -> None:
        """A service on Fargate.

        Args:
            scope: The construct that owns the service.
            id: The construct's ID.
            network: The network; tasks run in its private subnets.
            image: The container's image.
            environment: Plain configuration by name. All who may describe the task definition can read it. By default
                there is none.
            secrets: Secrets, by the name of the variable that gets each. The task's execution role may read these only,
                and decrypt them if they are under a key of yours. By default there are none.
            environment_files: Files in S3 with a variable in each line, such as
                `ecs.EnvironmentFile.from_bucket(bucket, "web.env")`. The task's execution role may read these only. By
                default there are none.
            command: The command to run. By default the image's own.
            entry_point: The program that the command is passed to. By default the image's own.
            working_directory: The folder in which the command runs. By default the image's own.
            user: The user who runs the command, such as `1000:1000`. By default the image's own.
            read_only: Whether the container's root file system is read-only. By default it is not. If it is, volumes
                are mounted where the agent of ECS Exec writes, so that a shell still opens.
            writable_paths: Further folders, such as `/tmp`, that get an empty volume each. A volume belongs to root,
                unless the image has a `VOLUME` of another user there. By default there are none.
            multiline_pattern: A regular expression that the first line of each log event matches, such as `^[0-9]{4}-`;
                the lines after it belong to the event. By default each line is an event.
            docker_labels: Labels of the container by name, which agents such as Datadog's read. By default there are
                none.
            ulimits: Limits of the container's processes. By default those of Fargate, such as 65,535 open files.
            restart_policy: When ECS restarts the container without replacing the task, such as `RestartPolicy()`. By
                default it does not.
            start_timeout: How long the containers that wait for this one wait, 2 to 120 s; then the task stops. By
                default 3 minutes.
            init_process_enabled: Whether process 1 is an init process, which ends what a shell leaves behind. By
                default it is, on Linux. Images with an init of their own that must be process 1, such as s6-overlay,
                need `False`.
            add_capabilities: `[ecs.Capability.SYS_PTRACE]`, the only capability that Fargate adds. By default none.
            drop_capabilities: The Linux capabilities that the container does not need, such as `[ecs.Capability.ALL]`.
                By default Docker's own set is kept.
            system_controls: Kernel parameters, such as `net.ipv4.tcp_keepalive_time`. They hold for all containers of
                the task. By default the kernel's own.
            interactive: Whether standard input stays open. By default it does not.
            pseudo_terminal: Whether the container has a terminal. By default it has none.
            credential_specs: The file by which the container signs in to Active Directory, at most one, such as
                `ecs.DomainlessCredentialSpec.from_s3_bucket(bucket, "shop.json")`. The task's execution role may read
                it. By default there is none.
            version_consistency: Whether all tasks of a deployment run the same image, also if its tag moves. By default
                they do, except images from a folder, whose tag never moves.
            cpu: The task's CPU units, 1,024 being one vCPU. By default 256.
            memory_limit_mib: The task's memory in MiB; with *cpu* a pair that Fargate has. By default 512.
            ephemeral_storage_gib: The task's disk in GiB, 21 to 200. By default the 20 that cost nothing.
            cpu_architecture: `ecs.CpuArchitecture.X86_64` or `ARM64`. By default x86-64, which most images are built
                for.
            operating_system_family: Linux or a Windows, such as `ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE`.
                By default Linux.
            pid_mode: `ecs.PidMode.TASK` lets the containers see each other's processes, as monitoring agents and
                debuggers need. By default each container sees its own only.
            enable_fault_injection: Whether AWS Fault Injection Service may inject faults from within the task. By
                default it may not.
            stop_timeout: How long containers may take to stop after SIGTERM, 2 to 120 s. By default 30 s; on Spot, 120
                s use all of AWS's warning.
            cluster: The cluster in which tasks run. By default an `AuditedCluster` is made. It costs nothing itself,
                but its Container Insights do (custom metrics).
            capacity: Which tasks run on demand, and which on Spot. By default as the cluster says, and in one that does
                not all on demand. In a cluster other than an `AuditedCluster` it needs the capacity providers `FARGATE`
                and `FARGATE_SPOT`, and replaces a service that had none.
            security_groups: The tasks' security groups. By default one is made that lets all traffic out and none in,
                except what routes and links allow.
            task_role: The role of the application. By default a role is made; grant it what the application needs.
            execution_role: The role by which ECS starts the task: it pulls the image, reads the secrets and writes the
                log. By default a role is made that may do only that. Pass a role of another stack as
                `iam.Role.from_role_arn(stack, "Role", role.role_arn)`, also as *task_role*: then its new permissions
                are in this stack.
            log_group: The log group of the containers. By default that of *log_router*, or one is made, which is kept
                when the stack is deleted.
            log_driver_mode: What happens when CloudWatch is slow. `NON_BLOCKING` (default): lines wait in a buffer of
                25 MiB for each container, and are lost without notice if it is full or the task stops.
                `ecs.AwsLogDriverMode.BLOCKING`: no line is lost, but the container waits in its `write`, and so may
                fail its health checks.
            log_router: Sends lines elsewhere than to CloudWatch: `FireLens.to("datadog", …)`, or
                `archive.log_router(log_group)`. By default there is none.
            log_retention: How long the log group made here keeps lines. By default one month.
            name: The name of the main container, and the host name by which linked services reach it. By default the ID
                in lower case with hyphens: `OrderApi` becomes `order-api`.
            port: The TCP port on which the main container listens, or several by name: `{"http": 8080, "admin": 9000}`.
                Routes and links lead to the first, if they name no other. By default 80. `None` makes a worker, which
                has no routes and no links to it, except to the ports of its sidecars. A change replaces nothing.
            protocol: The protocol of the main container's ports: `elbv2.ApplicationProtocol.HTTP` (default), or
                `HTTPS`, which encrypts the traffic from the load balancer to the task too (the load balancer accepts
                any certificate, also a self-signed one). Or the protocol of each port by its name, also of a sidecar's
                port mapping.
            protocol_version: `elbv2.ApplicationProtocolVersion.HTTP1` (default), `HTTP2` or `GRPC`; the last two need
                an endpoint with HTTPS. Or the version of each port by its name, such as `{"grpc":
                elbv2.ApplicationProtocolVersion.GRPC}`. A change of either protocol replaces the target group.
            scaling: The number of tasks, and the metrics on which it scales. By default 2 to 10, on CPU and, once there
                is a route, on requests.
            health: The health checks of tasks, and how fast tasks start and stop to get requests. Or those of each port
                by its name: `{"http": Health(path="/healthz"), "admin": Health(path="/ready")}`. By default `Health()`:
                `/` answers 2xx.
            load_balancing: How the load balancer shares requests among tasks, and whether a caller stays with one task.
                Or how for each port by its name. By default each task gets the same number of requests, and no caller
                stays.
            deployment: How a new version takes over. By default `Deployment.rolling()`.
            rollback: When a deployment fails. By default `Rollback()`: when tasks fail to start or to pass their
                checks, and during `bake_time` when a task stays unhealthy or too many responses are 5xx.
            service_connect: How linked services reach this one. By default as *protocol* and *protocol_version*:
                `ServiceConnect.http()`, `http2()` or `grpc()`, and with HTTPS `tcp()`. AWS does not change it for a
                linked service later: a service with another protocol, such as Redis, needs `ServiceConnect.tcp()` from
                the start.
            adopted: Properties of a service that is deployed already and that CloudFormation would replace, such as
                `AdoptedService(deployment_controller=None)`. A new service needs none.

        Raises:
            ValueError: If *port* is no TCP port, or its name is too long together with the service's; if the *health*
                of another port than the first has a command; if *service_connect* cannot read what *protocol* encrypts,
                or is given on Windows; if with the percentages of *deployment* and the minimum of *scaling* ECS could
                neither stop nor start a task; or as `FargateTask` does.
        """
        ports = named_ports(port)
        options = OptionsByPort(
            ports, protocol=protocol, protocol_version=protocol_version, health=health, load_balancing=load_balancing
        )
        on_windows = is_windows(operating_system_family)
        validate_service_connect(service_connect, options.protocols, on_windows=on_windows)
        deployment, scaling = deployment or default_deployment(), scaling or Scaling()
        deployment._validate_scaling(scaling)
        validate_stickiness(options.all_load_balancing, deployment)
        health_check = container_health_check(options.of().health)
        adopted = adopted or AdoptedService()
        if adopted.security_group_description and security_groups:
            raise ValueError(
                "security_group_description is of the security group made here, got it beside security_groups, which "
                "have their own; leave it out"
            )
        self._port_mappings = [
            ecs.PortMapping(
                name=port_mapping_name(name or host_name_of(id), port_name),
                container_port=number,
                app_protocol=None if on_windows else _app_protocol(service_connect, options.of(port_name)),
            )
            for port_name, number in ports.items()
        ]
        super().__init__(scope, id, **forward(FargateTask.__init__, locals()))

        self._adopted = adopted
        adopted._keep_description(self._security_groups[0])
        self.port: int | None = next(iter(ports.values()), None)
        """The first port; `None` for a worker."""
        first = options.of()
        self.protocol: elbv2.ApplicationProtocol = first.protocol
        self.protocol_version: elbv2.ApplicationProtocolVersion = first.protocol_version
        self.health: Health = first.health
        """The health of the first port."""
        self.load_balancing: LoadBalancing | None = first.load_balancing
        """How the load balancer shares the requests of the first port; `None` for its own default."""
        self.deployment = deployment
        self.rollback = rollback or Rollback()
        self.scaling = scaling
        service = EcsService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            subnets=network.task_subnets,
            security_groups=self._security_groups,
            strategies=self._strategies,
            deployment=self.deployment,
            rollback=self.rollback,
            scaling=self.scaling,
            adopted=adopted,
            # A task that starts before it has egress cannot pull its image, and counts as failed. CDK waits for the
            # task role's policies only; without the execution role's, a task could not read a secret or an image.
            depends_on=[
                *network.connectivity,
                self._execution_role,
                *(capacity_dependencies(self.cluster, self) if self._strategies else []),
            ],
        )
        self.service: ecs.FargateService = service
        """The L2 service."""
        self._resource = service.resource
        exec_access_of(self.cluster).enable(self, self._resource, task_role=self._task_role, given_role=task_role)
        self._rollback_alarms = RollbackAlarms(self, "RollbackAlarms", service=self._resource, rollback=self.rollback)
        self._network.prove_egress(self)
        self._scaling = ServiceScaling(self.service, self.scaling)
        self._routes: ServiceRoutes | None = None
        self._listeners: NetworkListeners | None = None
        self._routed_ports: list[int] = []
        self._ports = TaskPorts(self.task_definition, self.name, ports)
        self._options = options
        self._hooks: LifecycleHooks | None = None
        self._links = ServiceLinks(
            self.service,
            name=self.name,
            ports=self._ports,
            options=options,
            service_connect=service_connect,
            vpc=self._network.vpc,
            log_driver=lambda: self.log_driver("service-connect"),
        )
        self._check_routes_later(options)
        TemplateChecks.add(self, service.check_zone_rebalancing)
        check_first_task(self)
        UnwatchedTargetGroups(self, self._resource, own=self._own_target_groups, alarms=self.rollback_alarms)

    def _check_routes_later(self, options: OptionsByPort) -> None:
        if self.deployment._shifts_traffic:
            check_at_synthesis(self, partial(route_checks.shifted_requests, self))
        if self.scaling.flows_per_target:
            check_at_synthesis(self, partial(route_checks.flows, self))
        if options.all_load_balancing or options.named:
            check_at_synthesis(self, partial(route_checks.options_of_ports, self))

    @property
    def target_groups(self) -> Sequence[elbv2.ApplicationTargetGroup]:
        """The target groups of routes: one for each port at each endpoint, or two if deployments move requests."""
        return self._routes.target_groups if self._routes else ()

    @property
    def network_target_groups(self) -> Sequence[elbv2.NetworkTargetGroup]:
        """The target groups of the listeners on network load balancers."""
        return tuple(self._listeners.target_groups) if self._listeners else ()

    @property
    def rollback_alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms that end a deployment. The alarms made here are also useful outside of deployments."""
        return self._rollback_alarms.all

    @property
    def scalable_task_count(self) -> ecs.ScalableTaskCount:
        """The task count, for what `Scaling` does not have, such as `scale_on_schedule` and `scale_on_metric`."""
        return self._scaling.task_count

    @property
    def test_header(self) -> tuple[str, str] | None:
        """A header's name and value. In deployments, requests with it reach the new tasks first."""
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

    @checked
    def add_listener_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
        port: str = "",
        test_priority: int | None = None,
        authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None = None,
        transforms: Sequence[elbv2.CfnListenerRule.TransformProperty] = (),
        weights: Mapping[FargateService, int] | None = None,
        stickiness_duration: Duration | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Answer a listener's requests. `HttpEndpoint.add_route` calls it; call it yourself for another listener.

        Args:
            id: The rule's ID; unique among the service's rules.
            listener: The listener, also of several load balancers.
            priority: The rule's priority, 1 to 50,000; the lowest number comes first.
            conditions: The conditions; a request must meet all of them.
            port: The name of the port that gets the requests, of a service that has several, or of a sidecar's port
                mapping. By default its first.
            test_priority: With a test header, the priority of the test traffic's rule. By default *priority* minus 1.
            authenticate: Puts a sign-in before the rule's action. By default there is none.
            transforms: How the rule rewrites host and path before the service gets the request. By default not.
            weights: The weights of this service and others that share the requests, 0 to 999. By default this service
                gets all requests.
            stickiness_duration: With *weights*, for how long a caller stays with one service. By default not at all.

        Raises:
            ValueError: If the service has no such port, or five target groups; if it has a rule for the port at the
                load balancer already and deployments that shift traffic; if it uses HTTP/2 or gRPC with a listener of
                plain HTTP or with a sign-in; or if *weights* are not of 2 to 5 services, this one among them, of which
                none has deployments that shift traffic.
        """
        validate_weights(self, weights, stickiness_duration)
        routes = {service: service._ensure_routes() for service in (self, *(weights or {}))}
        given = {**locals(), "weights": {routes[service]: weight for service, weight in (weights or {}).items()}}
        return routes[self].add_rule(id, **forward(ServiceRoutes.add_rule, given))

    @checked
    def add_network_listener(
        self,
        id: str,
        *,
        # From NetworkListenerOptions, by make signatures:
        load_balancer: elbv2.INetworkLoadBalancer,
        port: int,
        protocol: elbv2.Protocol = elbv2.Protocol.TCP,
        certificate: acm.ICertificate | None = None,
        ssl_policy: elbv2.SslPolicy | None = None,
        idle_timeout: Duration | None = None,
        target_port: str = "",
        alpn_policy: elbv2.AlpnPolicy | None = None,
        test_port: int | None = None,
        health_check_port: str | None = None,
        health_check_protocol: elbv2.Protocol = elbv2.Protocol.TCP,
        deregistration_delay: Duration | None = None,
        preserve_client_ip: bool | None = None,
        proxy_protocol_v2: bool = False,
        target_group_port: int = 1,
    ) -> elbv2.NetworkListener:
        """Answer connections to a network load balancer. `TcpEndpoint.add_listener` calls it.

        Args:
            id: The listener's ID; unique among the service's listeners.
            load_balancer: The network load balancer.
            port: The port that callers connect to.
            protocol: `elbv2.Protocol.TCP` (default), `TLS`, `UDP` or `TCP_UDP`.
            certificate: The certificate of a TLS listener. By default none.
            ssl_policy: The TLS versions and ciphers of a TLS listener. By default TLS 1.2 with forward secrecy, and 1.3
                with the post-quantum key exchange.
            idle_timeout: After how long without data a TCP connection is closed, 60 to 6,000 s. By default 350 s. AWS
                does not change the time of TLS (350 s) and UDP (120 s).
            target_port: The name of the port that gets the connections, of a service that has several, or of a
                sidecar's port mapping. By default its first port.
            alpn_policy: The protocols of the application that a TLS listener offers callers (ALPN), such as
                `elbv2.AlpnPolicy.HTTP2_PREFERRED`. By default none.
            test_port: A second port at which callers reach the new tasks of a deployment that shifts traffic, before
                others do, with the same protocol, certificate and callers. By default there is none.
            health_check_port: The name of the port whose health is checked, by TCP or HTTP. By default that of the
                port's `Health`, and else *target_port*. UDP needs one; the empty name is the first port.
            health_check_protocol: `elbv2.Protocol.TCP` (default): a task is healthy if it accepts a connection. `HTTP`
                or `HTTPS`: if it answers the path of the service's `Health`.
            deregistration_delay: How long the connections of an old task may go on, 0 to 3,600 s; then they are closed.
                By default that of the port's `Health`, but at least the 120 s that AWS recommends: for so long some
                nodes of the load balancer may send it new connections.
            preserve_client_ip: Whether tasks see the addresses of callers. By default AWS's own default: for UDP, which
                AWS does not change, and not for TCP and TLS.
            proxy_protocol_v2: Whether each connection begins with a header of the PROXY protocol, version 2, with the
                caller's address, also that of a health check. The service must read it. By default not.
            target_group_port: The `Port` of the target group. It has no effect, because ECS registers each task with
                its own port
                (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html). A
                change replaces the group: keep that of a target group that is deployed. By default 1.

        Raises:
            ValueError: If the service has no such port, or five target groups; if its deployments have a *test_header*
                and the listener no *test_port*; if it has one and they do not shift traffic; if it is linked already
                and the listener is of UDP; or if the load balancer cannot check the health of its tasks.
        """
        listeners = self._listeners = self._listeners or self._make_listeners()
        options = NetworkListenerOptions(**forward(NetworkListenerOptions, locals()))
        listener, groups = listeners.add(
            id,
            options,
            other_target_groups=len(self.target_groups),
            is_linked=self._links.has_joined,
        )
        self._links.udp_ports = listeners.udp_ports
        self._rollback_alarms.watch_listener(id, groups, grace_period=self._set_grace_period())
        self._scaling.on_flows(self.network_target_groups)
        return listener

    @checked
    def link_to(self, other: FargateService, *, port: str = "") -> str:
        """Let this service's tasks reach another service's by name, and return the URL, such as `http://api:8080`.

        The URL begins with `https` if that is the other service's *protocol*.

        It opens only the other service's port, and only between these two security groups. The name works only inside
        this service's tasks (ECS Service Connect), and this service is deployed after the other. A proxy runs in each
        task of both: AWS advises to add 256 CPU units and 64 MiB for it
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html).

        Args:
            other: The service to reach, in the same network.
            port: The name of the port, of a service that has several, or of a sidecar's port mapping. By default its
                first.

        Raises:
            ValueError: If *other* has no such port, has it for UDP, or is this service, or one of them runs on Windows
                or has a port that only the deployment knows.
        """
        for service in (self, other):
            service._validate_proxies()
        return self._links.link_to(other._links, port)

    def join_namespace(self) -> servicediscovery.INamespace:
        """Put the service in the namespace without a link, such as for services of another app.

        `link_to` does this itself. Services in the namespace reach each other by name if security groups let them:
        `caller.connect_to(api, port=8080)`. The service is deployed again, with a proxy in each task.

        Returns:
            The namespace, for what is in it.

        Raises:
            ValueError: If the service runs on Windows, has a port that only the deployment knows, or a name that
                another service in the namespace has.
        """
        self._validate_proxies()
        self._links.validate_ports()
        self._links.join()
        return self._links.namespace

    def _validate_proxies(self) -> None:
        if self._on_windows:
            raise ValueError(f"links need Service Connect, which has no Windows containers, got: {self.name!r}")

    @checked
    def rollback_on(self, alarm: cloudwatch.IAlarm) -> None:
        """Let an alarm end the service's deployments, so that ECS goes back to the last good version.

        Args:
            alarm: The alarm. It needs an `alarm_name` if it is in another stack, or if its metrics, actions or texts
                refer to a service: otherwise the service and the alarm depend on each other in the template.

        Raises:
            ValueError: If it needs a name and has none. What the alarm gets after this call is checked at synthesis.
        """
        self._rollback_alarms.add(alarm)

    @checked
    def add_lifecycle_hook(
        self, id: str, *, handler: lambda_.IFunction, stages: Sequence[ecs.DeploymentLifecycleStage] = ()
    ) -> iam.Role:
        """Let ECS call a function in each deployment that shifts requests, such as a test of the new tasks.

        The function returns `{"hookStatus": "SUCCEEDED"}`, or `FAILED`: then the deployment rolls back, as if it
        raises an error. With `IN_PROGRESS` ECS calls it again after 30 s, for a day at most
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html). The event names the
        service; a function that has the service's name in its environment would need the service, and the service the
        function.

        Args:
            id: The hook's ID; unique among the service's hooks.
            handler: The function. ECS may call only this one, and this version or alias if it is one.
            stages: When ECS calls it. By default `POST_TEST_TRAFFIC_SHIFT` if the deployment has a test header, or a
                listener that was added before has a test port: such requests reach the new tasks, and others do not.
                Otherwise `POST_SCALE_UP`: the new tasks run, and get no requests.

        Returns:
            The role by which ECS calls the function.

        Raises:
            ValueError: If the deployment is a rolling one, *id* is not unique, or a stage of test requests has no test
                header.
        """
        may_test = bool(self.test_header) or (self._listeners is not None and self._listeners.has_test_listener)
        validate_hook(id, stages, self.deployment, self._hooks, may_test=may_test or self._links.has_joined)
        self._hooks = self._hooks or LifecycleHooks(self, "Hooks", service=self.service)
        return self._hooks.add(id, handler, stages, has_test_traffic=may_test)

    @checked
    def scale_on_backlog(self, id: str, *, queue: sqs.IQueue, messages_per_task: int) -> None:
        """Scale on the number of messages in a queue.

        With `Scaling(min=0)` a message starts the first task, and a quarter of an hour without messages stops all tasks
        (see `QueueWorker`).

        Args:
            id: The scaling policy's ID; unique among the service's.
            queue: The queue whose messages the tasks process.
            messages_per_task: How many may be in the queue for each task, those in process included: the longest wait
                that you accept, divided by the time that a task needs for one
                (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html).

        Raises:
            ValueError: If *messages_per_task* is less than 1, or a service with a minimum of 0 has a queue already.
        """
        self._scaling.validate_backlog(id)
        validate_range("messages_per_task", messages_per_task, 1)
        self._scaling.on_backlog(id, queue=queue, messages_per_task=messages_per_task)

    def _begin(self) -> None:
        pin_feature_flags(self)

    def _task_policies(self) -> Mapping[str, iam.PolicyDocument]:
        return {"Exec": exec_access_of(self.cluster).policy}

    def _ensure_routes(self) -> ServiceRoutes:
        self._routes = self._routes or self._make_routes()
        return self._routes

    def _own_target_groups(self) -> list[elbv2.ITargetGroup]:
        return [*self.target_groups, *self.network_target_groups]

    def _set_grace_period(self) -> Duration:
        """Write the grace period, which ECS takes only of a service with a load balancer, and return it.

        CDK writes its own, which is the one that most services have.
        """
        period = self._options.grace_period
        if seconds_of(period) != CDK_GRACE_PERIOD:
            self._resource.health_check_grace_period_seconds = period.to_seconds()
        return period

    def _make_listeners(self) -> NetworkListeners:
        listeners = NetworkListeners(
            self,
            "Listeners",
            service=self.service,
            ports=self._ports,
            options=self._options,
            vpc=self._network.vpc,
            deployment=self.deployment,
        )
        for number in self._routed_ports:
            listeners.note_route(number)
        return listeners

    def _make_routes(self) -> ServiceRoutes:
        return ServiceRoutes(
            self,
            "Routes",
            service=self.service,
            ports=self._ports,
            options=self._options,
            vpc=self._network.vpc,
            deployment=self.deployment,
            adopted=self._adopted,
            other_target_groups=lambda: len(self.network_target_groups),
            on_attached=self._watch_route,
        )

    def _watch_route(self, target: TargetGroups) -> None:
        """Let tasks scale on the requests of new target groups, and deployments roll back on their errors."""
        if target.port.is_main:
            self._routed_ports.append(target.port.number)
            if self._listeners:
                self._listeners.note_route(target.port.number)
                self._links.udp_ports = self._listeners.udp_ports
        self._scaling.on_requests(self.target_groups)
        place = " ".join(target.place).removeprefix("At ")
        self._rollback_alarms.watch(target.all, grace_period=self._set_grace_period(), place=place)


def _app_protocol(service_connect: ServiceConnect | None, options: PortOptions) -> ecs.AppProtocol | None:
    connect = service_connect or default_service_connect(options.protocol, options.protocol_version)
    return connect._app_protocol
