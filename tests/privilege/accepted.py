"""What the rules of `rules.py` accept, and why.

Each entry must be met by some mode, so that none outlives its cause.
"""

AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference"
EXEC_PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"
LOGS_KEY_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"

ON_EVERYTHING = {
    "ec2:DescribeAddressesAttribute": f"knows no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ec2:DescribeSecurityGroups": f"knows no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ecr:GetAuthorizationToken": f"knows no ARN: {AUTHORIZATION}/list_amazonelasticcontainerregistry.html",
    "logs:DescribeLogGroups": f"knows no ARN: {AUTHORIZATION}/list_amazoncloudwatchlogs.html",
    "s3:GetBucketLocation": f"CDK grants it with ECS Exec as AWS's page says, for transcripts in S3: {EXEC_PAGE}",
    "ssmmessages:CreateControlChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:CreateDataChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenControlChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenDataChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
}
"""Actions that are allowed on `*`."""

THOUGH_THEY_TAKE_ARNS = {"s3:GetBucketLocation"}
"""The actions of `ON_EVERYTHING` that could be limited, by whoever writes the policy."""

BY_WILDCARD = {
    (
        "AWS::KMS::Key",
        action,
    ): f"CDK lets CloudWatch Logs use a key of ECS Exec's just as AWS's page says: {LOGS_KEY_PAGE}"
    for action in ("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
} | {
    ("AWS::KMS::Key", "kms:*"): "the account itself, without whose statement nobody could change the key any more: "
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
}
"""Actions with a wildcard, by the type of the resource that has the policy."""

WHOLE = {
    ("s3:PutObject", "transcripts"): "CDK lets tasks write anywhere in the bucket that a cluster made elsewhere names "
    "for transcripts",
}
"""Actions that are allowed on everything in a resource, by a part of its name."""

UNCONDITIONAL_SERVICES = {
    "ecs.amazonaws.com": "CDK makes the role with which ECS shifts traffic, and AWS's page has no condition: "
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
    "logdelivery.elasticloadbalancing.amazonaws.com": "AWS's policy for it is tied to the account by the path, which "
    "holds the account's ID; it is not known to tell more of where it comes from: "
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html",
}
"""Services that are allowed something without a condition that names the account."""

UNCONDITIONAL_ROLES = {
    "CustomVpcRestrictDefaultSGCustomResourceProviderRole": "CDK's, one for all VPCs of a stack",
    "AWS679f53fac002430cb0da5b7982bd2287ServiceRole": "CDK's, one for all look-ups of a stack",
}
"""Roles, by what their IDs begin with, that their service may assume without such a condition."""

MANAGED_POLICIES = {
    ("CustomVpcRestrictDefaultSGCustomResourceProviderRole", "service-role/AWSLambdaBasicExecutionRole"): "CDK's own "
    "function writes its log",
    (
        "AWS679f53fac002430cb0da5b7982bd2287ServiceRole",
        "service-role/AWSLambdaBasicExecutionRole",
    ): "CDK's own function writes its log",
    (
        "AlternateTargetRole",
        "AmazonECSInfrastructureRolePolicyForLoadBalancers",
    ): "just what ECS needs to move requests between target groups, kept by AWS",
}
"""Policies of AWS's that a role has, by a part of the role's ID."""
