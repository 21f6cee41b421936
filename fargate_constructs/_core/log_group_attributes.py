"""The name and the ARN of a log group."""

from weakref import WeakSet

from aws_cdk import aws_logs as logs

from fargate_constructs._core.asked_once import asked_once

_PLAIN: WeakSet[logs.ILogGroup] = WeakSet()


def keep_plain(log_group: logs.ILogGroup) -> None:
    """Keep that a log group was made here without a name, of the class Standard, so that Node.js is not asked."""
    _PLAIN.add(log_group)


def is_plain(log_group: logs.ILogGroup) -> bool:
    """Whether this is kept of a log group."""
    return log_group in _PLAIN


@asked_once
def name_of(log_group: logs.ILogGroup) -> str:
    """Return a log group's name, a token for one that the app makes."""
    return log_group.log_group_name


@asked_once
def arn_of(log_group: logs.ILogGroup) -> str:
    """Return its ARN, which ends in `:*`."""
    return log_group.log_group_arn
