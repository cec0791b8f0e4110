"""Goods arrive at a site, the right ones or others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from traceability import custody, event, goods
from traceability.lookup import last_event, packed
from traceability.models import BizStep, TraceEvent


@dataclass(frozen=True)
class Stray:
    """Goods `[lo, hi)` that came although they should have been at another site."""

    lo: int
    hi: int
    expected_site_id: int


@dataclass(frozen=True)
class Received:
    """What was recorded; `strays` are among the goods, for a person to look into."""

    event: TraceEvent
    strays: tuple[Stray, ...]


def receive(
    session: Session,
    *,
    brand_id: int,
    key: str,
    document: str | None,
    site_id: int,
    codes: Sequence[goods.Range],
    actor: str,
    at: datetime | None = None,
) -> Received:
    """The receiving event, and which of the goods nobody had sent there.

    `codes` are half-open ranges of code_ids of cartons and loose items, at most 20,000 ranges and
    100,000 codes. Custody follows the fact: strays are recorded at the site too, and so are void
    goods. Goods that a later event speaks of stay where that says. The same call under the same
    `key` returns the same. Raises `UnknownCodes`, `NeverPacked`, `KeyConflict`, `TooMuchAtOnce`,
    `NotFound` (site) or `BadInput`; then nothing is changed.
    """
    ranges = goods.listed(codes)
    report = event.Report(
        brand_id, key, BizStep.RECEIVING, at, site_id, None, document, actor, {"codes": ranges}
    )
    if found := event.earlier(session, report):
        return Received(found, _strays(session, found, ranges))
    event.check_sites(session, brand_id, site_id)
    goods.lock(session, brand_id, ranges)
    pieces = goods.pieces(session, brand_id, ranges)
    goods.check_packed(session, brand_id, pieces, report.event_time)
    recorded = event.record(session, report, ranges)
    custody.move(session, recorded, pieces, site_id, custody.IN_PROGRESS)
    return Received(recorded, _strays(session, recorded, ranges))


_BEFORE = last_event(
    "c.code",
    "p.carton_id",
    ":brand_id",
    "e.id < :event_id AND e.event_time <= :at",
)
_STRAYS = text(f"""
    SELECT c.code, b.holder_site_id FROM {goods.ASKED}
    CROSS JOIN LATERAL generate_series(u.lo, u.hi - 1) AS c(code)
    LEFT JOIN {packed("c.code", ":brand_id")} AS p ON true
    CROSS JOIN {_BEFORE} AS b
    WHERE b.holder_site_id <> :site_id
    ORDER BY c.code
""")


def _strays(
    session: Session, recorded: TraceEvent, ranges: Sequence[goods.Range]
) -> tuple[Stray, ...]:
    """By the history as it was when the event was recorded, so a repetition says the same."""
    rows = session.execute(
        _STRAYS,
        {
            **goods.arrays(ranges),
            "brand_id": recorded.brand_id,
            "event_id": recorded.id,
            "at": recorded.event_time,
            "site_id": recorded.site_id,
        },
    )
    found: list[Stray] = []
    for code, expected in rows:
        last = found[-1] if found else None
        if last and last.hi == code and last.expected_site_id == expected:
            found[-1] = Stray(last.lo, code + 1, expected)
        else:
            found.append(Stray(code, code + 1, expected))
    return tuple(found)
