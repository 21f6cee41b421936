"""A service at the ports of a network load balancer, deployed and changed.

The emulator forwards no TCP: what is tested is that the resources are made in an order that works, and stay.
"""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import FargateService, FixedEgressNetwork, TcpEndpoint
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack

ELB = "AWS::ElasticLoadBalancingV2"
KEPT = (f"{ELB}::LoadBalancer", f"{ELB}::Listener", f"{ELB}::TargetGroup", "AWS::EC2::EIP", "AWS::ECS::Service")


def tcp_app(*ports: int, has_dns: bool = False) -> App:
    """Return an app of one mail server at some ports, and perhaps a name server."""
    app = App()
    stack = Stack(app, "Mail")
    network = FixedEgressNetwork(stack, "Network")
    endpoint = TcpEndpoint(stack, "Endpoint", network=network, deletion_protection=False)
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    smtp = FargateService(stack, "Smtp", network=network, image=image, port=2525)
    for port in ports:
        endpoint.add_listener(f"Port{port}", port=port, service=smtp)
    if has_dns:
        endpoint.add_listener("Dns", port=53, service=smtp, protocol=elbv2.Protocol.TCP_UDP)
    return app


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """The mail server at port 25."""
    return DeployedStack(aws, tcp_app(25))


def test_listeners_come_and_go(stack: DeployedStack) -> None:
    """The load balancer, its addresses and the other listeners stay, and so do the addresses when all is gone."""
    aws, before = stack.aws, stack.physical_ids(*KEPT)
    ((_, balancer),) = stack.physical_ids(f"{ELB}::LoadBalancer").items()
    elb = aws.client("elbv2")

    def ports() -> dict[int, str]:
        found = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        return {each["Port"]: each["Protocol"] for each in found}

    assert ports() == {25: "TCP"}
    assert stack.update(tcp_app(25, 587, has_dns=True)) == "UPDATE_COMPLETE", stack.why()
    assert before.items() < stack.physical_ids(*KEPT).items()
    assert ports() == {25: "TCP", 587: "TCP", 53: "TCP_UDP"}
    [service] = [each for key, each in stack.physical_ids("AWS::ECS::Service").items() if key.startswith("Smtp")]
    cluster = service.split("/")[1]
    [found] = aws.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    assert {each["containerPort"] for each in found["loadBalancers"]} == {2525}
    assert len(found["loadBalancers"]) == 3

    assert stack.update(tcp_app(25)) == "UPDATE_COMPLETE", stack.why()
    assert stack.physical_ids(*KEPT) == before
    assert ports() == {25: "TCP"}
