"""Rules of a security group that was imported twice, such as with two listeners of one load balancer.

CDK takes the two for different groups, and makes each rule twice. AWS refuses the second one: "already exists".
"""

import json
from collections.abc import Sequence
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from fargate_constructs._core.construct_paths import node_of

# What tells the rules of a kind apart: for AWS two with other descriptions are the same.
_PROPERTIES = (
    "group_id",
    "ip_protocol",
    "from_port",
    "to_port",
    "cidr_ip",
    "cidr_ipv6",
    "source_security_group_id",
    "source_prefix_list_id",
    "destination_security_group_id",
    "destination_prefix_list_id",
)


def remove_repeated_rules(parts: Sequence[ec2.IConnectable]) -> None:
    """Keep the first of the rules that are the same to AWS, in the security groups of some parts."""
    seen: set[str] = set()
    groups = [group for part in parts for group in part.connections.security_groups]
    for rule in [each for group in groups for each in node_of(group).children]:
        if isinstance(rule, (ec2.CfnSecurityGroupIngress, ec2.CfnSecurityGroupEgress)):
            values = [getattr(rule, name, None) for name in _PROPERTIES]
            key = json.dumps([type(rule).__name__, Stack.of(rule).resolve(values)])
            if key in seen:
                cast(IConstruct, rule.node.scope).node.try_remove_child(rule.node.id)
            seen.add(key)
