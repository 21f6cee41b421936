"""Where a load balancer keeps what it was asked."""

import json
import re
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import HttpEndpoint, LogArchive
from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in


def attributes_of(template: Template) -> dict[str, Any]:
    """Return the load balancer's attributes that are about logs."""
    (load_balancer,) = template.find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    attributes = load_balancer["Properties"]["LoadBalancerAttributes"]
    return {each["Key"]: each["Value"] for each in attributes if "_logs." in each["Key"]}


def test_into_the_archive(stack: Stack, network: Network) -> None:
    """The archive's bucket takes them under a prefix, from this account's load balancers; no other bucket is made."""
    archive = LogArchive(stack, "LogArchive")

    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        access_log_bucket=archive.bucket,
        access_log_prefix="access-logs/shop",
    )

    template = Template.from_stack(stack)
    bucket = stack.resolve(archive.bucket.bucket_name)
    assert endpoint.access_log_bucket is archive.bucket
    assert attributes_of(template) == {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket,
        "access_logs.s3.prefix": "access-logs/shop",
        "connection_logs.s3.enabled": "false",
        "health_check_logs.s3.enabled": "false",
    }
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "Bucket": bucket,
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                            "Action": "s3:PutObject",
                            "Resource": {
                                "Fn::Join": [
                                    "",
                                    [
                                        Match.any_value(),
                                        "/access-logs/shop/AWSLogs/",
                                        {"Ref": "AWS::AccountId"},
                                        "/*",
                                    ],
                                ],
                            },
                        },
                    ]
                ),
            },
        },
    )
    assert "EndpointAccessLogs" not in str(template.to_json())


def test_into_another_stacks_archive() -> None:
    """The endpoint's stack depends on the archive's, never the other way round."""
    app = App()
    base, shop = Stack(app, "Base"), Stack(app, "Shop")
    archive = LogArchive(base, "LogArchive")

    HttpEndpoint(shop, "Endpoint", network=network_in(shop), access_log_bucket=archive.bucket)

    app.synth()
    assert shop.dependencies == [base]
    assert base.dependencies == []


def test_an_imported_bucket_needs_a_persons_help(stack: Stack, network: Network) -> None:
    """Its policy cannot be changed from here, and synthesis says so."""
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "logs")

    HttpEndpoint(stack, "Endpoint", network=network, access_log_bucket=bucket)

    Annotations.from_stack(stack).has_warning(
        "/Test/Endpoint/LoadBalancer", Match.string_like_regexp("policy of the imported bucket Test/Bucket")
    )
    assert attributes_of(Template.from_stack(stack))["access_logs.s3.bucket"] == "logs"


def test_connections_on_request(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """They go to the same bucket."""
    HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate,
        connection_logs=True,
        access_log_prefix="shop",
    )

    attributes = attributes_of(Template.from_stack(stack))
    assert attributes["connection_logs.s3.enabled"] == "true"
    assert attributes["connection_logs.s3.bucket"] == attributes["access_logs.s3.bucket"]
    assert attributes["connection_logs.s3.prefix"] == "shop"


def test_connections_without_tls_are_refused(idle_stack: Stack, idle_network: Network) -> None:
    """What is logged of a connection is its TLS."""
    with pytest.raises(ValueError, match="connection_logs needs TLS"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, connection_logs=True)


def test_a_bucket_with_a_key_is_refused(stack: Stack, network: Network) -> None:
    """Elastic Load Balancing writes to buckets with SSE-S3 only; the deployment would fail."""
    bucket = s3.Bucket(stack, "Bucket", encryption_key=kms.Key(stack, "Key"))

    with pytest.raises(ValueError, match="must be encrypted with SSE-S3, got Test/Bucket with a KMS key"):
        HttpEndpoint(stack, "Endpoint", network=network, access_log_bucket=bucket)

    assert stack.node.try_find_child("Endpoint") is None


@pytest.mark.parametrize(
    ("settings", "got"),
    [
        ({"encryption": s3.BucketEncryption.KMS_MANAGED}, "a KMS key"),
        ({"object_lock_default_retention": s3.ObjectLockRetention.governance(Duration.days(1))}, "a default lock"),
    ],
    ids=["AWS's key", "lock"],
)
def test_a_bucket_that_load_balancers_cannot_write_to(
    stack: Stack, network: Network, settings: dict[str, Any], got: str
) -> None:
    """It is refused by what its own template says, and an archive in it has no place for access logs."""
    bucket = s3.Bucket(stack, "Bucket", **settings)

    assert LogArchive(stack, "LogArchive", bucket=bucket).access_log_bucket is None
    with pytest.raises(ValueError, match=f"with SSE-S3, got Test/Bucket with {got}: Endpoint cannot write there"):
        HttpEndpoint(stack, "Endpoint", network=network, access_log_bucket=bucket)


def test_a_bucket_of_ones_own_in_plain() -> None:
    """A bucket that says nothing of encryption has SSE-S3, and takes the logs of an account's load balancer."""
    app = App()
    theirs = Stack(app, "Theirs", env=Environment(account="222222222222", region="eu-west-1"))
    ours = Stack(app, "Ours", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket(theirs, "Bucket", bucket_name="logs-of-all")
    HttpEndpoint(ours, "Endpoint", network=network_in(ours), access_log_bucket=bucket)

    policy = Template.from_stack(theirs).find_resources("AWS::S3::BucketPolicy")
    assert "/AWSLogs/111111111111/*" in json.dumps(policy)


def test_a_bucket_in_another_region() -> None:
    """It is refused: load balancers write to their own region."""
    app = App()
    here = Stack(app, "Here", env=Environment(account="111111111111", region="us-east-1"))
    there = Stack(app, "There", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket(there, "Bucket", bucket_name="logs-of-all")
    network = network_in(here)

    assert LogArchive(here, "LogArchive", bucket=bucket).access_log_bucket is None
    with pytest.raises(ValueError, match="access_log_bucket must be in the region of 'Endpoint', us-east-1"):
        HttpEndpoint(here, "Endpoint", network=network, access_log_bucket=bucket)


def test_an_archive_is_no_bucket(stack: Stack, network: Network) -> None:
    """The likeliest mistake is answered with what to write."""
    archive = LogArchive(stack, "LogArchive")

    with pytest.raises(
        TypeError, match=re.escape("access_log_bucket must be aws_s3.IBucket or None, got: the LogArchive")
    ):
        HttpEndpoint(stack, "Endpoint", network=network, access_log_bucket=archive)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    "expiration", [Duration.hours(1), Duration.days(0), Duration.hours(36)], ids=["an hour", "none", "one and a half"]
)
def test_an_expiration_is_of_whole_days(stack: Stack, network: Network, expiration: Duration) -> None:
    """S3 counts days; of CloudFront's logs too."""
    internal = HttpEndpoint(stack, "Internal", network=network, internal=True)
    message = f"must be whole days, 1 at least, got: {re.escape(expiration.to_human_string())}"

    with pytest.raises(ValueError, match=message):
        HttpEndpoint(stack, "Endpoint", network=network, access_log_expiration=expiration)
    with pytest.raises(ValueError, match=message):
        CloudFrontDistribution(stack, "Distribution", endpoint=internal, access_log_expiration=expiration)

    assert [stack.node.try_find_child(name) for name in ("Endpoint", "Distribution")] == [None, None]


def test_an_expiration_known_only_when_deployed(stack: Stack, network: Network) -> None:
    """It passes."""
    days = CfnParameter(stack, "Days", type="Number").value_as_number

    HttpEndpoint(stack, "Endpoint", network=network, access_log_expiration=Duration.days(days))

    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": Match.array_with([Match.object_like({"ExpirationInDays": {"Ref": "Days"}})])
            }
        },
    )


def test_a_given_buckets_expiration_is_its_own(stack: Stack, network: Network) -> None:
    """It would change the life of whatever else is in the bucket."""
    bucket = s3.Bucket(stack, "Bucket")

    with pytest.raises(ValueError, match="must be set on the bucket you give, got: 7 days beside access_log_bucket"):
        HttpEndpoint(
            stack,
            "Endpoint",
            network=network,
            access_log_bucket=bucket,
            access_log_expiration=Duration.days(7),
        )


@pytest.mark.parametrize("prefix", ["", "/", "logs/", "/logs", "my-AWSLogs"])
def test_prefixes_that_aws_refuses_are_refused(idle_stack: Stack, idle_network: Network, prefix: str) -> None:
    """Before the deployment does."""
    with pytest.raises(ValueError, match=re.escape(f"got: {prefix!r}")):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, access_log_prefix=prefix)


def test_a_prefix_known_only_when_deployed(stack: Stack, network: Network) -> None:
    """A token passes."""
    prefix = CfnParameter(stack, "Prefix").value_as_string

    HttpEndpoint(stack, "Endpoint", network=network, access_log_prefix=prefix)

    assert attributes_of(Template.from_stack(stack))["access_logs.s3.prefix"] == {"Ref": "Prefix"}
