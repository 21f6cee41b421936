"""The whole way in one construct."""

import re
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from fargate_constructs import (
    FargateWebService,
    FixedEgressNetwork,
    Health,
    LogArchive,
    Scaling,
    WebAcl,
)
from tests.templates import properties


def test_an_image_is_all_it_needs(image: ecs.ContainerImage) -> None:
    """One argument makes the network, the endpoint, the service and the archive, and wires them; `None` is a default.

    Access logs go into the archive, below `AWSLogs/`; no bucket is made for them.
    """
    stack = Stack()
    shop = FargateWebService(stack, "Shop", image=image, network=None, archive=None, name=None, access_log_bucket=None)

    template = Template.from_stack(stack)
    for type_, count in {
        "AWS::EC2::NatGateway": 2,
        "AWS::ElasticLoadBalancingV2::LoadBalancer": 1,
        "AWS::ElasticLoadBalancingV2::ListenerRule": 1,
        "AWS::ECS::Service": 1,
        "AWS::Logs::SubscriptionFilter": 1,
    }.items():
        template.resource_count_is(type_, count)
    assert shop.network.vpc.node.path == "Default/Shop/Network/Vpc"
    assert shop.service.name == "shop"
    assert len(shop.network.egress_ips) == 2
    assert shop.endpoint.access_log_bucket is shop.archive.bucket
    assert shop.endpoint.node.try_find_child("AccessLogs") is None


def test_arguments_reach_their_part(stack: Stack, image: ecs.ContainerImage) -> None:
    """Those of the service and those of the endpoint."""
    shop = FargateWebService(
        stack,
        "Shop",
        image=image,
        port=8080,
        cpu=512,
        memory_limit_mib=1024,
        environment={"STAGE": "prod"},
        scaling=Scaling(min=4, max=8),
        health=Health(path="/healthz"),
        static_ips=True,
        allow_cidrs=["192.0.2.0/24"],
        web_acl=WebAcl.managed(),
    )

    template = Template.from_stack(stack)
    (definition,) = properties(template, "AWS::ECS::TaskDefinition")
    (container,) = definition["ContainerDefinitions"]
    assert (definition["Cpu"], definition["Memory"]) == ("512", "1024")
    assert container["Environment"] == [{"Name": "STAGE", "Value": "prod"}]
    assert [each["ContainerPort"] for each in container["PortMappings"]] == [8080]
    assert [each["MinCapacity"] for each in properties(template, "AWS::ApplicationAutoScaling::ScalableTarget")] == [4]
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"})
    template.resource_count_is("AWS::WAFv2::WebACL", 1)
    assert len(shop.endpoint.ingress_ips) == 2


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


def test_a_refusal_leaves_nothing_behind(stack: Stack, image: ecs.ContainerImage) -> None:
    """Of the web service itself, or of one of its parts."""
    rare = logs.LogGroup(stack, "Rare", log_group_class=logs.LogGroupClass.INFREQUENT_ACCESS)
    calls: list[tuple[dict[str, Any], str]] = [
        ({}, "FargateWebService needs image=..."),
        ({"image": image, "static_ip": True}, "did you mean 'static_ips'"),
        ({"image": image, "cpu": 300}, "got: cpu=300"),
        ({"image": image, "log_group": rare}, "INFREQUENT_ACCESS"),
    ]

    for arguments, message in calls:
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            FargateWebService(stack, "Shop", **arguments)
        assert stack.node.try_find_child("Shop") is None


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
