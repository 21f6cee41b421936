"""One app shares its endpoint, and other apps add routes and certificates."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Environment, NestedStack, Stack, Stage
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from fargate_constructs import (
    Accelerator,
    CloudFrontDistribution,
    Deployment,
    FargateService,
    HttpEndpoint,
    SignIn,
    Team,
)
from fargate_constructs.endpoint.shared_endpoint import SharedEndpoint
from fargate_constructs.network.network import Network
from fargate_constructs.synthesized.comparable_sources import read_comparable_template
from fargate_constructs.synthesized.comparable_template import path_of
from fargate_constructs.synthesized.replacements import find_replacements
from fargate_constructs.synthesized.target_group_weights import find_weight_resets
from tests.endpoint.lab import Lab as Idle
from tests.modes.made_elsewhere import DOMAIN, IMAGE, certificate_in, network_in, zone_in
from tests.templates import properties

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
PARAMETER = "AWS::SSM::Parameter"
NAME = "/platform/endpoint"
PAY = Team(
    name="payments", owns=["pay.example.com", "shop.example.com/payments/*"], priorities=(4000, 5999), sign_in=True
)
WEB = Team(name="web", owns=["shop.example.com"], priorities=(6000, 7999))
JWT = SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/keys")


def shared_in(scope: Stack, team: Team = PAY) -> SharedEndpoint:
    """Return the shared endpoint as a team's app has it."""
    return HttpEndpoint.from_shared(scope, "Endpoint", parameter_name=NAME, team=team)


def service_in(stack: Stack, name: str = "Web", **options: Any) -> FargateService:  # noqa: ANN401 - of any argument
    """Return a service."""
    return FargateService(stack, name, network=network_in(stack), image=IMAGE, **options)


def errors_of(app: App) -> list[str]:
    """Return the errors of a synthesis."""
    with pytest.raises(RuntimeError) as refusal:
        app.synth()
    return [line.partition("ERROR ")[2] for line in str(refusal.value).splitlines() if "fargate-constructs)" in line]


class Apps(NamedTuple):
    """The platform's app and a team's app, which know nothing of each other."""

    platform: Stack
    team: Stack
    shared: SharedEndpoint
    platform_template: dict[str, Any]
    team_template: dict[str, Any]


@pytest.fixture(scope="module")
def apps() -> Apps:
    """One synthesis of each."""
    platform = Stack(App(), "Platform")
    endpoint = HttpEndpoint(
        platform, "Endpoint", network=network_in(platform), domain_name=DOMAIN, hosted_zone=zone_in(platform)
    )
    endpoint.share(parameter_name=NAME, teams=[WEB, PAY])
    team = Stack(App(), "Payments")
    shared = shared_in(team)
    service = service_in(team, deployment=Deployment.blue_green(test_header=("x-version", "next")))
    shared.add_route("Web", service=service, hosts=["pay.example.com"], sign_in=JWT)
    shared.add_redirect("Old", hosts=["shop.example.com"], paths=["/payments/old"], to_host="pay.example.com")
    shared.add_fixed_response("Up", hosts=["pay.example.com"], paths=["/up"], priority=4001)
    shared.add_domain("pay.example.com", hosted_zone=zone_in(team))
    template = {
        stack: json.loads(json.dumps(stack.node.root.synth().get_stack_by_name(stack.stack_name).template))  # type: ignore[attr-defined] # an app
        for stack in (platform, team)
    }
    return Apps(platform, team, shared, template[platform], template[team])


def parameters_of(template: dict[str, Any]) -> set[str]:
    """Return the names of the SSM parameters that a template reads."""
    return {
        each["Default"]
        for each in template["Parameters"].values()
        if each["Type"] == "AWS::SSM::Parameter::Value<String>" and "cdk-bootstrap" not in each["Default"]
    }


def of_type(template: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    """Return the properties of the resources of a type."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == type_]


def test_the_parameters(apps: Apps) -> None:
    """The platform's stack makes each parameter that the team's stack reads. The listener's is the team's own."""
    made = {each["Name"]: each["Value"] for each in of_type(apps.platform_template, PARAMETER)}

    assert parameters_of(apps.team_template) < made.keys()
    listeners = {name: value for name, value in made.items() if "/teams/" in name}
    assert sorted(re.sub("[0-9a-f]{12}$", "", name) for name in listeners) == [
        f"{NAME}/teams/payments/",
        f"{NAME}/teams/web/",
    ]
    assert len({*map(str, listeners.values())}) == 1
    descriptions = [each["Description"] for each in of_type(apps.platform_template, PARAMETER)]
    assert descriptions[-1] == (
        "The listener of Platform/Endpoint for team payments, which owns pay.example.com, shop.example.com/payments/*; "
        "priorities: 4000 to 5999, rules: 10, certificates: 1, sign-in: yes"
    )


def listener_of(apps: Apps) -> dict[str, str]:
    """Return the reference to the listener in the team's template."""
    reference: dict[str, str] = apps.team.resolve(apps.shared.listener.listener_arn)
    return reference


def test_the_rules_of_a_team(apps: Apps) -> None:
    """They have the team's priorities, test traffic before its route."""
    rules = of_type(apps.team_template, RULE)
    priorities = {json.dumps(rule["Conditions"]): rule["Priority"] for rule in rules}

    assert {json.dumps(rule["ListenerArn"]) for rule in rules} == {json.dumps(listener_of(apps))}
    assert len({*priorities.values()}) == len(rules) == 4
    assert all(4000 < each < 6000 for each in priorities.values())
    assert min(priorities.values()) == 4001
    route, test = sorted((each for each in priorities if "pay.example.com" in each and "/up" not in each), key=len)
    assert priorities[test] < priorities[route]


def test_the_load_balancer_reaches_the_tasks(apps: Apps) -> None:
    """The team's stack has the rules of both security groups, and the platform's stack those of the provider."""
    resolve = apps.team.resolve
    group = resolve(apps.shared.listener.connections.security_groups[0].security_group_id)
    egress = of_type(apps.team_template, "AWS::EC2::SecurityGroupEgress")
    ingress = of_type(apps.team_template, "AWS::EC2::SecurityGroupIngress")

    assert [(each["GroupId"], each["FromPort"]) for each in egress] == [(group, 80)]
    assert [(each["SourceSecurityGroupId"], each["FromPort"]) for each in ingress] == [(group, 80)]
    (own,) = (each for each in of_type(apps.platform_template, "AWS::EC2::SecurityGroup"))
    assert [(each["CidrIp"], each["FromPort"]) for each in own["SecurityGroupEgress"]] == [("0.0.0.0/0", 443)]


def test_deployments_roll_back_as_at_an_own_endpoint(apps: Apps) -> None:
    """The alarms name the load balancer, whose name is part of the listener's ARN."""
    alarms = of_type(apps.team_template, "AWS::CloudWatch::Alarm")
    values = {
        json.dumps(dimension["Value"])
        for alarm in alarms
        for metric in alarm["Metrics"]
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "LoadBalancer"
    }

    assert len(alarms) == 2
    parts = [{"Fn::Select": [part, {"Fn::Split": ["/", listener_of(apps)]}]} for part in (1, 2, 3)]
    assert values == {json.dumps({"Fn::Join": ["", [parts[0], "/", parts[1], "/", parts[2]]]})}
    (service,) = of_type(apps.team_template, "AWS::ECS::Service")
    assert service["DeploymentConfiguration"]["Alarms"]["Enable"]
    delays = [
        attribute["Value"]
        for group in of_type(apps.team_template, "AWS::ElasticLoadBalancingV2::TargetGroup")
        for attribute in group["TargetGroupAttributes"]
        if attribute["Key"] == "deregistration_delay.timeout_seconds"
    ]
    assert delays == ["30", "30"]


def test_the_names_of_a_team(apps: Apps) -> None:
    """Its stack has the certificate, its place on the listener, and records that lead to the load balancer."""
    records = of_type(apps.team_template, "AWS::Route53::RecordSet")
    (certificate,) = of_type(apps.team_template, "AWS::ElasticLoadBalancingV2::ListenerCertificate")

    assert [(each["Name"], each["Type"]) for each in records] == [
        ("pay.example.com.", "A"),
        ("pay.example.com.", "AAAA"),
    ]
    assert {json.dumps(each["AliasTarget"]["DNSName"]) for each in records} == {
        json.dumps(apps.team.resolve(apps.shared.dns_name))
    }
    assert certificate["ListenerArn"] == listener_of(apps)
    assert apps.shared.domain_names == ("pay.example.com",)


def test_other_values_of_a_team_change_parameters_only(apps: Apps) -> None:
    """No logical ID of a resource depends on what the team has."""
    team = Stack(App(), "Payments")
    shared = shared_in(team, replace(PAY, max_rules=20))
    service = service_in(team)
    shared.add_route("Web", service=service, hosts=["pay.example.com"])
    template = team.node.root.synth().get_stack_by_name("Payments").template  # type: ignore[attr-defined] # an app

    kinds = {RULE, "AWS::EC2::SecurityGroupEgress", "AWS::ElasticLoadBalancingV2::TargetGroup"}
    ids = {name for name, each in template["Resources"].items() if each["Type"] in kinds}
    assert ids < apps.team_template["Resources"].keys()
    assert parameters_of(template) != parameters_of(apps.team_template)


@pytest.mark.parametrize(
    ("other", "moved"),
    [({"max_rules": 20}, []), ({"priorities": (8000, 9999)}, ["Web/Routes/Rules/Web", "Web/Routes/Rules/WebTest"])],
)
def test_an_update_to_other_values_of_a_team(other: dict[str, Any], moved: list[str]) -> None:
    """Its rules stay, or move to the new priorities, which writes the weights of services that shift requests."""
    templates = []
    for team in (PAY, replace(PAY, **other)):
        stack = Stack(App(), "Payments")
        web = service_in(stack, deployment=Deployment.blue_green(test_header=("x-test", "1")))
        shared_in(stack, team).add_route("Web", service=web, hosts=["pay.example.com"])
        templates.append(read_comparable_template(stack, "stack"))

    assert find_replacements(*templates) == []
    rules = [path_of(rule, templates[1].resources) for rule, _ in find_weight_resets(*templates)]
    assert rules == [f"Payments/{name}/Resource" for name in moved]


def test_a_stack_does_not_read_the_parameters_that_it_makes(network: Network, stack: Stack) -> None:
    """CloudFormation would read them before it makes them. Another stack of the app may."""
    endpoint = HttpEndpoint(stack, "Platform", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    endpoint.share(parameter_name=NAME, teams=[PAY])
    with pytest.raises(ValueError, match="once, got 'Endpoint' for '/platform/endpoint' beside Test/Platform; add the"):
        shared_in(stack)

    team = Stack(stack.node.root, "Team")  # type: ignore[arg-type] # an app
    shared_in(team)
    other = HttpEndpoint(team, "Own", network=network_in(team), domain_name=DOMAIN, hosted_zone=zone_in(team))
    with pytest.raises(ValueError, match="got Team/Own for '/platform/endpoint' beside Team/Endpoint"):
        other.share(parameter_name=NAME, teams=[PAY])


def test_the_metrics_of_the_load_balancer() -> None:
    """Its name is part of its ARN, a parameter of its own."""
    stack = Stack(App(), "Test")
    shared = shared_in(stack)
    metrics = [shared.metric_request_count(), shared.load_balancer.metrics.processed_bytes()]

    for metric in metrics:
        assert "platformendpointloadbalancerarn" in json.dumps(stack.resolve(metric.dimensions))


# --- Refusals ---


class Lab(NamedTuple):
    """What refusals use."""

    shared: SharedEndpoint
    bare: SharedEndpoint
    service: FargateService
    zone: route53.IHostedZone
    certificate: acm.ICertificate
    token: str


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One for all."""
    stack = Stack(App(), "Lab")
    team = replace(WEB, max_certificates=0)
    bare = HttpEndpoint.from_shared(stack, "Bare", parameter_name="/other", team=team)
    token = CfnParameter(stack, "Value").value_as_string
    return Lab(shared_in(stack), bare, service_in(stack), zone_in(stack), certificate_in(stack), token)


def next_to(lab: Lab) -> Stack:
    """Return another stack of the app."""
    return Stack(lab.service.node.root, "Next")  # type: ignore[arg-type] # an app


SHOP, PATH = ["shop.example.com"], ["/payments/1"]
REFUSED: dict[str, tuple[Callable[[Lab], object], str]] = {
    "a route of others": (
        lambda lab: lab.shared.add_route("A", service=lab.service, hosts=SHOP),
        r"team 'payments' owns, .* got: shop.example.com/\* of route 'A' of Lab/Web; write hosts",
    ),
    "a service of another stack": (
        lambda lab: shared_in(Stack(lab.service.node.root, "Apart")).add_route("A", service=lab.service),  # type: ignore[arg-type] # an app
        "must be in one stack, got route 'A' of Lab/Web to Apart/Endpoint; call HttpEndpoint.from_shared in .* 'Lab'",
    ),
    "a further service of another stack": (
        lambda lab: lab.shared.add_route("A", service={lab.service: 9, service_in(next_to(lab)): 1}, hosts=SHOP),
        "must be in its stack, got Next/Web in route 'A' of Lab/Web; move them to stack 'Lab'",
    ),
    "a service of a nested stack": (
        lambda lab: lab.shared.add_route("A", service=service_in(NestedStack(lab.shared, "N")), hosts=SHOP),
        "call HttpEndpoint.from_shared in stack 'Lab/Endpoint/N' too",
    ),
    "a redirect of others": (
        lambda lab: lab.shared.add_redirect("A", paths=["/x"], to_path="/y"),
        r"got: /x of route 'A' of Lab/Endpoint",
    ),
    "a priority of others": (
        lambda lab: lab.shared.add_route("A", service=lab.service, hosts=SHOP, paths=PATH, priority=6000),
        "priority must be 4001 to 5999 and known at synthesis, got: 6000",
    ),
    "the maintenance page's priority": (
        lambda lab: lab.shared.add_fixed_response("A", hosts=SHOP, paths=PATH, priority=4000),
        "priority must be 4001 to 5999",
    ),
    "hosts that are tokens": (
        lambda lab: lab.shared.add_route("A", service=lab.service, hosts=[lab.token], priority=4001),
        "hosts and paths of a shared endpoint's route must be known",
    ),
    "a maintenance page for more than one rule": (lambda lab: lab.shared.maintenance(), "maintenance needs one"),
    "a name of others": (
        lambda lab: lab.shared.add_domain("shop.example.com", hosted_zone=lab.zone),
        "domain_name must be a host that team 'payments' owns with all paths, got: 'shop.example.com'",
    ),
    "a name that is a token": (
        lambda lab: lab.shared.add_domain(lab.token, certificate=lab.certificate),
        "domain_name must be known at synthesis",
    ),
    "a name without certificate": (lambda lab: lab.shared.add_domain("pay.example.com"), "needs hosted_zone"),
    "sign-in that the platform does not know": (
        lambda lab: lab.bare.add_fixed_response("A", hosts=SHOP, sign_in=JWT),
        r"sign_in needs Team\(sign_in=True\) in both apps, .* got team 'web' without for route 'A' of Lab/Bare",
    ),
    "no certificate": (lambda lab: lab.bare.add_domain("shop.example.com"), "team 'web' has max_certificates=0, got"),
    "the same endpoint again": (
        lambda lab: HttpEndpoint.from_shared(lab.shared, "A", parameter_name=NAME, team=WEB),
        "a stack has a shared endpoint once, got 'A' for '/platform/endpoint' beside Lab/Endpoint; add the routes to",
    ),
    "a parameter without slash": (
        lambda lab: HttpEndpoint.from_shared(lab.shared, "A", parameter_name="endpoint", team=PAY),
        "parameter_name must be a path such as '/platform/endpoint', which .* got: 'endpoint'",
    ),
    "a parameter of AWS": (
        lambda lab: HttpEndpoint.from_shared(lab.shared, "A", parameter_name="/AWS/endpoint", team=PAY),
        "begins with neither '/aws' nor '/ssm', got: '/AWS/endpoint'",
    ),
    "a parameter that is a token": (
        lambda lab: HttpEndpoint.from_shared(lab.shared, "A", parameter_name=lab.token, team=PAY),
        "parameter_name must be a path",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_team_must_not_do_is_refused(lab: Lab, case: str) -> None:
    """Where it is written, in the team's app."""
    act, message = REFUSED[case]

    with pytest.raises(ValueError, match=message):
        act(lab)


def public(idle: Idle, id_: str, **options: Any) -> HttpEndpoint:  # noqa: ANN401 - of any argument
    """Return an endpoint that is not synthesized."""
    return HttpEndpoint(idle.stack, f"Shared{id_}", network=idle.network, **options)


SHARE_REFUSED: dict[str, tuple[Callable[[Idle], object], str]] = {
    "a parameter that ends with a slash": (
        lambda idle: public(idle, "Slash").share(parameter_name="/a/", teams=[WEB]),
        "parameter_name must be a path such as '/platform/endpoint', which .* got: '/a/'",
    ),
    "no teams": (lambda idle: public(idle, "None").share(parameter_name=NAME, teams=[]), "teams must hold a Team"),
    "certificates without TLS": (
        lambda idle: public(idle, "Plain").share(parameter_name=NAME, teams=[WEB]),
        "Test/SharedPlain has no TLS, got team 'web' with certificates or sign-in; write max_certificates=0",
    ),
    "sign-in without TLS": (
        lambda idle: public(idle, "SignIn").share(
            parameter_name=NAME, teams=[replace(WEB, max_certificates=0, sign_in=True)]
        ),
        "no TLS, got team 'web'",
    ),
}


@pytest.mark.parametrize("case", SHARE_REFUSED)
def test_shares_that_no_team_could_use_are_refused(idle: Idle, case: str) -> None:
    """In the platform's app."""
    act, message = SHARE_REFUSED[case]

    with pytest.raises(ValueError, match=message):
        act(idle)


def test_an_endpoint_is_shared_once_with_its_front(network: Network, stack: Stack) -> None:
    """All teams are in one call. A front comes before it, because the records of teams point at it."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    teams = [replace(WEB, max_certificates=0)]
    endpoint.share(parameter_name=NAME, teams=teams)

    with pytest.raises(ValueError, match="Test/Endpoint is shared already, got share again"):
        endpoint.share(parameter_name="/other", teams=teams)
    with pytest.raises(ValueError, match="got a front after that; make the front before you call share"):
        Accelerator(stack, "Accelerator", endpoint=endpoint)


# --- What callers connect to ---


def addresses_of(stack: Stack, endpoint: HttpEndpoint) -> dict[str, Any]:
    """Return what the parameters for records have, by the ends of their names."""
    endpoint.share(parameter_name=NAME, teams=[replace(WEB, max_certificates=0)])
    parameters = {each["Name"].removeprefix(f"{NAME}/"): each["Value"] for each in properties(stack, PARAMETER)}
    return {name: value for name, value in parameters.items() if name in {"dns-name", "hosted-zone-id"}}


def test_records_lead_to_the_front(network: Network, stack: Stack) -> None:
    """To the network load balancer of static IPs, or to the accelerator. CloudFront serves its own names only."""
    static = HttpEndpoint(stack, "Static", network=network, static_ips=True)
    assert static.static_ips
    outer = static.static_ips.network_load_balancer
    assert addresses_of(stack, static) == {
        "dns-name": stack.resolve(f"dualstack.{outer.load_balancer_dns_name}"),
        "hosted-zone-id": stack.resolve(outer.load_balancer_canonical_hosted_zone_id),
    }


def test_records_lead_to_the_accelerator(network: Network, stack: Stack) -> None:
    """Its hosted zone is the same for all accelerators."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["0.0.0.0/0"])
    accelerator = Accelerator(stack, "Accelerator", endpoint=endpoint)

    assert addresses_of(stack, endpoint) == {
        "dns-name": stack.resolve(accelerator.accelerator.dns_name),
        "hosted-zone-id": "Z2BJ6XQ5FK7U4H",
    }


def test_records_do_not_lead_to_cloud_front(network: Network, stack: Stack) -> None:
    """It serves the names of its own certificate. A team without its own names has routes by paths."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)

    assert addresses_of(stack, endpoint) == {}


# --- The platform's own rules ---


def test_the_platforms_routes_leave_out_the_priorities_of_teams(network: Network, stack: Stack) -> None:
    """A computed priority in a team's moves to the first one after it. Others stay."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"])
    endpoint.add_fixed_response("Health", paths=["/health"], priority=2)
    endpoint.add_fixed_response("Rest", paths=["/*"])
    teams = [
        Team(name="a", owns=["a.com"], priorities=(26_000, 26_999), max_certificates=0),
        Team(name="b", owns=["b.com"], priorities=(27_000, 27_999), max_certificates=0),
    ]
    endpoint.share(parameter_name=NAME, teams=teams)

    assert sorted(rule["Priority"] for rule in properties(stack, RULE)) == [2, 28_000, 48_531]


def test_the_platforms_routes_do_not_take_what_teams_own() -> None:
    """By a computed priority before theirs, or by one of theirs. A given one before theirs is meant."""
    app = App()
    stack = Stack(app, "Platform")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack))
    endpoint.add_fixed_response("Chance", hosts=["a.com"], paths=["/x"])
    endpoint.add_fixed_response("Meant", paths=["/metrics"], priority=10, status_code=403)
    endpoint.add_fixed_response("Inside", paths=["/y"], priority=26_500)
    endpoint.add_fixed_response("Apart", hosts=["b.com"])
    team = Team(name="a", owns=["a.com"], priorities=(26_000, 26_999), max_certificates=0)
    endpoint.share(parameter_name=NAME, teams=[team])

    with pytest.raises(RuntimeError) as refusal:
        app.synth()
    errors = [line for line in str(refusal.value).splitlines() if "got:" in line]
    assert len(errors) == 2
    assert (
        "priorities 26000 to 26999 belong to team 'a', got: 26500 of route 'Inside' of Platform/Endpoint" in errors[0]
    )
    assert "team 'a' must get what it owns, got: 'GET a.com/x' by route 'Chance' of Platform/Endpoint" in errors[1]


# --- Limits ---


def test_the_limits_of_the_load_balancer_count_what_teams_may_add() -> None:
    """Rules, target groups and certificates."""
    app = App()
    stack = Stack(app, "Platform")
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network_in(stack), domain_name=DOMAIN, hosted_zone=zone_in(stack)
    )
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"])
    teams = [replace(PAY, max_rules=60, max_certificates=20), replace(WEB, max_rules=40, max_certificates=6)]
    endpoint.share(parameter_name=NAME, teams=teams)

    path = "Platform/Endpoint/LoadBalancer/Resource"
    assert [error.partition("must have ")[2].partition(" (")[0] for error in errors_of(app)] == [
        f"at most 100 listener rules, got: 1 at {path} and 100 of teams",
        f"at most 25 certificates beside its first, got: 0 at {path} and 26 of teams",
    ]


@pytest.mark.parametrize("own", [1, 2])
def test_teams_in_the_app_of_the_endpoint_count_once(own: int) -> None:
    """Their rules are part of what is reserved for them."""
    app = App()
    stack, apart = Stack(app, "Platform"), Stack(app, "Web")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), certificate=certificate_in(stack))
    team = replace(WEB, max_rules=99)
    endpoint.share(parameter_name=NAME, teams=[team])
    shared = shared_in(apart, team)
    shared.add_fixed_response("A", hosts=["shop.example.com"])
    shared.add_fixed_response("B", hosts=["shop.example.com"], paths=["/b"])
    for number in range(own):
        endpoint.add_fixed_response(f"Own{number}", hosts=[f"{number}.example.com"])

    if own == 1:
        app.synth()
    else:
        assert errors_of(app)[0].partition("got: ")[2].startswith("2 at Platform")


def test_the_quotas_of_a_team() -> None:
    """Rules, target groups and certificates are counted in all stacks of its app, and priorities checked."""
    app = App()
    small = replace(WEB, max_rules=2, max_certificates=1)
    for name in ("A", "B"):
        stack = Stack(app, name)
        shared = shared_in(stack, small)
        shared.add_domain("shop.example.com", hosted_zone=zone_in(stack))
        service = service_in(stack, deployment=Deployment.rolling(both_target_groups=True))
        shared.add_route("Web", service=service, hosts=["shop.example.com"], paths=[f"/{name}/*"])
    condition = [elbv2.ListenerCondition.path_patterns(["/x"])]
    shared.listener.add_action(
        "Mine", priority=5, conditions=condition, action=elbv2.ListenerAction.fixed_response(200)
    )

    assert sorted(error.partition(" (")[0] for error in errors_of(app)) == [
        "certificates of team 'web' must be at most 1, got: 2",
        "listener rules of team 'web' must be at most 2, got: 3",
        "rules of team 'web' must have the priorities 6000 to 7999, got: 5",
        "target groups of team 'web' must be at most 2, got: 4",
    ]


# --- Several stacks, stages and environments ---

ENVIRONMENT = Environment(account="123456789012", region="eu-west-1")
OTHER = Environment(account="123456789012", region="eu-west-2")


@pytest.mark.parametrize(
    ("first", "second", "listeners"),
    [
        (("", None), ("", None), 1),
        (("", ENVIRONMENT), ("", ENVIRONMENT), 1),
        (("", ENVIRONMENT), ("", OTHER), 2),
        (("Test", None), ("Test", None), 1),
        (("Test", None), ("Prod", None), 2),
        (("Test", ENVIRONMENT), ("Prod", ENVIRONMENT), 1),
        (("Test", ENVIRONMENT), ("Prod", OTHER), 2),
    ],
)
def test_stacks_of_one_listener_share_its_rules(
    first: tuple[str, Environment | None], second: tuple[str, Environment | None], listeners: int
) -> None:
    """Stacks of one stage, or of one known account and region. Each stage is deployed apart."""
    app = App()
    for number, (stage, environment) in enumerate((first, second)):
        scope = (app.node.try_find_child(stage) or Stage(app, stage)) if stage else app
        shared = shared_in(Stack(scope, f"Stack{number}", env=environment))  # type: ignore[arg-type] # a stage
        if number and listeners == 1:
            with pytest.raises(ValueError, match="has the same conditions as route 'A'"):
                shared.add_fixed_response("A", hosts=["pay.example.com"])
        else:
            shared.add_fixed_response("A", hosts=["pay.example.com"])


def test_two_teams_in_one_app() -> None:
    """Each has its own priorities, in its own stack."""
    app = App()
    payments, web = Stack(app, "Payments"), Stack(app, "Web")
    shared_in(payments).add_fixed_response("A", hosts=["shop.example.com"], paths=["/payments/a"])
    shared_in(web, WEB).add_fixed_response("A", hosts=["shop.example.com"])

    (low,), (high,) = ([rule["Priority"] for rule in properties(stack, RULE)] for stack in (payments, web))
    assert 4000 < low < 6000 < high < 8000


def test_the_maintenance_page_of_a_team() -> None:
    """It answers what the team owns, by the first of its priorities."""
    stack = Stack(App(), "Test")
    shared_in(stack, WEB).maintenance()

    (rule,) = properties(stack, RULE)
    assert rule["Priority"] == 6000
    assert rule["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}}]
    assert rule["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "503"


def test_maintenance_of_each_part_that_a_team_owns(stack: Stack) -> None:
    """Fixed responses with the first priorities answer instead of routes with the same conditions."""
    shared = shared_in(stack)
    shared.add_fixed_response("Pay", hosts=["pay.example.com"], status_code=503, priority=4001)
    service = service_in(stack)
    shared.add_route("Pay", service=service, hosts=["pay.example.com"])
    shared.add_route("Shop", service=service, hosts=SHOP, paths=["/payments/*"])
    shared.add_fixed_response("Shop", hosts=SHOP, paths=["/payments/*"], status_code=503, priority=4002)

    priorities = sorted(rule["Priority"] for rule in properties(stack, RULE))
    assert priorities[:2] == [4001, 4002]
    assert len(priorities) == 4
