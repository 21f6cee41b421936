"""`fargate-constructs egress`."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from fargate_constructs.cli import egress
from fargate_constructs.cli.deployed.deployed_networks import find_subject
from fargate_constructs.cli.egress.egress_report import report_on
from tests.cli.deployed.test_egress_addresses import IPV6, NAT_ROUTE, VPC, by, interface, nat, subnet, table
from tests.cli.recorded_aws import BEFORE, REGION, SERVICE_ARN, RecordedAws, service, stack_resource
from tests.cli.runner import runner

run = runner("egress")
STACK_TAG = "aws:cloudformation:stack-name"
# By logical ID: the type, the physical ID, and the construct path.
SHOP = {
    "Web": ("AWS::ECS::Service", SERVICE_ARN, "Shop/Web/Service/Service"),
    "Vpc": ("AWS::EC2::VPC", VPC, "Shop/Network/Vpc/Resource"),
    "Ip1": ("AWS::EC2::EIP", "203.0.113.7", "Shop/Network/EgressIps/1"),
    "Ip2": ("AWS::EC2::EIP", "203.0.113.8|eipalloc-8", "Shop/Network/EgressIps/2"),
}
ZONE_B = {**subnet("subnet-0b0b", "us-east-1b")}
NAT_B = {**nat(("203.0.113.8", "us-east-1b")), "NatGatewayId": "nat-2"}


def address(ip: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return an Elastic IP that something holds."""
    number = ip.rpartition(".")[2]
    held = {"AssociationId": f"eipassoc-{number}", "PublicIpv4Pool": "amazon"}
    return {"PublicIp": ip, "AllocationId": f"eipalloc-{number}", **held, **changes}


def tags(**values: str) -> list[dict[str, str]]:
    """Return tags as EC2 answers them."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


def stacks(**templates: dict[str, tuple[str, str, str]]) -> dict[str, Any]:
    """Return the answers of CloudFormation about stacks; it does not know others."""

    def resources(request: Any) -> Any:  # noqa: ANN401 - of botocore
        if request["StackName"] not in templates:
            return ("ValidationError", f"Stack with id {request['StackName']} does not exist")
        found = templates[request["StackName"]].items()
        return {"StackResourceSummaries": [stack_resource(name, kind, id_) for name, (kind, id_, _) in found]}

    def template(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        found = templates[request["StackName"]].items()
        made = {name: {"Type": kind, "Metadata": {"aws:cdk:path": path}} for name, (kind, _, path) in found}
        return {"TemplateBody": {"Resources": made}}

    known = [{"StackName": each, "CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"} for each in templates]
    return {"DescribeStacks": {"Stacks": known}, "ListStackResources": resources, "GetTemplate": template}


def filtered(key: str, name: str, *found: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    """Return an answer of EC2 that its filter by ID, if there is one, is applied to."""

    def answer(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
        wanted = [
            value for each in request.get("Filters", []) if each["Name"].endswith("-id") for value in each["Values"]
        ]
        return {key: [each for each in found if each.get(name) in wanted or each["VpcId"] in wanted or not wanted]}

    return answer


@pytest.fixture(autouse=True)
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with the stack `Shop`: a network in two zones, and a service."""
    clients.answers |= {
        **stacks(Shop=SHOP),
        "DescribeVpcs": filtered("Vpcs", "VpcId", {"VpcId": VPC}),
        "DescribeSubnets": filtered("Subnets", "SubnetId", subnet(), ZONE_B),
        "DescribeRouteTables": {
            "RouteTables": [table(NAT_ROUTE), table({**NAT_ROUTE, "NatGatewayId": "nat-2"}, of="subnet-0b0b")]
        },
        "DescribeNatGateways": {"NatGateways": [nat(("203.0.113.7", "us-east-1a")), NAT_B]},
        "DescribeAddresses": {"Addresses": [address("203.0.113.7"), address("203.0.113.8")]},
        "DescribeAddressesAttribute": {"Addresses": []},
    }
    network(clients, ["subnet-0a1b", "subnet-0b0b"])
    return clients


def network(aws: RecordedAws, subnets: list[str], **changes: Any) -> None:  # noqa: ANN401 - an answer
    """Let the service run in subnets."""
    configuration = {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "DISABLED", **changes}}
    aws.answers["DescribeServices"] = {"services": [service(networkConfiguration=configuration)]}


def notes(aws: Any, name: str = "Shop/Network") -> dict[str, str]:  # noqa: ANN401 - as boto3
    """Return the findings and notes by ID."""
    report = report_on(aws, find_subject(aws, name))
    return {each.id: each.text for each in (*report.findings, *report.notes)}


TEXT = """\
Shop/Web: 2 addresses, no findings
vpc-0a1b, us-east-1

Addresses
  203.0.113.7
    owner       Shop/Network/EgressIps/1, eipalloc-7
    pool        ipv4pool-ec2-0a1b
    reverse DNS mail.example.com
    by          NAT gateway nat-1
    from        us-east-1a
  203.0.113.8
    owner       Shop/Network/EgressIps/2, eipalloc-8
    by          NAT gateway nat-2
    from        us-east-1b

Services
  Shop/Web  203.0.113.7, 203.0.113.8

VPC routes
  us-east-1a  subnet-0a1b  nat-1  203.0.113.7
  us-east-1b  subnet-0b0b  nat-2  203.0.113.8

Notes
  - Each zone has its own addresses: an allow-list needs all of them.
"""


def test_a_service_has_addresses_with_their_owners(aws: RecordedAws) -> None:
    """Each with its construct path, allocation ID, own pool, reverse DNS name, NAT gateway and zone."""
    pooled = address("203.0.113.7", PublicIpv4Pool="ipv4pool-ec2-0a1b")
    carrier = {"CarrierIp": "198.51.100.1", "AllocationId": "eipalloc-c"}
    aws.answers["DescribeAddresses"] = {"Addresses": [pooled, address("203.0.113.8"), address("203.0.113.9"), carrier]}
    named = {"PublicIp": "203.0.113.7", "AllocationId": "eipalloc-7", "PtrRecord": "mail.example.com."}
    aws.answers["DescribeAddressesAttribute"] = {"Addresses": [named, {"PublicIp": "203.0.113.8"}]}

    assert run("Web") == (0, TEXT, "")
    [wanted] = [params["AllocationIds"] for name, params in aws.requests if name == "DescribeAddressesAttribute"]
    assert wanted == ["eipalloc-7", "eipalloc-8"]


def test_lines_fit_80_columns(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """With IDs of AWS's length; text without colours has the same lines."""
    long_ids = (("subnet-0a1b", "subnet-0123456789abcdef0"), ("nat-1", "nat-0123456789abcdef0"))
    answers = json.dumps({name: each for name, each in aws.answers.items() if isinstance(each, dict)}, default=str)
    for short, long in long_ids:
        answers = answers.replace(short, long)
    aws.answers |= {
        name: each for name, each in json.loads(answers).items() if name.startswith(("DescribeR", "DescribeN"))
    }
    network(aws, ["subnet-0123456789abcdef0"])
    aws.answers["DescribeSubnets"] = filtered("Subnets", "SubnetId", subnet("subnet-0123456789abcdef0"))
    text = StringIO()
    egress.print_report(Console(width=80, file=text), report_on(aws, find_subject(aws, "Shop/Network")))

    assert "  us-east-1a  subnet-0123456789abcdef0  nat-0123456789abcdef0  203.0.113.7\n" in text.getvalue()
    assert max(map(len, text.getvalue().splitlines())) <= 80


@pytest.mark.parametrize(
    ("option", "expected"), [("--addresses", f"203.0.113.7\n{IPV6}\n"), ("--cidrs", f"203.0.113.7/32\n{IPV6}\n")]
)
def test_plain_lists(option: str, expected: str, aws: RecordedAws) -> None:
    """An address a line, without an address that belongs to no service."""
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(NAT_ROUTE, ipv6)]}
    aws.answers["DescribeSubnets"] = filtered("Subnets", "SubnetId", subnet(ipv6=IPV6))
    network(aws, ["subnet-0a1b"])

    assert run("Shop/Web", option) == (0, expected, "")
    assert notes(aws)["ipv6"].startswith("Hosts with IPv6 see")


def test_json_has_all() -> None:
    """The document has what the text has, for other programs."""
    status, output, _ = run("Shop/Web", "--json")
    document = json.loads(output)

    assert status == 0
    assert document["allow_list"] == ["203.0.113.7", "203.0.113.8"]
    assert document["services"] == [
        {
            "name": "Shop/Web",
            "cluster": "shop",
            "service": "web",
            "addresses": ["203.0.113.7", "203.0.113.8"],
            "problems": [],
        }
    ]
    assert document["addresses"][0]["elastic_ip"]["owner"] == "Shop/Network/EgressIps/1"
    assert document["networks"] == [{"name": "Shop/Network", "vpc": VPC, "region": REGION}]
    assert [each["target"] for each in document["routes"]] == ["nat-1", "nat-2"]
    assert (document["scope"], document["not_shown"], document["unused"]) == ("service", [], [])


@pytest.mark.parametrize(
    ("route", "changes", "finding", "text"),
    [
        (
            by(GatewayId="igw-1"),
            {"assignPublicIp": "ENABLED"},
            "taskAddress",
            "Shop/Web in subnet-0a1b (us-east-1a): 0.0.0.0/0 by internet gateway igw-1: each task has a public",
        ),
        (by(TransitGatewayId="tgw-1"), {}, "notKnown", "by transit gateway tgw-1: what is behind the target decides"),
        (by(VpcPeeringConnectionId="pcx-1"), {}, "notKnown", "by VPC peering connection pcx-1: what is behind"),
        ({"DestinationCidrBlock": "10.9.0.0/16", "TransitGatewayId": "tgw-1"}, {}, "noRoute", "there is no VPC route"),
    ],
)
def test_an_address_that_is_not_fixed_is_a_finding(
    route: dict[str, str], changes: dict[str, str], finding: str, text: str, *, aws: RecordedAws
) -> None:
    """The status is 1; the finding has the service, the subnet, the zone and the target."""
    other = table({**NAT_ROUTE, "NatGatewayId": "nat-2"}, of="subnet-0b0b")
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(route), other]}
    network(aws, ["subnet-0a1b", "subnet-0b0b"], **changes)
    status, output, errors = run("Shop/Web", "--addresses")

    assert (status, output) == (1, "203.0.113.8\n")
    assert text in errors
    assert text in notes(aws, "Shop/Web")[finding]
    assert "203.0.113.8" in run("Shop/Web")[1]


def test_an_isolated_service_has_no_finding(aws: RecordedAws) -> None:
    """It has no egress at all, as Egress.isolated() has it; a script hears of it."""
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table()]}
    network(aws, ["subnet-0a1b"])

    isolated = "Without a VPC route to the internet: subnet-0a1b.\n"
    assert run("Shop/Web", "--addresses") == (0, "", isolated)
    status, output, _ = run("Shop/Web")
    assert status == 0
    assert "Shop/Web: no addresses, no findings" in output
    assert "  Shop/Web  no fixed address\n" in output
    assert "us-east-1a  subnet-0a1b  there is no VPC route to the internet\n" in output


def test_a_service_without_its_own_subnets_is_a_finding(aws: RecordedAws) -> None:
    """Instances have addresses that are not followed; a subnet may be gone."""
    aws.answers["DescribeServices"] = {"services": [service(networkConfiguration={})]}
    status, output, _ = run("Shop/Web")

    assert (status, "runs in the network of its instances" in output) == (1, True)
    network(aws, ["subnet-0a1b", "subnet-gone"])
    assert "names subnet-gone, which does not exist" in notes(aws, "Shop/Web")["goneSubnet"]


def test_an_address_that_aws_picked_has_no_owner(aws: RecordedAws) -> None:
    """An instance without an Elastic IP gets another address when it starts again; an allow-list lacks it."""
    route = by(NetworkInterfaceId="eni-1")
    picked = {"PublicIp": "198.51.100.9", "IpOwnerId": "amazon"}
    aws.answers |= {
        "DescribeRouteTables": {"RouteTables": [table(route)]},
        "DescribeNetworkInterfaces": {"NetworkInterfaces": [interface(picked)]},
    }
    network(aws, ["subnet-0a1b"])
    status, output, _ = run("Shop/Web")

    assert status == 1
    assert "  198.51.100.9\n    by          network interface eni-1\n" in output
    assert run("Shop/Web", "--addresses")[1] == ""


def test_a_network_without_services(aws: RecordedAws) -> None:
    """It shows the routes of its private subnets; those without a VPC route are left out beside others with egress."""
    aws.answers["ListServices"] = {"serviceArns": []}
    status, output, _ = run("Shop/Network")

    assert (status, "Services" in output) == (0, False)
    assert "us-east-1a  subnet-0a1b  nat-1  203.0.113.7" in output
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table()]}
    status, output, _ = run("Shop/Network")
    assert status == 0
    assert "Without a VPC route to the internet: subnet-0a1b, subnet-0b0b." in output
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(NAT_ROUTE)]}
    assert "subnet-0b0b" not in run("Shop/Network")[1]


def test_a_route_for_ipv6_without_a_range(aws: RecordedAws) -> None:
    """Tasks in the subnet have no IPv6 address, so nothing is missing in an allow-list."""
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}
    aws.answers["DescribeRouteTables"] = {"RouteTables": [table(NAT_ROUTE, ipv6)]}
    network(aws, ["subnet-0a1b"])
    status, output, _ = run("Shop/Web")

    assert status == 0
    assert "us-east-1a  subnet-0a1b  ::/0 eigw-1  the subnet has no IPv6 range\n" in output


def test_what_cannot_be_read_is_listed(aws: RecordedAws) -> None:
    """Without the permission for reverse DNS names, the rest is there, and the status is 0."""
    aws.answers["DescribeAddressesAttribute"] = ("UnauthorizedOperation", "You are not authorized")
    status, output, _ = run("Shop/Web")

    assert status == 0
    assert "Not checked\n  - the reverse DNS names: An error occurred (UnauthorizedOperation)" in output


def test_a_network_keeps_unused_addresses(aws: RecordedAws) -> None:
    """They belong to its allow-list, as in `egress_ips`; those of other networks do not."""
    free = address("203.0.113.8", AssociationId="", PublicIpv4Pool="amazon")
    strange = address("203.0.113.9", AssociationId="", Tags=tags(Name="bastion"))
    aws.answers |= {
        "DescribeAddresses": {"Addresses": [address("203.0.113.7"), free, strange]},
        "DescribeNatGateways": {"NatGateways": [nat(("203.0.113.7", "us-east-1a"))]},
        "DescribeRouteTables": {"RouteTables": [table(NAT_ROUTE), table(NAT_ROUTE, of="subnet-0b0b")]},
    }
    _, output, _ = run("Shop/Network", "--addresses")

    assert output == "203.0.113.7\n203.0.113.8\n"
    assert run("Shop/Web", "--addresses")[1] == "203.0.113.7\n"
    unused = "203.0.113.8 (Shop/Network/EgressIps/2) is not in use, and costs 3.65 USD a month."
    assert notes(aws)["unusedAddress"] == unused
    assert "203.0.113.9 (bastion)" in notes(aws, "")["unusedAddress"]
    assert run("--addresses")[1] == "203.0.113.7\n203.0.113.8\n"


def test_notes_of_a_network(aws: RecordedAws) -> None:
    """Gateway endpoints, NAT gateways without routes, IPv6 by an internet gateway; public subnets do not count."""
    s3 = {"DestinationPrefixListId": "pl-63a5400a", "GatewayId": "vpce-s3"}
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"}
    public = table(by(GatewayId="igw-1"), ipv6, of="subnet-0b0b")
    endpoint = {"VpcEndpointId": "vpce-s3", "VpcId": VPC, "ServiceName": "com.amazonaws.us-east-1.s3"}
    logs = {"VpcEndpointId": "vpce-1", "VpcId": VPC, "ServiceName": "com.amazonaws.us-east-1.logs"}
    aws.answers |= {
        "DescribeRouteTables": {"RouteTables": [table(NAT_ROUTE, s3), public]},
        "DescribeVpcEndpoints": {"VpcEndpoints": [endpoint, {**logs, "PrivateDnsEnabled": True}]},
    }
    network(aws, ["subnet-0a1b"])
    found = notes(aws)

    assert found.keys() == {"vpcEndpoints", "unusedGateway"}
    assert "have none of these addresses: logs, s3. A policy there needs aws:SourceVpc" in found["vpcEndpoints"]
    assert found["unusedGateway"] == "No VPC route of a task leads to the NAT gateway nat-2."
    assert "unusedGateway" not in notes(aws, "Shop/Web")
    aws.answers["DescribeSubnets"] = filtered("Subnets", "SubnetId", subnet(), subnet("subnet-0b0b", ipv6=IPV6))
    network(aws, ["subnet-0b0b"], assignPublicIp="ENABLED")
    assert "publicIpv6" in notes(aws)


def owners(aws: Any, **by_address: dict[str, str]) -> list[tuple[str, bool]]:  # noqa: ANN401 - as boto3
    """Return the owner of each address by its tags, and whether its stack is gone; the last stack cannot be read."""
    without = {name: each for name, each in SHOP.items() if not name.startswith("Ip")}
    known = stacks(Shop=without, Ips={"Ip9": ("AWS::EC2::EIP", "203.0.113.7", "Ips/Pool/1")})
    aws.answers |= known
    aws.answers["ListStackResources"] = lambda request: (
        ("AccessDenied", "no") if request["StackName"] == "Secret" else known["ListStackResources"](request)
    )
    found = [address(f"203.0.113.{number}", Tags=tags(**each)) for number, each in by_address.items()]
    aws.answers["DescribeAddresses"] = {"Addresses": found}
    report = report_on(aws, find_subject(aws, "Shop/Web"))
    gone = [each.text for each in report.notes if each.id == "retained"]
    ips = [each.elastic_ip for each in report.addresses if each.elastic_ip]
    assert len(gone) == len([each for each in ips if each.is_stack_gone])
    return [(each.owner, each.is_stack_gone) for each in ips]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("Ips", ("Ips/Pool/1", False)),
        ("Shop", ("Shop/Ip1", True)),
        ("Gone", ("Gone/Ip1", True)),
        ("Secret", ("Secret/Ip1", False)),
    ],
)
def test_owners_by_tags(stack: str, expected: tuple[str, bool], aws: RecordedAws) -> None:
    """An address of another stack has its construct path; one that its stack does not have any more says so."""
    by_stack = {STACK_TAG: stack, "aws:cloudformation:logical-id": "Ip1"}

    assert owners(aws, **{"7": by_stack, "8": {"Name": "by hand"}}) == [expected, ("", False)]


@pytest.mark.parametrize(("plain", "other"), [("--cidrs", "--json"), ("--addresses", "--prove")])
def test_a_list_has_nothing_else(plain: str, other: str) -> None:
    """Two outputs are refused before AWS is asked."""
    status, output, errors = run("Shop/Web", plain, other)

    assert (status, output) == (2, "")
    assert f"{plain} and {other} exclude each other" in errors


def test_help_has_examples() -> None:
    """The help has the name of each argument, and examples."""
    status, output, _ = run("--help")

    assert status == 0
    assert "[SERVICE|NETWORK]" in output
    assert "fargate-constructs egress Shop/Web\n" in output
