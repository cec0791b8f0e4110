"""Writing trace events: once per key of the caller, never changed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from core import clock
from core.errors import N_, BadInput, NotFound
from identity.models import Site
from traceability.errors import KeyConflict
from traceability.models import BizStep, TraceEvent, TraceEventRange
from traceability.topics import TRACE, ToTrace

TEXT_CHARACTERS_MAX = 200
# Clocks on lines and in warehouses run ahead by minutes; a day ahead is a mistyped document,
# which would shadow all true events until its day comes.
FUTURE_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Report:
    """What a caller says happened. `at` None means now; `content` is what else the verb got."""

    brand_id: int
    key: str
    biz_step: BizStep
    at: datetime | None
    site_id: int
    to_site_id: int | None
    document: str | None
    actor: str
    content: dict[str, Any]

    @property
    def event_time(self) -> datetime:
        return self.at or clock.now()

    def fingerprint(self) -> str:
        """SHA-256 of all that must be equal for a repetition; who repeats it may differ."""
        canonical = {
            "step": self.biz_step,
            "at": self.at.astimezone(UTC).isoformat() if self.at else None,
            "site": self.site_id,
            "to": self.to_site_id,
            "document": self.document,
            **self.content,
        }
        written = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()


def check(report: Report) -> None:
    """Nothing, if texts and time can be kept; raises `BadInput`."""
    for value in (report.key, report.document, report.actor):
        if value is not None and not (1 <= len(value) <= TEXT_CHARACTERS_MAX):
            raise BadInput(
                field="document", reason=N_("Key, document and actor have 1 to 200 characters.")
            )
        if value is not None and not value.isprintable():
            raise BadInput(
                field="document", reason=N_("Key, document and actor must be printable characters.")
            )
    if report.at is None:
        return
    if report.at.tzinfo is None:
        raise BadInput(
            field="at", reason=N_("Give the time with its offset, like 2026-11-20T08:00:00+08:00.")
        )
    if report.at > clock.now() + FUTURE_TOLERANCE:
        raise BadInput(
            field="at", reason=N_("The time of the event lies in the future. Correct it.")
        )


def earlier(session: Session, report: Report) -> TraceEvent | None:
    """The event that was recorded under the report's key, or None and the key is ours.

    Holds the key until the transaction ends, so of two calls at once the second waits and finds
    the first's event. Raises `BadInput` and, for other content under the key, `KeyConflict`.
    """
    check(report)
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :brand_id))"),
        {"key": f"trace_event {report.key}", "brand_id": report.brand_id},
    )
    found = session.scalar(
        select(TraceEvent).where(
            TraceEvent.brand_id == report.brand_id, TraceEvent.key == report.key
        )
    )
    if found is not None and found.fingerprint != report.fingerprint():
        raise KeyConflict(key=report.key)
    return found


def check_sites(session: Session, brand_id: int, *site_ids: int) -> None:
    """Nothing, if all sites are the brand's; raises `NotFound` for the first that is not."""
    query = select(Site.id).where(Site.brand_id == brand_id, Site.id.in_(site_ids))
    known = set(session.scalars(query))
    for site_id in site_ids:
        if site_id not in known:
            raise NotFound(what="site", name=site_id)


def record(session: Session, report: Report, ranges: Sequence[tuple[int, int]]) -> TraceEvent:
    """The new event on the codes of `ranges`; sightings of these codes will be judged again."""
    event = TraceEvent(
        brand_id=report.brand_id,
        key=report.key,
        fingerprint=report.fingerprint(),
        biz_step=report.biz_step.value,
        event_time=report.event_time,
        recorded_at=clock.now(),
        site_id=report.site_id,
        to_site_id=report.to_site_id,
        document=report.document,
        actor=report.actor,
    )
    session.add(event)
    session.flush()
    session.execute(
        insert(TraceEventRange),
        [
            {"brand_id": event.brand_id, "event_id": event.id, "lo": lo, "hi": hi}
            for lo, hi in ranges
        ],
    )
    TRACE.put(session, report.brand_id, ToTrace(events=(event.id,)))
    return event
