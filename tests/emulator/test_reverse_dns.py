"""PTR records: set once their name resolves, removed before it no longer does."""

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from botocore.exceptions import ClientError

from fargate_constructs.network.reverse_dns import ReverseDns
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack


def mail_app(name: str = "mail.example.com", first: int = 0) -> App:
    """Return an app of two Elastic IPs, with one name for those from the *first* on."""
    app = App()
    stack = Stack(app, "Mail")
    elastic_ips = [ec2.CfnEIP(stack, f"ElasticIp{number}", domain="vpc") for number in (1, 2)]
    ReverseDns(
        stack,
        "ReverseDns",
        hosted_zone=route53.PublicHostedZone(stack, "Zone", zone_name="example.com"),
        name=name,
        addresses=[(each.attr_allocation_id, each.attr_public_ip) for each in elastic_ips[first:]],
    )
    for number, each in enumerate(elastic_ips, start=1):
        CfnOutput(stack, f"Address{number}", value=each.attr_allocation_id)
    return app


def _pointers(aws: Emulator) -> dict[str, str]:
    """Each Elastic IP that has a PTR record, by allocation ID, and the record."""
    addresses = aws.client("ec2").describe_addresses_attribute(Attribute="domain-name")["Addresses"]
    return {address["AllocationId"]: address["PtrRecord"] for address in addresses}


def _records(aws: Emulator) -> list[tuple[str, int]]:
    """Each A record's name, and how many addresses it has."""
    zones = aws.client("route53")
    [zone] = zones.list_hosted_zones_by_name(DNSName="example.com", MaxItems="1")["HostedZones"]
    records = zones.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return [(record["Name"], len(record["ResourceRecords"])) for record in records if record["Type"] == "A"]


def _history(aws: Emulator, stack_id: str, status: str) -> list[str]:
    """The types of the stack's resources in the order in which they reached the status."""
    events = aws.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    reached = [event["ResourceType"] for event in reversed(events) if event["ResourceStatus"] == status]
    return [each for each in reached if each in {"AWS::EC2::EIP", "AWS::Route53::RecordSet", "Custom::ReverseDns"}]


def test_pointers_come_after_the_record_and_go_before_it(aws: Emulator) -> None:
    """A deployment ends with both PTR records set; the name and the list may change; nothing is left at the end."""
    stack = DeployedStack(aws, mail_app())
    first, second = stack.output("Address1"), stack.output("Address2")
    assert _pointers(aws) == {first: "mail.example.com.", second: "mail.example.com."}
    assert _records(aws) == [("mail.example.com.", 2)]
    made = _history(aws, stack.id, "CREATE_COMPLETE")
    assert made[-3:] == ["AWS::Route53::RecordSet", "Custom::ReverseDns", "Custom::ReverseDns"]

    assert stack.update(mail_app("post.example.com", first=1)) == "UPDATE_COMPLETE", stack.why()
    assert _pointers(aws) == {second: "post.example.com."}
    assert _records(aws) == [("post.example.com.", 1)]

    assert stack.destroy() == "DELETE_COMPLETE"
    assert _pointers(aws) == {}
    assert aws.client("ec2").describe_addresses()["Addresses"] == []
    gone = _history(aws, stack.id, "DELETE_COMPLETE")
    last = {name: position for position, name in enumerate(gone)}
    assert last["Custom::ReverseDns"] < last["AWS::Route53::RecordSet"]


def test_ec2_refuses_as_in_aws(aws: Emulator) -> None:
    """There is no PTR record for a name that does not resolve to the address, and none for an unknown address."""
    client = aws.client("ec2")
    allocation_id = client.allocate_address(Domain="vpc")["AllocationId"]

    with pytest.raises(ClientError, match="does not resolve"):
        client.modify_address_attribute(AllocationId=allocation_id, DomainName="mail.example.com")
    for call, arguments in (
        (client.modify_address_attribute, {"AllocationId": "eipalloc-0", "DomainName": "mail.example.com"}),
        (client.reset_address_attribute, {"AllocationId": "eipalloc-0", "Attribute": "domain-name"}),
        (client.describe_addresses_attribute, {"AllocationIds": ["eipalloc-0"], "Attribute": "domain-name"}),
    ):
        with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
            call(**arguments)
    client.release_address(AllocationId=allocation_id)


def test_a_pointer_locks_its_address(aws: Emulator) -> None:
    """An Elastic IP is not released while it has a PTR record, and until its removal is done."""
    client, zones = aws.client("ec2"), aws.client("route53")
    address = client.allocate_address(Domain="vpc")
    zone = zones.create_hosted_zone(Name="example.org", CallerReference="once")["HostedZone"]
    record = {"Name": "a.example.org", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": address["PublicIp"]}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
    zones.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})
    allocation_id = address["AllocationId"]

    asked = client.modify_address_attribute(AllocationId=allocation_id, DomainName="a.example.org")["Address"]
    assert asked["PtrRecordUpdate"] == {"Value": "a.example.org.", "Status": "PENDING"}
    assert _pointers(aws) == {allocation_id: ""}
    assert _pointers(aws) == {allocation_id: "a.example.org."}
    client.reset_address_attribute(AllocationId=allocation_id, Attribute="domain-name")
    with pytest.raises(ClientError, match="locked to your account"):
        client.release_address(AllocationId=allocation_id)
    assert _pointers(aws) == {allocation_id: "a.example.org."}
    assert _pointers(aws) == {}
    client.release_address(AllocationId=allocation_id)
