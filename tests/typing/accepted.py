"""What type checkers accept: what is required is given, and each argument has the type of its annotation."""

from collections.abc import Sequence
from typing import assert_type

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions_tasks as sfn_tasks

from fargate_constructs import (
    Egress,
    FargateMonitoring,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    Job,
    LogArchive,
    Network,
    OneOffTask,
    QueueWorker,
    Scaling,
    ScheduledTask,
    ServiceConnect,
    TcpEndpoint,
)


def accepted(stack: Stack, vpc: ec2.IVpc, network: Network, image: ecs.ContainerImage) -> None:
    """Use every construct with what it needs, and with some of what it takes."""
    FixedEgressNetwork(stack, "Network", egress=Egress.per_az())
    FixedEgressNetwork.from_vpc(stack, "Imported", vpc)
    web = FargateService(stack, "Web", network=network, image=image)
    api = FargateService(
        stack,
        "Api",
        network=network,
        image=image,
        port={"http": 8080, "admin": 9000},
        cpu=512,
        memory_limit_mib=1024,
        environment={"STAGE": "prod"},
        scaling=Scaling(min=2, max=20),
        service_connect=ServiceConnect.http(idle_timeout=Duration.minutes(1)),
        health={"http": Health(path="/healthz", port="admin"), "admin": Health()},
        protocol_version={"http": elbv2.ApplicationProtocolVersion.HTTP1},
        log_driver_mode=ecs.AwsLogDriverMode.BLOCKING,
    )
    assert_type(web.link_to(api), str)
    assert_type(web.add_sidecar("cache", image=image, essential=False, read_only=True), ecs.ContainerDefinition)
    OneOffTask(stack, "Migrate", network=network, image=image, command=["migrate"]).run_before(web)
    web.connect_to(rds.DatabaseInstance(stack, "Database", engine=rds.DatabaseInstanceEngine.POSTGRES, vpc=vpc))
    web.connect_to(ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0"), port=6379)
    web.connect_to(api, port=ec2.Port.tcp(9000))
    load = Job(stack, "Load", network=network, image=image, timeout=Duration.hours(1), retries=2, task_count=1)
    assert_type(load.task_state("Run", command=["load"]), sfn_tasks.EcsRunTask)
    assert_type(load.event_target("Paid", environment={"A": "b"}), events.IRuleTarget)
    assert_type(load.run_on_upload("In", bucket=s3.Bucket(stack, "Uploads"), prefix="in/"), events.Rule)
    assert_type(load.grant_run(web), iam.Grant)
    ScheduledTask(
        stack,
        "Report",
        network=network,
        image=image,
        schedule=scheduler.ScheduleExpression.rate(Duration.hours(1)),
        health_check=ecs.HealthCheck(command=["CMD", "true"]),
    )
    orders = QueueWorker(
        stack, "Orders", network=network, image=image, message_duration=Duration.seconds(10), fifo=True
    )
    assert_type(orders.queue, sqs.IQueue)
    assert_type(orders.alarms, Sequence[cloudwatch.Alarm])
    orders.age_alarm.add_alarm_action()
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)
    endpoint.add_route("Web", service=web, paths=["/*"], port="http")
    weights = {web: 90, api: 10}
    shared = endpoint.add_route("Api", service=weights, paths=["/api/*"], rewrite_path="/*", rewrite_host=("^a", "b"))
    assert_type(shared, elbv2.ApplicationListenerRule)
    endpoint.add_redirect("Moved", paths=["/old/*"], to_path=("^/old/(.*)", "/new/$1"), status_code=301)
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"], message_body="User-agent: *")
    edge = TcpEndpoint(stack, "Edge", network=network, static_ips=["eipalloc-1", "eipalloc-2"])
    assert_type(edge.add_listener("Smtp", port=25, service=web, target_port="http"), elbv2.NetworkListener)
    LogArchive(stack, "LogArchive").add_log_group(web.log_group)
    shop = FargateWebService(stack, "Shop", image=image)
    monitoring = FargateMonitoring(stack, "Monitoring", page=[])
    monitoring.watch(shop, endpoint, slo=99.9, latency=Duration.seconds(1))
    assert_type(monitoring.alarms, Sequence[cloudwatch.CompositeAlarm])
    assert_type(web.metric_cpu_utilization(), cloudwatch.Metric)
    FargateWebService(stack, "Blog", image=image, network=shop.network, internal=True, name="blog", port=None)
    assert_type(shop.service, FargateService)
