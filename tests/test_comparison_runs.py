"""docs/comparison.md: synthesis accepts the code of each line, with values in place of `…`."""

import ast
from collections.abc import Callable
from typing import Any, cast

import aws_cdk
import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from fargate_constructs import AuditedCluster, Deployment, FargateService, HttpEndpoint, ScheduledTask, TcpEndpoint
from tests.modes.made_elsewhere import DOMAIN, IMAGE, certificate_in, network_in, zone_in
from tests.test_comparison import ROWS, known

pytestmark = pytest.mark.long

# What constructs need that the lines leave out.
NEEDED = {
    "AuditedCluster": ["vpc"],
    "FargateService": ["network", "image"],
    "FixedEgressNetwork": [],
    "HttpEndpoint": ["network"],
    "OneOffTask": ["network", "image"],
    "QueueWorker": ["network", "image", "message_duration"],
    "ScheduledTask": ["network", "image", "schedule"],
    "Stack": [],
    "TcpEndpoint": ["network"],
}
# Codes that are a part of what is written.
PARTS = (
    "CfnScalingPolicy(",
    "CloudFrontDistribution(",
    "ServiceManagedVolume(",
    "SuspendedStateProperty(",
    "Vpc.from_lookup(",
    "add_volume(",
    "cluster_name=...",
    "from_asset(",
    "from_shared(",
    "scaling_steps=[]",
    "task_subnets=[]",
)
CODES = [
    pytest.param(code, id=f"{row.tool}: {row.there}: {code}")
    for row in ROWS
    for code in row.code
    if not code.startswith((".", "examples/", "aws ", "443")) and not any(part in code for part in PARTS)
]


class Program:
    """A stack in which the code of a line runs."""

    def __init__(self) -> None:
        self.app = App()
        self.stack = stack = Stack(self.app, "Test")
        self.network = network = network_in(Stack(self.app, "Base"))
        self.schedules: dict[str, Any] = {
            "scale_on_schedule": applicationautoscaling.Schedule.cron(hour="20", minute="0"),
            "ScheduledTask": scheduler.ScheduleExpression.rate(Duration.days(1)),
        }
        seconds = Duration.seconds
        role = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        self.values: dict[str, Callable[[], Any]] = {
            "acceptable_wait": lambda: Duration.minutes(10),
            "access_point": lambda: None,
            "attempt_period": lambda: seconds(60),
            "bake_time": lambda: Duration.minutes(3),
            "certificate": lambda: certificate_in(stack),
            "certificate_authority": lambda: acmpca.CertificateAuthority.from_certificate_authority_arn(
                stack, "Authority", "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1234"
            ),
            "cloud_map_namespace": lambda: servicediscovery.PrivateDnsNamespace(
                stack, "Names", vpc=network.vpc, name="shop.internal"
            ),
            "cluster": lambda: AuditedCluster(stack, "Shared", vpc=network.vpc),
            "condition": lambda: ecs.ContainerDependencyCondition.SUCCESS,
            "container_insights": lambda: ecs.ContainerInsights.ENHANCED,
            "cpu_architecture": lambda: ecs.CpuArchitecture.ARM64,
            "credentials": lambda: secretsmanager.Secret(stack, "Login"),
            "default_action": lambda: elbv2.ListenerAction.fixed_response(404),
            "delivery_delay": lambda: seconds(5),
            "deregistration_delay": lambda: seconds(50),
            "encryption_key": lambda: kms.Key(stack, "Key"),
            "env": lambda: aws_cdk.Environment(region="eu-west-1"),
            "execution_role": lambda: iam.Role(stack, "Execution", assumed_by=role),
            "fifo_throughput_limit": lambda: sqs.FifoThroughputLimit.PER_QUEUE,
            "file_system": lambda: efs.FileSystem(stack, "Files", vpc=network.vpc),
            "grace_period": lambda: seconds(30),
            "handler": lambda: lambda_.Function.from_function_name(stack, "Handler", "handler"),
            "health_check": lambda: ecs.HealthCheck(command=["CMD", "true"]),
            "hosted_zone": self.zone,
            "idle_timeout": lambda: seconds(120),
            "image": lambda: IMAGE,
            "interval": lambda: seconds(120),
            "ip_address_type": lambda: elbv2.IpAddressType.IPV4,
            "log_driver_mode": lambda: ecs.AwsLogDriverMode.BLOCKING,
            "log_group": lambda: logs.LogGroup(stack, "Lines"),
            "log_retention": lambda: logs.RetentionDays.ONE_WEEK,
            "message_duration": lambda: seconds(1),
            "metric": lambda: cloudwatch.Metric(namespace="shop", metric_name="jobs"),
            "namespace": lambda: servicediscovery.HttpNamespace(stack, "Space", name="shop"),
            "network": lambda: network,
            "operating_system_family": lambda: ecs.OperatingSystemFamily.LINUX,
            "queue": lambda: sqs.Queue(stack, "Other"),
            "retention_period": lambda: Duration.days(4),
            "scale_in_cooldown": lambda: seconds(60),
            "scale_out_cooldown": lambda: seconds(60),
            "start_timeout": lambda: seconds(60),
            "stickiness_cookie_duration": lambda: Duration.days(1),
            "stop_timeout": lambda: seconds(60),
            "task_role": lambda: iam.Role(stack, "Task", assumed_by=role),
            "timeout": lambda: seconds(60),
            "version_consistency": lambda: ecs.VersionConsistency.DISABLED,
            "visibility_timeout": lambda: seconds(45),
            "vpc": lambda: network.vpc,
            # The first argument of a function that has no name on the page.
            "add_to_task_role_policy": lambda: iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]),
            "add_volumes_from": lambda: ecs.VolumeFrom(source_container="service", read_only=True),
            "from_ecr_repository": lambda: ecr.Repository.from_repository_name(stack, "Images", "shop"),
            "rollback_on": lambda: cloudwatch.Alarm.from_alarm_name(stack, "Errors", "errors"),
        }
        self.variables: dict[str, Callable[[], Any]] = {
            "api": lambda: self.service("Api"),
            "bucket": lambda: s3.Bucket(stack, "Bucket"),
            "database": lambda: rds.DatabaseCluster(
                stack,
                "Database",
                engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_7),
                writer=rds.ClusterInstance.serverless_v2("Writer"),
                vpc=network.vpc,
            ),
            "edge": lambda: TcpEndpoint(stack, "Edge", network=network, domain_name=DOMAIN, hosted_zone=self.zone()),
            "endpoint": lambda: self.endpoint("Endpoint"),
            "job": lambda: ScheduledTask(
                stack, "Job", network=network, image=IMAGE, schedule=self.schedules["ScheduledTask"]
            ),
            "listener": lambda: HttpEndpoint(stack, "Listening", network=network).listener,
            "load_balancer": lambda: elbv2.NetworkLoadBalancer(
                stack, "Balancer", vpc=network.vpc, security_groups=[ec2.SecurityGroup(stack, "Group", vpc=network.vpc)]
            ),
            "queue": lambda: sqs.Queue(stack, "Queue"),
            "secret": lambda: secretsmanager.Secret(stack, "Secret"),
            "service": lambda: self.service("Service"),
            "stack": lambda: stack,
            "topic": lambda: sns.Topic(stack, "Topic"),
            "vpc": lambda: network.vpc,
            "web": lambda: self.service("Web"),
        }

    def zone(self) -> route53.IHostedZone:
        """Return the one zone."""
        return cast(route53.IHostedZone, self.stack.node.try_find_child("Zone") or zone_in(self.stack))

    def endpoint(self, name: str) -> HttpEndpoint:
        """Return an endpoint with TLS."""
        return HttpEndpoint(self.stack, name, network=self.network, domain_name=DOMAIN, hosted_zone=self.zone())

    def service(self, node_id: str, **arguments: Any) -> FargateService:  # noqa: ANN401 - of the service
        """Return a service in the one cluster, with several ports."""
        cluster = self.stack.node.try_find_child("Cluster") or AuditedCluster(
            self.stack, "Cluster", vpc=self.network.vpc
        )
        ports = {"http": 80, "admin": 90, "health": 91, "cache": 92}
        defaults = {"network": self.network, "image": IMAGE, "port": ports, "cluster": cluster}
        if not arguments:
            defaults |= {"cpu": 1024, "memory_limit_mib": 2048}
        return FargateService(self.stack, node_id, **{**defaults, **arguments})

    def value(self, node: ast.expr, function: str, argument: str) -> Any:  # noqa: ANN401
        """Return the value of an argument; `…` is a value of the table."""
        if isinstance(node, ast.Constant) and node.value is ...:
            return self.schedules[function] if argument == "schedule" else self.values[argument]()
        return self.run(node)

    def run(self, node: ast.expr) -> Any:  # noqa: ANN401
        """Return what an expression is."""
        match node:
            case ast.Name(name):
                return self.variables[name]() if name in self.variables else known(name)
            case ast.Attribute(owner, name):
                return getattr(self.run(owner), name)
            case ast.Call(function, positional, keywords):
                return self.call(function, positional, {str(each.arg): each.value for each in keywords})
            case ast.List(parts):
                return [self.run(each) for each in parts]
            case ast.Dict(keys, parts):
                return {ast.literal_eval(key): self.run(each) for key, each in zip(keys, parts, strict=True) if key}
        return ast.literal_eval(node)

    def call(self, function: ast.expr, positional: list[ast.expr], keywords: dict[str, ast.expr]) -> Any:  # noqa: ANN401
        """Return what a call returns, with the scope, the ID and what else the line leaves out."""
        name = ast.unparse(function).rpartition(".")[2]
        arguments = {each: self.value(node, name, each) for each, node in keywords.items()}
        values = [self.value(node, name, name) for node in positional]
        if name in NEEDED:
            values = values or [self.app if name == "Stack" else self.stack, f"{name}1"]
            ellipsis = ast.Constant(...)
            arguments |= {each: self.value(ellipsis, name, each) for each in NEEDED[name] if each not in arguments}
        return self.run(function)(*values, **arguments)


@pytest.mark.parametrize("code", CODES)
def test_the_code_of_a_line_runs(code: str) -> None:
    """An argument alone is one of a service that has a route; a function that tests a deployment needs two versions."""
    program = Program()
    try:
        tree = ast.parse(code, mode="eval").body
    except SyntaxError:
        tree = ast.parse(f"FargateService({code})", mode="eval").body
        assert isinstance(tree, ast.Call)
        given = {str(each.arg): program.value(each.value, "FargateService", str(each.arg)) for each in tree.keywords}
        program.endpoint("Front").add_route("All", service=program.service("It", **given))
    else:
        if "add_lifecycle_hook" in code:
            program.variables["service"] = lambda: program.service("Service", deployment=Deployment.blue_green())
        program.run(tree)
    program.app.synth()
