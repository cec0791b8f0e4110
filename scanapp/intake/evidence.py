"""The one read of a batch: everything that its decisions need to know."""

from collections.abc import Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock
from core.db import run
from core.rows import as_bytea, as_json_rows
from traceability.lookup import covering, holding, packed
from traceability.visit import HOUR, SESSION, Visit


class Evidence(NamedTuple):
    """What is known of a visit's code, item, claim, session and visitor; None where nothing is."""

    n: int
    brand_id: int | None
    layer: str | None
    state: str | None
    product_id: int | None
    lot: str | None
    produced_on: date | None
    expires_on: date | None
    reason: str | None
    gtin: str | None
    first_at: datetime | None
    first_visitor: UUID | None
    first_region: str | None
    scans: int | None
    first_member: int | None
    member_id: int | None
    decision: str | None
    claim_points: int | None
    campaign_id: int | None
    claim_visitor: UUID | None
    claim_member: int | None
    session_at: datetime | None
    session_verdict: str | None
    session_reasons: list[dict[str, Any]] | None
    session_source: str | None
    window_started_at: datetime | None
    window_scans: int | None
    last_region: str | None
    place_at: datetime | None
    area_code: str | None
    forged_attempts: int


def gather(session: Session, visits: Sequence[Visit]) -> list[Evidence]:
    """The evidence of each visit, in their order."""
    now = clock.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    asked = [
        {
            "n": n,
            "brand_id": v.brand_id,
            "code_id": v.code_id,
            "visitor_id": v.visitor_id,
            "source": as_bytea(v.source),
        }
        for n, v in enumerate(visits)
    ]
    values = {
        "rows": as_json_rows(asked),
        "session_start": now - SESSION,
        "session_end": now + HOUR,  # clocks differ; without an end all months to come are searched
        "this_hour": this_hour,
    }
    return sorted(map(Evidence._make, run(session, _EVIDENCE, values)), key=itemgetter(0))


def former_gtins(
    session: Session, visits: Sequence[Visit], rows: Sequence[Evidence]
) -> frozenset[int]:
    """The places of visits whose address has a GTIN that was the product's before a correction.

    Asks the database only if some have another GTIN than the product's: hardly ever.
    """
    asked = [
        {"n": n, "brand_id": row.brand_id, "product_id": row.product_id, "gtin": visit.gtin}
        for n, (visit, row) in enumerate(zip(visits, rows, strict=True))
        if visit.gtin is not None and visit.gtin != row.gtin and visit.brand_id == row.brand_id
    ]
    if not asked:
        return frozenset()
    return frozenset(n for (n,) in run(session, _FORMER_GTINS, {"rows": as_json_rows(asked)}))


_FORMER_GTINS = """
    SELECT DISTINCT t.n
    FROM json_to_recordset(CAST(%(rows)s AS json))
         AS t(n int, brand_id bigint, product_id bigint, gtin text)
    JOIN gtin_change g ON g.brand_id = t.brand_id AND g.product_id = t.product_id
         AND g.old_gtin = t.gtin
"""

# Each look-up is a step or two down a B-tree, within the brand.
_EVIDENCE = f"""
    SELECT t.n, r.brand_id, r.layer, r.state, r.product_id, r.lot, r.produced_on, r.expires_on,
           r.reason, p.gtin,
           i.first_at, i.first_visitor, i.first_region, i.scans, fb.member_id AS first_member,
           b.member_id,
           c.decision, c.points AS claim_points, c.campaign_id, c.visitor_id AS claim_visitor,
           c.member_id AS claim_member,
           last.at AS session_at, last.verdict AS session_verdict,
           last.reasons AS session_reasons, last.region_source AS session_source,
           v.window_started_at, v.window_scans, v.last_region, v.place_at,
           site.region_code AS area_code, coalesce(f.attempts, 0) AS forged_attempts
    FROM json_to_recordset(CAST(%(rows)s AS json))
         AS t(n int, brand_id bigint, code_id bigint, visitor_id uuid, source bytea)
    LEFT JOIN {covering("code_range", "t.code_id", "t.brand_id")} AS r ON true
    LEFT JOIN product p ON p.brand_id = t.brand_id AND p.id = r.product_id
    LEFT JOIN item i ON i.brand_id = t.brand_id AND i.code_id = t.code_id
    LEFT JOIN claim c ON c.brand_id = t.brand_id AND c.code_id = t.code_id
    LEFT JOIN visitor_track v ON v.brand_id = t.brand_id AND v.visitor_id = t.visitor_id
    LEFT JOIN visitor_binding b ON b.brand_id = t.brand_id AND b.visitor_id = t.visitor_id
         AND b.ended_at IS NULL
    LEFT JOIN visitor_binding fb ON fb.brand_id = t.brand_id AND fb.visitor_id = i.first_visitor
    LEFT JOIN LATERAL (SELECT at, verdict, reasons, region_source FROM scan
                       WHERE brand_id = t.brand_id AND code_id = t.code_id
                         AND visitor_id = t.visitor_id
                         AND at > %(session_start)s AND at < %(session_end)s
                       ORDER BY at DESC LIMIT 1) last ON true
    LEFT JOIN {packed("t.code_id", "t.brand_id")} AS k ON true
    LEFT JOIN {holding("t.code_id", "k.carton_id", "t.brand_id")} AS u ON true
    LEFT JOIN site ON site.brand_id = t.brand_id AND site.id = u.site_id
    LEFT JOIN LATERAL (SELECT CAST(sum(attempts) AS bigint) AS attempts FROM forged_attempts
                       WHERE source = t.source AND hour = %(this_hour)s) f ON true
"""
