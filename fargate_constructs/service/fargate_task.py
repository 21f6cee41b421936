"""A task definition with all that it needs: the base of services and jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import jsii
from aws_cdk import Annotations, Duration, Names
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from fargate_constructs._core.account_trust import name_policies_by_region
from fargate_constructs._core.argument_types import is_in_a_tree
from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.descriptions import ec2_description
from fargate_constructs._core.environment_checks import may_be_in_vpc
from fargate_constructs._core.lazy_cdk import aws_efs as efs
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.network.network import Network
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.cluster import AuditedCluster, default_strategies, validate_windows_cluster
from fargate_constructs.service.containers import opentelemetry
from fargate_constructs.service.containers.container import Condition, Container, Sidecar
from fargate_constructs.service.containers.file_system import mount_file_system
from fargate_constructs.service.containers.opentelemetry import Metrics
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.s3_files import mount_s3_files
from fargate_constructs.service.containers.task_containers import TaskContainers
from fargate_constructs.service.containers.task_logs import LogRouter, TaskLogs, validate_logs
from fargate_constructs.service.execution_role import ExecutionRole, StartPermissions
from fargate_constructs.service.links.security_group_rules import TaskSecurityGroup, connect
from fargate_constructs.service.links.service_connect_names import host_name_of, validate_host_name
from fargate_constructs.service.refused_by_aws import refuse_early
from fargate_constructs.service.task_role import TaskRole
from fargate_constructs.service.task_size import TaskSize, is_windows, platform
from fargate_constructs.service.unreachable_images import UnreachableImages

# After SIGTERM a container gets 30 s, ECS's own default, and on Fargate 2 to 120 before it is killed
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).
STOP_TIMEOUT_SECONDS = 30
STOP_TIMEOUTS = (2, 120)

# CDK's warning of an egress rule in a group that allows all egress.
IGNORED_RULE = "@aws-cdk/aws-ec2:ipv4IgnoreEgressRule"


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class FargateTask(Construct):
    """A task definition with its containers, log group, security group and cluster, for services and jobs."""

    _port_mappings: Sequence[ecs.PortMapping] = ()
    """The ports of the main container. A service sets them before it makes its task."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        # From Container, by make signatures:
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
        health_check: ecs.HealthCheck | None = None,
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
        # Of the task:
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
    ) -> None:
        """A task definition with its containers, log group, security group and cluster.

        Args:
            scope: The construct that owns the task.
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
            health_check: How ECS checks the container from inside. By default there is no such check.
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

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If Fargate has no such size, *name* cannot be a host name, *stop_timeout* is out of its range, a
                path is not absolute, *environment* holds the value of a secret, *log_group* or *log_router* would leave
                another argument without effect, the network is in another region than the stack, or one of
                *security_groups* in another network.
        """
        name = name or host_name_of(id)
        on_windows = is_windows(operating_system_family)
        container = Container(**forward(Container, locals()))
        TaskSize(**forward(TaskSize, locals()))
        validate_host_name(name)
        validate_seconds("stop_timeout", stop_timeout, *STOP_TIMEOUTS)
        if on_windows:
            _validate_windows(cpu_architecture, pid_mode, capacity, log_router)
            validate_windows_cluster(cluster, capacity)
        if pid_mode is ecs.PidMode.HOST:
            raise ValueError("pid_mode must be ecs.PidMode.TASK on Fargate, which shares no host, got: HOST")
        validate_logs(log_group, log_retention, log_driver_mode, log_router, multiline_pattern)
        container.validate(scope, on_windows=on_windows)
        _validate_security_groups(security_groups, network.vpc)
        super().__init__(scope, id)
        self._begin()

        self.name = name
        self._on_windows = on_windows
        self._network = network
        self.cluster = cluster or AuditedCluster(self, "Cluster", vpc=network.vpc)
        # A service that begins with a launch type cannot change to Spot later without a replacement.
        self._strategies = capacity._strategies() if capacity else default_strategies(self.cluster)
        self._security_groups = list(security_groups) or [
            TaskSecurityGroup(
                self,
                "SecurityGroup",
                vpc=network.vpc,
                description=ec2_description(f"tasks of {path_of(self)}"),
                allow_all_ipv6_outbound=network.ip_protocol is ec2.IpProtocol.DUAL_STACK,
            )
        ]
        self._has_own_group = not security_groups
        self._connections: ec2.Connections | None = None
        self._logs = TaskLogs(
            self, log_group=log_group, retention=log_retention, mode=log_driver_mode, router=log_router
        )
        self.log_group = self._logs.group
        for role in (task_role, execution_role):
            name_policies_by_region(role)
        self._task_role = task_role or TaskRole(self, "TaskRole", inline_policies=self._task_policies())
        policies = {} if execution_role else self._logs.policies
        self._execution_role = execution_role or ExecutionRole(self, "ExecutionRole", inline_policies=policies)
        self.task_definition = self._make_task_definition(
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            ephemeral_storage_gib=ephemeral_storage_gib,
            runtime_platform=platform(cpu_architecture, operating_system_family),
            pid_mode=pid_mode,
            enable_fault_injection=enable_fault_injection or None,
        )
        """The L2 task definition."""
        self._logs.use(self.task_definition, self._execution_role, may_write=bool(policies))
        self._containers = TaskContainers(
            self.task_definition,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            on_windows=on_windows,
            stop_timeout=stop_timeout or _default_stop_timeout(),
            log_driver=self._logs.driver,
        )
        self.container: ecs.ContainerDefinition = self._containers.add(
            name, container, port_mappings=self._port_mappings
        )
        """The main container."""
        refuse_early(self, self.cluster, self._strategies)
        if network.is_isolated:
            unreachable = UnreachableImages(self, self.task_definition, network.resource_accounts)
            check_at_synthesis(self, unreachable.warn)

    @property
    def connections(self) -> ec2.Connections:
        """The tasks' side of security group rules. To reach a data store, write `connect_to`."""
        if self._connections is None:
            # One object, because CDK marks it while it makes the rule of the other side.
            self._connections = ec2.Connections(security_groups=self._security_groups)
            if self._has_own_group:
                # `connections.allow_to_default_port(endpoint)` needs a rule at the other end only.
                reason = "the group made here lets everything out already"
                Annotations.of(self._security_groups[0]).acknowledge_warning(IGNORED_RULE, reason)
        return self._connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The tasks' role, so that `bucket.grant_read(task)` works."""
        return self._task_role

    @property
    def logs_command(self) -> str:
        """The command line that follows the logs."""
        return f"aws logs tail {self.log_group.log_group_name} --follow"

    @checked
    def add_sidecar(
        self,
        name: str,
        *,
        # From Sidecar, by make signatures:
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
        health_check: ecs.HealthCheck | None = None,
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
        essential: bool | None = None,
        condition: Condition | None = None,
        depends_on: Mapping[str, Condition] | None = None,
        cpu: int | None = None,
        memory_limit_mib: int | None = None,
        memory_reservation_mib: int | None = None,
    ) -> ecs.ContainerDefinition:
        """Run a second container beside the main one, in the same task.

        The two reach each other on `localhost`, at the port that each listens on. A container waits at most 3 minutes
        for others; then the task stops
        (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).

        ```python
        web.add_sidecar("cache", image=redis, health_check=ecs.HealthCheck(command=["CMD", "redis-cli", "ping"]))
        web.add_sidecar("settings", image=tools, condition=ecs.ContainerDependencyCondition.SUCCESS)
        ```

        Args:
            name: The container's name, different from every other in the task.
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
            health_check: How ECS checks the container from inside. By default there is no such check.
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
            essential: Whether the task stops when this container stops. By default it does, unless the main container
                waits until this one has stopped.
            condition: What the main container waits for before it starts: `START`, `HEALTHY`, or that this container
                has stopped, `COMPLETE` or `SUCCESS` (exit code 0). By default `HEALTHY` if there is a health check and
                `START` if not; nothing if this container itself waits for the main one.
            depends_on: What this container waits for, by the name of the other container. By default nothing.
            cpu: How many of the task's CPU units are reserved for it. By default none are reserved.
            memory_limit_mib: How much of the task's memory it may use before it is killed. By default all.
            memory_reservation_mib: How much of the task's memory is reserved for it. By default *memory_limit_mib*.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If the task has a container of that name, containers would wait for each other in a circle or
                for what cannot come, *environment* holds the value of a secret, the sidecars leave the main container
                no CPU or memory, or *multiline_pattern* meets a `log_router`.
        """
        self._logs.validate_pattern(multiline_pattern)
        return self._containers.add_sidecar(name, Sidecar(**forward(Sidecar, locals())))

    @checked
    def connect_to(self, other: ec2.IConnectable, *, port: int | ec2.Port | None = None) -> None:
        """Let the tasks connect to a data store, or to another construct that has a security group, and wait for it.

        The rules are in this task's stack, so this stack depends on the store's, never the reverse. With CDK's
        `database.connections.allow_default_port_from(web)` it is the reverse, which often ends in a cycle.
        CloudFormation makes the task definition after the rules and the store. A security group that was imported with
        `mutable=False` gets no rule.

        ```python
        web.connect_to(database)
        web.connect_to(cache_group, port=6379)
        ```

        Args:
            other: The data store, in the same network: a database or its proxy, a cluster, or the security group of a
                resource that has no construct with `connections`. For another service `link_to` also gives a name.
            port: The TCP port, or another `ec2.Port`, such as a range. By default the default port of *other*.

        Raises:
            ValueError: If *other* has no security group, is in another network, or has no default port and there is no
                *port*.
        """
        if isinstance(other, FargateTask) and port is None:
            raise ValueError(
                f"port must be given for a task, got none for {path_of(other)}; write link_to(...) for a service: "
                "it opens the service's port, and returns the URL"
            )
        rules = connect(self, other, port, ours=self._security_groups, vpc=self._network.vpc)
        # Services, runs and schedules depend on the task definition. Other tasks may depend on this one by a link.
        store = [other] if is_in_a_tree(other) and not isinstance(other, (FargateTask, ecs.BaseService)) else []
        self.task_definition.node.add_dependency(*rules, *cast("list[IDependable]", store))

    @checked
    def add_opentelemetry(
        self,
        *,
        metrics: Metrics | None = None,
        config: str | ecs.Secret | None = None,
        image: ecs.ContainerImage | None = None,
    ) -> ecs.ContainerDefinition:
        """Run AWS's collector of OpenTelemetry beside the main container, and tell the application where it is.

        It sends traces to X-Ray, and metrics. The application gets `OTEL_EXPORTER_OTLP_ENDPOINT` and other variables of
        OpenTelemetry, except those that it has already. X-Ray's own SDKs find it, too, so no X-Ray daemon is needed.
        The application starts without it, and goes on if it ends; ECS restarts it.

        ```python
        web.add_opentelemetry()
        worker.add_opentelemetry(metrics=Metrics.none())
        ```

        Args:
            metrics: Where metrics go. By default to CloudWatch, in a namespace with the task's name.
            config: Your own configuration in YAML, or a parameter that has it: `ecs.Secret.from_ssm_parameter(…)`. The
                task's role gets no permissions then: grant it what the configuration sends to. The extension
                `health_check` must be in it. By default one is made.
            image: The collector's image. By default 0.49.0 of `public.ecr.aws`, which tasks in an isolated network
                cannot pull.

        Returns:
            The collector.

        Raises:
            ValueError: If there is a collector already, *config* and *metrics* are both given, the task runs on
                Windows, or it has no 256 MiB for the collector.
        """
        if config is not None and metrics:
            raise ValueError(f"metrics must be left out with a config, which says where they go, got: {metrics}")
        if self._on_windows:
            raise ValueError(f"the collector of OpenTelemetry runs on Linux, got the Windows task {self.node.path}")
        added = self._containers.add_sidecar(opentelemetry.CONTAINER, opentelemetry.sidecar(image, config))
        if config is None:
            metrics = metrics or Metrics.cloudwatch()
            opentelemetry.configure(self, added, name=self.name, task_role=self._task_role, metrics=metrics)
        opentelemetry.tell(self.container, name=self.name, metrics=metrics)
        return added

    @checked
    def mount_file_system(
        self,
        path: str,
        *,
        file_system: efs.IFileSystem,
        access_point: efs.IAccessPoint | None = None,
        read_only: bool = False,
        container: ecs.ContainerDefinition | None = None,
    ) -> efs.IAccessPoint:
        """Mount an EFS file system into a container, for files that outlive a task and that all tasks share.

        All tasks that mount the same *path* of a file system share one folder in it, also tasks of other services.
        This task's role may use the access point, and its security group may reach the file system; the traffic is
        encrypted. The file system's policy decides who else may mount it. Without a policy any client that reaches it
        may mount all folders, without a role; synthesis warns of such a file system of this app. With
        `efs.FileSystem(…, allow_anonymous_access=False)` only roles with a grant mount it
        (https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html).

        Another *path* alone is another, empty folder. To mount the same files at another path of the container, pass
        the *access_point* of their folder.

        Args:
            path: The path in the container, such as `/data`.
            file_system: The file system, in the same network, encrypted at rest.
            access_point: The access point: a folder of the file system, and a user. By default one is made for the
                folder of the same path, as user 1000.
            read_only: Whether files can only be read. By default they can be written.
            container: The sidecar that gets the mount, as `add_sidecar` returned it. By default the main container.

        Raises:
            ValueError: If *path* is not an absolute folder, has a mount already, or cannot be a folder of EFS's and
                there is no *access_point*; if the file system is not encrypted or in another network, the task runs on
                Windows, or *container* is of another task.
        """
        path, container = path.rstrip("/") or path, container or self.container
        return mount_file_system(
            self,
            path,
            vpc=self._network.vpc,
            volume=self._volume_name(path, container),
            container=container,
            connections=self.connections,
            file_system=file_system,
            access_point=access_point,
            read_only=read_only,
        )

    @checked
    def mount_s3_files(
        self,
        path: str,
        *,
        file_system_arn: str,
        access_point_arn: str | None = None,
        read_only: bool = False,
        container: ecs.ContainerDefinition | None = None,
    ) -> None:
        """Mount a file system of S3 Files into a container: the objects of a bucket, as files.

        The task's role may mount it, and write unless it is *read_only*. Let the task reach its mount targets by
        `connect_to(security_group, port=2049)`. ECS always encrypts the traffic
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/s3files-volumes.html).

        Args:
            path: The path in the container, such as `/data`.
            file_system_arn: The ARN of the file system, such as `file_system.attr_file_system_arn`.
            access_point_arn: The ARN of an access point: a folder of the file system, and a user. By default the whole
                file system is mounted.
            read_only: Whether files can only be read. By default they can be written.
            container: The sidecar that gets the mount, as `add_sidecar` returned it. By default the main container.

        Raises:
            ValueError: If *path* is not an absolute folder, or has a mount already; if *file_system_arn* or
                *access_point_arn* is no such ARN, the task runs on Windows, or *container* is of another task.
        """
        path, container = path.rstrip("/") or path, container or self.container
        mount_s3_files(
            self._last,
            path,
            volume=self._volume_name(path, container),
            container=container,
            file_system_arn=file_system_arn,
            access_point_arn=access_point_arn,
            read_only=read_only,
        )

    def _volume_name(self, path: str, container: ecs.ContainerDefinition) -> str:
        """Return the name of a volume of files; refuse a container that cannot have one."""
        if container.task_definition.node.path != self.task_definition.node.path:
            raise ValueError(f"container must be of this task, got: {container.node.path}; pass one of its sidecars")
        if self._on_windows:
            raise ValueError(f"file systems cannot be mounted into Windows tasks, got: {path!r}")
        return self._containers.volume_name(container.container_name, path)

    def log_driver(self, stream_prefix: str, *, multiline_pattern: str | None = None) -> ecs.LogDriver:
        """Return a driver that logs to this task's log group, for a container that you add yourself.

        Args:
            stream_prefix: What the names of its log streams begin with.
            multiline_pattern: The first line of each event matches it. By default each line is an event.
        """
        return self._logs.group_driver(stream_prefix, multiline_pattern)

    def _make_task_definition(self, **size_and_platform: Any) -> ecs.FargateTaskDefinition:  # noqa: ANN401 - as of the L2
        task_definition = ecs.FargateTaskDefinition(
            self,
            "TaskDefinition",
            # CDK's own family is the same in two stacks of one ID, such as two environments. What runs or watches the
            # family of one stack would then find the tasks of the other.
            family=Names.unique_resource_name(self, separator="-", allowed_special_characters="-_", max_length=255),
            task_role=self._task_role,
            execution_role=self._execution_role,
            **size_and_platform,
        )
        acknowledge(
            task_definition,
            {"AwsSolutions-ECS2": "environment holds plain configuration; what is secret goes to secrets."},
        )
        self._last = StartPermissions(
            self, "StartPermissions", task_definition=task_definition, role=self._execution_role
        )
        return task_definition

    def _begin(self) -> None:
        """Do what must come before the first child."""

    def _task_policies(self) -> Mapping[str, iam.PolicyDocument]:
        """Return the policies with which the task role is made, by name."""
        return {}


def _validate_windows(
    cpu_architecture: ecs.CpuArchitecture | None,
    pid_mode: ecs.PidMode | None,
    capacity: Capacity | None,
    log_router: LogRouter | None,
) -> None:
    """Refuse what Windows tasks cannot have."""
    if pid_mode:
        raise ValueError(f"pid_mode must be left out for Windows tasks, which do not have it, got: {pid_mode.name}")
    if cpu_architecture is not None:
        raise ValueError("cpu_architecture of Windows tasks is always X86_64: leave it out")
    if capacity and capacity._uses_spot:
        raise ValueError("capacity must be Capacity.on_demand() for Windows tasks, got: Capacity.spot(...)")
    if log_router:
        raise ValueError("log_router must be left out for Windows tasks: Fluent Bit runs on Linux")


def _validate_security_groups(groups: Sequence[ec2.ISecurityGroup], vpc: ec2.IVpc) -> None:
    for group in groups:
        if not may_be_in_vpc(group, vpc):
            raise ValueError(
                f"security_groups must be in the same network as the tasks, got: {path_of(group)} in another; "
                "make one there, or import it by its ID if it is associated with both"
            )


@cache
def _default_stop_timeout() -> Duration:
    return Duration.seconds(STOP_TIMEOUT_SECONDS)
