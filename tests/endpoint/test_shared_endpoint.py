"""One app shares its endpoint, and other apps add routes and certificates."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Environment, NestedStack, Stack, Stage
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

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
from fargate_constructs.synthesized.comparable_sources import read_comparable_template
from fargate_constructs.synthesized.comparable_template import ComparableTemplate, path_of
from fargate_constructs.synthesized.replacements import find_replacements
from fargate_constructs.synthesized.target_group_weights import find_weight_resets
from tests.endpoint.lab import RULE, Lab
from tests.modes.made_elsewhere import DOMAIN, IMAGE, network_in

PARAMETER = "AWS::SSM::Parameter"
NAME = "/platform/endpoint"
PAY = Team(
    name="payments", owns=["pay.example.com", "shop.example.com/payments/*"], priorities=(4000, 5999), sign_in=True
)
WEB = Team(name="web", owns=["shop.example.com"], priorities=(6000, 7999))
BY_PATH = replace(WEB, max_certificates=0)
JWT = SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/keys")
TESTED = Deployment.blue_green(test_header=("x-version", "next"))


def shared_in(scope: Stack, team: Team = PAY) -> SharedEndpoint:
    """Return the shared endpoint as a team's app has it."""
    return HttpEndpoint.from_shared(scope, "Endpoint", parameter_name=NAME, team=team)


def service_in(stack: Stack) -> FargateService:
    """Return a service of a further stack."""
    return FargateService(stack, "Web", network=network_in(stack), image=IMAGE)


def errors_of(app: App) -> list[str]:
    """Return the errors of a synthesis."""
    with pytest.raises(RuntimeError) as refusal:
        app.synth()
    return [line.partition("ERROR ")[2] for line in str(refusal.value).splitlines() if "fargate-constructs)" in line]


class Apps(NamedTuple):
    """The platform's app and a team's app, which know nothing of each other."""

    platform: Lab
    team: Lab
    shared: SharedEndpoint

    @property
    def listener(self) -> dict[str, str]:
        """The reference to the listener in the team's template."""
        reference: dict[str, str] = self.team.resolve(self.shared.listener.listener_arn)
        return reference


@pytest.fixture(scope="module")
def apps() -> Apps:
    """One synthesis of each."""
    platform, team = Lab("Platform"), Lab("Payments")
    endpoint = platform.http(domain_name=DOMAIN, hosted_zone=platform.zone)
    endpoint.share(parameter_name=NAME, teams=[WEB, PAY])
    shared = shared_in(team.stack)
    shared.add_route("Web", service=team.service(deployment=TESTED), hosts=["pay.example.com"], sign_in=JWT)
    shared.add_redirect("Old", hosts=["shop.example.com"], paths=["/payments/old"], to_host="pay.example.com")
    shared.add_fixed_response("Up", hosts=["pay.example.com"], paths=["/up"], priority=4001)
    shared.add_domain("pay.example.com", hosted_zone=team.zone)
    return Apps(platform, team, shared)


def parameters_of(lab: Lab) -> set[str]:
    """Return the names of the SSM parameters that a template reads."""
    return {
        each["Default"]
        for each in lab.template.find_parameters("*").values()
        if each["Type"] == "AWS::SSM::Parameter::Value<String>" and "cdk-bootstrap" not in each["Default"]
    }


def test_the_parameters(apps: Apps) -> None:
    """The platform's stack makes each parameter that the team's stack reads. The listener's is the team's own."""
    made = {each["Name"]: each["Value"] for each in apps.platform.all(PARAMETER)}

    assert parameters_of(apps.team) < made.keys()
    listeners = {name: value for name, value in made.items() if "/teams/" in name}
    assert sorted(re.sub("[0-9a-f]{12}$", "", name) for name in listeners) == [
        f"{NAME}/teams/payments/",
        f"{NAME}/teams/web/",
    ]
    assert len({*map(str, listeners.values())}) == 1
    descriptions = [each["Description"] for each in apps.platform.all(PARAMETER)]
    assert descriptions[-1] == (
        "The listener of Platform/Endpoint for team payments, which owns pay.example.com, shop.example.com/payments/*; "
        "priorities: 4000 to 5999, rules: 10, certificates: 1, sign-in: yes"
    )


def test_the_rules_of_a_team(apps: Apps) -> None:
    """They have the team's priorities, test traffic before its route."""
    rules = apps.team.all(RULE)
    priorities = {json.dumps(rule["Conditions"]): rule["Priority"] for rule in rules}

    assert {json.dumps(rule["ListenerArn"]) for rule in rules} == {json.dumps(apps.listener)}
    assert len({*priorities.values()}) == len(rules) == 4
    assert all(4000 < each < 6000 for each in priorities.values())
    assert min(priorities.values()) == 4001
    route, test = sorted((each for each in priorities if "pay.example.com" in each and "/up" not in each), key=len)
    assert priorities[test] < priorities[route]


def test_the_load_balancer_reaches_the_tasks(apps: Apps) -> None:
    """The team's stack has the rules of both security groups, and the platform's stack those of the provider."""
    resolve = apps.team.resolve
    group = resolve(apps.shared.listener.connections.security_groups[0].security_group_id)
    egress = apps.team.all("AWS::EC2::SecurityGroupEgress")
    ingress = apps.team.all("AWS::EC2::SecurityGroupIngress")

    assert [(each["GroupId"], each["FromPort"]) for each in egress] == [(group, 80)]
    assert [(each["SourceSecurityGroupId"], each["FromPort"]) for each in ingress] == [(group, 80)]
    (own,) = apps.platform.all("AWS::EC2::SecurityGroup")
    assert [(each["CidrIp"], each["FromPort"]) for each in own["SecurityGroupEgress"]] == [("0.0.0.0/0", 443)]


def test_deployments_roll_back_as_at_an_own_endpoint(apps: Apps) -> None:
    """The alarms name the load balancer, whose name is part of the listener's ARN."""
    alarms = apps.team.all("AWS::CloudWatch::Alarm")
    values = {
        json.dumps(dimension["Value"])
        for alarm in alarms
        for metric in alarm["Metrics"]
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "LoadBalancer"
    }

    assert len(alarms) == 2
    parts = [{"Fn::Select": [part, {"Fn::Split": ["/", apps.listener]}]} for part in (1, 2, 3)]
    assert values == {json.dumps({"Fn::Join": ["", [parts[0], "/", parts[1], "/", parts[2]]]})}
    (service,) = apps.team.all("AWS::ECS::Service")
    assert service["DeploymentConfiguration"]["Alarms"]["Enable"]
    delays = [
        attribute["Value"]
        for group in apps.team.all("AWS::ElasticLoadBalancingV2::TargetGroup")
        for attribute in group["TargetGroupAttributes"]
        if attribute["Key"] == "deregistration_delay.timeout_seconds"
    ]
    assert delays == ["30", "30"]


def test_the_names_of_a_team(apps: Apps) -> None:
    """Its stack has the certificate, its place on the listener, and records that lead to the load balancer."""
    records = apps.team.all("AWS::Route53::RecordSet")
    (certificate,) = apps.team.all("AWS::ElasticLoadBalancingV2::ListenerCertificate")

    assert [(each["Name"], each["Type"]) for each in records] == [
        ("pay.example.com.", "A"),
        ("pay.example.com.", "AAAA"),
    ]
    assert {json.dumps(each["AliasTarget"]["DNSName"]) for each in records} == {
        json.dumps(apps.team.resolve(apps.shared.dns_name))
    }
    assert certificate["ListenerArn"] == apps.listener
    assert apps.shared.domain_names == ("pay.example.com",)


@cache
def update_to(**other: Any) -> tuple[ComparableTemplate, set[str]]:  # noqa: ANN401 - of any argument
    """Return the template of a team with other values, and the parameters that it reads."""
    lab = Lab("Payments")
    shared_in(lab.stack, replace(PAY, **other)).add_route(
        "Web", service=lab.service(deployment=TESTED), hosts=["pay.example.com"]
    )
    return read_comparable_template(lab.stack, "stack"), parameters_of(lab)


@pytest.mark.parametrize(
    ("other", "moved"),
    [({"max_rules": 20}, []), ({"priorities": (8000, 9999)}, ["Web/Routes/Rules/Web", "Web/Routes/Rules/WebTest"])],
)
def test_an_update_to_other_values_of_a_team(other: dict[str, Any], moved: list[str]) -> None:
    """Its rules stay, or move to the new priorities, which writes the weights of services that shift requests.

    No logical ID of a resource depends on what the team has, only parameters do.
    """
    (before, read), (after, read_after) = update_to(), update_to(**other)

    assert before.resources.keys() == after.resources.keys()
    assert read != read_after
    assert find_replacements(before, after) == []
    rules = [path_of(rule, after.resources) for rule, _ in find_weight_resets(before, after)]
    assert rules == [f"Payments/{name}/Resource" for name in moved]


def test_a_stack_does_not_read_the_parameters_that_it_makes() -> None:
    """CloudFormation would read them before it makes them. Another stack of the app may."""
    lab = Lab()
    lab.http("Platform", domain_name=DOMAIN, hosted_zone=lab.zone).share(parameter_name=NAME, teams=[PAY])
    with pytest.raises(ValueError, match="once, got 'Endpoint' for '/platform/endpoint' beside Test/Platform; add the"):
        shared_in(lab.stack)

    team = Lab("Team", lab.app)
    shared_in(team.stack)
    other = team.http("Own", domain_name=DOMAIN, hosted_zone=team.zone)
    with pytest.raises(ValueError, match="got Team/Own for '/platform/endpoint' beside Team/Endpoint"):
        other.share(parameter_name=NAME, teams=[PAY])


def test_the_metrics_of_the_load_balancer(apps: Apps) -> None:
    """Its name is part of its ARN, a parameter of its own."""
    assert apps.team.template
    for metric in (apps.shared.metric_request_count(), apps.shared.load_balancer.metrics.processed_bytes()):
        assert "platformendpointloadbalancerarn" in json.dumps(apps.team.resolve(metric.dimensions))


# --- Refusals ---


class Refusing(Lab):
    """What refusals use."""

    def __init__(self) -> None:
        super().__init__("Lab")
        self.shared = shared_in(self.stack)
        self.bare = HttpEndpoint.from_shared(self.stack, "Bare", parameter_name="/other", team=BY_PATH)
        self.web = self.service()
        self.token = CfnParameter(self.stack, "Value").value_as_string


@pytest.fixture(scope="module")
def refusing() -> Refusing:
    """One for all."""
    return Refusing()


SHOP, PATH = ["shop.example.com"], ["/payments/1"]
REFUSED: dict[str, tuple[Callable[[Refusing], object], str]] = {
    "a route of others": (
        lambda lab: lab.shared.add_route("A", service=lab.web, hosts=SHOP),
        r"team 'payments' owns, .* got: shop.example.com/\* of route 'A' of Lab/Web; write hosts",
    ),
    "a service of another stack": (
        lambda lab: shared_in(Stack(lab.app, "Apart")).add_route("A", service=lab.web),
        "must be in one stack, got route 'A' of Lab/Web to Apart/Endpoint; call HttpEndpoint.from_shared in .* 'Lab'",
    ),
    "a further service of another stack": (
        lambda lab: lab.shared.add_route("A", service={lab.web: 9, service_in(Stack(lab.app, "Next")): 1}, hosts=SHOP),
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
        lambda lab: lab.shared.add_route("A", service=lab.web, hosts=SHOP, paths=PATH, priority=6000),
        "priority must be 4001 to 5999 and known at synthesis, got: 6000",
    ),
    "the maintenance page's priority": (
        lambda lab: lab.shared.add_fixed_response("A", hosts=SHOP, paths=PATH, priority=4000),
        "priority must be 4001 to 5999",
    ),
    "hosts that are tokens": (
        lambda lab: lab.shared.add_route("A", service=lab.web, hosts=[lab.token], priority=4001),
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
    "no certificate": (
        lambda lab: lab.bare.add_domain("shop.example.com"),
        "max_certificates=0, got domain_name: 'shop",
    ),
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
def test_what_a_team_must_not_do_is_refused(refusing: Refusing, case: str) -> None:
    """Where it is written, in the team's app."""
    act, message = REFUSED[case]

    with pytest.raises(ValueError, match=message):
        act(refusing)


SHARE_REFUSED: dict[str, tuple[str, list[Team], str]] = {
    "a parameter that ends with a slash": ("/a/", [WEB], "must be a path such as '/platform/endpoint', .* got: '/a/'"),
    "no teams": (NAME, [], "teams must hold a Team"),
    "certificates without TLS": (
        NAME,
        [WEB],
        "Test/Unshared has no TLS, got team 'web' with certificates or sign-in; write max_certificates=0",
    ),
    "sign-in without TLS": (NAME, [replace(BY_PATH, sign_in=True)], "no TLS, got team 'web'"),
}


@pytest.fixture(scope="module")
def unshared(idle: Lab) -> HttpEndpoint:
    """An endpoint with plain HTTP that no share was possible of."""
    return idle.http("Unshared")


@pytest.mark.parametrize("case", SHARE_REFUSED)
def test_shares_that_no_team_could_use_are_refused(unshared: HttpEndpoint, case: str) -> None:
    """In the platform's app."""
    name, teams, message = SHARE_REFUSED[case]

    with pytest.raises(ValueError, match=message):
        unshared.share(parameter_name=name, teams=teams)


def test_an_endpoint_is_shared_once_with_its_front() -> None:
    """All teams are in one call. A front comes before it, because the records of teams point at it."""
    lab = Lab()
    endpoint = lab.http()
    endpoint.share(parameter_name=NAME, teams=[BY_PATH])

    with pytest.raises(ValueError, match="Test/Endpoint is shared already, got share again"):
        endpoint.share(parameter_name="/other", teams=[BY_PATH])
    with pytest.raises(ValueError, match="got a front after that; make the front before you call share"):
        Accelerator(lab.stack, "Accelerator", endpoint=endpoint)


# --- The platform's own ---


def test_records_lead_to_the_front() -> None:
    """To the network load balancer of static IPs, or to the accelerator, all of which are in one hosted zone.

    CloudFront serves the names of its own certificate. A team without its own names has routes by paths.
    """
    lab = Lab()
    static = lab.http("Static", static_ips=True)
    fast = lab.http("Fast", internal=True, allow_cidrs=["0.0.0.0/0"])
    hidden = lab.http("Hidden", internal=True)
    accelerator = Accelerator(lab.stack, "Accelerator", endpoint=fast).accelerator
    CloudFrontDistribution(lab.stack, "Distribution", endpoint=hidden)
    for endpoint in (static, fast, hidden):
        endpoint.share(parameter_name=f"/{endpoint.node.id}", teams=[BY_PATH])

    assert static.static_ips
    outer = static.static_ips.network_load_balancer
    values = {each["Name"]: each["Value"] for each in lab.all(PARAMETER)}
    assert {name: value for name, value in values.items() if name.endswith(("/dns-name", "/hosted-zone-id"))} == {
        "/Static/dns-name": lab.resolve(f"dualstack.{outer.load_balancer_dns_name}"),
        "/Static/hosted-zone-id": lab.resolve(outer.load_balancer_canonical_hosted_zone_id),
        "/Fast/dns-name": lab.resolve(accelerator.dns_name),
        "/Fast/hosted-zone-id": "Z2BJ6XQ5FK7U4H",
    }


def test_the_platforms_routes_leave_out_the_priorities_of_teams() -> None:
    """A computed priority in a team's moves to the first one after it. Others stay."""
    lab = Lab()
    endpoint = lab.http()
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"])
    endpoint.add_fixed_response("Health", paths=["/health"], priority=2)
    endpoint.add_fixed_response("Rest", paths=["/*"])
    teams = [
        Team(name="a", owns=["a.com"], priorities=(26_000, 26_999), max_certificates=0),
        Team(name="b", owns=["b.com"], priorities=(27_000, 27_999), max_certificates=0),
    ]
    endpoint.share(parameter_name=NAME, teams=teams)

    assert sorted(rule["Priority"] for rule in lab.all(RULE)) == [2, 28_000, 48_531]


def test_the_platforms_routes_do_not_take_what_teams_own() -> None:
    """By a computed priority before theirs, or by one of theirs. A given one before theirs is meant."""
    lab = Lab("Platform")
    endpoint = lab.http()
    endpoint.add_fixed_response("Chance", hosts=["a.com"], paths=["/x"])
    endpoint.add_fixed_response("Meant", paths=["/metrics"], priority=10, status_code=403)
    endpoint.add_fixed_response("Inside", paths=["/y"], priority=26_500)
    endpoint.add_fixed_response("Apart", hosts=["b.com"])
    team = Team(name="a", owns=["a.com"], priorities=(26_000, 26_999), max_certificates=0)
    endpoint.share(parameter_name=NAME, teams=[team])

    with pytest.raises(RuntimeError) as refusal:
        lab.app.synth()
    inside, chance = (line for line in str(refusal.value).splitlines() if "got:" in line)
    assert "priorities 26000 to 26999 belong to team 'a', got: 26500 of route 'Inside' of Platform/Endpoint" in inside
    assert "team 'a' must get what it owns, got: 'GET a.com/x' by route 'Chance' of Platform/Endpoint" in chance


# --- Limits ---


def test_the_limits_of_the_load_balancer_count_what_teams_may_add() -> None:
    """Rules, target groups and certificates."""
    lab = Lab("Platform")
    endpoint = lab.http(domain_name=DOMAIN, hosted_zone=lab.zone)
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"])
    teams = [replace(PAY, max_rules=60, max_certificates=20), replace(WEB, max_rules=40, max_certificates=6)]
    endpoint.share(parameter_name=NAME, teams=teams)

    path = "Platform/Endpoint/LoadBalancer/Resource"
    assert [error.partition("must have ")[2].partition(" (")[0] for error in errors_of(lab.app)] == [
        f"at most 100 listener rules, got: 1 at {path} and 100 of teams",
        f"at most 25 certificates beside its first, got: 0 at {path} and 26 of teams",
    ]


@pytest.mark.parametrize("own", [1, 2])
def test_teams_in_the_app_of_the_endpoint_count_once(own: int) -> None:
    """Their rules are part of what is reserved for them."""
    lab = Lab("Platform")
    endpoint = lab.http(certificate=lab.certificate)
    team = replace(WEB, max_rules=99)
    endpoint.share(parameter_name=NAME, teams=[team])
    shared = shared_in(Stack(lab.app, "Web"), team)
    shared.add_fixed_response("A", hosts=SHOP)
    shared.add_fixed_response("B", hosts=SHOP, paths=["/b"])
    for number in range(own):
        endpoint.add_fixed_response(f"Own{number}", hosts=[f"{number}.example.com"])

    if own == 1:
        lab.app.synth()
    else:
        assert errors_of(lab.app)[0].partition("got: ")[2].startswith("2 at Platform")


def test_the_quotas_of_a_team() -> None:
    """Rules, target groups and certificates are counted in all stacks of its app, and priorities checked."""
    app = App()
    small = replace(WEB, max_rules=2, max_certificates=1)
    for name in ("A", "B"):
        lab = Lab(name, app)
        shared = shared_in(lab.stack, small)
        shared.add_domain("shop.example.com", hosted_zone=lab.zone)
        service = lab.service(deployment=Deployment.rolling(both_target_groups=True))
        shared.add_route("Web", service=service, hosts=SHOP, paths=[f"/{name}/*"])
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
    """Each has its own priorities, in its own stack. The first of them is for the maintenance page of what it owns."""
    payments = Lab("Payments")
    web = Lab("Web", payments.app)
    shared_in(payments.stack).add_fixed_response("A", hosts=SHOP, paths=["/payments/a"])
    of_web = shared_in(web.stack, WEB)
    of_web.add_fixed_response("A", hosts=SHOP)
    of_web.maintenance()

    (low,) = payments.all(RULE)
    page, high = sorted(web.all(RULE), key=lambda rule: rule["Priority"])
    assert 4000 < low["Priority"] < page["Priority"] == 6000 < high["Priority"] < 8000
    assert page["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": SHOP}}]
    assert page["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "503"


def test_maintenance_of_each_part_that_a_team_owns() -> None:
    """Fixed responses with the first priorities answer instead of routes with the same conditions."""
    lab = Lab()
    shared, service = shared_in(lab.stack), lab.service()
    shared.add_fixed_response("Pay", hosts=["pay.example.com"], status_code=503, priority=4001)
    shared.add_route("Pay", service=service, hosts=["pay.example.com"])
    shared.add_route("Shop", service=service, hosts=SHOP, paths=["/payments/*"])
    shared.add_fixed_response("Shop", hosts=SHOP, paths=["/payments/*"], status_code=503, priority=4002)

    priorities = sorted(rule["Priority"] for rule in lab.all(RULE))
    assert priorities[:2] == [4001, 4002]
    assert len(priorities) == 4
