"""Rules between security groups, in the stack of the task that connects.

CDK puts a rule into the stack of one of the two security groups. If these are in other stacks than the task, neither
may depend on the other. A rule of this module is in the task's stack, which depends on the stacks of both groups.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, cast
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct, IDependable

from fargate_constructs._core.construct_paths import node_of, path_of, stack_of, top_stack_of
from fargate_constructs._core.descriptions import ec2_description
from fargate_constructs._core.environment_checks import may_be_in_vpc
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs._core.unresolved import is_known
from fargate_constructs._core.validation import validate_range
from fargate_constructs.service.links.explained_references import explained
from fargate_constructs.service.targets.ports import MAX_PORT

# What cdk-nag finds in a rule with a port that only the deployment knows, such as that of a database.
UNKNOWN_PORT = dict.fromkeys(
    ("EC2RestrictedCommonPorts", "EC2RestrictedSSH"),
    "The rule allows a security group, not addresses, at the port of the data store.",
)


class TaskSecurityGroup(ec2.SecurityGroup):
    """The security group of a task. If a rule of another stack allows it, a cycle's message says what to write."""

    @jsii.member(jsii_name="toIngressRuleConfig")
    def to_ingress_rule_config(self) -> ec2.IngressRuleConfig:
        """Return this group as the source of a rule."""
        group_id = explained(self.security_group_id, self, self._reason)
        return ec2.IngressRuleConfig(source_security_group_id=group_id)

    def _reason(self, opened: IConstruct) -> str:
        task = cast(IConstruct, node_of(self).scope)
        name = task.node.id
        return (
            f"a rule of {path_of(opened)} allows the tasks of {path_of(task)}; write {name}.connect_to(...) in place "
            f"of allow_from=[{name}] or connections.allow_default_port_from({name})"
        )


def connect(
    task: Construct,
    other: ec2.IConnectable,
    port: int | ec2.Port | None,
    *,
    ours: Sequence[ec2.ISecurityGroup],
    vpc: ec2.IVpc,
) -> list[IDependable]:
    """Let a task connect to another construct, and return what has the rules, which are in the task's stack."""
    name = path_of(cast(IConstruct, other)) if hasattr(other, "node") else "a peer"
    theirs = other.connections.security_groups
    if not theirs:
        raise ValueError(
            f"other must have a security group, got: {name} without one; import it with its security groups. For a "
            "range of addresses no rule is needed: the group that is made for the tasks lets everything out"
        )
    for group in theirs:
        if not may_be_in_vpc(group, vpc):
            raise ValueError(
                f"other must be in the same network as the tasks, got: {path_of(group)} in another; make one there, or "
                "import the group by its ID if the two networks are connected"
            )
    real_port = _port(other, name, port)
    for group in theirs:
        _depend_on_stack(task, group, name)
    pairs = [*product(theirs, ours)]
    for group, own in pairs:
        _validate_known_port(task, own, group, real_port)
    return [group for pair in pairs for group in _open(task, *pair, real_port)]


def _open(task: Construct, theirs: ec2.ISecurityGroup, ours: ec2.ISecurityGroup, port: ec2.Port) -> list[IDependable]:
    """Let one group connect to another, and return what has the rules."""
    if stack_of(ours) is not stack_of(task):
        rule_id = f"To {path_of(theirs)} {ours.node.id} {port.to_string()}".replace("/", " ")
        return [*allow(task, rule_id, ours=ours, theirs=theirs, port=port, description=f"from {path_of(task)}")]
    # As `task.connections.allow_to` does, so that a rule which that made is found, and not made twice.
    theirs.add_ingress_rule(ours, port, remote_rule=True)
    if not ours.allow_all_outbound:
        ours.add_egress_rule(theirs, port)
    if not is_known(port.to_rule_json().get("fromPort")):
        for rule in (*node_of(theirs).children, *node_of(ours).children):
            if isinstance(rule, ec2.CfnSecurityGroupIngress) and not is_known(rule.from_port) and not rule.cidr_ip:
                acknowledge(rule, UNKNOWN_PORT)
    return [cast(IDependable, theirs), cast(IDependable, ours)]


def allow(
    scope: Construct,
    rule_id: str,
    *,
    ours: ec2.ISecurityGroup,
    theirs: ec2.ISecurityGroup,
    port: ec2.Port,
    description: str,
) -> list[CfnResource]:
    """Let one group connect to another by rules in a scope, and return them, unless the scope has them already.

    A group that was imported with `mutable=False` gets no rule.
    """
    if scope.node.try_find_child(rule_id):
        return []
    ports = port.to_rule_json()
    common: dict[str, Any] = {
        "ip_protocol": ports["ipProtocol"],
        "from_port": ports.get("fromPort"),
        "to_port": ports.get("toPort"),
        "description": ec2_description(description),
    }
    here, there = ours.security_group_id, theirs.security_group_id
    rules: list[CfnResource] = []
    if is_mutable(theirs):
        rules += [
            ec2.CfnSecurityGroupIngress(scope, rule_id, group_id=there, source_security_group_id=here, **common),
        ]
        if not is_known(ports.get("fromPort")):
            acknowledge(rules[0], UNKNOWN_PORT)
    if not ours.allow_all_outbound and is_mutable(ours):
        out_id = f"{rule_id} out"
        rules += [
            ec2.CfnSecurityGroupEgress(scope, out_id, group_id=here, destination_security_group_id=there, **common),
        ]
    return rules


def is_mutable(group: ec2.ISecurityGroup) -> bool:
    """Whether rules can be added to a group: not if it was imported with `mutable=False`.

    CDK does not say. So this adds a rule in a stack that is not in the app, and looks whether CDK made it.
    """
    if isinstance(node_of(group).default_child, ec2.CfnSecurityGroup):
        return True
    other = ec2.SecurityGroup.from_security_group_id(Stack(), "Other", "sg-0123456789abcdef0")
    group.add_ingress_rule(other, tcp_port(1), remote_rule=True)
    return len(other.node.children) > 0


def _port(other: ec2.IConnectable, name: str, port: int | ec2.Port | None) -> ec2.Port:
    """Return the port to open: the one that was given, or the default port of the construct."""
    if isinstance(port, ec2.Port):
        return port
    if port is not None:  # a number, or the token of one
        validate_range("port", port, 1, MAX_PORT)
        return tcp_port(port)
    if default := other.connections.default_port:
        return default
    raise ValueError(f"port must be given, such as port=6379, because {name} has no default port")


def _validate_known_port(task: Construct, ours: ec2.ISecurityGroup, theirs: ec2.ISecurityGroup, port: ec2.Port) -> None:
    """Refuse a second port of a group that only the deployment knows: CDK names rules of all such ports the same."""
    opened = _OPENED.setdefault(task, {})
    ports = port.to_rule_json()
    if opened.setdefault(f"{path_of(ours)} {path_of(theirs)} {port.to_string()}", ports) != ports:
        raise ValueError(
            f"port must be a number for two stores that share the security group {path_of(theirs)}, got: two ports "
            "that only the deployment knows; write port=5432, or the number that it is"
        )


# The ports that each task connects to, by the groups of both sides and the name of the port.
_OPENED: WeakKeyDictionary[IConstruct, dict[str, object]] = WeakKeyDictionary()


def _depend_on_stack(task: Construct, group: ec2.ISecurityGroup, name: str) -> None:
    """Let the task's stack depend on a group's, with a reason that CDK's message for a cycle repeats."""
    ours, theirs = top_stack_of(task), top_stack_of(group)
    is_imported = not isinstance(node_of(group).default_child, ec2.CfnSecurityGroup)
    if ours is not theirs and not is_imported:
        own = task.node.id
        here, there = ours.node.path, theirs.node.path
        ours.add_stack_dependency(
            theirs,
            f"{path_of(task)} calls connect_to for {name}; if {there} must be deployed after {here}, write "
            f"connections.allow_default_port_from({own}) of {name} in place of {own}.connect_to(...)",
        )
