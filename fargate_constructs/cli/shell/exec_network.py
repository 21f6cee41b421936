"""Checks whether the agent of ECS Exec reaches AWS: by a VPC endpoint, or by the egress of its subnet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.egress_addresses import PROBLEMS, read_vpcs
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.shell.exec_checks import Finding
from fargate_constructs.cli.shell.exec_targets import ExecTarget

HTTPS = 443
# The problems of egress with which nothing leaves.
NO_WAY = ("noRoute", "blackhole", "noTaskAddress", "notAvailable", "sourceCheck")


def network_findings(reader: Reader, target: ExecTarget) -> Iterator[Finding]:
    """Yield what keeps the agent from ssmmessages.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html#ecs-vpc-endpoint-exec
    """
    details = {
        detail["name"]: detail["value"] for each in target.task.get("attachments", []) for detail in each["details"]
    }
    if "networkInterfaceId" not in details:
        reader.gaps.append("the network: the task has no network interface of its own")
        return
    with reader.noting("the network"):
        ec2 = reader.client("ec2")
        (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[details["networkInterfaceId"]])[
            "NetworkInterfaces"
        ]
        own = [each["GroupId"] for each in interface["Groups"]]
        groups = ec2.describe_security_groups(GroupIds=own)["SecurityGroups"]
        if not any(_covers(each, HTTPS) for group in groups for each in group["IpPermissionsEgress"]):
            yield Finding(
                "groupClosed",
                f"The security groups of the task let nothing out to port {HTTPS}: {', '.join(own)}.",
                f"Allow port {HTTPS} out of them.",
            )
        yield from _way_findings(reader, ec2, interface, own)


def _way_findings(reader: Reader, ec2: Any, interface: Answer, own: list[str]) -> Iterator[Finding]:  # noqa: ANN401 - of boto3
    vpc, subnet = interface["VpcId"], interface["SubnetId"]
    name = f"{reader.found.region}.ssmmessages"
    found = paged(ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    endpoints = [each for each in found if each["ServiceName"].endswith(f".{name}")]
    used = [each for each in endpoints if each["State"].lower() == "available" and each.get("PrivateDnsEnabled")]
    if used:
        ids = [group["GroupId"] for each in used for group in each.get("Groups", [])]
        groups = ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"] if ids else []
        rules = [each for group in groups for each in group["IpPermissions"]]
        if ids and not any(_lets_in(each, interface, own) for each in rules):
            yield Finding(
                "endpointClosed",
                f"The VPC endpoint of {name} does not let the task in to port {HTTPS}.",
                f"Allow port {HTTPS} from {', '.join(own)} in {', '.join(ids)}.",
            )
        return
    departures = read_vpcs(ec2, [vpc]).departures(subnet, assign_public_ip="Association" in interface)
    if all(each.problem in NO_WAY for each in departures):
        problems = ", ".join(dict.fromkeys(PROBLEMS[each.problem] for each in departures))
        there = "the VPC endpoint for it is not available, or its private DNS is off, and " if endpoints else ""
        yield Finding(
            "noEgress",
            f"The agent does not reach {name} from {subnet}: {there}{problems}.",
            f"Add a VPC endpoint for {name} with private DNS, or a VPC route to a NAT gateway.",
        )


def _covers(rule: Answer, port: int) -> bool:
    """Whether a rule of a security group is about a TCP port."""
    return rule["IpProtocol"] == "-1" or (
        rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= port <= rule["ToPort"]
    )


def _lets_in(rule: Answer, interface: Answer, own: Iterable[str]) -> bool:
    """Whether a rule lets a network interface in. What is in a prefix list is not known here, and may."""
    texts = [interface.get("PrivateIpAddress"), *(each["Ipv6Address"] for each in interface.get("Ipv6Addresses", []))]
    addresses = [ipaddress.ip_address(each) for each in texts if each]  # a subnet may have IPv6 only
    ranges = [each["CidrIp"] for each in rule.get("IpRanges", [])]
    ranges += [each["CidrIpv6"] for each in rule.get("Ipv6Ranges", [])]
    sources = {each["GroupId"] for each in rule.get("UserIdGroupPairs", [])}
    is_source = bool(rule.get("PrefixListIds")) or bool(sources & {*own})
    networks = [ipaddress.ip_network(each, strict=False) for each in ranges]
    return _covers(rule, HTTPS) and (is_source or any(each in network for each in addresses for network in networks))
