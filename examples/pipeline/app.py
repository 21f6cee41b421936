"""A shop with Aurora, Valkey and a queue, deployed by CDK Pipelines to a test account and then to a production account.

It needs no look-ups, and synthesizes without credentials. Both accounts are bootstrapped, the second one with
`--trust 111111111111` (https://docs.aws.amazon.com/cdk/v2/guide/cdk_pipeline.html).
"""

from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Acknowledgment, App, Duration, Environment, Stack, Stage, Validations, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from constructs import Construct, IConstruct

from fargate_constructs import (
    AuditedCluster,
    Capacity,
    Deployment,
    Egress,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
    QueueWorker,
    Rollback,
    Scaling,
    WebAcl,
)

REGION = "eu-west-1"
CONNECTION = "arn:aws:codeconnections:eu-west-1:111111111111:connection/12345678-1234-1234-1234-123456789012"
NGINX = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
PYTHON = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13-slim")
MONITORING = "service-role/AmazonRDSEnhancedMonitoringRole"
BUILD_SPEC = {"phases": {"install": {"runtime-versions": {"python": "3.13", "nodejs": "22"}}}}
VALKEY_PORTS = ec2.Port.tcp_range(6379, 6380)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs between the two accounts."""

    account: str
    domain_name: str
    hosted_zone_id: str
    egress: Egress
    scaling: Scaling
    deployment: Deployment
    database_readers: int


TEST = Settings(
    account="111111111111",
    domain_name="shop.test.example.com",
    hosted_zone_id="Z0123456789TEST",
    egress=Egress.single(),
    scaling=Scaling(min=1, max=2),
    deployment=Deployment.rolling(),
    database_readers=0,
)
PROD = Settings(
    account="222222222222",
    domain_name="shop.example.com",
    hosted_zone_id="Z0123456789PROD",
    egress=Egress.per_az(),
    scaling=Scaling(min=3, max=30),
    deployment=Deployment.canary(percent=10),
    database_readers=1,
)


def accept(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept what cdk-nag finds."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))


class Data(Stack):
    """What keeps state, and the network around it."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        """Make network, database, cache and archive."""
        super().__init__(scope, id)
        self.network = FixedEgressNetwork(self, "Network", egress=settings.egress)
        self.archive = LogArchive(self, "LogArchive")
        key = kms.Key(self, "Key", enable_key_rotation=True)
        self.database = rds.DatabaseCluster(
            self,
            "Database",
            engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_7),
            writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
            readers=[
                rds.ClusterInstance.serverless_v2(f"Reader{number}", publicly_accessible=False, scale_with_writer=True)
                for number in range(settings.database_readers)
            ],
            vpc=self.network.vpc,
            credentials=rds.Credentials.from_generated_secret("shop", encryption_key=key),
            default_database_name="shop",
            storage_encryption_key=key,
            iam_authentication=True,
            deletion_protection=True,
            backup=rds.BackupProps(retention=Duration.days(14)),
            cloudwatch_logs_exports=["postgresql"],
            monitoring_interval=Duration.minutes(1),
        )
        accept(
            self.database,
            "Aurora's own backups are kept for 14 days.",
            "HIPAA.Security-RDSInBackupPlan",
            "NIST.800.53.R5-RDSInBackupPlan",
        )
        accept(
            self.database,
            "A container reads the password when it starts, so a rotation needs a deployment.",
            "AwsSolutions-SMG4",
            "HIPAA.Security-SecretsManagerRotationEnabled",
            "NIST.800.53.R5-SecretsManagerRotationEnabled",
        )
        accept(
            self.database,
            "CDK gives the role of RDS AWS's own policy for it.",
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{MONITORING}]",
        )
        self.cache_group = ec2.SecurityGroup(self, "CacheGroup", vpc=self.network.vpc)
        self.cache = elasticache.CfnServerlessCache(
            self,
            "Cache",
            engine="valkey",
            serverless_cache_name="shop",
            kms_key_id=key.key_id,
            security_group_ids=[self.cache_group.security_group_id],
            subnet_ids=[subnet.subnet_id for subnet in self.network.task_subnets],
        )

    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """Name the zones, which CDK's VPC would look up in the account."""
        return [f"{REGION}a", f"{REGION}b"]


class Shop(Stack):
    """What runs: a web service, a worker for its queue, and migrations before each deployment."""

    def __init__(self, scope: Construct, id: str, data: Data, settings: Settings) -> None:
        """Make the services and connect them to the data."""
        super().__init__(scope, id)
        secret = data.database.secret
        assert secret is not None, "it has generated credentials"
        shared: dict[str, Any] = {
            "network": data.network,
            "cluster": AuditedCluster(self, "Cluster", vpc=data.network.vpc),
            "environment": {
                "DB_HOST": data.database.cluster_endpoint.hostname,
                "CACHE_HOST": data.cache.attr_endpoint_address,
            },
            "secrets": {
                "DB_USER": ecs.Secret.from_secrets_manager(secret, "username"),
                "DB_PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
            },
        }
        migrate = OneOffTask(self, "Migrate", **shared, image=PYTHON, command=["python", "-c", "print('migrated')"])
        web = FargateService(
            self,
            "Web",
            **shared,
            image=NGINX,
            scaling=settings.scaling,
            deployment=settings.deployment,
            rollback=Rollback(error_percent=2),
        )
        orders = QueueWorker(
            self,
            "Orders",
            **shared,
            image=PYTHON,
            capacity=Capacity.spot(on_demand_base=0),
            message_duration=Duration.seconds(10),
        )
        for task in (migrate, web, orders):
            task.connect_to(data.database)
        for service in (web, orders):
            service.connect_to(data.cache_group, port=VALKEY_PORTS)
            migrate.run_before(service)
            data.archive.add_log_group(service.log_group)
        orders.queue.grant_send_messages(web)
        web.container.add_environment("ORDERS_URL", orders.queue.queue_url)

        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=settings.hosted_zone_id, zone_name=settings.domain_name.partition(".")[2]
        )
        endpoint = HttpEndpoint(
            self,
            "Endpoint",
            network=data.network,
            domain_name=settings.domain_name,
            hosted_zone=zone,
            web_acl=WebAcl.managed(),
        )
        endpoint.add_route("Web", service=web)


class Account(Stage):
    """All stacks of an account."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        """Make the data, then what runs on it."""
        super().__init__(scope, id, env=Environment(account=settings.account, region=REGION))
        Shop(self, "Shop", Data(self, "Data", settings), settings)


class Pipeline(Stack):
    """The pipeline, in the test account."""

    def __init__(self, scope: Construct, id: str) -> None:
        """Deploy to the test account, wait for a person, and deploy to production."""
        super().__init__(scope, id, env=Environment(account=TEST.account, region=REGION))
        source = pipelines.CodePipelineSource.connection("example/shop", "main", connection_arn=CONNECTION)
        commands = ["pip install -r requirements.txt", "npx --yes aws-cdk@2 synth"]
        pipeline = pipelines.CodePipeline(
            self,
            "Pipeline",
            synth=pipelines.ShellStep("Synth", input=source, commands=commands),
            code_build_defaults=pipelines.CodeBuildOptions(
                partial_build_spec=codebuild.BuildSpec.from_object(BUILD_SPEC)
            ),
            pipeline_type=codepipeline.PipelineType.V2,
            cross_account_keys=True,
            enable_key_rotation=True,
        )
        pipeline.add_stage(Account(self, "Test", TEST))
        pipeline.add_stage(Account(self, "Prod", PROD), pre=[pipelines.ManualApprovalStep("Release")])


def build(app: App) -> None:
    """Add the stacks to an app."""
    Pipeline(app, "Pipeline")


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
