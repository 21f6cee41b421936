"""Parts in one stack, services in others."""

from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, LogArchive


def test_services_in_other_stacks_use_the_shared_parts(image: ecs.ContainerImage) -> None:
    """Routes, subscriptions and tasks are in their service's stack. The shared stack depends on none of them."""
    app = App()
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    endpoint = HttpEndpoint(base, "Endpoint", network=network)
    archive = LogArchive(base, "LogArchive")
    cluster = ecs.Cluster(base, "Cluster", vpc=network.vpc)

    for name in ("Web", "Api"):
        service = FargateService(Stack(app, name), name, network=network, image=image, cluster=cluster)
        endpoint.add_route(name, service=service, paths=[f"/{name}/*"])
        archive.add_log_group(service.log_group)

    assembly = app.synth()
    assert base.dependencies == []
    for name in ("Web", "Api"):
        types = [each["Type"] for each in assembly.get_stack_by_name(name).template["Resources"].values()]
        assert "AWS::ElasticLoadBalancingV2::ListenerRule" in types
        assert "AWS::Logs::SubscriptionFilter" in types
    shared = [each["Type"] for each in assembly.get_stack_by_name("Base").template["Resources"].values()]
    assert "AWS::ECS::Service" not in shared
