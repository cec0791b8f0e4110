"""Goods leave one site for another."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen.models import RangeState
from core.errors import N_, BadInput
from traceability import custody, event, goods
from traceability.errors import NotHeld
from traceability.lookup import holding, packed
from traceability.models import BizStep, TraceEvent


def ship(
    session: Session,
    *,
    brand_id: int,
    key: str,
    document: str | None,
    from_site_id: int,
    to_site_id: int,
    codes: Sequence[goods.Range],
    actor: str,
    at: datetime | None = None,
) -> TraceEvent:
    """The shipping event: cartons and loose items of `codes` are on their way to the site.

    `codes` are half-open ranges of code_ids, at most 20,000 ranges and 100,000 codes. Goods must
    be at the sender (also on their way to it: many never confirm what they got); loose items that
    were never moved may leave from anywhere. Goods that a later event speaks of stay where that
    says; this event only joins their history. The same call under the same `key` returns the
    first event. Raises `UnknownCodes`, `BlockedCodes` (void), `NeverPacked`, `NotHeld`,
    `KeyConflict`, `TooMuchAtOnce`, `NotFound` (site) or `BadInput`; then nothing is changed.
    """
    ranges = goods.listed(codes)
    if from_site_id == to_site_id:
        raise BadInput(
            field="to_site", reason=N_("Sender and receiver are the same site. Choose another.")
        )
    report = event.Report(
        brand_id, key, BizStep.SHIPPING, at, from_site_id, to_site_id, document, actor,
        {"codes": ranges},
    )  # fmt: skip
    if found := event.earlier(session, report):
        return found
    event.check_sites(session, brand_id, from_site_id, to_site_id)
    goods.lock(session, brand_id, ranges)
    pieces = goods.pieces(session, brand_id, ranges)
    goods.check_state(session, brand_id, pieces, (RangeState.VOID,))
    goods.check_packed(session, brand_id, pieces, report.event_time)
    _check_held(session, report, ranges)
    recorded = event.record(session, report, ranges)
    custody.move(session, recorded, pieces, to_site_id, custody.IN_TRANSIT)
    return recorded


_ELSEWHERE = text(f"""
    SELECT c.code, s.name FROM {goods.ASKED}
    CROSS JOIN LATERAL generate_series(u.lo, u.hi - 1) AS c(code)
    LEFT JOIN {packed("c.code", ":brand_id")} AS p ON true
    CROSS JOIN {holding("c.code", "p.carton_id", ":brand_id")} AS h
    JOIN site s ON s.brand_id = h.brand_id AND s.id = h.site_id
    WHERE h.site_id <> :site_id AND h.since <= :at
    ORDER BY c.code LIMIT {goods.OFFENDERS_SHOWN + 1}
""")


def _check_held(session: Session, report: event.Report, ranges: Sequence[goods.Range]) -> None:
    rows = session.execute(
        _ELSEWHERE,
        {
            **goods.arrays(ranges),
            "brand_id": report.brand_id,
            "site_id": report.site_id,
            "at": report.event_time,
        },
    ).all()
    if rows:
        holder = rows[0][1]
        wrong = [(code, code + 1) for code, name in rows if name == holder]
        raise NotHeld(holder=holder, codes=goods.shown(session, report.brand_id, wrong))
