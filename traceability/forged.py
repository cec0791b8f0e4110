"""Forged attempts, counted per hour and source."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, select, text, tuple_
from sqlalchemy.orm import Session

from core import clock
from traceability.models import ForgedAttempts

KEPT = timedelta(days=2)  # no rule looks back that far


def add(session: Session, counts: Mapping[bytes, int]) -> None:
    """Each source's attempts are added to those of this hour."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    sources = sorted(counts)
    values = {"hour": hour, "sources": sources, "counts": [counts[each] for each in sources]}
    session.execute(_ADD, values)


def purge(session: Session, limit: int) -> int:
    """How many counts older than two days were deleted, at most `limit`."""
    key = tuple_(ForgedAttempts.hour, ForgedAttempts.source)
    old = select(ForgedAttempts.hour, ForgedAttempts.source).where(
        ForgedAttempts.hour < clock.now() - KEPT
    )
    query = delete(ForgedAttempts).where(key.in_(old.limit(limit)))
    query = query.execution_options(synchronize_session=False)
    return session.execute(query).rowcount  # type: ignore[attr-defined]


_ADD = text(
    """
    INSERT INTO forged_attempts (hour, source, attempts)
    SELECT :hour, * FROM unnest(CAST(:sources AS bytea[]), CAST(:counts AS bigint[]))
    ON CONFLICT (hour, source) DO UPDATE
    SET attempts = forged_attempts.attempts + EXCLUDED.attempts
    """
)
