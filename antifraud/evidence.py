"""The exhibits of a finding: cartons and papers, days, regions, samples. No personal data.

A finding's `evidence` is one JSON object:

- `rate_max`: the highest honest rate it was tested against; `persons`, `persons_off`: those whose
  scans were tested, anywhere and here (a person counts once a region)
- `cartons`: up to `CARTONS_MAX`, those with most persons first: `carton_id`, `sscc`, `quantity`,
  `items_scanned` (anywhere), `items_here`, `persons_here`, `document` and `shipped_at` (of the
  shipment, if known), `first_seen`, `last_seen`
- `timeline`: up to `DAYS_MAX` latest of the brand's days: `day`, `here`, `placed` (the flow's
  anywhere), `expected` (at most)
- `regions`: up to `REGIONS_MAX` of the flow, most items first: `code`, `items`, `items_off`
- `sources`: items here by how their place was known
- `samples`: up to `SAMPLES_MAX` latest scans: `code_id`, `at`, `region`, `source`
- `diverted_items`: up to `ITEMS_MAX` code ids: items of coherent cartons seen in this region, so
  that a lone traveller's bottle is never accused
- `told`: `off_scans` and `coherent_cartons` as of the last step
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from antifraud.counts import SEEN, Places, parameters
from antifraud.weigh import Flow, Seen, Spot

# Of how many persons' scans in one region a carton is coherent. Two may be a couple that shared a
# purchase; three rarely meet by chance: with 6 scans of a carton and an honest leakage of 0.5 %,
# in 3 of a million cartons.
COHERENT_PERSONS = 3

CARTONS_MAX = 50
DAYS_MAX = 90
REGIONS_MAX = 60
SAMPLES_MAX = 10
ITEMS_MAX = 1000

_HERE = (
    SEEN
    + """
    , spot AS (
        SELECT * FROM unnest(cast(:spot_distributors AS bigint[]),
                             cast(:spot_products AS bigint[]),
                             cast(:spot_units AS text[]))
             AS t (distributor_id, product_id, unit)
    ), here AS (
        SELECT seen.* FROM seen JOIN spot USING (distributor_id, product_id, unit) WHERE off
    ), carton_here AS (
        SELECT distributor_id, product_id, unit, carton_id, count(*) AS items_here,
               count(DISTINCT visitor_id) AS persons_here, max(event_id) AS event_id,
               min(at) AS first_seen, max(at) AS last_seen
        FROM here WHERE carton_id IS NOT NULL
        GROUP BY distributor_id, product_id, unit, carton_id
    )
"""
)
_CARTONS = """
    , numbered AS (
        SELECT *, count(*) FILTER (WHERE persons_here >= :coherent_persons) OVER spot AS coherent,
               row_number() OVER (
                   PARTITION BY distributor_id, product_id, unit
                   ORDER BY persons_here DESC, items_here DESC, carton_id
               ) AS number
        FROM carton_here WINDOW spot AS (PARTITION BY distributor_id, product_id, unit)
    )
    SELECT n.*, c.sscc, c.quantity, e.document, e.event_time,
           (SELECT count(*) FROM sighting s
            WHERE s.brand_id = :brand_id AND s.carton_id = n.carton_id) AS items_scanned
    FROM numbered n
    LEFT JOIN carton c ON c.brand_id = :brand_id AND c.carton_id = n.carton_id
    LEFT JOIN trace_event e ON e.brand_id = :brand_id AND e.id = n.event_id
    WHERE n.number <= :limit ORDER BY n.number
"""
_DAYS = """
    , per_day AS (
        SELECT distributor_id, product_id, spot.unit,
               cast(at AT TIME ZONE (
                   SELECT time_zone FROM brand WHERE id = :brand_id
               ) AS date) AS day,
               count(*) AS placed, count(*) FILTER (WHERE off AND seen.unit = spot.unit) AS here
        FROM seen JOIN spot USING (distributor_id, product_id)
        GROUP BY distributor_id, product_id, spot.unit, day
    ), numbered AS (
        SELECT *, row_number() OVER (
            PARTITION BY distributor_id, product_id, unit ORDER BY day DESC
        ) AS number
        FROM per_day
    )
    SELECT * FROM numbered WHERE number <= :limit ORDER BY day
"""
_SOURCES = """
    SELECT distributor_id, product_id, unit, coalesce(region_source, 'unknown') AS source,
           count(*) AS items
    FROM here GROUP BY distributor_id, product_id, unit, source
"""
_SAMPLES = """
    , numbered AS (
        SELECT *, row_number() OVER (
            PARTITION BY distributor_id, product_id, unit ORDER BY at DESC, code_id
        ) AS number
        FROM here
    )
    SELECT * FROM numbered WHERE number <= :limit ORDER BY number
"""
_ITEMS = """
    , numbered AS (
        SELECT here.*, row_number() OVER (
            PARTITION BY distributor_id, product_id, unit ORDER BY code_id
        ) AS number
        FROM here JOIN carton_here c USING (distributor_id, product_id, unit, carton_id)
        WHERE c.persons_here >= :coherent_persons
    )
    SELECT * FROM numbered WHERE number <= :limit ORDER BY number
"""


@dataclass
class Exhibit:
    """What there is to show about one spot; all lists are bounded, JSON-ready and in order."""

    coherent_cartons: int = 0
    cartons: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    diverted_items: list[int] = field(default_factory=list)


def read(
    session: Session, brand_id: int, places: Places, spots: Collection[Spot]
) -> dict[Spot, Exhibit]:
    """The exhibits of the spots; five statements for all of them, none if there are no spots."""
    exhibits: dict[Spot, Exhibit] = defaultdict(Exhibit)
    if not spots:
        return exhibits
    common = parameters(brand_id, places, {spot.flow for spot in spots}) | {
        "spot_distributors": [spot.flow.distributor_id for spot in spots],
        "spot_products": [spot.flow.product_id for spot in spots],
        "spot_units": [spot.unit for spot in spots],
        "coherent_persons": COHERENT_PERSONS,
    }

    def rows(query: str, limit: int | None = None) -> list[tuple[Exhibit, Row[Any]]]:
        result = session.execute(text(_HERE + query), common | {"limit": limit})
        return [(exhibits[_spot(row)], row) for row in result]

    for exhibit, row in rows(_CARTONS, CARTONS_MAX):
        exhibit.coherent_cartons = row.coherent
        exhibit.cartons.append(_carton(row))
    for exhibit, row in rows(_DAYS, DAYS_MAX):
        exhibit.days.append({"day": row.day.isoformat(), "here": row.here, "placed": row.placed})
    for exhibit, row in rows(_SOURCES):
        exhibit.sources[row.source] = row.items
    for exhibit, row in rows(_SAMPLES, SAMPLES_MAX):
        exhibit.samples.append(_sample(row))
    for exhibit, row in rows(_ITEMS, ITEMS_MAX):
        exhibit.diverted_items.append(row.code_id)
    return exhibits


def as_json(exhibit: Exhibit, flow: Mapping[str, Seen], unit: str, rate: float) -> dict[str, Any]:
    """The finding's `evidence` without `told`; `flow` is what was seen of it in each region."""
    regions = sorted(flow.items(), key=lambda entry: (-entry[1].items, entry[0]))
    return {
        "rate_max": rate,
        "persons": sum(seen.persons for seen in flow.values()),
        "persons_off": flow.get(unit, Seen()).persons_off,
        "cartons": exhibit.cartons,
        "timeline": [d | {"expected": round(rate * d["placed"], 2)} for d in exhibit.days],
        "regions": [
            {"code": code, "items": seen.items, "items_off": seen.items_off}
            for code, seen in regions[:REGIONS_MAX]
        ],
        "sources": exhibit.sources,
        "samples": exhibit.samples,
        "diverted_items": exhibit.diverted_items,
    }


def _spot(row: Row[Any]) -> Spot:
    return Spot(Flow(row.distributor_id, row.product_id), row.unit)


def _carton(row: Row[Any]) -> dict[str, Any]:
    return {
        "carton_id": row.carton_id,
        "sscc": row.sscc,
        "quantity": row.quantity,
        "items_scanned": row.items_scanned,
        "items_here": row.items_here,
        "persons_here": row.persons_here,
        "document": row.document,
        "shipped_at": None if row.event_time is None else row.event_time.isoformat(),
        "first_seen": row.first_seen.isoformat(),
        "last_seen": row.last_seen.isoformat(),
    }


def _sample(row: Row[Any]) -> dict[str, Any]:
    return {
        "code_id": row.code_id,
        "at": row.at.isoformat(),
        "region": row.region_code,
        "source": row.region_source,
    }
