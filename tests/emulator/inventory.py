"""All that an account has, as far as stacks of this project make it.

AWS ──> a list call for each kind ──> names and IDs
"""

from collections.abc import Iterator
from typing import Any

from tests.emulator.emulator import Emulator

# A client, a paginator's name, the list in its answer, and what tells one from the other; none for a list of names.
KINDS = (
    ("athena", "list_work_groups", "WorkGroups", "Name"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("ec2", "describe_addresses", "Addresses", "PublicIp"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ecs", "list_clusters", "clusterArns", ""),
    ("ecs", "list_task_definitions", "taskDefinitionArns", ""),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("events", "list_rules", "Rules", "Name"),
    ("glue", "get_databases", "DatabaseList", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("kms", "list_keys", "Keys", "KeyId"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("servicediscovery", "list_namespaces", "Namespaces", "Id"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
)


def inventory(aws: Emulator) -> set[str]:
    """Return the names and IDs of all that there is."""
    return {name for kind in KINDS for name in _list(aws, *kind)}


def _list(aws: Emulator, service: str, operation: str, items: str, name: str) -> Iterator[str]:
    """Return the names or IDs of one kind."""
    client: Any = aws.client(service)
    can_page = client.can_paginate(operation)
    pages = client.get_paginator(operation).paginate() if can_page else [getattr(client, operation)()]
    for page in pages:
        yield from (item[name] if name else item for item in page[items])
