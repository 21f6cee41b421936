"""How long logs are kept, and where they lie meanwhile."""

import re

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


def test_a_date_is_refused() -> None:
    """Logs come every day."""
    date = s3.Transition(storage_class=s3.StorageClass.GLACIER)
    with pytest.raises(ValueError, match="each of transitions must have transition_after"):
        Retention(transitions=[date])


def test_an_unknown_class_is_refused() -> None:
    """S3 moves objects to six storage classes."""
    odd = s3.Transition(storage_class=s3.StorageClass("REDUCED_REDUNDANCY"), transition_after=Duration.days(1))
    with pytest.raises(ValueError, match=r"transitions must go to one of STANDARD_IA, .*, got: REDUCED_REDUNDANCY"):
        Retention(transitions=[odd])


def test_a_single_move_is_refused() -> None:
    """Transitions are a list."""
    with pytest.raises(TypeError, match="transitions must be a list"):
        Retention(transitions=moves(GLACIER=1)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expiration", "message"),
    [
        (Duration.hours(36), "expiration must be whole days, got: 1 day 12 hours"),
        (Duration.days(0), "expiration must be at least 1 day, got: 0"),
    ],
    ids=["hours", "none"],
)
def test_an_expiration_that_s3_cannot_count_is_refused(expiration: Duration, message: str) -> None:
    """S3 counts days, of which one is the least."""
    with pytest.raises(ValueError, match=message):
        Retention(expiration=expiration)


def test_a_move_after_hours_is_refused() -> None:
    """S3 counts days there, too; 48 hours are two."""
    after = [s3.Transition(storage_class=CLASSES["GLACIER"], transition_after=Duration.hours(h)) for h in (48, 36)]
    assert days_by_class(Retention(transitions=after[:1])) == {"GLACIER": 2}
    with pytest.raises(ValueError, match="transition_after must be whole days, got: 1 day 12 hours"):
        Retention(transitions=after[1:])


def test_numbers_that_only_cloudformation_knows_pass() -> None:
    """Neither limit nor order is checked for them."""
    days = CfnParameter(Stack(App(), "Test"), "Days", type="Number").value_as_number
    unknown = s3.Transition(storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=Duration.days(days))

    retention = Retention(expiration=Duration.days(days), transitions=[unknown, *moves(GLACIER=1)])

    assert retention.lifecycle_rules()[0].expiration is retention.expiration
