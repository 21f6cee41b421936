"""The names by which services reach each other."""

from itertools import pairwise, permutations
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_servicediscovery as servicediscovery

from fargate_constructs import FargateService, ServiceConnect
from fargate_constructs.service.links.service_connect_names import host_name_of
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

HOURS, SECONDS = Duration.hours(2), Duration.seconds(15)
INGRESS = "AWS::EC2::SecurityGroupIngress"
NAMESPACE = "AWS::ServiceDiscovery::HttpNamespace"


def services_in(part: Part, *ids: str) -> list[FargateService]:
    """Return services in a network of their own, which has its own namespace."""
    part.network = network_in(part)
    return [part.service(id_) for id_ in ids]


def connect_of(part: Part, service: FargateService) -> dict[str, Any]:
    """Return how a service is connected."""
    found: dict[str, Any] = part.of(service.service)["ServiceConnectConfiguration"]
    return found


def depends(part: Part, service: FargateService, other: FargateService) -> bool:
    """Whether one service is deployed after another one."""
    name, others = (part.resolve(each.service.service_name)["Fn::GetAtt"][0] for each in (service, other))
    return others in part.resources("AWS::ECS::Service")[name]["DependsOn"]


@in_shared_stack
def test_a_link(part: Part) -> Steps:
    """It opens one port between two groups, and both services join one namespace; proxies log without a pattern."""
    (web,) = services_in(part, "Web")
    api = part.service("Api", port=8080, multiline_pattern=r"^\d{4}-")
    assert web.link_to(api) == "http://api:8080"
    yield
    (rule,) = part.properties(INGRESS)
    groups = [part.resolve(each.connections.security_groups[0].security_group_id) for each in (api, web)]
    assert [rule[key] for key in ("GroupId", "SourceSecurityGroupId")] == groups
    assert (rule["FromPort"], rule["ToPort"]) == (8080, 8080)
    (namespace,) = part.resources(NAMESPACE)
    connect = connect_of(part, api)
    assert connect["Enabled"] is True
    assert connect["Namespace"] == {"Fn::GetAtt": [namespace, "Arn"]}
    (named,) = connect["Services"]
    assert (named["PortName"], named["ClientAliases"]) == ("api", [{"DnsName": "api", "Port": 8080}])
    assert "awslogs-multiline-pattern" not in connect["LogConfiguration"]["Options"]
    assert depends(part, web, api)
    assert [*part.warnings(web), *part.warnings(api)] == [], "a warning would fail `cdk synth --strict`"


@in_shared_stack
def test_services_without_links_run_no_proxy(part: Part) -> Steps:
    """Names cost a proxy in each task, so only services with links get one."""
    services_in(part, "Web")
    yield
    assert part.resources(NAMESPACE) == {}
    assert all("ServiceConnectConfiguration" not in each for each in part.properties("AWS::ECS::Service"))


@in_shared_stack
def test_links_in_a_circle(part: Part) -> Steps:
    """The link that closes a circle adds no dependency: only the first link decides who is deployed first."""
    web, api, shop = services_in(part, "Web", "Api", "Shop")
    for one, other in ((web, api), (web, shop), (shop, api), (api, web)):
        one.link_to(other)
    yield
    assert len(part.resources(INGRESS)) == 4
    assert (depends(part, web, api), depends(part, api, web)) == (True, False)


@in_shared_stack
@pytest.mark.parametrize("port", [None, 8080], ids=["a worker", "a service"])
def test_a_link_to_a_sidecar(part: Part, port: int | None) -> Steps:
    """By the name of its port, which is opened as any other; only ports that are there before the first link."""
    (web,) = services_in(part, "Web")
    other = part.service("Other", port=port)
    sidecar = other.add_sidecar("metrics", image=IMAGE)
    sidecar.add_port_mappings(ecs.PortMapping(container_port=53))
    sidecar.add_port_mappings(ecs.PortMapping(name="other-metrics", container_port=9090))
    assert web.link_to(other, port="other-metrics") == "http://other:9090"
    sidecar.add_port_mappings(ecs.PortMapping(name="late", container_port=9091))
    with pytest.raises(ValueError, match="must be added before its service's first link, got: 'late' after"):
        web.link_to(other, port="late")
    with pytest.raises(ValueError, match=r"a name that 'other' gave \(.*other-metrics, late\), got: 'none'"):
        web.link_to(other, port="none")
    yield
    names = {each["PortName"]: each["ClientAliases"] for each in connect_of(part, other)["Services"]}
    assert names["other-metrics"] == [{"DnsName": "other", "Port": 9090}]
    assert names.keys() == ({"other-metrics"} if port is None else {"other", "other-metrics"})
    assert [each["FromPort"] for each in part.properties(INGRESS)] == [9090]


@in_shared_stack
def test_a_worker_may_link_to_others(part: Part) -> Steps:
    """A worker uses names without having one."""
    (api,) = services_in(part, "Api")
    worker = part.service("Worker", port=None)
    worker.link_to(api)
    yield
    assert (connect_of(part, worker)["Enabled"], connect_of(part, worker)["Services"]) == (True, [])


@in_shared_stack
def test_links_both_ways_across_stacks_have_no_cycle(part: Part) -> Steps:
    """The stack that links first depends on the other; the rule for the way back stands in it, too."""
    part.network = network_in(part)
    shop, blog = (part.other_stack(name) for name in ("Shop", "Blog"))
    web = part.service("Web", scope=shop, cluster=None)
    api = part.service("Api", scope=blog, cluster=None, port=8080)
    assert [web.link_to(api), api.link_to(web)] == ["http://api:8080", "http://web:80"]
    yield
    assert {each["FromPort"] for each in properties(part.template(shop), INGRESS)} == {80, 8080}
    assert properties(part.template(blog), INGRESS) == []
    assert blog in shop.dependencies
    assert shop not in blog.dependencies


@in_shared_stack
def test_links_crossing_each_other_between_stacks(part: Part) -> Steps:
    """Whatever links to whatever, in any order and again: no two stacks depend on each other."""
    base = part.other_stack("Base")
    part.network = network_in(base)
    group = ec2.SecurityGroup(base, "Group", vpc=part.network.vpc)
    one, two, three = stacks = [part.other_stack(name) for name in ("One", "Two", "Three")]
    ports = {"http": 80, "admin": 81}
    services = [
        part.service("OneA", scope=one, cluster=None, security_groups=[group]),
        part.service("OneB", scope=one, cluster=None, port=ports),
        part.service("TwoA", scope=two, cluster=None, security_groups=[group]),
        part.service("ThreeB", scope=three, cluster=None, port=ports),
    ]
    # The first three links are a circle of stacks.
    pairs = [*pairwise((services[0], *services[2:], services[0])), *permutations(services, 2)]
    for service, other in pairs:
        service.link_to(other)
    services[0].link_to(services[3], port="admin")
    yield
    rules = [rule for stack in stacks for rule in properties(part.template(stack), INGRESS)]
    assert len(rules) == len(list(permutations(services, 2))) + 1
    assert base.dependencies == []


SPEAKS: dict[str, tuple[dict[str, Any], str | None, dict[str, int] | None]] = {
    "http": ({}, "http", {"PerRequestTimeoutSeconds": 0}),
    "http2": ({"protocol_version": elbv2.ApplicationProtocolVersion.HTTP2}, "http2", {"PerRequestTimeoutSeconds": 0}),
    "grpc": ({"protocol_version": elbv2.ApplicationProtocolVersion.GRPC}, "grpc", {"PerRequestTimeoutSeconds": 0}),
    "https": ({"protocol": elbv2.ApplicationProtocol.HTTPS}, None, None),
    "tcp": ({"service_connect": ServiceConnect.tcp(idle_timeout=HOURS)}, None, {"IdleTimeoutSeconds": 7200}),
    "grpcByHand": ({"service_connect": ServiceConnect.grpc()}, "grpc", {"PerRequestTimeoutSeconds": 0}),
    "timeouts": (
        {"service_connect": ServiceConnect.http(per_request_timeout=SECONDS, idle_timeout=HOURS)},
        "http",
        {"PerRequestTimeoutSeconds": 15, "IdleTimeoutSeconds": 7200},
    ),
}


@in_shared_stack
def test_a_link_knows_what_a_service_speaks(part: Part) -> Steps:
    """From the start, for it cannot change; a request may take as long as it will, unless somebody says otherwise."""
    services_in(part)
    services = {name: part.service(name, **arguments) for name, (arguments, *_) in SPEAKS.items()}
    for each in services.values():
        each.join_namespace()
    yield
    for name, service in services.items():
        (mapping,) = part.of(service.task_definition)["ContainerDefinitions"][0]["PortMappings"]
        (connect,) = connect_of(part, service)["Services"]
        assert (mapping.get("AppProtocol"), connect.get("Timeout")) == SPEAKS[name][1:], name


@in_shared_stack
def test_a_given_namespace_and_certificate_authority(part: Part) -> Steps:
    """ECS gets certificates by a role; linked services must be in the same namespace."""
    (web,) = services_in(part, "Web")
    namespace = servicediscovery.HttpNamespace(part, "Names", name="shop")
    arn = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1"
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(part, "Authority", arn)
    options = ServiceConnect.http(namespace=namespace, certificate_authority=authority)
    api = part.service("Api", service_connect=options)
    worker = part.service("Worker", port=None, service_connect=options)
    assert worker.link_to(api) == "http://api:80"
    assert api.join_namespace() is namespace
    with pytest.raises(ValueError, match="linked services must be in the same namespace, got: 'web' and 'api' in two"):
        web.link_to(api)
    yield
    roles = part.resources("AWS::IAM::Role").items()
    ((role, policies),) = (
        (name, each["Properties"]["ManagedPolicyArns"]) for name, each in roles if "ManagedPolicyArns" in str(each)
    )
    assert str(policies).count("ServiceConnectTransportLayerSecurity") == 1
    connect = connect_of(part, api)
    assert connect["Namespace"] == part.resolve(namespace.namespace_arn)
    assert [each["Tls"] for each in connect["Services"]] == [
        {"IssuerCertificateAuthority": {"AwsPcaAuthorityArn": arn}, "RoleArn": {"Fn::GetAtt": [role, "Arn"]}}
    ]
    assert len(part.resources(NAMESPACE)) == 1


@in_shared_stack
def test_a_group_that_must_not_be_changed_is_not(part: Part) -> Steps:
    """An imported group whose rules are kept elsewhere."""
    (web,) = services_in(part, "Web")
    for name, mutable in (("Open", True), ("Fixed", False)):
        group = ec2.SecurityGroup.from_security_group_id(part, name, f"sg-{name}", mutable=mutable)
        web.link_to(part.service(f"{name}Api", security_groups=[group]))
    yield
    assert [each["GroupId"] for each in part.properties(INGRESS)] == ["sg-Open"]


def test_names_that_two_services_have_are_refused() -> None:
    """Even in two stacks: the names belong to the network, and so do those of ports."""
    app = App()
    base, one, two = (Stack(app, name) for name in ("Base", "One", "Two"))
    common: dict[str, Any] = {"network": network_in(base), "image": IMAGE}
    api = FargateService(base, "Api", **common, port={"http": 80, "admin": 81})
    web = FargateService(one, "Web", **common)
    web.link_to(api)

    with pytest.raises(ValueError, match="got: 'web' for Two/Web/Service and One/Web/Service; give one of them anoth"):
        FargateService(two, "Web", **common).link_to(api)
    with pytest.raises(ValueError, match="got: 'api-http' for Base/ApiHttp/Service and Base/Api/Service"):
        web.link_to(FargateService(base, "ApiHttp", **common))


@pytest.mark.parametrize(
    ("id", "name"),
    [("Web", "web"), ("OrderApi", "order-api"), ("HTTPApi", "http-api"), ("S3Sync", "s3-sync"), ("api_v2", "api-v2")],
)
def test_a_name_comes_from_the_id(id: str, name: str) -> None:  # noqa: A002 - what constructs call it
    """In lower case, with a hyphen between words."""
    assert host_name_of(id) == name
