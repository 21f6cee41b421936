"""What a service gets with a listener on a network load balancer."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import (
    Deployment,
    FargateService,
    Health,
    HttpEndpoint,
    LoadBalancing,
    Scaling,
    ServiceConnect,
    TcpEndpoint,
)
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in
from tests.shared_stack import Part, Steps, in_shared_stack, warnings_of
from tests.templates import properties, properties_of

Protocol = elbv2.Protocol
PRODUCTION = Deployment.blue_green()
AUTHORITY = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/12345678-1234-1234-1234-123456789012"


class Lab(NamedTuple):
    """Services with listeners in one stack, as most tests read them."""

    stack: Stack
    endpoint: TcpEndpoint
    services: dict[str, FargateService]
    listeners: dict[str, elbv2.NetworkListener]
    template: Template
    warnings: list[tuple[str, str]]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A mail server with a web page, a name server, a game, a broker that is deployed blue/green, and a TLS proxy."""
    app = App()
    stack = Stack(app, "Test")
    network = network_in(stack)
    endpoint = TcpEndpoint(stack, "Edge", network=network)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)

    def service(name: str, **more: Any) -> FargateService:  # noqa: ANN401 - what a service takes
        return FargateService(stack, name, network=network, cluster=cluster, image=IMAGE, **more)

    smtp = service("Smtp", port={"smtp": 2525, "http": 8080}, scaling=Scaling(flows_per_target=500))
    HttpEndpoint(stack, "Front", network=network).add_route("Web", service=smtp)
    health = Health(path="/live", deregistration_delay=Duration.minutes(10), healthy_http_codes="200-399")
    services = {
        "Smtp": smtp,
        "Dns": service("Dns", port=53),
        "Game": service("Game", port={"game": 7777, "http": 8080}, health=health),
        "Mqtt": service("Mqtt", port=1883, deployment=PRODUCTION),
        "Proxy": service("Proxy", port=5432, protocol=elbv2.ApplicationProtocol.HTTPS),
    }
    listeners = {
        "Smtp": endpoint.add_listener("Smtp", port=25, service=smtp, proxy_protocol_v2=True),
        "Submission": endpoint.add_listener(
            "Submission", port=587, service=smtp, deregistration_delay=Duration.seconds(5), preserve_client_ip=False
        ),
        "Dns": endpoint.add_listener("Dns", port=53, service=services["Dns"], protocol=Protocol.TCP_UDP),
        "Game": endpoint.add_listener(
            "Game",
            port=7777,
            service=services["Game"],
            protocol=Protocol.UDP,
            health_check_port="http",
            health_check_protocol=Protocol.HTTP,
        ),
        "Second": endpoint.add_listener(
            "Second", port=7778, service=services["Game"], protocol=Protocol.UDP, health_check_port=""
        ),
        "Mqtt": endpoint.add_listener("Mqtt", port=1883, service=services["Mqtt"]),
        "Proxy": endpoint.add_listener(
            "Proxy", port=5432, service=services["Proxy"], certificate=certificate_in(stack)
        ),
    }
    return Lab(stack, endpoint, services, listeners, Template.from_stack(stack), warnings_of(app))


def group_of(lab: Lab, name: str) -> dict[str, Any]:
    """Return the properties of the target group of a listener."""
    action = properties_of(lab.template, lab.listeners[name])["DefaultActions"][0]
    groups = lab.template.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup")
    found: dict[str, Any] = groups[action["TargetGroupArn"]["Ref"]]["Properties"]
    return found


def attributes_of(lab: Lab, name: str) -> dict[str, str]:
    """Return the attributes of that target group."""
    return {each["Key"]: each["Value"] for each in group_of(lab, name)["TargetGroupAttributes"]}


def test_drain_and_callers_addresses(lab: Lab) -> None:
    """For at least the two minutes that AWS recommends, or as long as the service or the listener says."""
    drain = "deregistration_delay.timeout_seconds"
    assert attributes_of(lab, "Smtp") == {
        drain: "120",
        "deregistration_delay.connection_termination.enabled": "true",
        "preserve_client_ip.enabled": "true",
        "proxy_protocol_v2.enabled": "true",
    }
    assert [attributes_of(lab, name)[drain] for name in ("Submission", "Game")] == ["5", "600"]
    assert attributes_of(lab, "Submission")["preserve_client_ip.enabled"] == "false"
    assert attributes_of(lab, "Dns")["proxy_protocol_v2.enabled"] == "false"


def test_checks(lab: Lab) -> None:
    """By TCP at the port of the connections, or by HTTP at another port. Two checks of ten seconds are enough."""
    names = ("HealthCheckProtocol", "HealthCheckPort", "HealthCheckPath", "HealthCheckIntervalSeconds")
    checks = {name: [group_of(lab, name).get(each) for each in names] for name in ("Smtp", "Game", "Second")}
    assert checks == {
        "Smtp": ["TCP", None, None, 10],
        "Game": ["HTTP", "8080", "/live", 10],
        "Second": ["TCP", None, None, 10],
    }
    assert group_of(lab, "Smtp")["HealthyThresholdCount"] == 2
    assert group_of(lab, "Game")["Matcher"] == {"HttpCode": "200-399"}
    assert "Matcher" not in group_of(lab, "Smtp")
    for name in ("Smtp", "Dns", "Game"):
        grace = properties_of(lab.template, lab.services[name].service.node.find_child("Service"))
        assert grace["HealthCheckGracePeriodSeconds"] == 60


def test_tls_to_the_task(lab: Lab) -> None:
    """With protocol HTTPS the load balancer encrypts the connections to the tasks again."""
    assert group_of(lab, "Proxy")["Protocol"] == "TLS"
    assert group_of(lab, "Smtp")["Protocol"] == "TCP"


def test_udp_ports_of_the_container(lab: Lab) -> None:
    """Each port is mapped once, as UDP if no TCP leads to it: ECS refuses two mappings."""

    def mappings(name: str) -> list[tuple[int, str]]:
        (container,) = properties_of(lab.template, lab.services[name].task_definition)["ContainerDefinitions"]
        return [(each["ContainerPort"], each["Protocol"]) for each in container["PortMappings"]]

    assert mappings("Dns") == [(53, "tcp")]
    assert mappings("Game") == [(7777, "udp"), (8080, "tcp")]
    assert mappings("Smtp") == [(2525, "tcp"), (8080, "tcp")]
    (container,) = properties_of(lab.template, lab.services["Game"].task_definition)["ContainerDefinitions"]
    assert ["AppProtocol" in each for each in container["PortMappings"]] == [False, True]


def test_only_the_load_balancer_reaches_the_tasks(lab: Lab) -> None:
    """At the ports of the connections and of the checks, also with the addresses of callers; it reaches no others."""
    (balancer,) = lab.endpoint.connections.security_groups
    balancer_id = lab.stack.resolve(balancer.security_group_id)
    opened = {}
    for name, service in lab.services.items():
        (group,) = service.connections.security_groups
        rules = properties(
            lab.template, "AWS::EC2::SecurityGroupIngress", {"GroupId": lab.stack.resolve(group.security_group_id)}
        )
        ours = [rule for rule in rules if rule["SourceSecurityGroupId"] == balancer_id]
        opened[name] = {(rule["IpProtocol"], rule["FromPort"]) for rule in ours}
        assert len(rules) - len(ours) == (name == "Smtp"), "the route's"
    assert opened == {
        "Smtp": {("tcp", 2525)},
        "Dns": {("tcp", 53), ("udp", 53)},
        "Game": {("udp", 7777), ("tcp", 8080), ("tcp", 7777)},
        "Mqtt": {("tcp", 1883)},
        "Proxy": {("tcp", 5432)},
    }
    out = properties(lab.template, "AWS::EC2::SecurityGroupEgress", {"GroupId": balancer_id})
    assert {(rule["IpProtocol"], rule["FromPort"]) for rule in out} == set().union(*opened.values())


def test_one_service_at_two_endpoints(lab: Lab) -> None:
    """Its tasks are in the target groups of its route and of both listeners, and wait for all of them."""
    resource = lab.services["Smtp"].service.node.find_child("Service")
    found = properties_of(lab.template, resource)["LoadBalancers"]
    assert [each["ContainerPort"] for each in found] == [2525, 2525, 2525]
    assert len(lab.services["Smtp"].network_target_groups) == 2
    assert not [text for _, text in lab.warnings if "a target group of" in text]


def test_each_listener_can_end_a_deployment(lab: Lab) -> None:
    """A task that stays unhealthy raises an alarm. The route has its own."""
    alarms = properties(lab.template, "AWS::CloudWatch::Alarm")
    told = {each["AlarmDescription"] for each in alarms if "Test/Smtp" in each["AlarmDescription"]}
    assert told == {
        "Test/Smtp: 5 % of answers are 5xx",
        "Test/Smtp: a task stays unhealthy",
        "Test/Smtp: a task stays unhealthy at Smtp",
        "Test/Smtp: a task stays unhealthy at Submission",
    }
    (mqtt,) = (each for each in alarms if each["AlarmDescription"] == "Test/Mqtt: a task stays unhealthy at Mqtt")
    assert mqtt["Metrics"][0]["Expression"] == "SUM([unhealthy0, unhealthy1])"
    assert {each["MetricStat"]["Metric"]["Namespace"] for each in mqtt["Metrics"][1:]} == {"AWS/NetworkELB"}
    resource = lab.services["Smtp"].service.node.find_child("Service")
    names = properties_of(lab.template, resource)["DeploymentConfiguration"]["Alarms"]["AlarmNames"]
    assert len(names) == 4


def test_flows_per_task(lab: Lab) -> None:
    """Of all listeners together, by the metrics of their target groups. Without a target there is no policy."""
    policies = properties(lab.template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    (flows,) = (each for each in policies if each["PolicyName"].endswith("Flows"))
    configuration = flows["TargetTrackingScalingPolicyConfiguration"]
    metrics = {each["Id"]: each for each in configuration["CustomizedMetricSpecification"]["Metrics"]}
    groups = [lab.stack.resolve(each.target_group_full_name) for each in lab.services["Smtp"].network_target_groups]
    assert configuration["TargetValue"] == 500
    assert metrics["result"]["Expression"] == "SUM([flows0, flows1]) / tasks"
    for number, group in enumerate(groups):
        metric = metrics[f"flows{number}"]["MetricStat"]["Metric"]
        assert (metric["Namespace"], metric["MetricName"]) == ("AWS/NetworkELB", "ActiveFlowCount")
        assert metric["Dimensions"] == [{"Name": "TargetGroup", "Value": group}]


def test_blue_green(lab: Lab) -> None:
    """ECS moves the weights of the listener between two target groups, and synthesis says what follows from that."""
    action = properties_of(lab.template, lab.listeners["Mqtt"])["DefaultActions"][0]
    weights = {each["TargetGroupArn"]["Ref"]: each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]}
    resource = lab.services["Mqtt"].service.node.find_child("Service")
    (balancer,) = properties_of(lab.template, resource)["LoadBalancers"]
    advanced = balancer["AdvancedConfiguration"]
    assert weights == {balancer["TargetGroupArn"]["Ref"]: 100, advanced["AlternateTargetGroupArn"]["Ref"]: 0}
    assert advanced["ProductionListenerRule"] == lab.stack.resolve(lab.listeners["Mqtt"].listener_arn)
    (warning,) = (text for path, text in lab.warnings if path == "Test/Mqtt/Service")
    assert re.search("Test/Mqtt/Listeners/Mqtt/Listener at each .* before its port, protocol, certificate", warning)


@in_shared_stack
def test_times_that_are_tokens(part: Part) -> Steps:
    """They pass."""
    time = CfnParameter(part, "Time", type="Number")
    health = Health(deregistration_delay=Duration.seconds(time.value_as_number))
    service = part.service("Smtp", port=2525, health=health)
    TcpEndpoint(part, "Edge", network=part.network).add_listener("Smtp", port=25, service=service)
    yield
    (group,) = part.properties("AWS::ElasticLoadBalancingV2::TargetGroup")
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": part.resolve(time.value_as_string)}
    assert delay in group["TargetGroupAttributes"]


@in_shared_stack
def test_udp_and_tcp_at_one_port_of_a_task_with_sidecars(part: Part) -> Steps:
    """The main container's mapping is TCP again."""
    service = part.service("Sip", port={"admin": 8080, "sip": 5060})
    service.add_sidecar("agent", image=IMAGE)
    edge = TcpEndpoint(part, "Edge", network=part.network)
    edge.add_listener(
        "Udp", port=5060, service=service, protocol=Protocol.UDP, target_port="sip", health_check_port="sip"
    )
    edge.add_listener("Tcp", port=5061, service=service, target_port="sip")
    yield
    main, agent = part.of(service.task_definition)["ContainerDefinitions"]
    mapped = [(each["ContainerPort"], each["Protocol"]) for each in main["PortMappings"]]
    assert mapped == [(8080, "tcp"), (5060, "tcp")]
    assert (main["Name"], "PortMappings" in agent) == ("sip", False)


@in_shared_stack
def test_udp_ports_have_no_name(part: Part) -> Steps:
    """Links are TCP, so they lead to a service's other ports only."""
    part.network = network_in(part)
    edge = TcpEndpoint(part, "Edge", network=part.network)
    game, web = part.service("Game", port={"game": 7777, "http": 8080}), part.service("Web")
    edge.add_listener("Game", port=7777, service=game, protocol=Protocol.UDP, health_check_port="http")
    with pytest.raises(ValueError, match="a link needs a TCP port, got port 7777 of 'game', at which a listener expec"):
        web.link_to(game)
    assert web.link_to(game, port="http") == "http://game:8080"
    yield
    connect = part.of(game.service)["ServiceConnectConfiguration"]
    assert [each["PortName"] for each in connect["Services"]] == ["game-http"]


@in_shared_stack
@pytest.mark.parametrize("is_first", [True, False])
def test_a_route_and_udp_at_one_port(part: Part, *, is_first: bool) -> Steps:
    """The mapping is TCP in either order, as the route needs it."""
    part.network = network_in(part)
    service = part.service("Web", port=8080)
    front, edge = HttpEndpoint(part, "Front", network=part.network), TcpEndpoint(part, "Edge", network=part.network)
    if is_first:
        front.add_route("Web", service=service)
    edge.add_listener("Udp", port=8080, service=service, protocol=Protocol.UDP, health_check_port="")
    if not is_first:
        front.add_route("Web", service=service)
    assert part.service("Caller").link_to(service) == "http://web:8080"
    yield
    container = part.of(service.task_definition)["ContainerDefinitions"][0]
    assert [each["Protocol"] for each in container["PortMappings"]] == ["tcp"]


# --- Refusals ---


class Idle(NamedTuple):
    """What is never synthesized."""

    make: Callable[..., FargateService]
    edge: TcpEndpoint
    front: HttpEndpoint


@pytest.fixture(scope="module")
def idle() -> Idle:
    """One for all refusals."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    return Idle(
        partial(FargateService, stack, network=network, cluster=cluster, image=IMAGE),
        TcpEndpoint(stack, "Edge", network=network),
        HttpEndpoint(stack, "Front", network=network),
    )


def test_five_target_groups(idle: Idle) -> None:
    """ECS takes no more, whether the sixth is a listener's or the route's."""
    service = idle.make("Mail", port=2525)
    for port in range(1, 6):
        idle.edge.add_listener(f"Port{port}", port=port, service=service)
    message = "a service has at most 5 target groups, got 6 for Test/Mail; each listener of a network load balancer"
    with pytest.raises(ValueError, match=message):
        idle.edge.add_listener("Sixth", port=6, service=service)
    with pytest.raises(ValueError, match=message):
        idle.front.add_route("Sixth", service=service)


def test_no_test_header(idle: Idle) -> None:
    """A load balancer that reads no headers cannot tell test traffic."""
    service = idle.make("Tested", deployment=Deployment.canary(test_header=("x-version", "next")))
    with pytest.raises(ValueError, match="test_header needs HTTP, got listener 'Mqtt' of Test/Tested, which reads no"):
        idle.edge.add_listener("Mqtt", port=1883, service=service)


def test_without_a_port_name(idle: Idle) -> None:
    """A service with one port has no name for it."""
    service = idle.make("Mqtt", port=1883)
    with pytest.raises(ValueError, match=r"target_port must be a name that 'mqtt' gave .none., got: 'mqtt'"):
        idle.edge.add_listener("A", port=1883, service=service, target_port="mqtt")


def test_options_without_what_they_are_for(idle: Idle) -> None:
    """Synthesis fails, because no flow would be counted, and a listener of a TcpEndpoint has no such options."""
    service = idle.make(
        "Broker",
        scaling=Scaling(flows_per_target=1000),
        load_balancing=LoadBalancing.least_outstanding_requests(),
    )
    flows, balancing = sorted(service.node.validate())
    assert "flows_per_target needs a listener of a TcpEndpoint, and Test/Broker has none" in flows
    assert "load_balancing needs a route, and Test/Broker has none: add one, or leave" in balancing
    idle.edge.add_listener("Broker", port=8883, service=service)
    assert service.node.validate() == [balancing]


def test_a_service_with_udp_ports_only_calls_others(idle: Idle) -> None:
    """It is a client in the namespace, and has no certificate."""
    web = idle.make("Web")
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(web, "Ca", AUTHORITY)
    game = idle.make("Game", port=7777, service_connect=ServiceConnect.tcp(certificate_authority=authority))
    idle.edge.add_listener("Game", port=7777, service=game, protocol=Protocol.UDP, health_check_port="")
    game.link_to(web)
    assert game.service.node.try_find_child("ServiceConnectTlsRole") is None


def test_a_udp_listener_after_a_link(idle: Idle) -> None:
    """Its port has a name already, unless a TCP listener leads to it too."""
    game = idle.make("Linked", port={"game": 7778, "dns": 53, "http": 8080})
    idle.make("Caller").link_to(game)
    udp = partial(idle.edge.add_listener, service=game, protocol=Protocol.UDP, health_check_port="http")
    with pytest.raises(ValueError, match="a UDP listener must be added before the first link to or from its"):
        udp("Linked", port=7778)
    idle.edge.add_listener("Tcp", port=53, service=game, target_port="dns")
    udp("Udp", port=5353, target_port="dns")
