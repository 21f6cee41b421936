"""PTR records: set once their name resolves, removed before it no longer does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.emulator.emulator import ROOT, Emulator

APP = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from fargate_constructs.network.reverse_dns import ReverseDns
app = cdk.App()
stack = cdk.Stack(app, "Mail")
elastic_ips = [ec2.CfnEIP(stack, f"ElasticIp{{number}}", domain="vpc") for number in (1, 2)]
used = elastic_ips[int(app.node.try_get_context("first") or 0):]
ReverseDns(
    stack,
    "ReverseDns",
    hosted_zone=route53.PublicHostedZone(stack, "Zone", zone_name="example.com"),
    name=app.node.try_get_context("name") or "mail.example.com",
    addresses=[(each.attr_allocation_id, each.attr_public_ip) for each in used],
)
for number, each in enumerate(elastic_ips, start=1):
    cdk.CfnOutput(stack, f"Address{{number}}", value=each.attr_allocation_id)
app.synth()
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    """One emulator for all tests of this module."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    """A CDK app with two Elastic IPs and one name for them, or another with `-c name=`, or for the second alone."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text('{"app": "python3 app.py"}')
    return tmp_path


def _pointers(aws: Emulator) -> dict[str, str]:
    """Each Elastic IP that has a PTR record, by allocation ID, and the record."""
    addresses = aws.client("ec2").describe_addresses_attribute(Attribute="domain-name")["Addresses"]
    return {address["AllocationId"]: address["PtrRecord"] for address in addresses}


def _records(aws: Emulator) -> list[tuple[str, int]]:
    """Each A record's name, and how many addresses it has."""
    route53 = aws.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return [(record["Name"], len(record["ResourceRecords"])) for record in records if record["Type"] == "A"]


def _history(aws: Emulator, stack_id: str, status: str) -> list[str]:
    """The types of the stack's resources in the order in which they reached the status."""
    events = aws.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    reached = [event["ResourceType"] for event in reversed(events) if event["ResourceStatus"] == status]
    return [each for each in reached if each in {"AWS::EC2::EIP", "AWS::Route53::RecordSet", "Custom::ReverseDns"}]


def test_pointers_come_after_the_record_and_go_before_it(aws: Emulator, app_dir: Path) -> None:
    """A deployment ends with both PTR records set; the name and the list may change; nothing is left at the end."""
    outdir = app_dir / "cdk.out"
    first, second = aws.deploy(app_dir, outdir=outdir).values()
    stack_id = aws.client("cloudformation").describe_stacks(StackName="Mail")["Stacks"][0]["StackId"]
    assert _pointers(aws) == {first: "mail.example.com.", second: "mail.example.com."}
    assert _records(aws) == [("mail.example.com.", 2)]
    made = _history(aws, stack_id, "CREATE_COMPLETE")
    assert made[-3:] == ["AWS::Route53::RecordSet", "Custom::ReverseDns", "Custom::ReverseDns"]

    aws.deploy(app_dir, outdir=outdir, context={"name": "post.example.com", "first": "1"})
    assert _pointers(aws) == {second: "post.example.com."}
    assert _records(aws) == [("post.example.com.", 1)]

    aws.destroy(outdir)
    assert _pointers(aws) == {}
    assert aws.client("ec2").describe_addresses()["Addresses"] == []
    gone = _history(aws, stack_id, "DELETE_COMPLETE")
    last = {name: position for position, name in enumerate(gone)}
    assert last["Custom::ReverseDns"] < last["AWS::Route53::RecordSet"]


def test_ec2_refuses_as_in_aws(aws: Emulator) -> None:
    """There is no PTR record for a name that does not resolve to the address, and none for an unknown address."""
    ec2 = aws.client("ec2")
    allocation_id = ec2.allocate_address(Domain="vpc")["AllocationId"]

    with pytest.raises(ClientError, match="does not resolve"):
        ec2.modify_address_attribute(AllocationId=allocation_id, DomainName="mail.example.com")
    for call, arguments in (
        (ec2.modify_address_attribute, {"AllocationId": "eipalloc-0", "DomainName": "mail.example.com"}),
        (ec2.reset_address_attribute, {"AllocationId": "eipalloc-0", "Attribute": "domain-name"}),
        (ec2.describe_addresses_attribute, {"AllocationIds": ["eipalloc-0"], "Attribute": "domain-name"}),
    ):
        with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
            call(**arguments)
    ec2.release_address(AllocationId=allocation_id)


def test_a_pointer_locks_its_address(aws: Emulator) -> None:
    """An Elastic IP is not released while it has a PTR record, and until its removal is done."""
    ec2, route53 = aws.client("ec2"), aws.client("route53")
    address = ec2.allocate_address(Domain="vpc")
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="once")["HostedZone"]
    record = {"Name": "a.example.org", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": address["PublicIp"]}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})
    allocation_id = address["AllocationId"]

    asked = ec2.modify_address_attribute(AllocationId=allocation_id, DomainName="a.example.org")["Address"]
    assert asked["PtrRecordUpdate"] == {"Value": "a.example.org.", "Status": "PENDING"}
    assert _pointers(aws) == {allocation_id: ""}
    assert _pointers(aws) == {allocation_id: "a.example.org."}
    ec2.reset_address_attribute(AllocationId=allocation_id, Attribute="domain-name")
    with pytest.raises(ClientError, match="locked to your account"):
        ec2.release_address(AllocationId=allocation_id)
    assert _pointers(aws) == {allocation_id: "a.example.org."}
    assert _pointers(aws) == {}
    ec2.release_address(AllocationId=allocation_id)
