"""What runs: a container image as a service on Fargate."""

from typing import cast

import pytest
from aws_cdk import CfnParameter, Duration, Stack
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


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service with every default."""
    return FargateService(stack, "Web", network=network, image=image)


def test_tasks_have_no_public_address(stack: Stack, network: Network, web: FargateService) -> None:
    """They run in the network's private subnets, and start once the way out is there."""
    template = Template.from_stack(stack)
    (service,) = template.find_resources("AWS::ECS::Service").values()

    vpc_configuration = service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert vpc_configuration["AssignPublicIp"] == "DISABLED"
    assert vpc_configuration["Subnets"] == [stack.resolve(subnet.subnet_id) for subnet in network.task_subnets]
    nat_routes = template.find_resources("AWS::EC2::Route", {"Properties": {"NatGatewayId": Match.any_value()}})
    assert set(nat_routes) <= set(service["DependsOn"])
    assert web.connections.security_groups


def test_tasks_wait_for_the_endpoints_they_need(stack: Stack, image: ecs.ContainerImage) -> None:
    """In a network without a way out, a task that starts before them cannot pull its image; a job's neither."""
    network = FixedEgressNetwork(stack, "Network", egress=Egress.isolated())
    web = FargateService(stack, "Web", network=network, image=image)
    OneOffTask(stack, "Migrate", network=network, image=image).run_before(web)

    template = Template.from_stack(stack)
    endpoints = set(template.find_resources("AWS::EC2::VPCEndpoint"))
    assert len(endpoints) == 8
    for type_ in ("AWS::ECS::Service", "Custom::RunBeforeDeployment"):
        (resource,) = template.find_resources(type_).values()
        assert endpoints <= set(resource["DependsOn"]), type_


@pytest.mark.usefixtures("web")
def test_a_deployment_is_safe_and_can_be_looked_into(stack: Stack) -> None:
    """New tasks first, rollback when they fail, a shell in each, zones kept in balance, and no fixed count."""
    template = Template.from_stack(stack)

    template.has_resource_properties(
        "AWS::ECS::Service",
        {
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
                "BakeTimeInMinutes": 0,
                "Alarms": Match.absent(),
            },
            "DeploymentController": {"Type": "ECS"},
            "EnableExecuteCommand": True,
            "AvailabilityZoneRebalancing": "ENABLED",
            "DesiredCount": Match.absent(),
            "PropagateTags": "SERVICE",
        },
    )


def test_the_container_logs_without_stopping_the_application(stack: Stack, web: FargateService) -> None:
    """The log driver's mode and buffer are said aloud; the group keeps a month and outlives the stack."""
    template = Template.from_stack(stack)
    (logs_group,) = template.find_resources(
        "AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 30}, "DeletionPolicy": "Retain"}
    )

    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "256",
            "Memory": "512",
            "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
            "ContainerDefinitions": [
                {
                    "Name": "web",
                    "Essential": True,
                    "Image": "public.ecr.aws/nginx/nginx:stable",
                    "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {}},
                    "LogConfiguration": {
                        "LogDriver": "awslogs",
                        "Options": {
                            "awslogs-group": {"Ref": logs_group},
                            "awslogs-region": {"Ref": "AWS::Region"},
                            "awslogs-stream-prefix": "web",
                            "mode": "non-blocking",
                            "max-buffer-size": "26214400b",
                        },
                    },
                    "PortMappings": [{"AppProtocol": "http", "ContainerPort": 80, "Name": "web", "Protocol": "tcp"}],
                    "StopTimeout": 30,
                }
            ],
        },
    )
    assert stack.resolve(web.log_group.log_group_name) == {"Ref": logs_group}


def test_it_scales_on_cpu_and_on_requests(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Between the limits given; requests count once there is a route."""
    scaling = Scaling(min=3, max=30, cpu_percent=50, requests_per_target=200)
    api = FargateService(stack, "Api", network=network, image=image, scaling=scaling)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Api", service=api)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 3, "MaxCapacity": 30}
    )
    for metric, target in (("ECSServiceAverageCPUUtilization", 50), ("ALBRequestCountPerTarget", 200)):
        template.has_resource_properties(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "TargetTrackingScalingPolicyConfiguration": Match.object_like(
                    {
                        "TargetValue": target,
                        "PredefinedMetricSpecification": Match.object_like({"PredefinedMetricType": metric}),
                    }
                )
            },
        )


def test_tasks_join_after_twenty_seconds_and_leave_after_thirty(
    stack: Stack, network: Network, web: FargateService
) -> None:
    """Checks and drain are what a rolling deployment waits for: 2 x 10 s + 30 s, not 5 x 30 s + 300 s."""
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "HealthCheckPath": "/",
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "TargetType": "ip",
            "TargetGroupAttributes": Match.array_with([{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]),
        },
    )


def test_a_service_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Size, architecture, configuration, secrets, command, path, name and retention are what was asked for."""
    secret = secretsmanager.Secret(stack, "Secret")
    api = FargateService(
        stack,
        "OrderApi",
        network=network,
        image=image,
        port=8080,
        cpu=1024,
        memory_limit_mib=4096,
        cpu_architecture=ecs.CpuArchitecture.ARM64,
        environment={"STAGE": "prod"},
        secrets={"TOKEN": ecs.Secret.from_secrets_manager(secret)},
        command=["serve"],
        health=Health(path="/healthz", command=["CMD", "check"], grace_period=Duration.seconds(90)),
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Api", service=api)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "1024",
            "Memory": "4096",
            "RuntimePlatform": {"CpuArchitecture": "ARM64"},
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "Name": "order-api",
                        "Command": ["serve"],
                        "HealthCheck": {
                            "Command": ["CMD", "check"],
                            "Interval": 10,
                            "Timeout": 5,
                            "Retries": 3,
                            "StartPeriod": 90,
                        },
                        "Environment": [{"Name": "STAGE", "Value": "prod"}],
                        "Secrets": [{"Name": "TOKEN", "ValueFrom": stack.resolve(secret.secret_arn)}],
                        "PortMappings": [
                            {"AppProtocol": "http", "ContainerPort": 8080, "Name": "order-api", "Protocol": "tcp"}
                        ],
                    }
                )
            ],
        },
    )
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"})
    template.has_resource_properties("AWS::ECS::Service", {"HealthCheckGracePeriodSeconds": 90})
    template.has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": 7})


def test_a_log_without_loss(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """In lossless delivery the application waits, the proxy's lines and the sidecars' included."""
    service = FargateService(stack, "Web", network=network, image=image, log_driver_mode=ecs.AwsLogDriverMode.BLOCKING)
    service.add_sidecar("cache", image=image)

    (definition,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    for container in definition["Properties"]["ContainerDefinitions"]:
        assert container["LogConfiguration"]["Options"]["mode"] == "blocking"
        assert "max-buffer-size" not in container["LogConfiguration"]["Options"]


def test_a_windows_service(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """It has no Linux parameters, and its shell is PowerShell."""
    windows = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    service = FargateService(
        stack, "Web", network=network, image=image, cpu=1024, memory_limit_mib=2048, operating_system_family=windows
    )

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "RuntimePlatform": {"OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "ContainerDefinitions": [Match.object_like({"LinuxParameters": Match.absent()})],
        },
    )
    assert service.exec_command.endswith("--interactive --command powershell")


def test_a_larger_disk(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The task gets the storage asked for."""
    FargateService(stack, "Web", network=network, image=image, ephemeral_storage_gib=100)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition", {"EphemeralStorage": {"SizeInGiB": 100}}
    )


def test_numbers_known_only_when_deployed_pass(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A token cannot be checked."""
    number = CfnParameter(stack, "Number", type="Number").value_as_number

    FargateService(stack, "Web", network=network, image=image, port=number, cpu=number)  # type: ignore[arg-type]

    Template.from_stack(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"Memory": "512"})


def test_a_worker_has_no_way_in(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Without a port there is nothing to map, to check or to open."""
    FargateService(stack, "Worker", network=network, image=image, port=None)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"ContainerDefinitions": [Match.object_like({"PortMappings": Match.absent(), "Name": "worker"})]},
    )
    template.has_resource_properties(
        "AWS::ECS::Service", {"LoadBalancers": [], "HealthCheckGracePeriodSeconds": Match.absent()}
    )
    template.resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_shell_sessions_are_kept(stack: Stack, web: FargateService) -> None:
    """The cluster logs what is typed for a year, and tasks may write just that log."""
    template = Template.from_stack(stack)
    (sessions,) = template.find_resources("AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 365}})

    template.has_resource_properties(
        "AWS::ECS::Cluster",
        {
            "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
            "Configuration": {
                "ExecuteCommandConfiguration": {
                    "Logging": "OVERRIDE",
                    "LogConfiguration": {"CloudWatchLogGroupName": {"Ref": sessions}},
                }
            },
        },
    )
    commands = stack.resolve([web.exec_command, web.logs_command])
    assert "--container web --interactive --command /bin/sh" in str(commands[0])
    assert str(commands[1]).endswith("' --follow']]}")


def test_tasks_can_be_granted_something(stack: Stack, web: FargateService) -> None:
    """A service is what grants are given to."""
    s3.Bucket(stack, "Bucket").grant_read(web)

    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": Match.object_like(
                {"Statement": Match.array_with([Match.object_like({"Action": Match.array_with(["s3:GetObject*"])})])}
            ),
            "Roles": [stack.resolve(web.task_definition.task_role.role_name)],
        },
    )


def test_a_cluster_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A given cluster is used, whether or not it keeps shell sessions."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    imported = ecs.Cluster.from_cluster_attributes(stack, "Imported", cluster_name="shared", vpc=network.vpc)

    FargateService(stack, "One", network=network, image=image, cluster=cluster)
    FargateService(stack, "Two", network=network, image=image, cluster=imported)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ECS::Cluster", 1)
    template.has_resource_properties("AWS::ECS::Service", {"Cluster": "shared"})


def test_a_listener_made_elsewhere(stack: Stack, network: Network, web: FargateService) -> None:
    """A service can answer an imported listener."""
    group = ec2.SecurityGroup(stack, "Group", vpc=network.vpc)
    listener = elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Listener",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0123456789abcdef/0123456789abcdef",
        security_group=group,
    )

    web.add_listener_rule(
        "Web", listener=listener, priority=7, conditions=[elbv2.ListenerCondition.path_patterns(["/web/*"])]
    )

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::ListenerRule", {"Priority": 7, "ListenerArn": listener.listener_arn}
    )
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 80, "ToPort": 80})


@pytest.mark.parametrize(("percent", "is_refused"), [(100, True), (150, False)])
def test_percentages_of_ones_own_need_zones_out_of_balance(
    stack: Stack,
    web: FargateService,
    percent: int,
    is_refused: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """ECS keeps zones in balance by starting tasks first; an override that lets it not is told of at synthesis."""
    resource = cast(ecs.CfnService, web.service.node.find_child("Service"))
    resource.add_property_override("DeploymentConfiguration.MaximumPercent", percent)

    if is_refused:
        with pytest.raises(RuntimeError, match="zoneRebalancing"):
            Template.from_stack(stack)
        resource.add_property_override("AvailabilityZoneRebalancing", "DISABLED")
    Template.from_stack(stack).resource_count_is("AWS::ECS::Service", 1)
