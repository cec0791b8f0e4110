"""Keeping the table of who has what now, when events come in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session

from core.ranges import Span, paint
from traceability.goods import ASKED, Piece, arrays, overlapping, uncovered
from traceability.models import Custody, TraceEvent

IN_TRANSIT = "in_transit"
IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class _Holding:
    """What one row says. `order_id` keeps rows of different orders apart: each has one layer."""

    site_id: int
    disposition: str
    event_id: int
    since: datetime
    order_id: int


_HELD = text(f"""
    SELECT c.lo, c.hi, c.site_id, c.disposition, c.event_id, c.since, o.id
    FROM {ASKED} CROSS JOIN {overlapping("custody")} AS c
    CROSS JOIN LATERAL (
        SELECT id FROM code_order o WHERE o.brand_id = :brand_id AND o.lo <= c.lo
        ORDER BY o.lo DESC LIMIT 1
    ) AS o
""")


def move(
    session: Session, event: TraceEvent, goods: Sequence[Piece], site_id: int, disposition: str
) -> None:
    """The goods are at the site since the event, but for those a later event speaks of.

    Events at the same instant count in the order they were recorded. The goods must be locked.
    """
    asked = arrays((piece.lo, piece.hi) for piece in goods)
    rows = session.execute(_HELD, {**asked, "brand_id": event.brand_id})
    existing = {Span(row[0], row[1], _Holding(*row[2:])) for row in rows}
    later = sorted((span.lo, span.hi) for span in existing if span.value.since > event.event_time)
    news = [
        Span(lo, hi, _Holding(site_id, disposition, event.id, event.event_time, piece.order_id))
        for piece in goods
        for lo, hi in uncovered([(piece.lo, piece.hi)], later)
    ]
    painted = paint(sorted(existing, key=lambda span: span.lo), news)
    session.execute(
        delete(Custody).where(Custody.brand_id == event.brand_id, Custody.lo.in_(painted.delete)),
        execution_options={"synchronize_session": False},
    )
    if painted.insert:
        session.execute(insert(Custody), [_row(event.brand_id, span) for span in painted.insert])


def _row(brand_id: int, span: Span) -> dict[str, object]:
    holding: _Holding = span.value
    return {
        "lo": span.lo,
        "hi": span.hi,
        "brand_id": brand_id,
        "site_id": holding.site_id,
        "disposition": holding.disposition,
        "event_id": holding.event_id,
        "since": holding.since,
    }
