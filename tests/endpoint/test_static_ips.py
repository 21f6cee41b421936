"""Static IPs for callers."""

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.lab import Lab

ELASTIC_IP = "AWS::EC2::EIP"


class Office(Lab):
    """An endpoint with Elastic IPs of its own, as most tests read it.

    It is for an office, with TLS and without a name, not protected, and with its addresses published.
    """

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = self.http(
            certificate=self.certificate,
            static_ips=True,
            allow_cidrs=["203.0.113.0/24"],
            deletion_protection=False,
        )
        self.endpoint.publish(parameter_name="/shop/ingress-ips")
        assert self.endpoint.static_ips
        self.front = self.endpoint.static_ips.network_load_balancer


@pytest.fixture(scope="module")
def lab() -> Office:
    """One synthesis for most tests."""
    return Office()


def test_an_address_in_each_zone(lab: Office) -> None:
    """They are the network load balancer's, in its public subnets, and are retained when the stack is deleted."""
    found = lab.of(lab.front)
    elastic_ips = {name: each for name, each in lab.template.find_resources(ELASTIC_IP).items() if "Static" in name}
    mappings = found["SubnetMappings"]
    assert found["Scheme"] == "internet-facing"
    assert [each["SubnetId"] for each in mappings] == [each.subnet_id for each in lab.network.vpc.public_subnets]
    assert [each["AllocationId"]["Fn::GetAtt"][0] for each in mappings] == sorted(elastic_ips)
    assert {each["DeletionPolicy"] for each in elastic_ips.values()} == {"RetainExceptOnCreate"}
    assert {each["UpdateReplacePolicy"] for each in elastic_ips.values()} == {"Retain"}
    assert [lab.resolve(ip)["Fn::GetAtt"][0] for ip in lab.endpoint.ingress_ips] == sorted(elastic_ips)


def test_one_address_is_enough(lab: Office) -> None:
    """The network load balancer forwards to every zone. AWS has no zonal shift with that for such targets."""
    assert lab.attributes(lab.front) == {
        "access_logs.s3.enabled": "false",
        "deletion_protection.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "false",
    }


def test_connections_are_forwarded_unopened(lab: Office) -> None:
    """Both ports forward to the application load balancer, whose health is checked over plain HTTP."""
    for port in (80, 443):
        lab.template.has_resource_properties(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {
                "Port": port,
                "Protocol": "TCP",
                "TargetType": "alb",
                "Targets": [{"Id": lab.resolve(lab.endpoint.load_balancer.load_balancer_arn), "Port": port}],
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPort": "80",
                "Matcher": {"HttpCode": "200-599"},
                # AWS accepts no attributes of such a target group; the caller's address is always kept.
                "TargetGroupAttributes": Match.absent(),
            },
        )
        lab.template.has_resource_properties("AWS::ElasticLoadBalancingV2::Listener", {"Port": port, "Protocol": "TCP"})


def test_callers_use_the_addresses_only(lab: Office) -> None:
    """The network load balancer has the callers' rules. The application load balancer allows only that one."""
    (front,), (behind,) = (each.connections.security_groups for each in (lab.front, lab.endpoint.load_balancer))
    front_id, behind_id = (lab.resolve(group.security_group_id) for group in (front, behind))
    own = lab.of(front)["SecurityGroupIngress"]
    into = lab.all("AWS::EC2::SecurityGroupIngress", GroupId=behind_id)
    out = lab.all("AWS::EC2::SecurityGroupEgress", GroupId=front_id)

    assert lab.endpoint.connections.security_groups == [front]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in own] == [("203.0.113.0/24", port) for port in (80, 443)]
    assert "SecurityGroupIngress" not in lab.of(behind)
    assert [(rule["SourceSecurityGroupId"], rule["FromPort"]) for rule in into] == [(front_id, 80), (front_id, 443)]
    assert [(rule["DestinationSecurityGroupId"], rule["ToPort"]) for rule in out] == [
        (behind_id, 80),
        (behind_id, 443),
    ]


def test_without_a_name_the_url_is_the_network_load_balancers(lab: Office) -> None:
    """The application load balancer's own name does not answer."""
    name = lab.resolve(lab.front.load_balancer_dns_name)
    assert lab.resolve(lab.endpoint.url) == {"Fn::Join": ["", ["https://", name]]}


def test_the_addresses_are_published_once(lab: Office) -> None:
    """In a parameter. The refusal of a second one says how to make it."""
    addresses = [lab.resolve(ip) for ip in lab.endpoint.ingress_ips]
    lab.template.has_resource_properties(
        "AWS::SSM::Parameter",
        {"Name": "/shop/ingress-ips", "Type": "StringList", "Value": {"Fn::Join": [",", addresses]}},
    )
    with pytest.raises(ValueError, match=r"one parameter, got '/b' beside .*IngressIpsParameter; make another by ssm"):
        lab.endpoint.publish(parameter_name="/b")


def front_of(endpoint: HttpEndpoint) -> elbv2.NetworkLoadBalancer:
    """Return the network load balancer of an endpoint."""
    assert endpoint.static_ips
    return endpoint.static_ips.network_load_balancer


class Others(Lab):
    """An endpoint with names, one in zones of many subnets, and some with addresses of your own."""

    def __init__(self) -> None:
        super().__init__()
        self.named = self.http("Named", domain_name="shop.example.com", hosted_zone=self.zone, static_ips=True)
        self.named.add_domain("www.example.com", hosted_zone=self.zone)
        public, private = ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS
        subnets = [
            ec2.SubnetConfiguration(name=name, subnet_type=kind)
            for name, kind in (("front", public), ("back", public), ("tasks", private))
        ]
        vpc = ec2.Vpc(self.stack, "ManyVpc", max_azs=2, subnet_configuration=subnets)
        network = FixedEgressNetwork.from_vpc(self.stack, "ManyNetwork", vpc, egress_ips=["203.0.113.7"])
        self.many = self.http("Many", network=network, static_ips=True)
        tokens = [ec2.CfnEIP(self.stack, name).attr_allocation_id for name in ("One", "Two")]
        self.own = [
            (ids, self.http(name, static_ips=ids))
            for name, ids in (("Known", ["eipalloc-1", "eipalloc-2"]), ("Tokens", tokens))
        ]


@pytest.fixture(scope="module")
def others() -> Others:
    """One synthesis for them."""
    return Others()


def test_names_point_at_the_addresses(others: Others) -> None:
    """The records of all names, also of those added later."""
    name = others.resolve(front_of(others.named).load_balancer_dns_name)
    targets = [record["AliasTarget"]["DNSName"] for record in others.all("AWS::Route53::RecordSet")]
    assert targets == [{"Fn::Join": ["", ["dualstack.", name]]}] * 2


def test_an_address_in_each_zone_of_many_subnets(others: Others) -> None:
    """A second public subnet of a zone has none. The addresses need the VPC's internet gateway."""
    assert len(others.many.ingress_ips) == len(others.of(front_of(others.many))["SubnetMappings"]) == 2
    resources = others.template.to_json()["Resources"]
    routes = {name for name, each in resources.items() if "front" in name and "GatewayId" in each.get("Properties", {})}
    kinds = {"AWS::ElasticLoadBalancingV2::LoadBalancer", ELASTIC_IP}
    ours = [each for name, each in resources.items() if name.startswith("ManyStatic") and each["Type"] in kinds]
    assert (len(routes), len(ours)) == (2, 3)
    assert all(routes <= set(each["DependsOn"]) for each in ours)


def test_your_own_addresses(others: Others) -> None:
    """They are used zone by zone, none is made, and only you can publish them. IDs may be tokens."""
    for ids, endpoint in others.own:
        mappings = others.of(front_of(endpoint))["SubnetMappings"]
        assert [each["AllocationId"] for each in mappings] == others.resolve(ids)
        assert endpoint.ingress_ips == ()
        assert endpoint.static_ips
        assert endpoint.static_ips.elastic_ip_pool is None
        with pytest.raises(ValueError, match="publish needs Elastic IPs made here, got none"):
            endpoint.publish(parameter_name="/shop/ingress-ips")


def test_turning_them_on_replaces_nothing() -> None:
    """The application load balancer and its listener stay, with the same scheme, subnets and type."""
    off, on = Lab(), Lab()
    off.http()
    on.http(static_ips=True)
    assert_no_replacement(off.stack, on.stack)
