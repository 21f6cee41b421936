"""The fixed addresses at which callers reach services by TCP, TLS and UDP."""

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Duration, Environment, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork, TcpEndpoint
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.conftest import Idle
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in, zone_in
from tests.templates import properties, properties_of

BALANCER, ELASTIC_IP = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::EC2::EIP"
GROUP = "AWS::EC2::SecurityGroup"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/shared/0123456789abcdef"
Protocol = elbv2.Protocol


class Lab(NamedTuple):
    """An endpoint with a listener of each protocol, for services of another stack, as most tests read it."""

    stack: Stack
    services: Stack
    network: Network
    endpoint: TcpEndpoint
    listeners: dict[str, elbv2.NetworkListener]
    template: Template
    of_services: Template


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One with a name. One of its listeners is for an office only."""
    app = App()
    stack, services = Stack(app, "Test"), Stack(app, "Services")
    network = network_in(stack)
    endpoint = TcpEndpoint(stack, "Mail", network=network, domain_name="mail.example.com", hosted_zone=zone_in(stack))
    endpoint.publish(parameter_name="/mail/ingress-ips")
    server = FargateService(services, "Server", network=network, image=IMAGE, port=2525)
    office = ec2.Peer.prefix_list("pl-0123456789abcdef0")
    listeners = {
        "Smtp": endpoint.add_listener("Smtp", port=25, service=server, idle_timeout=Duration.minutes(10)),
        "Mqtts": endpoint.add_listener("Mqtts", port=8883, service=server, protocol=Protocol.TLS),
        "Imaps": endpoint.add_listener("Imaps", port=993, service=server, protocol=Protocol.TLS),
        "Dns": endpoint.add_listener(
            "Dns",
            port=53,
            service=server,
            protocol=Protocol.TCP_UDP,
            allow_cidrs=["203.0.113.0/24"],
            allow_from=[office],
        ),
    }
    templates = Template.from_stack(stack), Template.from_stack(services)
    return Lab(stack, services, network, endpoint, listeners, *templates)


def test_an_elastic_ip_in_each_zone(lab: Lab) -> None:
    """They are retained, and published."""
    found = properties_of(lab.template, lab.endpoint.load_balancer)
    elastic_ips = lab.template.find_resources(ELASTIC_IP)
    assert found["Scheme"] == "internet-facing"
    assert [each["SubnetId"] for each in found["SubnetMappings"]] == [
        each.subnet_id for each in lab.network.vpc.public_subnets
    ]
    assert [each["AllocationId"]["Fn::GetAtt"][0] for each in found["SubnetMappings"]] == sorted(elastic_ips)
    assert {each["DeletionPolicy"] for each in elastic_ips.values()} == {"RetainExceptOnCreate"}
    addresses = [lab.stack.resolve(ip) for ip in lab.endpoint.ingress_ips]
    assert [each["Fn::GetAtt"][0] for each in addresses] == sorted(elastic_ips)
    lab.template.has_resource_properties("AWS::SSM::Parameter", {"Value": {"Fn::Join": [",", addresses]}})


def test_every_attribute_of_the_load_balancer(lab: Lab) -> None:
    """Each address reaches tasks in each zone, and TLS connections are logged."""
    attributes = properties_of(lab.template, lab.endpoint.load_balancer)["LoadBalancerAttributes"]
    (bucket,) = lab.template.find_resources("AWS::S3::Bucket")
    assert {each["Key"]: each["Value"] for each in attributes} == {
        "access_logs.s3.bucket": {"Ref": bucket},
        "access_logs.s3.enabled": "true",
        "deletion_protection.enabled": "true",
        "dns_record.client_routing_policy": "any_availability_zone",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "true",
    }
    assert lab.endpoint.access_log_bucket


def test_the_log_service_of_this_account_writes_the_logs(lab: Lab) -> None:
    """It may put objects below this account's path, and see the bucket's access control list."""
    (policy,) = properties(lab.template, "AWS::S3::BucketPolicy")
    statements = [
        each
        for each in policy["PolicyDocument"]["Statement"]
        if each["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    ]
    assert [each["Action"] for each in statements] == ["s3:PutObject", "s3:GetBucketAcl"]
    assert str(statements[0]["Resource"]).endswith("'/AWSLogs/', {'Ref': 'AWS::AccountId'}, '/*']]}")
    for each in statements:
        assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
        assert ":logs:" in each["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]


def test_the_name_and_one_certificate(lab: Lab) -> None:
    """The record leads to the load balancer, and both TLS listeners serve the certificate of the name."""
    lab.template.has_resource_properties("AWS::Route53::RecordSet", {"Name": "mail.example.com.", "Type": "A"})
    (certificate,) = properties(lab.template, "AWS::CertificateManager::Certificate")
    assert certificate["DomainName"] == "mail.example.com"
    served = [properties_of(lab.of_services, lab.listeners[name])["Certificates"] for name in ("Mqtts", "Imaps")]
    assert served[0] == served[1]
    assert lab.endpoint.host == "mail.example.com"


def test_a_listener_of_each_protocol(lab: Lab) -> None:
    """TLS ends at the load balancer; what passes through unopened is TCP."""
    found = {name: properties_of(lab.of_services, each) for name, each in lab.listeners.items()}
    groups = lab.of_services.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup")
    behind = {
        name: groups[each["DefaultActions"][0]["TargetGroupArn"]["Ref"]]["Properties"]["Protocol"]
        for name, each in found.items()
    }
    assert {name: (each["Port"], each["Protocol"], behind[name]) for name, each in found.items()} == {
        "Smtp": (25, "TCP", "TCP"),
        "Mqtts": (8883, "TLS", "TCP"),
        "Imaps": (993, "TLS", "TCP"),
        "Dns": (53, "TCP_UDP", "TCP_UDP"),
    }
    assert found["Smtp"]["ListenerAttributes"] == [{"Key": "tcp.idle_timeout.seconds", "Value": "600"}]
    assert found["Mqtts"]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"


def test_callers_of_each_port(lab: Lab) -> None:
    """Everyone, except where a listener says who. UDP has its own rules."""
    (group,) = lab.endpoint.connections.security_groups
    rules = properties_of(lab.template, group)["SecurityGroupIngress"]
    lists = properties(lab.template, "AWS::EC2::SecurityGroupIngress", {"SourcePrefixListId": "pl-0123456789abcdef0"})
    assert [(rule["CidrIp"], rule["IpProtocol"], rule["FromPort"]) for rule in rules] == [
        ("0.0.0.0/0", "tcp", 25),
        ("0.0.0.0/0", "tcp", 8883),
        ("0.0.0.0/0", "tcp", 993),
        ("203.0.113.0/24", "tcp", 53),
        ("203.0.113.0/24", "udp", 53),
    ]
    assert [(rule["IpProtocol"], rule["FromPort"]) for rule in lists] == [("tcp", 53), ("udp", 53)]


def test_internal_with_logs_in_a_given_bucket(stack: Stack, network: Network) -> None:
    """It has private addresses and no Elastic IPs, and allows the callers that are given; logs have a prefix."""
    zone = route53.HostedZone(stack, "Private", zone_name="corp.example", vpcs=[network.vpc])
    bucket = s3.Bucket(stack, "Bucket")
    endpoint = TcpEndpoint(
        stack,
        "Endpoint",
        network=network,
        internal=True,
        domain_name="db.corp.example",
        hosted_zone=zone,
        access_log_bucket=bucket,
        access_log_prefix="db",
        deletion_protection=False,
        cross_zone_enabled=False,
    )
    service = FargateService(stack, "Db", network=network, image=IMAGE, port=5432)
    endpoint.add_listener("Closed", port=5432, service=service)
    endpoint.add_listener("Open", port=5433, service=service, allow_cidrs=["10.0.0.0/8"])
    endpoint.add_listener("Tls", port=5434, service=service, certificate=certificate_in(stack))

    template = Template.from_stack(stack)
    found = properties_of(template, endpoint.load_balancer)
    attributes = {each["Key"]: each["Value"] for each in found["LoadBalancerAttributes"]}
    (group,) = endpoint.connections.security_groups
    assert (found["Scheme"], found["Subnets"]) == ("internal", [each.subnet_id for each in network.task_subnets])
    assert endpoint.ingress_ips == ()
    assert [rule["FromPort"] for rule in properties_of(template, group)["SecurityGroupIngress"]] == [5433]
    assert attributes["access_logs.s3.prefix"] == "db"
    assert attributes["load_balancing.cross_zone.enabled"] == attributes["deletion_protection.enabled"] == "false"
    assert endpoint.is_internal
    for target_group in service.network_target_groups:
        values = {each["Key"]: each["Value"] for each in properties_of(template, target_group)["TargetGroupAttributes"]}
        assert values["preserve_client_ip.enabled"] == "false"


def test_given_elastic_ips_and_none(stack: Stack, network: Network) -> None:
    """The allocation IDs are the load balancer's; without static IPs AWS gives it addresses."""
    given = TcpEndpoint(stack, "Given", network=network, static_ips=["eipalloc-1", "eipalloc-2"])
    without = TcpEndpoint(stack, "Without", network=network, static_ips=False)

    template = Template.from_stack(stack)
    template.resource_count_is(ELASTIC_IP, 0)
    mappings = properties_of(template, given.load_balancer)["SubnetMappings"]
    assert [each["AllocationId"] for each in mappings] == ["eipalloc-1", "eipalloc-2"]
    assert len(properties_of(template, without.load_balancer)["Subnets"]) == 2
    assert given.ingress_ips == without.ingress_ips == ()
    assert stack.resolve(without.host) == stack.resolve(without.load_balancer.load_balancer_dns_name)


def test_elastic_ips_wait_for_the_internet_gateway(stack: Stack) -> None:
    """The load balancer and its addresses are made after the routes to the gateway, which wait for its attachment."""
    TcpEndpoint(stack, "Endpoint", network=FixedEgressNetwork(stack, "Network"))

    template = Template.from_stack(stack)
    routes = set(template.find_resources("AWS::EC2::Route", {"Properties": {"GatewayId": Match.any_value()}}))
    ours = {
        name: each
        for name, each in template.to_json()["Resources"].items()
        if name.startswith("Endpoint") and each["Type"] in {BALANCER, ELASTIC_IP}
    }
    assert len(ours) == 3
    assert all(routes and routes <= set(each["DependsOn"]) for each in ours.values())


def test_callers_with_ipv6(stack: Stack) -> None:
    """A dual-stack endpoint has Elastic IPs too, an AAAA record, and allows every address of both families."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK, max_azs=2)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    endpoint = TcpEndpoint(
        stack,
        "Endpoint",
        network=network,
        ip_address_type=elbv2.IpAddressType.DUAL_STACK,
        domain_name="mail.example.com",
        hosted_zone=zone_in(stack),
    )
    service = FargateService(stack, "Smtp", network=network, image=IMAGE, port=2525)
    endpoint.add_listener("Smtp", port=25, service=service)

    template = Template.from_stack(stack)
    (group,) = endpoint.connections.security_groups
    rules = properties_of(template, group)["SecurityGroupIngress"]
    assert [rule.get("CidrIp") or rule["CidrIpv6"] for rule in rules] == ["0.0.0.0/0", "::/0"]
    assert {each["Type"] for each in properties(template, "AWS::Route53::RecordSet")} == {"A", "AAAA"}
    assert "AllocationId" in properties_of(template, endpoint.load_balancer)["SubnetMappings"][0]
    with pytest.raises(ValueError, match="a dual-stack TcpEndpoint serves TCP and TLS only, got listener 'Dns' with"):
        endpoint.add_listener("Dns", port=53, service=service, protocol=Protocol.TCP_UDP)


def test_many_callers_get_further_groups(stack: Stack, network: Network) -> None:
    """The rules of all listeners share five security groups of sixty rules, and more is refused."""
    ranges = [f"10.{number}.0.0/16" for number in range(40)]
    endpoint = TcpEndpoint(stack, "Endpoint", network=network, allow_cidrs=ranges)
    service = FargateService(stack, "Smtp", network=network, image=IMAGE, port=2525)
    for port in (25, 465, 587):
        endpoint.add_listener(f"Port{port}", port=port, service=service)
    udp = [*ranges, *(f"172.16.{number}.0/24" for number in range(60))]
    with pytest.raises(ValueError, match="got: 6 for 100 ranges and 0 others on ports 53, beside the callers of o"):
        endpoint.add_listener("Dns", port=53, service=service, protocol=Protocol.TCP_UDP, allow_cidrs=udp)

    template = Template.from_stack(stack)
    groups = [each.security_group_id for each in endpoint.load_balancer.connections.security_groups]
    assert properties_of(template, endpoint.load_balancer)["SecurityGroups"] == stack.resolve(groups)
    counts = [
        len(each["SecurityGroupIngress"])
        for each in properties(template, GROUP, {"GroupDescription": Match.string_like_regexp("allers")})
    ]
    assert counts == [60, 60]


# --- Imported load balancers ---


def load_balancer_in(stack: Stack, **more: Any) -> elbv2.INetworkLoadBalancer:  # noqa: ANN401 - what CDK takes
    """Return a load balancer made elsewhere."""
    return elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(
        stack, "Shared", load_balancer_arn=ARN, **more
    )


def test_a_load_balancer_made_elsewhere(stack: Stack, network: Network) -> None:
    """It may reach the tasks. Callers are allowed in its security group if the listener says who."""
    shared = load_balancer_in(stack, load_balancer_security_groups=["sg-0123456789abcdef0"], vpc=network.vpc)
    endpoint = TcpEndpoint.from_load_balancer(stack, "Endpoint", shared)
    service = FargateService(stack, "Smtp", network=network, image=IMAGE, port=2525)
    endpoint.add_listener("Smtp", port=25, service=service)
    endpoint.add_listener("Office", port=2526, service=service, allow_cidrs=["203.0.113.0/24"])
    # Whether it has IPv6 is not known here.
    endpoint.add_listener("Office6", port=2527, service=service, allow_cidrs=["2001:db8::/32"])
    endpoint.add_listener("Tls", port=465, service=service, certificate=certificate_in(stack))
    with pytest.raises(ValueError, match="port must differ from those of other listeners, got: 25 for 'Again', which"):
        TcpEndpoint.from_load_balancer(stack, "Same", shared).add_listener("Again", port=25, service=service)
    with pytest.raises(ValueError, match=r"protocol TLS needs a certificate, got none for listener 'Bare'; pass cert"):
        endpoint.add_listener("Bare", port=26, service=service, protocol=Protocol.TLS)
    many = [f"10.{number}.0.0/16" for number in range(61)]
    with pytest.raises(ValueError, match="must fit into 1 security groups of 60 rules, got: 2 for 61 ranges"):
        endpoint.add_listener("Many", port=26, service=service, allow_cidrs=many)

    template = Template.from_stack(stack)
    assert {each["LoadBalancerArn"] for each in properties(template, "AWS::ElasticLoadBalancingV2::Listener")} == {ARN}
    to_tasks = properties(template, "AWS::EC2::SecurityGroupIngress", {"SourceSecurityGroupId": "sg-0123456789abcdef0"})
    assert [rule["FromPort"] for rule in to_tasks] == [2525], "AWS refuses a rule that the group has"
    ingress = properties(template, "AWS::EC2::SecurityGroupIngress", {"GroupId": "sg-0123456789abcdef0"})
    assert [(rule.get("CidrIp") or rule["CidrIpv6"], rule["FromPort"]) for rule in ingress] == [
        ("203.0.113.0/24", 2526),
        ("2001:db8::/32", 2527),
    ]
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupEgress", {"GroupId": "sg-0123456789abcdef0", "FromPort": 2525, "IpProtocol": "tcp"}
    )


@pytest.mark.parametrize("kind", ["IPV4", "DUAL_STACK"])
def test_a_load_balancer_of_the_app_made_elsewhere(stack: Stack, network: Network, kind: str) -> None:
    """Its families are known: one with IPv6 has no UDP, and one without has no IPv6 callers."""
    shared = elbv2.NetworkLoadBalancer(stack, "Shared", vpc=network.vpc, ip_address_type=elbv2.IpAddressType[kind])
    endpoint = TcpEndpoint.from_load_balancer(stack, "Endpoint", shared)
    service = FargateService(stack, "Dns", network=network, image=IMAGE, port=5353)
    refused: dict[str, tuple[str, dict[str, Any]]] = {
        "IPV4": ("must hold IPv4 ranges for a load balancer without IPv6 add", {"allow_cidrs": ["2001:db8::/32"]}),
        "DUAL_STACK": ("a dual-stack TcpEndpoint serves TCP and TLS only", {"protocol": Protocol.TCP_UDP}),
    }
    message, arguments = refused[kind]
    with pytest.raises(ValueError, match=message):
        endpoint.add_listener("Dns", port=53, service=service, **arguments)


def test_a_load_balancer_without_a_known_security_group(stack: Stack, network: Network) -> None:
    """The tasks are not opened, and synthesis says so. Callers cannot be limited there."""
    endpoint = TcpEndpoint.from_load_balancer(stack, "Endpoint", load_balancer_in(stack))
    service = FargateService(stack, "Smtp", network=network, image=IMAGE, port=2525)
    endpoint.add_listener("Smtp", port=25, service=service)
    with pytest.raises(ValueError, match="need a security group of the load balancer, got none of Test/Shared; import"):
        endpoint.add_listener("Office", port=26, service=service, allow_cidrs=["203.0.113.0/24"])

    Annotations.from_stack(stack).has_warning(
        "/Test/Smtp/Service", Match.string_like_regexp("Test/Shared has no security group that is known here")
    )


def test_other_stacks_and_templates_without_listeners(lab: Lab) -> None:
    """The services' stack depends on the endpoint's, and never the other way."""
    assert [each.stack_name for each in lab.services.dependencies] == ["Test"]
    assert lab.stack.dependencies == []


def test_new_names_and_callers_replace_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """They can be added later. An endpoint without a listener is found at synthesis."""
    before = Stack(App(), "Test")
    TcpEndpoint(before, "Endpoint", network=network_in(before))
    after = Stack(App(), "Test")
    TcpEndpoint(
        after,
        "Endpoint",
        network=network_in(after),
        domain_name="mail.example.com",
        hosted_zone=zone_in(after),
        allow_cidrs=["203.0.113.0/24"],
        cross_zone_enabled=False,
    )
    assert_no_replacement(before, after)
    assert "Test/Endpoint must have a listener, got none in this app: it accepts no conn" in capfd.readouterr().err


# --- Refusals ---

NUMBERS = count()
Arguments = dict[str, Any] | Callable[[Idle], dict[str, Any]]
REFUSED: dict[str, tuple[Arguments, str]] = {
    "internal with Elastic IPs": ({"internal": True, "static_ips": True}, "static_ips are public IPv4 addresses"),
    "one Elastic IP for two zones": ({"static_ips": ["eipalloc-1"]}, "static_ips must be True or 2 IDs"),
    "no allocation ID": ({"static_ips": ["203.0.113.7", "203.0.113.8"]}, "must hold IDs such as 'eipalloc-0123…'"),
    "name alone": ({"domain_name": "mail.example.com"}, "domain_name is given without hosted_zone; records are made"),
    "zone alone": (lambda idle: {"hosted_zone": idle.zone}, "hosted_zone is given without domain_name; records are"),
    "name outside the zone": (
        lambda idle: {"domain_name": "mail.example.org", "hosted_zone": idle.zone},
        "domain_name must be in the hosted zone 'example.com', got: 'mail.example.org'",
    ),
    "wildcard": (
        lambda idle: {"domain_name": "*.example.com", "hosted_zone": idle.zone},
        "domain_name must be one name that callers use, got: '*.example.com'",
    ),
    "range without a mask": ({"allow_cidrs": ["203.0.113.7"]}, "it has no mask; one address ends in /32"),
    "IPv6 range": ({"allow_cidrs": ["2001:db8::/32"]}, "allow_cidrs must hold IPv4 ranges for a load balancer"),
    "expiration of a given bucket": (
        lambda idle: {
            "access_log_bucket": s3.Bucket(idle.stack, f"TcpBucket{next(NUMBERS)}"),
            "access_log_expiration": Duration.days(7),
        },
        "access_log_expiration must be set on the bucket you give, got: 7 days beside access_log_bucket",
    ),
    "without public IPv4": (
        {"ip_address_type": elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4},
        "ip_address_type must be IPV4 or DUAL_STACK for a TcpEndpoint, got: DUAL_STACK_WITHOUT_PUBLIC_IPV4; AWS has it",
    ),
    "dual stack without IPv6": (
        lambda idle: {
            "network": FixedEgressNetwork(idle.stack, f"TcpNetwork{next(NUMBERS)}"),
            "ip_address_type": elbv2.IpAddressType.DUAL_STACK,
        },
        "ip_address_type must be IPV4, got: DUAL_STACK in ",
    ),
    "a name with an underscore": ({"load_balancer_name": "my_lb"}, "load_balancer_name must be 1 to 32 letters"),
    "a certificate": (lambda idle: {"certificate": idle.certificate}, "certificate"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(idle: Idle, arguments: Arguments, message: str) -> None:
    """Before anything is made, with what to change."""
    given = arguments(idle) if callable(arguments) else arguments
    name = f"TcpRefused{next(NUMBERS)}"
    with pytest.raises((ValueError, TypeError)) as error:
        TcpEndpoint(idle.stack, name, **{"network": idle.network, **given})
    assert message in str(error.value)
    assert idle.stack.node.try_find_child(name) is None


@pytest.fixture(scope="module")
def refusing(idle: Idle) -> tuple[TcpEndpoint, FargateService]:
    """An endpoint with a listener on port 25, and its service."""
    endpoint = TcpEndpoint(idle.stack, "TcpRefusing", network=idle.network)
    service = FargateService(idle.stack, "TcpSmtp", network=idle.network, image=IMAGE, port={"smtp": 2525, "http": 80})
    endpoint.add_listener("Smtp", port=25, service=service)
    return endpoint, service


REFUSED_LISTENERS: dict[str, tuple[Arguments, str]] = {
    "a port in use": ({"port": 25, "protocol": Protocol.UDP}, "got: 25 for 'New', which 'Smtp' of Test/TcpSmtp has"),
    "port 0": ({"port": 0}, "port must be 1 to 65535, got: 0"),
    "a high port": ({"port": 65536}, "port must be 1 to 65535, got: 65536"),
    "a port that is a token": ({"port": Token.as_number({"Ref": "Port"})}, "port must be known at synthesis"),
    "HTTP": ({"protocol": Protocol.HTTP}, "protocol must be TCP, TLS, UDP, TCP_UDP, got: HTTP; HTTP has routes at an"),
    "TLS without a certificate": ({"protocol": Protocol.TLS}, "got none for listener 'New'; pass certificate="),
    "a certificate without TLS": (
        lambda idle: {"protocol": Protocol.TCP, "certificate": idle.certificate},
        "certificate needs protocol TLS, got it for listener 'New' with TCP",
    ),
    "a certificate with UDP": (
        lambda idle: {"protocol": Protocol.UDP, "certificate": idle.certificate},
        "certificate needs protocol TLS, got it for listener 'New' with UDP",
    ),
    "an SSL policy without TLS": ({"ssl_policy": elbv2.SslPolicy.RECOMMENDED_TLS}, "ssl_policy needs protocol TLS, go"),
    "a target group at port 0": ({"target_group_port": 0}, "target_group_port must be 1 to 65535, got: 0"),
    "a short idle timeout": ({"idle_timeout": Duration.seconds(59)}, "idle_timeout must be 60 to 6000 seconds, got:"),
    "a long idle timeout": ({"idle_timeout": Duration.hours(2)}, "idle_timeout must be 60 to 6000 seconds, got: 7200"),
    "an idle timeout of UDP": (
        {"protocol": Protocol.UDP, "idle_timeout": Duration.minutes(5), "health_check_port": "http"},
        "idle_timeout can be set for TCP only, got it for listener 'New' with UDP; AWS closes TLS connections after",
    ),
    "callers with a typing error": ({"allow_cidrs": ["203.0.113.0"]}, "it has no mask"),
    "an ID twice": ({"id": "Smtp"}, "id must differ from the service's other listeners, got: 'Smtp' again of"),
    "no such port": ({"target_port": "imap"}, "target_port must be a name that 'tcp-smtp' gave (smtp, http), got: 'i"),
    "no such port to check": ({"health_check_port": "imap"}, "health_check_port must be a name that 'tcp-smtp'"),
    "a test port in use": ({"test_port": 25}, "test_port must differ from those of other listeners, got: 25 for"),
    "a test port that is the port": ({"test_port": 1000}, "test_port must differ from port, got: 1000 for both of"),
    "a test port that is a token": ({"test_port": Token.as_number({"Ref": "Port"})}, "test_port must be known at syn"),
    "a test port without a test": ({"test_port": 1001}, "test_port needs deployments that shift traffic, got it for"),
    "ALPN without TLS": ({"alpn_policy": elbv2.AlpnPolicy.HTTP2_PREFERRED}, "alpn_policy needs protocol TLS, got it"),
    "UDP without a check": ({"protocol": Protocol.UDP}, "a load balancer checks no health over UDP, got listener"),
    "a check over UDP": ({"health_check_protocol": Protocol.UDP}, "health_check_protocol must be TCP, HTTP or"),
    "UDP without the addresses of callers": (
        {"protocol": Protocol.TCP_UDP, "preserve_client_ip": False},
        "preserve_client_ip cannot be False with TCP_UDP, got it for listener 'New': AWS always preserves",
    ),
    "a long drain": ({"deregistration_delay": Duration.hours(2)}, "deregistration_delay must be 0 to 3600 seconds"),
    "a service of another network": (
        lambda idle: {
            "service": FargateService(
                idle.stack,
                f"TcpOther{next(NUMBERS)}",
                network=FixedEgressNetwork(idle.stack, f"TcpNetwork{next(NUMBERS)}"),
                image=IMAGE,
            )
        },
        "a service and its endpoint must be in the same network, got listener 'New' to Test/TcpOther",
    ),
    "a worker": (
        lambda idle: {
            "service": FargateService(
                idle.stack, f"TcpWorker{next(NUMBERS)}", network=idle.network, image=IMAGE, port=None
            )
        },
        "a listener needs a service with a port, got the worker 'tcp-worker",
    ),
    "no service": ({"service": "smtp"}, "service"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED_LISTENERS.values(), ids=REFUSED_LISTENERS)
def test_refused_listeners(
    idle: Idle, refusing: tuple[TcpEndpoint, FargateService], arguments: Arguments, message: str
) -> None:
    """Before anything is made, with what to change."""
    endpoint, service = refusing
    given: dict[str, Any] = {"id": "New", "port": 1000, "service": service}
    given |= arguments(idle) if callable(arguments) else arguments
    with pytest.raises((ValueError, TypeError)) as error:
        endpoint.add_listener(given.pop("id"), **given)
    assert message in str(error.value)
    assert len(service.network_target_groups) == 1


def test_at_most_fifty_listeners(idle: Idle, refusing: tuple[TcpEndpoint, FargateService]) -> None:
    """AWS's quota, which it does not raise."""
    _, service = refusing
    endpoint = TcpEndpoint(idle.stack, "TcpFull", network=idle.network)
    for port in range(1, 51):
        endpoint._names[port] = f"'Port{port}' of Test/Smtp"  # noqa: SLF001 - fifty services would take seconds
    with pytest.raises(ValueError, match="a network load balancer has at most 50 listeners, got another: 'More'"):
        endpoint.add_listener("More", port=51, service=service)


def test_a_certificate_that_acm_cannot_make(idle: Idle, refusing: tuple[TcpEndpoint, FargateService]) -> None:
    """For a name in a private zone, because ACM checks public DNS."""
    _, service = refusing
    zone = route53.HostedZone(idle.stack, "TcpPrivate", zone_name="corp.example", vpcs=[idle.network.vpc])
    endpoint = TcpEndpoint(
        idle.stack, "TcpCorp", network=idle.network, domain_name="mqtt.corp.example", hosted_zone=zone
    )
    with pytest.raises(ValueError, match="hosted_zone must be public, because ACM validates the certificate in public"):
        endpoint.add_listener("Mqtts", port=8883, service=service, protocol=Protocol.TLS)


def test_other_regions_and_second_parameters_are_refused() -> None:
    """A certificate of another region, and a second parameter."""
    stack = Stack(App(), "Test", env=Environment(region="eu-west-1", account="123456789012"))
    network = network_in(stack)
    endpoint = TcpEndpoint(stack, "Endpoint", network=network)
    service = FargateService(stack, "Mqtt", network=network, image=IMAGE)
    with pytest.raises(ValueError, match="certificate must be in the region of 'Test/Endpoint', eu-west-1, that"):
        endpoint.add_listener("Mqtts", port=8883, service=service, certificate=certificate_in(stack))
    endpoint.publish(parameter_name="/a")
    with pytest.raises(ValueError, match="publish writes one parameter, got '/b' beside"):
        endpoint.publish(parameter_name="/b")
