"""Joining sightings with who should have sold the items there, on that day."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from traceability.lookup import covering, last_event, packed
from traceability.topics import Flow

_LAST_MOVE = last_event(
    "s.code_id",
    "p.carton_id",
    ":brand_id",
    "e.biz_step IN ('shipping', 'receiving') AND e.event_time <= s.at",
)
# A territory fits by place, product, channel and day. SQL's three-valued AND says what is known:
# false if one is false, else null if one is null (not known, or the place too coarse to say).
_RESOLVE = text(f"""
WITH RECURSIVE fact AS (
    SELECT s.code_id, s.at, s.distributor_id AS old_distributor_id,
        s.product_id AS old_product_id, COALESCE(r.product_id, s.product_id) AS product_id,
        p.carton_id, e.id AS event_id, e.holder_site_id AS site_id, t.distributor_id, t.channel,
        COALESCE(g.same_as, g.code) AS place
    FROM sighting s
    LEFT JOIN {packed("s.code_id", ":brand_id")} AS p ON true
    LEFT JOIN {covering("code_range", "s.code_id", ":brand_id")} AS r ON true
    LEFT JOIN {_LAST_MOVE} AS e ON true
    LEFT JOIN site t ON t.brand_id = :brand_id AND t.id = e.holder_site_id
    LEFT JOIN region g ON g.code = s.region_code
    WHERE s.brand_id = :brand_id AND s.code_id = ANY(CAST(:codes AS bigint[]))
), ground AS (
    SELECT * FROM territory
    WHERE brand_id = :brand_id AND distributor_id IN (SELECT distributor_id FROM fact)
), lineage(code, up) AS (
    SELECT code, code FROM region
    WHERE code IN (SELECT place FROM fact UNION SELECT region_code FROM ground)
    UNION
    SELECT l.code, g.parent_code FROM lineage l JOIN region g ON g.code = l.up
    WHERE g.parent_code IS NOT NULL
), chain AS (
    SELECT code, array_agg(up) AS ups FROM lineage GROUP BY code
), fit AS (
    SELECT f.code_id,
        t.valid_from <= f.at AND (t.valid_to IS NULL OR f.at < t.valid_to)
        AND (t.product_id IS NULL OR t.product_id = f.product_id)
        AND (t.channel IS NULL OR t.channel = f.channel)
        AND CASE WHEN t.region_code = ANY(here.ups) THEN true
                 WHEN f.place = ANY(there.ups) THEN NULL ELSE false END AS fits
    FROM fact f
    JOIN ground t ON t.distributor_id = f.distributor_id
    JOIN chain here ON here.code = f.place
    JOIN chain there ON there.code = t.region_code
), judged AS (
    SELECT code_id, CASE WHEN bool_or(fits) THEN true
                         WHEN bool_or(fits IS NULL) THEN NULL ELSE false END AS in_territory
    FROM fit GROUP BY code_id
)
UPDATE sighting s SET carton_id = f.carton_id, event_id = f.event_id, site_id = f.site_id,
    distributor_id = f.distributor_id, product_id = f.product_id,
    in_territory = j.in_territory, resolved_at = :now
FROM fact f LEFT JOIN judged j ON j.code_id = f.code_id
WHERE s.brand_id = :brand_id AND s.code_id = f.code_id
RETURNING f.old_distributor_id, f.old_product_id, s.distributor_id, s.product_id
""")


def resolve(session: Session, brand_id: int, codes: Sequence[int]) -> set[Flow]:
    """The flows that the sightings of the brand's `codes` belong to now or belonged to before.

    Each sighting gets its carton, the last shipment or receipt before the scan, the site and
    distributor that had the goods by it, the product, and whether the place was in the
    distributor's territory: true if a territory of that day, for this product and the site's
    channel, holds the place; null if that can't be said (no place or a coarser one than the
    territory, no distributor, no territory of it on record); else false. One statement.
    """
    rows = session.execute(
        _RESOLVE, {"brand_id": brand_id, "codes": list(codes), "now": clock.now()}
    )
    flows: set[Flow] = set()
    for old_distributor, old_product, distributor, product in rows:
        if distributor is not None and product is not None:
            flows.add((distributor, product))
        if old_distributor is not None and old_product is not None:
            flows.add((old_distributor, old_product))
    return flows


_OF_EVENTS = text("""
    WITH spoken AS (
        SELECT lo, hi FROM trace_event_range WHERE brand_id = :brand_id AND event_id = ANY(:ids)
    )
    SELECT code_id FROM (
        SELECT s.code_id FROM spoken e
        JOIN sighting s ON s.brand_id = :brand_id AND s.code_id >= e.lo AND s.code_id < e.hi
        UNION
        SELECT s.code_id FROM spoken e
        JOIN packing p ON p.brand_id = :brand_id AND p.carton_id >= e.lo AND p.carton_id < e.hi
        JOIN sighting s ON s.brand_id = :brand_id AND s.code_id >= p.lo AND s.code_id < p.hi
        UNION
        SELECT s.code_id FROM spoken e
        JOIN carton k ON k.brand_id = :brand_id AND k.carton_id >= e.lo AND k.carton_id < e.hi
        CROSS JOIN unnest(k.items) AS i(code_id)
        JOIN sighting s ON s.brand_id = :brand_id AND s.code_id = i.code_id
    ) AS found WHERE code_id > :after ORDER BY code_id LIMIT :limit
""")
_OF_DISTRIBUTORS = text("""
    SELECT code_id FROM sighting WHERE brand_id = :brand_id AND distributor_id = ANY(:ids)
    AND code_id > :after ORDER BY code_id LIMIT :limit
""")


def sighted_of_events(
    session: Session, brand_id: int, event_ids: Sequence[int], after: int, limit: int
) -> Sequence[int]:
    """The sighted codes above `after` that the events speak of, also as contents of cartons."""
    values = {"brand_id": brand_id, "ids": list(event_ids), "after": after, "limit": limit}
    return session.scalars(_OF_EVENTS, values).all()


def sighted_of_distributors(
    session: Session, brand_id: int, distributor_ids: Sequence[int], after: int, limit: int
) -> Sequence[int]:
    """The sighted codes above `after` whose goods the brand's distributors had."""
    values = {"brand_id": brand_id, "ids": list(distributor_ids), "after": after, "limit": limit}
    return session.scalars(_OF_DISTRIBUTORS, values).all()
