"""Monthly partitions of the scans, made before they are needed."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock

# Any number, the same in every process: two that make partitions at once go one after the other.
_LOCK = 7_193_002
MONTHS_MAX = 120


def ensure(session: Session, months_ahead: int = 3, months_back: int = 1) -> list[str]:
    """The names of the partitions `scan_YYYYMM` that were missing and are there now.

    Covers whole months in UTC, from `months_back` before the present one to `months_ahead`
    after it (each at most 120). Running it again, or twice at once, changes nothing.
    """
    if not (0 <= months_ahead <= MONTHS_MAX and 0 <= months_back <= MONTHS_MAX):
        raise ValueError(f"months must lie between 0 and {MONTHS_MAX}")
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    there = set(session.scalars(text(_PARTITIONS)))
    missing = [
        (start, end)
        for start, end in _months(clock.now(), months_back, months_ahead)
        if f"scan_{start:%Y%m}" not in there
    ]
    for start, end in missing:
        _create(session, start, end)
    return [f"scan_{start:%Y%m}" for start, _ in missing]


_PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'scan'::regclass
"""


def _create(session: Session, start: datetime, end: datetime) -> None:
    # Attaching takes a lock that lets scans be written meanwhile; PARTITION OF would not.
    name = f"scan_{start:%Y%m}"
    session.execute(text(f"CREATE TABLE {name} (LIKE scan INCLUDING DEFAULTS)"))
    session.execute(
        text(
            f"ALTER TABLE scan ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
    )


def _months(now: datetime, back: int, ahead: int) -> Iterator[tuple[datetime, datetime]]:
    """The first instants of each month and of the month after it, in UTC."""
    present = now.astimezone(UTC)
    number = present.year * 12 + present.month - 1
    for month in range(number - back, number + ahead + 1):
        yield _first(month), _first(month + 1)


def _first(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
