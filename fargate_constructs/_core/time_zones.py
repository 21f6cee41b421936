"""Names of time zones that AWS would refuse."""

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from fargate_constructs._core.unresolved import is_known

_zones = cache(available_timezones)


def wrong_time_zone(name: str) -> str:
    """Return what is wrong with the name of a time zone, or nothing.

    AWS takes the names of IANA's database, old ones included, of which CDK has constants for some
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). Python reads that database from the
    machine or from the package `tzdata`. Where it finds none, each name passes.
    """
    zones = _zones()
    if not is_known(name) or not zones or name in zones:
        return ""
    near = get_close_matches(name, zones, n=1)
    hint = f"; write TimeZone.of({near[0]!r})" if near else "; write one such as TimeZone.EUROPE_BERLIN"
    return f"time_zone must be a name of IANA's time zone database, got: {name!r}{hint}"
