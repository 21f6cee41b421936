"""How CloudFront reaches an internal load balancer: a VPC origin, and the rule that allows its security group."""

from aws_cdk import Duration, Names, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.nag_suppressions import (
    FUNCTION,
    INLINE_POLICY,
    LOG_GROUP,
    acknowledge,
    acknowledge_wildcards,
)
from fargate_constructs.endpoint.fronts import wait_for_internet_gateway
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint

# CloudFront makes this security group with the first VPC origin of a VPC:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
SERVICE_SECURITY_GROUP = "CloudFront-VPCOrigins-Service-SG"
GROUP_ID = "SecurityGroups.0.GroupId"
# The ID in the stack of the function that all AwsCustomResources of the stack share. It ends with
# `AwsCustomResource.PROVIDER_FUNCTION_UUID`, which CDK cannot change without replacing the function.
SHARED_FUNCTION = "AWS679f53fac002430cb0da5b7982bd2287"


def make_vpc_origin(scope: Construct, endpoint: HttpEndpoint) -> origins.VpcOrigin:
    """Make the origin. It never changes: CloudFront refuses each update of a VPC origin in use, also of its tags.

    So the ID and the name contain the protocol, and it has no tags (https://github.com/aws/aws-cdk/issues/35765). A
    name is unique in an account across regions, so it contains the region.
    """
    protocol = "Https" if endpoint.has_tls else "Http"
    policy = cloudfront.OriginProtocolPolicy
    vpc_origin = cloudfront.VpcOrigin(
        scope,
        f"{protocol}Origin",
        vpc_origin_name=f"{Names.unique_resource_name(scope, max_length=40)}-{protocol}-{Stack.of(scope).region}",
        endpoint=cloudfront.VpcOriginEndpoint.application_load_balancer(endpoint.load_balancer),
        protocol_policy=policy.HTTPS_ONLY if endpoint.has_tls else policy.HTTP_ONLY,
        http_port=80,
        https_port=443,
        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
    )
    resource = vpc_origin.node.default_child
    assert isinstance(resource, cloudfront.CfnVpcOrigin)
    resource.add_property_deletion_override("Tags")
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
    wait_for_internet_gateway(vpc_origin, endpoint.load_balancer)
    return origins.VpcOrigin.with_vpc_origin(
        vpc_origin,
        # CloudFront compares the certificate with this name.
        domain_name=endpoint.domain_name,
        # The load balancer's default idle timeout.
        read_timeout=Duration.seconds(60),
        # Less than the load balancer's idle timeout, so that CloudFront never writes to a connection that it closes.
        keepalive_timeout=Duration.seconds(5),
    )


def allow_vpc_origins(scope: Construct, endpoint: HttpEndpoint, distribution: cloudfront.Distribution) -> None:
    """Allow CloudFront's VPC origins in this VPC, and nothing else, to reach the endpoint.

    CloudFormation does not return the ID of their security group, so a custom resource looks it up. CloudFront's prefix
    list would do too, but counts as 55 of the 60 rules of a security group.
    """
    lookup = _look_up_security_group(scope, endpoint)
    lookup.node.add_dependency(distribution)
    security_group, *_ = endpoint.load_balancer.connections.security_groups
    ec2.CfnSecurityGroupIngress(
        scope,
        "FromVpcOrigin",
        # In this stack, not among the endpoint's rules, so that the endpoint's stack does not depend on this one.
        group_id=security_group.security_group_id,
        source_security_group_id=lookup.get_response_field(GROUP_ID),
        ip_protocol="tcp",
        from_port=endpoint.listener.port,
        to_port=endpoint.listener.port,
        description="Allow from VPC origins of CloudFront",
    )


def _look_up_security_group(scope: Construct, endpoint: HttpEndpoint) -> custom_resources.AwsCustomResource:
    stack, vpc = Stack.of(scope), endpoint.load_balancer.vpc
    assert vpc is not None, "an endpoint makes its load balancer in a VPC"
    filters = {"vpc-id": vpc.vpc_id, "group-name": SERVICE_SECURITY_GROUP}
    lookup = custom_resources.AwsCustomResource(
        scope,
        "VpcOriginSecurityGroup",
        on_update=custom_resources.AwsSdkCall(
            service="ec2",
            action="describeSecurityGroups",
            parameters={"Filters": [{"Name": name, "Values": [value]} for name, value in filters.items()]},
            physical_resource_id=custom_resources.PhysicalResourceId.of(SERVICE_SECURITY_GROUP),
            # The response with all rules of the group may be too long for a custom resource.
            output_paths=[GROUP_ID],
        ),
        policy=custom_resources.AwsCustomResourcePolicy.from_sdk_calls(
            resources=custom_resources.AwsCustomResourcePolicy.ANY_RESOURCE
        ),
        install_latest_aws_sdk=False,
        memory_size=128,  # Lambda's default, explicit
        log_group=_log_group(stack),
        resource_type="Custom::VpcOriginSecurityGroup",
    )
    acknowledge_wildcards(lookup, ["*"], reason="AWS accepts no narrower resource for ec2:DescribeSecurityGroups.")
    acknowledge(lookup, INLINE_POLICY)
    policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    acknowledge(
        stack.node.find_child(SHARED_FUNCTION),
        FUNCTION
        | {
            f"AwsSolutions-IAM4[Policy::{policy}]": "CDK's custom resources share it in a stack, and the policy "
            "lets it write its logs.",
            "LambdaDLQ": "A deployment calls it, and fails without an answer.",
        },
    )
    return lookup


def _log_group(stack: Stack) -> logs.LogGroup | None:
    """Return a log group for the shared function, or None if another custom resource made the function."""
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
