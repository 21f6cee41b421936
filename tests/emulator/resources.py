"""The CloudFormation types that MiniStack lacks, so that a whole Fargate system deploys to it.

template ──> MiniStack's CloudFormation ──> the handlers here ──> MiniStack's EC2 and WAF
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from zlib import crc32

from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation.provisioners import (
    _REPLACING_PROPERTIES,
    _RESOURCE_HANDLERS,
    _STACK_TAG_PROPERTY,
    _ec2_apply_tags,
    _ec2_sg_egress_permissions,
    _ec2_sg_permissions,
)
from ministack.services.cloudwatch import _composite_alarms, _put_composite_alarm
from ministack.services.ec2 import _ACTION_MAP, _rules_match, _security_groups, _sg_rule_id, _vpcs
from ministack.services.waf import _associate_web_acl, _associations, _disassociate_web_acl

from tests.emulator import (
    athena,
    buckets,
    default_groups,
    filter_patterns,
    functions,
    interfaces,
    ipv6,
    listener_rules,
    nat,
    replacements,
    reverse_dns,
    scaling,
    tasks,
)
from tests.emulator.api import ApiError, Attributes, Created, Props, checked, ec2, element

# Recorded as created, doing nothing, for the reason beside it. Every other unknown type is refused.
NOT_EMULATED: dict[str, str] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": "MiniStack has no Application Auto Scaling API to put it into.",
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": "MiniStack's load balancer terminates no TLS.",
    "AWS::Logs::AccountPolicy": "MiniStack's CloudWatch Logs has no account policies.",
    "AWS::WAFv2::LoggingConfiguration": "MiniStack's web ACLs refuse nothing, so they log nothing.",
}


# --- Security group rules, stored as a group's inline rules are; the API behind them knows no prefix lists ---


def _group(group_id: str) -> Props:
    """The security group with this ID."""
    if group_id not in _security_groups:
        raise ApiError("InvalidGroup.NotFound", f"the security group '{group_id}' does not exist")
    return _security_groups[group_id]


def _rule(props: Props, direction: str) -> Props:
    """The rule with its ID, which MiniStack derives from everything but the description."""
    rule = _ec2_sg_permissions([props])[0]
    return rule | {"SecurityGroupRuleId": _sg_rule_id(props["GroupId"], direction == "Egress", rule)}


def _rules(props: Props, direction: str) -> list[Props]:
    """The rules of the group that a rule belongs to, in one direction."""
    return _group(props["GroupId"])["IpPermissionsEgress" if direction == "Egress" else "IpPermissions"]


def _authorize(props: Props, *, direction: str) -> Created:
    """AWS::EC2::SecurityGroupIngress and SecurityGroupEgress."""
    for peer in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if peer in props:
            _group(props[peer])
    rule, rules = _rule(props, direction), _rules(props, direction)
    rule_id = rule["SecurityGroupRuleId"]
    if direction == "Egress":
        # The first rule replaces the group's default egress rule, even if the template repeats it
        # (github.com/aws/aws-cdk/issues/987). Rules that are resources have an ID, and stay.
        [allow_all] = _ec2_sg_egress_permissions([])
        rules[:] = [other for other in rules if "SecurityGroupRuleId" in other or not _rules_match(other, allow_all)]
    if rule_id in (_sg_rule_id(props["GroupId"], direction == "Egress", other) for other in rules):
        raise ApiError("InvalidPermission.Duplicate", f"the specified rule already exists: {props}")
    rules.append(rule)
    return rule_id, {"Id": rule_id}


def _describe_rule(rule_id: str, _old: Props, new: Props, *, direction: str) -> Attributes:
    """Change a rule's description in place."""
    rules = _rules(new, direction)
    rules[:] = [_rule(new, direction) if rule.get("SecurityGroupRuleId") == rule_id else rule for rule in rules]
    return {"Id": rule_id}


def _revoke(rule_id: str, props: Props, *, direction: str) -> None:
    """Remove a rule."""
    ec2(f"RevokeSecurityGroup{direction}", **{"GroupId": props["GroupId"], "SecurityGroupRuleId.1": rule_id})


# --- Flow logs, web ACLs in front of load balancers, VPCs ---

FLOW_LOG = (
    "DeliverLogsPermissionArn DestinationOptions LogDestination LogDestinationType LogFormat LogGroupName "
    "MaxAggregationInterval ResourceId ResourceType TrafficType"
)


def _create_flow_log(props: Props) -> Created:
    """AWS::EC2::FlowLog."""
    flow_log_id = element("item", ec2("CreateFlowLogs", **props, **{"ResourceId.1": props["ResourceId"]}))
    return flow_log_id, _tag_flow_log(flow_log_id, {}, props)


def _tag_flow_log(flow_log_id: str, old: Props, new: Props) -> Attributes:
    """Change a flow log's tags in place."""
    _ec2_apply_tags(flow_log_id, new, old)
    return {"Id": flow_log_id}


def _delete_flow_log(flow_log_id: str, _props: Props) -> None:
    """Delete a flow log."""
    ec2("DeleteFlowLogs", **{"FlowLogId.1": flow_log_id})


def _associate_acl(props: Props) -> Created:
    """AWS::WAFv2::WebACLAssociation."""
    checked(_associate_web_acl(props))
    return f"{props['ResourceArn']}|{props['WebACLArn']}", {}


def _disassociate_acl(_physical_id: str, props: Props) -> None:
    """Take a web ACL away, unless its replacement is in its place by now."""
    if _associations.get(props["ResourceArn"]) == props["WebACLArn"]:
        checked(_disassociate_web_acl(props))


def _vpc(*args: object, handler: Callable[..., Created]) -> Created:
    """MiniStack's AWS::EC2::VPC, with the attributes and the default group's rule that it leaves out."""
    vpc_id, attributes = handler(*args)
    if vpc_id != args[0]:  # made, not updated
        default = _security_groups[attributes["DefaultSecurityGroup"]]
        itself = {"SourceSecurityGroupId": default["GroupId"], "SourceSecurityGroupOwnerId": default["OwnerId"]}
        default["IpPermissions"] = _ec2_sg_permissions([{"IpProtocol": "-1", **itself}])
    associations = [f"vpc-cidr-assoc-{vpc_id.removeprefix('vpc-')}"]
    cidr_block = _vpcs[vpc_id]["CidrBlock"]
    return vpc_id, attributes | {
        "CidrBlock": cidr_block,
        "CidrBlockAssociations": associations,
        "Ipv6CidrBlocks": ipv6.ranges_of(vpc_id),
    }


def _alarm_record(name: str, props: Props, *, record: Callable[[str, Props], Props]) -> Props:
    """MiniStack's record of an alarm; on metric math, which it refuses, one that is kept and never evaluated."""
    if "Metrics" not in props:
        return record(name, props)
    single = {key: value for key, value in props.items() if key != "Metrics"} | {"MetricName": "-", "Namespace": "-"}
    return record(name, single) | {"MetricName": None, "Namespace": None, "Metrics": props["Metrics"]}


def _create_composite(props: Props) -> Created:
    """AWS::CloudWatch::CompositeAlarm. MiniStack evaluates its rule; a suppressor does nothing."""
    name = f"composite-{len(_composite_alarms)}-{crc32(props['AlarmRule'].encode())}"
    return name, _put_composite(name, {}, props)


def _put_composite(name: str, _old: Props, new: Props) -> Attributes:
    """Create or update a composite alarm."""
    checked(_put_composite_alarm({}, new | {"AlarmName": name}, is_cbor=False, is_json=True))
    return {"Arn": _composite_alarms[name]["AlarmArn"]}


def _delete_composite(name: str, _props: Props) -> None:
    """Delete a composite alarm."""
    _composite_alarms.pop(name, None)


# --- What enters MiniStack's tables ---


@dataclass(frozen=True)
class Handler:
    """One type: its calls, and the names of the properties whose change replaces it or changes it in place."""

    create: Callable[[Props], Created]
    update: Callable[[str, Props, Props], Attributes] | None
    delete: Callable[[str, Props], None]
    replacing: str
    in_place: str = ""

    def register(self, name: str) -> None:
        """Enter this type in MiniStack's tables."""
        _RESOURCE_HANDLERS[name] = {"create": self._create, "delete": self._delete}
        _REPLACING_PROPERTIES[name] = tuple(self.replacing.split())
        if self.update:
            _RESOURCE_HANDLERS[name]["update"] = self._update
        if "Tags" in self.in_place:
            _STACK_TAG_PROPERTY[name] = ("Tags", "list")

    def _check(self, props: Props) -> None:
        """Refuse a property that nothing here would act on."""
        if unknown := sorted(props.keys() - {*self.replacing.split(), *self.in_place.split()}):
            raise ApiError("NotEmulated", f"tests/emulator/resources.py does nothing with {unknown}")

    def _create(self, _logical_id: str, props: Props, _stack_name: str) -> Created:
        """Create, as MiniStack calls it."""
        self._check(props)
        return self.create(props)

    def _update(self, physical_id: str, old: Props, new: Props, _stack_name: str) -> Created:
        """Update in place; to replace, MiniStack creates and deletes."""
        assert self.update is not None
        self._check(new)
        return physical_id, self.update(physical_id, old, new)

    def _delete(self, physical_id: str, props: Props) -> None:
        """Delete the resource, if it still exists."""
        try:
            self.delete(physical_id, props)
        except ApiError as error:
            if not error.code.endswith("NotFound"):
                raise


def _rule_handler(direction: str, peer: str) -> Handler:
    """The handler of a security group's rules in one direction."""
    return Handler(
        partial(_authorize, direction=direction),
        partial(_describe_rule, direction=direction),
        partial(_revoke, direction=direction),
        f"CidrIp CidrIpv6 FromPort GroupId IpProtocol ToPort {peer}PrefixListId {peer}SecurityGroupId",
        "Description",
    )


HANDLERS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Handler(
        scaling.create_target,
        scaling.register_target,
        scaling.deregister_target,
        "ResourceId ScalableDimension ServiceNamespace",
        "MaxCapacity MinCapacity RoleARN ScheduledActions",
    ),
    "AWS::Athena::NamedQuery": Handler(
        athena.create_named_query,
        None,
        athena.delete_named_query,
        "Database Description Name QueryString WorkGroup",
    ),
    "AWS::CloudWatch::CompositeAlarm": Handler(
        _create_composite,
        _put_composite,
        _delete_composite,
        "",
        "ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod AlarmActions AlarmDescription "
        "AlarmRule OKActions",
    ),
    "AWS::EC2::EIP": Handler(nat.allocate_address, nat.tag_address, nat.release_address, "Domain", "Tags"),
    "AWS::EC2::EIPAssociation": Handler(
        interfaces.create_association,
        None,
        interfaces.delete_association,
        "AllocationId NetworkInterfaceId PrivateIpAddress",
    ),
    "AWS::EC2::EgressOnlyInternetGateway": Handler(
        ipv6.create_gateway, ipv6.tag_gateway, ipv6.delete_gateway, "VpcId", "Tags"
    ),
    "AWS::EC2::FlowLog": Handler(_create_flow_log, _tag_flow_log, _delete_flow_log, FLOW_LOG, "Tags"),
    "AWS::EC2::NatGateway": Handler(
        nat.create_nat_gateway,
        nat.update_nat_gateway,
        nat.delete_nat_gateway,
        "AllocationId AvailabilityMode ConnectivityType SubnetId VpcId",
        "AvailabilityZoneAddresses SecondaryAllocationIds Tags",
    ),
    "AWS::EC2::NetworkInterface": Handler(
        interfaces.create_interface,
        interfaces.update_interface,
        interfaces.delete_interface,
        "SubnetId",
        "Description GroupSet SecondaryPrivateIpAddressCount SourceDestCheck Tags",
    ),
    "AWS::EC2::SecurityGroupEgress": _rule_handler("Egress", "Destination"),
    "AWS::EC2::SecurityGroupIngress": _rule_handler("Ingress", "Source"),
    "AWS::EC2::VPCCidrBlock": Handler(
        ipv6.associate_range, None, ipv6.disassociate_range, "AmazonProvidedIpv6CidrBlock VpcId"
    ),
    "AWS::WAFv2::WebACLAssociation": Handler(_associate_acl, None, _disassociate_acl, "ResourceArn WebACLArn"),
}


def register() -> None:
    """Enter everything of this module in MiniStack's tables."""
    for name, handler in HANDLERS.items():
        handler.register(name)
    _RESOURCE_HANDLERS["AWS::EC2::EIP"]["import"] = nat.adopt_address
    for name in NOT_EMULATED:
        _RESOURCE_HANDLERS[name] = {
            "create": lambda logical_id, _props, stack_name: (f"{stack_name}-{logical_id}", {}),
            "update": lambda physical_id, _old, _new, _stack_name: (physical_id, {}),
            "delete": lambda _physical_id, _props: None,
        }
    vpc = _RESOURCE_HANDLERS["AWS::EC2::VPC"]
    vpc |= {action: partial(_vpc, handler=vpc[action]) for action in ("create", "update")}
    records = vars(provisioners)
    records["_cw_metric_alarm_record"] = partial(_alarm_record, record=records["_cw_metric_alarm_record"])
    _ACTION_MAP["DescribeNatGateways"] = partial(nat.describe_nat_gateways, describe=_ACTION_MAP["DescribeNatGateways"])
    _ACTION_MAP.update(interfaces.ACTIONS)
    ipv6.register()
    replacements.register()
    reverse_dns.register()
    listener_rules.register()
    tasks.register()
    athena.register()
    buckets.register()
    default_groups.register()
    functions.register()
    filter_patterns.register()
