"""Names of time zones that AWS would refuse."""

from collections.abc import Collection
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
    near = _near(name, zones)
    hint = f"; write TimeZone.of({near!r})" if near else "; write one such as TimeZone.EUROPE_BERLIN"
    return f"time_zone must be a name of IANA's time zone database, got: {name!r}{hint}"


def _near(name: str, zones: Collection[str]) -> str:
    """Return the zone that is meant, or nothing.

    Zones without a place are other times with similar names: `MST` is not `PST`, and `Etc/GMT+1` is UTC-1.
    """
    same = [zone for zone in zones if zone.casefold() == name.casefold()]
    places = [zone for zone in zones if "/" in zone and not zone.startswith("Etc/")]
    return next(iter(same or get_close_matches(name, places, n=1)), "")
