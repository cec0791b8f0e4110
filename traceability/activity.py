"""How much is going on: counts for an overview, and what of a shipment is still on its way."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.day import day_of, start_of
from identity.models import Brand
from traceability.goods import Range, overlapping

DAYS_MAX = 92


@dataclass(frozen=True)
class Day:
    """Scans on one of the brand's days; `first_scans` are those that were an item's first."""

    day: date
    scans: int
    first_scans: int


def scans_per_day(session: Session, brand: Brand, days: int = 14) -> list[Day]:
    """The brand's scans on each of its last days (at most 92), oldest first, today last."""
    today = day_of(clock.now(), brand.time_zone)
    first = today - timedelta(days=min(days, DAYS_MAX) - 1)
    since = start_of(first, brand.time_zone)
    rows = session.execute(
        _SCANS, {"brand_id": brand.id, "since": since, "time_zone": brand.time_zone}
    )
    found = {row.day: Day(row.day, row.scans, row.first_scans) for row in rows}
    listed = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    return [found.get(day, Day(day, 0, 0)) for day in listed]


def forged_attempts(session: Session, hours: int = 24) -> int | None:
    """How often a serial that is nobody's was tried in the last hours.

    They are about a brand where it is the installation's only one; None where there are several.
    """
    since = clock.now() - timedelta(hours=hours)
    found = session.execute(_FORGED, {"since": since}).scalar_one()
    return None if found is None else int(found)


def was_scanned(session: Session, brand_id: int, since: datetime) -> bool:
    """Whether anything of the brand was scanned from then on."""
    values = {"brand_id": brand_id, "since": since}
    return bool(session.execute(_WAS_SCANNED, values).scalar_one())


def still_in_transit(session: Session, brand_id: int, event_id: int) -> list[Range]:
    """What of the brand's shipment nobody received or sent on yet, in order."""
    rows = session.execute(_IN_TRANSIT, {"brand_id": brand_id, "event_id": event_id})
    return [(row.lo, row.hi) for row in rows]


_SCANS = text("""
    SELECT CAST(at AT TIME ZONE :time_zone AS date) AS day, count(*) AS scans,
        count(*) FILTER (WHERE outcome = 'first') AS first_scans
    FROM scan WHERE brand_id = :brand_id AND at >= :since GROUP BY 1
""")
_WAS_SCANNED = text("SELECT EXISTS (SELECT FROM scan WHERE brand_id = :brand_id AND at >= :since)")
_FORGED = text("""
    SELECT CASE WHEN (SELECT count(*) FROM brand) = 1 THEN
        (SELECT COALESCE(sum(attempts), 0) FROM forged_attempts WHERE hour >= :since) END
""")
_IN_TRANSIT = text(f"""
    SELECT GREATEST(c.lo, u.lo) AS lo, LEAST(c.hi, u.hi) AS hi
    FROM trace_event e
    JOIN trace_event_range u ON u.brand_id = e.brand_id AND u.event_id = e.id
    CROSS JOIN {overlapping("custody")} AS c
    WHERE e.brand_id = :brand_id AND e.id = :event_id AND e.biz_step = 'shipping'
    AND c.event_id = e.id
    ORDER BY 1
""")
