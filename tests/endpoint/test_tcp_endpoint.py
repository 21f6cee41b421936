"""The fixed addresses at which callers reach services by TCP, TLS and UDP."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import Duration, Environment, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match

from fargate_constructs import FargateService, FixedEgressNetwork, TcpEndpoint
from fargate_constructs.endpoint.tcp_listeners import ImportedTcpEndpoint
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.lab import Lab

ELASTIC_IP, INGRESS = "AWS::EC2::EIP", "AWS::EC2::SecurityGroupIngress"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/shared/0123456789abcdef"
Protocol = elbv2.Protocol


class Mail(NamedTuple):
    """An endpoint with a listener of each protocol, for services of another stack, as most tests read it."""

    lab: Lab
    services: Lab
    endpoint: TcpEndpoint
    listeners: dict[str, elbv2.NetworkListener]


@pytest.fixture(scope="module")
def mail() -> Mail:
    """One with a name. One of its listeners is for an office only."""
    lab = Lab()
    services = Lab("Services", lab.app)
    endpoint = lab.tcp("Mail", domain_name="mail.example.com", hosted_zone=lab.zone)
    endpoint.publish(parameter_name="/mail/ingress-ips")
    server = services.service("Server", network=lab.network, port=2525)
    office = ec2.Peer.prefix_list("pl-0123456789abcdef0")
    arguments: dict[str, dict[str, Any]] = {
        "Smtp": {"port": 25, "idle_timeout": Duration.minutes(10)},
        "Mqtts": {"port": 8883, "protocol": Protocol.TLS},
        "Imaps": {"port": 993, "protocol": Protocol.TLS},
        "Dns": {
            "port": 53,
            "protocol": Protocol.TCP_UDP,
            "allow_cidrs": ["203.0.113.0/24"],
            "allow_from": [office],
        },
    }
    listeners = {name: endpoint.add_listener(name, service=server, **each) for name, each in arguments.items()}
    return Mail(lab, services, endpoint, listeners)


def test_an_elastic_ip_in_each_zone(mail: Mail) -> None:
    """They are retained, and published."""
    lab = mail.lab
    found = lab.of(mail.endpoint.load_balancer)
    elastic_ips = lab.template.find_resources(ELASTIC_IP)
    assert found["Scheme"] == "internet-facing"
    assert [each["SubnetId"] for each in found["SubnetMappings"]] == [
        each.subnet_id for each in lab.network.vpc.public_subnets
    ]
    assert [each["AllocationId"]["Fn::GetAtt"][0] for each in found["SubnetMappings"]] == sorted(elastic_ips)
    assert {each["DeletionPolicy"] for each in elastic_ips.values()} == {"RetainExceptOnCreate"}
    addresses = lab.resolve(list(mail.endpoint.ingress_ips))
    assert [each["Fn::GetAtt"][0] for each in addresses] == sorted(elastic_ips)
    lab.template.has_resource_properties("AWS::SSM::Parameter", {"Value": {"Fn::Join": [",", addresses]}})


def test_every_attribute_of_the_load_balancer(mail: Mail) -> None:
    """Each address reaches tasks in each zone, and TLS connections are logged."""
    (bucket,) = mail.lab.template.find_resources("AWS::S3::Bucket")
    assert mail.lab.attributes(mail.endpoint.load_balancer) == {
        "access_logs.s3.bucket": {"Ref": bucket},
        "access_logs.s3.enabled": "true",
        "deletion_protection.enabled": "true",
        "dns_record.client_routing_policy": "any_availability_zone",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "true",
    }
    assert mail.endpoint.access_log_bucket


def test_the_log_service_of_this_account_writes_the_logs(mail: Mail) -> None:
    """It may put objects below this account's path, and see the bucket's access control list."""
    (policy,) = mail.lab.all("AWS::S3::BucketPolicy")
    service = {"Service": "delivery.logs.amazonaws.com"}
    statements = [each for each in policy["PolicyDocument"]["Statement"] if each["Principal"] == service]
    assert [each["Action"] for each in statements] == ["s3:PutObject", "s3:GetBucketAcl"]
    assert str(statements[0]["Resource"]).endswith("'/AWSLogs/', {'Ref': 'AWS::AccountId'}, '/*']]}")
    for each in statements:
        assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
        assert ":logs:" in each["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]


def test_the_name_and_one_certificate(mail: Mail) -> None:
    """The record leads to the load balancer, and both TLS listeners serve the certificate of the name."""
    mail.lab.template.has_resource_properties("AWS::Route53::RecordSet", {"Name": "mail.example.com.", "Type": "A"})
    (certificate,) = mail.lab.all("AWS::CertificateManager::Certificate")
    assert certificate["DomainName"] == "mail.example.com"
    served = [mail.services.of(mail.listeners[name])["Certificates"] for name in ("Mqtts", "Imaps")]
    assert served[0] == served[1]
    assert mail.endpoint.host == "mail.example.com"


def test_a_listener_of_each_protocol(mail: Mail) -> None:
    """TLS ends at the load balancer; what passes through unopened is TCP."""
    found = {name: mail.services.of(each) for name, each in mail.listeners.items()}
    groups = mail.services.template.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup")
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


def test_callers_of_each_port(mail: Mail) -> None:
    """Everyone, except where a listener says who. UDP has its own rules."""
    (group,) = mail.endpoint.connections.security_groups
    rules = mail.lab.of(group)["SecurityGroupIngress"]
    lists = mail.lab.all(INGRESS, SourcePrefixListId="pl-0123456789abcdef0")
    assert [(rule["CidrIp"], rule["IpProtocol"], rule["FromPort"]) for rule in rules] == [
        ("0.0.0.0/0", "tcp", 25),
        ("0.0.0.0/0", "tcp", 8883),
        ("0.0.0.0/0", "tcp", 993),
        ("203.0.113.0/24", "tcp", 53),
        ("203.0.113.0/24", "udp", 53),
    ]
    assert [(rule["IpProtocol"], rule["FromPort"]) for rule in lists] == [("tcp", 53), ("udp", 53)]


def test_the_services_stack_depends_on_the_endpoints(mail: Mail) -> None:
    """And never the other way round."""
    assert mail.services.template  # synthesis adds the dependencies
    assert [each.stack_name for each in mail.services.stack.dependencies] == ["Test"]
    assert mail.lab.stack.dependencies == []


# --- Other endpoints ---


class Others(NamedTuple):
    """Endpoints of other kinds in one stack."""

    lab: Lab
    endpoints: dict[str, TcpEndpoint]
    database: FargateService
    ipv6: FargateService

    def ingress(self, name: str) -> list[dict[str, Any]]:
        """Return the rules of the security group of an endpoint."""
        (group,) = self.endpoints[name].connections.security_groups
        rules: list[dict[str, Any]] = self.lab.of(group)["SecurityGroupIngress"]
        return rules


@pytest.fixture(scope="module")
def others() -> Others:
    """One synthesis for all of them."""
    lab = Lab()
    private = route53.HostedZone(lab.stack, "Private", zone_name="corp.example", vpcs=[lab.network.vpc])
    vpc = ec2.Vpc(lab.stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK, max_azs=2)
    dual_stack = FixedEgressNetwork.from_vpc(lab.stack, "DualStackNetwork", vpc, egress_ips=["203.0.113.7"])
    arguments: dict[str, dict[str, Any]] = {
        "Internal": {
            "internal": True,
            "domain_name": "db.corp.example",
            "hosted_zone": private,
            "access_log_bucket": s3.Bucket(lab.stack, "Bucket"),
            "access_log_prefix": "db",
            "deletion_protection": False,
            "cross_zone_enabled": False,
        },
        "Given": {"static_ips": ["eipalloc-1", "eipalloc-2"]},
        "Without": {"static_ips": False},
        "OwnNetwork": {"network": FixedEgressNetwork(lab.stack, "OwnVpc")},
        "DualStack": {
            "network": dual_stack,
            "ip_address_type": elbv2.IpAddressType.DUAL_STACK,
            "domain_name": "mail.example.com",
            "hosted_zone": lab.zone,
        },
        "Many": {"allow_cidrs": [f"10.{number}.0.0/16" for number in range(40)]},
    }
    endpoints = {name: lab.tcp(name, **each) for name, each in arguments.items()}
    database, ipv6 = lab.service("Db", port=5432), lab.service("Smtp6", network=dual_stack, port=2525)
    smtp = lab.service("Smtp", port=2525)
    internal = endpoints["Internal"]
    internal.add_listener("Closed", port=5432, service=database)
    internal.add_listener("Open", port=5433, service=database, allow_cidrs=["10.0.0.0/8"])
    internal.add_listener("Tls", port=5434, service=database, certificate=lab.certificate)
    endpoints["DualStack"].add_listener("Smtp", port=25, service=ipv6)
    for port in (25, 465, 587):
        endpoints["Many"].add_listener(f"Port{port}", port=port, service=smtp)
    assert lab.template  # before listeners are refused
    return Others(lab, endpoints, database, ipv6)


def test_internal_with_logs_in_a_given_bucket(others: Others) -> None:
    """It has private addresses and no Elastic IPs, and allows the callers that are given; logs have a prefix."""
    lab, endpoint = others.lab, others.endpoints["Internal"]
    found, attributes = lab.of(endpoint.load_balancer), lab.attributes(endpoint.load_balancer)
    assert (found["Scheme"], found["Subnets"]) == ("internal", [each.subnet_id for each in lab.network.task_subnets])
    assert endpoint.ingress_ips == ()
    assert [rule["FromPort"] for rule in others.ingress("Internal")] == [5433]
    assert attributes["access_logs.s3.prefix"] == "db"
    assert attributes["load_balancing.cross_zone.enabled"] == attributes["deletion_protection.enabled"] == "false"
    assert endpoint.is_internal
    for target_group in others.database.network_target_groups:
        values = {each["Key"]: each["Value"] for each in lab.of(target_group)["TargetGroupAttributes"]}
        assert values["preserve_client_ip.enabled"] == "false"


def test_given_elastic_ips_and_none(others: Others) -> None:
    """The allocation IDs are the load balancer's; without static IPs AWS gives it addresses."""
    lab, given, without = others.lab, others.endpoints["Given"], others.endpoints["Without"]
    mappings = lab.of(given.load_balancer)["SubnetMappings"]
    assert [each["AllocationId"] for each in mappings] == ["eipalloc-1", "eipalloc-2"]
    assert len(lab.of(without.load_balancer)["Subnets"]) == 2
    assert given.elastic_ip_pool is without.elastic_ip_pool is None
    assert given.ingress_ips == without.ingress_ips == ()
    assert lab.resolve(without.host) == lab.resolve(without.load_balancer.load_balancer_dns_name)


def test_elastic_ips_wait_for_the_internet_gateway(others: Others) -> None:
    """The load balancer and its addresses are made after the routes to the gateway, which wait for its attachment."""
    resources = others.lab.template.to_json()["Resources"]
    ours = {
        name: each["DependsOn"]
        for name, each in resources.items()
        if name.startswith("OwnNetwork") and each["Type"] in {"AWS::ElasticLoadBalancingV2::LoadBalancer", ELASTIC_IP}
    }
    routes = {name for name, each in resources.items() if "GatewayId" in each.get("Properties", {})}
    routes = {name for name in routes if name.startswith("OwnVpc")}
    assert (len(ours), len(routes)) == (3, 2)
    assert all(routes <= set(each) for each in ours.values())


def test_callers_with_ipv6(others: Others) -> None:
    """A dual-stack endpoint has Elastic IPs too, an AAAA record, and allows every address of both families."""
    endpoint = others.endpoints["DualStack"]
    assert [rule.get("CidrIp") or rule["CidrIpv6"] for rule in others.ingress("DualStack")] == ["0.0.0.0/0", "::/0"]
    records = others.lab.all("AWS::Route53::RecordSet", Name="mail.example.com.")
    assert {each["Type"] for each in records} == {"A", "AAAA"}
    assert "AllocationId" in others.lab.of(endpoint.load_balancer)["SubnetMappings"][0]
    with pytest.raises(ValueError, match="a dual-stack TcpEndpoint serves TCP and TLS only, got listener 'Dns' with"):
        endpoint.add_listener("Dns", port=53, service=others.ipv6, protocol=Protocol.TCP_UDP)


def test_many_callers_get_further_groups(others: Others) -> None:
    """The rules of all listeners share five security groups of sixty rules, and more is refused."""
    endpoint = others.endpoints["Many"]
    ranges = [f"172.16.{number}.0/24" for number in range(100)]
    with pytest.raises(ValueError, match="got: 6 for 100 ranges and 0 others on ports 53, beside the callers of o"):
        endpoint.add_listener("Dns", port=53, service=others.database, protocol=Protocol.TCP_UDP, allow_cidrs=ranges)

    groups = endpoint.load_balancer.connections.security_groups
    found = others.lab.of(endpoint.load_balancer)["SecurityGroups"]
    assert found == others.lab.resolve([each.security_group_id for each in groups])
    assert [len(others.lab.of(each)["SecurityGroupIngress"]) for each in groups] == [60, 60]


# --- Imported load balancers ---


class Imported(NamedTuple):
    """Load balancers made elsewhere, one without a known security group."""

    lab: Lab
    endpoint: ImportedTcpEndpoint
    bare: ImportedTcpEndpoint
    service: FargateService


@pytest.fixture(scope="module")
def imported() -> Imported:
    """One synthesis for both."""
    lab = Lab()
    made_elsewhere = elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes
    groups = ["sg-0123456789abcdef0"]
    shared = made_elsewhere(
        lab.stack, "Shared", load_balancer_arn=ARN, load_balancer_security_groups=groups, vpc=lab.network.vpc
    )
    endpoint = TcpEndpoint.from_load_balancer(lab.stack, "Endpoint", shared)
    bare = TcpEndpoint.from_load_balancer(
        lab.stack, "Bare", made_elsewhere(lab.stack, "Unknown", load_balancer_arn=ARN.replace("shared", "other"))
    )
    service = lab.service("Smtp", port=2525)
    endpoint.add_listener("Smtp", port=25, service=service)
    endpoint.add_listener("Office", port=2526, service=service, allow_cidrs=["203.0.113.0/24"])
    # Whether it has IPv6 is not known here.
    endpoint.add_listener("Office6", port=2527, service=service, allow_cidrs=["2001:db8::/32"])
    endpoint.add_listener("Tls", port=465, service=service, certificate=lab.certificate)
    bare.add_listener("Bare", port=25, service=service)
    assert lab.template  # before listeners are refused
    assert lab.annotations
    return Imported(lab, endpoint, bare, service)


def test_a_load_balancer_made_elsewhere(imported: Imported) -> None:
    """It may reach the tasks. Callers are allowed in its security group if the listener says who."""
    lab = imported.lab
    listeners = {each["LoadBalancerArn"] for each in lab.all("AWS::ElasticLoadBalancingV2::Listener")}
    assert listeners == {ARN, ARN.replace("shared", "other")}
    to_tasks = lab.all(INGRESS, SourceSecurityGroupId="sg-0123456789abcdef0")
    assert [rule["FromPort"] for rule in to_tasks] == [2525], "AWS refuses a rule that the group has"
    ingress = lab.all(INGRESS, GroupId="sg-0123456789abcdef0")
    assert [(rule.get("CidrIp") or rule["CidrIpv6"], rule["FromPort"]) for rule in ingress] == [
        ("203.0.113.0/24", 2526),
        ("2001:db8::/32", 2527),
    ]
    assert lab.all("AWS::EC2::SecurityGroupEgress", GroupId="sg-0123456789abcdef0", FromPort=2525, IpProtocol="tcp")


def test_a_load_balancer_without_a_known_security_group(imported: Imported) -> None:
    """The tasks are not opened, and synthesis says so. Callers cannot be limited there."""
    with pytest.raises(ValueError, match="need a security group of the load balancer, got none of Test/Unknown;"):
        imported.bare.add_listener("Office", port=26, service=imported.service, allow_cidrs=["203.0.113.0/24"])

    imported.lab.annotations.has_warning(
        "/Test/Smtp/Service", Match.string_like_regexp("Test/Unknown has no security group that is known here")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"port": 25}, "port must differ from those of other listeners, got: 25 for 'New', which"),
        ({"protocol": Protocol.TLS}, "protocol TLS needs a certificate, got none for listener 'New'; pass cert"),
        ({"allow_cidrs": [f"10.{number}.0.0/16" for number in range(61)]}, "must fit into 1 security groups of 60"),
    ],
    ids=["port", "certificate", "callers"],
)
def test_listeners_that_an_imported_one_cannot_have(
    imported: Imported, arguments: dict[str, Any], message: str
) -> None:
    """Also by another endpoint of the same load balancer."""
    same = TcpEndpoint.from_load_balancer(imported.lab.stack, f"Same{next(NUMBERS)}", imported.endpoint.load_balancer)
    with pytest.raises(ValueError, match=message):
        same.add_listener("New", **{"port": 26, "service": imported.service, **arguments})


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("IPV4", {"allow_cidrs": ["2001:db8::/32"]}, "must hold IPv4 ranges for a load balancer without IPv6 add"),
        ("DUAL_STACK", {"protocol": Protocol.TCP_UDP}, "a dual-stack TcpEndpoint serves TCP and TLS only"),
    ],
)
def test_a_load_balancer_of_the_app_made_elsewhere(
    idle: Lab, refusing: "Refusing", kind: str, arguments: dict[str, Any], message: str
) -> None:
    """Its families are known: one with IPv6 has no UDP, and one without has no IPv6 callers."""
    shared = elbv2.NetworkLoadBalancer(
        idle.stack, f"Tcp{kind}", vpc=idle.network.vpc, ip_address_type=elbv2.IpAddressType[kind]
    )
    endpoint = TcpEndpoint.from_load_balancer(idle.stack, f"TcpOf{kind}", shared)
    with pytest.raises(ValueError, match=message):
        endpoint.add_listener("Dns", port=53, service=refusing.service, **arguments)


def test_new_names_and_callers_replace_nothing() -> None:
    """They can be added later. An endpoint without a listener is found at synthesis."""
    before, after = Lab(), Lab()
    before.tcp()
    after.tcp(
        domain_name="mail.example.com",
        hosted_zone=after.zone,
        allow_cidrs=["203.0.113.0/24"],
        cross_zone_enabled=False,
    )
    assert_no_replacement(before.stack, after.stack)
    report = Path(before.app.outdir, "validation-report.json").read_text()
    assert "Test/Endpoint must have a listener, got none in this app: it accepts no connections" in report


# --- Refusals ---

NUMBERS = count()
Arguments = dict[str, Any] | Callable[[Lab], dict[str, Any]]
REFUSED: dict[str, tuple[Arguments, str]] = {
    "internal with Elastic IPs": ({"internal": True, "static_ips": True}, "got them beside internal=True; leave one"),
    "one Elastic IP for two zones": ({"static_ips": ["eipalloc-1"]}, "static_ips must be True or 2 IDs"),
    "name alone": ({"domain_name": "mail.example.com"}, "domain_name is given without hosted_zone; records are made"),
    "zone alone": (lambda idle: {"hosted_zone": idle.zone}, "hosted_zone is given without domain_name; records are"),
    "name outside the zone": (
        lambda idle: {"domain_name": "mail.example.org", "hosted_zone": idle.zone},
        "domain_name must be in the hosted zone 'example.com', got: 'mail.example.org'",
    ),
    "wildcard": (
        lambda idle: {"domain_name": "*.example.com", "hosted_zone": idle.zone},
        "got: '*.example.com'; HttpEndpoint.add_domain accepts",
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
def test_refused(idle: Lab, arguments: Arguments, message: str) -> None:
    """Before anything is made, with what to change."""
    name = f"TcpRefused{next(NUMBERS)}"
    with pytest.raises((ValueError, TypeError)) as error:
        idle.tcp(name, **(arguments(idle) if callable(arguments) else arguments))
    assert message in str(error.value)
    assert idle.stack.node.try_find_child(name) is None


class Refusing(NamedTuple):
    """An endpoint with a listener on port 25, and its service."""

    endpoint: TcpEndpoint
    service: FargateService


@pytest.fixture(scope="module")
def refusing(idle: Lab) -> Refusing:
    """One for all refusals."""
    endpoint, service = idle.tcp("TcpRefusing"), idle.service("TcpSmtp", port={"smtp": 2525, "http": 80})
    endpoint.add_listener("Smtp", port=25, service=service)
    return Refusing(endpoint, service)


REFUSED_LISTENERS: dict[str, tuple[Arguments, str]] = {
    "a port in use": (
        {"port": 25, "protocol": Protocol.UDP},
        "'Smtp' of Test/TcpSmtp has; protocol=elbv2.Protocol.TCP",
    ),
    "port 0": ({"port": 0}, "port must be 1 to 65535, got: 0"),
    "a high port": ({"port": 65536}, "port must be 1 to 65535, got: 65536"),
    "a port that is a token": ({"port": Token.as_number({"Ref": "Port"})}, "port must be known at synthesis"),
    "HTTP": ({"protocol": Protocol.HTTP}, "protocol must be TCP, TLS, UDP, TCP_UDP, got: HTTP; HTTP has routes at an"),
    "TLS without a certificate": (
        {"protocol": Protocol.TLS},
        "; pass certificate=..., or give the endpoint domain_name",
    ),
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
    "a short idle timeout": ({"idle_timeout": Duration.seconds(59)}, "must be 60 to 6000 seconds, got: 59"),
    "a long idle timeout": ({"idle_timeout": Duration.hours(2)}, "idle_timeout must be 60 to 6000 seconds, got: 7200"),
    "an idle timeout of UDP": (
        {"protocol": Protocol.UDP, "idle_timeout": Duration.minutes(5), "health_check_port": "http"},
        "idle_timeout can be set for TCP only, got it for listener 'New' with UDP; AWS closes TLS connections after",
    ),
    "callers with a typing error": ({"allow_cidrs": ["203.0.113.0"]}, "it has no mask"),
    "an ID twice": ({"id": "Smtp"}, "id must differ from the service's other listeners, got: 'Smtp' again of"),
    "no such port": ({"target_port": "imap"}, "target_port must be a name that 'tcp-smtp' gave (smtp, http), got: 'i"),
    "no such port to check": (
        {"health_check_port": "imap"},
        "health_check_port must be a name that 'tcp-smtp' gave (smtp, http)",
    ),
    "a test port in use": (
        {"test_port": 25},
        "test_port must differ from those of other listeners, got: 25 for 'New', which 'Smtp'",
    ),
    "a test port that is the port": ({"test_port": 1000}, "test_port must differ from port, got: 1000 for both of"),
    "a test port that is a token": ({"test_port": Token.as_number({"Ref": "Port"})}, "test_port must be known at syn"),
    "a test port without a test": (
        {"test_port": 1001},
        "shift traffic, got it for listener 'New' of Test/TcpSmtp; write",
    ),
    "ALPN without TLS": ({"alpn_policy": elbv2.AlpnPolicy.HTTP2_PREFERRED}, "'New' with TCP; pass protocol="),
    "UDP without a check": ({"protocol": Protocol.UDP}, "got listener 'New' without health_check_port; name the"),
    "a check over UDP": ({"health_check_protocol": Protocol.UDP}, "must be TCP, HTTP or HTTPS, got: UDP"),
    "UDP without the addresses of callers": (
        {"protocol": Protocol.TCP_UDP, "preserve_client_ip": False},
        "preserve_client_ip cannot be False with TCP_UDP, got it for listener 'New': AWS always preserves",
    ),
    "a long drain": ({"deregistration_delay": Duration.hours(2)}, "must be 0 to 3600 seconds, got: 7200"),
    "a service of another network": (
        lambda idle: {
            "service": idle.service(
                f"TcpOther{next(NUMBERS)}", network=FixedEgressNetwork(idle.stack, f"TcpNetwork{next(NUMBERS)}")
            )
        },
        "a service and its endpoint must be in the same network, got listener 'New' to Test/TcpOther",
    ),
    "a worker": (
        lambda idle: {"service": idle.service(f"TcpWorker{next(NUMBERS)}", port=None)},
        "a listener needs a service with a port, got the worker 'tcp-worker",
    ),
    "no service": ({"service": "smtp"}, "service"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED_LISTENERS.values(), ids=REFUSED_LISTENERS)
def test_refused_listeners(idle: Lab, refusing: Refusing, arguments: Arguments, message: str) -> None:
    """Before anything is made, with what to change."""
    given: dict[str, Any] = {"id": "New", "port": 1000, "service": refusing.service}
    given |= arguments(idle) if callable(arguments) else arguments
    with pytest.raises((ValueError, TypeError)) as error:
        refusing.endpoint.add_listener(given.pop("id"), **given)
    assert message in str(error.value)
    assert len(refusing.service.network_target_groups) == 1


def test_at_most_fifty_listeners(idle: Lab, refusing: Refusing) -> None:
    """AWS's quota, which it does not raise."""
    endpoint = idle.tcp("TcpFull")
    for port in range(1, 51):
        endpoint._names[port] = f"'Port{port}' of Test/Smtp"  # noqa: SLF001 - fifty services would take seconds
    with pytest.raises(ValueError, match="a network load balancer has at most 50 listeners, got another: 'More'"):
        endpoint.add_listener("More", port=51, service=refusing.service)


def test_a_certificate_that_acm_cannot_make(idle: Lab, refusing: Refusing) -> None:
    """For a name in a private zone, because ACM checks public DNS."""
    zone = route53.HostedZone(idle.stack, "TcpPrivate", zone_name="corp.example", vpcs=[idle.network.vpc])
    endpoint = idle.tcp("TcpCorp", domain_name="mqtt.corp.example", hosted_zone=zone)
    with pytest.raises(ValueError, match="hosted_zone must be public, because ACM validates the certificate in public"):
        endpoint.add_listener("Mqtts", port=8883, service=refusing.service, protocol=Protocol.TLS)


def test_other_regions_and_second_parameters_are_refused() -> None:
    """A certificate of another region, and a second parameter."""
    lab = Lab(env=Environment(region="eu-west-1", account="123456789012"))
    endpoint = lab.tcp()
    with pytest.raises(ValueError, match="certificate must be in the region of 'Test/Endpoint', eu-west-1, that"):
        endpoint.add_listener("Mqtts", port=8883, service=lab.service(), certificate=lab.certificate)
    endpoint.publish(parameter_name="/a")
    with pytest.raises(ValueError, match="publish writes one parameter, got '/b' beside"):
        endpoint.publish(parameter_name="/b")
