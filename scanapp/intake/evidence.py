"""The one read of a batch: everything that its decisions need to know."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from scanapp.intake.visit import Visit
from traceability.lookup import packed

SESSION = timedelta(minutes=30)  # a reload within it, by the same visitor, is the same scan


def gather(session: Session, visits: Sequence[Visit]) -> list[Any]:
    """A row a visit, in order: its code's range, item, claim and custody; its visitor's past."""
    now = clock.now()
    rows = session.execute(
        _EVIDENCE,
        {
            "codes": [visit.code_id for visit in visits],
            "visitors": [visit.visitor_id for visit in visits],
            "sources": [visit.source for visit in visits],
            "session_start": now - SESSION,
            "hour_ago": now - timedelta(hours=1),
        },
    )
    return sorted(rows, key=lambda row: row.n)


# Each look-up is one step down a B-tree; the planner can't know that ranges are disjoint, hence
# the LIMIT 1 below `lo` with the check of `hi` outside.
_EVIDENCE = text(
    f"""
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
    FROM unnest(CAST(:codes AS bigint[]), CAST(:visitors AS uuid[]), CAST(:sources AS bytea[]))
         WITH ORDINALITY AS t(code_id, visitor_id, source, n)
    LEFT JOIN LATERAL (SELECT * FROM code_range WHERE lo <= t.code_id
                       ORDER BY lo DESC LIMIT 1) r ON r.hi > t.code_id
    LEFT JOIN product p ON p.id = r.product_id
    LEFT JOIN item i ON i.code_id = t.code_id
    LEFT JOIN claim c ON c.code_id = t.code_id
    LEFT JOIN visitor_track v ON v.visitor_id = t.visitor_id
    LEFT JOIN visitor_binding b ON b.visitor_id = t.visitor_id AND b.brand_id = r.brand_id
    LEFT JOIN visitor_binding fb ON fb.visitor_id = i.first_visitor AND fb.brand_id = r.brand_id
    LEFT JOIN LATERAL (SELECT at, verdict, reasons, region_source FROM scan
                       WHERE code_id = t.code_id AND visitor_id = t.visitor_id
                         AND at > :session_start ORDER BY at DESC LIMIT 1) last ON true
    LEFT JOIN {packed("t.code_id")} AS k ON true
    LEFT JOIN LATERAL (SELECT hi, site_id FROM custody
                       WHERE lo <= coalesce(k.carton_id, t.code_id)
                       ORDER BY lo DESC LIMIT 1) u ON u.hi > coalesce(k.carton_id, t.code_id)
    LEFT JOIN site ON site.id = u.site_id
    LEFT JOIN LATERAL (SELECT CAST(sum(attempts) AS bigint) AS attempts FROM forged_attempts
                       WHERE source = t.source AND hour > :hour_ago) f ON true
    """
)
