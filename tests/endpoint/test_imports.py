"""Routes on listeners made elsewhere, and services in other stacks."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/1/2"
ACCOUNT, REGION = "123456789012", "eu-west-1"


def listener_of(stack: Stack) -> elbv2.IApplicationListener:
    """Return a listener known by its ARN and its load balancer's security group."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "LoadBalancerGroup", "sg-123")
    return elbv2.ApplicationListener.from_application_listener_attributes(
        stack, "Listener", listener_arn=LISTENER, security_group=group, default_port=443
    )


@pytest.fixture
def service(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service to route to."""
    return FargateService(stack, "Web", network=network, image=image)


def test_a_listener_known_by_its_arn(stack: Stack, service: FargateService) -> None:
    """Its rules are made here, and its load balancer may reach the tasks."""
    endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener_of(stack))

    endpoint.add_route("Web", service=service, hosts=["shop.example.com"])
    endpoint.add_route("Api", service=service, paths=["/api/*"], priority=70)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ElasticLoadBalancingV2::LoadBalancer", 0)
    template.all_resources_properties(RULE, {"ListenerArn": LISTENER})
    template.has_resource_properties(RULE, {"Priority": 70})
    template.resource_count_is(RULE, 2)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"SourceSecurityGroupId": "sg-123", "FromPort": 80, "ToPort": 80},
    )


def test_its_routes_are_told_apart(stack: Stack, service: FargateService) -> None:
    """As those of an endpoint of one's own."""
    endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener_of(stack))
    endpoint.add_route("Web", service=service, paths=["/a"])

    with pytest.raises(ValueError, match="route 'Other' of Test/Web has the same conditions as route 'Web'"):
        endpoint.add_route("Other", service=service, paths=["/a"])


def test_a_listener_of_this_app_in_another_stack(
    stack: Stack, network: Network, service: FargateService, image: ecs.ContainerImage
) -> None:
    """However often it is wrapped, it has one set of rules."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    other = Stack(App.of(stack), "Other")
    wrapped = HttpEndpoint.from_listener(other, "Endpoint", endpoint.listener)
    api = FargateService(other, "Api", network=network, image=image)

    endpoint.add_route("Web", service=service, paths=["/api/*"])
    with pytest.raises(ValueError, match="route 'Api' of Other/Api has the same conditions as route 'Web' of Test/Web"):
        wrapped.add_route("Api", service=api, paths=["/api/*"])
    with pytest.raises(ValueError, match="is as specific as route 'Web' of Test/Web, and both match 'GET /api/x'"):
        wrapped.add_route("Api", service=api, paths=["/api/?*"])
    wrapped.add_route("Api", service=api, paths=["/api/v1/*"], priority=70)
    with pytest.raises(ValueError, match="same priority as route 'Api' of Other/Api, got: 70"):
        endpoint.add_route("Other", service=service, paths=["/other"], priority=70)


def test_an_imported_listener_is_one_however_often(
    stack: Stack, network: Network, service: FargateService, image: ecs.ContainerImage
) -> None:
    """Imports of one ARN share its rules; of one known only when deployed, only wrappers of the same import do."""
    app = App.of(stack)
    other = Stack(app, "Other")
    api = FargateService(other, "Api", network=network, image=image)
    HttpEndpoint.from_listener(stack, "Endpoint", listener_of(stack)).add_route("Web", service=service, paths=["/a"])

    with pytest.raises(ValueError, match="same conditions as route 'Web' of Test/Web"):
        HttpEndpoint.from_listener(other, "Endpoint", listener_of(other)).add_route("Api", service=api, paths=["/a"])
    another = Stack(App(), "Test")
    HttpEndpoint.from_listener(another, "Endpoint", listener_of(another)).add_route(
        "Web",
        service=FargateService(another, "Web", network=network_in(another), image=image),
        paths=["/a"],
    )
    group = ec2.SecurityGroup.from_security_group_id(other, "Group", "sg-123")
    unknown = [
        elbv2.ApplicationListener.from_application_listener_attributes(
            other,
            f"Listener{number}",
            listener_arn=CfnParameter(other, f"Arn{number}").value_as_string,
            security_group=group,
        )
        for number in range(2)
    ]
    for number, listener in enumerate(unknown):
        HttpEndpoint.from_listener(other, f"Endpoint{number}", listener).add_route(
            f"Api{number}", service=api, paths=["/a"]
        )


def test_its_maintenance_page(stack: Stack) -> None:
    """The page is a rule like any other."""
    endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener_of(stack))

    endpoint.maintenance()

    Template.from_stack(stack).has_resource_properties(RULE, {"ListenerArn": LISTENER, "Priority": 1})


def test_a_listener_found_by_its_load_balancers_tags(image: ecs.ContainerImage) -> None:
    """A look-up asks for the account; until it has answered, a dummy stands in."""
    app = App()
    stack = Stack(app, "Test", env=Environment(account=ACCOUNT, region=REGION))
    listener = elbv2.ApplicationListener.from_lookup(
        stack, "Listener", load_balancer_tags={"team": "shop"}, listener_port=443
    )
    network = network_in(stack)

    endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener)
    endpoint.add_route("Web", service=FargateService(stack, "Web", network=network, image=image))

    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    assert "load-balancer-listener" in [each["provider"] for each in manifest["missing"]]
    Template.from_stack(stack).has_resource_properties(RULE, {"ListenerArn": Match.any_value()})


def test_a_listener_of_ones_own_load_balancer(stack: Stack, network: Network, service: FargateService) -> None:
    """A load balancer made with CDK's own constructs takes routes too."""
    load_balancer = elbv2.ApplicationLoadBalancer(stack, "LoadBalancer", vpc=network.vpc, internet_facing=True)
    listener = load_balancer.add_listener(
        "Http", port=80, default_action=elbv2.ListenerAction.fixed_response(404), open=False
    )

    HttpEndpoint.from_listener(stack, "Endpoint", listener).add_route("Web", service=service)

    Template.from_stack(stack).has_resource_properties(RULE, {"ListenerArn": stack.resolve(listener.listener_arn)})


def test_services_in_two_other_stacks(image: ecs.ContainerImage) -> None:
    """Their stacks depend on the endpoint's, which knows neither, with every front and a page of maintenance on."""
    app = App()
    base = Stack(app, "Base")
    network = network_in(base)
    endpoint = HttpEndpoint(base, "Endpoint", network=network, static_ips=True)
    endpoint.maintenance()
    stacks = [Stack(app, name) for name in ("Shop", "Blog")]

    for stack in stacks:
        service = FargateService(stack, "Web", network=network, image=image)
        endpoint.add_route(stack.stack_name, service=service, paths=[f"/{stack.stack_name}/*"])

    app.synth()
    assert base.dependencies == []
    assert [stack.dependencies for stack in stacks] == [[base], [base]]
    Template.from_stack(base).resource_count_is(RULE, 1)


def test_imported_in_two_stacks(image: ecs.ContainerImage) -> None:
    """Each team imports the shared listener into its own stack, and may give numbers of its own."""
    app = App()
    stacks = []
    for name, priority in (("Shop", 10), ("Blog", 20)):
        stack = Stack(app, name)
        network = network_in(stack)
        endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener_of(stack))
        service = FargateService(stack, "Web", network=network, image=image)
        endpoint.add_route("Web", service=service, paths=[f"/{name}"], priority=priority)
        stacks.append((stack, priority))

    for stack, priority in stacks:
        Template.from_stack(stack).has_resource_properties(RULE, {"ListenerArn": LISTENER, "Priority": priority})
