"""The handlers, seen through the AWS APIs: one emulator for the module, one small stack for a test."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from tests.emulator.emulator import Emulator
from tests.emulator.resources import HANDLERS, NOT_EMULATED

Resources: TypeAlias = dict[str, dict[str, Any]]


class Stack:
    """A CloudFormation stack of the emulator; every call returns the status the stack ends in."""

    def __init__(self, aws: Emulator, name: str) -> None:
        self._cloudformation = aws.client("cloudformation")
        self.name = name

    def create(self, resources: Resources) -> str:
        """Create the stack."""
        self._id = self._cloudformation.create_stack(StackName=self.name, TemplateBody=_template(resources))["StackId"]
        return self._settled()

    def update(self, resources: Resources) -> str:
        """Update the stack."""
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=_template(resources))
        return self._settled()

    def delete(self) -> str:
        """Delete the stack."""
        self._cloudformation.delete_stack(StackName=self.name)
        return self._settled()

    def _settled(self) -> str:
        """The status after the operation that is under way."""
        for _ in range(200):
            status = self._cloudformation.describe_stacks(StackName=self._id)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise TimeoutError(f"{self.name} stays {status}")

    def ids(self) -> dict[str, str]:
        """The physical ID of each resource, which is its Ref."""
        resources = self._cloudformation.describe_stack_resources(StackName=self._id)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}

    def reasons(self) -> str:
        """Why resources failed."""
        events = self._cloudformation.describe_stack_events(StackName=self._id)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def _template(resources: Resources) -> str:
    """A template as CloudFormation takes it."""
    return json.dumps({"Resources": resources})


@pytest.fixture
def new_stack(aws: Emulator, request: pytest.FixtureRequest) -> Callable[[str], Stack]:
    """A maker of stacks named after the test."""
    return lambda name: Stack(aws, f"{request.node.name}-{name}".replace("_", "-"))


@pytest.fixture
def stack(new_stack: Callable[[str], Stack]) -> Stack:
    """The one stack of a test."""
    return new_stack("stack")


def _get(resource: str, attribute: str) -> dict[str, list[str]]:
    """A template's reference to an attribute."""
    return {"Fn::GetAtt": [resource, attribute]}


def _eip(**more: object) -> dict[str, Any]:
    """An Elastic IP."""
    return {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}, **more}


def _nat(allocation_id: object, **more: object) -> Resources:
    """A VPC with two subnets and, in the first one unless told otherwise, a NAT gateway."""

    def subnet(cidr: str) -> dict[str, Any]:
        return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr}}

    nat = {"SubnetId": {"Ref": "Subnet1"}, "AllocationId": allocation_id, **more}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
        "Subnet1": subnet("10.7.1.0/24"),
        "Subnet2": subnet("10.7.2.0/24"),
        "Nat": {"Type": "AWS::EC2::NatGateway", "Properties": nat},
    }


def _address(aws: Emulator, public_ip: str) -> dict[str, Any]:
    """What EC2 says of an Elastic IP: nothing if it is not there."""
    addresses = aws.client("ec2").describe_addresses()["Addresses"]
    return next((address for address in addresses if address["PublicIp"] == public_ip), {})


def _gateway(aws: Emulator, nat_id: str) -> tuple[str, list[str]]:
    """A NAT gateway's state and its public addresses, the primary one first."""
    gateway = aws.client("ec2").describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"][0]
    held = sorted(gateway["NatGatewayAddresses"], key=lambda address: not address["IsPrimary"])
    return gateway["State"], [address["PublicIp"] for address in held]


# --- Elastic IPs ---


def test_elastic_ip_is_released_unless_retained(aws: Emulator, stack: Stack) -> None:
    """A stack releases its Elastic IPs, except those with DeletionPolicy Retain."""
    assert stack.create({"Kept": _eip(DeletionPolicy="Retain"), "Freed": _eip()}) == "CREATE_COMPLETE"
    ids = stack.ids()
    assert _address(aws, ids["Kept"])["Domain"] == _address(aws, ids["Freed"])["Domain"] == "vpc"

    assert stack.delete() == "DELETE_COMPLETE"
    assert _address(aws, ids["Kept"])
    assert not _address(aws, ids["Freed"])


def test_elastic_ip_tags_change_in_place(aws: Emulator, stack: Stack) -> None:
    """New tags keep the address."""
    properties = {"Domain": "vpc", "Tags": [{"Key": "Name", "Value": "egress"}]}
    stack.create({"Eip": _eip()})
    before = stack.ids()["Eip"]
    assert stack.update({"Eip": {"Type": "AWS::EC2::EIP", "Properties": properties}}) == "UPDATE_COMPLETE"
    assert stack.ids()["Eip"] == before
    assert {"Key": "Name", "Value": "egress"} in _address(aws, before)["Tags"]


def test_held_elastic_ip_is_not_released(aws: Emulator, new_stack: Callable[[str], Stack]) -> None:
    """A stack cannot release an Elastic IP that another stack's NAT gateway holds."""
    owner, user = new_stack("owner"), new_stack("user")
    owner.create({"Eip": _eip()})
    public_ip = owner.ids()["Eip"]
    user.create(_nat(_address(aws, public_ip)["AllocationId"]))

    assert owner.delete() == "DELETE_FAILED"
    assert "InvalidIPAddress.InUse" in owner.reasons()
    assert user.delete() == "DELETE_COMPLETE"
    assert owner.delete() == "DELETE_COMPLETE"
    assert not _address(aws, public_ip)


# --- NAT gateways ---


def test_nat_gateway_shows_its_address_and_carries_the_default_route(aws: Emulator, stack: Stack) -> None:
    """A route to a NAT gateway, the gateway's Elastic IP, and the Elastic IP's own state can be read back."""
    assert (
        stack.create(
            {
                **_nat(_get("Eip", "AllocationId")),
                "Eip": _eip(),
                "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
                "Route": {
                    "Type": "AWS::EC2::Route",
                    "Properties": {
                        "RouteTableId": {"Ref": "Table"},
                        "DestinationCidrBlock": "0.0.0.0/0",
                        "NatGatewayId": {"Ref": "Nat"},
                    },
                },
            }
        )
        == "CREATE_COMPLETE"
    )
    ids = stack.ids()
    table = aws.client("ec2").describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]
    assert {"0.0.0.0/0": ids["Nat"]}.items() <= {
        route["DestinationCidrBlock"]: route.get("NatGatewayId") for route in table["Routes"]
    }.items()
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"]])
    assert "AssociationId" in _address(aws, ids["Eip"])


def test_elastic_ip_in_use_is_refused_with_rollback(aws: Emulator, new_stack: Callable[[str], Stack]) -> None:
    """A second NAT gateway does not get the first one's Elastic IP, and its stack rolls back."""
    first, second = new_stack("first"), new_stack("second")
    first.create({**_nat(_get("Eip", "AllocationId")), "Eip": _eip()})
    ids = first.ids()

    assert second.create(_nat(_address(aws, ids["Eip"])["AllocationId"])) == "ROLLBACK_COMPLETE"
    assert "Resource.AlreadyAssociated" in second.reasons()
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"]])


def test_replacing_a_nat_gateway_needs_another_elastic_ip(aws: Emulator, stack: Stack) -> None:
    """CloudFormation creates the new gateway before it deletes the old one, which still holds the address."""
    eips = {"Eip": _eip(), "Other": _eip()}
    stack.create({**_nat(_get("Eip", "AllocationId")), **eips})
    before = stack.ids()

    moved = {"SubnetId": {"Ref": "Subnet2"}}
    assert stack.update({**_nat(_get("Eip", "AllocationId"), **moved), **eips}) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.ids() == before
    assert _gateway(aws, before["Nat"]) == ("available", [before["Eip"]])

    assert stack.update({**_nat(_get("Other", "AllocationId"), **moved), **eips}) == "UPDATE_COMPLETE"
    assert _gateway(aws, before["Nat"]) == ("deleted", [])
    assert _gateway(aws, stack.ids()["Nat"]) == ("available", [before["Other"]])
    assert "AssociationId" not in _address(aws, before["Eip"])


def test_secondary_addresses_change_in_place(aws: Emulator, stack: Stack) -> None:
    """A NAT gateway takes and gives back secondary Elastic IPs without being replaced."""
    eips = {"Eip": _eip(), "Second": _eip()}
    both = _nat(_get("Eip", "AllocationId"), SecondaryAllocationIds=[_get("Second", "AllocationId")])
    stack.create({**both, **eips})
    ids = stack.ids()
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"], ids["Second"]])

    assert stack.update({**_nat(_get("Eip", "AllocationId")), **eips}) == "UPDATE_COMPLETE"
    assert stack.ids() == ids
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"]])


def test_private_nat_gateway_holds_no_address(aws: Emulator, stack: Stack) -> None:
    """A private NAT gateway takes no Elastic IP; a public one needs one."""
    private = _nat(None, ConnectivityType="private")
    del private["Nat"]["Properties"]["AllocationId"]
    assert stack.create(private) == "CREATE_COMPLETE"
    assert _gateway(aws, stack.ids()["Nat"]) == ("available", [])
    del private["Nat"]["Properties"]["ConnectivityType"]
    assert stack.update(private) == "UPDATE_ROLLBACK_COMPLETE"


# --- Security groups ---


def _group_rule(direction: str, **properties: object) -> dict[str, Any]:
    """A rule of the template's security group."""
    return {
        "Type": f"AWS::EC2::SecurityGroup{direction}",
        "Properties": {"GroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **properties},
    }


GROUPS: Resources = {
    name: {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": name}} for name in ("Group", "Peer")
}


def test_security_group_rules_come_and_go(aws: Emulator, stack: Stack) -> None:
    """Rules from and to groups, prefix lists and ranges are in the group until the template drops them."""
    rules = {
        "FromPeer": _group_rule("Ingress", SourceSecurityGroupId={"Ref": "Peer"}),
        "FromList": _group_rule("Ingress", SourcePrefixListId="pl-12345678"),
        "ToPeer": _group_rule("Egress", DestinationSecurityGroupId={"Ref": "Peer"}),
        "ToAll6": _group_rule("Egress", CidrIpv6="::/0"),
    }
    assert stack.create({**GROUPS, **rules}) == "CREATE_COMPLETE"
    group, peer = (stack.ids()[name] for name in ("Group", "Peer"))

    def peers(direction: str) -> set[object]:
        """What each rule of the group lets in or out."""
        described = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        return {
            next(filter(None, (entry.get(key) for key in ("GroupId", "PrefixListId", "CidrIpv6", "CidrIp"))))
            for rule in described[direction]
            for kind in ("UserIdGroupPairs", "PrefixListIds", "Ipv6Ranges", "IpRanges")
            for entry in rule[kind]
        }

    assert peers("IpPermissions") == {peer, "pl-12345678"}
    assert peers("IpPermissionsEgress") == {peer, "::/0"}  # without the rule that EC2 gives to a new group

    assert stack.update({**GROUPS, "FromPeer": rules["FromPeer"]}) == "UPDATE_COMPLETE"
    assert peers("IpPermissions") == {peer}
    assert not peers("IpPermissionsEgress")


def test_rule_is_described_in_place(aws: Emulator, stack: Stack) -> None:
    """A new description keeps the rule and its ID."""
    described = {text: _group_rule("Ingress", CidrIp="10.0.0.0/8", Description=text) for text in ("old", "new")}
    stack.create({**GROUPS, "Rule": described["old"]})
    ids = stack.ids()
    assert stack.update({**GROUPS, "Rule": described["new"]}) == "UPDATE_COMPLETE"
    assert stack.ids() == ids
    group = aws.client("ec2").describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]
    assert [rule["IpRanges"][0]["Description"] for rule in group["IpPermissions"]] == ["new"]


def test_duplicate_rule_is_refused(stack: Stack) -> None:
    """The same rule twice fails, whatever its description, as in EC2."""
    rules = {f"Rule{text}": _group_rule("Ingress", CidrIp="10.0.0.0/8", Description=text) for text in ("A", "B")}
    assert stack.create({**GROUPS, **rules}) == "ROLLBACK_COMPLETE"
    assert "InvalidPermission.Duplicate" in stack.reasons()


def test_rule_with_unknown_peer_is_refused(stack: Stack) -> None:
    """A rule cannot name a security group that does not exist."""
    assert stack.create({**GROUPS, "Rule": _group_rule("Ingress", SourceSecurityGroupId="sg-0")}) == "ROLLBACK_COMPLETE"
    assert "InvalidGroup.NotFound" in stack.reasons()


# --- VPCs, flow logs, web ACLs ---


def test_vpc_has_its_attributes_and_an_open_default_group(aws: Emulator, stack: Stack) -> None:
    """The CIDR attributes resolve, and the default group lets its members reach each other, as in AWS."""
    vpc = _nat("")["Vpc"]
    rule = _group_rule("Ingress", CidrIp=_get("Vpc", "CidrBlock"), GroupId=_get("Vpc", "DefaultSecurityGroup"))
    assert stack.create({"Vpc": vpc, "Rule": rule}) == "CREATE_COMPLETE"
    filters = [{"Name": "vpc-id", "Values": [stack.ids()["Vpc"]]}]
    group = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]
    own, added = group["IpPermissions"]
    assert own["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert added["IpRanges"] == [{"CidrIp": "10.7.0.0/16"}]


def test_flow_log_lives_as_long_as_its_stack(aws: Emulator, stack: Stack) -> None:
    """A VPC's flow log is there until its stack is deleted."""
    properties = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::flow-logs",
    }
    flow_log = {"Type": "AWS::EC2::FlowLog", "Properties": properties}
    assert stack.create({"Vpc": _nat("")["Vpc"], "FlowLog": flow_log}) == "CREATE_COMPLETE"
    filters = [{"Name": "resource-id", "Values": [stack.ids()["Vpc"]]}]
    ec2 = aws.client("ec2")
    assert [log["LogDestination"] for log in ec2.describe_flow_logs(Filters=filters)["FlowLogs"]] == [
        "arn:aws:s3:::flow-logs"
    ]
    assert stack.delete() == "DELETE_COMPLETE"
    assert not ec2.describe_flow_logs(Filters=filters)["FlowLogs"]


def test_web_acl_association_follows_its_replacement(aws: Emulator, stack: Stack) -> None:
    """A load balancer has the template's web ACL, also after a change to another one."""
    balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1"
    visibility = {"CloudWatchMetricsEnabled": False, "SampledRequestsEnabled": False, "MetricName": "m"}
    acl = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility}
    acls = {name: {"Type": "AWS::WAFv2::WebACL", "Properties": {**acl, "Name": name}} for name in ("One", "Two")}

    def associated(name: str) -> Resources:
        properties = {"ResourceArn": balancer, "WebACLArn": _get(name, "Arn")}
        return {**acls, "Association": {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": properties}}

    waf = aws.client("wafv2")
    assert stack.create(associated("One")) == "CREATE_COMPLETE"
    assert waf.get_web_acl_for_resource(ResourceArn=balancer)["WebACL"]["Name"] == "One"
    assert stack.update(associated("Two")) == "UPDATE_COMPLETE"
    assert waf.get_web_acl_for_resource(ResourceArn=balancer)["WebACL"]["Name"] == "Two"
    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.get_web_acl_for_resource(ResourceArn=balancer)


def test_alarm_on_metric_math_is_kept(aws: Emulator, stack: Stack) -> None:
    """It is there, with its expression, and stays as long as its stack; nothing evaluates it."""
    metric = {"MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}, "Id": "m"}
    properties = {
        "Metrics": [metric | {"ReturnData": False}, {"Id": "e", "Expression": "FILL(m, 0)"}],
        "Threshold": 1,
        "EvaluationPeriods": 2,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    assert stack.create({"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}) == "CREATE_COMPLETE"
    cloudwatch, name = aws.client("cloudwatch"), stack.ids()["Alarm"]

    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["EvaluationPeriods"], alarm["StateValue"]) == (2, "INSUFFICIENT_DATA")
    assert stack.delete() == "DELETE_COMPLETE"
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


# --- What is not emulated ---


def test_unknown_type_is_refused(stack: Stack) -> None:
    """A type that nobody knows fails before anything is created."""
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::EC2::Nothing\]"):
        stack.create({"Nothing": {"Type": "AWS::EC2::Nothing"}})


def test_unknown_property_is_refused(stack: Stack) -> None:
    """A property that a handler here would not act on fails the stack."""
    assert stack.create({"Eip": {"Type": "AWS::EC2::EIP", "Properties": {"InstanceId": "i-1"}}}) == "ROLLBACK_COMPLETE"
    assert "does nothing with ['InstanceId']" in stack.reasons()


def test_what_does_nothing_says_why() -> None:
    """Each type that is recorded only has its reason in one sentence, and no handler."""
    assert not NOT_EMULATED.keys() & HANDLERS.keys()
    assert all(reason.count(".") == 1 and reason.endswith(".") for reason in NOT_EMULATED.values())


@pytest.mark.parametrize("name", NOT_EMULATED)
def test_what_does_nothing_deploys(name: str, aws: Emulator) -> None:
    """A type that is recorded only does not stand in the way of a whole stack."""
    stack = Stack(aws, name.replace("::", "-"))
    assert stack.create({"Thing": {"Type": name, "Properties": {"A": "1"}}}) == "CREATE_COMPLETE"
    assert stack.update({"Thing": {"Type": name, "Properties": {"A": "2"}}}) == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
