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


def test_a_pin_has_no_retention_and_no_exports() -> None:
    """They are not compared with one."""
    pin = {"Metadata": {"fargate-constructs:create-only": {LOG_GROUP: ["LogGroupName"]}}}
    plain = template(Lines=(LOG_GROUP, {}))
    more = template({"Lines": 1}, Lines=(LOG_GROUP, {"RetentionInDays": 7}))

    assert faults_of({**plain, **pin}, more) == []
    assert faults_of(more, {**plain, **pin}) == []
    assert len(faults_of(plain, more)) == 1
