"""Services by aws_ecs_patterns with the other features of ours, written by hand.

```
caller ──> [load balancer ──> service] * n ──> NAT gateways with retained addresses ──> internet
                │              │ stdout
                v              v
           access logs      log group ──> Lambda ──> S3
```

Flow logs and access logs, retained addresses, an empty default security group, ECS Exec with transcripts, an init
process, trust in this account only, a circuit breaker, alarms that roll a deployment back, quick checks, and the
acknowledged audit findings of these.
"""

from typing import cast

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from benchmarks.apps import synthesize
from benchmarks.apps.plain_shipper import PlainShipper

PACKS = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321", "Serverless")
ATTRIBUTES = {
    "access_logs.s3.enabled": "true",
    "client_keep_alive.seconds": "300",
    "deletion_protection.enabled": "true",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.preserve_host_header.enabled": "true",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "true",
}
MINUTE = Duration.minutes(1)


class Services(Stack):
    """As many services as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        self.for_this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        self.vpc = self.make_vpc()
        transcripts = logs.LogGroup(self, "Transcripts", retention=logs.RetentionDays.ONE_YEAR)
        accept(transcripts, "CloudWatchLogGroupEncrypted")
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=self.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                logging=ecs.ExecuteCommandLogging.OVERRIDE,
                log_configuration=ecs.ExecuteCommandLogConfiguration(cloud_watch_log_group=transcripts),
            ),
        )
        self.image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        self.shipper = PlainShipper(self, "Shipper")
        self.access_logs = self.make_access_logs()
        for number in range(services):
            self.add_service(f"Service{number}")

    def make_vpc(self) -> ec2.Vpc:
        """Make the network: retained addresses, flow logs, an empty default security group."""
        addresses = [ec2.CfnEIP(self, f"Address{zone}", domain="vpc") for zone in range(2)]
        for address in addresses:
            address.apply_removal_policy(RemovalPolicy.RETAIN)
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            restrict_default_security_group=True,
            nat_gateway_provider=ec2.NatProvider.gateway(
                eip_allocation_ids=[address.attr_allocation_id for address in addresses]
            ),
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        for subnet in vpc.public_subnets:
            accept(subnet, "VPCNoUnrestrictedRouteToIGW")
        flow_logs = logs.LogGroup(self, "FlowLogs", retention=logs.RetentionDays.ONE_MONTH)
        accept(flow_logs, "CloudWatchLogGroupEncrypted")
        principal = iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions=self.for_this_account)
        role = iam.Role(self, "FlowLogsRole", assumed_by=principal)
        accept(role, "IAMNoInlinePolicy")
        vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs, role))
        return vpc

    def make_access_logs(self) -> s3.Bucket:
        """Make a bucket that load balancers may write to."""
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"*/AWSLogs/{Aws.ACCOUNT_ID}/*")],
            )
        )
        accept(bucket, "S3BucketLoggingEnabled", "S3BucketReplicationEnabled", "S3DefaultEncryptionKMS")
        return bucket

    def add_service(self, name: str) -> None:
        """Add a service."""
        log_group = logs.LogGroup(
            self, f"{name}Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.RETAIN
        )
        accept(log_group, "CloudWatchLogGroupEncrypted")
        pattern = ecs_patterns.ApplicationLoadBalancedFargateService(
            self,
            name,
            cluster=self.cluster,
            task_definition=self.make_task_definition(name, log_group),
            min_healthy_percent=100,
            max_healthy_percent=200,
            enable_execute_command=True,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=Duration.seconds(60),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.configure_load_balancer(name, pattern)
        scaling = pattern.service.auto_scale_task_count(min_capacity=2, max_capacity=10)
        scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        scaling.scale_on_request_count("Requests", requests_per_target=1000, target_group=pattern.target_group)
        self.roll_back(name, pattern)
        self.shipper.add_log_group(log_group)

    def make_task_definition(self, name: str, log_group: logs.LogGroup) -> ecs.FargateTaskDefinition:
        """Make the task: roles for this account only, an init process."""
        task_definition = ecs.FargateTaskDefinition(self, f"{name}Task")
        roles = [task_definition.task_role, task_definition.obtain_execution_role()]
        for role in roles:
            resource = cast(iam.CfnRole, role.node.default_child)
            resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", self.for_this_account)
        accept(task_definition, "IAMNoInlinePolicy")
        init = ecs.LinuxParameters(self, f"{name}Init", init_process_enabled=True)
        task_definition.add_container(
            "web",
            image=self.image,
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=name,
                log_group=log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
            linux_parameters=init,
            stop_timeout=Duration.seconds(30),
            port_mappings=[ecs.PortMapping(container_port=80)],
        )
        return task_definition

    def configure_load_balancer(self, name: str, pattern: ecs_patterns.ApplicationLoadBalancedFargateService) -> None:
        """Set each attribute, write access logs, check quickly."""
        access_logs = {
            "access_logs.s3.bucket": self.access_logs.bucket_name,
            "access_logs.s3.prefix": name,
        }
        for key, value in (ATTRIBUTES | access_logs).items():
            pattern.load_balancer.set_attribute(key, value)
        accept(pattern.load_balancer, "ALBWAFEnabled")
        pattern.target_group.configure_health_check(
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=3,
            healthy_http_codes="200-299",
        )
        pattern.target_group.set_attribute("deregistration_delay.timeout_seconds", "30")

    def roll_back(self, name: str, pattern: ecs_patterns.ApplicationLoadBalancedFargateService) -> None:
        """Roll back on errors and unhealthy tasks."""
        metrics = pattern.target_group.metrics
        rate = cloudwatch.MathExpression(
            expression="IF(errors >= 5, 100 * errors / requests, 0)",
            using_metrics={
                "errors": metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=MINUTE),
                "requests": metrics.request_count(period=MINUTE),
            },
            period=MINUTE,
        )
        unhealthy = metrics.unhealthy_host_count(statistic="Maximum", period=MINUTE)
        at_least = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        alarms = [
            cloudwatch.Alarm(
                self,
                f"{name}{alarm_id}",
                metric=metric,
                threshold=threshold,
                evaluation_periods=2,
                comparison_operator=at_least,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            for alarm_id, metric, threshold in (("Errors", rate, 5), ("Unhealthy", unhealthy, 1))
        ]
        for alarm in alarms:
            accept(alarm, "CloudWatchAlarmAction")
        pattern.service.enable_deployment_alarms([alarm.alarm_name for alarm in alarms])


def accept(construct: IConstruct, *rules: str) -> None:
    """Acknowledge audit findings."""
    findings = [Acknowledgment(id=f"{pack}-{rule}", reason="Accepted.") for rule in rules for pack in PACKS]
    Validations.of(construct).acknowledge(*findings)


if __name__ == "__main__":
    synthesize(Services)
