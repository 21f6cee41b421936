"""The deployed example is changed step by step, destroyed, and made again from the retained resources.

app.py ──> stack ──> change ──> … ──> destroy ──> cdk import ──> deploy again
"""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest
from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from fargate_constructs import Egress, FixedEgressNetwork, LogArchive
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from tests.emulator.emulator import ROOT, Emulator
from tests.emulator.inventory import LISTS, inventory
from tests.emulator.updates import DeployedStack, lost
from tests.emulator.upgrades import CHANGES, FIRST, states

PAGE = ROOT / "docs/upgrading.md"
ADDRESS = "AWS::EC2::EIP"
# Each deployment of a task registers a new revision of its definition.
REVISED = "AWS::ECS::TaskDefinition"
# Resources that stay when their stack is deleted.
KEPT = (
    "*/DeadLetters",
    "*/Logs",
    "*/Queue",
    "*ExecLogs",
    "Endpoint/AccessLogs",
    "Endpoint/StaticIps/Addresses/*",
    "LogArchive/Bucket",
    "LogArchive/Catalog/Results",
    "LogArchive/Failures",
    "Network/EgressIps/*",
    "*Key",
)
ARRIVAL_SECONDS = 60


def matching(paths: Sequence[str], patterns: Sequence[str]) -> set[str]:
    """Return the paths that match one of the patterns."""
    return {path for path in paths if any(fnmatchcase(path, pattern) for pattern in patterns)}


def not_bootstrapped(names: set[str]) -> set[str]:
    """Return the names without those of the CDK CLI's own stack."""
    return {name for name in names if not re.search("cdk-(hnb659fds|bootstrap)", name)}


class Upgrade:
    """The deployed example, and what its account has."""

    def __init__(self, aws: Emulator) -> None:
        zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]
        self._at_first = inventory(aws)
        self.aws = aws
        self.states = states(zone["Id"].rpartition("/")[2])
        self.stack = DeployedStack(aws, FIRST.app())
        self.app: App
        """The app as it was deployed last."""
        self.given_up: set[str] = set()
        """The addresses that left their stack."""

    def left(self) -> set[str]:
        """Return what the account has more than at first."""
        return not_bootstrapped(inventory(self.aws) - self._at_first)

    def published(self) -> list[str]:
        """Return the addresses that tasks leave from, as the stack's output lists them."""
        return self.stack.output("EgressIps").split(",")

    def open_groups(self) -> list[str]:
        """Return the default security groups of the network that let anything in or out."""
        filters = [
            {"Name": "vpc-id", "Values": [self.stack.resources()["Network/Vpc"].physical_id]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        groups = self.aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        assert groups
        return [each["GroupId"] for each in groups if each["IpPermissions"] or each["IpPermissionsEgress"]]

    def used(self) -> set[str]:
        """Return the addresses of the NAT gateways."""
        gateways = self.aws.client("ec2").describe_nat_gateways()["NatGateways"]
        live = [each for each in gateways if each["State"] == "available"]
        return {address["PublicIp"] for each in live for address in each["NatGatewayAddresses"]}

    def archived(self, bucket: str) -> set[str]:
        """Return the keys of the archived batches."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="log_group=")
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}

    def log(self, log_group: str, *, bucket: str) -> set[str]:
        """Write a line, and return what the archive holds when it has arrived."""
        logs, before = self.aws.client("logs"), self.archived(bucket)
        stream, now = f"web/web/{time.time_ns()}", time.time_ns() // 1_000_000
        logs.create_log_stream(logGroupName=log_group, logStreamName=stream)
        event = {"timestamp": now, "message": "hello"}
        logs.put_log_events(logGroupName=log_group, logStreamName=stream, logEvents=[event])
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while (after := self.archived(bucket)) == before:
            assert time.monotonic() < deadline, f"nothing has arrived in {bucket}"
            time.sleep(0.05)
        return after


@pytest.fixture(scope="module")
def upgrade(aws: Emulator) -> Upgrade:
    """The example as app.py makes it, deployed."""
    return Upgrade(aws)


def _change(upgrade: Upgrade) -> None:
    """Each change removes and makes anew what the table says and nothing else; no address or archived batch is lost."""
    assert upgrade.open_groups() == [], "CDK's custom resource closes the default group"
    stack = upgrade.stack
    resources, published = stack.resources(), upgrade.published()
    bucket = resources["LogArchive/Bucket"].physical_id
    archived = upgrade.log(resources["Web/Logs"].physical_id, bucket=bucket)
    given_up: set[str] = set()
    wrong: dict[str, object] = {}

    for change in upgrade.states:
        upgrade.app = change.app()
        assert stack.update(upgrade.app) == "UPDATE_COMPLETE", f"{change.what}: {stack.why()}"
        before, resources = resources, stack.resources()
        gone = {path: how for path, how in lost(before, resources).items() if not how.startswith(REVISED)}
        unexpected = {path: gone[path] for path in gone.keys() - matching([*gone], change.goes)}
        stays = [pattern for pattern in change.goes if not matching([*gone], [pattern])]
        if unexpected or stays:
            wrong[change.what] = unexpected or f"nothing of {stays} goes"
        given_up |= {before[path].physical_id for path in gone if before[path].type == ADDRESS}
        assert upgrade.published()[: len(published)] == published, change.what
        assert upgrade.used() <= set(upgrade.published()), change.what
        assert upgrade.archived(bucket) == archived, change.what

    assert wrong == {}
    assert len(given_up) == 3, "the third zone's and the fixed addresses to call: out of the stack"
    assert given_up <= upgrade.left(), "and not out of the account"
    upgrade.given_up |= given_up
    assert archived < upgrade.log(resources["Web/Logs"].physical_id, bucket=bucket), "lines arrive as before"


def _destroy(upgrade: Upgrade) -> dict[str, str]:
    """A destroy keeps addresses, buckets with their objects, services' log groups and keys. All else is deleted."""
    resources = upgrade.stack.resources()
    kept = {path: resources[path].physical_id for path in matching([*resources], KEPT)}
    bucket = kept["LogArchive/Bucket"]
    archived = upgrade.archived(bucket)
    assert archived
    assert {each.physical_id for each in resources.values() if each.type in LISTS} <= upgrade.left(), (
        "the inventory lists all of them"
    )

    assert upgrade.stack.destroy() == "DELETE_COMPLETE"

    left = upgrade.left()
    [by_lambda] = [name for name in left if name.startswith("/aws/lambda/")]
    assert "CustomVpcRestrictDefaultSG" in by_lambda
    assert left == {*kept.values(), *upgrade.given_up, by_lambda}
    assert upgrade.used() == set()
    assert upgrade.archived(bucket) == archived
    return kept


def taking_app(allocations: Mapping[str, str], bucket: str) -> App:
    """Return an app of another stack, which takes addresses and an archive that are there."""
    app = App(context={"aws:cdk:enable-path-metadata": True})
    stack = Stack(app, "Again")
    egress = Egress.per_az(eip_allocation_ids=[*allocations.values()], egress_ips=[*allocations])
    FixedEgressNetwork(stack, "Network", egress=egress)
    archive = LogArchive(stack, "LogArchive", bucket=s3.Bucket.from_bucket_name(stack, "Kept", bucket))
    archive.add_log_group(logs.LogGroup(stack, "Logs", removal_policy=RemovalPolicy.DESTROY))
    return app


def _take_back_by_arguments(upgrade: Upgrade, kept: Mapping[str, str]) -> None:
    """Another stack takes addresses by their allocation IDs, the archive by its bucket; new lines join the old ones."""
    ours = [kept["Network/EgressIps/1"], kept["Network/EgressIps/2"]]
    addresses = upgrade.aws.client("ec2").describe_addresses()["Addresses"]
    allocations = {each["PublicIp"]: each["AllocationId"] for each in addresses if each["PublicIp"] in ours}
    bucket, stack = kept["LogArchive/Bucket"], upgrade.stack.beside("Again")
    archived = upgrade.archived(bucket)

    assert stack.update(taking_app(allocations, bucket)) == "CREATE_COMPLETE", stack.why()

    assert upgrade.used() == set(ours)
    assert archived < upgrade.log(stack.resources()["Logs"].physical_id, bucket=bucket)
    assert stack.destroy() == "DELETE_COMPLETE"
    assert set(kept.values()) <= upgrade.left()


def _take_back_by_import(upgrade: Upgrade, kept: Mapping[str, str], tmp_path: Path) -> None:
    """The script of docs/upgrading.md lists retained resources, `cdk import` imports them, a deployment succeeds."""
    [script] = re.findall(r"```python\n(import json.*?)```", PAGE.read_text(), re.DOTALL)
    mapping = tmp_path / "mapping.json"
    with pytest.MonkeyPatch.context() as patch, mapping.open("w") as printed, redirect_stdout(printed):
        for name, value in upgrade.aws.environment.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        patch.setattr(sys, "argv", ["script", upgrade.stack.id])
        exec(script, {})  # noqa: S102 - the page's own
    bucket = kept["LogArchive/Bucket"]
    archived = upgrade.archived(bucket)

    upgrade.aws.take_back(Path(upgrade.app.synth().directory), mapping=mapping)
    assert upgrade.stack.update(upgrade.app) == "UPDATE_COMPLETE", upgrade.stack.why()

    resources = upgrade.stack.resources()
    assert {path: resources[path].physical_id for path in matching([*resources], KEPT)} == kept
    assert upgrade.used() == set(upgrade.published())
    assert archived < upgrade.log(resources["Web/Logs"].physical_id, bucket=bucket)


def test_the_example_changes_goes_and_comes_back(upgrade: Upgrade, tmp_path: Path) -> None:
    """Every change, a destroy, and both ways to have back what it left."""
    _change(upgrade)
    kept = _destroy(upgrade)
    _take_back_by_arguments(upgrade, kept)
    _take_back_by_import(upgrade, kept, tmp_path)


def test_the_page_says_what_goes_and_what_is_left() -> None:
    """The lists of changes and the table of what stays in docs/upgrading.md are those of the tests here."""
    page = PAGE.read_text()
    changes = re.findall(r"^These changes .*:\n\n((?:[- ] .*\n)+)", page, re.MULTILINE)
    items = [" ".join(item.split()) for text in changes for item in text.removeprefix("- ").split("\n- ")]
    kept = page.partition("| what | path |\n|---|---|\n")[2].partition("\n\n")[0]

    assert sorted(re.sub(r" \(.*\)$", "", item) for item in items) == sorted(
        ": ".join([each.what, *([", ".join(f"`{path}`" for path in each.goes)] if each.goes else [])])
        for each in CHANGES
    )
    assert sorted(re.findall(r"`([^`]+)`", kept)) == sorted(KEPT)


def own_network(public: str, *, keeps_addresses: bool, gateways: int = 2, frees_ranges: bool = True) -> App:
    """Return an app of a VPC of a team's own, whose public subnets have a name that may change.

    Args:
        public: The name of the group of public subnets, `Public` or another one.
        keeps_addresses: Whether the NAT gateways have addresses of an `ElasticIpPool`; or else CDK's own.
        gateways: How many NAT gateways there are.
        frees_ranges: Whether renamed subnets lie in other ranges than before, which CloudFormation needs.
    """
    app = App(context={"aws:cdk:enable-path-metadata": True})
    stack = Stack(app, "Own")
    pool = ElasticIpPool(stack, "Addresses", zones=2)
    is_moved = public != "Public" and frees_ranges
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        availability_zones=["us-east-1a", "us-east-1b"],
        nat_gateways=gateways,
        nat_gateway_provider=ec2.NatProvider.gateway(
            eip_allocation_ids=pool.allocation_ids if keeps_addresses else None
        ),
        subnet_configuration=[
            *(
                [ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, reserved=True)]
                if is_moved
                else []
            ),
            ec2.SubnetConfiguration(name=public, subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
            ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
        ],
        restrict_default_security_group=False,
    )
    FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=pool.public_ips)
    return app


def test_a_renamed_subnet_group_costs_a_plain_vpc_its_addresses(upgrade: Upgrade) -> None:
    """What CDK's own Vpc does, and what the comparison says of it: it names the addresses by construct path."""
    stack = upgrade.stack.beside("Own")
    assert stack.update(own_network("Public", keeps_addresses=False)) == "CREATE_COMPLETE", stack.why()
    before, used = stack.resources(), upgrade.used()

    assert stack.update(own_network("Edge", keeps_addresses=False, frees_ranges=False)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "conflicts with another subnet" in stack.why()
    assert lost(before, stack.resources()) == {}
    assert stack.update(own_network("Edge", keeps_addresses=False)) == "UPDATE_COMPLETE", stack.why()

    gone = {path: how for path, how in lost(before, stack.resources()).items() if how.startswith(ADDRESS)}
    assert set(gone) == {"Vpc/PublicSubnet1/EIP", "Vpc/PublicSubnet2/EIP"}
    assert all(how.endswith("is gone") for how in gone.values())
    assert not {before[path].physical_id for path in gone} & upgrade.left(), "CloudFormation has released them"
    assert used != upgrade.used()
    assert stack.destroy() == "DELETE_COMPLETE"
    upgrade.given_up |= {each.physical_id for path, each in before.items() if path.startswith("Addresses/")}


def test_a_renamed_subnet_group_keeps_a_pools_addresses(upgrade: Upgrade) -> None:
    """The same rename of a VPC whose NAT gateways have addresses of an `ElasticIpPool`: with a pause it succeeds."""
    stack = upgrade.stack.beside("Own")
    assert stack.update(own_network("Public", keeps_addresses=True)) == "CREATE_COMPLETE", stack.why()
    before, used = stack.resources(), upgrade.used()

    assert stack.update(own_network("Edge", keeps_addresses=True)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "is already associated" in stack.why()
    assert upgrade.used() == used
    assert stack.update(own_network("Public", keeps_addresses=True, gateways=0)) == "UPDATE_COMPLETE", stack.why()
    assert stack.update(own_network("Edge", keeps_addresses=True)) == "UPDATE_COMPLETE", stack.why()

    assert upgrade.used() == used
    assert not [how for how in lost(before, stack.resources()).values() if how.startswith(ADDRESS)]
    assert stack.destroy() == "DELETE_COMPLETE"
    addresses = {each.physical_id for each in before.values() if each.type == ADDRESS}
    assert addresses <= upgrade.left()
    upgrade.given_up |= addresses
