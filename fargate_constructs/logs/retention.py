"""How long logs are kept, and in which storage class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.validation import seconds_of

# Glacier Instant Retrieval costs a sixth of S3 Standard and is read without waiting (https://aws.amazon.com/s3/pricing/):
# worth it for logs, which are rarely read after 90 days.
COLD_AFTER = Duration.days(90)
# A year, and a month to ask for what happened then.
EXPIRE_AFTER = Duration.days(400)
# Long enough to notice a deletion and to take it back.
NONCURRENT_EXPIRE_AFTER = Duration.days(30)
# Longer than any upload may take; the parts of one that broke off are billed until then.
ABORT_UPLOADS_AFTER = Duration.days(7)

DAY = 86_400  # seconds
# Days for which each storage class bills an object at least
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html#sc-compare).
SHORTEST_STAY = {
    "STANDARD_IA": 30,
    "INTELLIGENT_TIERING": 0,
    "ONEZONE_IA": 30,
    "GLACIER_IR": 90,
    "GLACIER": 90,
    "DEEP_ARCHIVE": 180,
}
# Where S3 can move an object next, and the age in days below which it moves none
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html).
NEXT = {
    "STANDARD_IA": ["INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
    "INTELLIGENT_TIERING": ["ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
    "ONEZONE_IA": ["GLACIER", "DEEP_ARCHIVE"],
    "GLACIER_IR": ["GLACIER", "DEEP_ARCHIVE"],
    "GLACIER": ["DEEP_ARCHIVE"],
    "DEEP_ARCHIVE": [],
}
YOUNGEST = {"STANDARD_IA": 30, "ONEZONE_IA": 30}


@checked
@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long logs are kept, and in which storage class.

    ```python
    Retention(expiration=Duration.days(30))
    Retention(
        expiration=Duration.days(7 * 365),
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(90)
            ),
            s3.Transition(storage_class=s3.StorageClass.DEEP_ARCHIVE, transition_after=Duration.days(400)),
        ],
    )
    ```

    S3 leaves objects below 128 KB where they are. What is overwritten or deleted in a versioned bucket goes after 30
    more days, the parts of an upload that broke off after 7.

    Args:
        expiration: After how long logs are deleted. By default 400 days; None keeps them forever.
        transitions: Where logs go as they age, earliest first, each with *transition_after*. By default to Glacier
            Instant Retrieval after 90 days, if they stay there for the 90 days that it bills.

    Raises:
        TypeError: If an argument is of another type than it says.
        ValueError: If S3 cannot move objects in that order, or they would not stay in a storage class for as long as it
            bills; or if a time is no whole number of days, which is what S3 counts.
    """

    expiration: Duration | None = EXPIRE_AFTER
    transitions: Sequence[s3.Transition] | None = None

    def __post_init__(self) -> None:
        """Refuse what S3 would refuse, or bill for nothing."""
        expiration = days_of("expiration", self.expiration, low=1)
        moves = [_move(transition) for transition in self.transitions or ()]
        for (storage_class, after), (next_class, next_after) in pairwise(moves):
            _validate_order(storage_class, next_class)
            _validate_stay(storage_class, after, next_after, f"the move to {next_class}")
        if moves and expiration is not None:
            _validate_stay(*moves[-1], expiration, "expiration")

    def _validate_beside(self, *, object_lock: s3.ObjectLockRetention | None) -> None:
        """Refuse a lock that would outlast what it locks."""
        if not object_lock or not self.expiration or self.expiration.is_unresolved():
            return
        locked, kept = object_lock.duration.to_days(), self.expiration.to_days()
        if locked > kept:
            raise ValueError(
                f"object_lock must not last longer than retention's expiration, got: {locked:g} days beside {kept:g}",
            )

    def lifecycle_rules(self) -> list[s3.LifecycleRule]:
        """Return the retention as lifecycle rules of a bucket."""
        return [
            s3.LifecycleRule(
                transitions=self._transitions() or None,
                expiration=self.expiration,
                noncurrent_version_expiration=NONCURRENT_EXPIRE_AFTER,
                abort_incomplete_multipart_upload_after=ABORT_UPLOADS_AFTER,
            )
        ]

    def _transitions(self) -> Sequence[s3.Transition]:
        if self.transitions is not None:
            return self.transitions
        expiration = days_of("expiration", self.expiration)
        if expiration is not None and expiration < COLD_AFTER.to_days() + SHORTEST_STAY["GLACIER_IR"]:
            return []
        cold = s3.StorageClass.GLACIER_INSTANT_RETRIEVAL
        return [s3.Transition(storage_class=cold, transition_after=COLD_AFTER)]


def days_of(name: str, duration: Duration | None, *, low: int = 0) -> float | None:
    """Return whole days, as S3 counts them; None for forever; NaN, which no limit refuses, for an unresolved number."""
    if duration is None:
        return None
    seconds = seconds_of(duration)
    days = math.nan if seconds is None else seconds / DAY
    if days % 1 > 0:
        raise ValueError(f"{name} must be whole days, got: {duration.to_human_string()}")
    if days < low:
        raise ValueError(f"{name} must be at least {low} day, got: {days:g}")
    return days


def _move(transition: s3.Transition) -> tuple[str, float]:
    storage_class, after = transition.storage_class.value, days_of("transition_after", transition.transition_after)
    if after is None:
        raise ValueError("each of transitions must have transition_after, for logs come every day, got none")
    if storage_class not in NEXT:
        raise ValueError(f"transitions must go to one of {', '.join(NEXT)}, got: {storage_class}")
    if after < YOUNGEST.get(storage_class, 0):
        raise ValueError(
            f"transition_after must be at least {YOUNGEST[storage_class]} days for {storage_class}, got: {after:g}"
        )
    return storage_class, after


def _validate_order(storage_class: str, next_class: str) -> None:
    if next_class not in NEXT[storage_class]:
        raise ValueError(
            f"after {storage_class} transitions must go to one of {', '.join(NEXT[storage_class]) or 'none'}, "
            f"got: {next_class}"
        )


def _validate_stay(storage_class: str, after: float, until: float, what: str) -> None:
    shortest = max(SHORTEST_STAY[storage_class], 1)  # what comes later must come a day later at least
    if until - after < shortest:
        raise ValueError(
            f"logs must stay in {storage_class} for {shortest} days, which it bills anyway, got: there after "
            f"{after:g} days, {what} after {until:g}"
        )
