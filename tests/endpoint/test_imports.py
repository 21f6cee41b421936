"""Routes on listeners made elsewhere, and services in other stacks."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, CfnParameter, Environment
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match

from fargate_constructs import HttpEndpoint
from fargate_constructs.endpoint.routes import RoutedEndpoint
from tests.endpoint.lab import LISTENER_ARN, RULE, Lab
from tests.endpoint.test_priorities import priority


class Team(Lab):
    """A team's stack with a service."""

    def __init__(self, name: str, app: App | None = None, env: Environment | None = None) -> None:
        super().__init__(name, app, env)
        self.web = self.service()

    def imported(self, name: str = "Imported", arn: str = LISTENER_ARN) -> RoutedEndpoint:
        """Return an endpoint of a listener known by its ARN and its load balancer's security group."""
        return HttpEndpoint.from_listener(self.stack, name, self.listener(name, arn))


def test_a_listener_known_by_its_arn() -> None:
    """Its rules and maintenance page are made in each team's stack, and its load balancer may reach the tasks."""
    shop = Team("Shop")
    teams = {shop: 10, Team("Blog", shop.app): 20}
    for team, given in teams.items():
        endpoint, name = team.imported(), team.stack.stack_name
        endpoint.add_route("Web", service=team.web, paths=[f"/{name}"], priority=given)
        endpoint.add_route("Computed", service=team.web, hosts=[f"{name}.example.com"])
    endpoint.maintenance()

    for team, given in teams.items():
        rules = team.all(RULE)
        assert {rule["ListenerArn"] for rule in rules} == {LISTENER_ARN}
        assert given in {rule["Priority"] for rule in rules}
        assert len(rules) == (2 if team is shop else 3)
        assert not team.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
        assert team.all("AWS::EC2::SecurityGroupIngress", SourceSecurityGroupId="sg-123", FromPort=80, ToPort=80)


def test_all_endpoints_of_a_listener_share_its_rules() -> None:
    """Those of a listener of the app, and those of one ARN. Two ARNs that are tokens may be of two listeners."""
    team = Team("Test")
    other = Team("Other", team.app)
    endpoint = team.http()
    wrapped = HttpEndpoint.from_listener(other.stack, "Endpoint", endpoint.listener)
    endpoint.add_route("Web", service=team.web, paths=["/api/*"])
    with pytest.raises(ValueError, match="route 'Api' of Other/Web has the same conditions as route 'Web' of Test/Web"):
        wrapped.add_route("Api", service=other.web, paths=["/api/*"])
    wrapped.add_route("Api", service=other.web, paths=["/api/v1/*"], priority=70)
    with pytest.raises(ValueError, match="same priority as route 'Api' of Other/Web, got: 70"):
        endpoint.add_route("Other", service=team.web, paths=["/other"], priority=70)

    team.imported().add_fixed_response("A", paths=["/a"])
    with pytest.raises(ValueError, match="same conditions as route 'A' of Test/Imported"):
        other.imported().add_fixed_response("A", paths=["/a"])
    for name in ("One", "Two"):
        arn = CfnParameter(other.stack, f"{name}Arn").value_as_string
        other.imported(name, arn).add_fixed_response("A", paths=["/a"])


def test_another_app_has_rules_of_its_own() -> None:
    """Two apps of one process know nothing of each other, also if they have the same listener."""
    for _ in range(2):
        lab = Lab()
        HttpEndpoint.from_listener(lab.stack, "Imported", lab.listener()).add_fixed_response("A", paths=["/a"])


def test_a_listener_found_by_its_load_balancers_tags() -> None:
    """A look-up needs the account. Until the CLI has done it, the template has a dummy."""
    team = Team("Test", env=Environment(account="123456789012", region="eu-west-1"))
    listener = elbv2.ApplicationListener.from_lookup(
        team.stack, "Listener", load_balancer_tags={"team": "shop"}, listener_port=443
    )

    HttpEndpoint.from_listener(team.stack, "Endpoint", listener).add_route("Web", service=team.web)

    manifest = json.loads((Path(team.app.synth().directory) / "manifest.json").read_text())
    assert "load-balancer-listener" in [each["provider"] for each in manifest["missing"]]
    assert team.all(RULE, ListenerArn=Match.any_value())


def test_services_in_other_stacks_than_a_listener_of_your_own() -> None:
    """Their stacks depend on the listener's, which depends on neither, also with a front and a maintenance page.

    The priorities are computed when all routes are known.
    """
    base = Lab("Base")
    load_balancer = elbv2.ApplicationLoadBalancer(
        base.stack, "LoadBalancer", vpc=base.network.vpc, internet_facing=True
    )
    default_action = elbv2.ListenerAction.fixed_response(404)
    own = load_balancer.add_listener("Http", port=80, default_action=default_action, open=False)
    by_own, endpoint = HttpEndpoint.from_listener(base.stack, "Own", own), base.http(static_ips=True)
    endpoint.maintenance()
    teams = [Lab(name, base.app) for name in ("Shop", "Blog")]
    for team in teams:
        service = team.service(network=base.network)
        endpoint.add_route("Web", service=service, paths=[f"/{team.stack.stack_name}/*"])
        by_own.add_route("Own", service=service, paths=[f"/{team.stack.stack_name}/*"])

    base.app.synth()
    assert base.stack.dependencies == []
    assert [team.stack.dependencies for team in teams] == [[base.stack], [base.stack]]
    assert len(base.all(RULE)) == 1
    for team in teams:
        rules = team.all(RULE)
        assert [rule["Priority"] for rule in rules] == [priority(paths=[f"/{team.stack.stack_name}/*"])] * 2
        assert len({str(rule["ListenerArn"]) for rule in rules}) == 2
