"""Copilot's four types of manifests, in two environments: the options of the samples in Copilot's documentation.

https://aws.github.io/copilot-cli/docs/manifest/overview/: a Load Balanced Web Service (`frontend`), Backend Services
(`api`, `gateway`, `content`), a Worker Service (`cost-analyzer`) and a Scheduled Job (`report-generator`). What a
manifest says in `environments:` is in `Settings` here. Each workload has its own stack, as with Copilot.
"""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Acknowledgment, App, Duration, Stack, Stage, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from fargate_constructs import (
    AuditedCluster,
    Capacity,
    Deployment,
    FargateService,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    LoadBalancing,
    LogArchive,
    QueueWorker,
    Scaling,
    ScheduledTask,
)

# In a project with a Dockerfile: ecs.ContainerImage.from_asset("frontend", platform=ecr_assets.Platform.LINUX_AMD64)
NGINX = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
PYTHON = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13-slim")
ENVOY = ecs.ContainerImage.from_registry("envoyproxy/envoy:v1.36.2")
BUSYBOX = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/busybox:1.37")


@dataclass(frozen=True)
class Settings:
    """What differs between environments."""

    domain_name: str
    tasks: int
    report_cpu: int
    deployment: Deployment


ENVIRONMENTS = {
    "Test": Settings(domain_name="test.example.com", tasks=1, report_cpu=256, deployment=Deployment.recreate()),
    "Prod": Settings(domain_name="example.com", tasks=3, report_cpu=2048, deployment=Deployment.rolling()),
}


class Environment(Stage):
    """What the workloads share: network, cluster, load balancers, topics and logs."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        """Make them in a stack."""
        super().__init__(scope, id)
        self.settings = settings
        shared = Stack(self, "Environment")
        self.network = FixedEgressNetwork(shared, "Network")
        self.cluster = AuditedCluster(shared, "Cluster", vpc=self.network.vpc)
        self.archive = LogArchive(shared, "LogArchive")
        zone = route53.HostedZone.from_hosted_zone_attributes(
            shared, "Zone", hosted_zone_id="Z0873220N255IR3MTNR4", zone_name="example.com"
        )
        self.public = HttpEndpoint(
            shared, "Public", network=self.network, domain_name=settings.domain_name, hosted_zone=zone
        )
        self.internal = HttpEndpoint(shared, "Internal", network=self.network, internal=True)
        key = kms.Alias.from_alias_name(shared, "Key", "alias/aws/sns")  # AWS's own, which costs nothing
        self.topics = {name: sns.Topic(shared, name, master_key=key) for name in ("Products", "Inventory")}


class Workload(Stack):
    """A stack of an environment."""

    def __init__(self, environment: Environment, id: str) -> None:
        """Keep what each workload needs."""
        super().__init__(environment, id)
        self.network, self.cluster, self.settings = environment.network, environment.cluster, environment.settings

    def secret(self, name: str, field: str | None = None) -> ecs.Secret:
        """Return a secret of Secrets Manager, or one field of it."""
        return ecs.Secret.from_secrets_manager(
            secretsmanager.Secret.from_secret_name_v2(self, f"{name}{field or ''}", name), field
        )


class Frontend(Workload):
    """A Load Balanced Web Service."""

    def __init__(self, environment: Environment) -> None:
        """Make the service, its route, and what it publishes."""
        super().__init__(environment, "frontend")
        parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
            self, "GithubToken", parameter_name="/copilot/frontend/GITHUB_TOKEN"
        )
        frontend = FargateService(
            self,
            "Service",
            name="frontend",
            network=self.network,
            cluster=self.cluster,
            image=NGINX,
            cpu=2048,
            memory_limit_mib=4096,
            ephemeral_storage_gib=100,
            scaling=Scaling(min=self.settings.tasks, max=self.settings.tasks),
            health=Health(
                path="/_deephealthcheck",
                healthy_http_codes="200,301",
                healthy_threshold_count=4,
                unhealthy_threshold_count=2,
                interval=Duration.seconds(15),
                timeout=Duration.seconds(10),
                grace_period=Duration.minutes(2),
                deregistration_delay=Duration.seconds(50),
            ),
            load_balancing=LoadBalancing.round_robin(stickiness_cookie_duration=Duration.days(1)),
            environment={"LOG_LEVEL": "info", "PRODUCTS": environment.topics["Products"].topic_arn},
            secrets={
                "GITHUB_TOKEN": ecs.Secret.from_ssm_parameter(parameter),
                "DB_SECRET": self.secret("mysql"),
            },
        )
        frontend.add_opentelemetry()  # observability: tracing
        environment.topics["Products"].grant_publish(frontend)
        environment.public.add_route("Frontend", service=frontend)
        environment.public.add_route("Office", service=frontend, paths=["/admin/*"], source_ips=["192.0.2.0/24"])
        environment.archive.add_log_group(frontend.log_group)


class Api(Workload):
    """A Backend Service behind the internal load balancer, with its own database password."""

    def __init__(self, environment: Environment) -> None:
        """Make the service, its route, and its scaling."""
        super().__init__(environment, "api")
        api = FargateService(
            self,
            "Service",
            name="api",
            network=self.network,
            cluster=self.cluster,
            image=NGINX,
            scaling=Scaling(min=1, max=10, cpu_percent=70, requests_per_target=10),
            health=Health(
                path="/_healthcheck",
                command=["CMD-SHELL", "curl -f http://localhost || exit 1"],
                grace_period=Duration.seconds(30),
            ),
            deployment=self.settings.deployment,
            secrets={"DB_PASSWORD": self.secret("mysql", "password")},
        )
        environment.internal.add_route("Api", service=api)
        api.join_namespace()  # network: connect
        (target_group,) = api.target_groups
        response_time = target_group.metrics.target_response_time(period=Duration.minutes(1))
        api.scalable_task_count.scale_to_track_custom_metric("ResponseTime", metric=response_time, target_value=2)


class Gateway(Workload):
    """A Backend Service with several ports, and a proxy that has TLS to the task: the load balancer takes its port."""

    def __init__(self, environment: Environment) -> None:
        """Make the service, its proxy, and a route for each port."""
        super().__init__(environment, "gateway")
        gateway = FargateService(
            self,
            "Service",
            name="gateway",
            network=self.network,
            cluster=self.cluster,
            image=NGINX,
            port={"http": 8083, "customers": 8081},
            protocol={"envoy": elbv2.ApplicationProtocol.HTTPS},
            health={"http": Health(path="/_health"), "envoy": Health(path="/ready")},
        )
        envoy = gateway.add_sidecar("envoy", image=ENVOY)
        envoy.add_port_mappings(ecs.PortMapping(name="envoy", container_port=443))
        environment.internal.add_route("Gateway", service=gateway, hosts=["gateway.example.internal"])
        environment.internal.add_route("Customers", service=gateway, port="customers", paths=["/customerdb"])
        environment.internal.add_route("Admin", service=gateway, port="envoy", paths=["/admin"])


class Content(Workload):
    """A Backend Service with a shared file system, which a container fills before the service starts."""

    def __init__(self, environment: Environment) -> None:
        """Make the file system and the service."""
        super().__init__(environment, "content")
        files = efs.FileSystem(
            self,
            "Files",
            vpc=self.network.vpc,
            encrypted=True,
            allow_anonymous_access=False,
            enable_automatic_backups=True,
        )
        for pack in ("NIST.800.53.R5", "HIPAA.Security"):
            backups = Acknowledgment(id=f"{pack}-EFSInBackupPlan", reason="It is in AWS Backup's automatic plan.")
            Validations.of(files).acknowledge(backups)
        content = FargateService(
            self,
            "Service",
            name="content",
            network=self.network,
            cluster=self.cluster,
            image=NGINX,
            environment={"INVENTORY": environment.topics["Inventory"].topic_arn},
        )
        bootstrap = content.add_sidecar(
            "bootstrap",
            image=BUSYBOX,
            command=["sh", "-c", "cp -n /etc/os-release /content/index.html"],
            condition=ecs.ContainerDependencyCondition.SUCCESS,
        )
        folder = content.mount_file_system("/usr/share/nginx/html", file_system=files, read_only=True)
        content.mount_file_system("/content", file_system=files, access_point=folder, container=bootstrap)
        environment.topics["Inventory"].grant_publish(content)
        environment.internal.add_route("Content", service=content, paths=["/content", "/content/*"])


class CostAnalyzer(Workload):
    """A Worker Service: one queue for two topics, one task on demand, the others on Spot."""

    def __init__(self, environment: Environment) -> None:
        """Make the worker and its queue, and subscribe it."""
        super().__init__(environment, "cost-analyzer")
        worker = QueueWorker(
            self,
            "Service",
            name="cost-analyzer",
            network=self.network,
            cluster=self.cluster,
            image=PYTHON,
            capacity=Capacity.spot(on_demand_base=1),
            acceptable_wait=Duration.minutes(10),
            message_duration=Duration.millis(250),
            min_tasks=1,
            max_tasks=10,
            visibility_timeout=Duration.seconds(45),
            max_receive_count=10,
            secrets={"DB": self.secret("mysql")},
        )
        other_events = sns.SubscriptionFilter.string_filter(denylist=["order_cancelled"])
        for topic, filters in (("Products", {"event": other_events}), ("Inventory", None)):
            environment.topics[topic].add_subscription(
                subscriptions.SqsSubscription(
                    worker.queue, filter_policy=filters, dead_letter_queue=worker.dead_letter_queue
                )
            )


class ReportGenerator(Workload):
    """A Scheduled Job."""

    def __init__(self, environment: Environment) -> None:
        """Make the job."""
        super().__init__(environment, "report-generator")
        ScheduledTask(
            self,
            "Job",
            name="report-generator",
            network=self.network,
            cluster=self.cluster,
            image=PYTHON,
            command=["python", "-c", "print('the report')"],
            cpu=self.settings.report_cpu,
            memory_limit_mib=2 * self.settings.report_cpu,
            schedule=scheduler.ScheduleExpression.rate(Duration.days(1)),
            retries=3,
            timeout=Duration.hours(1),
            environment={"LOG_LEVEL": "info"},
            environment_files=[ecs.EnvironmentFile.from_asset(str(Path(__file__).with_name("report.env")))],
            secrets={"GITHUB_TOKEN": self.secret("github")},
        )


def build(app: App) -> None:
    """Add a stage for each environment, with its stacks."""
    for name, settings in ENVIRONMENTS.items():
        environment = Environment(app, name, settings)
        for workload in (Frontend, Api, Gateway, Content, CostAnalyzer, ReportGenerator):
            workload(environment)


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
