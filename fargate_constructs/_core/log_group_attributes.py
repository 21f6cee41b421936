"""The name and the ARN of a log group."""

from aws_cdk import aws_logs as logs

from fargate_constructs._core.asked_once import asked_once


@asked_once
def name_of(log_group: logs.ILogGroup) -> str:
    """Return a log group's name, a token for one that the app makes."""
    return log_group.log_group_name


@asked_once
def arn_of(log_group: logs.ILogGroup) -> str:
    """Return its ARN, which ends in `:*`."""
    return log_group.log_group_arn
