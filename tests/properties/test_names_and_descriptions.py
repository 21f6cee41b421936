"""The names and descriptions that AWS gets, in all modes and of constructs with odd IDs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs import (
    CloudFrontDistribution,
    Deployment,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    Job,
    LogArchive,
    OneOffTask,
    ScheduledTask,
)
from fargate_constructs._core.descriptions import ec2_description, remove_accents, shorten
from fargate_constructs.service.links.service_connect_names import host_name_of
from tests import modes
from tests.audit import Template
from tests.modes.jobs import NIGHTLY
from tests.modes.made_elsewhere import IMAGE

# Of which a region has one of a name, by type and property; or a name is no key at all.
REGIONAL = {
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"),
    ("AWS::Athena::NamedQuery", "Name"),
    ("AWS::Athena::WorkGroup", "Name"),
    ("AWS::ECS::TaskDefinition", "Family"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"),
    ("AWS::GlobalAccelerator::Accelerator", "Name"),  # may be given twice
    ("AWS::Glue::Database", "DatabaseInput.Name"),
    ("AWS::Glue::Table", "TableInput.Name"),
    ("AWS::Logs::AccountPolicy", "PolicyName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::Logs::SubscriptionFilter", "FilterName"),
    ("AWS::SSM::Parameter", "Name"),
    ("AWS::ServiceDiscovery::HttpNamespace", "Name"),
    ("AWS::WAFv2::WebACL", "VisibilityConfig.MetricName"),
}
# What a person says, such as a domain, or AWS: names of something else.
GIVEN = {
    ("AWS::CertificateManager::Certificate", "DomainName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::EC2::VPCEndpoint", "ServiceName"),
    ("AWS::Route53::RecordSet", "Name"),
    ("Custom::ReverseDns", "Name"),
}
# Of which an account has one of a name, in all regions.
ACCOUNT_WIDE = {
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
    ("AWS::CloudFront::VpcOrigin", "VpcOriginEndpointConfig.Name"),
    # In one role, which is the stack's own or is told by a literal name
    # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html).
    ("AWS::IAM::Policy", "PolicyName"),
}
NAMED = re.compile(r"Name$|^Family$")


def names_in(template: Template) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the names that a template gives its resources, as it writes them, by type and property."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        nested = [(key, each) for key, each in properties.items() if isinstance(each, dict)]
        inner = [(f"{key}.{name}", value) for key, each in nested for name, value in each.items()]
        for key, value in (*properties.items(), *inner):
            written = json.dumps(value)
            is_reference = '"Ref": "' in written.replace('"Ref": "AWS::', "") or "Fn::GetAtt" in written
            goes_with_role = resource["Type"] == "AWS::IAM::Policy" and '"Ref"' in json.dumps(properties["Roles"])
            if NAMED.search(key) and "Fn::" not in key and not is_reference and not goes_with_role:
                yield (resource["Type"], key), written


def test_no_name_is_equal_in_two_regions_of_an_account() -> None:
    """Of what an account has one of a name; and whatever has a name is of a kind that is known here."""
    found = [each for template in modes.templates().values() for each in names_in(template)]

    assert {kind for kind, _ in found} == REGIONAL | GIVEN | ACCOUNT_WIDE
    wide = [written for kind, written in found if kind in ACCOUNT_WIDE]
    assert [written for written in wide if '{"Ref": "AWS::Region"}' not in written] == []


# What each takes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html,
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html,
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html,
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html and
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html.
EC2 = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}"
TEXTS = {
    "AWS::EC2::SecurityGroup": EC2,
    "AWS::EC2::SecurityGroupEgress": EC2,
    "AWS::EC2::SecurityGroupIngress": EC2,
    "AWS::CloudFront::Distribution": r".{0,128}",
    "AWS::CloudWatch::Alarm": r".{0,1024}",
    "AWS::Events::Rule": r".{0,512}",
    "AWS::Scheduler::Schedule": r".{0,512}",
    "AWS::SSM::Parameter": r".{0,1024}",
    "AWS::Athena::WorkGroup": r".{0,1024}",
    "AWS::Lambda::Function": r".{0,256}",
}
DESCRIBED = {"GroupDescription", "Description", "AlarmDescription", "Comment"}


def descriptions_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - a piece of a template
    """Yield the descriptions in a piece of a template, however deep."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key in DESCRIBED and isinstance(each, str))
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from descriptions_in(each)


def odd() -> Template:
    """Return the template of all parts below constructs whose IDs EC2 takes in no description, 300 characters deep."""
    stack = Stack(App(), "Test")
    scope = Construct(Construct(stack, "L'été" * 40), "Straße" * 20)
    vpc = ec2.Vpc(stack, "Vpc")
    network = FixedEgressNetwork.from_vpc(scope, "Réseau", vpc, egress_ips=["203.0.113.7"])
    endpoint = HttpEndpoint(scope, "Zugang", network=network, internal=True)
    CloudFrontDistribution(scope, "Überall", endpoint=endpoint)
    HttpEndpoint(scope, "Öffnung", network=network, static_ips=True).publish(parameter_name="/odd")
    web = FargateService(scope, "Überweb", network=network, image=IMAGE, deployment=Deployment.blue_green())
    api = FargateService(scope, "Äpi", network=network, image=IMAGE, cluster=web.cluster)
    endpoint.add_route("Überroute", service=web)
    web.link_to(api)
    web.mount_file_system("/data", file_system=efs.FileSystem(stack, "Files", vpc=vpc))
    ScheduledTask(scope, "Prüfung", network=network, image=IMAGE, cluster=web.cluster, schedule=NIGHTLY)
    load = Job(scope, "Ladung", network=network, image=IMAGE, cluster=web.cluster, timeout=Duration.hours(1))
    load.run_on_upload("Öffnen", bucket=s3.Bucket(stack, "Uploads"))
    OneOffTask(scope, "Lösung", network=network, image=IMAGE, cluster=web.cluster).run_before(web)
    LogArchive(scope, "Ablage").add_log_group(web.log_group)
    template: Template = stack.node.root.synth().get_stack_by_name("Test").template  # type: ignore[attr-defined]  # an app
    return template


def test_aws_takes_every_description() -> None:
    """In all modes, and for constructs with any ID."""
    for name, template in {**modes.templates(), "odd": odd()}.items():
        for resource in template["Resources"].values():
            taken = TEXTS.get(resource["Type"])
            for text in descriptions_in(resource.get("Properties", {})) if taken else ():
                assert re.fullmatch(taken or "", text), (name, resource["Type"], text)


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("tasks of Shop/Web", "tasks of Shop/Web"),
        ("tasks of Überweb/L'été", "tasks of Uberweb/L_ete"),
        ("タスク Ω 🚀", "___ _ _"),
        ("a" * 255, "a" * 255),
    ],
    ids=["plain", "accents", "no Latin letter", "as long as EC2 takes"],
)
def test_what_ec2_does_not_take(text: str, described: str) -> None:
    """It is written in plain letters; what EC2 takes stays as it is, for another description is another group."""
    assert ec2_description(text) == described


def test_long_texts_keep_their_ends() -> None:
    """The construct's own ID is last in its path."""
    assert shorten("Shop/" + "a" * 300 + "/Web", 20) == "Shop/aaa...aaaa/Web"
    assert len(ec2_description("é" * 300)) <= 255


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("Überweb", "uberweb"),
        ("ÉtéApi", "ete-api"),
        ("Straße", "strasse"),
        ("OrderApi", "order-api"),
        ("Łódź", "lodz"),
        ("Øre", "ore"),
        ("Ærø", "aero"),
        ("Œuvre", "oeuvre"),
        ("Đorđe", "dorde"),
        ("GROẞ", "gross"),
    ],
)
def test_a_service_is_named_by_all_of_its_id(id_: str, name: str) -> None:
    """A letter with an accent is the letter."""
    assert host_name_of(id_) == name
    assert remove_accents("Ünï") == "Uni"
