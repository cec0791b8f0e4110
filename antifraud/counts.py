"""What was seen of a brand's goods, counted in the database for the weighing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from antifraud.weigh import Cartons, Flow, Seen, Spot, unit_of
from core.regions.tree import RegionTree
from traceability.models import Sighting, Territory

Places = Mapping[str, str]
"""The region codes of a brand's sightings, each with the unit it counts for."""

# `first_here` marks the scan by which a person counts in a region: the first of that flow there.
# Caps collectors and tourists with a suitcase full scan many items; they are one person each.
SEEN = """
    WITH place AS (
        SELECT * FROM unnest(cast(:codes AS text[]), cast(:units AS text[])) AS p (code, unit)
    ), seen AS (
        SELECT s.distributor_id, s.product_id, s.visitor_id, s.carton_id, s.code_id, s.event_id,
               s.at, s.region_code, s.region_source, p.unit, NOT s.in_territory AS off,
               row_number() OVER (
                   PARTITION BY s.distributor_id, s.product_id, s.visitor_id, p.unit
                   ORDER BY s.at, s.code_id
               ) = 1 AS first_here
        FROM sighting s JOIN place p ON p.code = s.region_code
        WHERE s.brand_id = :brand_id AND s.in_territory IS NOT NULL
          AND s.distributor_id IS NOT NULL AND s.product_id IS NOT NULL
          AND (cast(:distributors AS bigint[]) IS NULL
               OR (s.distributor_id, s.product_id) IN (
                   SELECT * FROM unnest(cast(:distributors AS bigint[]),
                                        cast(:products AS bigint[]))))
    )
"""


def parameters(
    brand_id: int, places: Places, flows: Collection[Flow] | None = None
) -> dict[str, object]:
    """What the statement `SEEN` needs; without `flows` it reads all of the brand's."""
    return {
        "brand_id": brand_id,
        "codes": list(places),
        "units": list(places.values()),
        "distributors": None if flows is None else [flow.distributor_id for flow in flows],
        "products": None if flows is None else [flow.product_id for flow in flows],
    }


def places(session: Session, brand_id: int, tree: RegionTree) -> Places:
    """The region codes where the brand's goods were seen, as far as the tree knows them."""
    query = (
        select(Sighting.region_code)
        .where(Sighting.brand_id == brand_id, Sighting.in_territory.is_not(None))
        .distinct()
    )
    codes = [code for code in session.scalars(query) if code is not None and code in tree]
    return {code: unit_of(tree, code) for code in codes}


def territories(session: Session, brand_id: int) -> dict[int, set[str]]:
    """The regions that each distributor of the brand ever held."""
    query = select(Territory.distributor_id, Territory.region_code).where(
        Territory.brand_id == brand_id
    )
    held: dict[int, set[str]] = defaultdict(set)
    for distributor_id, region_code in session.execute(query):
        held[distributor_id].add(region_code)
    return held


def seen(session: Session, brand_id: int, places: Places) -> dict[Spot, Seen]:
    """Items and persons of every flow in every region where it was seen."""
    query = text(
        SEEN
        + """
        SELECT distributor_id, product_id, unit, count(*), count(*) FILTER (WHERE off),
               count(*) FILTER (WHERE first_here), count(*) FILTER (WHERE first_here AND off)
        FROM seen GROUP BY distributor_id, product_id, unit
        """
    )
    return {
        Spot(Flow(distributor_id, product_id), unit): Seen(*counts)
        for distributor_id, product_id, unit, *counts in session.execute(
            query, parameters(brand_id, places)
        )
    }


def cartons(
    session: Session, brand_id: int, places: Places, flows: Collection[Flow]
) -> dict[Flow, Cartons]:
    """The cartons of the flows, by how many persons count in them and where."""
    query = text(
        SEEN
        + """
        , hit AS (
            SELECT distributor_id, product_id, unit, off,
                   coalesce(cast(carton_id AS text), cast(visitor_id AS text)) AS carton,
                   count(*) AS hits
            FROM seen WHERE first_here
            GROUP BY distributor_id, product_id, carton, unit, off
        ), sized AS (
            SELECT *, sum(hits) OVER (PARTITION BY distributor_id, product_id, carton) AS size,
                   row_number() OVER (PARTITION BY distributor_id, product_id, carton) AS number
            FROM hit
        )
        SELECT distributor_id, product_id, unit, hits, size, count(*) FROM sized WHERE off
        GROUP BY distributor_id, product_id, unit, hits, size
        UNION ALL
        SELECT distributor_id, product_id, NULL, 0, size, count(*) FROM sized WHERE number = 1
        GROUP BY distributor_id, product_id, size
        """
    )
    sizes: dict[Flow, Counter[int]] = defaultdict(Counter)
    hits: dict[Flow, dict[str, Counter[tuple[int, int]]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    for distributor_id, product_id, unit, hit, size, count in session.execute(
        query, parameters(brand_id, places, flows)
    ):
        flow = Flow(distributor_id, product_id)
        if unit is None:
            sizes[flow][int(size)] += count
        else:
            hits[flow][unit][int(hit), int(size)] += count
    return {flow: Cartons(sizes[flow], hits[flow]) for flow in sizes}
