"""The whole way in one construct."""

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs import (
    FargateWebService,
    FixedEgressNetwork,
    Health,
    LogArchive,
    Scaling,
    WebAcl,
)


def test_an_image_is_all_it_needs(stack: Stack, image: ecs.ContainerImage) -> None:
    """One argument makes the network, the endpoint, the service and the archive, and wires them."""
    shop = FargateWebService(stack, "Shop", image=image)

    template = Template.from_stack(stack)
    for type_, count in {
        "AWS::EC2::NatGateway": 2,
        "AWS::ElasticLoadBalancingV2::LoadBalancer": 1,
        "AWS::ElasticLoadBalancingV2::ListenerRule": 1,
        "AWS::ECS::Service": 1,
        "AWS::Logs::SubscriptionFilter": 1,
    }.items():
        template.resource_count_is(type_, count)
    assert shop.service.name == "shop"
    assert len(shop.network.egress_ips) == 2


def test_what_is_given_reaches_its_part(stack: Stack, image: ecs.ContainerImage) -> None:
    """Arguments go to the part they belong to."""
    FargateWebService(
        stack,
        "Shop",
        image=image,
        port=8080,
        cpu=512,
        memory_limit_mib=1024,
        environment={"STAGE": "prod"},
        scaling=Scaling(min=4, max=8),
        health=Health(path="/healthz"),
    )

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "512",
            "Memory": "1024",
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "Environment": [{"Name": "STAGE", "Value": "prod"}],
                        "PortMappings": [Match.object_like({"ContainerPort": 8080})],
                    }
                )
            ],
        },
    )
    template.has_resource_properties("AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 4})
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"})


def test_two_share_a_network_and_an_archive_across_stacks(image: ecs.ContainerImage) -> None:
    """What is made once serves many stacks, and no stack depends on one that uses it."""
    app = App()
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    archive = LogArchive(base, "LogArchive")
    stacks = [Stack(app, name) for name in ("Shop", "Blog")]

    for stack in stacks:
        FargateWebService(stack, stack.stack_name, image=image, network=network, archive=archive)

    app.synth()
    assert base.dependencies == []
    assert all(stack.dependencies == [base] for stack in stacks)


def test_none_is_the_default(image: ecs.ContainerImage) -> None:
    """Of what is made or computed here when it is not given."""
    stack = Stack()
    shop = FargateWebService(stack, "Shop", image=image, network=None, archive=None, name=None, access_log_bucket=None)

    assert shop.network.vpc.node.path == "Default/Shop/Network/Vpc"
    assert shop.service.name == "shop"
    assert shop.endpoint.access_log_bucket is shop.archive.bucket


def test_an_image_is_needed(stack: Stack) -> None:
    """What is missing is told of the web service, before anything is made."""
    with pytest.raises(TypeError, match=r"FargateWebService needs image=\.\.\."):
        FargateWebService(stack, "Shop")  # type: ignore[call-arg]  # missing

    assert stack.node.try_find_child("Shop") is None


def test_a_refusal_leaves_nothing_behind(stack: Stack, image: ecs.ContainerImage) -> None:
    """Corrected, the same line works."""
    with pytest.raises(ValueError, match="got: cpu=300"):
        FargateWebService(stack, "Shop", image=image, cpu=300)
    rare = logs.LogGroup(stack, "Rare", log_group_class=logs.LogGroupClass.INFREQUENT_ACCESS)
    with pytest.raises(ValueError, match="INFREQUENT_ACCESS"):
        FargateWebService(stack, "Shop", image=image, log_group=rare)

    FargateWebService(stack, "Shop", image=image, cpu=512, memory_limit_mib=1024)


def test_how_callers_reach_it_is_handed_on(stack: Stack, image: ecs.ContainerImage) -> None:
    """The endpoint's arguments are the web service's."""
    shop = FargateWebService(
        stack, "Shop", image=image, static_ips=True, allow_cidrs=["192.0.2.0/24"], web_acl=WebAcl.managed()
    )

    assert len(shop.endpoint.ingress_ips) == 2
    Template.from_stack(stack).resource_count_is("AWS::WAFv2::WebACL", 1)


def test_access_logs_go_into_the_archive(stack: Stack, image: ecs.ContainerImage) -> None:
    """Of the web service's own, below `AWSLogs/`; no bucket is made for them."""
    shop = FargateWebService(stack, "Shop", image=image)

    assert shop.endpoint.access_log_bucket is shop.archive.bucket
    assert shop.endpoint.node.try_find_child("AccessLogs") is None


def test_access_logs_that_the_archive_cannot_take(image: ecs.ContainerImage) -> None:
    """Encrypted with KMS, locked or imported, it leaves them to a bucket of the endpoint's, as does an expiration."""
    stack = Stack()
    archives = [
        LogArchive(stack, "Kms", encryption_key=kms.Key(stack, "Key")),
        LogArchive(stack, "Locked", object_lock=s3.ObjectLockRetention.governance(Duration.days(30))),
        LogArchive(stack, "Imported", bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "logs")),
    ]
    network = FixedEgressNetwork(stack, "Network")

    assert [archive.access_log_bucket for archive in archives] == [None, None, None]
    kept = FargateWebService(stack, "Shop", image=image, network=network, archive=archives[0])
    brief = FargateWebService(stack, "Brief", image=image, network=network, access_log_expiration=Duration.days(7))
    for shop in (kept, brief):
        assert shop.endpoint.access_log_bucket is shop.endpoint.node.find_child("AccessLogs")


def test_a_misspelt_argument_is_named(stack: Stack, image: ecs.ContainerImage) -> None:
    """Whichever part it is of."""
    with pytest.raises(TypeError, match="did you mean 'static_ips'"):
        FargateWebService(stack, "Shop", image=image, static_ip=True)  # type: ignore[call-arg]  # misspelt
