"""The access logs of the load balancer and their bucket."""

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Matcher

from fargate_constructs import HttpEndpoint, LogArchive
from tests.endpoint.lab import Lab
from tests.templates import properties

POLICY = "AWS::S3::BucketPolicy"


class Logging(Lab):
    """Endpoints of one stack, by the bucket that has their logs."""

    def __init__(self) -> None:
        super().__init__()
        self.archive = LogArchive(self.stack, "LogArchive")
        days = CfnParameter(self.stack, "Days", type="Number").value_as_number
        self.archived = self.http(
            "Archived", access_log_bucket=self.archive.bucket, access_log_prefix="access-logs/shop"
        )
        self.imported = self.http(
            "Imported", access_log_bucket=s3.Bucket.from_bucket_name(self.stack, "Bucket", "logs")
        )
        self.own = self.http(
            "Own",
            certificate=self.certificate,
            connection_logs=True,
            access_log_prefix="shop",
            access_log_expiration=Duration.days(7),
        )
        self.tokens = self.http(
            "Tokens",
            access_log_prefix=CfnParameter(self.stack, "Prefix").value_as_string,
            access_log_expiration=Duration.days(days),
        )

    def logs(self, endpoint: HttpEndpoint) -> dict[str, Any]:
        """Return the load balancer's attributes that are about logs."""
        return {key: each for key, each in self.attributes(endpoint.load_balancer).items() if "_logs." in key}


@pytest.fixture(scope="module")
def lab() -> Logging:
    """One synthesis for all of them."""
    return Logging()


def writers(prefix: str) -> Matcher:
    """Return what a bucket policy has for this account's load balancers."""
    path = Match.array_with([f"{prefix}/AWSLogs/", {"Ref": "AWS::AccountId"}, "/*"])
    statement = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Resource": {"Fn::Join": ["", path]},
    }
    return Match.array_with([statement])


def test_into_the_archive(lab: Logging) -> None:
    """The archive's bucket accepts them under a prefix, from this account's load balancers. No other bucket is made."""
    bucket = lab.resolve(lab.archive.bucket.bucket_name)
    assert lab.archived.access_log_bucket is lab.archive.bucket
    assert lab.logs(lab.archived) == {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket,
        "access_logs.s3.prefix": "access-logs/shop",
        "connection_logs.s3.enabled": "false",
        "health_check_logs.s3.enabled": "false",
    }
    policy = {"Bucket": bucket, "PolicyDocument": {"Statement": writers("/access-logs/shop")}}
    lab.template.has_resource_properties(POLICY, policy)
    assert lab.archived.node.try_find_child("AccessLogs") is None
    with pytest.raises(TypeError, match=re.escape("must be aws_s3.IBucket or None, got: the LogArchive")):
        lab.http("New", access_log_bucket=lab.archive)
    assert lab.stack.node.try_find_child("New") is None


def test_into_a_private_bucket_of_its_own(lab: Logging) -> None:
    """Only this account's load balancers write there, over TLS. Connections are logged on request."""
    assert lab.own.access_log_bucket
    bucket = lab.of(lab.own.access_log_bucket)
    name = lab.resolve(lab.own.access_log_bucket.bucket_name)
    assert lab.logs(lab.own) == {
        **{f"{kind}_logs.s3.enabled": "true" for kind in ("access", "connection")},
        **{f"{kind}_logs.s3.bucket": name for kind in ("access", "connection")},
        **{f"{kind}_logs.s3.prefix": "shop" for kind in ("access", "connection")},
        "health_check_logs.s3.enabled": "false",
    }
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    insecure = Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    for statement in (writers("/shop"), Match.array_with([insecure])):
        policy = {"Bucket": name, "PolicyDocument": {"Statement": statement}}
        lab.template.has_resource_properties(POLICY, policy)


def test_an_imported_bucket_needs_a_persons_help(lab: Logging) -> None:
    """This stack cannot change its policy, and synthesis says so."""
    assert lab.logs(lab.imported)["access_logs.s3.bucket"] == "logs"
    text = r"policy of the imported bucket Test/Bucket: let logdelivery\.elasticloadbalancing\.amazonaws\.com put"
    lab.annotations.has_warning("/Test/Imported/LoadBalancer", Match.string_like_regexp(text))


def test_values_known_only_when_deployed(lab: Logging) -> None:
    """A prefix and an expiration may be tokens."""
    assert lab.tokens.access_log_bucket
    bucket = lab.of(lab.tokens.access_log_bucket)
    assert lab.logs(lab.tokens)["access_logs.s3.prefix"] == {"Ref": "Prefix"}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == {"Ref": "Days"}


def test_a_bucket_of_another_stack_and_account() -> None:
    """A bucket has SSE-S3 by default. The endpoint's stack depends on the bucket's, never the other way round."""
    ours = Lab("Ours", env=Environment(account="111111111111", region="eu-west-1"))
    theirs = Stack(ours.app, "Theirs", env=Environment(account="222222222222", region="eu-west-1"))
    archive = LogArchive(theirs, "LogArchive", bucket=s3.Bucket(theirs, "Bucket", bucket_name="all-logs"))

    ours.http(access_log_bucket=archive.bucket)

    assert "/AWSLogs/111111111111/*" in str(properties(theirs, POLICY))
    assert (ours.stack.dependencies, theirs.dependencies) == ([theirs], [])


def test_an_archive_where_load_balancers_cannot_write() -> None:
    """It has no `access_log_bucket`. A bucket in another region is refused, as other buckets are."""
    here = Lab("Here", env=Environment(account="111111111111", region="eu-west-1"))
    abroad = Stack(here.app, "Abroad", env=Environment(account="111111111111", region="us-east-1"))
    lock = s3.ObjectLockRetention.governance(Duration.days(1))
    far = s3.Bucket(abroad, "Bucket", bucket_name="all-logs")
    locked = s3.Bucket(here.stack, "Locked", object_lock_default_retention=lock)
    encrypted = s3.Bucket(here.stack, "Encrypted", encryption=s3.BucketEncryption.KMS_MANAGED)

    for name, bucket in (("Far", far), ("OfLocked", locked)):
        assert LogArchive(here.stack, name, bucket=bucket).access_log_bucket is None
    for bucket, message in ((far, "in the region of"), (locked, "encrypted"), (encrypted, "encrypted with SSE-S3")):
        with pytest.raises(ValueError, match=f"access_log_bucket must be {message}"):
            here.http(access_log_bucket=bucket)
