"""Reads two comparable templates; returns the retention times that an update shortens, so that AWS deletes data."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate
from fargate_constructs.synthesized.intrinsics import items, lookup, number

FOREVER = float("inf")
# By type: the property, what it is if it is not set, its unit, and what AWS deletes.
TIMES: Mapping[str, tuple[str, float, str, str]] = {
    "AWS::Logs::LogGroup": ("RetentionInDays", FOREVER, "day", "log lines"),
    "AWS::SQS::Queue": ("MessageRetentionPeriod", 345_600, "second", "messages"),
    "AWS::Kinesis::Stream": ("RetentionPeriodHours", 24, "hour", "records"),
    "AWS::RDS::DBCluster": ("BackupRetentionPeriod", 1, "day", "automated backups"),
    "AWS::RDS::DBInstance": ("BackupRetentionPeriod", 1, "day", "automated backups"),
}
BUCKET = "AWS::S3::Bucket"
EXPIRATIONS = (
    "ExpirationInDays",
    "ExpirationDate",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionExpirationInDays",
)
REPOSITORY = "AWS::ECR::Repository"


class DeletedData(NamedTuple):
    """What AWS deletes after an update, though the resource stays."""

    logical_id: str
    property: str
    text: str


def find_deleted_data(old: ComparableTemplate, new: ComparableTemplate) -> Iterator[DeletedData]:
    """Yield each resource that stays, and whose data AWS deletes earlier than before."""
    for logical_id, resource in new.resources.items():
        before = old.resources.get(logical_id, {})
        if before.get("Type") != resource["Type"]:
            continue
        was, now = (each.get("Properties", {}) for each in (before, resource))
        type_ = resource["Type"]
        if type_ in TIMES:
            yield from _shortened(logical_id, type_, was, now)
        if type_ == BUCKET:
            yield from _expiring(logical_id, was, now)
        if type_ == REPOSITORY and now.get("LifecyclePolicy") not in (None, was.get("LifecyclePolicy")):
            yield DeletedData(logical_id, "LifecyclePolicy", "images: another LifecyclePolicy selects them")


def _shortened(logical_id: str, type_: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[DeletedData]:
    name, default, unit, data = TIMES[type_]
    before, after = (_time(lookup(each, name), default) for each in (was, now))
    if before is None or after is None or after >= before:
        return
    texts = ["forever" if each == FOREVER else f"{each:g} {unit}{'' if each == 1 else 's'}" for each in (before, after)]
    yield DeletedData(logical_id, name, f"older {data}: {name} was {texts[0]}, now {texts[1]}")


def _time(value: Any, default: float) -> float | None:  # noqa: ANN401 - a piece of a template
    """Return a time; `None` if only the deployment knows it."""
    return default if value is None else number(value)


def _expiring(logical_id: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[DeletedData]:
    """Yield a bucket with a rule that deletes objects, and that is new or different."""
    rules = [
        [
            rule
            for rule in items(each, "LifecycleConfiguration", "Rules")
            if rule.get("Status") == "Enabled" and any(name in rule for name in EXPIRATIONS)
        ]
        for each in (was, now)
    ]
    more = [str(each.get("Id", "one without an Id")) for each in rules[1] if each not in rules[0]]
    if more:
        text = f"objects: rules of its LifecycleConfiguration are new or different: {', '.join(more)}"
        yield DeletedData(logical_id, "LifecycleConfiguration", text)
