"""The flow logs of a network's VPC: which connections its tasks had."""

from typing import cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.account_trust import restrict_to_account
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, LOG_GROUP, acknowledge


def log_flows(network: Construct, vpc: ec2.Vpc, retention: logs.RetentionDays) -> None:
    """Log the flows of a network's VPC, over IPv4 and IPv6, to a log group."""
    log_group = logs.LogGroup(network, "FlowLogs", retention=retention, removal_policy=RemovalPolicy.DESTROY)
    acknowledge(log_group, LOG_GROUP)
    flow_log = vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group))
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html. CDK's role is kept: another role would
    # replace the flow log, and AWS allows no second flow log to the same log group.
    restrict_to_account(cast(iam.IRole, flow_log.iam_role))
    acknowledge(flow_log, INLINE_POLICY)
