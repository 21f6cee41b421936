"""The resources of an account, of the types that stacks of this project make.

AWS ──> a list call for each type ──> names and IDs, as CloudFormation has them
"""

from collections.abc import Iterator
from typing import Any

from tests.emulator.emulator import Emulator

# For each type: the client, its list call, the list in the response, and the key of the name or ID; none for bare ARNs.
# Types that exist only within one of these (rules, routes, policies, subscriptions) are left out.
LISTS = {
    "AWS::Athena::WorkGroup": ("athena", "list_work_groups", "WorkGroups", "Name"),
    "AWS::AutoScaling::AutoScalingGroup": (
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        "AutoScalingGroupName",
    ),
    "AWS::CertificateManager::Certificate": ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::EC2::EIP": ("ec2", "describe_addresses", "Addresses", "PublicIp"),
    "AWS::EC2::FlowLog": ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "AWS::EC2::InternetGateway": ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "AWS::EC2::NetworkInterface": ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "AWS::EC2::RouteTable": ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "AWS::EC2::SecurityGroup": ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "AWS::EC2::Subnet": ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "AWS::EC2::VPC": ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "AWS::EC2::VPCEndpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "AWS::ECS::Cluster": ("ecs", "list_clusters", "clusterArns", ""),
    "AWS::ECS::TaskDefinition": ("ecs", "list_task_definitions", "taskDefinitionArns", ""),
    "AWS::EFS::FileSystem": ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elbv2",
        "describe_load_balancers",
        "LoadBalancers",
        "LoadBalancerArn",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    "AWS::Events::Rule": ("events", "list_rules", "Rules", "Name"),
    "AWS::Glue::Database": ("glue", "get_databases", "DatabaseList", "Name"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles", "RoleName"),
    "AWS::KMS::Key": ("kms", "list_keys", "Keys", "KeyId"),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "AWS::SSM::Parameter": ("ssm", "describe_parameters", "Parameters", "Name"),
    "AWS::Scheduler::Schedule": ("scheduler", "list_schedules", "Schedules", "Name"),
    "AWS::ServiceDiscovery::HttpNamespace": ("servicediscovery", "list_namespaces", "Namespaces", "Id"),
}


def inventory(aws: Emulator) -> set[str]:
    """Return the names and IDs of all resources."""
    return {name for type_ in LISTS for name in _list(aws, *LISTS[type_])}


def _list(aws: Emulator, service: str, operation: str, items: str, name: str) -> Iterator[str]:
    """Return the names or IDs of one type."""
    client: Any = aws.client(service)
    can_page = client.can_paginate(operation)
    for page in client.get_paginator(operation).paginate() if can_page else [getattr(client, operation)()]:
        for item in page[items]:
            # CloudFormation calls a cluster by its name.
            yield item[name] if name else item.rpartition(":cluster/")[2]
