"""Which service answers which request."""

import re
from typing import Any

import pytest
from aws_cdk import App, Stack, Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, Health, HttpEndpoint
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.test_priorities import colliding_paths, priority
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in
from tests.templates import properties, properties_of

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
EVERYTHING: dict[str, Any] = {
    "hosts": ["shop.example.com"],
    "headers": {"x-version": ["2"]},
    "methods": ["GET"],
    "query": {"beta": ["yes"]},
    "source_ips": ["192.0.2.0/24"],
}

HOST, NUMBER = Token.as_string({"Ref": "Host"}), Token.as_number({"Ref": "Number"})


class Lab:
    """Services and endpoints of one stack, with routes of every kind."""

    def __init__(self) -> None:
        self.stack = Stack(App(), "Test")
        self.network = network_in(self.stack)
        self.endpoint = HttpEndpoint(self.stack, "Endpoint", network=self.network)
        self.same = HttpEndpoint.from_listener(self.stack, "Same", self.endpoint.listener)
        self.encrypted = HttpEndpoint(
            self.stack, "Encrypted", network=self.network, certificate=certificate_in(self.stack)
        )
        self.web, self.api, self.other = map(self.service, ("Web", "Api", "Other"))
        header = Deployment.blue_green(test_header=("x-version", "next*"))
        self.given, self.computed, self.tested = (
            self.service(name, deployment=header) for name in ("Given", "Computed", "Tested")
        )
        self.worker = self.service("Worker", port=None)
        self.rules = {
            "everything": self.endpoint.add_route("Everything", service=self.web, **EVERYTHING),
            "any": self.endpoint.add_route("Web", service=self.web),
            "images": self.endpoint.add_route("Images", service=self.web, paths=["/img/a*"]),
            "same id": self.endpoint.add_route("Web", service=self.api, paths=["/api/*"]),
            "seven": self.endpoint.add_route("Seven", service=self.web, paths=["/seven"], priority=7),
            "token": self.endpoint.add_route("Token", service=self.api, hosts=[HOST], priority=8),
            "same token": self.endpoint.add_route("SameToken", service=self.api, hosts=[HOST], priority=12),
            "given": self.endpoint.add_route("Given", service=self.given, paths=["/given/*"], priority=10),
            "computed": self.endpoint.add_route("Computed", service=self.computed, paths=["/computed/*"]),
            "other endpoint": self.encrypted.add_route("Other", service=self.other, paths=["/api/*"]),
        }

    def service(self, id: str, *, network: Network | None = None, **arguments: Any) -> FargateService:  # noqa: A002, ANN401  # what a service takes
        """Return a service."""
        return FargateService(self.stack, id, network=network or self.network, image=IMAGE, **arguments)


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A lab whose template is read."""
    lab = Lab()
    lab.rules["tested"] = lab.endpoint.add_route("Tested", service=lab.tested, paths=["/tested/*"], priority=20)
    return lab


@pytest.fixture(scope="module")
def template(lab: Lab) -> Template:
    """Its template."""
    return Template.from_stack(lab.stack)


@pytest.fixture(scope="module")
def idle_lab() -> Lab:
    """A lab for refused routes, which is never synthesized."""
    return Lab()


@pytest.fixture(scope="module")
def rules(lab: Lab, template: Template) -> dict[str, dict[str, Any]]:
    """The properties of the rules of its routes."""
    return {name: properties_of(template, rule) for name, rule in lab.rules.items()}


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


def test_priorities(template: Template, rules: dict[str, dict[str, Any]]) -> None:
    """A priority is the given one or the computed one. Test traffic has one condition more, or the priority before.

    Another endpoint may have the same priority.
    """
    computed, api = priority(paths=["/computed/*"]), priority(paths=["/api/*"])
    test_traffic = priority(paths=["/computed/*"], headers={"x-version": ["next*"]})

    found = {name: rule["Priority"] for name, rule in rules.items() if name != "everything"}
    assert found == {
        "any": priority(),
        "images": priority(paths=["/img/a*"]),
        "same id": api,
        "seven": 7,
        "token": 8,
        "same token": 12,
        "given": 10,
        "computed": computed,
        "other endpoint": api,
        "tested": 20,
    }
    every = [rule["Priority"] for rule in properties(template, RULE)]
    assert sorted(every) == sorted([priority(**EVERYTHING), *found.values(), 9, 19, test_traffic])


def test_routes_of_one_service_share_its_target_group(
    lab: Lab, template: Template, rules: dict[str, dict[str, Any]]
) -> None:
    """A service has one target group, or two if its deployments shift requests; the load balancer reaches its tasks."""
    assert rules["any"]["Actions"] == rules["images"]["Actions"] != rules["same id"]["Actions"]
    assert {rules["any"]["ListenerArn"]["Ref"], rules["same id"]["ListenerArn"]["Ref"]} == {
        lab.stack.resolve(lab.same.listener.listener_arn)["Ref"]
    }
    template.resource_count_is(TARGET_GROUP, 3 + 3 * 2)
    template.resource_properties_count_is(
        "AWS::EC2::SecurityGroupEgress", {"ToPort": 80, "DestinationSecurityGroupId": Match.any_value()}, 6
    )


def test_scaling_on_requests_is_one_policy_for_each_service(template: Template) -> None:
    """A second route of a service adds none. Services with two target groups scale on another metric."""
    policies = properties(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert sum("ALBRequestCountPerTarget" in str(policy) for policy in policies) == 3


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
def test_a_route_that_is_refused(idle_lab: Lab, service: str, arguments: dict[str, Any], message: str) -> None:
    """The message names both routes and what to change. Nothing is left: each case takes the same ID."""
    given = {"id": "New", "service": getattr(idle_lab, service), **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(idle_lab, given.pop("endpoint", "endpoint")).add_route(**given)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"hosts": "a.b"}, "hosts must be a list of str, got: 'a.b'; write hosts=['a.b']"),
        ({"source_ips": ["10.0.0.0/8", None]}, "source_ips must be a list of str, got: ['10.0.0.0/8', None]"),
        ({"headers": {"x": "1"}}, "headers must be a dict of str to a list of str or None, got: '1' for 'x'"),
        ({"query": ["x"]}, "query must be a dict of str to a list of str or None, got: ['x']"),
    ],
)
def test_conditions_of_another_type_are_refused(idle_lab: Lab, conditions: dict[str, Any], message: str) -> None:
    """A string would be taken for a list of characters."""
    with pytest.raises(TypeError, match=re.escape(message)):
        idle_lab.endpoint.add_route("New", service=idle_lab.api, **conditions)


def test_a_refused_route_takes_no_id(idle_lab: Lab) -> None:
    """The same route is accepted with a priority that decides."""
    with pytest.raises(ValueError, match="as specific as route 'Images'"):
        idle_lab.endpoint.add_route("Thumbs", service=idle_lab.api, paths=["/img/*t"])

    idle_lab.endpoint.add_route("Thumbs", service=idle_lab.api, paths=["/img/*t"], priority=2)


def test_many_routes_of_services_in_other_stacks() -> None:
    """The order of the stacks changes no priority, and the endpoint's stack depends on none of them."""

    def priorities(*names: str) -> dict[str, int]:
        app = App()
        base = Stack(app, "Base")
        network = network_in(base)
        endpoint = HttpEndpoint(base, "Endpoint", network=network)
        cluster = ecs.Cluster(base, "Cluster", vpc=network.vpc)
        for name in names:
            service = FargateService(Stack(app, name), "Web", network=network, image=IMAGE, cluster=cluster)
            for each in range(15):
                endpoint.add_route(f"R{each}", service=service, paths=[f"/{name}/r{each}/*"])
        templates = [app.synth().get_stack_by_name(name).template for name in names]
        assert base.dependencies == []
        found = [each["Properties"] for one in templates for each in one["Resources"].values() if each["Type"] == RULE]
        return {rule["Conditions"][0]["PathPatternConfig"]["Values"][0]: rule["Priority"] for rule in found}

    both = priorities("One", "Two")
    assert len(set(both.values())) == 30
    assert len([path for path, found in both.items() if found != priority(paths=[path])]) < 3
    assert priorities("Two", "One") == both


def test_a_collision_is_warned_of(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """One route moves, the same whichever was added first. The warning says how to pin it."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    web, api = (FargateService(stack, name, network=network, image=image) for name in ("Web", "Api"))
    first, second = colliding_paths()
    endpoint.add_route("Second", service=api, paths=[second])
    endpoint.add_route("First", service=web, paths=[first])
    computed = priority(paths=[first])

    template = Template.from_stack(stack)
    for path, expected in ((first, computed), (second, computed + 1)):
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}
        template.has_resource_properties(RULE, {"Conditions": [condition], "Priority": expected})
    Annotations.from_stack(stack).has_warning(
        "/Test/Endpoint",
        f"route 'Second' of Test/Api has the computed priority {computed} of route 'First' of Test/Web by chance and "
        f"moved to {computed + 1}; if the other route is removed, it moves back, unless you write "
        f"priority={computed + 1} on it [ack: fargate-constructs:routeMoved]",
    )


def test_a_service_in_another_network_is_refused(idle_lab: Lab) -> None:
    """AWS would refuse its target group. The VPC of an imported load balancer is not known."""
    stack = idle_lab.stack
    elsewhere = FixedEgressNetwork(stack, "Elsewhere", cidr="10.1.0.0/16")
    web, api = (idle_lab.service(f"{name}There", network=elsewhere) for name in ("Web", "Api"))

    message = (
        "a service and its endpoint must be in the same network, got route 'New' to Test/WebThere/Service and "
        "Test/Endpoint/LoadBalancer in two; pass the same network to both"
    )
    with pytest.raises(ValueError, match=message):
        idle_lab.endpoint.add_route("New", service=web, paths=["/new"])
    with pytest.raises(ValueError, match="Test/Encrypted/LoadBalancer in two"):
        idle_lab.encrypted.add_route("New", service=web)

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


# --- The protocol of the service ---


def test_the_protocol_of_the_target_group(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """HTTP/1.1 is the default, and left out: to write it would replace the target group. Checks follow the protocol."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate)
    http2, grpc = elbv2.ApplicationProtocolVersion.HTTP2, elbv2.ApplicationProtocolVersion.GRPC
    expected: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (
            {},
            {
                "Protocol": "HTTP",
                "ProtocolVersion": Match.absent(),
                "HealthCheckProtocol": Match.absent(),
                "Matcher": {"HttpCode": "200-299"},
            },
        ),
        (
            {"port": 8443, "protocol": elbv2.ApplicationProtocol.HTTPS},
            {"Protocol": "HTTPS", "Port": 443, "HealthCheckProtocol": "HTTPS", "ProtocolVersion": Match.absent()},
        ),
        (
            {"protocol_version": http2, "health": Health(path="/healthz")},
            {"ProtocolVersion": "HTTP2", "HealthCheckPath": "/healthz", "Matcher": {"HttpCode": "200-299"}},
        ),
        (
            {"protocol_version": grpc},
            {"ProtocolVersion": "GRPC", "HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": {"GrpcCode": "12"}},
        ),
        (
            {
                "protocol_version": grpc,
                "health": Health(path="/grpc.health.v1.Health/Check", healthy_grpc_codes="0"),
                "deployment": Deployment.blue_green(),
            },
            {"HealthCheckPath": "/grpc.health.v1.Health/Check", "Matcher": {"GrpcCode": "0"}, "Protocol": "HTTP"},
        ),
    ]
    for number, (arguments, _) in enumerate(expected):
        service = FargateService(stack, f"Service{number}", network=network, image=IMAGE, **arguments)
        endpoint.add_route("Route", service=service, paths=[f"/{number}"])

    template = Template.from_stack(stack)
    for _, found in expected[:-1]:
        template.has_resource_properties(TARGET_GROUP, found)
    template.resource_properties_count_is(TARGET_GROUP, expected[-1][1], 2)


def test_another_port_replaces_nothing() -> None:
    """The target groups stay, or no task would answer until new tasks are healthy. The rules of the old port may go."""

    def deployed(port: int) -> Stack:
        stack = Stack(App(), "Test")
        network = network_in(stack)
        service = FargateService(
            stack, "Web", network=network, image=IMAGE, port=port, deployment=Deployment.blue_green()
        )
        HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=service)
        return stack

    assert_no_replacement(deployed(80), deployed(8080))


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_plain_http_cannot_pass_on_http_2(idle_lab: Lab, version: str) -> None:
    """AWS refuses the listener rule. What the first route adds to the service is added after a refusal."""
    service = idle_lab.service(version, protocol_version=elbv2.ApplicationProtocolVersion[version])
    conditions = [elbv2.ListenerCondition.path_patterns(["/a"])]

    message = f"a listener of plain HTTP cannot forward {version}, got route 'New' of Test/Endpoint"
    with pytest.raises(ValueError, match=message):
        idle_lab.endpoint.add_route("New", service=service, paths=["/new"])
    service.add_listener_rule("Web", listener=imported_listener(idle_lab, version), priority=7, conditions=conditions)

    assert len(service.rollback_alarms) == 2
    assert service.scalable_task_count.node.find_child("Target").node.try_find_child("Requests")


def imported_listener(lab: Lab, id: str) -> elbv2.IApplicationListener:  # noqa: A002  # as in all of CDK
    """Return a listener whose protocol is not known."""
    return elbv2.ApplicationListener.from_application_listener_attributes(
        lab.stack,
        f"{id}Listener",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/0123456789abcdef/0123456789abcdef",
        security_group=lab.endpoint.connections.security_groups[0],
    )


def test_a_load_balancer_of_another_l2(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A load balancer that CDK made is recognized, though each read in Python returns another object."""
    web = FargateService(stack, "Web", network=network, image=image)
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=image)
    old = ecs_patterns.ApplicationLoadBalancedFargateService(
        stack, "Old", vpc=network.vpc, task_image_options=options, min_healthy_percent=100
    )

    for priority_, path in ((10, "/a"), (11, "/b")):
        conditions = [elbv2.ListenerCondition.path_patterns([path])]
        web.add_listener_rule(path[1:], listener=old.listener, priority=priority_, conditions=conditions)
    Template.from_stack(stack).resource_count_is(RULE, 2)
