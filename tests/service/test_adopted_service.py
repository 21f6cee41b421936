"""What a deployed service and its load balancer keep, because CloudFormation cannot change it in place."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import AdoptedService, AuditedCluster, Capacity, FargateService, HttpEndpoint, TcpEndpoint
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in
from tests.templates import properties, properties_of

ELB = "AWS::ElasticLoadBalancingV2"


class Lab(NamedTuple):
    """A service at both kinds of load balancers, all of which were deployed by other code."""

    template: Template
    web: FargateService
    endpoint: HttpEndpoint
    tcp: TcpEndpoint

    def service(self) -> dict[str, Any]:
        """Return the properties of the ECS service."""
        (service,) = properties(self.template, "AWS::ECS::Service")
        return service


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One synthesis for all tests."""
    stack = Stack(App(), "Test")
    network, certificate = network_in(stack), certificate_in(stack)
    names: dict[str, Any] = {"network": network, "security_group_description": "Automatically created"}
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        load_balancer_name="LB",
        certificate=certificate,
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        **names,
    )
    tcp = TcpEndpoint(stack, "Tcp", load_balancer_name="NLB", static_ips=False, **names)
    web = FargateService(
        stack,
        "Web",
        network=network,
        image=IMAGE,
        cluster=AuditedCluster(stack, "Cluster", vpc=network.vpc),
        capacity=Capacity.launch_type(),
        adopted=AdoptedService(
            deployment_controller=None,
            security_group_description="Test/Web/Service/SecurityGroup",
            service_name="web",
            target_group_name="web-group",
            target_group_port=8080,
        ),
    )
    endpoint.add_route("Web", service=web)
    tcp.add_listener(
        "Tls",
        port=8443,
        service=web,
        certificate=certificate,
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        target_group_port=8443,
    )
    return Lab(Template.from_stack(stack), web, endpoint, tcp)


def test_the_service_has_no_deployment_controller(lab: Lab) -> None:
    """CDK writes one for the circuit breaker, which stays."""
    assert "DeploymentController" not in lab.service()
    assert lab.service()["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["Enable"] is True
    assert lab.service()["ServiceName"] == "web"


def test_a_launch_type_in_a_cluster_with_capacity_providers(lab: Lab) -> None:
    """The service has a launch type, and no strategy."""
    assert lab.service()["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in lab.service()


def test_security_groups_keep_their_descriptions(lab: Lab) -> None:
    """Those of the tasks and of both load balancers."""
    groups = [
        *(each.load_balancer.connections.security_groups[0] for each in (lab.endpoint, lab.tcp)),
        lab.web.connections.security_groups[0],
    ]

    described = [properties_of(lab.template, each)["GroupDescription"] for each in groups]

    assert described == ["Automatically created", "Automatically created", "Test/Web/Service/SecurityGroup"]


def test_load_balancers_keep_their_names(lab: Lab) -> None:
    """A name cannot be changed."""
    assert [each["Name"] for each in properties(lab.template, f"{ELB}::LoadBalancer")] == ["LB", "NLB"]


def test_target_groups_keep_port_and_name(lab: Lab) -> None:
    """Each has its own."""
    of_routes, of_listener = lab.web.target_groups[0], lab.web.network_target_groups[0]

    groups = [properties_of(lab.template, each) for each in (of_routes, of_listener)]

    assert [(each["Port"], each.get("Name")) for each in groups] == [(8080, "web-group"), (8443, None)]


def test_listeners_keep_their_ssl_policy(lab: Lab) -> None:
    """A listener without TLS has none."""
    policies = {each["Port"]: each.get("SslPolicy") for each in properties(lab.template, f"{ELB}::Listener")}

    recommended = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert policies == {80: None, 443: recommended, 8443: recommended}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"deployment_controller": ecs.DeploymentControllerType.CODE_DEPLOY}, "must be ECS or None, got: CODE_DEPLOY"),
    ({"deployment_controller": ecs.DeploymentControllerType.EXTERNAL}, "must be ECS or None, got: EXTERNAL"),
    ({"security_group_description": ""}, "security_group_description must be 1 to 255 letters"),
    ({"security_group_description": "Büro"}, "got: 'Büro'; copy it from the deployed template"),
    ({"security_group_description": "a" * 256}, "security_group_description must be 1 to 255 letters"),
    ({"service_name": "my web"}, "service_name must match [A-Za-z0-9_-]{1,255}, got: 'my web'; copy it"),
    ({"target_group_name": "-web"}, "got: '-web'; copy it from the deployed template"),
    ({"target_group_name": "a" * 33}, "target_group_name must match"),
    ({"target_group_port": 0}, "target_group_port must be 1 to 65535, got: 0"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    """The message says what to copy, or what to do instead."""
    with pytest.raises(ValueError, match=re.escape(message)):
        AdoptedService(**arguments)


def test_tokens_pass() -> None:
    """Their values are known when deployed only."""
    token = Token.as_string({"Ref": "Value"})

    made = AdoptedService(security_group_description=token, service_name=token, target_group_name=f"web-{token}")

    assert made.service_name == token


def test_a_description_beside_security_groups_of_your_own(stack: Stack) -> None:
    """They have descriptions of their own."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    adopted = AdoptedService(security_group_description="Mine")

    with pytest.raises(ValueError, match="got it beside security_groups, which have their own; leave it out"):
        FargateService(stack, "Web", network=network_in(stack), image=IMAGE, security_groups=[group], adopted=adopted)

    assert stack.node.try_find_child("Web") is None
