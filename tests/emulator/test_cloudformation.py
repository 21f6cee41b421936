"""The local CloudFormation replaces, keeps and refuses what the real one does. The other tests here rely on it."""

import json
import re
from typing import Any, TypeAlias

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.replacements import create_only
from tests.emulator.resources import HANDLERS, NOT_EMULATED
from tests.emulator.updates import CloudFormationStack

Resources: TypeAlias = dict[str, dict[str, Any]]
ELB = "AWS::ElasticLoadBalancingV2"


class Stack(CloudFormationStack):
    """A stack of a few resources."""

    def put(self, resources: Resources) -> str:
        """Create or update the stack."""
        return self.deploy(TemplateBody=json.dumps({"Resources": resources}))


@pytest.fixture
def stack(aws: Emulator, request: pytest.FixtureRequest) -> Stack:
    """The one stack of a test."""
    return Stack(aws, re.sub("[^a-z]+", "-", request.node.name))


def rule(direction: str = "Ingress", **properties: object) -> dict[str, Any]:
    """Return a rule of the template's security group."""
    return {
        "Type": f"AWS::EC2::SecurityGroup{direction}",
        "Properties": {"GroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **properties},
    }


def balanced(*priorities: int, is_protected: bool = False) -> Resources:
    """Return a load balancer, its listener, and a rule of each priority."""
    attributes = [{"Key": "deletion_protection.enabled", "Value": str(is_protected).lower()}]
    answer: Any = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP", "DefaultActions": answer}
    rules = {"ListenerArn": {"Ref": "Listener"}, "Actions": answer}
    return {
        "Balancer": {"Type": f"{ELB}::LoadBalancer", "Properties": {"LoadBalancerAttributes": attributes}},
        "Listener": {"Type": f"{ELB}::Listener", "Properties": listener},
        **{
            f"Rule{number}": {
                "Type": f"{ELB}::ListenerRule",
                "Properties": rules
                | {"Priority": priority, "Conditions": [{"Field": "path-pattern", "Values": [f"/{number}"]}]},
            }
            for number, priority in enumerate(priorities)
        },
    }


VPC: dict[str, Any] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}
GROUPS: Resources = {
    name: {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": name}} for name in ("Group", "Peer")
}
TEN = {"CidrIp": "10.0.0.0/8"}


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        pytest.param(
            GROUPS | {text: rule(**TEN, Description=text) for text in ("A", "B")},
            "InvalidPermission.Duplicate",
            id="rule-twice",
        ),
        pytest.param(
            GROUPS | {"Rule": rule(SourceSecurityGroupId="sg-0")}, "InvalidGroup.NotFound", id="unknown-group"
        ),
        pytest.param(balanced(1, 2, 2), "PriorityInUse", id="priority-twice"),
        pytest.param({"Eip": {"Type": "AWS::EC2::EIP", "Properties": {"InstanceId": "i-1"}}}, "NotEmulated", id="eip"),
    ],
)
def test_refused(stack: Stack, resources: Resources, reason: str) -> None:
    """A stack with such resources is rolled back, with AWS's reason."""
    assert stack.put(resources) == "ROLLBACK_COMPLETE"
    assert reason in stack.why()


def test_a_changed_priority_is_refused(stack: Stack) -> None:
    """A rule cannot take the priority of another one."""
    assert stack.put(balanced(1, 2)) == "CREATE_COMPLETE"
    assert stack.put(balanced(1, 1)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "PriorityInUse" in stack.why()


def test_security_group_rules_come_and_go(aws: Emulator, stack: Stack) -> None:
    """Rules from and to groups, prefix lists and ranges are in the group until the template drops them."""
    rules = {
        "FromPeer": rule(SourceSecurityGroupId={"Ref": "Peer"}),
        "FromList": rule(SourcePrefixListId="pl-12345678", Description="old"),
        "ToPeer": rule("Egress", DestinationSecurityGroupId={"Ref": "Peer"}),
        "ToAll6": rule("Egress", CidrIpv6="::/0"),
    }
    assert stack.put(GROUPS | rules) == "CREATE_COMPLETE"
    ids = stack.physical_ids()

    def peers(direction: str) -> set[object]:
        group = aws.client("ec2").describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]
        return {
            entry.get("GroupId") or entry.get("CidrIpv6") or (entry["PrefixListId"], entry["Description"])
            for permission in group[direction]
            for kind in ("UserIdGroupPairs", "PrefixListIds", "Ipv6Ranges", "IpRanges")
            for entry in permission[kind]
        }

    assert peers("IpPermissions") == {ids["Peer"], ("pl-12345678", "old")}
    assert peers("IpPermissionsEgress") == {ids["Peer"], "::/0"}  # without the rule that EC2 gives to a new group

    kept = {"FromPeer": rules["FromPeer"], "FromList": rule(SourcePrefixListId="pl-12345678", Description="new")}
    assert stack.put(GROUPS | kept) == "UPDATE_COMPLETE"
    assert peers("IpPermissions") == {ids["Peer"], ("pl-12345678", "new")}
    assert peers("IpPermissionsEgress") == set()
    assert stack.physical_ids().items() <= ids.items()


def test_a_vpc_has_an_open_default_group(aws: Emulator, stack: Stack) -> None:
    """Its members reach each other, as in AWS, until CDK's custom resource closes it."""
    default, cidr = ({"Fn::GetAtt": ["Vpc", name]} for name in ("DefaultSecurityGroup", "CidrBlock"))
    assert stack.put({"Vpc": VPC, "Rule": rule(GroupId=default, CidrIp=cidr)}) == "CREATE_COMPLETE"

    filters = [{"Name": "vpc-id", "Values": [stack.physical_ids()["Vpc"]]}]
    [group] = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    own, added = group["IpPermissions"]
    assert own["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert added["IpRanges"] == [{"CidrIp": "10.7.0.0/16"}]


def test_create_only_properties_are_the_schemas() -> None:
    """They are known for any type, also for a custom resource."""
    assert {"Cluster", "ServiceName"} < create_only("AWS::ECS::Service")
    assert create_only("AWS::Logs::LogGroup") == {"LogGroupName"}
    assert create_only("AWS::EC2::InternetGateway") == frozenset()
    assert create_only("Custom::Anything") == {"ServiceToken"}


def test_a_create_only_property_replaces(stack: Stack) -> None:
    """A service with another cluster is a new service. MiniStack alone fails to move it."""
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "w", "Image": "n"}]}}
    clusters: Resources = {name: {"Type": "AWS::ECS::Cluster"} for name in ("One", "Two")}

    def service(cluster: str) -> Resources:
        properties = {"Cluster": {"Ref": cluster}, "TaskDefinition": {"Ref": "Task"}}
        return clusters | {"Task": task, "Service": {"Type": "AWS::ECS::Service", "Properties": properties}}

    assert stack.put(service("One")) == "CREATE_COMPLETE"
    before = stack.physical_ids()
    assert stack.put(service("Two")) == "UPDATE_COMPLETE"
    assert {name for name, now in stack.physical_ids().items() if now != before[name]} == {"Service"}


def test_a_protected_load_balancer_stays(aws: Emulator, stack: Stack) -> None:
    """A stack cannot delete it until the protection is off, and an update that removes it leaves it behind."""
    rest = balanced(is_protected=True)
    assert stack.put(rest | {"Removed": rest["Balancer"]}) == "CREATE_COMPLETE"
    ids, elb = stack.physical_ids(), aws.client("elbv2")

    assert stack.put(rest) == "UPDATE_COMPLETE"
    assert ids["Removed"] in {each["LoadBalancerArn"] for each in elb.describe_load_balancers()["LoadBalancers"]}
    assert stack.destroy() == "DELETE_FAILED"
    assert "deletion protection is enabled" in stack.why()
    for arn in (ids["Balancer"], ids["Removed"]):
        off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=off)
    assert stack.destroy() == "DELETE_COMPLETE"


def test_a_retained_log_group_is_never_taken_over(stack: Stack) -> None:
    """The next stack of the same name gets another log group, or fails on a given name."""
    kept: dict[str, Any] = {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"}
    named = kept | {"Properties": {"LogGroupName": "kept"}}
    assert stack.put({"Logs": kept, "Named": named}) == "CREATE_COMPLETE"
    before = stack.physical_ids()["Logs"]
    assert stack.put({"Logs": kept | {"Properties": {"RetentionInDays": 7}}, "Named": named}) == "UPDATE_COMPLETE"
    assert stack.physical_ids()["Logs"] == before
    assert stack.destroy() == "DELETE_COMPLETE"

    assert stack.put({"Logs": kept}) == "CREATE_COMPLETE"
    assert stack.physical_ids()["Logs"] != before
    assert stack.put({"Logs": kept, "Named": named}) == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in stack.why()


def test_types_that_are_not_emulated_deploy(stack: Stack) -> None:
    """They are only recorded. Each has its reason, in one sentence, and no handler."""
    for value in ("1", "2"):
        resources = {name.replace("::", ""): {"Type": name, "Properties": {"A": value}} for name in NOT_EMULATED}
        assert stack.put(resources).endswith("E_COMPLETE")
    assert stack.destroy() == "DELETE_COMPLETE"

    assert not NOT_EMULATED.keys() & HANDLERS.keys()
    assert all(reason.count(".") == 1 and reason.endswith(".") for reason in NOT_EMULATED.values())
