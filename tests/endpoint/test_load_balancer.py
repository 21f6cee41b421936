"""The application load balancer, its attributes and its subnets."""

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.network.network import Network
from tests.endpoint.lab import Lab

PUBLIC, PRIVATE = ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS
# Documented, but not set by default, and why.
NOT_SET = {
    "ipv6.deny_all_igw_traffic": "Only dual-stack load balancers have it.",
    "access_logs.s3.prefix": "There is no prefix.",
    "connection_logs.s3.bucket": "Connection logs are off.",
    "connection_logs.s3.prefix": "Connection logs are off.",
    "health_check_logs.s3.bucket": "Health check logs are off.",
    "health_check_logs.s3.prefix": "Health check logs are off.",
}


def networks_of(stack: Stack) -> dict[str, Network]:
    """Return networks in VPCs of all kinds."""
    subnets = [("front", PUBLIC), ("back", PUBLIC), ("tasks", PRIVATE), ("data", PRIVATE)]
    many = [ec2.SubnetConfiguration(name=name, subnet_type=kind) for name, kind in subnets]
    dual_stack = ec2.Vpc(stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    unknown = ec2.Vpc.from_vpc_attributes(
        stack,
        "UnknownVpc",
        vpc_id="vpc-1",
        availability_zones=Fn.get_azs(),
        public_subnet_ids=CfnParameter(stack, "Subnets", type="List<AWS::EC2::Subnet::Id>").value_as_list,
        private_subnet_ids=["private-1", "private-2"],
    )
    imported = ec2.Vpc.from_vpc_attributes(
        stack,
        "ImportedVpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        public_subnet_ids=["public-1", "public-2", "public-3", "public-4"],
        public_subnet_names=["front", "back"],
        private_subnet_ids=["private-1", "private-2", "private-3", "private-4"],
        private_subnet_names=["tasks", "data"],
    )
    vpcs = {
        "DualStack": dual_stack,
        "Own": ec2.Vpc(stack, "OwnVpc", max_azs=2, subnet_configuration=many),
        "Imported": imported,
        "Unknown": unknown,
    }
    by_id = [ec2.Subnet.from_subnet_id(stack, f"Subnet{number}", f"by-id-{number}") for number in range(2)]
    ips = ["203.0.113.7"]
    return {
        **{name: FixedEgressNetwork.from_vpc(stack, name, vpc, egress_ips=ips) for name, vpc in vpcs.items()},
        "ById": FixedEgressNetwork.from_vpc(stack, "ById", unknown, egress_ips=ips, task_subnets=by_id),
    }


class Balanced(Lab):
    """Endpoints of one stack, in VPCs of all kinds."""

    def __init__(self) -> None:
        super().__init__()
        networks = networks_of(self.stack) | {"Default": self.network}
        arguments: dict[str, Any] = {name: {} for name in networks}
        arguments["DualStack"] = {"ip_address_type": elbv2.IpAddressType.DUAL_STACK}
        arguments["Default"] = {"idle_timeout": Duration.minutes(10)}
        self.endpoints = {
            f"{name}{kind}": self.http(f"{name}{kind}", network=networks[name], internal=internal, **each)
            for name, each in arguments.items()
            for kind, internal in (("Public", False), ("Internal", True))
            if (name, kind) != ("ById", "Public")
        }
        self.endpoints["Defaults"] = self.http("Defaults")

    def attributes_of(self, name: str) -> dict[str, object]:
        """Return the attributes of an endpoint's load balancer."""
        return self.attributes(self.endpoints[name].load_balancer)


@pytest.fixture(scope="module")
def lab() -> Balanced:
    """One synthesis for all of them."""
    return Balanced()


def test_every_attribute_that_aws_documents_is_set(lab: Balanced) -> None:
    """None depends on a default that may change, and none is set that AWS does not know."""
    documentation = elbv2.CfnLoadBalancer.LoadBalancerAttributeProperty.__init__.__doc__
    assert documentation is not None
    (listed, *_) = documentation.split("The following attributes are supported by only Network Load Balancers")
    documented = set(re.findall(r"- ``([a-z0-9_]+(?:\.[a-z0-9_]+)+)``", listed))

    assert "waf.fail_open.enabled" in documented
    assert "dns_record.client_routing_policy" not in documented
    assert set(lab.attributes_of("Defaults")) == documented - NOT_SET.keys()
    assert documented >= NOT_SET.keys()


def test_the_load_balancer_is_strict_and_protected(lab: Balanced) -> None:
    """It drops bad headers, refuses ambiguous requests and its deletion, and can leave an impaired zone."""
    endpoint = lab.endpoints["Defaults"]
    assert endpoint.access_log_bucket
    assert lab.attributes_of("Defaults") == {
        "access_logs.s3.bucket": lab.resolve(endpoint.access_log_bucket.bucket_name),
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
    assert lab.attributes_of("DefaultPublic")["idle_timeout.timeout_seconds"] == "600"


def test_the_load_balancer_waits_for_the_policy_of_its_log_bucket(lab: Balanced) -> None:
    """AWS tests whether it can write there."""
    policies = lab.template.find_resources("AWS::S3::BucketPolicy")
    load_balancers = lab.template.find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert all(policies.keys() & set(each["DependsOn"]) for each in load_balancers)


def test_only_an_internal_dual_stack_one_denies_traffic_of_the_internet_gateway(lab: Balanced) -> None:
    """Its IPv6 addresses are public."""
    found = {name: lab.attributes_of(name).get("ipv6.deny_all_igw_traffic") for name in lab.endpoints}
    assert found == dict.fromkeys(lab.endpoints) | {"DualStackPublic": "false", "DualStackInternal": "true"}


def test_the_subnets(lab: Balanced) -> None:
    """One of each zone, in any order of an import; all of them if the zones are not known."""
    own, default = lab.endpoints["OwnPublic"].load_balancer.vpc, lab.endpoints["Defaults"].load_balancer.vpc
    assert own
    assert default
    expected = {
        "OwnPublic": own.public_subnets[:2],
        "OwnInternal": own.private_subnets[:2],
        "DefaultPublic": default.public_subnets,
        "DefaultInternal": default.private_subnets,
    }
    ids: dict[str, object] = {
        name: [lab.resolve(subnet.subnet_id) for subnet in subnets] for name, subnets in expected.items()
    }
    ids |= {
        "ImportedPublic": ["public-1", "public-2"],
        "ImportedInternal": ["private-1", "private-2"],
        "UnknownPublic": {"Ref": "Subnets"},
        "UnknownInternal": ["private-1", "private-2"],
        "ByIdInternal": ["by-id-0", "by-id-1"],
    }
    assert {name: lab.of(lab.endpoints[name].load_balancer)["Subnets"] for name in ids} == ids
    schemes = {name: lab.of(lab.endpoints[name].load_balancer)["Scheme"] for name in lab.endpoints}
    assert schemes == {name: "internal" if name.endswith("Internal") else "internet-facing" for name in lab.endpoints}
