"""All parts in one construct: endpoint, service, network and archive.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the internet
                                  │ stdout
                                  v
                              LogArchive
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.web_acl import WebAcl
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
from fargate_constructs.network.network import Network
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.deployments.rollback import Rollback
from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.links.service_connect import ServiceConnect
from fargate_constructs.service.links.service_connect_names import host_name_of
from fargate_constructs.service.scaling import Scaling
from fargate_constructs.service.targets.health import Health
from fargate_constructs.service.targets.load_balancing import LoadBalancing
from fargate_constructs.service.targets.port_options import HTTP1


class FargateWebService(Construct):
    """A web service on Fargate with everything around it.

    Callers reach it at one fixed endpoint, its tasks reach the internet from fixed Elastic IPs, and S3 keeps its logs.
    The four parts are attributes; add routes, services and log groups to them.

    ```python
    shop = FargateWebService(stack, "Shop", image=ecs.ContainerImage.from_registry("nginx"))
    CfnOutput(stack, "Url", value=shop.endpoint.url)
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
        # From FargateService, by make signatures:
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
        # From HttpEndpoint, by make signatures:
        certificate: acm.ICertificate | None = None,
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        mutual_authentication: elbv2.MutualAuthentication | None = None,
        ssl_policy: elbv2.SslPolicy | None = None,
        internal: bool = False,
        allow_cidrs: Sequence[str] | None = None,
        allow_from: Sequence[ec2.IConnectable] | None = None,
        web_acl: WebAcl | None = None,
        static_ips: bool | Sequence[str] = False,
        ip_address_type: elbv2.IpAddressType | None = None,
        idle_timeout: Duration | None = None,
        deletion_protection: bool = True,
        load_balancer_name: str | None = None,
        security_group_description: str | None = None,
        access_log_prefix: str | None = None,
        access_log_expiration: Duration | None = None,
        connection_logs: bool = False,
        # Of the web service:
        network: Network | None = None,
        archive: LogArchive | None = None,
        access_log_bucket: s3.IBucket | None = None,
    ) -> None:
        """A web service on Fargate with everything around it.

        Args:
            scope: The construct that owns the web service.
            id: The construct's ID.
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
            certificate: The certificate to serve. By default one is made for *domain_name*, validated by public DNS.
            domain_name: The name callers use, such as `shop.example.com`. By default the load balancer's own.
            hosted_zone: The zone of *domain_name*; alias records are made in it. By default no record is made.
            mutual_authentication: Which certificates callers must show; docs/endpoint.md has an example. By default
                none.
            ssl_policy: The TLS versions and ciphers, such as `elbv2.SslPolicy.RECOMMENDED_TLS` for callers that cannot
                do better. By default TLS 1.2 with forward secrecy, and 1.3 with the post-quantum key exchange.
            internal: Whether the load balancer has private addresses only, for callers in the VPC and in networks
                joined to it. By default it faces the internet. AWS cannot change this of a load balancer that has
                routes.
            allow_cidrs: The address ranges of the callers. By default every address if the load balancer faces the
                internet and there is no *allow_from*; none if it is internal.
            allow_from: Further callers: security groups, `ec2.Peer.prefix_list(...)`, or constructs with `connections`.
                By default there are none.
            web_acl: Which requests are refused. `WebAcl.managed()` has AWS's rules. By default no web ACL.
            static_ips: Whether callers reach it at Elastic IPs that stay, one for each zone, on a network load balancer
                in front of this one; see `ingress_ips`. Or the allocation IDs (`eipalloc-…`) of your Elastic IPs, one
                for each zone. By default the addresses change.
            ip_address_type: `elbv2.IpAddressType.DUAL_STACK` for callers with IPv6 too, in a VPC that has it;
                `DUAL_STACK_WITHOUT_PUBLIC_IPV4` for callers with IPv6 only, which saves 3.65 USD a month in each zone.
                By default `DUAL_STACK` if the network has it, `IPV4` if it has not, or with *internal* or *static_ips*.
            idle_timeout: After how long without data a connection is closed, 1 to 4,000 s. By default 60 s. A service
                should keep idle connections open for longer, or callers get some responses with status 502.
            deletion_protection: Whether AWS refuses to delete the load balancer. By default it does, because its DNS
                name is lost with it. Deploy with `False` before you destroy the stack.
            load_balancer_name: The load balancer's name, 1 to 32 letters, digits and hyphens. A change replaces it. By
                default AWS chooses one, so that CloudFormation can replace the load balancer if it must.
            security_group_description: The `GroupDescription` of the load balancer's security group. Only for a load
                balancer that is deployed already: a change replaces the group. By default that of this library.
            access_log_prefix: The prefix of their keys, before `AWSLogs/`. By default none.
            access_log_expiration: After how long access logs are deleted from the bucket made here. By default 90 days.
            connection_logs: Whether each TLS connection is logged in that bucket, with the reason if it was refused. By
                default not.
            network: The network. By default one is made, with a NAT gateway in each of two zones.
            archive: The archive that keeps the logs. By default one is made.
            access_log_bucket: Where access logs go, encrypted with SSE-S3. By default into the archive's bucket; a
                private bucket is made if the load balancer cannot write there, or *access_log_expiration* is given.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: As `FargateService` and `HttpEndpoint` do.
        """
        super().__init__(scope, id)
        try:
            self.archive = archive or LogArchive(self, "LogArchive")
            self.network = network = network or FixedEgressNetwork(self, "Network")
            name = name or host_name_of(id)
            if not access_log_expiration:  # which is for a bucket that the endpoint makes
                access_log_bucket = access_log_bucket or self.archive.access_log_bucket
            self.endpoint = HttpEndpoint(self, "Endpoint", **forward(HttpEndpoint.__init__, locals()))
            """The endpoint, made here or given."""
            self.service = FargateService(self, "Service", **forward(FargateService.__init__, locals()))
            """The service."""

            self.archive.add_log_group(self.service.log_group)
            self.endpoint.add_route("Default", service=self.service)
        except (TypeError, ValueError):
            # The parts refuse their own arguments; a refusal leaves the tree as it was.
            scope.node.try_remove_child(id)
            raise
