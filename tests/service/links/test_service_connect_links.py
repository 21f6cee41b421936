"""The names by which services reach each other."""

from itertools import permutations
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork, ServiceConnect
from fargate_constructs.network.network import Network
from fargate_constructs.service.links.service_connect_names import host_name_of
from tests.modes.made_elsewhere import IMAGE
from tests.templates import properties_of

HOURS, SECONDS = Duration.hours(2), Duration.seconds(15)


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service that links to others."""
    return FargateService(stack, "Web", network=network, image=image)


@pytest.fixture
def api(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service to link to."""
    return FargateService(stack, "Api", network=network, image=image, port=8080, multiline_pattern=r"^\d{4}-")


def logical_id_of(stack: Stack, service: FargateService) -> str:
    """Return the logical ID of the ECS service itself."""
    reference: dict[str, list[str]] = stack.resolve(service.service.service_name)
    return reference["Fn::GetAtt"][0]


def test_a_link_opens_one_port_between_two_groups(stack: Stack, web: FargateService, api: FargateService) -> None:
    """Exactly the other's port, from exactly this service's security group."""
    assert web.link_to(api) == "http://api:8080"

    template = Template.from_stack(stack)
    (ingress,) = template.find_resources("AWS::EC2::SecurityGroupIngress").values()
    groups = [stack.resolve(each.connections.security_groups[0].security_group_id) for each in (api, web)]
    assert [ingress["Properties"][key] for key in ("GroupId", "SourceSecurityGroupId")] == groups
    assert (ingress["Properties"]["FromPort"], ingress["Properties"]["ToPort"]) == (8080, 8080)


def test_a_link_gives_a_name(stack: Stack, web: FargateService, api: FargateService) -> None:
    """Both services join one namespace, and the caller is deployed after the other; proxies log without a pattern."""
    web.link_to(api)

    template = Template.from_stack(stack)
    (namespace,) = template.find_resources("AWS::ServiceDiscovery::HttpNamespace")
    connect = properties_of(template, api.service.node.find_child("Service"))["ServiceConnectConfiguration"]
    assert connect["Enabled"] is True
    assert connect["Namespace"] == {"Fn::GetAtt": [namespace, "Arn"]}
    (named,) = connect["Services"]
    assert (named["PortName"], named["ClientAliases"]) == ("api", [{"DnsName": "api", "Port": 8080}])
    assert "awslogs-multiline-pattern" not in connect["LogConfiguration"]["Options"]
    services = template.find_resources("AWS::ECS::Service")
    assert logical_id_of(stack, api) in services[logical_id_of(stack, web)]["DependsOn"]


@pytest.mark.usefixtures("web", "api")
def test_services_without_links_run_no_proxy(stack: Stack) -> None:
    """Names cost a proxy in each task, so only services with links get one."""
    template = Template.from_stack(stack)

    template.resource_count_is("AWS::ServiceDiscovery::HttpNamespace", 0)
    template.all_resources_properties("AWS::ECS::Service", {"ServiceConnectConfiguration": Match.absent()})


def test_two_services_may_link_to_each_other(stack: Stack, web: FargateService, api: FargateService) -> None:
    """Only the first link decides who is deployed first: the template has no cycle."""
    web.link_to(api)
    api.link_to(web)

    services = Template.from_stack(stack).find_resources("AWS::ECS::Service")
    assert logical_id_of(stack, web) not in services[logical_id_of(stack, api)]["DependsOn"]


def test_links_in_a_circle_synthesize(
    stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService, api: FargateService
) -> None:
    """The link that closes a circle adds no dependency."""
    shop = FargateService(stack, "Shop", network=network, image=image)
    web.link_to(api)
    web.link_to(shop)
    shop.link_to(api)
    api.link_to(web)

    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 4)


@pytest.mark.parametrize("port", [None, 8080], ids=["a worker", "a service"])
def test_a_link_to_a_sidecar(
    stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService, port: int | None
) -> None:
    """By the name of its port, which is opened as any other; only ports that are there before the first link."""
    other = FargateService(stack, "Other", network=network, image=image, port=port)
    sidecar = other.add_sidecar("metrics", image=image)
    sidecar.add_port_mappings(ecs.PortMapping(container_port=53))
    sidecar.add_port_mappings(ecs.PortMapping(name="other-metrics", container_port=9090))

    assert web.link_to(other, port="other-metrics") == "http://other:9090"
    sidecar.add_port_mappings(ecs.PortMapping(name="late", container_port=9091))
    with pytest.raises(ValueError, match="must be added before its service's first link, got: 'late' after"):
        web.link_to(other, port="late")
    with pytest.raises(ValueError, match=r"a name that 'other' gave \(.*other-metrics, late\), got: 'none'"):
        web.link_to(other, port="none")

    template = Template.from_stack(stack)
    connect = properties_of(template, other.service.node.find_child("Service"))["ServiceConnectConfiguration"]
    names = {each["PortName"]: each["ClientAliases"] for each in connect["Services"]}
    assert names["other-metrics"] == [{"DnsName": "other", "Port": 9090}]
    assert names.keys() == ({"other-metrics"} if port is None else {"other", "other-metrics"})
    (ingress,) = template.find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert ingress["Properties"]["FromPort"] == 9090


def test_a_worker_may_link_to_others(
    stack: Stack, network: Network, image: ecs.ContainerImage, api: FargateService
) -> None:
    """A worker uses names without having one."""
    FargateService(stack, "Worker", network=network, image=image, port=None).link_to(api)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service",
        {"ServiceConnectConfiguration": Match.object_like({"Enabled": True, "Services": []})},
    )


def test_a_link_across_stacks_has_no_cycle(image: ecs.ContainerImage) -> None:
    """The caller's stack depends on the other's, and on the network's."""
    app = App()
    base, one, two = Stack(app, "Base"), Stack(app, "One"), Stack(app, "Two")
    network = FixedEgressNetwork(base, "Network")
    api = FargateService(one, "Api", network=network, image=image)
    web = FargateService(two, "Web", network=network, image=image)

    web.link_to(api)

    app.synth()
    assert one in two.dependencies
    assert two not in one.dependencies


def test_links_both_ways_across_stacks_have_no_cycle(image: ecs.ContainerImage) -> None:
    """The stack that links first depends on the other; the rule for the way back stands in it, too."""
    app = App()
    base, shop, blog = (Stack(app, name) for name in ("Base", "Shop", "Blog"))
    network = FixedEgressNetwork(base, "Network")
    web = FargateService(shop, "Web", network=network, image=image)
    api = FargateService(blog, "Api", network=network, image=image, port=8080)

    assert [web.link_to(api), api.link_to(web)] == ["http://api:8080", "http://web:80"]

    app.synth()
    assert blog in shop.dependencies
    assert shop not in blog.dependencies
    for port in (80, 8080):
        Template.from_stack(shop).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": port})
    Template.from_stack(blog).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_links_crossing_each_other_between_stacks(image: ecs.ContainerImage) -> None:
    """Whatever links to whatever, in any order and again: no two stacks depend on each other."""
    app = App()
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    group = ec2.SecurityGroup(base, "Group", vpc=network.vpc)
    stacks = [Stack(app, name) for name in ("One", "Two", "Three")]
    services = [
        FargateService(
            stack, f"{stack.stack_name}{kind}", network=network, image=image, security_groups=groups, port=port
        )
        for stack in stacks
        for kind, groups, port in (("A", [group], 80), ("B", [], {"http": 80, "admin": 81}))
    ]

    for _ in range(2):
        for one, other in permutations(services, 2):
            one.link_to(other)
        services[0].link_to(services[3], port="admin")

    app.synth()
    assert base.dependencies == []
    rules = [
        rule["Properties"]
        for stack in stacks
        for rule in Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    ]
    assert len(rules) == len(list(permutations(services, 2))) + 1


def test_links_in_an_imported_vpc(stack: Stack, image: ecs.ContainerImage) -> None:
    """The namespace stands beside a VPC that was made elsewhere."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    web, api = (FargateService(stack, id_, network=network, image=image) for id_ in ("Web", "Api"))

    assert web.link_to(api) == "http://api:80"
    Template.from_stack(stack).resource_count_is("AWS::ServiceDiscovery::HttpNamespace", 1)


@pytest.mark.parametrize(
    ("arguments", "protocol", "timeout"),
    [
        ({}, "http", {"PerRequestTimeoutSeconds": 0}),
        ({"protocol_version": elbv2.ApplicationProtocolVersion.HTTP2}, "http2", {"PerRequestTimeoutSeconds": 0}),
        ({"protocol_version": elbv2.ApplicationProtocolVersion.GRPC}, "grpc", {"PerRequestTimeoutSeconds": 0}),
        ({"protocol": elbv2.ApplicationProtocol.HTTPS}, None, None),
        ({"service_connect": ServiceConnect.tcp(idle_timeout=HOURS)}, None, {"IdleTimeoutSeconds": 7200}),
        ({"service_connect": ServiceConnect.grpc()}, "grpc", {"PerRequestTimeoutSeconds": 0}),
        (
            {"service_connect": ServiceConnect.http(per_request_timeout=SECONDS, idle_timeout=HOURS)},
            "http",
            {"PerRequestTimeoutSeconds": 15, "IdleTimeoutSeconds": 7200},
        ),
    ],
    ids=["http", "http2", "grpc", "https", "tcp", "grpc by hand", "timeouts"],
)
def test_a_link_knows_what_a_service_speaks(
    stack: Stack, network: Network, arguments: dict[str, Any], protocol: str | None, timeout: dict[str, int] | None
) -> None:
    """From the start, for it cannot change; a request may take as long as it will, unless somebody says otherwise."""
    api = FargateService(stack, "Api", network=network, image=IMAGE, **arguments)
    api.join_namespace()

    template = Template.from_stack(stack)
    (definition,) = template.find_resources("AWS::ECS::TaskDefinition").values()
    (service,) = template.find_resources("AWS::ECS::Service").values()
    (mapping,) = definition["Properties"]["ContainerDefinitions"][0]["PortMappings"]
    assert mapping.get("AppProtocol") == protocol
    assert service["Properties"]["ServiceConnectConfiguration"]["Services"][0].get("Timeout") == timeout


def test_a_given_namespace_and_certificate_authority(stack: Stack, network: Network, web: FargateService) -> None:
    """ECS gets certificates by a role; linked services must be in the same namespace."""
    namespace = servicediscovery.HttpNamespace(stack, "Names", name="shop")
    arn = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1"
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Authority", arn)
    options = ServiceConnect.http(namespace=namespace, certificate_authority=authority)
    api = FargateService(stack, "Api", network=network, image=IMAGE, service_connect=options)
    worker = FargateService(stack, "Worker", network=network, image=IMAGE, port=None, service_connect=options)

    assert worker.link_to(api) == "http://api:80"
    assert api.join_namespace() is namespace
    with pytest.raises(ValueError, match="linked services must be in the same namespace, got: 'web' and 'api' in two"):
        web.link_to(api)

    template = Template.from_stack(stack)
    ((role, made),) = template.find_resources(
        "AWS::IAM::Role", {"Properties": {"ManagedPolicyArns": Match.any_value()}}
    ).items()
    assert str(made["Properties"]["ManagedPolicyArns"]).count("ServiceConnectTransportLayerSecurity") == 1
    connect = properties_of(template, api.service.node.find_child("Service"))["ServiceConnectConfiguration"]
    assert connect["Namespace"] == stack.resolve(namespace.namespace_arn)
    assert [each["Tls"] for each in connect["Services"]] == [
        {"IssuerCertificateAuthority": {"AwsPcaAuthorityArn": arn}, "RoleArn": {"Fn::GetAtt": [role, "Arn"]}}
    ]
    template.resource_count_is("AWS::ServiceDiscovery::HttpNamespace", 1)


@pytest.mark.parametrize(("mutable", "rules"), [(True, 1), (False, 0)])
def test_a_group_that_must_not_be_changed_is_not(
    stack: Stack,
    network: Network,
    web: FargateService,
    mutable: bool,  # noqa: FBT001 - a parameter
    rules: int,
) -> None:
    """An imported group whose rules are kept elsewhere."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0", mutable=mutable)
    web.link_to(FargateService(stack, "Api", network=network, image=IMAGE, security_groups=[group]))

    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", rules)


def test_two_services_of_one_name_are_refused(image: ecs.ContainerImage) -> None:
    """Even in two stacks: the names belong to the network."""
    app = App()
    base, one, two = Stack(app, "Base"), Stack(app, "One"), Stack(app, "Two")
    network = FixedEgressNetwork(base, "Network")
    api = FargateService(base, "Api", network=network, image=image)
    FargateService(one, "Web", network=network, image=image).link_to(api)

    with pytest.raises(
        ValueError, match="got: 'web' for Two/Web/Service and One/Web/Service; give one of them another"
    ):
        FargateService(two, "Web", network=network, image=image).link_to(api)


def test_two_ports_of_one_name_are_refused(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Names of ports are names in the namespace, too."""
    web = FargateService(stack, "Web", network=network, image=image)
    web.link_to(FargateService(stack, "Api", network=network, image=image, port={"http": 80, "admin": 81}))

    with pytest.raises(ValueError, match="got: 'api-http' for Test/ApiHttp/Service and Test/Api/Service"):
        web.link_to(FargateService(stack, "ApiHttp", network=network, image=image))


def test_a_link_warns_of_nothing(stack: Stack, web: FargateService, api: FargateService) -> None:
    """What cdk says about it would fail `cdk synth --strict`."""
    web.link_to(api)

    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


@pytest.mark.parametrize(
    ("id", "name"),
    [("Web", "web"), ("OrderApi", "order-api"), ("HTTPApi", "http-api"), ("S3Sync", "s3-sync"), ("api_v2", "api-v2")],
)
def test_a_name_comes_from_the_id(id: str, name: str) -> None:  # noqa: A002 - what constructs call it
    """In lower case, with a hyphen between words."""
    assert host_name_of(id) == name
