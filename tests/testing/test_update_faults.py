"""What an update loses or what CloudFormation refuses, though nothing is replaced."""

from typing import Any

import pytest

from fargate_constructs.testing import LASTING_TYPES, assert_no_replacement

BUCKET, LOG_GROUP, RECORD, RULE = (
    "AWS::S3::Bucket",
    "AWS::Logs::LogGroup",
    "AWS::Route53::RecordSet",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
)
NAME = {"Name": "a.example.com", "Type": "A", "HostedZoneId": "Z1"}
RECORD_TEXT = "Two (AWS::Route53::RecordSet Two) is the same to AWS as One: AWS gives it the same identity"
RULE_TEXT = "Two (AWS::ElasticLoadBalancingV2::ListenerRule Two) is the same to AWS as One: AWS has it once"


def template(exports: dict[str, object] | None = None, **resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a template."""
    outputs = {f"Output{key}": {"Value": each, "Export": {"Name": key}} for key, each in (exports or {}).items()}
    made = {key: {"Type": type_, "Properties": properties} for key, (type_, properties) in resources.items()}
    return {"Resources": made, "Outputs": outputs}


def faults_of(old: Any, new: Any, **arguments: Any) -> list[str]:  # noqa: ANN401 - passed through
    """Return the message about each fault."""
    try:
        assert_no_replacement(old, new, **arguments)
    except AssertionError as error:
        _, *faults, _ = str(error).splitlines()
        return [fault.removeprefix("- ") for fault in faults]
    return []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            template(Lines=(LOG_GROUP, {})),
            template(Lines=(LOG_GROUP, {"RetentionInDays": 7})),
            "Lines (AWS::Logs::LogGroup Lines) stays, but AWS deletes older log lines: RetentionInDays was",
        ),
        (template(One=(RULE, {"ListenerArn": "a", "Priority": 1})), None, RULE_TEXT),
        (
            template({"Data": 1}, Data=(BUCKET, {})),
            template({"Store": 1}, Data=(BUCKET, {})),
            "the export Data is gone, which CloudFormation refuses while another stack imports it",
        ),
    ],
    ids=["data", "second creation", "export"],
)
def test_faults(old: dict[str, Any], new: dict[str, Any] | None, text: str) -> None:
    """By default; and with more types, but not with others only."""
    new = new or template(Two=(RULE, {"ListenerArn": "a", "Priority": 1}))
    for arguments in ({}, {"types": [*LASTING_TYPES, "AWS::Batch::*"]}, {"types": ["*"]}):
        (fault,) = [each for each in faults_of(old, new, **arguments) if "is deleted" not in each]
        assert fault.startswith(text)
    assert [each for each in faults_of(old, new, types=["AWS::EC2::*"]) if "export" not in each] == []
    assert faults_of(old, old) == []


def test_they_are_accepted() -> None:
    """By path, logical ID or the name of the export; together with a replacement."""
    old = template({"Data": 1}, One=(RECORD, NAME), Lines=(LOG_GROUP, {}))
    new = template(Two=(RECORD, NAME), Lines=(LOG_GROUP, {"RetentionInDays": 7}))

    assert len(faults_of(old, new)) == 4
    assert faults_of(old, new, accepted=["One", "Two", "Lines", "Data"]) == []
    (fault,) = faults_of(old, new, accepted=["One", "Lines", "Data"])
    assert fault.startswith(RECORD_TEXT)


@pytest.mark.parametrize("type_", ["AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", RECORD, BUCKET])
def test_what_lasts_by_default(type_: str) -> None:
    """Its deletion is a fault."""
    assert faults_of(template(It=(type_, {})), template()) == [f"It ({type_} It) is deleted"]


GROUP, PEER = {"Fn::GetAtt": ["Tasks", "GroupId"]}, {"Fn::ImportValue": "Balancer"}
INGRESS, EGRESS = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"


def rules(port: int, *, peer: object = PEER, protocol: str = "tcp", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the two rules by which a load balancer reaches tasks at a port."""
    common = {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "Description": f"to {port}"} | more
    return {
        f"In{port}{protocol}": (INGRESS, {**common, "GroupId": GROUP, "SourceSecurityGroupId": peer}),
        f"Out{port}{protocol}": (EGRESS, {**common, "GroupId": peer, "DestinationSecurityGroupId": GROUP}),
    }


def tasks(*ports: int, check: str = "traffic-port", link: int | None = None, mapped: int = 0) -> dict[str, Any]:
    """Return a service behind a load balancer, and what it refers to."""
    mappings = [{"ContainerPort": mapped}, {"ContainerPort": link, "Name": "web"}]
    service = {
        "NetworkConfiguration": {"AwsvpcConfiguration": {"SecurityGroups": [GROUP]}},
        "LoadBalancers": [{"ContainerPort": port, "TargetGroupArn": {"Ref": "Targets"}} for port in ports],
        "ServiceConnectConfiguration": {"Services": [{"PortName": "web"}]},
        "TaskDefinition": {"Ref": "Task"},
    }
    return {
        "Service": ("AWS::ECS::Service", service),
        "Targets": ("AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPort": check}),
        "Task": ("AWS::ECS::TaskDefinition", {"ContainerDefinitions": [{"PortMappings": mappings}]}),
        "Tasks": ("AWS::EC2::SecurityGroup", {}),
    }


CHECK = rules(9000)
MOVED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "port": (tasks(80) | rules(80), tasks(8080) | rules(8080)),
    "one of two ports": (tasks(80, 81) | rules(80) | rules(81), tasks(80, 82) | rules(80) | rules(82)),
    "port of checks": (tasks(80, check="9000") | CHECK, tasks(80, check="9001") | rules(9001)),
    "port of a link": (tasks(link=80) | rules(80), tasks(link=8080) | rules(8080)),
    "fewer ports": (tasks(80, 9000) | rules(80) | rules(9000), tasks(80) | rules(80)),
    "no port": (tasks(80) | rules(80), tasks()),
    "text and number": (tasks(80) | rules(80), tasks(8080) | rules(8080, FromPort="8080")),
}
LOST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no new rule": (tasks(80) | rules(80), tasks(8080)),
    "another peer": (tasks(80) | rules(80), tasks(8080) | rules(8080, peer="sg-2")),
    "another protocol": (tasks(80) | rules(80), tasks(8080) | rules(8080, protocol="udp")),
    "a port that is still needed": (tasks(80) | rules(80), tasks(80, 8080) | rules(8080)),
    "a port that no load balancer needs": (tasks(80, mapped=5) | rules(4), tasks(80, mapped=5) | rules(5)),
    "a range": (tasks(80) | rules(80, ToPort=90), tasks(8080) | rules(8080)),
    "no tasks": (rules(5432), rules(5433)),
    "a deleted service": (tasks(80) | rules(80), {"Tasks": tasks()["Tasks"]} | rules(8080)),
}


@pytest.mark.parametrize(("old", "new"), MOVED.values(), ids=MOVED)
def test_rules_of_an_old_port_may_go(old: dict[str, Any], new: dict[str, Any]) -> None:
    """A new rule opens another port to the same peer before the old rule is deleted, or the tasks have fewer ports."""
    assert faults_of(template(**old), template(**new)) == []


@pytest.mark.parametrize(("old", "new"), LOST.values(), ids=LOST)
def test_other_rules_stay(old: dict[str, Any], new: dict[str, Any]) -> None:
    """They may be in use."""
    found = [each for each in faults_of(template(**old), template(**new)) if "AWS::ECS" not in each]
    assert len(found) >= 2
    assert all(INGRESS in each or EGRESS in each for each in found if "TargetGroup" not in each)


def test_a_new_rule_under_a_condition_may_not_be_made() -> None:
    """So the old one counts."""
    new = template(**tasks(8080), **rules(8080))
    for each in rules(8080):
        new["Resources"][each]["Condition"] = "IsOpen"
    assert len(faults_of(template(**tasks(80), **rules(80)), {**new, "Conditions": {"IsOpen": {"Ref": "A"}}})) == 2


def test_a_target_group_goes_with_its_route() -> None:
    """It is no fault unless another takes its place, or its type is named."""
    type_ = "AWS::ElasticLoadBalancingV2::TargetGroup"
    old, other = template(One=(type_, {})), template(Two=(type_, {}))

    assert faults_of(old, template()) == []
    assert faults_of(old, other) == [f"One ({type_} One) is deleted; new of its type: Two"]
    assert faults_of(old, template(), types=["*"]) == faults_of(old, template(), types=[type_])
    assert faults_of(old, template(), types=[type_]) == [f"One ({type_} One) is deleted"]


def test_a_pin_has_no_retention_and_no_exports() -> None:
    """They are not compared with one."""
    pin = {"Metadata": {"fargate-constructs:create-only": {LOG_GROUP: ["LogGroupName"]}}}
    plain = template(Lines=(LOG_GROUP, {}))
    more = template({"Lines": 1}, Lines=(LOG_GROUP, {"RetentionInDays": 7}))

    assert faults_of({**plain, **pin}, more) == []
    assert faults_of(more, {**plain, **pin}) == []
    assert len(faults_of(plain, more)) == 1
