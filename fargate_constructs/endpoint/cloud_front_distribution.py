"""HTTPS without a domain: a CloudFront distribution in front of an internal endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import jsii
from aws_cdk import Annotations, Duration, IStableListProducer, Lazy, PolicyViolation, Stack
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.descriptions import shorten
from fargate_constructs._core.environment_checks import environment_of, may_be_same, validate_partition
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53_targets as targets
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_dummy, is_known
from fargate_constructs.endpoint.access_logs import make_log_bucket, validate_expiration
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.ingress import IPV4, IPV6
from fargate_constructs.endpoint.listeners import PLAIN_HTTP
from fargate_constructs.endpoint.vpc_origin import allow_vpc_origins, make_vpc_origin
from fargate_constructs.synthesized.intrinsics import items
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Templates

# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
MAX_COMMENT = 128
# Opt-in regions: CloudFront writes no logs to buckets there
# (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html and
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html).
OPT_IN_REGIONS = {
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
    *("me-central-1", "me-south-1", "mx-central-1"),
}
# GovCloud has no CloudFront (https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/using-services.html). In China
# distributions have no name of their own (https://docs.amazonaws.cn/en_us/aws/latest/userguide/cloudfront.html), and
# there is no us-east-1 for certificates.
UNSUPPORTED_REGIONS = ("us-gov-", "cn-")
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
CERTIFICATE_REGION = "us-east-1"


class CloudFrontDistribution(Construct):
    """A CloudFront distribution in front of an internal endpoint.

    Callers use the distribution's own name, `d111111abcdef8.cloudfront.net`, and AWS's certificate for it. So a team
    without a domain serves HTTPS and has no public load balancer: CloudFront connects through a VPC origin, the only
    caller that the endpoint's security group allows. Nothing is cached. All methods, headers, cookies and query strings
    are forwarded. Responses get security headers, and HTTP is redirected.

    With its own name CloudFront also accepts TLS 1.0 and 1.1; no distribution can change that. With the endpoint's
    domain name and a *certificate* for it, it accepts TLS 1.2 and 1.3 only, and the records of that name point at the
    distribution.

    CloudFront connects to the load balancer over HTTPS if the endpoint has a certificate, and otherwise over HTTP in
    AWS's network. The header `CloudFront-Forwarded-Proto` tells a service the caller's scheme, and
    `CloudFront-Viewer-Address` the caller's address; `X-Forwarded-Proto` has the scheme between CloudFront and the load
    balancer. gRPC is not forwarded.

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    distribution = CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)
    CfnOutput(stack, "Url", value=distribution.url)
    ```
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        endpoint: HttpEndpoint,
        certificate: acm.ICertificate | None = None,
        web_acl_arn: str | None = None,
        access_logs: bool = True,
        access_log_bucket: s3.IBucket | None = None,
        access_log_expiration: Duration | None = None,
    ) -> None:
        """A CloudFront distribution in front of an internal endpoint.

        Args:
            scope: The construct that owns the distribution.
            id: The construct's ID.
            endpoint: The internal endpoint.
            certificate: A certificate in us-east-1 for all names of the endpoint. By default callers use the
                distribution's own name.
            web_acl_arn: The ARN of a web ACL of scope CLOUDFRONT, in us-east-1. By default none. A web ACL of the
                endpoint works too, but sees CloudFront's addresses instead of the callers'.
            access_logs: Whether CloudFront keeps access logs. By default it does.
            access_log_bucket: The bucket for them. It must accept access control lists: CloudFront gives itself the
                right to write with one. Import a bucket of another region with
                `s3.Bucket.from_bucket_attributes(bucket_name=..., region=...)`. By default a private bucket is made.
                CloudFront cannot write to buckets in opt-in regions.
            access_log_expiration: After how long access logs are deleted from the bucket made here. By default 90 days.

        Raises:
            TypeError: If *endpoint* is not an `HttpEndpoint`.
            ValueError: If the endpoint faces the internet or has a front already; if the endpoint has a certificate and
                no domain name, which CloudFront needs to check it; if *certificate* is given and the endpoint has no
                domain name, or it is in another region; if *web_acl_arn* is regional; if CloudFront could not write its
                access logs; if the records are in another stack; or if the stack is in GovCloud or China.
        """
        validate_partition(
            scope, "CloudFrontDistribution", UNSUPPORTED_REGIONS, "use another front of docs/endpoint.md"
        )
        _validate_endpoint(scope, endpoint, certificate)
        _validate_web_acl(web_acl_arn)
        _validate_access_logs(scope, access_log_bucket, access_log_expiration, is_on=access_logs)
        if certificate and is_dummy(certificate.certificate_arn):
            certificate = None  # CDK parses its ARN
        super().__init__(scope, id)

        self.domain_name: str | None = endpoint.domain_name if certificate else None
        """The endpoint's domain name, if the distribution has its certificate."""
        self.access_log_bucket: s3.IBucket | None = access_log_bucket
        """The bucket of CloudFront's access logs, if it keeps any."""
        if access_logs and not access_log_bucket:
            # CloudFront gives itself, and nothing else, the right to write with an access control list.
            ownership = s3.ObjectOwnership.BUCKET_OWNER_PREFERRED
            self.access_log_bucket = make_log_bucket(self, access_log_expiration, ownership)
        self.origin = make_vpc_origin(self, endpoint)
        """The origin, for further behaviors: `front.distribution.add_behavior("/static/*", front.origin)`."""
        self.distribution = cloudfront.Distribution(
            self,
            "Resource",
            comment=shorten(self.node.path, MAX_COMMENT),
            default_behavior=cloudfront.BehaviorOptions(
                origin=self.origin,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_AND_CLOUDFRONT_2022,
                response_headers_policy=cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                compress=False,  # CloudFront compresses only what it caches
            ),
            certificate=certificate,
            domain_names=Lazy.list(_Names(endpoint)) if certificate else None,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2025 if certificate else None,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            enable_ipv6=True,
            web_acl_id=web_acl_arn,
            enable_logging=access_logs,
            log_bucket=self.access_log_bucket,
            log_includes_cookies=False if access_logs else None,
        )
        """The L2 distribution."""
        if access_log_bucket:
            TemplateChecks.add(self, _find_buckets_without_acls)
        allow_vpc_origins(self, endpoint, self.distribution)
        endpoint._front.register(
            self,
            targets.CloudFrontTarget(self.distribution) if certificate else None,
            families=(IPV4, IPV6),
            has_tls=True,
        )
        Annotations.of(endpoint).acknowledge_warning(PLAIN_HTTP, "callers use HTTPS, through CloudFront")
        _acknowledge(self.distribution, has_web_acl=web_acl_arn is not None, has_certificate=certificate is not None)

    @property
    def url(self) -> str:
        """The URL, such as `https://d111111abcdef8.cloudfront.net` (a token), or with the endpoint's domain name."""
        return f"https://{self.domain_name or self.distribution.distribution_domain_name}"


@jsii.implements(IStableListProducer)
class _Names:
    """The domain names of an endpoint, read at synthesis, when all are known."""

    def __init__(self, endpoint: HttpEndpoint) -> None:
        self._endpoint = endpoint

    def produce(self) -> list[str]:
        """Return them."""
        return list(self._endpoint.domain_names)


def _acknowledge(distribution: cloudfront.Distribution, *, has_web_acl: bool, has_certificate: bool) -> None:
    reasons = {"AwsSolutions-CFR1": "You decide in which countries callers may be."}
    if not has_web_acl:
        cost = "A web ACL costs 5 USD a month, and more for rules and requests. web_acl_arn takes one."
        reasons["AwsSolutions-CFR2"] = cost
    if not has_certificate:
        reasons["AwsSolutions-CFR4"] = "CloudFront decides the TLS versions for its own names."
    acknowledge(distribution, reasons)


def _validate_endpoint(scope: Construct, endpoint: HttpEndpoint, certificate: acm.ICertificate | None) -> None:
    endpoint._front.validate(scope, moves_records=certificate is not None)
    path = endpoint.node.path
    if not endpoint.is_internal:
        raise ValueError(f"{path} faces the internet, so callers could bypass CloudFront; make it with internal=True")
    if endpoint.has_tls and not endpoint.domain_name:
        raise ValueError(
            f"CloudFront cannot check the certificate of {path}, which has no domain name; give it domain_name"
        )
    if endpoint._asks_for_certificates:
        raise ValueError(
            f"CloudFront does not forward certificates of callers, got {path} with mutual_authentication; leave it "
            "out, or use the endpoint without CloudFront",
        )
    if certificate is None:
        return
    if not endpoint.domain_name:
        raise ValueError(f"certificate needs an endpoint with a domain_name, got: {path}; give it domain_name")
    region = environment_of(certificate).region
    if not may_be_same(region, CERTIFICATE_REGION):
        raise ValueError(
            f"certificate must be in {CERTIFICATE_REGION} for CloudFront, got: {certificate.node.path} in {region}"
        )


def _validate_access_logs(
    scope: Construct, bucket: s3.IBucket | None, expiration: Duration | None, *, is_on: bool
) -> None:
    validate_expiration(expiration)
    if bucket and (expiration or not is_on):
        beside = "access_log_expiration; set it on the bucket" if expiration else "access_logs=False; leave one out"
        raise ValueError(f"access_log_bucket cannot be combined, got: {bucket.node.path} beside {beside}")
    region = environment_of(bucket or Stack.of(scope)).region
    if is_on and region in OPT_IN_REGIONS:
        raise ValueError(
            f"CloudFront writes no access logs to a bucket in an opt-in region, got: {region}; give an "
            "access_log_bucket in another region, or access_logs=False",
        )


def _find_buckets_without_acls(templates: Templates) -> Iterator[PolicyViolation]:
    """Yield a violation for each log bucket of the app without access control lists, which is the default of buckets.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    """
    for distribution in templates.of_type["AWS::CloudFront::Distribution"]:
        logging = templates.properties(distribution).get("DistributionConfig", {}).get("Logging", {})
        bucket = templates.locate(distribution.stack, logging.get("Bucket"))
        rules = items(templates.properties(bucket), "OwnershipControls", "Rules")
        if bucket and {rule["ObjectOwnership"] for rule in rules} <= {"BucketOwnerEnforced"}:
            path = templates.path(bucket)
            yield violation(
                "accessLogBucket",
                templates.path(distribution),
                f"a bucket for CloudFront's access logs must accept access control lists, got: {path}",
                fix="make it with object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED",
            )


def _validate_web_acl(arn: str | None) -> None:
    if arn is not None and is_known(arn) and ":global/webacl/" not in arn:
        raise ValueError(f"web_acl_arn must be of scope CLOUDFRONT, '…:global/webacl/…', got: {arn!r}")
