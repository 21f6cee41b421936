"""One service at several of its ports, and behind several endpoints."""

import re
from collections import defaultdict
from collections.abc import Callable
from itertools import permutations
from typing import Any, NamedTuple, cast

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from fargate_constructs import (
    Deployment,
    FargateService,
    Health,
    HttpEndpoint,
    LoadBalancing,
    Scaling,
    ServiceConnect,
    SignIn,
    TcpEndpoint,
)
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_empty_target_group
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in
from tests.shared_stack import Part, Steps, in_shared_stack, warnings_of
from tests.templates import properties, properties_of

GROUP, INGRESS = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::EC2::SecurityGroupIngress"
GRPC = elbv2.ApplicationProtocolVersion.GRPC
HTTPS = elbv2.ApplicationProtocol.HTTPS
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/{}/0123456789abcdef/{}"
PRODUCTION = Deployment.blue_green(test_header=("x-version", "next"))


class Lab(NamedTuple):
    """Services at two endpoints for HTTP and one for TCP, as most tests read them."""

    stack: Stack
    public: HttpEndpoint
    internal: HttpEndpoint
    web: FargateService
    shop: FargateService
    broker: FargateService
    rules: dict[str, elbv2.ApplicationListenerRule]
    template: Template

    def group(self, name: str) -> dict[str, Any]:
        """Return the properties of the target group of a rule."""
        (action,) = properties_of(self.template, self.rules[name])["Actions"]
        groups = self.template.find_resources(GROUP)
        return cast("dict[str, Any]", groups[action["TargetGroupArn"]["Ref"]]["Properties"])

    def opened(self, endpoint: HttpEndpoint, service: FargateService) -> set[int]:
        """Return the ports of a service's tasks that an endpoint reaches."""
        ids = [each.connections.security_groups[0].security_group_id for each in (service, endpoint)]
        theirs, ours = self.stack.resolve(ids)
        match = {"GroupId": theirs, "SourceSecurityGroupId": ours}
        return {each["FromPort"] for each in properties(self.template, INGRESS, match)}


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A service with all kinds of ports, and two whose deployments shift requests."""
    stack = Stack(App(), "Test")
    network, certificate = network_in(stack), certificate_in(stack)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    public = HttpEndpoint(stack, "Public", network=network, certificate=certificate)
    internal = HttpEndpoint(stack, "Internal", network=network, internal=True, allow_cidrs=["10.0.0.0/8"])
    edge = TcpEndpoint(stack, "Edge", network=network)

    def service(name: str, **more: Any) -> FargateService:  # noqa: ANN401 - what a service takes
        return FargateService(stack, name, network=network, cluster=cluster, image=IMAGE, **more)

    web = service(
        "Web",
        port={"http": 8080, "grpc": 9090, "admin": 9000},
        protocol_version={"grpc": GRPC},
        health={
            "http": Health(path="/live", port="admin", command=["CMD", "true"]),
            "grpc": Health(path="/grpc.health.v1.Health/Check", healthy_grpc_codes="0"),
            "admin": Health(path="/ready", grace_period=Duration.seconds(150)),
        },
        load_balancing={"http": LoadBalancing.least_outstanding_requests()},
        scaling=Scaling(flows_per_target=100),
    )
    proxy = web.add_sidecar("proxy", image=IMAGE)
    proxy.add_port_mappings(ecs.PortMapping(name="proxy-stats", container_port=9901))
    rules = {
        "http": public.add_route("Web", service=web),
        "again": public.add_route("Images", service=web, paths=["/images/*"]),
        "grpc": public.add_route("Grpc", service=web, port="grpc", paths=["/shop.Shop/*"]),
        "within": internal.add_route("Internal", service=web),
        "admin": internal.add_route("Admin", service=web, port="admin", paths=["/admin/*"]),
    }
    edge.add_listener("Stats", port=9901, service=web, target_port="proxy-stats")
    shop = service("Shop", deployment=PRODUCTION)
    for number, endpoint in enumerate((public, internal)):
        rules[f"shop{number}"] = endpoint.add_route(f"Shop{number}", service=shop, paths=["/shop/*"])
    broker = service("Broker", port={"http": 8080, "mqtt": 1883}, deployment=Deployment.blue_green())
    public.add_route("Pages", service=broker, paths=["/pages/*"])
    edge.add_listener(
        "Mqtt",
        port=8883,
        test_port=18883,
        service=broker,
        target_port="mqtt",
        certificate=certificate,
        alpn_policy=elbv2.AlpnPolicy.HTTP2_OPTIONAL,
        allow_cidrs=["203.0.113.0/24"],
    )
    broker.add_lifecycle_hook("Check", handler=lambda_.Function.from_function_name(stack, "Hook", "check"))
    return Lab(stack, public, internal, web, shop, broker, rules, Template.from_stack(stack))


def test_a_target_group_for_each_port(lab: Lab) -> None:
    """Each has the protocol, the checks and the way of sharing of its port; routes to one port share one."""
    names = ("ProtocolVersion", "HealthCheckPath", "HealthCheckPort", "HealthCheckIntervalSeconds")
    assert {name: [lab.group(name).get(each) for each in names] for name in ("http", "grpc", "admin")} == {
        "http": [None, "/live", "9000", 10],
        "grpc": ["GRPC", "/grpc.health.v1.Health/Check", None, 10],
        "admin": [None, "/ready", None, 10],
    }
    assert lab.group("http") == lab.group("again") == lab.group("within")
    attributes = {
        name: {each["Key"]: each["Value"] for each in lab.group(name)["TargetGroupAttributes"]}
        for name in ("http", "grpc")
    }
    assert attributes["http"]["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert "load_balancing.algorithm.type" not in attributes["grpc"]
    assert {each["deregistration_delay.timeout_seconds"] for each in attributes.values()} == {"30"}


def test_each_load_balancer_has_its_own(lab: Lab) -> None:
    """A target group serves one load balancer. Tasks are in all of them, by the container that has the port."""
    arns = {
        name: properties_of(lab.template, lab.rules[name])["Actions"][0]["TargetGroupArn"]["Ref"]
        for name in ("http", "again", "grpc", "within", "admin")
    }
    assert arns["http"] == arns["again"]
    assert len(set(arns.values())) == len(lab.web.target_groups) == 4
    found = properties_of(lab.template, lab.web.service.node.find_child("Service"))
    assert [(each["ContainerName"], each["ContainerPort"]) for each in found["LoadBalancers"]] == [
        ("web", 8080),
        ("web", 9090),
        ("web", 8080),
        ("web", 9000),
        ("proxy", 9901),
    ]


def test_ids_do_not_depend_on_the_order_of_ports(lab: Lab) -> None:
    """A service with one port and one endpoint has the same IDs as always; others have the port and the endpoint."""
    assert [each.node.path.removeprefix("Test/Web/Routes/") for each in lab.web.target_groups] == [
        "TargetGroup",
        "grpc/TargetGroup",
        "At Internal LoadBalancer/TargetGroup",
        "admin/TargetGroup",
    ]


def test_only_the_ports_that_it_uses_are_open_to_an_endpoint(lab: Lab) -> None:
    """Those that get requests, and those that are checked."""
    assert lab.opened(lab.public, lab.web) == {8080, 9090, 9000}
    assert lab.opened(lab.internal, lab.web) == {8080, 9000}
    assert lab.opened(lab.internal, lab.shop) == {80}


def test_alarms_of_each_target_group_end_a_deployment(lab: Lab) -> None:
    """Each says where, except the first. No target group is without one."""
    told = [each["AlarmDescription"] for each in properties(lab.template, "AWS::CloudWatch::Alarm")]
    assert sorted(each for each in told if each.startswith("Test/Web: ")) == [
        "Test/Web: 5 % of answers are 5xx",
        "Test/Web: 5 % of answers at Internal LoadBalancer are 5xx",
        "Test/Web: 5 % of answers at admin are 5xx",
        "Test/Web: 5 % of answers at grpc are 5xx",
        "Test/Web: a task stays unhealthy",
        "Test/Web: a task stays unhealthy at Internal LoadBalancer",
        "Test/Web: a task stays unhealthy at Stats",
        "Test/Web: a task stays unhealthy at admin",
        "Test/Web: a task stays unhealthy at grpc",
    ]
    found = properties_of(lab.template, lab.web.service.node.find_child("Service"))
    assert len(found["DeploymentConfiguration"]["Alarms"]["AlarmNames"]) == 9
    warnings = [text for _, text in warnings_of(App.of(lab.stack)) if "a target group of" in text]  # type: ignore[arg-type]
    assert warnings == []


def test_one_grace_period(lab: Lab) -> None:
    """The longest of all ports; only the first port's health has a check in the container."""
    found = properties_of(lab.template, lab.web.service.node.find_child("Service"))
    assert found["HealthCheckGracePeriodSeconds"] == 150
    main, proxy = properties_of(lab.template, lab.web.task_definition)["ContainerDefinitions"]
    assert main["HealthCheck"]["Command"] == ["CMD", "true"]
    assert "HealthCheck" not in proxy
    assert lab.web.health.path == "/live"


def test_tasks_scale_on_the_requests_of_all_ports_and_endpoints(lab: Lab) -> None:
    """By one policy, which adds them."""
    policies = properties(lab.template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    (policy,) = (each for each in policies if re.search("^TestWeb.*Requests$", each["PolicyName"]))
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics = {each["Id"]: each for each in configuration["CustomizedMetricSpecification"]["Metrics"]}
    assert configuration["TargetValue"] == 1000
    assert metrics["result"]["Expression"] == "SUM([requests0, requests1, requests2, requests3])"
    assert {each["MetricStat"]["Metric"]["MetricName"] for each in metrics.values() if "MetricStat" in each} == {
        "RequestCountPerTarget"
    }


def test_blue_green_behind_two_endpoints(lab: Lab) -> None:
    """ECS moves the weights of each rule, by one role. Each endpoint has a rule for test traffic."""
    found = properties_of(lab.template, lab.shop.service.node.find_child("Service"))["LoadBalancers"]
    configurations = [each["AdvancedConfiguration"] for each in found]
    assert [each["ProductionListenerRule"] for each in configurations] == [
        lab.stack.resolve(lab.rules[name].listener_rule_arn) for name in ("shop0", "shop1")
    ]
    groups = {each["TargetGroupArn"]["Ref"] for each in found} | {
        each["AlternateTargetGroupArn"]["Ref"] for each in configurations
    }
    assert len(groups) == len(lab.shop.target_groups) == 4
    assert len({str(each["RoleArn"]) for each in configurations}) == 1
    assert len({str(each["TestListenerRule"]) for each in configurations}) == 2


def test_a_test_port_of_a_network_load_balancer(lab: Lab) -> None:
    """Its callers reach the new tasks first. A hook is called when they do."""
    listeners = {each["Port"]: each for each in properties(lab.template, "AWS::ElasticLoadBalancingV2::Listener")}
    for each in (8883, 18883):
        assert (listeners[each]["Protocol"], listeners[each]["AlpnPolicy"]) == ("TLS", ["HTTP2Optional"])
    assert listeners[8883]["DefaultActions"] == listeners[18883]["DefaultActions"]
    found = properties_of(lab.template, lab.broker.service.node.find_child("Service"))
    route, listener = (each["AdvancedConfiguration"] for each in found["LoadBalancers"])
    assert ("TestListenerRule" in route, "TestListener" in listener["TestListenerRule"]["Ref"]) == (False, True)
    (hook,) = found["DeploymentConfiguration"]["LifecycleHooks"]
    assert hook["LifecycleStages"] == ["POST_TEST_TRAFFIC_SHIFT"]
    rules = properties(lab.template, "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": Match.any_value()})
    callers = {rule["FromPort"]: rule["CidrIp"] for each in rules for rule in each["SecurityGroupIngress"]}
    assert callers[18883] == callers[8883] == "203.0.113.0/24"


@in_shared_stack
def test_several_ports_have_names(part: Part) -> Steps:
    """Routes lead to the first, links to any, and each link opens only one."""
    part.network = network_in(part)
    api = part.service("Api", port={"http": 8080, "admin": 9000})
    web = part.service("Web", port={"http": 8443}, protocol=HTTPS)
    part.add_route(api)
    assert web.link_to(api) == "http://api:8080"
    assert web.link_to(api, port="admin") == "http://api:9000"
    assert api.link_to(web) == "https://web:8443"
    yield
    names = [("api-http", 8080), ("api-admin", 9000)]
    (container,) = part.of(api.task_definition)["ContainerDefinitions"]
    assert [(each["Name"], each["ContainerPort"]) for each in container["PortMappings"]] == names
    service = part.of(api.service)
    assert [each["ContainerPort"] for each in service["LoadBalancers"]] == [8080]
    named = service["ServiceConnectConfiguration"]["Services"]
    assert [(each["PortName"], each["ClientAliases"][0]["Port"]) for each in named] == names
    assert {each["ClientAliases"][0]["DnsName"] for each in named} == {"api"}
    caller = part.resolve(web.connections.security_groups[0].security_group_id)
    rules = [each for each in part.properties(INGRESS) if each["SourceSecurityGroupId"] == caller]
    assert sorted((each["FromPort"], each["ToPort"]) for each in rules) == [(8080, 8080), (9000, 9000)]


@in_shared_stack
def test_links_need_ports_that_are_known(part: Part) -> Steps:
    """Service Connect needs the number of each port of a service; a route takes a token."""
    port = CfnParameter(part, "Port", type="Number").value_as_number
    api, web = part.service("Api", port=port), part.service("Web")
    for one, other in ((api, web), (web, api)):
        with pytest.raises(ValueError, match="ports that are known at synthesis, got a token as port of 'api'"):
            one.link_to(other)
    part.add_route(api)
    yield
    assert "ServiceConnectConfiguration" not in part.of(web.service)
    (balancer,) = part.of(api.service)["LoadBalancers"]
    assert balancer["ContainerPort"] == part.resolve(port)


# --- Several listeners, workers, links ---


@in_shared_stack
def test_listeners_with_a_security_group_that_is_imported_twice(part: Part) -> Steps:
    """AWS refuses a rule that the group has, so each rule is made once, also for checks."""
    service = part.service("Web", port={"http": 8080, "admin": 9000}, health=Health(port="admin"))
    for prefix_list in ("pl-1", "pl-2"):
        service.connections.allow_from(ec2.Peer.prefix_list(prefix_list), ec2.Port.tcp(8080))
    for number in range(3):
        group = ec2.SecurityGroup.from_security_group_id(
            part, f"G{number}", "sg-0123456789abcdef0", allow_all_outbound=False
        )
        arn = LISTENER.format("a", number)
        listener = elbv2.ApplicationListener.from_application_listener_attributes(
            part, f"L{number}", listener_arn=arn, security_group=group
        )
        endpoint = HttpEndpoint.from_listener(part, f"E{number}", listener)
        endpoint.add_route(f"R{number}", service=service)
        endpoint.add_route(f"Again{number}", service=service, paths=["/again"])
    yield
    assert len(part.resources(GROUP)) == 1
    for direction in ("Ingress", "Egress"):
        made = part.properties(f"AWS::EC2::SecurityGroup{direction}")
        ports = sorted(each["FromPort"] for each in made if "sg-0123456789abcdef0" in each.values())
        assert ports == [8080, 9000]
    assert [each["FromPort"] for each in part.properties(INGRESS)].count(8080) == 3


@in_shared_stack
def test_a_test_port_stays_on_the_way_back(part: Part) -> Steps:
    """A rolling deployment with both target groups keeps it, so that nothing is written or deleted."""
    deployments = Deployment.blue_green(), Deployment.rolling(both_target_groups=True)
    stacks = part.other_stack("Before"), part.other_stack("After")
    for stack, deployment in zip(stacks, deployments, strict=True):
        part.network = network_in(stack)
        broker = part.service("Broker", scope=stack, cluster=None, deployment=deployment)
        TcpEndpoint(stack, "Edge", network=part.network).add_listener("Mqtt", port=1883, test_port=2883, service=broker)
    yield
    before, after = (part.template(each) for each in stacks)
    for type_ in (GROUP, "AWS::ElasticLoadBalancingV2::Listener"):
        assert before.find_resources(type_) == after.find_resources(type_)
    assert_no_empty_target_group(before.to_json(), after.to_json())


@in_shared_stack
def test_a_proxy_before_a_container_without_a_port(part: Part) -> Steps:
    """Only the sidecar gets requests. Without the name of its port the service is a worker."""
    service = part.service("Web", port=None, protocol={"nginx": HTTPS}, load_balancing=None)
    nginx = service.add_sidecar("nginx", image=IMAGE)
    nginx.add_port_mappings(ecs.PortMapping(name="nginx", container_port=8443))
    with pytest.raises(ValueError, match="got the worker 'web'; give it a port, or name one of its sidecars: nginx"):
        part.add_route(service)
    part.add_route(service, port="nginx")
    yield
    (group,) = part.properties(GROUP)
    assert (group["Protocol"], group["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
    found = part.of(service.service)["LoadBalancers"]
    assert [(each["ContainerName"], each["ContainerPort"]) for each in found] == [("nginx", 8443)]


@in_shared_stack
def test_links_to_ports_of_several_protocols(part: Part) -> Steps:
    """Proxies handle each port by its protocol. A sidecar's port without one is TCP, which has no request time-out."""
    part.network = network_in(part)
    ports = {"http": 8080, "grpc": 9090, "tls": 8443}
    api = part.service("Api", port=ports, protocol={"tls": HTTPS}, protocol_version={"grpc": GRPC})
    api.add_sidecar("agent", image=IMAGE).add_port_mappings(
        ecs.PortMapping(name="agent-stats", container_port=9901),
        ecs.PortMapping(name="agent-http", container_port=9902, app_protocol=cast(Any, ecs.AppProtocol).http),
        ecs.PortMapping(name="agent-udp", container_port=9903, protocol=ecs.Protocol.UDP),
    )
    redis = part.service("Redis", service_connect=ServiceConnect.http(idle_timeout=Duration.minutes(9)))
    stats = redis.add_sidecar("stats", image=IMAGE)
    stats.add_port_mappings(ecs.PortMapping(name="stats", container_port=9121))
    urls = [redis.link_to(api, port=port) for port in ("", "tls", "agent-stats")]
    assert urls == ["http://api:8080", "https://api:8443", "http://api:9901"]
    yield
    definition = part.of(api.task_definition)["ContainerDefinitions"][0]
    assert [each.get("AppProtocol") for each in definition["PortMappings"]] == ["http", "grpc", None]
    for service, expected in {
        api: {
            "api-http": {"PerRequestTimeoutSeconds": 0},
            "api-grpc": {"PerRequestTimeoutSeconds": 0},
            "api-tls": None,
            "agent-stats": None,
            "agent-http": {"PerRequestTimeoutSeconds": 0},
        },
        redis: {
            "redis": {"PerRequestTimeoutSeconds": 0, "IdleTimeoutSeconds": 540},
            "stats": {"IdleTimeoutSeconds": 540},
        },
    }.items():
        names = part.of(service.service)["ServiceConnectConfiguration"]["Services"]
        assert {each["PortName"]: each.get("Timeout") for each in names} == expected


@in_shared_stack
def test_a_grace_period_that_is_a_token(part: Part) -> Steps:
    """It is taken, because no other can be compared with it."""
    time = CfnParameter(part, "Time", type="Number")
    health = {"": Health(), "stats": Health(grace_period=Duration.seconds(time.value_as_number))}
    service = part.service("Web", health=health)
    service.add_sidecar("stats", image=IMAGE).add_port_mappings(ecs.PortMapping(name="stats", container_port=9901))
    part.add_route(service)
    yield
    assert part.of(service.service)["HealthCheckGracePeriodSeconds"] == part.resolve(time.value_as_number)


# --- Not synthesized ---


class Idle(NamedTuple):
    """Services and endpoints that are never synthesized, for refusals and for IDs."""

    stack: Stack
    network: Network
    front: HttpEndpoint
    edge: TcpEndpoint
    web: FargateService
    tested: FargateService
    make: Callable[..., FargateService]


@pytest.fixture(scope="module")
def idle() -> Idle:
    """One for all these tests."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)

    def make(name: str, **more: Any) -> FargateService:  # noqa: ANN401 - what a service takes
        return FargateService(stack, name, network=network, cluster=cluster, image=IMAGE, **more)

    web = make(
        "Web",
        port={"http": 8080, "grpc": 9090},
        protocol_version={"grpc": GRPC},
        health={"grpc": Health(port="dns-udp")},
    )
    web.add_sidecar("dns", image=IMAGE).add_port_mappings(
        ecs.PortMapping(name="dns-udp", container_port=53, protocol=ecs.Protocol.UDP),
        ecs.PortMapping(name="dns-tcp", container_port=54),
    )
    tested = make("Tested", deployment=PRODUCTION)
    front = HttpEndpoint(stack, "Front", network=network, certificate=certificate_in(stack))
    return Idle(stack, network, front, TcpEndpoint(stack, "Edge", network=network), web, tested, make)


UDP = elbv2.Protocol.UDP
SIGN_IN = SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/keys")
REFUSED: dict[str, tuple[Callable[[Idle], object], str]] = {
    "a route to UDP": (
        lambda idle: idle.front.add_route("New", service=idle.web, port="dns-udp"),
        "a route needs a TCP port, got route 'New' to 'dns-udp' of Test/Web, mapped as UDP",
    ),
    "a check over UDP": (
        lambda idle: idle.front.add_route("New", service=idle.web, port="grpc"),
        "a load balancer checks no health over UDP, got 'dns-udp' for route 'New'; name another port in the health of",
    ),
    "a check of no port": (
        lambda idle: idle.front.add_route("New", service=idle.make("Typo", health=Health(port="ready"))),
        "port of health must be a name that 'typo' gave (none), got: 'ready'; leave it out for its only port, or write",
    ),
    "a sign-in before gRPC": (
        lambda idle: idle.front.add_route(
            "New", service=idle.make("Rpc", protocol_version=GRPC), sign_in=SIGN_IN, paths=["/rpc"]
        ),
        "a rule only forwards requests to GRPC, got route 'New' of Test/Rpc with sign_in; let the service check",
    ),
    "a command of another port": (
        lambda idle: idle.make("Command", port={"a": 1, "b": 2}, health={"b": Health(command=["CMD", "true"])}),
        "command must be in the health of the first port ('a'), got it for 'b': the main container has one check",
    ),
    "stickiness of one port": (
        lambda idle: idle.make(
            "Sticky",
            deployment=PRODUCTION,
            load_balancing={"a": LoadBalancing.round_robin(stickiness_cookie_name="session")},
        ),
        "stickiness needs deployments with one target group, got: BLUE_GREEN with two",
    ),
    "TCP to a port of UDP": (
        lambda idle: idle.edge.add_listener("New", port=53, service=idle.web, target_port="dns-udp"),
        "a listener of TCP needs a sidecar's port that is mapped as TCP, got 'dns-udp' for listener 'New', mapped as",
    ),
    "UDP to a port of TCP": (
        lambda idle: idle.edge.add_listener(
            "New", port=53, service=idle.web, target_port="dns-tcp", protocol=UDP, health_check_port="http"
        ),
        "a listener of UDP needs a sidecar's port that is mapped as UDP, got 'dns-tcp' for listener 'New', mapped as",
    ),
    "a listener's check over UDP": (
        lambda idle: idle.edge.add_listener("New", port=53, service=idle.web, health_check_port="dns-udp"),
        "a load balancer checks no health over UDP, got 'dns-udp' for listener 'New'; name another",
    ),
    "a test header without a test port": (
        lambda idle: idle.edge.add_listener("New", port=53, service=idle.tested),
        "test_header needs HTTP, got listener 'New' of Test/Tested, which reads no headers; give the listener a test_p",
    ),
    "a third front of blue/green": (
        lambda idle: [
            idle.edge.add_listener(f"Port{port}", port=port, test_port=port + 1, service=idle.tested)
            for port in (100, 200, 300)
        ],
        "a service has at most 5 target groups, got 6 for Test/Tested; each listener of a network load balancer needs",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(idle: Idle, call: Callable[[Idle], object], message: str) -> None:
    """Before anything is made, with what to change."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call(idle)
    assert not idle.web.target_groups
    assert not idle.web.network_target_groups


def test_a_listener_of_udp_at_a_sidecar(idle: Idle) -> None:
    """Its health is checked where the service says."""
    service = idle.make("Dns", port={"dns": 5300}, health={"names": Health(port="dns")})
    service.add_sidecar("names", image=IMAGE).add_port_mappings(
        ecs.PortMapping(name="names", container_port=53, protocol=ecs.Protocol.UDP)
    )
    listener = idle.edge.add_listener("Dns", port=5353, service=service, target_port="names", protocol=UDP)
    (group,) = service.network_target_groups
    resource = cast("elbv2.CfnTargetGroup", group.node.default_child)
    assert (resource.protocol, Stack.of(group).resolve(resource.health_check_port)) == ("UDP", "5300")
    assert listener.node.path == "Test/Dns/Listeners/Dns/Listener"


def test_options_of_a_port_that_no_container_has(idle: Idle) -> None:
    """Synthesis fails, when all sidecars are known. It says that a service with one port takes one value."""
    typo = idle.make("Htpt", port={"http": 80}, health={"htpt": Health()})
    unnamed = idle.make("Unnamed", port=80, health={"web": Health()})
    (error,), (other) = typo.node.validate(), unnamed.node.validate()
    assert "health must name ports of Test/Htpt ('http'), got: 'htpt'" in error
    assert "health must name ports of Test/Unnamed (none), got: 'web'; its only port has no name, so write" in other[0]


def test_every_order_of_routes_gives_each_its_target_group(idle: Idle) -> None:
    """It depends on the port and the load balancer only. Ports do not change each other's IDs."""
    endpoints = {"A": idle.front, "B": HttpEndpoint(idle.stack, "Back", network=idle.network)}
    routes = [("A", "http"), ("A", "admin"), ("B", "http")]
    for number, order in enumerate(permutations(enumerate(routes))):
        service = idle.make(f"Web{number}", port={"http": 80, "admin": 81}, scaling=Scaling(max=0, min=0))
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for index, (name, port) in order:
            rule = endpoints[name].add_route(f"R{index}", service=service, port=port, paths=[f"/{number}/{index}/*"])
            (action,) = idle.stack.resolve(cast("elbv2.CfnListenerRule", rule.node.default_child).actions)
            found[name, port].add(action["targetGroupArn"]["Ref"])
        groups = [group for each in found.values() for group in each]
        assert len(groups) == len(set(groups)) == 3
        assert [each.node.path for each in service.target_groups if "admin" in each.node.path] == [
            f"Test/Web{number}/Routes/admin/TargetGroup"
        ]
        first = next(name for _, (name, port) in order if port == "http")
        assert f"Web{number}RoutesTargetGroup" in min(found[first, "http"])


def test_listeners_made_elsewhere(idle: Idle) -> None:
    """Those of one load balancer share a target group. Those of which only the deployment knows the ARN do not."""
    service = idle.make("Elsewhere")
    group = service.connections.security_groups[0]
    arns = [LISTENER.format("a", "1"), LISTENER.format("a", "2"), LISTENER.format("b", "1")]
    arns.append(CfnParameter(idle.stack, "Arn").value_as_string)
    for number, arn in enumerate(arns):
        listener = elbv2.ApplicationListener.from_application_listener_attributes(
            idle.stack, f"L{number}", listener_arn=arn, security_group=group
        )
        HttpEndpoint.from_listener(idle.stack, f"E{number}", listener).add_route(f"R{number}", service=service)
    assert [each.node.path for each in service.target_groups] == [
        "Test/Elsewhere/Routes/TargetGroup",
        "Test/Elsewhere/Routes/At app b 0123456789abcdef/TargetGroup",
        "Test/Elsewhere/Routes/At L3/TargetGroup",
    ]


def test_an_endpoint_of_another_stack(idle: Idle) -> None:
    """The ID has the name of that stack."""
    service = FargateService(Stack(App.of(idle.stack), "Team"), "Web", network=idle.network, image=IMAGE)
    for name in ("Public", "Internal"):
        endpoint = HttpEndpoint(idle.stack, name, network=idle.network)
        endpoint.add_route(name, service=service)
    assert service.target_groups[1].node.path == "Team/Web/Routes/At Test Internal LoadBalancer/TargetGroup"
