"""What the rules of `rules.py` accept, and why.

Each entry must be met by some mode, so that none outlives its cause.
"""

AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference"

ON_EVERYTHING = {
    "athena:ListDataCatalogs": f"knows no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "athena:ListEngineVersions": f"knows no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "athena:ListWorkGroups": f"knows no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "ec2:DescribeAddressesAttribute": f"knows no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ec2:DescribeSecurityGroups": f"knows no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ecr:GetAuthorizationToken": f"knows no ARN: {AUTHORIZATION}/list_amazonelasticcontainerregistry.html",
    "logs:DescribeLogGroups": f"knows no ARN: {AUTHORIZATION}/list_amazoncloudwatchlogs.html",
    "ssmmessages:CreateControlChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:CreateDataChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenControlChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenDataChannel": f"knows no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
}
"""Actions that are allowed on `*`."""

BY_WILDCARD = {
    ("AWS::KMS::Key", "kms:*"): "the account itself, without whose statement nobody could change the key any more: "
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    (
        "AWS::KMS::Key",
        "kms:ReEncrypt*",
    ): "CDK's, for the account, by way of Secrets Manager, of a key that a secret is under",
    ("AWS::KMS::Key", "kms:GenerateDataKey*"): "the same",
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
    (
        "ServiceConnectTlsRole",
        "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
    ): "just what ECS needs to get certificates for the proxies of linked services, kept by AWS",
}
"""Policies of AWS's that a role has, by a part of the role's ID."""
