"""Policies of VPC endpoints: the accounts whose resources tasks reach, with keys of this account.

Without a policy an endpoint leads to every account: even without egress, a task with another account's keys could copy
data to that account's bucket, log group or parameter. A policy grants nothing; it limits what the tasks' roles may do
 (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html).
"""

import re
from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from fargate_constructs._core.unresolved import is_known

ACCOUNT_ID = re.compile(r"\d{12}")
# EC2 refuses a policy for an endpoint of these: their `VpcEndpointPolicySupported` is false
# (https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html#vpce-endpoint-policy-support;
# of ECS's agent and telemetry: https://github.com/awsdocs/amazon-ecs-developer-guide/issues/55).
WITHOUT_POLICIES = ("ecs-agent", "ecs-telemetry", "email-smtp", "transfer.server")
# AWS's own buckets: with layers of private images, read by a URL that ECR signs
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms); and with
# packages of Amazon Linux, which NAT instances install without keys (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html).
AWS_BUCKETS = ("prod-{region}-starport-layer-bucket", "al2023-repos-{region}-de612dc2")


def restrict_to_accounts(endpoint: ec2.VpcEndpoint, service: str, resource_accounts: Sequence[str]) -> None:
    """Allow only principals of this account through a service's endpoint, to resources of this and the named accounts.

    An endpoint that supports no policies is left as it is.
    """
    if service in WITHOUT_POLICIES:
        return
    here = {"aws:PrincipalAccount": Aws.ACCOUNT_ID}
    accounts = {"aws:ResourceAccount": [Aws.ACCOUNT_ID, *resource_accounts]}
    _allow(endpoint, ["*"], ["*"], {"StringEquals": here | accounts})
    if service == "s3":
        buckets = [each.format(region=Aws.REGION) for each in AWS_BUCKETS]
        _allow(endpoint, ["s3:GetObject"], [f"arn:{Aws.PARTITION}:s3:::{bucket}/*" for bucket in buckets], {})
    if service == "ssm":
        # AWS's own parameters, such as the newest images
        # (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html).
        public = f"arn:{Aws.PARTITION}:ssm:{Aws.REGION}::parameter/aws/*"
        _allow(endpoint, ["ssm:GetParameter", "ssm:GetParameters"], [public], {"StringEquals": here})


def validate_accounts(name: str, accounts: Sequence[str]) -> None:
    """Refuse what is not an account ID."""
    for account in accounts:
        if is_known(account) and not ACCOUNT_ID.fullmatch(account):
            raise ValueError(f"{name} must hold IDs of accounts, 12 digits such as '123456789012', got: {account!r}")


def _allow(
    endpoint: ec2.VpcEndpoint, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, object]
) -> None:
    endpoint.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.StarPrincipal()], actions=list(actions), resources=list(resources), conditions=conditions
        )
    )
