"""HTTPS without a domain."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import CfnElement, CfnParameter, Duration, Environment, Stack, Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match

from fargate_constructs import HttpEndpoint
from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
from tests.endpoint.lab import Lab
from tests.templates import properties

WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1"
DISTRIBUTION, RECORD = "AWS::CloudFront::Distribution", "AWS::Route53::RecordSet"
VPC_ORIGIN, INGRESS = "AWS::CloudFront::VpcOrigin", "AWS::EC2::SecurityGroupIngress"


class Front(Lab):
    """Internal endpoints of one stack, and distributions in front of them."""

    def endpoint(self, name: str = "Endpoint", **arguments: Any) -> HttpEndpoint:  # noqa: ANN401 - what an endpoint takes
        """Return an endpoint, internal by default."""
        return self.http(name, **{"internal": True, **arguments})

    def named(self, name: str, **arguments: Any) -> HttpEndpoint:  # noqa: ANN401 - the same
        """Return an internal endpoint with a name and its record."""
        return self.endpoint(name, domain_name=f"{name.lower()}.example.com", hosted_zone=self.zone, **arguments)

    def distribution(self, endpoint: HttpEndpoint, **arguments: Any) -> CloudFrontDistribution:  # noqa: ANN401
        """Return a distribution in front of an endpoint."""
        return CloudFrontDistribution(self.stack, f"{endpoint.node.id}Distribution", endpoint=endpoint, **arguments)


class Read(Front):
    """What most tests read."""

    def __init__(self) -> None:
        super().__init__()
        self.plain_endpoint, self.named_endpoint = self.endpoint("Plain"), self.named("Named")
        self.named_endpoint.add_domain("earlier.example.com", hosted_zone=self.zone)
        elsewhere = s3.Bucket.from_bucket_attributes(
            self.stack, "Logs", bucket_name="all-logs", region="eu-west-1", account="1" * 12
        )
        self.plain = self.distribution(self.plain_endpoint, access_log_expiration=Duration.days(7))
        self.with_name = self.distribution(self.named_endpoint, certificate=self.certificate, web_acl_arn=WEB_ACL)
        self.without_own_name = self.distribution(self.named("OwnName"))
        self.bucket_elsewhere = self.distribution(self.endpoint("Elsewhere"), access_log_bucket=elsewhere)
        self.without_logs = self.distribution(self.endpoint("NoLogs"), access_logs=False)
        self.named_endpoint.add_domain("later.example.com", hosted_zone=self.zone)
        self.plain.distribution.add_behavior("/static/*", self.plain.origin)

    def config(self, distribution: CloudFrontDistribution) -> dict[str, Any]:
        """Return the configuration of a distribution."""
        config: dict[str, Any] = self.of(distribution.distribution)["DistributionConfig"]
        return config


@pytest.fixture(scope="module")
def read() -> Read:
    """One synthesis for all of them."""
    return Read()


def test_it_serves_https_at_its_own_name(read: Read) -> None:
    """Everything is forwarded, nothing is cached, HTTP is redirected, responses get security headers."""
    config = read.config(read.plain)
    assert config["DefaultCacheBehavior"] == {
        "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
        # The IDs of AWS's own policies, which are the same in every account:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "OriginRequestPolicyId": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
        "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
        "ViewerProtocolPolicy": "redirect-to-https",
        "Compress": False,
        "TargetOriginId": config["Origins"][0]["Id"],
    }
    assert config["HttpVersion"] == "http2and3"
    assert not config.keys() & {"Aliases", "ViewerCertificate", "WebACLId"}
    name = read.resolve(read.plain.distribution.distribution_domain_name)
    assert read.resolve(read.plain.url) == {"Fn::Join": ["", ["https://", name]]}
    read.annotations.has_no_warning("/Test/Plain", Match.any_value())


def test_it_reaches_the_load_balancer_inside_the_vpc(read: Read) -> None:
    """Through a VPC origin, over plain HTTP if there is no certificate. Further behaviors use the same origin."""
    config = read.config(read.plain)
    (origin,) = config["Origins"]
    found = read.all(
        VPC_ORIGIN,
        VpcOriginEndpointConfig={"Arn": read.resolve(read.plain_endpoint.load_balancer.load_balancer_arn)},
    )
    assert [each["VpcOriginEndpointConfig"]["OriginProtocolPolicy"] for each in found] == ["http-only"]
    assert [each["VpcOriginEndpointConfig"]["OriginSSLProtocols"] for each in found] == [["TLSv1.2"]]
    assert origin["VpcOriginConfig"]["OriginReadTimeout"] == 60
    assert origin["VpcOriginConfig"]["OriginKeepaliveTimeout"] == 5
    assert [each["PathPattern"] for each in config["CacheBehaviors"]] == ["/static/*"]
    assert config["CacheBehaviors"][0]["TargetOriginId"] == origin["Id"]


def test_only_cloud_front_reaches_the_load_balancer(read: Read) -> None:
    """Its one rule is for the security group of CloudFront's VPC origins, looked up when these exist."""
    (group,) = read.plain_endpoint.load_balancer.connections.security_groups
    group_id = read.resolve(group.security_group_id)
    (rule,) = read.all(INGRESS, GroupId=group_id)
    lookups = read.template.find_resources("Custom::VpcOriginSecurityGroup")
    lookup_id = rule["SourceSecurityGroupId"]["Fn::GetAtt"][0]
    assert rule == {
        "Description": "Allow from VPC origins of CloudFront",
        "FromPort": 80,
        "GroupId": group_id,
        "IpProtocol": "tcp",
        "SourceSecurityGroupId": {"Fn::GetAtt": [lookup_id, "SecurityGroups.0.GroupId"]},
        "ToPort": 80,
    }
    # A description in EC2 has these characters only.
    assert re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+", rule["Description"])
    assert "SecurityGroupIngress" not in read.of(group)
    resource = read.plain.distribution.node.default_child
    assert isinstance(resource, CfnElement)
    assert read.stack.get_logical_id(resource) in lookups[lookup_id]["DependsOn"]
    assert "CloudFront-VPCOrigins-Service-SG" in str(lookups[lookup_id]["Properties"]["Create"])


def test_the_lookup_may_do_nothing_else(read: Read) -> None:
    """It reads security groups, for which AWS has no permission by resource. One function and log group serve all."""
    policies = read.all("AWS::IAM::Policy", PolicyName=Match.string_like_regexp("VpcOriginSecurityGroup"))
    statement = {"Action": "ec2:DescribeSecurityGroups", "Effect": "Allow", "Resource": "*"}
    assert [each["PolicyDocument"]["Statement"] for each in policies] == [[statement]] * 5
    (log_group,) = (name for name in read.template.find_resources("AWS::Logs::LogGroup") if "LookUpLogs" in name)
    read.template.has_resource_properties("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": {"Ref": log_group}}})


def test_its_access_logs(read: Read) -> None:
    """They expire in a private bucket with an access control list, or go to another bucket, or are off."""
    assert read.plain.access_log_bucket
    bucket = read.of(read.plain.access_log_bucket)
    name = read.resolve(read.plain.access_log_bucket.bucket_regional_domain_name)
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7
    elsewhere, off = read.bucket_elsewhere, read.without_logs
    assert elsewhere.access_log_bucket
    assert elsewhere.access_log_bucket.bucket_name == "all-logs"
    assert [each.node.try_find_child("AccessLogs") for each in (elsewhere, off)] == [None, None]
    assert off.access_log_bucket is None
    logging = [read.config(each).get("Logging") for each in (read.plain, elsewhere, off)]
    assert logging == [
        {"Bucket": name, "IncludeCookies": False},
        {"Bucket": "all-logs.s3.eu-west-1.amazonaws.com", "IncludeCookies": False},
        None,
    ]


def test_with_a_name_and_certificates_it_is_https_all_the_way(read: Read) -> None:
    """The distribution serves the endpoint's name with new TLS versions only, and checks the endpoint's certificate."""
    config = read.config(read.with_name)
    assert config["ViewerCertificate"] == {
        "AcmCertificateArn": read.certificate.certificate_arn,
        "MinimumProtocolVersion": "TLSv1.2_2025",
        "SslSupportMethod": "sni-only",
    }
    assert config["WebACLId"] == WEB_ACL
    assert [origin["DomainName"] for origin in config["Origins"]] == ["named.example.com"]
    arn = read.resolve(read.named_endpoint.load_balancer.load_balancer_arn)
    (origin,) = read.all(VPC_ORIGIN, VpcOriginEndpointConfig={"Arn": arn})
    assert origin["VpcOriginEndpointConfig"]["OriginProtocolPolicy"] == "https-only"
    (group,) = read.named_endpoint.load_balancer.connections.security_groups
    (rule,) = read.all(INGRESS, GroupId=read.resolve(group.security_group_id))
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert read.with_name.url == "https://named.example.com"


def test_all_names_are_the_distributions(read: Read) -> None:
    """Also names added earlier and later: CloudFront serves only names in its list. It has IPv6 addresses."""
    names = ["named.example.com", "earlier.example.com", "later.example.com"]
    assert read.config(read.with_name)["Aliases"] == names
    target = read.resolve(read.with_name.distribution.distribution_domain_name)
    records = [each for each in read.all(RECORD) if each["AliasTarget"]["DNSName"] == target]
    assert sorted((record["Name"], record["Type"]) for record in records) == sorted(
        (f"{name}.", kind) for name in names for kind in ("A", "AAAA")
    )


def test_a_named_endpoint_at_the_distributions_own_name(read: Read) -> None:
    """Without a certificate for CloudFront the endpoint's name still points at the load balancer."""
    (record,) = read.all(RECORD, Name="ownname.example.com.")
    assert record["AliasTarget"]["DNSName"]["Fn::Join"][1][0] == "dualstack."
    assert read.without_own_name.domain_name is None


def test_the_first_record_may_come_later() -> None:
    """It points at the distribution too."""
    lab = Front()
    endpoint = lab.endpoint(certificate=lab.certificate, domain_name="shop.example.com")
    distribution = lab.distribution(endpoint, certificate=lab.certificate)

    endpoint.add_domain("www.example.com", hosted_zone=lab.zone)

    name = lab.resolve(distribution.distribution.distribution_domain_name)
    assert [(each["Name"], each["AliasTarget"]["DNSName"]) for each in lab.all(RECORD)] == [
        ("www.example.com.", name)
    ] * 2


def test_a_vpc_origin_in_use_never_changes() -> None:
    """CloudFront refuses each update. TLS makes another VPC origin with another name, and it has no tags."""

    def vpc_origin(*, has_tls: bool) -> tuple[str, str]:
        lab = Front()
        tls: dict[str, Any] = {"domain_name": "shop.example.com", "certificate": lab.certificate} if has_tls else {}
        lab.distribution(lab.endpoint(**tls))
        Tags.of(lab.stack).add("release", "1")
        ((logical_id, found),) = lab.template.find_resources(VPC_ORIGIN).items()
        assert "Tags" not in found["Properties"]
        return logical_id, found["Properties"]["VpcOriginEndpointConfig"]["Name"]["Fn::Join"][1][0]

    (http_id, http_name), (https_id, https_name) = vpc_origin(has_tls=False), vpc_origin(has_tls=True)
    assert http_id != https_id
    assert http_name != https_name


def test_one_in_another_stack() -> None:
    """The rule that allows it is in its own stack, so the endpoint's stack depends on nothing."""
    lab = Front()
    edge = Stack(lab.app, "Edge")

    CloudFrontDistribution(edge, "Distribution", endpoint=lab.endpoint())

    assert len(properties(edge, INGRESS)) == 1
    assert lab.stack.dependencies == []


def test_a_bucket_without_access_control_lists_fails_synthesis() -> None:
    """That is the default of buckets."""
    lab = Front()
    ownership = (None, s3.ObjectOwnership.BUCKET_OWNER_ENFORCED, s3.ObjectOwnership.OBJECT_WRITER)
    for number, each in enumerate(ownership):
        bucket = s3.Bucket(lab.stack, f"Bucket{number}", object_ownership=each)
        lab.distribution(lab.endpoint(f"Endpoint{number}"), access_log_bucket=bucket)

    with pytest.raises(RuntimeError) as refusal:
        lab.app.synth()
    buckets = re.findall(r"must accept access control lists, got: (\S+)", str(refusal.value))
    assert set(buckets) == {"Test/Bucket0/Resource", "Test/Bucket1/Resource"}


def test_tokens_and_other_cases_that_pass(idle_lab: Front) -> None:
    """Tokens cannot be checked. Mutual TLS may be off. Without logs an opt-in region is no problem."""
    arn, web_acl = (CfnParameter(idle_lab.stack, name).value_as_string for name in ("Arn", "WebAcl"))
    certificate = acm.Certificate.from_certificate_arn(idle_lab.stack, "Token", arn)
    off = elbv2.MutualAuthentication(mutual_authentication_mode=elbv2.MutualAuthenticationMode.OFF)
    idle_lab.distribution(idle_lab.named("Tokens"), certificate=certificate, web_acl_arn=web_acl)
    idle_lab.distribution(idle_lab.named("Off", mutual_authentication=off))

    far = Front("Far", env=Environment(account="1" * 12, region="me-south-1"))
    endpoint = far.endpoint()
    with pytest.raises(ValueError, match="bucket in an opt-in region, got: me-south-1; give an access_log_bucket"):
        far.distribution(endpoint)
    far.distribution(endpoint, access_logs=False)


# --- Refusals ---


@pytest.fixture(scope="module")
def idle_lab() -> Front:
    """A lab that is never synthesized."""
    lab = Front()
    lab.distribution(lab.endpoint("Used"))
    return lab


def bucket_in(lab: Front, name: str, **attributes: str) -> s3.IBucket:
    """Return an imported bucket."""
    return s3.Bucket.from_bucket_attributes(lab.stack, name, bucket_name="all-logs", **attributes)  # type: ignore[arg-type]  # all text


REFUSED: dict[str, tuple[Callable[[Front], object], str]] = {
    "second front": (
        lambda lab: CloudFrontDistribution(lab.stack, "New", endpoint=lab.stack.node.find_child("Used")),  # type: ignore[arg-type]  # it is one
        "Test/Used is behind Test/UsedDistribution already, got a second front",
    ),
    "public endpoint": (
        lambda lab: lab.distribution(lab.endpoint("Public", internal=False)),
        "Test/Public faces the internet, so callers could bypass CloudFront; make it with internal=True",
    ),
    "certificate without a name": (
        lambda lab: lab.distribution(lab.endpoint("Nameless"), certificate=lab.certificate),
        "certificate needs an endpoint with a domain_name, got: Test/Nameless",
    ),
    "TLS without a name": (
        lambda lab: lab.distribution(lab.endpoint("Unchecked", certificate=lab.certificate)),
        "CloudFront cannot check the certificate of Test/Unchecked, which has no domain name",
    ),
    "certificate elsewhere": (
        lambda lab: lab.distribution(
            lab.named("European"),
            certificate=acm.Certificate.from_certificate_arn(
                lab.stack, "EuropeanCertificate", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
            ),
        ),
        "certificate must be in us-east-1 for CloudFront, got: Test/EuropeanCertificate in eu-west-1",
    ),
    "client certificates": (
        lambda lab: lab.distribution(
            lab.named(
                "PassThrough",
                mutual_authentication=elbv2.MutualAuthentication(
                    mutual_authentication_mode=elbv2.MutualAuthenticationMode.PASS_THROUGH
                ),
            )
        ),
        "CloudFront does not forward certificates of callers, got Test/PassThrough with mutual_authentication",
    ),
    "regional web ACL": (
        lambda lab: lab.distribution(lab.endpoint("Regional"), web_acl_arn=WEB_ACL.replace("global", "regional")),
        "web_acl_arn must be of scope CLOUDFRONT, '…:global/webacl/…', got: 'arn:aws:wafv2:us-east-1:123456789012:regi",
    ),
    "records in another stack": (
        lambda lab: CloudFrontDistribution(
            Stack(lab.app, "Edge"), "New", endpoint=lab.named("Recorded"), certificate=lab.certificate
        ),
        "the records of Test/Recorded are in stack 'Test' and must point at the front, got it in stack 'Edge'",
    ),
    "bucket in an opt-in region": (
        lambda lab: lab.distribution(
            lab.endpoint("Far"), access_log_bucket=bucket_in(lab, "FarBucket", region="me-south-1")
        ),
        "CloudFront writes no access logs to a bucket in an opt-in region, got: me-south-1",
    ),
    "bucket without logs": (
        lambda lab: lab.distribution(lab.endpoint("A"), access_log_bucket=bucket_in(lab, "BucketA"), access_logs=False),
        "access_log_bucket cannot be combined, got: Test/BucketA beside access_logs=False",
    ),
    "bucket and expiration": (
        lambda lab: lab.distribution(
            lab.endpoint("B"), access_log_bucket=bucket_in(lab, "BucketB"), access_log_expiration=Duration.days(7)
        ),
        "Test/BucketB beside access_log_expiration; set it on the bucket",
    ),
    "hours": (
        lambda lab: lab.distribution(lab.endpoint("C"), access_log_expiration=Duration.hours(36)),
        "access_log_expiration must be whole days, 1 at least, got: ",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_distributions_that_are_refused(idle_lab: Front, make: Callable[[Front], object], message: str) -> None:
    """The message says what was given and what to change. Nothing is made."""
    with pytest.raises(ValueError, match=re.escape(message)):
        make(idle_lab)

    made = {each.node.id for each in idle_lab.stack.node.children if isinstance(each, CloudFrontDistribution)}
    assert made <= {"UsedDistribution", "TokensDistribution", "OffDistribution"}
