"""The handlers, seen through the AWS APIs: one emulator for the module, one small stack for a test."""

import json
import time
from typing import Any, TypeAlias

import pytest

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
def stack(aws: Emulator, request: pytest.FixtureRequest) -> Stack:
    """The one stack of a test."""
    return Stack(aws, request.node.name.replace("_", "-"))


def _get(resource: str, attribute: str) -> dict[str, list[str]]:
    """A template's reference to an attribute."""
    return {"Fn::GetAtt": [resource, attribute]}


VPC: dict[str, Any] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}


def _gateway(aws: Emulator, nat_id: str) -> tuple[str, list[str]]:
    """A NAT gateway's state and its public addresses, the primary one first."""
    gateway = aws.client("ec2").describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"][0]
    held = sorted(gateway["NatGatewayAddresses"], key=lambda address: not address["IsPrimary"])
    return gateway["State"], [address["PublicIp"] for address in held]


# --- NAT gateways ---


def test_secondary_addresses_change_in_place(aws: Emulator, stack: Stack) -> None:
    """A NAT gateway takes and gives back secondary Elastic IPs without being replaced."""

    def gateway(*secondary: str) -> Resources:
        properties = {
            "SubnetId": {"Ref": "Subnet"},
            "AllocationId": _get("Eip", "AllocationId"),
            "SecondaryAllocationIds": [_get(name, "AllocationId") for name in secondary],
        }
        subnet = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.7.1.0/24"}
        return {
            "Vpc": VPC,
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": subnet},
            **{name: {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}} for name in ("Eip", "Second")},
            "Nat": {"Type": "AWS::EC2::NatGateway", "Properties": properties},
        }

    stack.create(gateway("Second"))
    ids = stack.ids()
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"], ids["Second"]])

    assert stack.update(gateway()) == "UPDATE_COMPLETE"
    assert stack.ids() == ids
    assert _gateway(aws, ids["Nat"]) == ("available", [ids["Eip"]])


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


# --- VPCs ---


def test_vpc_has_its_attributes_and_an_open_default_group(aws: Emulator, stack: Stack) -> None:
    """The CIDR attributes resolve, and the default group lets its members reach each other, as in AWS."""
    rule = _group_rule("Ingress", CidrIp=_get("Vpc", "CidrBlock"), GroupId=_get("Vpc", "DefaultSecurityGroup"))
    assert stack.create({"Vpc": VPC, "Rule": rule}) == "CREATE_COMPLETE"
    filters = [{"Name": "vpc-id", "Values": [stack.ids()["Vpc"]]}]
    group = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]
    own, added = group["IpPermissions"]
    assert own["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert added["IpRanges"] == [{"CidrIp": "10.7.0.0/16"}]


# --- What is not emulated ---


def test_what_does_nothing_says_why() -> None:
    """Each type that is recorded only has its reason in one sentence, and no handler."""
    assert not NOT_EMULATED.keys() & HANDLERS.keys()
    assert all(reason.count(".") == 1 and reason.endswith(".") for reason in NOT_EMULATED.values())


def test_what_does_nothing_deploys(stack: Stack) -> None:
    """A type that is recorded only does not stand in the way of a whole stack."""
    for value in ("1", "2"):
        things = {name.replace("::", ""): {"Type": name, "Properties": {"A": value}} for name in NOT_EMULATED}
        assert (stack.create if value == "1" else stack.update)(things).endswith("E_COMPLETE")
    assert stack.delete() == "DELETE_COMPLETE"
