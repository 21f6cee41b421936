"""What the local CloudFormation replaces and refuses, as the real one does."""

from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.replacements import create_only
from tests.emulator.test_resources import Resources, Stack

ELB = "AWS::ElasticLoadBalancingV2"


@pytest.fixture
def stack(aws: Emulator, request: pytest.FixtureRequest) -> Stack:
    """The one stack of a test."""
    return Stack(aws, request.node.name.replace("_", "-"))


def _balanced(*, is_protected: bool = False, priorities: tuple[int, ...] = ()) -> Resources:
    """A load balancer, its listener and rules of these numbers."""
    attributes = [{"Key": "deletion_protection.enabled", "Value": str(is_protected).lower()}]
    answer: Any = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP", "DefaultActions": answer}
    return {
        "Balancer": {"Type": f"{ELB}::LoadBalancer", "Properties": {"LoadBalancerAttributes": attributes}},
        "Listener": {"Type": f"{ELB}::Listener", "Properties": listener},
        **{
            f"Rule{number}": {
                "Type": f"{ELB}::ListenerRule",
                "Properties": {
                    "ListenerArn": {"Ref": "Listener"},
                    "Priority": priority,
                    "Conditions": [{"Field": "path-pattern", "Values": [f"/{number}"]}],
                    "Actions": answer,
                },
            }
            for number, priority in enumerate(priorities)
        },
    }


def test_create_only_properties_are_the_schemas() -> None:
    """They are known for any type, a custom resource's too; what may change in place is not among them."""
    assert {"Cluster", "ServiceName"} < create_only("AWS::ECS::Service")
    assert create_only("AWS::Logs::LogGroup") == {"LogGroupName"}
    assert create_only("AWS::EC2::InternetGateway") == frozenset()
    assert create_only("Custom::Anything") == {"ServiceToken"}


def test_a_create_only_property_replaces(stack: Stack) -> None:
    """A service in another cluster is another service; MiniStack by itself fails to move it."""

    def service(cluster: str) -> Resources:
        task = {"ContainerDefinitions": [{"Name": "web", "Image": "nginx"}]}
        return {
            "One": {"Type": "AWS::ECS::Cluster"},
            "Two": {"Type": "AWS::ECS::Cluster"},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
            "Service": {
                "Type": "AWS::ECS::Service",
                "Properties": {"Cluster": {"Ref": cluster}, "TaskDefinition": {"Ref": "Task"}},
            },
        }

    assert stack.create(service("One")) == "CREATE_COMPLETE"
    before = stack.ids()
    assert stack.update(service("Two")) == "UPDATE_COMPLETE"
    assert {name for name, now in stack.ids().items() if now != before[name]} == {"Service"}


def test_a_protected_load_balancer_stays(aws: Emulator, stack: Stack) -> None:
    """A stack cannot delete it until the protection is off, and an update that gives it up leaves it behind."""
    given_up, rest = _balanced(is_protected=True)["Balancer"], _balanced(is_protected=True)
    assert stack.create({**rest, "GivenUp": given_up}) == "CREATE_COMPLETE"
    ids, elb = stack.ids(), aws.client("elbv2")

    assert stack.update(rest) == "UPDATE_COMPLETE"
    assert ids["GivenUp"] in {each["LoadBalancerArn"] for each in elb.describe_load_balancers()["LoadBalancers"]}
    assert stack.delete() == "DELETE_FAILED"
    assert "deletion protection is enabled" in stack.reasons()
    for arn in (ids["Balancer"], ids["GivenUp"]):
        off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=off)
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_rules_number_is_its_own(stack: Stack) -> None:
    """A listener takes no two rules of one number, made or changed."""
    assert stack.create(_balanced(priorities=(1, 2))) == "CREATE_COMPLETE"
    for priorities in ((1, 1), (1, 2, 2)):
        assert stack.update(_balanced(priorities=priorities)) == "UPDATE_ROLLBACK_COMPLETE"
        assert "PriorityInUse" in stack.reasons()


def test_subnets_do_not_overlap(stack: Stack) -> None:
    """A VPC takes no two subnets of one range."""
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}
    ranges = {"One": "10.7.0.0/24", "Two": "10.7.0.128/25"}
    subnets = {
        name: {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr}}
        for name, cidr in ranges.items()
    }
    assert stack.create({"Vpc": vpc, **subnets}) == "ROLLBACK_COMPLETE"
    assert "InvalidSubnet.Conflict" in stack.reasons()


def test_a_log_group_is_never_taken_over(stack: Stack) -> None:
    """A retained one stays as it was; the next stack of the name gets another, or fails on a given name."""
    kept: dict[str, Any] = {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"}
    named = kept | {"Properties": {"LogGroupName": "kept"}}
    assert stack.create({"Logs": kept, "Named": named}) == "CREATE_COMPLETE"
    before = stack.ids()["Logs"]
    assert stack.update({"Logs": kept | {"Properties": {"RetentionInDays": 7}}, "Named": named}) == "UPDATE_COMPLETE"
    assert stack.ids()["Logs"] == before
    assert stack.delete() == "DELETE_COMPLETE"

    assert stack.create({"Logs": kept}) == "CREATE_COMPLETE"
    assert stack.ids()["Logs"] != before
    assert stack.update({"Logs": kept, "Named": named}) == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in stack.reasons()
