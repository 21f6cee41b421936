"""The application load balancer, with each of its attributes said."""

import re

import pytest
from aws_cdk import App, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network

DUAL_STACK = elbv2.IpAddressType.DUAL_STACK
# Documented, but not to be set here, and why.
NOT_SET = {
    "ipv6.deny_all_igw_traffic": "AWS takes it of dual-stack load balancers only.",
    "access_logs.s3.prefix": "The keys begin with AWSLogs/ unless somebody wants otherwise.",
    "connection_logs.s3.bucket": "Connection logs are off.",
    "connection_logs.s3.prefix": "Connection logs are off.",
    "health_check_logs.s3.bucket": "Health check logs are off.",
    "health_check_logs.s3.prefix": "Health check logs are off.",
}


def documented_attributes() -> set[str]:
    """Return the attributes of application load balancers, as the installed CDK documents CloudFormation's."""
    documentation = elbv2.CfnLoadBalancer.LoadBalancerAttributeProperty.__init__.__doc__
    assert documentation is not None
    (listed, *_) = documentation.split("The following attributes are supported by only Network Load Balancers")
    return set(re.findall(r"- ``([a-z0-9_]+(?:\.[a-z0-9_]+)+)``", listed))


def attributes_of(stack: Stack) -> dict[str, object]:
    """Return the attributes that the stack's application load balancer is given."""
    (load_balancer,) = (
        Template.from_stack(stack)
        .find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Properties": {"Type": "application"}})
        .values()
    )
    return {each["Key"]: each["Value"] for each in load_balancer["Properties"]["LoadBalancerAttributes"]}


def dual_stack_network(stack: Stack) -> FixedEgressNetwork:
    """Return a network whose VPC has IPv6."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    return FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])  # type: ignore[return-value]


def test_every_attribute_that_aws_documents_is_said(stack: Stack, network: Network) -> None:
    """None is left to a default that may change, and none is set that AWS does not know."""
    HttpEndpoint(stack, "Endpoint", network=network)

    documented = documented_attributes()
    assert "waf.fail_open.enabled" in documented
    assert "dns_record.client_routing_policy" not in documented
    assert set(attributes_of(stack)) == documented - NOT_SET.keys()
    assert documented >= NOT_SET.keys()


def test_the_load_balancer_is_strict_and_protected(stack: Stack, network: Network) -> None:
    """Bad headers are dropped, ambiguous requests refused, deletion refused, a zone in trouble can be left."""
    HttpEndpoint(stack, "Endpoint", network=network)

    template = Template.from_stack(stack)
    (bucket,) = template.find_resources("AWS::S3::Bucket")
    (policy,) = template.find_resources("AWS::S3::BucketPolicy")
    (load_balancer,) = template.find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert attributes_of(stack) == {
        "access_logs.s3.bucket": {"Ref": bucket},
        "access_logs.s3.enabled": "true",
        "client_keep_alive.seconds": "300",
        "connection_logs.s3.enabled": "false",
        "deletion_protection.enabled": "true",
        "health_check_logs.s3.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "strictest",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http.preserve_host_header.enabled": "true",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
        "zonal_shift.config.enabled": "true",
    }
    assert load_balancer["Properties"]["Scheme"] == "internet-facing"
    assert policy in load_balancer["DependsOn"]


def test_an_internal_one_stands_beside_the_tasks(stack: Stack, network: Network) -> None:
    """In private subnets, without a public address."""
    HttpEndpoint(stack, "Endpoint", network=network, internal=True)

    (load_balancer,) = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    subnets = [stack.resolve(subnet.subnet_id) for subnet in network.task_subnets]
    assert load_balancer["Properties"]["Scheme"] == "internal"
    assert load_balancer["Properties"]["Subnets"] == subnets


@pytest.mark.parametrize(("internal", "denied"), [(False, "false"), (True, "true")])
def test_a_dual_stack_one_says_whether_the_internet_may_come_in(*, internal: bool, denied: str) -> None:
    """IPv6 addresses are public ones, so an internal load balancer refuses what comes by the internet gateway."""
    stack = Stack(App(), "Test")

    HttpEndpoint(stack, "Endpoint", network=dual_stack_network(stack), internal=internal, ip_address_type=DUAL_STACK)

    assert attributes_of(stack)["ipv6.deny_all_igw_traffic"] == denied


def test_a_dual_stack_one_has_both_records_and_rules() -> None:
    """Callers with IPv6 find an AAAA record, and everybody may call in both."""
    stack = Stack(App(), "Test")
    certificate = acm.Certificate.from_certificate_arn(stack, "C", "arn:aws:acm:eu-west-1:123456789012:certificate/1")
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=dual_stack_network(stack), certificate=certificate, ip_address_type=DUAL_STACK
    )

    template = Template.from_stack(stack)
    (security_group, *_) = endpoint.connections.security_groups
    rules = template.find_resources("AWS::EC2::SecurityGroup")[
        stack.get_logical_id(security_group.node.default_child)  # type: ignore[arg-type]
    ]["Properties"]["SecurityGroupIngress"]
    assert [(rule.get("CidrIp") or rule.get("CidrIpv6"), rule["FromPort"]) for rule in rules] == [
        ("0.0.0.0/0", 80),
        ("::/0", 80),
        ("0.0.0.0/0", 443),
        ("::/0", 443),
    ]


def test_a_longer_silence(stack: Stack, network: Network) -> None:
    """Long polling and web sockets may be silent for longer."""
    HttpEndpoint(stack, "Endpoint", network=network, idle_timeout=Duration.minutes(10))

    assert attributes_of(stack)["idle_timeout.timeout_seconds"] == "600"


@pytest.mark.parametrize("timeout", [Duration.seconds(0), Duration.seconds(4001)], ids=["none", "too long"])
def test_a_silence_that_aws_refuses_is_refused(idle_stack: Stack, idle_network: Network, timeout: Duration) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=f"must be 1 to 4000 seconds, got: {timeout.to_seconds():.0f}"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, idle_timeout=timeout)

    assert idle_stack.node.try_find_child("Endpoint") is None


def test_a_number_is_no_duration(idle_stack: Stack, idle_network: Network) -> None:
    """The message says what to write."""
    with pytest.raises(TypeError, match=re.escape("got: 600; write Duration.seconds(...)")):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, idle_timeout=600)  # type: ignore[arg-type]  # the mistake


def test_the_internet_needs_public_subnets(stack: Stack) -> None:
    """A VPC made elsewhere may have none."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a", "b"], private_subnet_ids=["subnet-3", "subnet-4"]
    )
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    with pytest.raises(ValueError, match="needs public subnets, got none in Test/Vpc; pass internal=True"):
        HttpEndpoint(stack, "Endpoint", network=network)

    HttpEndpoint(stack, "Endpoint", network=network, internal=True)


@pytest.mark.parametrize("internal", [False, True], ids=["public", "internal"])
def test_one_subnet_of_each_zone(*, internal: bool) -> None:
    """AWS takes no two of a zone; here, and in a VPC made elsewhere, whose subnets come in any order."""
    stack = Stack(App(), "Test")
    configuration = [
        ec2.SubnetConfiguration(name=name, subnet_type=kind)
        for name, kind in [
            ("front", ec2.SubnetType.PUBLIC),
            ("back", ec2.SubnetType.PUBLIC),
            ("tasks", ec2.SubnetType.PRIVATE_WITH_EGRESS),
            ("data", ec2.SubnetType.PRIVATE_WITH_EGRESS),
        ]
    ]
    own = ec2.Vpc(stack, "Own", max_azs=2, subnet_configuration=configuration)
    imported = ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        public_subnet_ids=["public-1", "public-2", "public-3", "public-4"],
        public_subnet_names=["front", "back"],
        private_subnet_ids=["private-1", "private-2", "private-3", "private-4"],
        private_subnet_names=["tasks", "data"],
    )
    subnets = own.private_subnets if internal else own.public_subnets
    kind = "private" if internal else "public"

    for vpc in (own, imported):
        network = FixedEgressNetwork.from_vpc(stack, f"Of{vpc.node.id}", vpc, egress_ips=["203.0.113.7"])
        HttpEndpoint(stack, f"EndpointIn{vpc.node.id}", network=network, internal=internal)

    load_balancers = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert [each["Properties"]["Subnets"] for each in load_balancers] == [
        [stack.resolve(subnet.subnet_id) for subnet in subnets[:2]],
        [f"{kind}-1", f"{kind}-2"],
    ]


def test_subnets_whose_zone_is_unknown(stack: Stack) -> None:
    """They are taken as they are: how many there are may be known only when deployed, too."""
    ids = CfnParameter(stack, "Subnets", type="List<AWS::EC2::Subnet::Id>").value_as_list
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=Fn.get_azs(),
        public_subnet_ids=ids,
        private_subnet_ids=["private-1", "private-2"],
    )
    apart = [ec2.Subnet.from_subnet_id(stack, f"Subnet{number}", f"apart-{number}") for number in range(2)]
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    other = FixedEgressNetwork.from_vpc(stack, "Other", vpc, egress_ips=["203.0.113.7"], task_subnets=apart)

    HttpEndpoint(stack, "Public", network=network)
    HttpEndpoint(stack, "Internal", network=network, internal=True)
    HttpEndpoint(stack, "Apart", network=other, internal=True)

    load_balancers = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert [each["Properties"]["Subnets"] for each in load_balancers] == [
        {"Ref": "Subnets"},
        ["private-1", "private-2"],
        ["apart-0", "apart-1"],
    ]


@pytest.mark.parametrize("internal", [False, True], ids=["public", "internal"])
def test_one_zone_is_refused(stack: Stack, *, internal: bool) -> None:
    """AWS makes no application load balancer in one."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    with pytest.raises(ValueError, match=r"needs subnets in 2 zones, got those of 1 in Test/Vpc; .* max_azs=2"):
        HttpEndpoint(stack, "Endpoint", network=network, internal=internal)


@pytest.mark.parametrize(
    ("ip_address_type", "error", "message"),
    [
        ("dualstack", TypeError, "must be aws_elasticloadbalancingv2.IpAddressType, got: 'dualstack'"),
        (elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4, ValueError, "must be IPV4 or DUAL_STACK"),
        (DUAL_STACK, ValueError, "must be IPV4, got: DUAL_STACK in Test/Network/Vpc, which has no IPv6 addresses"),
    ],
    ids=["string", "without IPv4", "VPC without IPv6"],
)
def test_address_types_that_would_fail_are_refused(
    stack: Stack, ip_address_type: elbv2.IpAddressType, error: type[Exception], message: str
) -> None:
    """Before the deployment does."""
    network = FixedEgressNetwork(stack, "Network")

    with pytest.raises(error, match=message):
        HttpEndpoint(stack, "Endpoint", network=network, ip_address_type=ip_address_type)
