"""HTTPS without a domain: a CloudFront distribution before an endpoint that nobody else can reach.

```
caller ──> [d111111abcdef8.cloudfront.net ──> VPC origin] ──> internal HttpEndpoint ──> routes
```
"""

from collections.abc import Iterator

import jsii
from aws_cdk import (
    Annotations,
    Duration,
    IStableListProducer,
    Lazy,
    Names,
    PolicyViolation,
    RemovalPolicy,
    Stack,
    custom_resources,
)
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import shorten
from fargate_constructs._core.environment_checks import environment_of, may_be_same, validate_partition
from fargate_constructs._core.nag_suppressions import (
    FUNCTION,
    INLINE_POLICY,
    LOG_GROUP,
    acknowledge,
    acknowledge_wildcards,
)
from fargate_constructs._core.private_bucket import PrivateBucket
from fargate_constructs._core.unresolved import is_dummy, is_known
from fargate_constructs.endpoint.access_logs import EXPIRATION_DAYS, validate_expiration
from fargate_constructs.endpoint.http_endpoint import PLAIN_HTTP, HttpEndpoint
from fargate_constructs.synthesized.intrinsics import items
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Templates

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
SERVICE_SECURITY_GROUP = "CloudFront-VPCOrigins-Service-SG"
GROUP_ID = "SecurityGroups.0.GroupId"
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
MAX_COMMENT = 128
# Regions that an account opts in to, from which CloudFront takes no bucket for its logs
# (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html and
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html).
OPT_IN_REGIONS = {
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
    *("me-central-1", "me-south-1", "mx-central-1"),
}
# GovCloud has no CloudFront (https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/using-services.html). China has
# one that serves no name of its own (https://docs.amazonaws.cn/en_us/aws/latest/userguide/cloudfront.html), and no
# us-east-1 for the certificate of another.
ELSEWHERE = ("us-gov-", "cn-")
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
CERTIFICATE_REGION = "us-east-1"
# The function that all of CDK's own custom resources of a stack share, by its ID in the stack.
# It ends with `AwsCustomResource.PROVIDER_FUNCTION_UUID`, which CDK cannot change without replacing the function.
SHARED_FUNCTION = "AWS679f53fac002430cb0da5b7982bd2287"


class CloudFrontDistribution(Construct):
    """A CloudFront distribution before an internal endpoint.

    Callers use its own name, `d111111abcdef8.cloudfront.net`, and AWS's certificate for it, so a team without a domain
    serves HTTPS, and has no public load balancer: CloudFront comes in by a VPC origin, which is the one thing that the
    endpoint's security group lets in. Nothing is cached; all methods, headers, cookies and query strings pass; the
    answers get security headers; HTTP is redirected.

    With that name CloudFront accepts TLS 1.0 and 1.1 too, whatever a distribution asks for. With the endpoint's domain
    name, and a *certificate* for it, TLS 1.2 and 1.3 only; the records of that name lead here.

    To the load balancer CloudFront speaks HTTP, within AWS's network, if the endpoint has no certificate, and HTTPS if
    it has. A service finds the caller's scheme in `CloudFront-Forwarded-Proto` and the address in
    `CloudFront-Viewer-Address`; `X-Forwarded-Proto` says how CloudFront came. gRPC does not pass.

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    distribution = CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)
    CfnOutput(stack, "Url", value=distribution.url)
    ```

    Args:
        scope: The construct that owns the distribution.
        id: The construct's ID.
        endpoint: The internal endpoint.
        certificate: The certificate of all names of the endpoint, which CloudFront wants in us-east-1. By default
            callers use the distribution's own name.
        web_acl_arn: The ARN of a web ACL of scope CLOUDFRONT, which live in us-east-1. By default none; one on the
            endpoint works too, but sees CloudFront's addresses as the callers'.
        access_logs: Whether CloudFront logs what it was asked. By default it does.
        access_log_bucket: Where to: a bucket with access control lists, by which CloudFront gives itself the right to
            write; import one of another region by `s3.Bucket.from_bucket_attributes(bucket_name=..., region=...)`. By
            default a private bucket is made. CloudFront takes none of a region that accounts opt in to.
        access_log_expiration: After how long CloudFront's access logs are deleted from the bucket made here. By default
            90 days.

    Raises:
        TypeError: If *endpoint* is not an `HttpEndpoint`.
        ValueError: If the endpoint faces the internet, or has a front already; if its certificate could not be checked
            by CloudFront, for it has no domain name; if a certificate is given but no domain name to use it for, or it
            is another region's; if *web_acl_arn* is a regional one; if CloudFront could not write its access logs; if
            the records lie in another stack; or if the stack is in GovCloud or China.
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
        validate_partition(scope, "CloudFrontDistribution", ELSEWHERE, "take another front of docs/endpoint.md")
        _validate_endpoint(scope, endpoint, certificate)
        _validate_web_acl(web_acl_arn)
        _validate_access_logs(scope, access_log_bucket, access_log_expiration, is_on=access_logs)
        if certificate and is_dummy(certificate.certificate_arn):
            certificate = None  # whose ARN CDK takes apart
        super().__init__(scope, id)

        self.domain_name = endpoint.domain_name if certificate else None
        self.access_log_bucket: s3.IBucket | None = None
        """Where CloudFront's access logs go, if it keeps any."""
        if access_logs:
            self.access_log_bucket = access_log_bucket or PrivateBucket(
                self,
                "AccessLogs",
                lifecycle_rules=[s3.LifecycleRule(expiration=access_log_expiration or Duration.days(EXPIRATION_DAYS))],
                # CloudFront gives itself the right to write by an access control list; it is the only one who may.
                object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
            )
        self.origin = _origin(endpoint, self._make_vpc_origin(endpoint))
        """The way to the endpoint, for further behaviors: `distribution.add_behavior("/static/*", self.origin, …)`."""
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
                compress=False,  # with nothing cached CloudFront compresses nothing
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
        if access_log_bucket:
            TemplateChecks.add(self, _find_buckets_without_lists)
        self._let_in(endpoint)
        endpoint.stand_behind(self, targets.CloudFrontTarget(self.distribution) if certificate else None, has_ipv6=True)
        Annotations.of(endpoint).acknowledge_warning(PLAIN_HTTP, "callers come over HTTPS, by CloudFront")
        self._acknowledge(web_acl_arn=web_acl_arn, has_own_name=certificate is None)

    @property
    def url(self) -> str:
        """Where callers find the endpoint, `https://d111111abcdef8.cloudfront.net` (a token) or its domain name."""
        return f"https://{self.domain_name or self.distribution.distribution_domain_name}"

    def _make_vpc_origin(self, endpoint: HttpEndpoint) -> cloudfront.VpcOrigin:
        """Make one that never changes: CloudFront updates none that a distribution uses, not even its tags.

        So its ID and name hold the protocol, and no tags are on it (https://github.com/aws/aws-cdk/issues/35765). An
        account has one of a name in all regions, so the name holds the region too.
        """
        protocol = "Https" if endpoint.has_tls else "Http"
        made = cloudfront.VpcOrigin(
            self,
            f"{protocol}Origin",
            vpc_origin_name=f"{Names.unique_resource_name(self, max_length=40)}-{protocol}-{Stack.of(self).region}",
            endpoint=cloudfront.VpcOriginEndpoint.application_load_balancer(endpoint.load_balancer),
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY
            if endpoint.has_tls
            else cloudfront.OriginProtocolPolicy.HTTP_ONLY,
            http_port=80,
            https_port=443,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        )
        resource = made.node.default_child
        assert isinstance(resource, cloudfront.CfnVpcOrigin)
        resource.add_property_deletion_override("Tags")
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
        endpoint.wait_for_internet_gateway(made)
        return made

    def _let_in(self, endpoint: HttpEndpoint) -> None:
        """Open the endpoint to CloudFront's VPC origins in this VPC, and to nothing else.

        Their security group is CloudFront's, made with the first VPC origin, and CloudFormation does not tell its ID.
        CloudFront's prefix list would do as well, but counts as 55 of the 60 rules that a security group may have.
        """
        vpc = endpoint.load_balancer.vpc
        assert vpc is not None, "an endpoint makes its load balancer in a VPC"
        group = custom_resources.AwsCustomResource(
            self,
            "VpcOriginSecurityGroup",
            on_update=custom_resources.AwsSdkCall(
                service="ec2",
                action="describeSecurityGroups",
                parameters={
                    "Filters": [
                        {"Name": "vpc-id", "Values": [vpc.vpc_id]},
                        {"Name": "group-name", "Values": [SERVICE_SECURITY_GROUP]},
                    ],
                },
                physical_resource_id=custom_resources.PhysicalResourceId.of(SERVICE_SECURITY_GROUP),
                # All of the group's rules may be more than a custom resource may answer.
                output_paths=[GROUP_ID],
            ),
            policy=custom_resources.AwsCustomResourcePolicy.from_sdk_calls(
                resources=custom_resources.AwsCustomResourcePolicy.ANY_RESOURCE
            ),
            install_latest_aws_sdk=False,
            memory_size=128,  # what Lambda has by default, said aloud
            log_group=_log_group(Stack.of(self)),
            resource_type="Custom::VpcOriginSecurityGroup",
        )
        group.node.add_dependency(self.distribution)
        acknowledge_wildcards(group, ["*"], reason="AWS accepts no narrower resource for ec2:DescribeSecurityGroups.")
        acknowledge(group, INLINE_POLICY)
        policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        acknowledge(
            Stack.of(self).node.find_child(SHARED_FUNCTION),
            FUNCTION
            | {
                f"AwsSolutions-IAM4[Policy::{policy}]": "CDK's custom resources share it in a stack, and the policy "
                "lets it write its logs.",
                "LambdaDLQ": "A deployment calls it, and fails if it is not answered.",
            },
        )
        security_group, *_ = endpoint.load_balancer.connections.security_groups
        ec2.CfnSecurityGroupIngress(
            self,
            "FromVpcOrigin",
            # Here, and not among the endpoint's rules, so that the endpoint's stack need not know this one.
            group_id=security_group.security_group_id,
            source_security_group_id=group.get_response_field(GROUP_ID),
            ip_protocol="tcp",
            from_port=endpoint.listener.port,
            to_port=endpoint.listener.port,
            description="Allow from VPC origins of CloudFront",
        )

    def _acknowledge(self, *, web_acl_arn: str | None, has_own_name: bool) -> None:
        reasons = {"AwsSolutions-CFR1": "Where its callers are its owner alone can say."}
        if not web_acl_arn:
            reasons["AwsSolutions-CFR2"] = (
                "A web ACL costs 5 USD a month, and more for rules and requests. web_acl_arn takes one."
            )
        if has_own_name:
            reasons["AwsSolutions-CFR4"] = "CloudFront fixes the TLS versions of its own names' certificate."
        acknowledge(self.distribution, reasons)


@jsii.implements(IStableListProducer)
class _Names:
    """An endpoint's names, asked for once all are known."""

    def __init__(self, endpoint: HttpEndpoint) -> None:
        self._endpoint = endpoint

    def produce(self) -> list[str]:
        """Return them."""
        return list(self._endpoint.domain_names)


def _origin(endpoint: HttpEndpoint, vpc_origin: cloudfront.VpcOrigin) -> origins.VpcOrigin:
    return origins.VpcOrigin.with_vpc_origin(
        vpc_origin,
        # CloudFront compares the certificate with this name.
        domain_name=endpoint.domain_name,
        # As long as the load balancer waits for a service by default.
        read_timeout=Duration.seconds(60),
        # Below the load balancer's idle timeout, so that CloudFront never writes to a connection that is being closed.
        keepalive_timeout=Duration.seconds(5),
    )


def _log_group(stack: Stack) -> logs.LogGroup | None:
    """Return the log group of the function that looks up, if this is what makes it in the stack."""
    if stack.node.try_find_child(SHARED_FUNCTION):
        return None
    log_group = logs.LogGroup(
        stack,
        "VpcOriginLookUpLogs",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(log_group, LOG_GROUP)
    return log_group


def _validate_endpoint(scope: Construct, endpoint: HttpEndpoint, certificate: acm.ICertificate | None) -> None:
    endpoint.validate_front(scope, moves_records=certificate is not None)
    path = endpoint.node.path
    if not endpoint.is_internal:
        raise ValueError(f"{path} faces the internet, so CloudFront could be passed by; make it with internal=True")
    if endpoint.has_tls and not endpoint.domain_name:
        raise ValueError(f"CloudFront cannot check the certificate of {path}, which has no name; give it domain_name")
    if endpoint.asks_for_certificates:
        raise ValueError(
            f"CloudFront shows {path} no certificate of a caller, got one with mutual_authentication; leave that out, "
            "or let callers come by the endpoint itself",
        )
    if certificate is None:
        return
    if not endpoint.domain_name:
        raise ValueError(f"certificate is for the domain_name of the endpoint, got one for {path}, which has none")
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
        beside = "access_log_expiration, which is the bucket's own" if expiration else "access_logs=False"
        raise ValueError(f"access_log_bucket must be left out, got {bucket.node.path} beside {beside}")
    region = environment_of(bucket or Stack.of(scope)).region
    if is_on and region in OPT_IN_REGIONS:
        raise ValueError(
            f"CloudFront writes no access logs to a bucket in {region}, a region that accounts opt in to; give an "
            "access_log_bucket of another region, or access_logs=False",
        )


def _find_buckets_without_lists(templates: Templates) -> Iterator[PolicyViolation]:
    """Yield a violation for each bucket of the app that takes no access control list, by which CloudFront may write.

    That is so unless a bucket says otherwise (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
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
                f"a bucket for the access logs of CloudFront must take access control lists, got: {path} without",
                fix="make it with object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED",
            )


def _validate_web_acl(arn: str | None) -> None:
    if arn is not None and is_known(arn) and ":global/webacl/" not in arn:
        raise ValueError(f"web_acl_arn must be of scope CLOUDFRONT, '…:global/webacl/…', got: {arn!r}")
