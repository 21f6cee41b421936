"""Which service answers which request."""

import re
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, Health, HttpEndpoint
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.test_priorities import meeting_paths, number
from tests.modes.made_elsewhere import network_in

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


@pytest.fixture
def endpoint(stack: Stack, network: Network) -> HttpEndpoint:
    """An endpoint that speaks plain HTTP."""
    return HttpEndpoint(stack, "Endpoint", network=network)


@pytest.fixture
def encrypted(stack: Stack, network: Network) -> HttpEndpoint:
    """An endpoint that speaks HTTPS."""
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    )
    return HttpEndpoint(stack, "Encrypted", network=network, certificate=certificate)


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service."""
    return FargateService(stack, "Web", network=network, image=image)


@pytest.fixture
def api(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """Another service."""
    return FargateService(stack, "Api", network=network, image=image)


def priorities(stack: Stack) -> dict[str, int]:
    """Return the number of each rule by the values of its first condition."""
    rules = [rule["Properties"] for rule in Template.from_stack(stack).find_resources(RULE).values()]
    return {
        ",".join(next(iter(value for key, value in rule["Conditions"][0].items() if key != "Field"))["Values"]): rule[
            "Priority"
        ]
        for rule in rules
    }


def test_a_route_by_everything(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """All kinds of conditions end in one rule, numbered by them."""
    conditions: dict[str, Any] = {
        "hosts": ["shop.example.com"],
        "headers": {"x-version": ["2"]},
        "methods": ["GET"],
        "query": {"beta": ["yes"]},
        "source_ips": ["192.0.2.0/24"],
    }

    endpoint.add_route("Web", service=web, **conditions)

    Template.from_stack(stack).has_resource_properties(
        RULE,
        {
            "Priority": number(**conditions),
            "Conditions": [
                {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}},
                {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-version", "Values": ["2"]}},
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
                {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "beta", "Value": "yes"}]}},
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}},
            ],
            "Actions": [Match.object_like({"Type": "forward"})],
        },
    )


def test_many_routes_of_services_in_other_stacks(image: ecs.ContainerImage) -> None:
    """Each is numbered by itself, whichever stack comes first, and the endpoint's stack knows none of them."""

    def numbers(*names: str) -> dict[str, int]:
        app = App()
        base = Stack(app, "Base")
        network = network_in(base)
        endpoint = HttpEndpoint(base, "Endpoint", network=network)
        cluster = ecs.Cluster(base, "Cluster", vpc=network.vpc)
        stacks = [Stack(app, name) for name in names]
        for stack in stacks:
            service = FargateService(stack, "Web", network=network, image=image, cluster=cluster)
            for each in range(15):
                endpoint.add_route(f"R{each}", service=service, paths=[f"/{stack.node.id}/r{each}/*"])
        app.synth()
        assert base.dependencies == []
        return {path: number for stack in stacks for path, number in priorities(stack).items()}

    both = numbers("One", "Two")
    assert len(set(both.values())) == 30
    moved = {path for path, found in both.items() if found != number(paths=[path])}
    assert len(moved) < 3
    assert numbers("Two", "One") == both


def test_routes_that_meet_at_a_number_are_warned_of(
    stack: Stack, endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """The one moves on, whichever was added first, and the warning says how to pin it."""
    first, second = meeting_paths()
    endpoint.add_route("Second", service=api, paths=[second])
    endpoint.add_route("First", service=web, paths=[first])
    own = number(paths=[first])

    assert priorities(stack) == {first: own, second: own + 1}
    Annotations.from_stack(stack).has_warning(
        "/Test/Endpoint",
        f"route 'Second' of Test/Api met route 'First' of Test/Web at the number {own} by chance and moved on to "
        f"{own + 1}; when the other goes it would move back, unless you write priority={own + 1} on it "
        "[ack: fargate-constructs:routeMoved]",
    )


def test_two_equally_specific_routes_are_refused(
    stack: Stack, endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """The message names both, a request that both claim, and what to do; the refused one leaves nothing behind."""
    endpoint.add_route("Images", service=web, paths=["/img/a*"])

    message = (
        "route 'Thumbs' of Test/Api is as specific as route 'Images' of Test/Web, and both claim 'GET /img/as'; give "
        "one of them a longer path, a narrower host, one more condition, or a priority (the lower is tried first; "
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        endpoint.add_route("Thumbs", service=api, paths=["/img/*s"])

    endpoint.add_route("Thumbs", service=api, paths=["/img/*s"], priority=2)
    assert priorities(stack)["/img/*s"] == 2


def test_two_routes_with_the_same_conditions_are_refused(
    endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """With a number of its own too: one of them would never get a request."""
    endpoint.add_route("Web", service=web)

    for priority in (None, 7):
        with pytest.raises(
            ValueError, match="route 'Api' of Test/Api has the same conditions as route 'Web' of Test/Web"
        ):
            endpoint.add_route("Api", service=api, paths=["/*"], priority=priority)


def test_a_services_routes_differ_by_id(
    stack: Stack, network: Network, endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """Whichever endpoint they are of; a route that was refused takes no ID, and another service may have the same."""
    other = HttpEndpoint.from_listener(stack, "Other", HttpEndpoint(stack, "Second", network=network).listener)
    with pytest.raises(ValueError, match="paths must be at most 128 characters each, got 129: '/aa"):
        endpoint.add_route("Web", service=web, paths=["/" + "a" * 128])
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Web", service=api, paths=["/api/*"])

    for each in (endpoint, other):
        with pytest.raises(ValueError, match="id must differ from the service's other routes, got: 'Web' again of Tes"):
            each.add_route("Web", service=web, paths=["/shop/*"])


def test_numbers_of_ones_own(stack: Stack, endpoint: HttpEndpoint, web: FargateService, api: FargateService) -> None:
    """One given twice is refused with both routes; so is one that no rule can have."""
    endpoint.add_route("Web", service=web, priority=7)

    message = "route 'Api' of Test/Api has the same priority as route 'Web' of Test/Web, got: 7; set another on one of"
    with pytest.raises(ValueError, match=message):
        endpoint.add_route("Api", service=api, paths=["/api/*"], priority=7)
    given = CfnParameter(stack, "Given", type="Number").value_as_number
    for priority in (1, 50_001, given):
        with pytest.raises(ValueError, match="priority must be 2 to 50000 and known at synthesis, got: "):
            endpoint.add_route("Api", service=api, paths=["/api/*"], priority=priority)  # type: ignore[arg-type]  # a token

    endpoint.add_route("Api", service=api, paths=["/api/*"], priority=8)
    assert priorities(stack) == {"/*": 7, "/api/*": 8}


def test_what_is_known_only_when_deployed_has_no_rank(
    stack: Stack, endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """It needs a number, and is compared with no other route."""
    host = CfnParameter(stack, "Host").value_as_string

    with pytest.raises(ValueError, match="has a condition that is known only when deployed, so it has no rank among"):
        endpoint.add_route("Web", service=web, hosts=[host])

    endpoint.add_route("Web", service=web, hosts=[host], priority=7)
    endpoint.add_route("Api", service=api)
    assert 7 in priorities_of_rules(stack)


def priorities_of_rules(stack: Stack) -> list[int]:
    """Return the numbers of all rules."""
    return [rule["Properties"]["Priority"] for rule in Template.from_stack(stack).find_resources(RULE).values()]


def test_test_traffic_has_a_number_of_its_own(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage, web: FargateService
) -> None:
    """As a route with one condition more; before a given number it has the one before."""
    deployment = Deployment.blue_green(test_header=("x-version", "next"))
    for name, priority in (("Computed", None), ("Given", 10)):
        service = FargateService(stack, name, network=network, image=image, deployment=deployment)
        endpoint.add_route(name, service=service, paths=[f"/{name}/*"], priority=priority)

    computed = {"paths": ["/Computed/*"]}
    expected = {number(**computed), number(**computed, headers={"x-version": ["next"]}), 9, 10}
    assert set(priorities_of_rules(stack)) == expected
    with pytest.raises(
        ValueError, match="has the same priority as route test traffic of 'Given' of Test/Given, got: 9"
    ):
        endpoint.add_route("Web", service=web, priority=9)
    message = "route 'Web' of Test/Web has the same conditions as route test traffic of 'Given' of Test/Given"
    with pytest.raises(ValueError, match=message):
        endpoint.add_route("Web", service=web, paths=["/Given/*"], headers={"X-Version": ["NEXT"]})


def test_a_route_on_the_test_header_is_refused(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage
) -> None:
    """Its test traffic could never have both values."""
    deployment = Deployment.canary(test_header=("x-version", "next"))
    service = FargateService(stack, "Service", network=network, image=image, deployment=deployment)

    with pytest.raises(ValueError, match="headers cannot hold the deployment's test header as well, got: 'x-version'"):
        endpoint.add_route("Web", service=service, headers={"X-Version": ["1"]})
    with pytest.raises(ValueError, match="has a condition that is known only when deployed"):
        endpoint.add_route("Web", service=service, hosts=[CfnParameter(stack, "Host").value_as_string])
    endpoint.add_route("Web", service=service, hosts=[stack.resolve("a.example.com")])


def test_test_traffic_must_fit_its_rule(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage
) -> None:
    """It has one header more than the route; nothing is made of a route that leaves no room for that."""
    deployment = Deployment.blue_green(test_header=("x-version", "next*"))
    service = FargateService(stack, "Service", network=network, image=image, deployment=deployment)
    message = "route 'Web' of Test/Service leaves no room for the deployment's test header: a rule holds 5"

    with pytest.raises(ValueError, match=f"{message} values, .* got: 6"):
        endpoint.add_route("Web", service=service, paths=["/a", "/b", "/c", "/d", "/e"])
    with pytest.raises(ValueError, match=f"{message} wildcards .*, got: 6"):
        endpoint.add_route("Web", service=service, paths=["/a*b*c*d*e*"])
    endpoint.add_route("Web", service=service, paths=["/a"])


def test_two_endpoints_number_their_routes_apart(
    stack: Stack, network: Network, endpoint: HttpEndpoint, web: FargateService, api: FargateService
) -> None:
    """The same conditions, and so the same number, on each."""
    endpoint.add_route("Web", service=web, paths=["/a/*"])
    HttpEndpoint(stack, "Other", network=network).add_route("Api", service=api, paths=["/a/*"])

    assert priorities_of_rules(stack) == [number(paths=["/a/*"])] * 2


def test_a_service_in_another_network_is_refused(
    stack: Stack, endpoint: HttpEndpoint, encrypted: HttpEndpoint, image: ecs.ContainerImage
) -> None:
    """AWS would refuse its target group; only the first route asks, and only of a load balancer that knows its VPC."""
    elsewhere = FixedEgressNetwork(stack, "Elsewhere", cidr="10.1.0.0/16")
    web, api = (FargateService(stack, name, network=elsewhere, image=image) for name in ("Web", "Api"))

    message = (
        "a service and its endpoint must be in the same network, got route 'Web' to Test/Web/Service and "
        "Test/Endpoint/LoadBalancer in two; pass the same network to both"
    )
    with pytest.raises(ValueError, match=message):
        endpoint.add_route("Web", service=web)
    with pytest.raises(ValueError, match="Test/Encrypted/LoadBalancer in two"):
        encrypted.add_route("Web", service=web)

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
    Template.from_stack(stack).resource_count_is(RULE, 1)


# --- What the service speaks ---


def test_by_default_a_target_speaks_http_1(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """Nothing is said of the version, as ever: to say it now would replace the target group."""
    endpoint.add_route("Web", service=web)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "Protocol": "HTTP",
            "ProtocolVersion": Match.absent(),
            "HealthCheckProtocol": Match.absent(),
            "Matcher": {"HttpCode": "200-299"},
        },
    )


def test_a_task_that_speaks_https(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage
) -> None:
    """The way to it is encrypted, and so is the way of its checks; the endpoint may speak either."""
    service = FargateService(
        stack, "Service", network=network, image=image, port=8443, protocol=elbv2.ApplicationProtocol.HTTPS
    )
    endpoint.add_route("Web", service=service)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"Protocol": "HTTPS", "Port": 443, "HealthCheckProtocol": "HTTPS", "ProtocolVersion": Match.absent()},
    )


def test_another_port_replaces_nothing(image: ecs.ContainerImage) -> None:
    """Its target groups stay, or nobody would answer until new tasks are in."""

    def deployed(port: int) -> Stack:
        stack = Stack(App(), "Test")
        network = network_in(stack)
        service = FargateService(
            stack, "Web", network=network, image=image, port=port, deployment=Deployment.blue_green()
        )
        HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=service)
        return stack

    assert_no_replacement(deployed(80), deployed(8080))


@pytest.mark.parametrize(
    ("version", "health", "expected"),
    [
        (
            elbv2.ApplicationProtocolVersion.HTTP2,
            Health(path="/healthz"),
            {"HealthCheckPath": "/healthz", "Matcher": {"HttpCode": "200-299"}},
        ),
        (
            elbv2.ApplicationProtocolVersion.GRPC,
            Health(),
            {"HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": {"GrpcCode": "12"}},
        ),
        (
            elbv2.ApplicationProtocolVersion.GRPC,
            Health(path="/grpc.health.v1.Health/Check", healthy_grpc_codes="0"),
            {"HealthCheckPath": "/grpc.health.v1.Health/Check", "Matcher": {"GrpcCode": "0"}},
        ),
    ],
    ids=["HTTP2", "GRPC", "GRPC with a health service"],
)
def test_a_task_that_speaks_http_2_or_grpc(
    stack: Stack,
    network: Network,
    encrypted: HttpEndpoint,
    image: ecs.ContainerImage,
    *,
    version: elbv2.ApplicationProtocolVersion,
    health: Health,
    expected: dict[str, object],
) -> None:
    """Its checks ask what it can answer, in both target groups."""
    service = FargateService(
        stack,
        "Service",
        network=network,
        image=image,
        protocol_version=version,
        health=health,
        deployment=Deployment.blue_green(),
    )
    encrypted.add_route("Web", service=service)

    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        Match.object_like({"Protocol": "HTTP", "ProtocolVersion": version.value, **expected}),
        2,
    )


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_plain_http_cannot_pass_on_http_2(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage, version: str
) -> None:
    """AWS refuses the listener rule; so does the synthesis. A listener made elsewhere says nothing of its protocol."""
    service = FargateService(
        stack,
        "Service",
        network=network,
        image=image,
        protocol_version=elbv2.ApplicationProtocolVersion[version],
    )

    message = (
        f"a listener that speaks plain HTTP cannot pass on {version}, got route 'Web' of Test/Endpoint/LoadBalancer/H"
    )
    with pytest.raises(ValueError, match=message):
        endpoint.add_route("Web", service=service)

    listener = elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Elsewhere",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/0123456789abcdef/0123456789abcdef",
        security_group=endpoint.connections.security_groups[0],
    )
    service.add_listener_rule(
        "Web", listener=listener, priority=7, conditions=[elbv2.ListenerCondition.path_patterns(["/a"])]
    )
    # What comes with the first route comes though another was refused before.
    assert len(service.rollback_alarms.all) == 2
    Template.from_stack(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalingPolicy", 2)


def test_a_load_balancer_of_another_l2(stack: Stack, network: Network, web: FargateService) -> None:
    """One that CDK made is the same one each time, though Python gets another object of it."""
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=image)
    old = ecs_patterns.ApplicationLoadBalancedFargateService(
        stack, "Old", vpc=network.vpc, task_image_options=options, min_healthy_percent=100
    )

    for priority, path in ((10, "/a"), (11, "/b")):
        web.add_listener_rule(
            path[1:],
            listener=old.listener,
            priority=priority,
            conditions=[elbv2.ListenerCondition.path_patterns([path])],
        )
    Template.from_stack(stack).resource_count_is(RULE, 2)
