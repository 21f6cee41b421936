"""One name for Elastic IPs, and PTR records that say it."""

import re
from collections.abc import Sequence

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.network.reverse_dns import ReverseDns

NAME = "mail.example.com"
FIRST, SECOND = ("eipalloc-0123456789abcdef0", "203.0.113.7"), ("eipalloc-0123456789abcdef1", "203.0.113.8")


def mail_in(stack: Stack, *, addresses: Sequence[tuple[str, str]] = (FIRST, SECOND), name: str = NAME) -> ReverseDns:
    """Give addresses a name in a zone known by its ID and name."""
    zone = route53.PublicHostedZone.from_public_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABCDEFGHIJ", zone_name="example.com"
    )
    return ReverseDns(stack, "Mail", hosted_zone=zone, name=name, addresses=addresses)


def template_of(addresses: Sequence[tuple[str, str]] = (FIRST, SECOND)) -> Template:
    """Return the template of a stack that holds nothing but named addresses."""
    stack = Stack(App(), "Test")
    mail_in(stack, addresses=addresses)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    """Two known addresses with one name."""
    return template_of()


def test_the_name_has_one_record_with_all_addresses(template: Template) -> None:
    """The name resolves to each address that mail comes from, with a short TTL."""
    template.resource_count_is("AWS::Route53::RecordSet", 1)
    template.has_resource_properties(
        "AWS::Route53::RecordSet",
        {
            "HostedZoneId": "Z0123456789ABCDEFGHIJ",
            "Name": "mail.example.com.",
            "Type": "A",
            "TTL": "300",
            "ResourceRecords": ["203.0.113.7", "203.0.113.8"],
        },
    )


def test_pointers_wait_for_the_record_and_the_permission(template: Template) -> None:
    """EC2 makes no PTR record whose name does not resolve; CloudFormation deletes them in reverse order."""
    (record,) = template.find_resources("AWS::Route53::RecordSet")
    pointers = template.find_resources("Custom::ReverseDns").values()
    policies = template.find_resources("AWS::IAM::Policy")

    assert {pointer["Properties"]["AllocationId"] for pointer in pointers} == {FIRST[0], SECOND[0]}
    for pointer in pointers:
        (permission,) = set(pointer["DependsOn"]) - {record}
        (statement,) = policies[permission]["Properties"]["PolicyDocument"]["Statement"]
        assert pointer["Properties"]["Name"] == NAME
        assert pointer["Properties"]["ServiceTimeout"] == "960"
        assert record in pointer["DependsOn"]
        assert statement["Resource"]["Fn::Join"][1][-1].endswith(f":elastic-ip/{pointer['Properties']['AllocationId']}")


def test_the_function_may_change_its_addresses_alone(template: Template) -> None:
    """It changes PTR records of the addresses it was given, reads those of any, and writes its own log."""
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    arns = [
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, *of_region, f":elastic-ip/{allocation_id}"]]}
        for of_region in [[":ec2:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]]
        for allocation_id in (FIRST[0], SECOND[0])
    ]
    changes = ["ec2:ModifyAddressAttribute", "ec2:ResetAddressAttribute"]

    assert [each["Resource"] for each in statements if each["Action"] == changes] == arns
    assert [each["Action"] for each in statements if each["Resource"] == "*"] == ["ec2:DescribeAddressesAttribute"]
    assert len(statements) == 4


def test_the_function_has_time_for_ec2(template: Template) -> None:
    """Its timeout is Lambda's maximum, and shorter than CloudFormation's."""
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Handler": "handler.handler",
            "Timeout": 900,
            "LoggingConfig": Match.object_like({"LogGroup": Match.any_value()}),
        },
    )
    template.has_resource("AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 30}, "DeletionPolicy": "Delete"})


def test_other_addresses_keep_their_ids() -> None:
    """The IDs of an address's resources depend on the address, not on its position in the list."""
    both = template_of([FIRST, SECOND]).find_resources("Custom::ReverseDns")

    assert template_of([SECOND, FIRST]).find_resources("Custom::ReverseDns") == both
    assert template_of([SECOND]).find_resources("Custom::ReverseDns").items() < both.items()


def test_the_addresses_of_another_stack() -> None:
    """The network's own addresses are tokens. The stack with the name depends on its stack, not the reverse."""
    app = App()
    base, stack = Stack(app, "Base"), Stack(app, "Mail")
    pool = FixedEgressNetwork(base, "Network").elastic_ip_pool
    assert pool
    mail_in(stack, addresses=list(zip(pool.allocation_ids, pool.public_ips, strict=True)))
    template = Template.from_stack(stack)
    pointers = template.find_resources("Custom::ReverseDns").values()

    exported = [str(pointer["Properties"]["AllocationId"]) for pointer in pointers]
    assert [re.findall("AllocationId|EgressIps[0-9]", each) for each in exported] == [
        ["EgressIps1", "AllocationId"],
        ["EgressIps2", "AllocationId"],
    ]
    assert len(template.find_resources("Custom::ReverseDns")) == 2
    assert base.dependencies == []


def test_names_and_zones_that_are_not_known(stack: Stack) -> None:
    """A name may be a token. A zone imported by its ID does not know its own name, so the record has the full name.

    The zone itself may be the name: `example.com` is in `example.com`.
    """
    known = route53.PublicHostedZone.from_public_hosted_zone_attributes(
        stack, "Known", hosted_zone_id="Z0123456789ABCDEFGHIJ", zone_name="example.com"
    )
    by_id = route53.HostedZone.from_hosted_zone_id(stack, "ById", "Z0123456789ABCDEFGHIJ")
    for id_, zone, name in (("Token", known, stack.region), ("Full", by_id, NAME), ("Apex", known, "example.com")):
        ReverseDns(stack, id_, hosted_zone=zone, name=name, addresses=[FIRST])

    records = Template.from_stack(stack).find_resources("AWS::Route53::RecordSet").values()
    assert [each["Properties"]["Name"] for each in records] == [
        {"Fn::Join": ["", [{"Ref": "AWS::Region"}, "."]]},
        "mail.example.com.",
        "example.com.",
    ]


def test_a_private_zone_is_refused(stack: Stack) -> None:
    """Neither EC2 nor a mail server would find the name there."""
    zone = route53.PrivateHostedZone(stack, "Zone", zone_name="example.com", vpc=ec2.Vpc(stack, "Vpc"))

    with pytest.raises(ValueError, match=r"hosted_zone must be public, .*, got: Test/Zone"):
        ReverseDns(stack, "Mail", hosted_zone=zone, name=NAME, addresses=[FIRST])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mail",
        "mail.example.com.",
        "Mail.example.com",
        "*.example.com",
        "my_mail.example.com",
        "-mail.example.com",
        "mail-.example.com",
        "mail..example.com",
        "203.0.113.7",
        f"{'m' * 64}.example.com",
        f"{'m.' * 122}example.com",
        "mail.example.com\n",
    ],
)
def test_what_is_no_host_name_is_refused(stack: Stack, name: str) -> None:
    """The message has an example."""
    with pytest.raises(ValueError, match=re.escape(f"such as mail.example.com, got: {name!r}")):
        mail_in(stack, name=name)
    assert stack.node.try_find_child("Mail") is None


def test_the_longest_host_name_is_taken(stack: Stack) -> None:
    """A label has up to 63 letters, a name up to 253."""
    name = f"{'m' * 63}.{'m.' * 89}example.com"
    mail_in(stack, name=name)

    assert len(name) == 253


def test_a_name_outside_the_zone_is_refused(stack: Stack) -> None:
    """A record cannot be made in another zone, also if the names end with the same letters."""
    with pytest.raises(ValueError, match=r"name must be in .* 'example\.com', got: 'mail\.myexample\.com'"):
        mail_in(stack, name="mail.myexample.com")
