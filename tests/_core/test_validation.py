"""Numbers and times within their limits."""

import re

import pytest
from aws_cdk import CfnParameter, Duration, Stack

from fargate_constructs._core.validation import validate_range, validate_seconds


def test_what_is_within_its_limits_passes(stack: Stack) -> None:
    """Their ends included, and what is not given or known only when deployed."""
    token = CfnParameter(stack, "Number", type="Number").value_as_number

    for value in (1, 10, None, token):
        validate_range("count", value, 1, 10)
    validate_range("count", 10**9, 1)
    for duration in (Duration.seconds(5), Duration.minutes(5), None, Duration.seconds(token), Duration.millis(token)):
        validate_seconds("timeout", duration, 5, 300)


@pytest.mark.parametrize(
    ("value", "high", "message"),
    [
        (0, 10, "count must be 1 to 10 tasks, got: 0"),
        (11, 10, "count must be 1 to 10 tasks, got: 11"),
        (0, None, "count must be at least 1 tasks, got: 0"),
        (2_000_000_001, 2_000_000_000, "count must be 1 to 2000000000 tasks, got: 2000000001"),
    ],
    ids=range(4),
)
def test_a_number_outside_is_refused(value: int, high: int | None, message: str) -> None:
    """In full, however large."""
    with pytest.raises(ValueError, match=message):
        validate_range("count", value, 1, high, unit=" tasks")


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        (Duration.seconds(4), "timeout must be 5 to 300 seconds, got: 4"),
        (Duration.hours(1), "timeout must be 5 to 300 seconds, got: 3600"),
        (Duration.millis(5500), "timeout must be whole seconds, got: 5 seconds 500 millis"),
    ],
    ids=["short", "long", "broken"],
)
def test_a_time_outside_is_refused(duration: Duration, message: str) -> None:
    """In any unit."""
    with pytest.raises(ValueError, match=re.escape(message)):
        validate_seconds("timeout", duration, 5, 300)
