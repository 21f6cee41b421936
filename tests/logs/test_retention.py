"""How long logs are kept, and where they lie meanwhile."""

import re
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_s3 as s3

from fargate_constructs.logs.retention import Retention

CLASSES = {
    "STANDARD_IA": s3.StorageClass.INFREQUENT_ACCESS,
    "INTELLIGENT_TIERING": s3.StorageClass.INTELLIGENT_TIERING,
    "ONEZONE_IA": s3.StorageClass.ONE_ZONE_INFREQUENT_ACCESS,
    "GLACIER_IR": s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
    "GLACIER": s3.StorageClass.GLACIER,
    "DEEP_ARCHIVE": s3.StorageClass.DEEP_ARCHIVE,
}


def moves(**after: int) -> list[s3.Transition]:
    """Transitions to storage classes, each after so many days."""
    return [
        s3.Transition(storage_class=CLASSES[name], transition_after=Duration.days(days)) for name, days in after.items()
    ]


def days_by_class(retention: Retention) -> dict[str, float]:
    """After how many days a retention moves logs, by storage class."""
    (rule,) = retention.lifecycle_rules()
    return {
        each.storage_class.value: each.transition_after.to_days()
        for each in rule.transitions or []
        if each.transition_after
    }


@pytest.mark.parametrize(
    ("expiration", "moved"),
    [(400, {"GLACIER_IR": 90}), (180, {"GLACIER_IR": 90}), (179, {}), (30, {}), (None, {"GLACIER_IR": 90})],
)
def test_default_move(expiration: int | None, moved: dict[str, float]) -> None:
    """To Glacier Instant Retrieval after 90 days, unless logs would go before it has billed for its 90."""
    assert days_by_class(Retention(expiration=Duration.days(expiration) if expiration else None)) == moved


def test_no_moves() -> None:
    """An empty list leaves logs where they are."""
    assert days_by_class(Retention(transitions=[])) == {}


@pytest.mark.parametrize(
    "chain",
    [
        {"STANDARD_IA": 30, "GLACIER_IR": 60, "GLACIER": 150, "DEEP_ARCHIVE": 240},
        {"INTELLIGENT_TIERING": 0, "ONEZONE_IA": 30, "GLACIER": 60},
        {"STANDARD_IA": 30, "INTELLIGENT_TIERING": 60, "GLACIER_IR": 61},
        {"GLACIER_IR": 0, "DEEP_ARCHIVE": 90},
    ],
    ids="-".join,
)
def test_moves_that_s3_makes(chain: dict[str, int]) -> None:
    """Down the waterfall, each stay as long as it is billed."""
    assert days_by_class(Retention(expiration=Duration.days(500), transitions=moves(**chain))) == chain


REFUSED: dict[str, tuple[dict[str, int], str]] = {
    "too-young": ({"STANDARD_IA": 29}, "transition_after must be at least 30 days for STANDARD_IA, got: 29"),
    "upwards": (
        {"GLACIER": 0, "GLACIER_IR": 90},
        "after GLACIER transitions must go to one of DEEP_ARCHIVE, got: GLACIER_IR",
    ),
    "from-one-zone": (
        {"ONEZONE_IA": 30, "GLACIER_IR": 90},
        "after ONEZONE_IA transitions must go to one of GLACIER, DEEP_ARCHIVE, got: GLACIER_IR",
    ),
    "from-the-deepest": (
        {"DEEP_ARCHIVE": 0, "GLACIER": 200},
        "after DEEP_ARCHIVE transitions must go to one of none, got: GLACIER",
    ),
    "too-soon": (
        {"STANDARD_IA": 30, "GLACIER_IR": 59},
        "there after 30 days, the move to GLACIER_IR after 59",
    ),
    "same-day": ({"INTELLIGENT_TIERING": 1, "GLACIER": 1}, "logs must stay in INTELLIGENT_TIERING for 1 days"),
    "gone-too-soon": (
        {"DEEP_ARCHIVE": 221},
        "logs must stay in DEEP_ARCHIVE for 180 days, which it bills anyway, got: there after 221 days, expiration",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_moves_that_s3_refuses_or_bills_for_nothing(case: str) -> None:
    """Each is refused with what would do."""
    chain, message = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        Retention(transitions=moves(**chain))


def move(name: str, after: Duration | None = None) -> s3.Transition:
    """A transition to any storage class."""
    return s3.Transition(storage_class=CLASSES.get(name, s3.StorageClass(name)), transition_after=after)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transitions": [move("GLACIER")]}, "each of transitions must have transition_after"),
        ({"transitions": [move("ODD", Duration.days(1))]}, "must go to one of STANDARD_IA, .*, got: ODD"),
        ({"transitions": move("GLACIER", Duration.days(1))}, "transitions must be a list"),
        ({"transitions": [move("GLACIER", Duration.hours(36))]}, "transition_after must be whole days, got: 1 day 12"),
        ({"expiration": Duration.hours(36)}, "expiration must be whole days, got: 1 day 12 hours"),
        ({"expiration": Duration.days(0)}, "expiration must be at least 1 day, got: 0"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    """S3 moves objects to six storage classes, and counts whole days, of which one is the least."""
    with pytest.raises((TypeError, ValueError), match=message):
        Retention(**options)


def test_hours_that_are_whole_days() -> None:
    """48 hours are two."""
    assert days_by_class(Retention(transitions=[move("GLACIER", Duration.hours(48))])) == {"GLACIER": 2}


def test_numbers_that_only_cloudformation_knows_pass() -> None:
    """Neither limit nor order is checked for them, nor whether a lock outlasts them."""
    days = CfnParameter(Stack(App(), "Test"), "Days", type="Number").value_as_number
    unknown = s3.Transition(storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=Duration.days(days))

    retention = Retention(expiration=Duration.days(days), transitions=[unknown, *moves(GLACIER=1)])

    assert retention.lifecycle_rules()[0].expiration is retention.expiration
    for each in (retention, Retention(expiration=None)):  # a lock cannot outlast what is never deleted either
        each._validate_beside(object_lock=s3.ObjectLockRetention.governance(Duration.days(5000)))  # noqa: SLF001
