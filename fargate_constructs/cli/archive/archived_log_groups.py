"""The log groups of an archive: those that it has, and those that are subscribed to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fargate_constructs.cli.aws import one_line, paged
from fargate_constructs.cli.deployed.archives import DeployedArchive, variables_of
from fargate_constructs.cli.deployed.cloudwatch_log_groups import Subscription, account_subscriptions, subscriptions
from fargate_constructs.cli.deployed.deployed_resources import listed

if TYPE_CHECKING:
    from boto3 import Session


def archived_log_groups(session: Session, archive: DeployedArchive) -> list[str]:
    """Return the log groups of which the bucket has objects, in order."""
    client: Any = session.client("s3", region_name=archive.region)
    place = {**archive.bucket_arguments, "Prefix": archive.prefix, "Delimiter": "/"}
    folders = [each["Prefix"] for each in paged(client, "list_objects_v2", "CommonPrefixes", **place)]
    return sorted(unquote(each.removeprefix(archive.prefix).rstrip("/"), errors="surrogatepass") for each in folders)


def chosen_log_groups(session: Session, archive: DeployedArchive, names: Sequence[str]) -> Sequence[str]:
    """Return the log groups that a person named, or all.

    Raises:
        ValueError: If the archive has nothing of one.
    """
    known = archived_log_groups(session, archive)
    for each in names:
        if each not in known:
            has = f"it has {listed(known)}" if known else "it is empty"
            raise ValueError(f"--log-group must be one that {archive.name} has, got: {each}; {has}")
    return names or known


def subscribed_log_groups(
    session: Session,
    archive: DeployedArchive,
    names: Sequence[str] = (),
    *,
    show: Callable[[str], None],
    note: Callable[[str], None],
) -> dict[str, str]:
    """Return the log groups whose events CloudWatch Logs delivers to an archive, in order, with the filter patterns.

    The pattern is empty if all events are delivered. This library makes no other, but a person may change it.

    No request answers that, so each log group with a name, or of the region, is asked for its subscriptions. The
    progress is shown, and what could not be read is noted.
    """
    client: Any = session.client("logs", region_name=archive.region)
    groups = [*names] or [
        each["logGroupName"]
        for each in paged(client, "describe_log_groups", "logGroups")
        if each.get("logGroupClass", "STANDARD") == "STANDARD"  # no other class has subscriptions
    ]
    groups.sort()
    try:
        of_account = next((each for each in account_subscriptions(client) if _leads_to(archive, each)), None)
    except client.exceptions.ClientError as error:
        of_account = None
        note(
            "Not known: whether an account policy subscribes log groups, which logs:DescribeAccountPolicies shows "
            f"({one_line(error)})."
        )
    if of_account:
        ignored = _ignored(session, archive)
        has = [each for each in groups if of_account.has(each)]
        return {each: of_account.pattern for each in has if not any(fnmatchcase(each, pattern) for pattern in ignored)}
    found = {}
    for number, group in enumerate(groups):
        show(f"asks for subscriptions: {number:,} of {len(groups):,} log groups")
        with suppress(client.exceptions.ResourceNotFoundException):  # it is deleted meanwhile
            patterns = [each.pattern for each in subscriptions(client, group) if _leads_to(archive, each)]
            if patterns:
                found[group] = "" if "" in patterns else " or ".join(patterns)
    return found


def _ignored(session: Session, archive: DeployedArchive) -> list[str]:
    """Return the patterns of the log groups that the archive's function drops, with its own."""
    client: Any = session.client("lambda", region_name=archive.region)
    variables = variables_of(client.get_function_configuration(FunctionName=archive.shipper))
    return str(variables.get("IGNORED_LOG_GROUPS", "")).split(",")


def _leads_to(archive: DeployedArchive, subscription: Subscription) -> bool:
    """Whether the destination is the archive's function or stream."""
    names = [f":function:{archive.shipper}"] + ([f":deliverystream/{archive.stream}"] if archive.stream else [])
    return subscription.destination.endswith(tuple(names))
