"""What the rules of `rules.py` accept, and why.

Each entry must be met by some mode, so that none outlives its cause.
"""

AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference"

ON_EVERYTHING = {
    "athena:ListDataCatalogs": f"accepts no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "athena:ListEngineVersions": f"accepts no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "athena:ListWorkGroups": f"accepts no ARN: {AUTHORIZATION}/list_amazonathena.html",
    "ec2:DescribeAddressesAttribute": f"accepts no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ec2:DescribeSecurityGroups": f"accepts no ARN: {AUTHORIZATION}/list_amazonec2.html",
    "ecr:GetAuthorizationToken": f"accepts no ARN: {AUTHORIZATION}/list_amazonelasticcontainerregistry.html",
    "logs:DescribeLogGroups": f"accepts no ARN: {AUTHORIZATION}/list_amazoncloudwatchlogs.html",
    "ssmmessages:CreateControlChannel": f"accepts no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:CreateDataChannel": f"accepts no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenControlChannel": f"accepts no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenDataChannel": f"accepts no ARN: {AUTHORIZATION}/list_amazonmessagegatewayservice.html",
}
"""Actions that are allowed on `*`."""

BY_WILDCARD = {
    ("AWS::KMS::Key", "kms:*"): "the account itself; without this statement the key could never be changed again: "
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    (
        "AWS::KMS::Key",
        "kms:ReEncrypt*",
    ): "CDK's statement: the account may use a secret's key through Secrets Manager",
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
    "logdelivery.elasticloadbalancing.amazonaws.com": "AWS's policy limits the path, which holds the account's ID; "
    "AWS documents no condition key for this service: "
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
    ): "AWS maintains it: what ECS needs to move requests between target groups",
    (
        "ServiceConnectTlsRole",
        "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
    ): "AWS maintains it: what ECS needs to get certificates for the proxies of linked services",
}
"""Policies of AWS's that a role has, by a part of the role's ID."""
