"""The cluster of services, and the transcripts of their shells."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Match, Template

from fargate_constructs import (
    AuditedCluster,
    Capacity,
    Deployment,
    FargateService,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
    QueueWorker,
    ScheduledTask,
    ServiceConnect,
)
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties, properties_of

HOURLY = scheduler.ScheduleExpression.rate(Duration.hours(1))
ON_SPOT = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)


def test_sessions_under_a_key(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The key encrypts the sessions and their transcripts; tasks may decrypt with it, and CloudWatch Logs use it."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=key)
    FargateService(stack, "Web", network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    arn = stack.resolve(key.key_arn)
    (key_properties,) = properties(template, "AWS::KMS::Key")
    (made,) = properties(template, "AWS::ECS::Cluster")
    exec_configuration = made["Configuration"]["ExecuteCommandConfiguration"]
    assert (exec_configuration["KmsKeyId"], exec_configuration["Logging"]) == (arn, "OVERRIDE")
    assert exec_configuration["LogConfiguration"]["CloudWatchEncryptionEnabled"] is True
    template.has_resource_properties("AWS::Logs::LogGroup", {"KmsKeyId": arn, "RetentionInDays": 365})
    roles = [each["Policies"] for each in properties(template, "AWS::IAM::Role") if "'Exec'" in str(each)]
    statements = [each for (policy,) in roles for each in policy["PolicyDocument"]["Statement"]]
    assert [each["Resource"] for each in statements if "kms:Decrypt" in each["Action"]] == [arn]
    (use,) = (each for each in key_properties["KeyPolicy"]["Statement"] if "Service" in each["Principal"])
    logs_service = {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert use["Principal"] == {"Service": logs_service}
    assert use["Condition"].keys() == {"ArnLike"}
    assert use["Condition"]["ArnLike"].keys() == {"kms:EncryptionContext:aws:logs:arn"}
    assert findings(stack.node.root) == []


def test_services_share_a_cluster(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Each with a log group and a retention of its own; the cluster keeps transcripts as long as it is told to."""
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, log_retention=logs.RetentionDays.TEN_YEARS)
    days = {"Web": logs.RetentionDays.ONE_WEEK, "Api": logs.RetentionDays.ONE_YEAR}
    services = {
        name: FargateService(stack, name, network=network, image=image, cluster=cluster, log_retention=retention)
        for name, retention in days.items()
    }
    LogArchive(stack, "LogArchive").add_log_group(cluster.log_group)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ECS::Cluster", 1)
    template.all_resources_properties("AWS::ECS::Service", {"Cluster": stack.resolve(cluster.cluster_name)})
    kept = {name: properties_of(template, each.log_group)["RetentionInDays"] for name, each in services.items()}
    assert kept == {"Web": 7, "Api": 365}
    assert properties_of(template, cluster.log_group)["RetentionInDays"] == 3653
    template.has_resource_properties(
        "AWS::Logs::SubscriptionFilter", {"LogGroupName": stack.resolve(cluster.log_group.log_group_name)}
    )


def add_strategy(cluster: AuditedCluster) -> None:
    """Set it as CDK does; its other method has nothing to add."""
    cluster.enable_fargate_capacity_providers()
    cluster.add_default_capacity_provider_strategy([{"capacity_provider": "FARGATE_SPOT", "weight": 1}])


@pytest.mark.parametrize(
    ("arguments", "prepare", "shares"),
    [
        ({"capacity": Capacity.spot(on_demand_base=1)}, None, {"FARGATE": (1, 0), "FARGATE_SPOT": (None, 100)}),
        ({}, add_strategy, {"FARGATE_SPOT": (None, 1)}),
    ],
    ids=["in a word", "as CDK does"],
)
def test_a_default_capacity(
    stack: Stack,
    network: Network,
    arguments: dict[str, Any],
    prepare: Callable[[AuditedCluster], None] | None,
    shares: dict[str, tuple[int | None, int]],
) -> None:
    """All tasks of the cluster have it, unless they have one of their own; no resource associates the cluster."""
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, **arguments)
    if prepare:
        prepare(cluster)
    web = FargateService(stack, "Web", network=network, image=IMAGE, cluster=cluster)
    safe = FargateService(stack, "Safe", network=network, image=IMAGE, cluster=cluster, capacity=Capacity.on_demand())
    job = ScheduledTask(stack, "Job", network=network, image=IMAGE, cluster=cluster, schedule=HOURLY)

    template = Template.from_stack(stack)
    made = properties_of(template, cluster)
    strategies = [
        made["DefaultCapacityProviderStrategy"],
        properties_of(template, web.service.node.find_child("Service"))["CapacityProviderStrategy"],
        properties_of(template, job.schedule)["Target"]["EcsParameters"]["CapacityProviderStrategy"],
    ]
    for strategy in strategies:
        assert {each["CapacityProvider"]: (each.get("Base"), each["Weight"]) for each in strategy} == shares
    (own,) = properties_of(template, safe.service.node.find_child("Service"))["CapacityProviderStrategy"]
    assert own["CapacityProvider"] == "FARGATE"
    assert made["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    template.resource_count_is("AWS::ECS::ClusterCapacityProviderAssociations", 0)


def test_what_a_cluster_refuses(stack: Stack, network: Network) -> None:
    """Capacity that Fargate has not or that comes too late, and keys that Fargate does not take."""
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    instances = ecs.CapacityProviderStrategy(capacity_provider="Instances", weight=1)
    with pytest.raises(ValueError, match=r"must be of \['FARGATE', 'FARGATE_SPOT'\], got: \['Instances'\]; for others"):
        cluster.add_default_capacity_provider_strategy([instances])
    with pytest.raises(ValueError, match="tasks of Test/Cluster run on Fargate, got: EC2 capacity; make an"):
        cluster.add_asg_capacity_provider(cast(ecs.AsgCapacityProvider, None))
    FargateService(stack, "Web", network=network, image=IMAGE, cluster=cluster)
    with pytest.raises(
        ValueError, match="must be known before tasks get it, got: Test/Cluster with tasks; write Audit"
    ):
        cluster.add_default_capacity_provider_strategy([ON_SPOT])
    arn = "arn:aws:kms:eu-west-1:123456789012:key/mrk-12345678123412341234123456789012"
    alias = kms.Key(stack, "Own").add_alias("alias/own")
    for key in (
        alias,
        kms.Alias.from_alias_name(stack, "Alias", "alias/disks"),
        kms.Key.from_key_arn(stack, "Imported", arn),
        kms.Key(stack, "Everywhere", multi_region=True),
    ):
        with pytest.raises(ValueError, match="ephemeral_storage_key must be of one region, and no alias, got: Test/"):
            AuditedCluster(stack, "Disks", vpc=network.vpc, ephemeral_storage_key=key)
    for key in (alias, kms.Alias.from_alias_name(stack, "Shells", "alias/shells")):
        with pytest.raises(ValueError, match=r"encryption_key must be the key itself, got: the alias Test/.*; make a"):
            AuditedCluster(stack, "Sessions", vpc=network.vpc, encryption_key=key)


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        (
            Capacity.spot(),
            "capacity must be Capacity.on_demand.. for Windows tasks, got: none, and a cluster with Spot",
        ),
        (None, "cluster must have no ephemeral_storage_key for Windows tasks: give them another cluster"),
    ],
    ids=["spot", "key"],
)
def test_clusters_without_windows(stack: Stack, network: Network, capacity: Capacity | None, message: str) -> None:
    """Spot and keys of disks are for Linux; a capacity of the task's own is possible in a cluster with Spot."""
    key = None if capacity else kms.Key(stack, "Key")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, capacity=capacity, ephemeral_storage_key=key)
    windows = partial(
        FargateService,
        stack,
        network=network,
        image=IMAGE,
        cluster=cluster,
        cpu=1024,
        memory_limit_mib=2048,
        operating_system_family=ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
    )

    with pytest.raises(ValueError, match=message):
        windows(id="Web")
    if capacity:
        windows(id="Web", capacity=Capacity.on_demand())


def test_disks_under_a_key_and_all_metrics(stack: Stack, network: Network) -> None:
    """Fargate may use the key for this account's clusters, and the insights are enhanced."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    insights = ecs.ContainerInsights.ENHANCED
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, ephemeral_storage_key=key, container_insights=insights)
    FargateService(stack, "Web", network=network, image=IMAGE, cluster=cluster)

    template = Template.from_stack(stack)
    made = properties_of(template, cluster)
    assert made["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enhanced"}]
    storage = made["Configuration"]["ManagedStorageConfiguration"]
    assert storage == {"FargateEphemeralStorageKmsKeyId": stack.resolve(key.key_id)}
    actions = [
        each["Action"]
        for each in properties_of(template, key)["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "fargate.amazonaws.com"}
    ]
    assert actions == ["kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant"]
    assert findings(stack.node.root) == []


def plain(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    """Return a cluster without any setting: no metrics of its own, no capacity providers."""
    return ecs.Cluster(stack, "Cluster", vpc=vpc)


def named(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    """Return a cluster with a default namespace for Service Connect."""
    namespace = ecs.CloudMapNamespaceOptions(name="shop", use_for_service_connect=True)
    return ecs.Cluster(stack, "Cluster", vpc=vpc, default_cloud_map_namespace=namespace)


def imported(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    """Return a cluster that is there already."""
    return ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="shared", vpc=vpc)


def on_ec2(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    """Return a cluster whose default is EC2."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    group = autoscaling.AutoScalingGroup(
        stack,
        "Instances",
        vpc=vpc,
        instance_type=ec2.InstanceType("t3.small"),
        machine_image=ecs.EcsOptimizedImage.amazon_linux2(),
    )
    provider = ecs.AsgCapacityProvider(stack, "Provider", auto_scaling_group=group)
    cluster.add_asg_capacity_provider(provider)
    by_default = ecs.CapacityProviderStrategy(capacity_provider=provider.capacity_provider_name, weight=1)
    cluster.add_default_capacity_provider_strategy([by_default])
    return cluster


def on_spot(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    """Return a cluster whose default is Spot."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc, enable_fargate_capacity_providers=True)
    cluster.add_default_capacity_provider_strategy([ON_SPOT])
    return cluster


CLUSTERS = (plain, named, imported, on_ec2, on_spot)


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """All parts that run tasks, in each kind of cluster."""
    app = App()
    stacks = {make.__name__: Stack(app, make.__name__.replace("_", "-")) for make in CLUSTERS}
    for make, stack in zip(CLUSTERS, stacks.values(), strict=True):
        network = network_in(stack)
        cluster = make(stack, network.vpc)
        arguments: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
        namespace = cluster.default_cloud_map_namespace
        connect = ServiceConnect.http(namespace=namespace) if namespace else None
        web = FargateService(stack, "Web", **arguments, deployment=Deployment.canary(), service_connect=connect)
        api = FargateService(stack, "Api", **arguments, service_connect=connect)
        web.link_to(api)
        OneOffTask(stack, "Migrate", **arguments).run_before(web)
        ScheduledTask(stack, "Job", **arguments, schedule=HOURLY)
        QueueWorker(stack, "Orders", **arguments, message_duration=Duration.seconds(10))
        HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)
    return {name: Template.from_stack(stack) for name, stack in stacks.items()}


@pytest.mark.parametrize("name", [make.__name__ for make in CLUSTERS])
def test_all_parts_run_in_any_cluster(templates: dict[str, Template], name: str) -> None:
    """On Fargate, also where EC2 is the default; scaling and alarms read metrics that each cluster has."""
    template = templates[name]
    strategy = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}] if name == "on_spot" else None

    for service in properties(template, "AWS::ECS::Service"):
        assert service.get("LaunchType") == (None if strategy else "FARGATE")
        assert service.get("CapacityProviderStrategy") == strategy
    (schedule,) = properties(template, "AWS::Scheduler::Schedule")
    run = schedule["Target"]["EcsParameters"]
    assert (run.get("LaunchType"), run.get("CapacityProviderStrategy")) == (None if strategy else "FARGATE", strategy)
    used = [
        *properties(template, "AWS::ApplicationAutoScaling::ScalingPolicy"),
        *properties(template, "AWS::CloudWatch::Alarm"),
    ]
    assert "ECS/ContainerInsights" not in str(used)


def test_tasks_wait_for_their_capacity_providers(templates: dict[str, Template]) -> None:
    """And are deleted before them: CDK associates them in a resource of its own."""
    template = templates["on_spot"]
    (association,) = template.find_resources("AWS::ECS::ClusterCapacityProviderAssociations")

    for type_ in ("AWS::ECS::Service", "AWS::Scheduler::Schedule"):
        for each in template.find_resources(type_).values():
            assert association in each["DependsOn"]


def test_a_service_below_its_cluster(stack: Stack, network: Network) -> None:
    """It does not wait for the cluster, because it is a part of it."""
    cluster = cast(ecs.Cluster, on_spot(stack, network.vpc))
    FargateService(cluster, "Web", network=network, image=IMAGE, cluster=cluster)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service", {"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]}
    )


def test_links_in_the_clusters_namespace(templates: dict[str, Template]) -> None:
    """If it is passed to the services: no other namespace is made."""
    template = templates["named"]

    template.resource_count_is("AWS::ServiceDiscovery::HttpNamespace", 0)
    (namespace,) = template.find_resources("AWS::ServiceDiscovery::PrivateDnsNamespace")
    linked = {"ServiceConnectConfiguration": Match.object_like({"Namespace": {"Fn::GetAtt": [namespace, "Arn"]}})}
    template.resource_properties_count_is("AWS::ECS::Service", linked, 2)
