"""Days. An instant is on a day only somewhere: each brand has a time zone, and its days are there.

Pages, daily limits and charts all ask here; SQL does the same by `at AT TIME ZONE brand.time_zone`.
"""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_ZONE = "Asia/Shanghai"


@lru_cache(maxsize=1_000)
def zone(name: str) -> ZoneInfo:
    """The time zone of this name (IANA's, like `Asia/Shanghai`). Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder is an OSError
        raise ValueError(f"no time zone is called {name[:40]!r}") from error


def day_of(instant: datetime, zone_name: str) -> date:
    """The day that `instant` (aware) is on there."""
    return instant.astimezone(zone(zone_name)).date()


def start_of(day: date, zone_name: str) -> datetime:
    """The first instant of the day there, in UTC.

    Where clocks are set forward at midnight that is one in the morning: read by the offset before
    the change (PEP 495's `fold=0`), the midnight that wasn't is the instant of the change.
    """
    return datetime.combine(day, time(), zone(zone_name)).astimezone(UTC)
