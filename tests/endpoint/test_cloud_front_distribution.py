"""HTTPS without a domain."""

import re
from typing import NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack, Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import HttpEndpoint
from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in

WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1"
ENDPOINT_CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"


class Made(NamedTuple):
    """A distribution before an internal endpoint without a name, as most tests read it."""

    stack: Stack
    endpoint: HttpEndpoint
    distribution: CloudFrontDistribution
    template: Template


@pytest.fixture(scope="module")
def made() -> Made:
    """One with logs that are kept for a week."""
    stack = Stack(App(), "Test")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True)
    week = Duration.days(7)
    distribution = CloudFrontDistribution(stack, "Distribution", endpoint=endpoint, access_log_expiration=week)
    return Made(stack, endpoint, distribution, Template.from_stack(stack))


@pytest.fixture
def endpoint(stack: Stack, network: Network) -> HttpEndpoint:
    """An internal endpoint without a name."""
    return HttpEndpoint(stack, "Endpoint", network=network, internal=True)


@pytest.fixture
def named(stack: Stack, network: Network, zone: route53.IHostedZone) -> HttpEndpoint:
    """An internal endpoint with a name."""
    return HttpEndpoint(
        stack, "Endpoint", network=network, internal=True, domain_name="shop.example.com", hosted_zone=zone
    )


def test_it_serves_https_at_its_own_name(made: Made) -> None:
    """Everything passes, nothing is cached, HTTP is redirected, answers get security headers."""
    made.template.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "DefaultCacheBehavior": {
                    "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                    # The IDs of AWS's own policies, which are the same in every account:
                    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
                    "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                    "OriginRequestPolicyId": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
                    "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
                "Aliases": Match.absent(),
                "ViewerCertificate": Match.absent(),
                "WebACLId": Match.absent(),
                "HttpVersion": "http2and3",
            }
        },
    )
    (logical_id,) = made.template.find_resources("AWS::CloudFront::Distribution")
    assert made.stack.resolve(made.distribution.url) == {
        "Fn::Join": ["", ["https://", {"Fn::GetAtt": [logical_id, "DomainName"]}]]
    }


def test_it_reaches_the_load_balancer_from_within(made: Made) -> None:
    """By a VPC origin, over plain HTTP as there is no certificate; and there is no public load balancer."""
    (origin,) = made.template.find_resources("AWS::CloudFront::VpcOrigin")
    made.template.has_resource_properties(
        "AWS::CloudFront::VpcOrigin",
        {
            "VpcOriginEndpointConfig": {
                "Arn": made.stack.resolve(made.endpoint.load_balancer.load_balancer_arn),
                "OriginProtocolPolicy": "http-only",
                "OriginSSLProtocols": ["TLSv1.2"],
            }
        },
    )
    made.template.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "Origins": [
                    Match.object_like(
                        {
                            "VpcOriginConfig": {
                                "VpcOriginId": {"Fn::GetAtt": [origin, "Id"]},
                                "OriginReadTimeout": 60,
                                "OriginKeepaliveTimeout": 5,
                            }
                        }
                    )
                ]
            }
        },
    )
    made.template.all_resources_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"})


def test_a_vpc_origin_in_use_never_changes() -> None:
    """CloudFront updates none: TLS makes another, with another name, and no tag is on it."""

    def vpc_origins(*, has_tls: bool) -> dict[str, str]:
        stack = Stack(App(), "Test")
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", ENDPOINT_CERTIFICATE)
        endpoint = HttpEndpoint(
            stack,
            "Endpoint",
            network=network_in(stack),
            internal=True,
            certificate=certificate if has_tls else None,
            domain_name="shop.example.com" if has_tls else None,
        )
        CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)
        Tags.of(stack).add("release", "1")
        found = Template.from_stack(stack).find_resources("AWS::CloudFront::VpcOrigin")
        assert all("Tags" not in each["Properties"] for each in found.values())
        return {name: each["Properties"]["VpcOriginEndpointConfig"]["Name"] for name, each in found.items()}

    (http_id, http_name), *_ = vpc_origins(has_tls=False).items()
    (https_id, https_name), *_ = vpc_origins(has_tls=True).items()
    assert http_id != https_id
    assert http_name != https_name


def test_nobody_else_reaches_the_load_balancer(made: Made) -> None:
    """Its one rule is for the security group of CloudFront's VPC origins, looked up once they are there."""
    (group,) = made.endpoint.load_balancer.connections.security_groups
    group_id = made.stack.resolve(group.security_group_id)
    ((look_up, resource),) = made.template.find_resources("Custom::VpcOriginSecurityGroup").items()
    rules = made.template.find_resources("AWS::EC2::SecurityGroupIngress", {"Properties": {"GroupId": group_id}})
    assert [each["Properties"] for each in rules.values()] == [
        {
            "Description": "Allow from VPC origins of CloudFront",
            "FromPort": 80,
            "GroupId": group_id,
            "IpProtocol": "tcp",
            "SourceSecurityGroupId": {"Fn::GetAtt": [look_up, "SecurityGroups.0.GroupId"]},
            "ToPort": 80,
        }
    ]
    own = made.template.find_resources("AWS::EC2::SecurityGroup")[group_id["Fn::GetAtt"][0]]
    assert "SecurityGroupIngress" not in own["Properties"]
    assert set(made.template.find_resources("AWS::CloudFront::Distribution")) <= set(resource["DependsOn"])
    assert "CloudFront-VPCOrigins-Service-SG" in str(resource["Properties"]["Create"])
    # A description in EC2 may hold these characters only.
    assert re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+", "Allow from VPC origins of CloudFront")


def test_the_look_up_may_do_nothing_else(made: Made) -> None:
    """It reads security groups, which AWS does not grant one by one."""
    made.template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyName": Match.string_like_regexp("VpcOriginSecurityGroup"),
            "PolicyDocument": {
                "Statement": [{"Action": "ec2:DescribeSecurityGroups", "Effect": "Allow", "Resource": "*"}],
                "Version": "2012-10-17",
            },
        },
    )


def test_plain_http_is_not_warned_of(made: Made) -> None:
    """Callers come over HTTPS."""
    Annotations.from_stack(made.stack).has_no_warning("/Test/Endpoint", Match.any_value())


def test_its_access_logs_expire(made: Made) -> None:
    """CloudFront writes by an access control list, into a private bucket."""
    assert made.distribution.access_log_bucket
    bucket = made.stack.resolve(made.distribution.access_log_bucket.bucket_name)["Ref"]
    properties = made.template.find_resources("AWS::S3::Bucket")[bucket]["Properties"]
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    assert properties["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7
    made.template.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "Logging": {"Bucket": {"Fn::GetAtt": [bucket, "RegionalDomainName"]}, "IncludeCookies": False}
            }
        },
    )


@pytest.mark.parametrize("is_on", [True, False], ids=["a bucket of ones own", "off"])
def test_its_access_logs_go_elsewhere(stack: Stack, endpoint: HttpEndpoint, *, is_on: bool) -> None:
    """To a bucket of another region, or nowhere; no bucket is made for them."""
    there = s3.Bucket.from_bucket_attributes(
        stack, "Logs", bucket_name="all-logs", region="eu-west-1", account="1" * 12
    )
    bucket = there if is_on else None

    distribution = CloudFrontDistribution(
        stack, "Distribution", endpoint=endpoint, access_logs=is_on, access_log_bucket=bucket
    )

    template = Template.from_stack(stack)
    logging = {"Bucket": "all-logs.s3.eu-west-1.amazonaws.com", "IncludeCookies": False}
    template.has_resource_properties(
        "AWS::CloudFront::Distribution", {"DistributionConfig": {"Logging": logging if is_on else Match.absent()}}
    )
    template.resource_count_is("AWS::S3::Bucket", 1)  # the endpoint's
    assert distribution.access_log_bucket is bucket


def test_buckets_that_cloud_front_cannot_write_to_are_refused(stack: Stack, endpoint: HttpEndpoint) -> None:
    """Of a region that accounts opt in to, by default or given; and settings that would have no effect."""
    far = Stack(App(), "Far", env=Environment(account="1" * 12, region="me-south-1"))
    internal = HttpEndpoint(far, "Endpoint", network=network_in(far), internal=True)
    over_there = s3.Bucket.from_bucket_attributes(stack, "Far", bucket_name="all-logs", region="me-south-1")
    near = s3.Bucket.from_bucket_name(stack, "Near", "all-logs")
    week = Duration.days(7)

    for place, of, arguments, message in (
        (far, internal, {}, "to a bucket in me-south-1, a region that accounts opt in to; give an access_log_bucket"),
        (stack, endpoint, {"access_log_bucket": over_there}, "to a bucket in me-south-1"),
        (stack, endpoint, {"access_log_bucket": near, "access_logs": False}, "Test/Near beside access_logs=False"),
        (stack, endpoint, {"access_log_bucket": near, "access_log_expiration": week}, "beside access_log_expiration"),
    ):
        with pytest.raises(ValueError, match=message):
            CloudFrontDistribution(place, "Distribution", endpoint=of, **arguments)

    CloudFrontDistribution(far, "Distribution", endpoint=internal, access_logs=False)


def test_a_bucket_without_access_control_lists_fails_synthesis(stack: Stack, network: Network) -> None:
    """As S3 makes them, unless told otherwise."""
    ownership = (None, s3.ObjectOwnership.BUCKET_OWNER_ENFORCED, s3.ObjectOwnership.OBJECT_WRITER)
    for number, each in enumerate(ownership):
        bucket = s3.Bucket(stack, f"Bucket{number}", object_ownership=each)
        endpoint = HttpEndpoint(stack, f"Endpoint{number}", network=network, internal=True)
        CloudFrontDistribution(stack, f"Distribution{number}", endpoint=endpoint, access_log_bucket=bucket)

    with pytest.raises(RuntimeError) as refusal:
        Template.from_stack(stack)
    lists = r"must take access control lists, got: (\S+) without"
    assert set(re.findall(lists, str(refusal.value))) == {"Test/Bucket0/Resource", "Test/Bucket1/Resource"}


def test_with_a_name_and_certificates_it_is_https_all_the_way(
    stack: Stack, named: HttpEndpoint, certificate: acm.ICertificate
) -> None:
    """The endpoint's name is the distribution's, its records lead there, and old TLS versions are refused."""
    distribution = CloudFrontDistribution(
        stack, "Distribution", endpoint=named, certificate=certificate, web_acl_arn=WEB_ACL
    )

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "Aliases": ["shop.example.com"],
                "ViewerCertificate": {
                    "AcmCertificateArn": certificate.certificate_arn,
                    "MinimumProtocolVersion": "TLSv1.2_2025",
                    "SslSupportMethod": "sni-only",
                },
                "WebACLId": WEB_ACL,
                # What CloudFront compares the endpoint's certificate with.
                "Origins": [Match.object_like({"DomainName": "shop.example.com"})],
            }
        },
    )
    template.has_resource_properties(
        "AWS::CloudFront::VpcOrigin", {"VpcOriginEndpointConfig": {"OriginProtocolPolicy": "https-only"}}
    )
    template.has_resource_properties(
        "AWS::Route53::RecordSet",
        {
            "Name": "shop.example.com.",
            "AliasTarget": {
                "DNSName": stack.resolve(distribution.distribution.distribution_domain_name),
                "HostedZoneId": Match.any_value(),
            },
        },
    )
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 443, "ToPort": 443})
    assert distribution.url == "https://shop.example.com"


def test_all_names_are_the_distributions(
    stack: Stack, named: HttpEndpoint, zone: route53.IHostedZone, certificate: acm.ICertificate
) -> None:
    """Those added before and later too: CloudFront answers no name that it was not told."""
    named.add_domain("a.example.com", hosted_zone=zone)
    CloudFrontDistribution(stack, "Distribution", endpoint=named, certificate=certificate)
    named.add_domain("b.example.com", hosted_zone=zone)

    names = ["shop.example.com", "a.example.com", "b.example.com"]
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::CloudFront::Distribution", {"DistributionConfig": {"Aliases": names}})
    records = [each["Properties"] for each in template.find_resources("AWS::Route53::RecordSet").values()]
    # It has IPv6, whatever the endpoint has.
    assert sorted((record["Name"], record["Type"]) for record in records) == sorted(
        (f"{name}.", kind) for name in names for kind in ("A", "AAAA")
    )
    assert len({str(record["AliasTarget"]) for record in records}) == 1


def test_the_first_record_may_come_later(
    stack: Stack, network: Network, zone: route53.IHostedZone, certificate: acm.ICertificate
) -> None:
    """It leads to the distribution too."""
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network, internal=True, certificate=certificate, domain_name="shop.example.com"
    )
    distribution = CloudFrontDistribution(stack, "Distribution", endpoint=endpoint, certificate=certificate)

    endpoint.add_domain("www.example.com", hosted_zone=zone)

    Template.from_stack(stack).all_resources_properties(
        "AWS::Route53::RecordSet",
        {
            "Name": "www.example.com.",
            "AliasTarget": Match.object_like(
                {"DNSName": stack.resolve(distribution.distribution.distribution_domain_name)}
            ),
        },
    )


def test_callers_certificates_do_not_pass(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """CloudFront ends the callers' TLS, and shows a VPC origin no certificate of its own."""

    def endpoint(id: str, mode: elbv2.MutualAuthenticationMode) -> HttpEndpoint:  # noqa: A002  # as in all of CDK
        return HttpEndpoint(
            stack,
            id,
            network=network,
            internal=True,
            certificate=certificate,
            domain_name="shop.example.com",
            mutual_authentication=elbv2.MutualAuthentication(mutual_authentication_mode=mode),
        )

    pass_through = endpoint("PassThrough", elbv2.MutualAuthenticationMode.PASS_THROUGH)
    with pytest.raises(ValueError, match="shows Test/PassThrough no certificate of a caller, got one with mutual_auth"):
        CloudFrontDistribution(stack, "Distribution", endpoint=pass_through)

    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint("Off", elbv2.MutualAuthenticationMode.OFF))


def test_two_in_a_stack_share_what_looks_up(stack: Stack, network: Network, endpoint: HttpEndpoint) -> None:
    """The function and its log group, which the first one makes."""
    other = HttpEndpoint(stack, "Other", network=network, internal=True)

    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)
    CloudFrontDistribution(stack, "OtherDistribution", endpoint=other)

    template = Template.from_stack(stack)
    log_groups = template.find_resources("AWS::Logs::LogGroup")
    (log_group,) = (name for name in log_groups if "LookUpLogs" in name)
    template.has_resource_properties("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": {"Ref": log_group}}})


def test_a_named_endpoint_at_the_distributions_own_name(stack: Stack, named: HttpEndpoint) -> None:
    """Without a certificate for CloudFront the name goes on leading to the load balancer."""
    CloudFrontDistribution(stack, "Distribution", endpoint=named)

    Template.from_stack(stack).has_resource_properties(
        "AWS::Route53::RecordSet",
        {"AliasTarget": Match.object_like({"DNSName": {"Fn::Join": ["", ["dualstack.", Match.any_value()]]}})},
    )


def test_one_in_another_stack(stack: Stack, endpoint: HttpEndpoint) -> None:
    """The rule that lets it in stands in its own stack, so the endpoint's depends on nothing."""
    app = stack.node.root
    assert isinstance(app, App)
    edge = Stack(app, "Edge")

    CloudFrontDistribution(edge, "Distribution", endpoint=endpoint)

    app.synth()
    assert stack.dependencies == []
    Template.from_stack(edge).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)


def test_what_is_known_only_when_deployed_passes(stack: Stack, named: HttpEndpoint) -> None:
    """Tokens cannot be checked."""
    arn, web_acl = (CfnParameter(stack, name).value_as_string for name in ("Arn", "WebAcl"))
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)

    CloudFrontDistribution(stack, "Distribution", endpoint=named, certificate=certificate, web_acl_arn=web_acl)


def test_a_second_front_is_refused(stack: Stack, endpoint: HttpEndpoint) -> None:
    """EC2 takes the rule that lets CloudFront in only once."""
    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)

    with pytest.raises(ValueError, match="Test/Endpoint stands behind Test/Distribution already, got a second front"):
        CloudFrontDistribution(stack, "Other", endpoint=endpoint)


def test_further_behaviors_use_the_same_way(stack: Stack, endpoint: HttpEndpoint) -> None:
    """What may be cached is said by path; CloudFront needs no second VPC origin for it."""
    distribution = CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)

    distribution.distribution.add_behavior("/static/*", distribution.origin)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CloudFront::VpcOrigin", 1)
    template.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {"DistributionConfig": {"CacheBehaviors": [Match.object_like({"PathPattern": "/static/*"})]}},
    )


def test_an_endpoint_on_the_internet_is_refused(stack: Stack, network: Network) -> None:
    """Callers could pass CloudFront by."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    with pytest.raises(ValueError, match=r"Test/Endpoint faces the internet, .* make it with internal=True"):
        CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)

    assert stack.node.try_find_child("Distribution") is None


def test_a_vpc_is_no_endpoint(stack: Stack) -> None:
    """A wrong argument is named."""
    with pytest.raises(TypeError, match=r"endpoint must be HttpEndpoint, got: the Vpc"):
        CloudFrontDistribution(stack, "Distribution", endpoint=ec2.Vpc(stack, "Vpc"))  # type: ignore[arg-type]  # the mistake


def test_a_certificate_without_a_name_is_refused(
    stack: Stack, network: Network, endpoint: HttpEndpoint, certificate: acm.ICertificate
) -> None:
    """CloudFront would neither know which name to serve, nor what to compare the endpoint's certificate with."""
    with pytest.raises(ValueError, match="certificate is for the domain_name of the endpoint, got one for Test/Endp"):
        CloudFrontDistribution(stack, "Distribution", endpoint=endpoint, certificate=certificate)

    unnamed = HttpEndpoint(stack, "Unnamed", network=network, internal=True, certificate=certificate)
    with pytest.raises(ValueError, match="certificate of Test/Unnamed, which has no name; give it domain_name"):
        CloudFrontDistribution(stack, "Distribution", endpoint=unnamed)


def test_arns_of_other_regions_are_refused(stack: Stack, named: HttpEndpoint) -> None:
    """CloudFront's certificates and web ACLs live in us-east-1."""
    certificate = acm.Certificate.from_certificate_arn(stack, "European", ENDPOINT_CERTIFICATE)

    with pytest.raises(ValueError, match="in us-east-1 for CloudFront, got: Test/European in eu-west-1"):
        CloudFrontDistribution(stack, "Distribution", endpoint=named, certificate=certificate)
    regional = WEB_ACL.replace("global", "regional")
    with pytest.raises(
        ValueError, match=re.escape(f"must be of scope CLOUDFRONT, '…:global/webacl/…', got: {regional!r}")
    ):
        CloudFrontDistribution(stack, "Distribution", endpoint=named, web_acl_arn=regional)


def test_names_in_another_stack_are_refused(stack: Stack, named: HttpEndpoint, certificate: acm.ICertificate) -> None:
    """Their records would make the stacks depend on each other."""
    with pytest.raises(ValueError, match=r"records of Test/Endpoint lie in stack 'Test' .* got it in stack 'Edge'"):
        CloudFrontDistribution(Stack(App.of(stack), "Edge"), "Distribution", endpoint=named, certificate=certificate)
