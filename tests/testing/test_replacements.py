"""What CloudFormation would replace."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnCondition, CfnParameter, Fn, NestedStack, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from fargate_constructs.synthesized.create_only import CONDITIONALLY, DOCUMENTED, create_only_names
from fargate_constructs.testing import LASTING_TYPES, assert_no_replacement, lasting_resources
from tests.testing.documented import written

BUCKET, VPC, SUBNET, CLUSTER = "AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::RDS::DBCluster"
ANY = ["*"]


def resource(type_: str, path: str = "", **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return a resource as a template has it."""
    metadata = {"Metadata": {"aws:cdk:path": path}} if path else {}
    return {"Type": type_, **metadata, "Properties": properties}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """Return a template."""
    return {"Resources": resources}


def faults_of(old: Any, new: Any, **arguments: Any) -> list[str]:  # noqa: ANN401 - passed through
    """Return the message about each resource that would be replaced or deleted."""
    try:
        assert_no_replacement(old, new, **arguments)
    except AssertionError as error:
        head, *faults, end = str(error).splitlines()
        assert head == f"CloudFormation would replace, delete or refuse {len(faults)} of what should last:"
        assert end == "put each back as it was, or name it in accepted=[...] if it may go"
        return [fault.removeprefix("- ") for fault in faults]
    return []


def test_what_stays() -> None:
    """A property that can be changed in place, a new resource, and one of another type."""
    old = template(Data=resource(BUCKET, BucketName="a"), Once=resource("AWS::ECS::TaskDefinition", Cpu="256"))
    new = template(
        Data=resource(BUCKET, BucketName="a", Tags=[{"Key": "a", "Value": "b"}]),
        More=resource(BUCKET),
        Once=resource("AWS::ECS::TaskDefinition", Cpu="512"),
    )

    assert faults_of(old, new) == []
    assert faults_of(old, new, types=["AWS::ECS::*"]) == [
        'Once (AWS::ECS::TaskDefinition Once) is replaced for Cpu: was "256", now "512"'
    ]


def test_what_is_deleted() -> None:
    """The new resources of its type are named: most often one is the same thing with another ID."""
    old = template(Old=resource(BUCKET, "Shop/Data/Resource"), Other=resource(BUCKET), Ours=resource(BUCKET))
    new = template(New=resource(BUCKET, "Shop/Store/Resource"), Ours=resource(BUCKET))

    assert faults_of(old, new) == [
        "Shop/Data/Resource (AWS::S3::Bucket Old) is deleted; new of its type: Shop/Store/Resource",
        "Other (AWS::S3::Bucket Other) is deleted; new of its type: Shop/Store/Resource",
    ]
    assert faults_of(template(Old=resource(BUCKET)), template()) == ["Old (AWS::S3::Bucket Old) is deleted"]


def test_another_type() -> None:
    """CloudFormation refuses such an update, whether the old or the new type should last."""
    data, role = template(It=resource(BUCKET, "Shop/It")), template(It=resource("AWS::IAM::Role", "Shop/It"))

    refused = "which CloudFormation refuses under one logical ID"
    assert faults_of(data, role) == [
        f"Shop/It (AWS::S3::Bucket It) was AWS::S3::Bucket and is AWS::IAM::Role, {refused}",
    ]
    assert faults_of(role, data) == [
        f"Shop/It (AWS::IAM::Role It) was AWS::IAM::Role and is AWS::S3::Bucket, {refused}",
    ]


def test_properties_that_are_create_only() -> None:
    """The message has each property with both values, and whether AWS replaces always or under conditions."""
    old = template(Base=resource(CLUSTER, "Shop/Base", DatabaseName="shop", Engine="aurora-mysql", Port=3306))
    new = template(Base=resource(CLUSTER, "Shop/Base", StorageEncrypted=True, Engine="aurora-postgresql", Port=5432))

    assert faults_of(old, new) == [
        (
            'Shop/Base (AWS::RDS::DBCluster Base) is replaced for DatabaseName: was "shop", now not set; '
            "is replaced for StorageEncrypted: was not set, now true; "
            'may be replaced for Engine: was "aurora-mysql", now "aurora-postgresql"'
        )
    ]


def test_properties_within_properties() -> None:
    """Only the create-only part of an object or of list items counts; all of it if it is unresolved."""
    old = template(Lines=resource("AWS::Glue::Table", TableInput={"Name": "lines", "Description": "old"}))
    described = template(Lines=resource("AWS::Glue::Table", TableInput={"Name": "lines", "Description": "new"}))
    renamed = template(Lines=resource("AWS::Glue::Table", TableInput={"Name": "rows"}))
    unknown = template(Lines=resource("AWS::Glue::Table", TableInput={"Fn::If": ["Is", {}, {}]}))

    assert faults_of(old, described) == []
    assert faults_of(old, renamed) == [
        'Lines (AWS::Glue::Table Lines) is replaced for TableInput: was {"Name": "lines"}, now {"Name": "rows"}'
    ]
    assert faults_of(old, unknown) == [
        (
            'Lines (AWS::Glue::Table Lines) is replaced for TableInput: was {"Name": "lines"}, '
            'now {"Fn::If": ["Is", {}, {}]}'
        )
    ]

    def nodes(*servers: str | None) -> dict[str, Any]:
        each = [{"DbServerId": server, "Tag": "x"} if server else "a reference" for server in servers]
        return template(Cluster=resource("AWS::ODB::CloudVmCluster", DbNodes=each))

    assert faults_of(nodes("a", None), nodes("a", None), types=ANY) == []
    assert len(faults_of(nodes("a", "b"), nodes("a", "c"), types=ANY)) == 1


@pytest.mark.parametrize(
    "reference",
    [
        {"Ref": "Group"},
        {"Fn::GetAtt": ["Group", "Name"]},
        {"Fn::GetAtt": "Group.Name"},
        {"Fn::Sub": "${AWS::StackName}-${Group.Name}"},
        {"Fn::Sub": ["${Name}-${Group}", {"Name": "a"}]},
        {"Fn::Join": ["", ["a", {"Ref": "Group"}]]},
    ],
    ids=["ref", "attribute", "attribute-in-short", "substituted", "substituted-with-names", "joined"],
)
def test_what_follows(reference: object) -> None:
    """A replaced resource has another physical ID, so resources that are created with it are replaced, too."""

    def data(description: str) -> dict[str, Any]:
        return template(
            Group=resource("AWS::RDS::DBSubnetGroup", "Shop/Group", DBSubnetGroupName=description),
            Base=resource(CLUSTER, "Shop/Base", DBSubnetGroupName=reference),
            One=resource("AWS::RDS::DBInstance", "Shop/One", DBClusterIdentifier={"Ref": "Base"}),
        )

    assert faults_of(data("old"), data("old")) == []
    assert faults_of(data("old"), data("new")) == [
        "Shop/Base (AWS::RDS::DBCluster Base) is replaced with Shop/Group, which its DBSubnetGroupName refers to",
        "Shop/One (AWS::RDS::DBInstance One) is replaced with Shop/Base, which its DBClusterIdentifier refers to",
    ]


YES, NO = {"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}


def conditional(name: str, **conditions: object) -> dict[str, Any]:
    """Return the template of a bucket that is there under a condition."""
    return {"Conditions": conditions, "Resources": {"Data": {"Type": BUCKET, "Condition": name}}}


def test_conditions() -> None:
    """A resource under another condition may be deleted; the condition's name does not matter."""
    always, yes, no = template(Data=resource(BUCKET)), conditional("Is", Is=YES), conditional("Is", Is=NO)
    gone = "Data (AWS::S3::Bucket Data) may be deleted: its Condition was {}, now {}"

    assert faults_of(always, no) == [gone.format("not set", '{"Fn::Equals": ["a", "b"]}')]
    assert faults_of(yes, no) == [gone.format('{"Fn::Equals": ["a", "a"]}', '{"Fn::Equals": ["a", "b"]}')]
    assert faults_of(yes, conditional("Was", Was=YES)) == []
    assert faults_of(no, always) == []
    assert faults_of(yes, conditional("Not", Not={"Fn::Not": [{"Condition": "Is"}]}, Is=YES)) == [
        gone.format('{"Fn::Equals": ["a", "a"]}', '{"Fn::Not": [{"Fn::Equals": ["a", "a"]}]}')
    ]


def test_conditions_in_a_circle_end() -> None:
    """CloudFormation refuses them; the comparison ends."""
    circle = conditional("Is", Is={"Fn::Not": [{"Condition": "Not"}]}, Not={"Fn::Not": [{"Condition": "Is"}]})

    assert faults_of(circle, circle) == []


def test_conditions_and_mappings_in_properties() -> None:
    """Conditions and mappings count as their values."""

    def vpc(condition: object, cidr: str) -> dict[str, Any]:
        found = {"Fn::FindInMap": ["Ranges", "shop", "cidr"]}
        return {
            "Conditions": {"IsProd": condition},
            "Mappings": {"Ranges": {"shop": {"cidr": cidr}}},
            "Resources": {"Vpc": resource(VPC, CidrBlock={"Fn::If": ["IsProd", found, "10.9.0.0/16"]})},
        }

    assert faults_of(vpc(YES, "10.0.0.0/16"), vpc(YES, "10.0.0.0/16")) == []
    assert len(faults_of(vpc(YES, "10.0.0.0/16"), vpc(YES, "10.1.0.0/16"))) == 1
    assert len(faults_of(vpc(YES, "10.0.0.0/16"), vpc(NO, "10.0.0.0/16"))) == 1


def test_conditions_are_pinned() -> None:
    """With what they say: a pin has no other section."""
    stacks = [Stack(App(), "Shop") for _ in range(3)]
    for stack, region in zip(stacks, [None, "eu-west-1", "eu-west-2"], strict=True):
        address = ec2.CfnEIP(stack, "Address")
        if region:
            expression = Fn.condition_equals(Aws.REGION, region)
            address.cfn_options.condition = CfnCondition(stack, "IsHere", expression=expression)
    always, west, east = map(lasting_resources, stacks)

    assert faults_of(west, stacks[1]) == []
    assert len(faults_of(always, stacks[1])) == 1
    assert len(faults_of(west, east)) == 1


def test_what_schemas_lack() -> None:
    """A data file has what only AWS's documentation says; a newer CDK CLI may have more of it."""
    assert written() == DOCUMENTED.read_text(), "make create-only"
    assert "Name" in create_only_names("AWS::Route53::RecordSet", CONDITIONALLY)

    port = [template(Base=resource("AWS::RDS::DBInstance", Port=port)) for port in ("5432", "5433")]
    assert faults_of(*port) == ['Base (AWS::RDS::DBInstance Base) may be replaced for Port: was "5432", now "5433"']


IMPORT = {"Fn::ImportValue": "Base:ExportsOutputRefGroupEB7FEF75"}
WEAK_IMPORT = {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "PublishOutputRefGroupC0"}}


@pytest.mark.parametrize(
    ("type_", "name", "was", "now", "verb"),
    [
        # https://github.com/aws/aws-cdk/issues/21100
        ("AWS::RDS::DBParameterGroup", "Family", "postgres15", "postgres16", "may be"),
        ("AWS::Route53::RecordSet", "Name", "a.example.com", "b.example.com", "may be"),
        ("AWS::RDS::DBInstance", "MultiAZ", False, True, ""),
        # https://github.com/go-to-k/cdkd/issues/960
        ("AWS::Pipes::Pipe", "SourceParameters", *({"SqsQueueParameters": {"BatchSize": size}} for size in (1, 2)), ""),
        # https://github.com/awsdocs/aws-cloudformation-user-guide/issues/1276
        ("AWS::ElastiCache::ReplicationGroup", "AtRestEncryptionEnabled", None, False, "is"),
        # https://github.com/aws/aws-cdk/issues/32472
        ("AWS::CDK::Metadata", "Analytics", "v2:a", "v2:b", ""),
        # https://github.com/aws/aws-cdk/issues/38829: a weak reference is resolved after the update has been planned
        ("AWS::RDS::DBInstance", "DBSubnetGroupName", IMPORT, WEAK_IMPORT, "is"),
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2214
        ("AWS::ECS::Service", "LaunchType", "FARGATE", None, "may be"),
        ("AWS::ECS::Service", "CapacityProviderStrategy", None, [{"CapacityProvider": "FARGATE_SPOT"}], ""),
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/651
        ("AWS::ECS::Service", "PlacementStrategies", [{"Type": "spread"}], [{"Type": "binpack"}], ""),
        # https://github.com/aws/aws-cdk/issues/23988
        ("AWS::ECS::Service", "DeploymentController", None, {"Type": "ECS"}, "may be"),
        # https://github.com/aws/aws-cdk/issues/33253
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Scheme", "internet-facing", "internal", "is"),
        # https://github.com/widdix/aws-cf-templates/pull/318
        ("AWS::RDS::DBInstance", "Engine", "mysql", {"Ref": "Engine"}, "may be"),
    ],
)
def test_surprising_updates(type_: str, name: str, was: object, now: object, verb: str) -> None:
    """CloudFormation replaces, or does not, though its tools or its pages said otherwise."""
    given: list[dict[str, Any]] = [{} if each is None else {name: each} for each in (was, now)]
    old, new = (template(It=resource(type_, **each)) for each in given)
    faults = faults_of(old, new, types=ANY)

    assert [f"{verb} replaced for {name}" in fault for fault in faults] == ([True] if verb else [])


SPELLINGS = [
    {"Ref": "V"},
    {"Fn::Sub": "${V}"},
    {"Fn::Sub": ["${It}", {"It": {"Ref": "V"}}]},
    {"Fn::Join": ["", [{"Fn::Sub": "${V}"}]]},
]
LITERALS = ["a-b", {"Fn::Join": ["-", ["a", "b"]]}, {"Fn::Sub": "a-b"}, {"Fn::Sub": ["${A}-b", {"A": "a"}]}]
ZONES = [{"Fn::Select": [0, {"Fn::GetAZs": each}]} for each in ("", {"Ref": "AWS::Region"})]
TEXTS = [{"Fn::Sub": "${V.Arn}/x"}, {"Fn::Join": ["/", [{"Fn::GetAtt": ["V", "Arn"]}, "x"]]}]


@pytest.mark.parametrize(
    "spellings", [SPELLINGS, LITERALS, TEXTS, ZONES], ids=["reference", "literal", "text", "zones"]
)
def test_a_value_in_another_form_is_no_change(spellings: list[Any]) -> None:
    """A text may be put together in different ways; another value is a change."""
    first, *others = [template(Data=resource(BUCKET, BucketName=each)) for each in spellings]

    for other in others:
        assert faults_of(first, other) == []
    assert len(faults_of(first, template(Data=resource(BUCKET, BucketName="other")))) == 1


class Nested(Stack):
    """A bucket in a nested stack, named by what its parent gives it: a literal, and what another nested one has."""

    def __init__(self, name: str = "a", *, key: str = "Key") -> None:
        super().__init__(App(), "Shop")
        keys, data = NestedStack(self, "Keys"), NestedStack(self, "Data", parameters={"Name": name})
        user = iam.CfnUser(keys, key, user_name=key)
        parameter = CfnParameter(data, "Name")
        self.bucket = s3.CfnBucket(data, "Bucket", bucket_name=f"{parameter.value_as_string}-{user.ref}")
        self.data = data


def test_what_a_parent_changes_in_a_nested_stack() -> None:
    """A parameter's value, or an output of another nested stack; in stacks, in pins, and in the nested stack alone."""
    old, pin = Nested(), lasting_resources(Nested())

    for before in (old, pin):
        assert faults_of(before, Nested()) == []
        (fault,) = faults_of(before, Nested("b"))
        assert "Shop/Data/Bucket" in fault
        assert "is replaced for BucketName" in fault
        (fault,) = faults_of(before, Nested(key="Other"))
        assert '"Fn::Join": ["", ["a-", {"Ref": ' in fault
    (fault,) = faults_of(old.data, Nested("b").data)
    assert fault.startswith("Shop/Data/Bucket (AWS::S3::Bucket Bucket) is replaced for BucketName: ")


def test_a_parent_and_a_nested_stack_with_the_same_logical_ids() -> None:
    """Each resource has the path of its own construct, also if its logical ID is overridden."""
    shop = Stack(App(), "Shop")
    for stack in (shop, NestedStack(shop, "Nested")):
        s3.CfnBucket(stack, "Old").override_logical_id("Data")

    pinned = lasting_resources(shop)["Resources"]
    paths = {each["Metadata"]["aws:cdk:path"]: name for name, each in pinned.items() if each["Type"] == BUCKET}
    assert paths["Shop/Old"] == "Data"
    assert paths["Shop/Nested/Old"].endswith("/Data")


def test_consequences_in_a_nested_stack() -> None:
    """References within a nested stack are followed."""

    def shop(cidr: str) -> Stack:
        stack = Stack(App(), "Shop")
        nested = NestedStack(stack, "Nested")
        vpc = ec2.CfnVPC(nested, "Vpc", cidr_block=cidr)
        ec2.CfnSubnet(nested, "Subnet", vpc_id=vpc.ref, cidr_block="10.0.0.0/24")
        return stack

    _, subnet = faults_of(shop("10.0.0.0/16"), shop("10.1.0.0/16"))
    assert "Shop/Nested/Subnet (AWS::EC2::Subnet " in subnet
    assert " is replaced with Shop/Nested/Vpc, which its VpcId refers to" in subnet


def test_what_may_follow() -> None:
    """A conditional property, or a cause that may be replaced, makes a replacement possible, not certain."""

    def data(family: str, name: str) -> dict[str, Any]:
        return template(
            Group=resource("AWS::RDS::DBParameterGroup", Family=family),
            Named=resource("AWS::RDS::DBParameterGroup", DBParameterGroupName=name),
            Base=resource("AWS::RDS::DBInstance", "Shop/Base", DBParameterGroupName={"Ref": "Named"}),
            Replica=resource("AWS::RDS::DBInstance", "Shop/Replica", DBParameterGroupName={"Ref": "Group"}),
        )

    assert faults_of(data("a", "a"), data("b", "b")) == [
        f"Shop/{base} (AWS::RDS::DBInstance {base}) may be replaced with {group}, "
        "which its DBParameterGroupName refers to"
        for base, group in (("Base", "Named"), ("Replica", "Group"))
    ]


def test_what_may_go() -> None:
    """By construct path, with all below it, or by logical ID."""
    old = template(Near=resource(BUCKET, "Shop/Data/Resource"), Far=resource(BUCKET, "Shop/Database/Resource"))
    far = "Shop/Database/Resource (AWS::S3::Bucket Far) is deleted"

    assert faults_of(old, template(), accepted=["Shop/Data"]) == [far]
    assert faults_of(old, template(), accepted=["Near"]) == [far]
    assert faults_of(old, template(), accepted=["Shop"]) == []
    assert faults_of(old, template(), accepted=["Shop/Data/", "Far"]) == []


def test_what_is_accepted_must_go() -> None:
    """A mistyped or outdated entry would hide a later replacement."""
    old = template(Data=resource(BUCKET, "Shop/Data/Resource"))

    with pytest.raises(AssertionError, match="accepted: Shop/Dat; remove it, or correct it"):
        assert_no_replacement(old, template(), accepted=["Shop/Data", "Shop/Dat"])
    with pytest.raises(AssertionError, match="accepted: Shop/Data; "):
        assert_no_replacement(old, old, accepted=["Shop/Data"])


def test_types_without_a_schema() -> None:
    """Of a third party's type only the ID and the type are compared; custom resources of CDK have a schema."""
    own, other = resource("Own::Thing::Type", Name="a"), resource("Own::Thing::Type", Name="b")

    assert faults_of(template(Thing=own), template(Thing=other), types=ANY) == []
    assert faults_of(template(Thing=own), template(), types=ANY) == ["Thing (Own::Thing::Type Thing) is deleted"]
    custom = [template(It=resource("Custom::It", ServiceToken=token)) for token in "ab"]
    assert faults_of(*custom, types=ANY) == ['It (Custom::It It) is replaced for ServiceToken: was "a", now "b"']


class Shop(Stack):
    """A VPC with a subnet, and a bucket."""

    def __init__(self, cidr: str = "10.0.0.0/16", bucket: str = "Data") -> None:
        super().__init__(App(), "Shop")
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=cidr)
        ec2.CfnSubnet(self, "Subnet", vpc_id=vpc.ref, cidr_block="10.0.0.0/24")
        ec2.CfnInternetGateway(self, "Gateway")
        s3.Bucket(self, bucket)


FAULTS = [
    'Shop/Vpc (AWS::EC2::VPC Vpc) is replaced for CidrBlock: was "10.0.0.0/16", now "10.1.0.0/16"',
    "Shop/Subnet (AWS::EC2::Subnet Subnet) is replaced with Shop/Vpc, which its VpcId refers to",
]


@pytest.fixture(scope="module")
def pinned() -> dict[str, Any]:
    """What must not change of the stack."""
    return lasting_resources(Shop())


@pytest.mark.parametrize("kind", [dict, Path, str])
def test_stacks_and_files(kind: Callable[[Any], Any], pinned: dict[str, Any], tmp_path: Path) -> None:
    """A stack is compared with a stack, a template, or a file by its path; construct paths need no CLI."""
    file = tmp_path / "deployed.json"
    file.write_text(json.dumps(pinned))

    assert faults_of(Shop(), Shop("10.1.0.0/16")) == FAULTS
    assert faults_of(kind(pinned if kind is dict else file), Shop("10.1.0.0/16")) == FAULTS


def test_what_is_pinned(pinned: dict[str, Any]) -> None:
    """Logical IDs, types, paths and create-only properties of what should last; nothing else."""
    resources = pinned["Resources"]

    assert resources["Vpc"] == resource(VPC, "Shop/Vpc", CidrBlock="10.0.0.0/16")
    assert resources["Subnet"] == resource(SUBNET, "Shop/Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.0.0/24")
    (bucket,) = resources.keys() - {"Vpc", "Subnet"}
    assert resources[bucket] == {"Type": BUCKET, "Metadata": {"aws:cdk:path": "Shop/Data/Resource"}}


@pytest.mark.parametrize("is_old", [True, False], ids=["old", "new"])
def test_a_pin_says_what_was_looked_at(is_old: bool, pinned: dict[str, Any]) -> None:  # noqa: FBT001 - a parameter
    """A property that an older cfn-lint did not know is not compared."""
    looked = pinned["Metadata"]["fargate-constructs:create-only"]
    older = json.loads(json.dumps(pinned))
    older["Metadata"]["fargate-constructs:create-only"][VPC] = ["InstanceTenancy"]
    del older["Resources"]["Vpc"]["Properties"]

    assert set(looked) == {VPC, SUBNET, BUCKET}
    assert {"CidrBlock", "InstanceTenancy"} <= set(looked[VPC])
    assert faults_of(*((older, Shop()) if is_old else (Shop(), older))) == []


def test_what_is_referred_to_is_pinned_with_it() -> None:
    """A replaced VPC replaces its subnets."""
    assert list(lasting_resources(Shop(), types=[SUBNET])["Resources"]) == ["Subnet", "Vpc"]
    stack = Stack(App(), "Test")
    ec2.CfnVPC(stack, "Vpc", cidr_block=stack.region)  # a pseudo parameter
    assert list(lasting_resources(stack)["Resources"]) == ["Vpc"]


TYPES = ["AWS::EC2::Vpc", "My::*", VPC]
NO_TYPES = "got: AWS::EC2::Vpc, My::*; spell them as templates do, such as AWS::EC2::VPC or AWS::S3::*"
LOOP = {"Resources": {"Fn::ForEach::Vpcs": ["Name", ["A"], {"Vpc${Name}": resource(VPC)}]}}


@pytest.mark.parametrize(
    ("old", "new", "arguments", "error", "message"),
    [
        (template(Vpc=resource(VPC)), template(), {"types": TYPES}, ValueError, NO_TYPES),
        (template(), template(), {}, ValueError, "old must have resources, got none"),
        (
            {"Vpc": {}, "Subnet": {}},
            template(),
            {},
            ValueError,
            "old must be a template with Resources, got one",
        ),
        (template(Vpc=resource(VPC)), {}, {}, ValueError, "new must be a template with Resources"),
        (LOOP, template(), {}, ValueError, "complete, got Resources with Fn::ForEach::Vpcs; take it by `aws "),
        (3, template(), {}, TypeError, "old must be aws_cdk.Stack or "),
        (template(), template(), {"accepted": "Shop"}, TypeError, "accepted must be a list of str"),
    ],
)
def test_refusals(old: Any, new: Any, arguments: dict[str, Any], error: type[Exception], message: str) -> None:  # noqa: ANN401
    """Other input would pass silently."""
    with pytest.raises(error, match=re.escape(message)):
        assert_no_replacement(old, new, **arguments)


def test_types_of_a_pin() -> None:
    """A mistyped type is refused; one of a template, or of AWS, may have no resource yet."""
    with pytest.raises(ValueError, match=re.escape(NO_TYPES)):
        lasting_resources(Shop(), types=TYPES)
    own = template(Thing=resource("Own::Thing::Type"))
    assert faults_of(own, own, types=["Own::*", "AWS::Batch::*"]) == []


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        (None, FileNotFoundError, "got none at .*deployed.json; write lasting_resources"),
        ("Resources: {}", ValueError, "deployed.json: Expecting value: line 1.*; take it by"),
        ('"Resources: {}"', ValueError, "deployed.json: it is no object; take it by"),
        (b"\xff\xfe", ValueError, "deployed.json: 'utf-8' codec can't decode.*; take it by"),
        ("folder", ValueError, "deployed.json: it is a folder; take it by"),
    ],
    ids=["none", "yaml", "yaml-as-json", "utf-16", "folder"],
)
def test_files_that_are_no_templates(
    text: str | bytes | None, error: type[Exception], problem: str, tmp_path: Path
) -> None:
    """The message has the path, and how to get or write the file."""
    file = tmp_path / "deployed.json"
    if text == "folder":
        file.mkdir()
    elif text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(error, match=f"old must be the file of a template in JSON, .*{problem}"):
        assert_no_replacement(file, template())


def test_empty_stacks() -> None:
    """A pin of one is empty, and an update to one deletes everything."""
    assert lasting_resources(Stack(App(), "Empty"))["Resources"] == {}
    assert faults_of(template(Old=resource(BUCKET)), Stack(App(), "Empty")) == ["Old (AWS::S3::Bucket Old) is deleted"]


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cfn-lint only this assertion fails, and says how to get it."""
    monkeypatch.setitem(sys.modules, "cfnlint.schema", None)
    unread = template(Queue=resource("AWS::Batch::JobQueue"))  # by no other test

    with pytest.raises(ImportError, match=re.escape("not installed: pip install 'fargate-constructs[testing]'")):
        assert_no_replacement(unread, unread)


def test_types_that_last() -> None:
    """All that AWS's linter calls stateful is among them, and each is a type that there is."""
    stateful = load_resource(AdditionalSpecs, "StatefulResources.json")["ResourceTypes"]

    assert set(stateful) <= set(LASTING_TYPES)
    assert {"AWS::S3Tables::TableBucket", "AWS::EC2::EIPAssociation"} <= set(LASTING_TYPES) - set(stateful)
    assert len(set(LASTING_TYPES)) == len(LASTING_TYPES)
    assert set(LASTING_TYPES) - set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")) <= set(stateful)
