"""What runs: a container image as a service on Fargate."""

from typing import NamedTuple, cast

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match, Template

from fargate_constructs import (
    Egress,
    FargateService,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    OneOffTask,
    Scaling,
)
from fargate_constructs.network.network import Network
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


class Default(NamedTuple):
    """A service with every default, and its template."""

    web: FargateService
    template: Template


@pytest.fixture(scope="module")
def default() -> Default:
    """A service with every default, behind an endpoint."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)
    s3.Bucket(stack, "Bucket").grant_read(web)
    return Default(web, Template.from_stack(stack))


def test_tasks_have_no_public_address(default: Default) -> None:
    """They run in the network's private subnets, and start after the egress routes exist."""
    (service,) = default.template.find_resources("AWS::ECS::Service").values()
    in_vpc = service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert in_vpc["AssignPublicIp"] == "DISABLED"
    assert all("Tasks" in each["Ref"] for each in in_vpc["Subnets"])
    nat_routes = default.template.find_resources("AWS::EC2::Route", {"Properties": {"NatGatewayId": Match.any_value()}})
    assert nat_routes.keys() <= {*service["DependsOn"]}
    assert default.web.connections.security_groups


def test_tasks_wait_for_the_endpoints_they_need(stack: Stack) -> None:
    """In a network without a way out, a task that starts before them cannot pull its image; a job's neither."""
    network = FixedEgressNetwork(stack, "Network", egress=Egress.isolated())
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    OneOffTask(stack, "Migrate", network=network, image=IMAGE).run_before(web)

    template = Template.from_stack(stack)
    endpoints = set(template.find_resources("AWS::EC2::VPCEndpoint"))
    assert len(endpoints) == 8
    for type_ in ("AWS::ECS::Service", "Custom::RunBeforeDeployment"):
        (resource,) = template.find_resources(type_).values()
        assert endpoints <= set(resource["DependsOn"]), type_


def test_a_deployment_is_safe(default: Default) -> None:
    """New tasks start first, failed ones cause a rollback, a shell opens in each, and the count is not fixed."""
    (service,) = properties(default.template, "AWS::ECS::Service")
    deployment = service["DeploymentConfiguration"]

    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"].items() >= {"Enable": True, "Rollback": True}.items()
    assert deployment["BakeTimeInMinutes"] == 0
    assert service["DeploymentController"] == {"Type": "ECS"}
    assert service["EnableExecuteCommand"] is True
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"
    assert service["PropagateTags"] == "SERVICE"
    assert "DesiredCount" not in service


def test_what_a_deployment_waits_for(default: Default) -> None:
    """2 x 10 s of checks and 30 s of drain, not 5 x 30 s and 300 s."""
    (group,) = properties(default.template, "AWS::ElasticLoadBalancingV2::TargetGroup", {"TargetType": "ip"})

    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == (
        "/",
        10,
        5,
    )
    assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (2, 3)
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in group["TargetGroupAttributes"]


def test_a_grant_goes_to_the_tasks_role(default: Default) -> None:
    """`bucket.grant_read(service)` works."""
    statements = [
        each
        for policy in properties(default.template, "AWS::IAM::Policy")
        if "WebTaskRole" in str(policy["Roles"])
        for each in policy["PolicyDocument"]["Statement"]
    ]

    assert any("s3:GetObject*" in each["Action"] for each in statements)


def test_the_container_logs_without_blocking(default: Default) -> None:
    """The template has the log driver's mode and buffer; the group keeps a month and outlives the stack."""
    (log_group,) = default.template.find_resources(
        "AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 30}, "DeletionPolicy": "Retain"}
    )
    (definition,) = properties(default.template, "AWS::ECS::TaskDefinition")

    assert (definition["Cpu"], definition["Memory"]) == ("256", "512")
    assert definition["RuntimePlatform"] == {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"}
    assert definition["ContainerDefinitions"] == [
        {
            "Name": "web",
            "Essential": True,
            "Image": "public.ecr.aws/nginx/nginx:stable",
            "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {}},
            "LogConfiguration": {
                "LogDriver": "awslogs",
                "Options": {
                    "awslogs-group": {"Ref": log_group},
                    "awslogs-region": {"Ref": "AWS::Region"},
                    "awslogs-stream-prefix": "web",
                    "mode": "non-blocking",
                    "max-buffer-size": "26214400b",
                },
            },
            "PortMappings": [{"AppProtocol": "http", "ContainerPort": 80, "Name": "web", "Protocol": "tcp"}],
            "StopTimeout": 30,
        }
    ]


@in_shared_stack
def test_custom_arguments(part: Part) -> Steps:
    """Size, disk, architecture, configuration, secrets, command, checks, scaling and retention reach the template."""
    secret = secretsmanager.Secret(part, "Secret")
    api = part.service(
        "OrderApi",
        port=8080,
        cpu=1024,
        memory_limit_mib=4096,
        ephemeral_storage_gib=100,
        cpu_architecture=ecs.CpuArchitecture.ARM64,
        environment={"STAGE": "prod"},
        secrets={"TOKEN": ecs.Secret.from_secrets_manager(secret)},
        command=["serve"],
        health=Health(path="/healthz", command=["CMD", "check"], grace_period=Duration.seconds(90)),
        scaling=Scaling(min=3, max=30, cpu_percent=50, requests_per_target=200),
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    part.add_route(api)
    yield
    definition = part.of(api.task_definition)
    (container,) = definition["ContainerDefinitions"]
    assert (definition["Cpu"], definition["Memory"], definition["EphemeralStorage"]) == (
        "1024",
        "4096",
        {"SizeInGiB": 100},
    )
    assert definition["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert (container["Name"], container["Command"]) == ("order-api", ["serve"])
    check = {"Command": ["CMD", "check"], "Interval": 10, "Timeout": 5, "Retries": 3, "StartPeriod": 90}
    assert container["HealthCheck"] == check
    assert container["Environment"] == [{"Name": "STAGE", "Value": "prod"}]
    assert container["Secrets"] == [{"Name": "TOKEN", "ValueFrom": part.resolve(secret.secret_arn)}]
    assert [(each["Name"], each["ContainerPort"]) for each in container["PortMappings"]] == [("order-api", 8080)]
    (group,) = part.properties("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert group["HealthCheckPath"] == "/healthz"
    assert part.of(api.service)["HealthCheckGracePeriodSeconds"] == 90
    assert part.of(api.log_group)["RetentionInDays"] == 7
    (target,) = part.properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 30)
    policies = [
        each["TargetTrackingScalingPolicyConfiguration"]
        for each in part.properties("AWS::ApplicationAutoScaling::ScalingPolicy")
    ]
    assert {
        each["PredefinedMetricSpecification"]["PredefinedMetricType"]: each["TargetValue"] for each in policies
    } == {
        "ECSServiceAverageCPUUtilization": 50,
        "ALBRequestCountPerTarget": 200,
    }


@in_shared_stack
def test_a_log_without_loss(part: Part) -> Steps:
    """In the blocking mode no container has a buffer, sidecars included."""
    service = part.service("Web", log_driver_mode=ecs.AwsLogDriverMode.BLOCKING)
    service.add_sidecar("cache", image=IMAGE)
    yield
    containers = part.of(service.task_definition)["ContainerDefinitions"]
    options = [each["LogConfiguration"]["Options"] for each in containers]
    assert [(each["mode"], each.get("max-buffer-size")) for each in options] == [("blocking", None)] * 2


@in_shared_stack
def test_a_windows_service(part: Part) -> Steps:
    """It has no Linux parameters, and its shell is PowerShell."""
    windows = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    service = part.service("Web", cpu=1024, memory_limit_mib=2048, operating_system_family=windows)
    yield
    definition = part.of(service.task_definition)
    assert definition["RuntimePlatform"]["OperatingSystemFamily"] == "WINDOWS_SERVER_2022_CORE"
    assert "LinuxParameters" not in definition["ContainerDefinitions"][0]
    assert service.exec_command.endswith("--interactive --command powershell")


@in_shared_stack
def test_numbers_known_only_when_deployed_pass(part: Part) -> Steps:
    """A token cannot be checked."""
    number = CfnParameter(part, "Number", type="Number").value_as_number
    web = part.service("Web", port=number, cpu=number)
    yield
    assert part.of(web.task_definition)["Memory"] == "512"


@in_shared_stack
def test_a_worker_has_no_ingress(part: Part) -> Steps:
    """Without a port there is nothing to map, to check or to open."""
    worker = part.service("Worker", port=None)
    yield
    (container,) = part.of(worker.task_definition)["ContainerDefinitions"]
    service = part.of(worker.service)
    assert "PortMappings" not in container
    assert service["LoadBalancers"] == []
    assert "HealthCheckGracePeriodSeconds" not in service
    assert part.resources("AWS::EC2::SecurityGroupIngress") == {}


def test_shell_sessions_are_kept(default: Default) -> None:
    """The cluster keeps the transcripts for a year."""
    (sessions,) = default.template.find_resources("AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 365}})
    (cluster,) = properties(default.template, "AWS::ECS::Cluster")

    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]
    configuration = cluster["Configuration"]["ExecuteCommandConfiguration"]
    assert configuration["Logging"] == "OVERRIDE"
    assert configuration["LogConfiguration"]["CloudWatchLogGroupName"] == {"Ref": sessions}
    commands = Stack.of(default.web).resolve([default.web.exec_command, default.web.logs_command])
    assert "--container web --interactive --command /bin/sh" in str(commands[0])
    assert str(commands[1]).endswith("' --follow']]}")


@in_shared_stack
def test_an_existing_cluster(part: Part) -> Steps:
    """A given cluster is used, whether or not it keeps shell sessions."""
    cluster = ecs.Cluster(part, "Cluster", vpc=part.network.vpc)
    imported = ecs.Cluster.from_cluster_attributes(part, "Imported", cluster_name="shared", vpc=part.network.vpc)
    services = [part.service(f"In{each.node.id}", cluster=each) for each in (cluster, imported)]
    yield
    assert len(part.resources("AWS::ECS::Cluster")) == 1
    used = [part.of(each.service)["Cluster"] for each in services]
    assert used == [part.resolve(cluster.cluster_name), "shared"]


@in_shared_stack
def test_a_listener_made_elsewhere(part: Part) -> Steps:
    """A service can answer an imported listener."""
    web = part.service("Web")
    group = ec2.SecurityGroup(part, "Group", vpc=part.network.vpc)
    listener = elbv2.ApplicationListener.from_application_listener_attributes(
        part,
        "Listener",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0123456789abcdef/0123456789abcdef",
        security_group=group,
    )

    web.add_listener_rule(
        "Web", listener=listener, priority=7, conditions=[elbv2.ListenerCondition.path_patterns(["/web/*"])]
    )
    yield
    (rule,) = part.properties("AWS::ElasticLoadBalancingV2::ListenerRule")
    assert (rule["Priority"], rule["ListenerArn"]) == (7, listener.listener_arn)
    (opened,) = part.properties("AWS::EC2::SecurityGroupIngress")
    assert (opened["FromPort"], opened["ToPort"]) == (80, 80)


def test_percentages_of_ones_own_need_zones_out_of_balance(stack: Stack, network: Network) -> None:
    """ECS keeps zones in balance only if it may start tasks first; synthesis fails for an override against it."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    for name, percent in (("Web", 100), ("Api", 150)):
        service = FargateService(stack, name, network=network, image=IMAGE, cluster=cluster)
        resource = cast(ecs.CfnService, service.service.node.find_child("Service"))
        resource.add_property_override("DeploymentConfiguration.MaximumPercent", percent)
        if name == "Web":
            refused = resource

    with pytest.raises(RuntimeError, match="zoneRebalancing") as error:
        Template.from_stack(stack)
    assert ["Test/Web must" in str(error.value), "Test/Api" in str(error.value)] == [True, False]
    refused.add_property_override("AvailabilityZoneRebalancing", "DISABLED")
    Template.from_stack(stack)
