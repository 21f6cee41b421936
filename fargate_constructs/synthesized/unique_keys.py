"""What AWS has once: the properties that no two resources of a type may share, and what happens if they do.

CloudFormation creates before it deletes. So a resource under a new logical ID meets the old one:
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1532
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fargate_constructs.synthesized.create_only import UNCONDITIONALLY, names_in_schema, normalize

_RULE = ("GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6")
_TARGET = ("ServiceNamespace", "ScalableDimension", "ResourceId")
# The first property must be set; the others may be missing, which is a value, too.
KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ((*reversed(_TARGET),),),
    "AWS::ApplicationAutoScaling::ScalingPolicy": (("PolicyName", "ScalingTargetId", *_TARGET),),
    "AWS::EC2::EIPAssociation": (("AllocationId",),),
    "AWS::EC2::FlowLog": (("ResourceId", "TrafficType", "LogDestination", "LogGroupName"),),
    "AWS::EC2::Route": (
        ("RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"),
    ),
    "AWS::EC2::SecurityGroup": (("GroupName", "VpcId"),),
    "AWS::EC2::SecurityGroupEgress": ((*_RULE, "DestinationPrefixListId", "DestinationSecurityGroupId"),),
    "AWS::EC2::SecurityGroupIngress": ((*_RULE, "SourcePrefixListId", "SourceSecurityGroupId"),),
    "AWS::EC2::SubnetRouteTableAssociation": (("SubnetId",),),
    "AWS::EC2::VPCGatewayAttachment": (("VpcId", "VpnGatewayId"),),
    "AWS::ECS::Service": (("ServiceName", "Cluster"),),
    "AWS::EFS::MountTarget": (("FileSystemId", "SubnetId"),),
    "AWS::ElasticLoadBalancingV2::Listener": (("LoadBalancerArn", "Port"),),
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": (("ListenerArn", "Certificates"),),
    "AWS::ElasticLoadBalancingV2::ListenerRule": (("ListenerArn", "Priority"),),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (("Name",),),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (("Name",),),
    "AWS::IAM::ManagedPolicy": (("ManagedPolicyName",),),
    "AWS::IAM::Policy": (("PolicyName", "Roles", "Users", "Groups"),),
    "AWS::Lambda::EventSourceMapping": (("EventSourceArn", "FunctionName"),),
    "AWS::Lambda::Url": (("TargetFunctionArn", "Qualifier"),),
    "AWS::Logs::SubscriptionFilter": (("LogGroupName", "DestinationArn"),),
    "AWS::Route53::RecordSet": (("Name", "Type", "SetIdentifier", "HostedZoneId", "HostedZoneName"),),
    "AWS::S3::BucketPolicy": (("Bucket",),),
    "AWS::SNS::Subscription": (("TopicArn", "Protocol", "Endpoint"),),
    "AWS::SNS::Topic": (("TopicName",),),
    "AWS::SNS::TopicPolicy": (("Topics",),),
    "AWS::SQS::Queue": (("QueueName",),),
    "AWS::SQS::QueuePolicy": (("Queues",),),
    "AWS::StepFunctions::StateMachine": (("StateMachineName",),),
    "AWS::WAFv2::WebACLAssociation": (("ResourceArn",),),
}
_OVERWRITTEN = "AWS gives it the same identity: its creation fails, or the deletion of the old one then removes it"
_TAKEN = "AWS has it once, so its creation fails while the old one is there"
# What happens, where it is not that the creation fails.
EFFECTS = {
    **dict.fromkeys(
        (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            "AWS::ElasticLoadBalancingV2::ListenerCertificate",
            "AWS::IAM::Policy",
            # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/364
            "AWS::Route53::RecordSet",
            "AWS::SNS::Subscription",
            "AWS::SNS::TopicPolicy",
            "AWS::SQS::QueuePolicy",
        ),
        _OVERWRITTEN,
    ),
    # Two for each group: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    "AWS::Logs::SubscriptionFilter": "each line is delivered twice for a while; a group takes two at most",
}


def unique_keys(resource: Mapping[str, Any]) -> Iterator[str]:
    """Yield a text for each identity of a comparable resource that AWS has once; equal for the same identity."""
    type_, properties = resource["Type"], resource.get("Properties", {})
    for names in (*KEYS.get(type_, ()), *_names(type_)):
        values = [normalize(type_, name, properties.get(name)) for name in names]
        if values[0] is not None:
            yield json.dumps([type_, *names, *values], sort_keys=True)


def effect_of_second(type_: str) -> str:
    """Return what happens if a resource of a type is created while another has its identity."""
    return EFFECTS.get(type_, _TAKEN)


def _names(type_: str) -> Iterator[tuple[str, ...]]:
    """Yield the properties that the schema identifies a resource by, if a template may set them.

    If AWS identifies it by an ARN, these are the name of its type, such as `FirewallName`, and the other properties
    that CloudFormation replaces it for, such as the cluster that the name is unique in.
    """
    if type_ in KEYS:
        return
    identifier = names_in_schema(type_, "primaryIdentifier")
    name = f"{type_.rpartition(':')[2]}Name"
    create_only = names_in_schema(type_, UNCONDITIONALLY)
    if identifier and not identifier & names_in_schema(type_, "readOnlyProperties"):
        yield tuple(sorted(identifier, key=lambda each: (not each.endswith("Name"), each)))
    elif name in create_only:
        yield (name, *sorted(create_only - {name}))
