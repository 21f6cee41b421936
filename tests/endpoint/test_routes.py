"""Which service answers which request."""

import re
from typing import Any

import pytest
from aws_cdk import Token
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import Deployment, FixedEgressNetwork, Health, HttpEndpoint
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.lab import RULE, Lab
from tests.endpoint.test_priorities import colliding_paths, priority
from tests.modes.made_elsewhere import IMAGE

EVERYTHING: dict[str, Any] = {
    "hosts": ["shop.example.com"],
    "headers": {"x-version": ["2"]},
    "methods": ["GET"],
    "query": {"beta": ["yes"]},
    "source_ips": ["192.0.2.0/24"],
}
EXPRESSIONS: dict[str, Any] = {"hosts": ["^[a-c][.]a[.]com$"], "paths": ["^/a", "^/b", "^/c"]}
HOST, NUMBER = Token.as_string({"Ref": "Host"}), Token.as_number({"Ref": "Number"})
TESTED = Deployment.blue_green(test_header=("x-version", "next*"))
HTTP2, GRPC = elbv2.ApplicationProtocolVersion.HTTP2, elbv2.ApplicationProtocolVersion.GRPC
# Services behind HTTPS, and what their target groups have.
PROTOCOLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {},
        {
            "Protocol": "HTTP",
            "ProtocolVersion": None,
            "HealthCheckProtocol": None,
            "Matcher": {"HttpCode": "200-299"},
        },
    ),
    (
        {"port": 8443, "protocol": elbv2.ApplicationProtocol.HTTPS},
        {"Protocol": "HTTPS", "Port": 443, "HealthCheckProtocol": "HTTPS", "ProtocolVersion": None},
    ),
    (
        {"protocol_version": HTTP2, "health": Health(path="/healthz")},
        {"ProtocolVersion": "HTTP2", "HealthCheckPath": "/healthz", "Matcher": {"HttpCode": "200-299"}},
    ),
    (
        {"protocol_version": GRPC},
        {"ProtocolVersion": "GRPC", "HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": {"GrpcCode": "12"}},
    ),
    (
        {
            "protocol_version": GRPC,
            "health": Health(path="/grpc.health.v1.Health/Check", healthy_grpc_codes="0"),
            "deployment": Deployment.blue_green(),
        },
        {"HealthCheckPath": "/grpc.health.v1.Health/Check", "Matcher": {"GrpcCode": "0"}, "Protocol": "HTTP"},
    ),
]


class Routes(Lab):
    """Services and endpoints of one stack, with routes of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = self.http()
        self.same = HttpEndpoint.from_listener(self.stack, "Same", self.endpoint.listener)
        self.encrypted = self.http("Encrypted", certificate=self.certificate)
        self.web, self.api, self.other = map(self.service, ("Web", "Api", "Other"))
        self.given, self.computed, self.matched, self.tested = (
            self.service(name, deployment=TESTED) for name in ("Given", "Computed", "Matched", "Tested")
        )
        self.worker = self.service("Worker", port=None)
        self.of_protocols = [self.service(f"Service{number}", **each) for number, (each, _) in enumerate(PROTOCOLS)]
        add, (first, second) = self.endpoint.add_route, colliding_paths()
        self.rules = {
            "everything": add("Everything", service=self.web, **EVERYTHING),
            "any": add("Web", service=self.web),
            "images": add("Images", service=self.web, paths=["/img/a*"]),
            "same id": add("Web", service=self.api, paths=["/api/*"]),
            "seven": add("Seven", service=self.web, paths=["/seven"], priority=7),
            "token": add("Token", service=self.api, hosts=[HOST], priority=8),
            "same token": add("SameToken", service=self.api, hosts=[HOST], priority=12),
            "given": add("Given", service=self.given, paths=["/given/*"], priority=10),
            "computed": add("Computed", service=self.computed, paths=["/computed/*"]),
            "expressions": add("Expressions", service=self.matched, **EXPRESSIONS, priority=16),
            "tested": add("Tested", service=self.tested, paths=["/tested/*"], priority=20),
            "second": add("Second", service=self.api, paths=[second]),
            "first": add("First", service=self.web, paths=[first]),
            "other endpoint": self.encrypted.add_route("Other", service=self.other, paths=["/api/*"]),
        }
        for number, service in enumerate(self.of_protocols):
            self.encrypted.add_route("Route", service=service, paths=[f"/{number}"])


@pytest.fixture(scope="module")
def lab() -> Routes:
    """A lab whose template and warnings are read before routes are refused."""
    lab = Routes()
    assert lab.template
    assert lab.annotations
    return lab


@pytest.fixture(scope="module")
def rules(lab: Routes) -> dict[str, dict[str, Any]]:
    """The properties of the rules of its routes."""
    return {name: lab.of(rule) for name, rule in lab.rules.items()}


def test_a_route_by_everything(rules: dict[str, dict[str, Any]]) -> None:
    """One rule has the conditions of all kinds. They decide its priority."""
    assert rules["everything"]["Conditions"] == [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-version", "Values": ["2"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "beta", "Value": "yes"}]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}},
    ]
    assert rules["everything"]["Priority"] == priority(**EVERYTHING)
    assert [action["Type"] for action in rules["everything"]["Actions"]] == ["forward"]


def test_a_route_of_expressions(lab: Routes) -> None:
    """Its rule has AWS's own property. The rule of test traffic has it too, and one value more."""
    test_rule, rule = (each["Conditions"] for number in (15, 16) for each in lab.all(RULE, Priority=number))
    host = {"Field": "host-header", "HostHeaderConfig": {"RegexValues": EXPRESSIONS["hosts"]}}
    path = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": EXPRESSIONS["paths"]}}
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-version", "Values": ["next*"]}}
    assert rule == [host, path]
    assert test_rule == [host, path, header]


def test_priorities(lab: Routes, rules: dict[str, dict[str, Any]]) -> None:
    """A priority is the given one or the computed one. Test traffic has one condition more, or the priority before.

    Another endpoint may have the same priority. Of two that collide one moves, whichever was added first.
    """
    first, _ = colliding_paths()
    test_traffic = priority(paths=["/computed/*"], headers={"x-version": ["next*"]})

    assert {name: rule["Priority"] for name, rule in rules.items() if name != "everything"} == {
        "any": priority(),
        "images": priority(paths=["/img/a*"]),
        "same id": priority(paths=["/api/*"]),
        "seven": 7,
        "token": 8,
        "same token": 12,
        "given": 10,
        "computed": priority(paths=["/computed/*"]),
        "expressions": 16,
        "tested": 20,
        "first": priority(paths=[first]),
        "second": priority(paths=[first]) + 1,
        "other endpoint": priority(paths=["/api/*"]),
    }
    own = [rule["Priority"] for rule in lab.all(RULE, ListenerArn=lab.resolve(lab.endpoint.listener.listener_arn))]
    expected = [rule["Priority"] for name, rule in rules.items() if name != "other endpoint"]
    assert sorted(own) == sorted([*expected, 9, 15, 19, test_traffic])


def test_a_collision_is_warned_of(lab: Routes) -> None:
    """The warning says how to pin the route."""
    first, _ = colliding_paths()
    computed = priority(paths=[first])
    lab.annotations.has_warning(
        "/Test/Endpoint",
        f"route 'Second' of Test/Api has the computed priority {computed} of route 'First' of Test/Web by chance and "
        f"moved to {computed + 1}; if the other route is removed, it moves back, unless you write "
        f"priority={computed + 1} on it [ack: fargate-constructs:routeMoved]",
    )


def test_routes_of_one_service_share_its_target_group(lab: Routes, rules: dict[str, dict[str, Any]]) -> None:
    """A service has one target group, or two if its deployments shift requests; the load balancer reaches its tasks."""
    assert rules["any"]["Actions"] == rules["images"]["Actions"] != rules["same id"]["Actions"]
    listener = lab.resolve(lab.same.listener.listener_arn)
    assert rules["any"]["ListenerArn"] == rules["same id"]["ListenerArn"] == listener
    services = (lab.web, lab.api, lab.other, lab.given, lab.computed, lab.tested)
    assert [len(service.target_groups) for service in services] == [1, 1, 1, 2, 2, 2]
    for service in services:
        (group,) = lab.resolve([each.security_group_id for each in service.connections.security_groups])
        assert len(lab.all("AWS::EC2::SecurityGroupEgress", ToPort=80, DestinationSecurityGroupId=group)) == 1


def test_scaling_on_requests_is_one_policy_for_each_service(lab: Routes) -> None:
    """A second route of a service adds none. Services with two target groups scale on another metric."""
    policies = lab.all("AWS::ApplicationAutoScaling::ScalingPolicy")
    requests = [policy for policy in map(str, policies) if "ALBRequestCountPerTarget" in policy]
    assert len(requests) == 3 + len(PROTOCOLS) - 1


def test_the_protocol_of_the_target_group(lab: Routes) -> None:
    """HTTP/1.1 is the default, and left out: to write it would replace the target group. Checks follow the protocol."""
    for service, (_, expected) in zip(lab.of_protocols, PROTOCOLS, strict=True):
        for group in service.target_groups:
            found = lab.of(group)
            assert {name: found.get(name) for name in expected} == expected
    assert len(lab.of_protocols[-1].target_groups) == 2


NO_ROOM = "leaves no room for the deployment's test header: a rule holds 5"


@pytest.mark.parametrize(
    ("service", "arguments", "message"),
    [
        ("api", {"paths": ["/img/*s"]}, "as specific as route 'Images' of Test/Web, and both match 'GET /img/as'; "),
        ("api", {}, "route 'New' of Test/Api has the same conditions as route 'Web' of Test/Web"),
        ("api", {"paths": ["/*"], "priority": 11}, "route 'New' of Test/Api has the same conditions as route 'Web' of"),
        ("api", {"paths": ["/new"], "priority": 7}, "has the same priority as route 'Seven' of Test/Web, got: 7"),
        (
            "api",
            {"paths": ["/new"], "priority": 9},
            "same priority as route test traffic of 'Given' of Test/Given, got: 9",
        ),
        (
            "web",
            {"paths": ["/given/*"], "headers": {"X-Version": ["NEXT*"]}},
            "the same conditions as route test traffic",
        ),
        ("web", {"id": "Web", "paths": ["/new"]}, "id must differ from the service's other routes, got: 'Web' again"),
        ("web", {"id": "Web", "endpoint": "same", "paths": ["/new"]}, "id must differ from the service's other routes"),
        ("api", {"priority": 1}, "priority must be 2 to 50000 and known at synthesis, got: 1"),
        ("api", {"priority": 50_001}, "priority must be 2 to 50000 and known at synthesis, got: 50001"),
        ("api", {"priority": NUMBER}, "priority must be 2 to 50000 and known at synthesis, got: "),
        ("tested", {"priority": 2}, "priority must be 3 to 50000 and known at synthesis, got: 2"),
        ("api", {"hosts": [HOST]}, "has a condition that is known only when deployed, so no priority can be"),
        ("tested", {"hosts": [HOST]}, "has a condition that is known only when deployed, so no priority"),
        ("tested", {"headers": {"X-Version": ["1"]}}, "must not hold the deployment's test header, got: 'x-version'"),
        (
            "tested",
            {"paths": [*"/////"]},
            f"{NO_ROOM} values, hosts, paths and all others together, got: 6; list fewer",
        ),
        ("tested", {"paths": ["/a*b*c*d*e*"]}, f"{NO_ROOM} wildcards"),
        ("api", {"paths": ["/" + "a" * 128]}, "paths must be at most 128 characters each, got 129: '/aa"),
        ("worker", {"paths": ["/new"]}, "a route needs a service with a port, got the worker 'worker'; give it a port"),
        ("web", {"port": "grpc", "paths": ["/new"]}, "port must be a name that 'web' gave (none), got: 'grpc'; leav"),
    ],
)
def test_a_route_that_is_refused(lab: Routes, service: str, arguments: dict[str, Any], message: str) -> None:
    """The message names both routes and what to change. Nothing is left: each case takes the same ID."""
    given = {"id": "New", "service": getattr(lab, service), **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(lab, given.pop("endpoint", "endpoint")).add_route(**given)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"hosts": "a.b"}, "hosts must be a list of str, got: 'a.b'; write hosts=['a.b']"),
        ({"source_ips": ["10.0.0.0/8", None]}, "source_ips must be a list of str, got: ['10.0.0.0/8', None]"),
        ({"headers": {"x": "1"}}, "headers must be a dict of str to a list of str or None, got: '1' for 'x'"),
        ({"query": ["x"]}, "query must be a dict of str to a list of str or None, got: ['x']"),
    ],
)
def test_conditions_of_another_type_are_refused(lab: Routes, conditions: dict[str, Any], message: str) -> None:
    """A string would be taken for a list of characters."""
    with pytest.raises(TypeError, match=re.escape(message)):
        lab.endpoint.add_route("New", service=lab.api, **conditions)


def test_a_refused_route_takes_no_id(lab: Routes) -> None:
    """The same route is accepted with a priority that decides."""
    with pytest.raises(ValueError, match="as specific as route 'Images'"):
        lab.endpoint.add_route("Thumbs", service=lab.api, paths=["/img/*t"])

    lab.endpoint.add_route("Thumbs", service=lab.api, paths=["/img/*t"], priority=2)


def test_a_service_in_another_network_is_refused(lab: Routes) -> None:
    """AWS would refuse its target group. The VPC of an imported load balancer is not known."""
    stack = lab.stack
    elsewhere = FixedEgressNetwork(stack, "Elsewhere", cidr="10.1.0.0/16")
    web, api = (lab.service(f"{name}There", network=elsewhere) for name in ("Web", "Api"))

    message = (
        "a service and its endpoint must be in the same network, got route 'New' to Test/WebThere and "
        "Test/Endpoint/LoadBalancer in two; pass the same network to both"
    )
    with pytest.raises(ValueError, match=message):
        lab.endpoint.add_route("New", service=web, paths=["/new"])
    with pytest.raises(ValueError, match="Test/Encrypted/LoadBalancer in two"):
        lab.encrypted.add_route("New", service=web)

    imported = elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
        stack,
        "Imported",
        load_balancer_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1",
        security_group_id="sg-1",
    )
    listener = elbv2.ApplicationListener(
        stack, "Listener", load_balancer=imported, port=80, default_action=elbv2.ListenerAction.fixed_response(404)
    )
    HttpEndpoint.from_listener(stack, "Shared", listener).add_route("Api", service=api)


def test_another_port_replaces_nothing() -> None:
    """The target groups stay, or no task would answer until new tasks are healthy. The rules of the old port may go."""
    old, new = Lab(), Lab()
    for lab, port in ((old, 80), (new, 8080)):
        lab.http().add_route("Web", service=lab.service(port=port, deployment=Deployment.blue_green()))

    assert_no_replacement(old.stack, new.stack)


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_plain_http_cannot_pass_on_http_2(lab: Routes, version: str) -> None:
    """AWS refuses the listener rule. What the first route adds to the service is added after a refusal."""
    service = lab.service(version, protocol_version=elbv2.ApplicationProtocolVersion[version])
    conditions = [elbv2.ListenerCondition.path_patterns(["/a"])]

    message = f"a listener of plain HTTP cannot forward {version}, got route 'New' of Test/Endpoint"
    with pytest.raises(ValueError, match=message):
        lab.endpoint.add_route("New", service=service, paths=["/new"])
    service.add_listener_rule("Web", listener=lab.listener(version), priority=7, conditions=conditions)

    assert len(service.rollback_alarms) == 2
    assert service.scalable_task_count.node.find_child("Target").node.try_find_child("Requests")


def test_a_load_balancer_of_another_l2() -> None:
    """A load balancer that CDK made is recognized, though each read in Python returns another object."""
    lab = Lab()
    web = lab.service()
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=IMAGE)
    old = ecs_patterns.ApplicationLoadBalancedFargateService(
        lab.stack, "Old", vpc=lab.network.vpc, task_image_options=options, min_healthy_percent=100
    )

    for priority_, path in ((10, "/a"), (11, "/b")):
        conditions = [elbv2.ListenerCondition.path_patterns([path])]
        web.add_listener_rule(path[1:], listener=old.listener, priority=priority_, conditions=conditions)
    assert len(lab.all(RULE)) == 2
