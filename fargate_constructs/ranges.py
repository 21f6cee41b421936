"""Numbers and times within their limits."""

from weakref import WeakKeyDictionary

from aws_cdk import Duration, Token


def validate_range(name: str, value: float | None, low: float, high: float | None = None, *, unit: str = "") -> None:
    """Refuse a number outside its limits; one that is not given, or known only when deployed, passes.

    Raises:
        ValueError: With the number and the limits.
    """
    if value is None or (low <= value and (high is None or value <= high)) or Token.is_unresolved(value):
        return
    limits = f"at least {low:.15g}" if high is None else f"{low:.15g} to {high:.15g}"
    raise ValueError(f"{name} must be {limits}{unit}, got: {value:.15g}")


def validate_seconds(name: str, duration: Duration | None, low: float, high: float) -> None:
    """Refuse a time outside its limits, in seconds, or one that is no whole number of them.

    Raises:
        ValueError: With the time and the limits.
    """
    seconds = None if duration is None else seconds_of(duration)
    if duration is None or seconds is None:
        return
    if seconds % 1:
        raise ValueError(f"{name} must be whole seconds, got: {duration.to_human_string()}")
    validate_range(name, seconds, low, high, unit=" seconds")


_SECONDS: WeakKeyDictionary[Duration, float | None] = WeakKeyDictionary()


def seconds_of(duration: Duration) -> float | None:
    """Return a time in seconds, `None` if only the deployment knows it. Node is asked once: its answers take time."""
    if duration not in _SECONDS:
        _SECONDS[duration] = None if duration.is_unresolved() else duration.to_milliseconds() / 1000
    return _SECONDS[duration]
