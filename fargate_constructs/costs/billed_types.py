"""How AWS bills resources, by their types: once while they exist, by use, or not at all."""

from __future__ import annotations

# What is billed once for each resource of a type.
SINGLE = {
    "AWS::CloudWatch::CompositeAlarm": "composite alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::EC2::EIP": "public IPv4 address",
    "AWS::GlobalAccelerator::Accelerator": "accelerator",
    "AWS::KMS::Key": "KMS key",
    "AWS::KMS::ReplicaKey": "KMS key",
    "AWS::Route53::HostedZone": "hosted zone",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "hosted zone",
    "AWS::ServiceDiscovery::PublicDnsNamespace": "hosted zone",
}
# What depends on use.
BY_USE = {
    "AWS::ApiGatewayV2::Api": ("requests to an HTTP API",),
    "AWS::Athena::WorkGroup": ("data that Athena scans",),
    "AWS::CloudFront::Distribution": ("data from CloudFront",),
    "AWS::EC2::NatGateway": ("data through a NAT gateway",),
    "AWS::KinesisFirehose::DeliveryStream": ("data through Firehose",),
    "AWS::Lambda::Function": ("invocations of functions",),
    "AWS::Logs::LogGroup": ("log lines to CloudWatch", "log lines kept in CloudWatch"),
    "AWS::S3::Bucket": ("objects in S3",),
    "AWS::Scheduler::Schedule": ("starts by schedules",),
    "AWS::WAFv2::WebACL": ("requests through a web ACL",),
}
# Billed with something else, or free.
_FREE_NAMES = {
    "ApiGatewayV2": "ApiMapping Authorizer DomainName Integration Route Stage VpcLink",
    "ApplicationAutoScaling": "ScalableTarget",
    "Athena": "NamedQuery",
    "AutoScaling": "AutoScalingGroup LifecycleHook",
    "CertificateManager": "Certificate",
    "CloudFormation": "Stack WaitConditionHandle",
    "CloudFront": "CachePolicy OriginAccessControl OriginRequestPolicy ResponseHeadersPolicy VpcOrigin",
    "EC2": (
        "EIPAssociation EgressOnlyInternetGateway FlowLog InternetGateway NetworkAcl NetworkAclEntry "
        "NetworkInterface Route RouteTable SecurityGroup SecurityGroupEgress SecurityGroupIngress Subnet "
        "SubnetNetworkAclAssociation SubnetRouteTableAssociation VPC VPCCidrBlock VPCGatewayAttachment"
    ),
    "ECS": "CapacityProvider Cluster ClusterCapacityProviderAssociations TaskDefinition",
    "EFS": "AccessPoint MountTarget",
    "ElastiCache": "ParameterGroup SubnetGroup",
    "ElasticLoadBalancingV2": "Listener ListenerCertificate ListenerRule TargetGroup TrustStore",
    "Events": "Rule",
    "GlobalAccelerator": "EndpointGroup Listener",
    "Glue": "Database Table",
    "KMS": "Alias",
    "Lambda": "Alias EventInvokeConfig EventSourceMapping LayerVersion Permission Url Version",
    "Logs": "AccountPolicy LogStream MetricFilter ResourcePolicy SubscriptionFilter",
    "RDS": "DBClusterParameterGroup DBParameterGroup DBSubnetGroup",
    "Route53": "RecordSet",
    "S3": "BucketPolicy",
    "SNS": "Subscription Topic TopicPolicy",
    "SQS": "QueuePolicy",
    "SSM": "Parameter",
    "Scheduler": "ScheduleGroup",
    "SecretsManager": "RotationSchedule SecretTargetAttachment",
    "ServiceDiscovery": "HttpNamespace Service",
    "WAFv2": "IPSet LoggingConfiguration WebACLAssociation",
}
FREE = {f"AWS::{service}::{name}" for service, names in _FREE_NAMES.items() for name in names.split()}
FREE_PREFIXES = ("AWS::CDK::", "AWS::IAM::", "Custom::", "AWS::CloudFormation::CustomResource")
