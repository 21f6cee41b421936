"""Routes on listeners made elsewhere, and services in other stacks."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.endpoint.routes import RoutedEndpoint
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/1/2"


class Team(Stack):
    """A team's stack with a network and a service."""

    def __init__(self, app: App, name: str, env: Environment | None = None) -> None:
        super().__init__(app, name, env=env)
        self.network = network_in(self)
        self.service = FargateService(self, "Web", network=self.network, image=IMAGE)

    def import_listener(self, arn: str = LISTENER, name: str = "Imported") -> RoutedEndpoint:
        """Return an endpoint of a listener known by its ARN and its load balancer's security group."""
        group = ec2.SecurityGroup.from_security_group_id(self, f"{name}Group", "sg-123")
        listener = elbv2.ApplicationListener.from_application_listener_attributes(
            self, f"{name}Listener", listener_arn=arn, security_group=group, default_port=443
        )
        return HttpEndpoint.from_listener(self, name, listener)


def test_a_listener_known_by_its_arn() -> None:
    """Its rules and maintenance page are made in each team's stack, and its load balancer may reach the tasks."""
    app = App()
    teams = {Team(app, "Shop"): 10, Team(app, "Blog"): 20}
    for team, priority in teams.items():
        endpoint = team.import_listener()
        endpoint.add_route("Web", service=team.service, paths=[f"/{team.stack_name}"], priority=priority)
        endpoint.add_route("Computed", service=team.service, hosts=[f"{team.stack_name}.example.com"])
    endpoint.maintenance()

    for team, priority in teams.items():
        template = Template.from_stack(team)
        rules = properties(template, RULE)
        assert {rule["ListenerArn"] for rule in rules} == {LISTENER}
        assert priority in {rule["Priority"] for rule in rules}
        assert len(rules) == (3 if team.stack_name == "Blog" else 2)
        template.resource_count_is("AWS::ElasticLoadBalancingV2::LoadBalancer", 0)
        template.has_resource_properties(
            "AWS::EC2::SecurityGroupIngress", {"SourceSecurityGroupId": "sg-123", "FromPort": 80, "ToPort": 80}
        )


def test_a_listener_of_this_app_in_another_stack() -> None:
    """All endpoints of a listener share its rules."""
    app = App()
    team, other = Team(app, "Test"), Team(app, "Other")
    endpoint = HttpEndpoint(team, "Endpoint", network=team.network)
    wrapped = HttpEndpoint.from_listener(other, "Endpoint", endpoint.listener)

    endpoint.add_route("Web", service=team.service, paths=["/api/*"])
    with pytest.raises(ValueError, match="route 'Api' of Other/Web has the same conditions as route 'Web' of Test/Web"):
        wrapped.add_route("Api", service=other.service, paths=["/api/*"])
    wrapped.add_route("Api", service=other.service, paths=["/api/v1/*"], priority=70)
    with pytest.raises(ValueError, match="same priority as route 'Api' of Other/Web, got: 70"):
        endpoint.add_route("Other", service=team.service, paths=["/other"], priority=70)


def test_imports_of_one_listener_share_its_rules() -> None:
    """Those of one ARN in one app. Two ARNs that are tokens may be of two listeners."""
    app = App()
    team, other = Team(app, "Test"), Team(app, "Other")
    team.import_listener().add_route("Web", service=team.service, paths=["/a"])

    with pytest.raises(ValueError, match="same conditions as route 'Web' of Test/Web"):
        other.import_listener().add_route("Api", service=other.service, paths=["/a"])
    another = Team(App(), "Test")
    another.import_listener().add_route("Web", service=another.service, paths=["/a"])
    for name in ("One", "Two"):
        arn = CfnParameter(other, f"{name}Arn").value_as_string
        other.import_listener(arn, name).add_route(name, service=other.service, paths=["/a"])


def test_a_listener_found_by_its_load_balancers_tags() -> None:
    """A look-up needs the account. Until the CLI has done it, the template has a dummy."""
    app = App()
    team = Team(app, "Test", env=Environment(account="123456789012", region="eu-west-1"))
    listener = elbv2.ApplicationListener.from_lookup(
        team, "Listener", load_balancer_tags={"team": "shop"}, listener_port=443
    )

    HttpEndpoint.from_listener(team, "Endpoint", listener).add_route("Web", service=team.service)

    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    assert "load-balancer-listener" in [each["provider"] for each in manifest["missing"]]
    Template.from_stack(team).has_resource_properties(RULE, {"ListenerArn": Match.any_value()})


def test_a_listener_of_your_own_load_balancer() -> None:
    """A load balancer made with CDK's own constructs has routes too."""
    team = Team(App(), "Test")
    load_balancer = elbv2.ApplicationLoadBalancer(team, "LoadBalancer", vpc=team.network.vpc, internet_facing=True)
    default_action = elbv2.ListenerAction.fixed_response(404)
    listener = load_balancer.add_listener("Http", port=80, default_action=default_action, open=False)

    HttpEndpoint.from_listener(team, "Endpoint", listener).add_route("Web", service=team.service)

    Template.from_stack(team).has_resource_properties(RULE, {"ListenerArn": team.resolve(listener.listener_arn)})


def test_services_in_two_other_stacks() -> None:
    """Their stacks depend on the endpoint's, which depends on neither, also with a front and a maintenance page."""
    app = App()
    base = Stack(app, "Base")
    network = network_in(base)
    endpoint = HttpEndpoint(base, "Endpoint", network=network, static_ips=True)
    endpoint.maintenance()
    stacks = [Stack(app, name) for name in ("Shop", "Blog")]
    for stack in stacks:
        service = FargateService(stack, "Web", network=network, image=IMAGE)
        endpoint.add_route(stack.stack_name, service=service, paths=[f"/{stack.stack_name}/*"])

    app.synth()
    assert base.dependencies == []
    assert [stack.dependencies for stack in stacks] == [[base], [base]]
    assert len(properties(base, RULE)) == 1
