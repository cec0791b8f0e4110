"""What is asked of the goods: every question names the brand that asks, and is one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, literal, select, text
from sqlalchemy.orm import Session, undefer

from codegen.models import Layer
from core.ranges import runs
from traceability.custody import IN_PROGRESS, IN_TRANSIT
from traceability.goods import RANGES_MAX, Range, overlapping
from traceability.lookup import covering, holding, last_event, packed
from traceability.models import Carton, Packing, Territory, TraceEvent, TraceEventRange

PAGE = 100
HAPPENINGS_MAX = 1_000


@dataclass(frozen=True)
class Whereabouts:
    """Where a code is now: `in_transit` to the site, or there and `in_progress`."""

    carton_id: int | None
    sscc: str | None
    site_id: int
    site_code: str
    site_name: str
    distributor_id: int | None
    distributor_name: str | None
    disposition: str
    since: datetime
    event_id: int
    document: str | None


_WHERE_IS = text(f"""
    SELECT k.carton_id, k.sscc, s.id, s.code, s.name, d.id, d.name, h.disposition, h.since,
        h.event_id, e.document
    FROM (SELECT CAST(:code_id AS bigint) AS code) AS c
    LEFT JOIN {packed("c.code", ":brand_id")} AS p ON true
    LEFT JOIN carton k ON k.brand_id = :brand_id AND k.carton_id = COALESCE(p.carton_id, c.code)
    CROSS JOIN {holding("c.code", "p.carton_id", ":brand_id")} AS h
    JOIN site s ON s.brand_id = h.brand_id AND s.id = h.site_id
    LEFT JOIN distributor d ON d.brand_id = s.brand_id AND d.id = s.distributor_id
    JOIN trace_event e ON e.brand_id = h.brand_id AND e.id = h.event_id
""")


def where_is(session: Session, brand_id: int, code_id: int) -> Whereabouts | None:
    """Who has the item (by its own or its carton's custody) or the carton now, if that is known."""
    row = session.execute(_WHERE_IS, {"brand_id": brand_id, "code_id": code_id}).one_or_none()
    return Whereabouts(*row) if row else None


@dataclass(frozen=True)
class Ground:
    """A territory that was valid on the day and fits the product and channel."""

    territory_id: int
    region_code: str
    product_id: int | None
    channel: str | None


@dataclass(frozen=True)
class Seller:
    """Who had a code on a day, by which event, and where it was lawful to sell it."""

    site_id: int
    site_name: str
    distributor_id: int | None
    distributor_name: str | None
    event_id: int
    since: datetime
    document: str | None
    territories: tuple[Ground, ...]


_LAST_MOVE = last_event(
    "c.code",
    "p.carton_id",
    ":brand_id",
    "e.biz_step IN ('shipping', 'receiving') AND e.event_time <= :at",
)
_WHO_SHOULD_SELL = text(f"""
    SELECT s.id, s.name, d.id, d.name, e.id, e.event_time, e.document,
        t.id, t.region_code, t.product_id, t.channel
    FROM (SELECT CAST(:code_id AS bigint) AS code) AS c
    LEFT JOIN {packed("c.code", ":brand_id")} AS p ON true
    LEFT JOIN {covering("code_range", "c.code", ":brand_id")} AS r ON true
    CROSS JOIN {_LAST_MOVE} AS e
    JOIN site s ON s.brand_id = e.brand_id AND s.id = e.holder_site_id
    LEFT JOIN distributor d ON d.brand_id = s.brand_id AND d.id = s.distributor_id
    LEFT JOIN territory t ON t.brand_id = d.brand_id AND t.distributor_id = d.id
        AND t.valid_from <= :at AND (t.valid_to IS NULL OR t.valid_to > :at)
        AND COALESCE(t.product_id = r.product_id, true)
        AND COALESCE(t.channel = s.channel, true)
    ORDER BY t.region_code, t.id
""")


def who_should_sell(session: Session, brand_id: int, code_id: int, at: datetime) -> Seller | None:
    """Who should have sold the item at that instant by the history, and in which territories.

    None before the first shipment or receipt. A product or channel that is not known fits all.
    """
    values = {"brand_id": brand_id, "code_id": code_id, "at": at}
    rows = session.execute(_WHO_SHOULD_SELL, values).all()
    if not rows:
        return None
    holder: Sequence[Any] = rows[0][:7]
    grounds = tuple(Ground(*row[7:]) for row in rows if row[7] is not None)
    return Seller(*(*holder, grounds))


@dataclass(frozen=True)
class Happening:
    """One event (`step` a business step) or scan (`step` is `scan`) in a code's life."""

    at: datetime
    step: str
    of_carton: bool
    event_id: int | None
    site_name: str | None
    to_site_name: str | None
    document: str | None
    actor: str | None
    outcome: str | None
    region_code: str | None


_WHAT_HAPPENED = text(f"""
    WITH asked AS (
        SELECT c.code, p.carton_id FROM (SELECT CAST(:code_id AS bigint) AS code) AS c
        LEFT JOIN {packed("c.code", ":brand_id")} AS p ON true
    )
    SELECT * FROM (
        SELECT e.event_time AS at, e.biz_step, own.code <> a.code, e.id AS id, s.name, t.name,
            e.document, e.actor, NULL::text, NULL::text
        FROM asked a CROSS JOIN unnest(ARRAY[a.code, a.carton_id]) AS own(code)
        JOIN trace_event_range r
            ON r.brand_id = :brand_id AND int8range(r.lo, r.hi) @> own.code
        JOIN trace_event e ON e.brand_id = r.brand_id AND e.id = r.event_id
        JOIN site s ON s.brand_id = e.brand_id AND s.id = e.site_id
        LEFT JOIN site t ON t.brand_id = e.brand_id AND t.id = e.to_site_id
        UNION ALL
        SELECT n.at, 'scan', false, NULL, NULL, NULL, NULL, NULL, n.outcome, n.region_code
        FROM asked a JOIN scan n ON n.brand_id = :brand_id AND n.code_id = a.code
    ) AS found ORDER BY at, id NULLS LAST LIMIT {HAPPENINGS_MAX}
""")


def what_happened(session: Session, brand_id: int, code_id: int) -> list[Happening]:
    """The code's events, its carton's, and its scans, oldest first, at most 1,000."""
    rows = session.execute(_WHAT_HAPPENED, {"brand_id": brand_id, "code_id": code_id})
    return [Happening(*row) for row in rows]


@dataclass(frozen=True)
class CartonCard:
    """A carton as people know it, by order and number from 1, and who has it now."""

    carton_id: int
    order_id: int
    order_external_id: str
    number: int
    sscc: str | None
    quantity: int
    packed_at: datetime
    site_id: int
    site_name: str
    disposition: str


_CARTONS = text(f"""
    SELECT k.carton_id, o.id, o.external_id, k.carton_id - o.lo + 1, k.sscc, k.quantity,
        k.packed_at, s.id, s.name, h.disposition
    FROM code_order o CROSS JOIN LATERAL (
        SELECT * FROM carton
        WHERE brand_id = o.brand_id AND carton_id >= o.lo AND carton_id < LEAST(o.hi, :before)
        ORDER BY carton_id DESC LIMIT :limit
    ) AS k
    CROSS JOIN {covering("custody", "k.carton_id", "o.brand_id")} AS h
    JOIN site s ON s.brand_id = h.brand_id AND s.id = h.site_id
    WHERE o.brand_id = :brand_id AND o.layer = 'carton'
    AND (o.id = :order_id OR CAST(:order_id AS bigint) IS NULL)
    ORDER BY k.carton_id DESC LIMIT :limit
""")


def cartons(
    session: Session,
    brand_id: int,
    order_id: int | None = None,
    before_carton_id: int | None = None,
    limit: int = PAGE,
) -> list[CartonCard]:
    """A page of the packed cartons, of one order or of all, highest carton_id first."""
    values = {
        "brand_id": brand_id, "order_id": order_id, "before": before_carton_id, "limit": limit,
    }  # fmt: skip
    return [CartonCard(*row) for row in session.execute(_CARTONS, values)]


def contents(session: Session, brand_id: int, carton_id: int) -> list[Range]:
    """The items in the carton as disjoint ranges, in order; empty if it was never packed."""
    carton = session.get(Carton, (brand_id, carton_id), options=[undefer(Carton.items)])
    if carton is None:
        return []
    if carton.items is not None:
        return runs(carton.items)
    query = select(Packing.lo, Packing.hi).where(
        Packing.brand_id == brand_id, Packing.carton_id == carton_id
    )
    return [(lo, hi) for lo, hi in session.execute(query.order_by(Packing.lo))]


def cartons_by_sscc(session: Session, brand_id: int, ssccs: Sequence[str]) -> dict[str, int]:
    """The ids of the brand's cartons with these SSCCs (18 digits each), by SSCC.

    An SSCC can be guessed: ask for operators.
    """
    if not ssccs:
        return {}
    numbered = Carton.sscc == any_(literal(list(ssccs), ARRAY(Text)))
    query = select(Carton.sscc, Carton.carton_id).where(Carton.brand_id == brand_id, numbered)
    return {sscc: carton_id for sscc, carton_id in session.execute(query) if sscc is not None}


@dataclass(frozen=True)
class ShipmentCard:
    """A shipment, how many codes (cartons and loose items) it has, and how many came in."""

    event_id: int
    at: datetime
    document: str | None
    actor: str
    from_site_name: str
    to_site_name: str
    to_distributor_id: int | None
    codes: int
    codes_in_transit: int
    from_distributor_id: int | None


# What is still on its way says so itself: its custody is this event's.
_SHIPMENTS = text(f"""
    SELECT e.id, e.event_time, e.document, e.actor, f.name, t.name, t.distributor_id,
        (SELECT sum(u.hi - u.lo)::bigint FROM trace_event_range u
         WHERE u.brand_id = e.brand_id AND u.event_id = e.id),
        (SELECT COALESCE(sum(LEAST(c.hi, u.hi) - GREATEST(c.lo, u.lo)), 0)::bigint
         FROM trace_event_range u CROSS JOIN {overlapping("custody")} AS c
         WHERE u.brand_id = e.brand_id AND u.event_id = e.id AND c.event_id = e.id),
        f.distributor_id
    FROM trace_event e
    JOIN site f ON f.brand_id = e.brand_id AND f.id = e.site_id
    JOIN site t ON t.brand_id = e.brand_id AND t.id = e.to_site_id
    WHERE e.brand_id = :brand_id AND e.biz_step = 'shipping'
    AND (CAST(:viewer AS bigint) IS NULL OR :viewer IN (f.distributor_id, t.distributor_id))
    AND (CAST(:before AS bigint) IS NULL OR e.id < :before)
    ORDER BY e.id DESC LIMIT :limit
""")


def shipments(
    session: Session,
    brand_id: int,
    viewer_distributor_id: int | None = None,
    before_event_id: int | None = None,
    limit: int = PAGE,
) -> list[ShipmentCard]:
    """A page of shipments, last recorded first; a distributor sees those from and to its sites."""
    values = {
        "brand_id": brand_id, "viewer": viewer_distributor_id, "before": before_event_id,
        "limit": limit,
    }  # fmt: skip
    return [ShipmentCard(*row) for row in session.execute(_SHIPMENTS, values)]


@dataclass(frozen=True)
class Stock:
    """How many cartons and loose items are at a site, and on their way to it."""

    site_id: int
    site_name: str
    distributor_id: int | None
    cartons: int
    items: int
    cartons_in_transit: int
    items_in_transit: int


def _sum(layer: str, disposition: str) -> str:
    return f"""COALESCE(sum(c.hi - c.lo) FILTER (
        WHERE o.layer = '{layer}' AND c.disposition = '{disposition}'), 0)::bigint"""


_STOCK_COLUMNS = ", ".join(
    _sum(layer, disposition)
    for disposition in (IN_PROGRESS, IN_TRANSIT)
    for layer in (Layer.CARTON, Layer.ITEM)
)
# A row of custody never spans two orders, so the order at its `lo` names the layer of all of it.
_INVENTORY = text(f"""
    SELECT s.id, s.name, s.distributor_id, {_STOCK_COLUMNS}
    FROM site s
    JOIN custody c ON c.brand_id = s.brand_id AND c.site_id = s.id
    CROSS JOIN {covering("code_order", "c.lo", "c.brand_id")} AS o
    WHERE s.brand_id = :brand_id
    AND (CAST(:viewer AS bigint) IS NULL OR s.distributor_id = :viewer)
    GROUP BY s.id, s.name, s.distributor_id ORDER BY s.name, s.id LIMIT 1000
""")


def inventory(
    session: Session, brand_id: int, viewer_distributor_id: int | None = None
) -> list[Stock]:
    """The stock of each site that has any, by name, at most 1,000; a distributor sees its own.

    Items in cartons are not counted: the cartons are.
    """
    values = {"brand_id": brand_id, "viewer": viewer_distributor_id}
    return [Stock(*row) for row in session.execute(_INVENTORY, values)]


def territories(
    session: Session, brand_id: int, distributor_id: int | None = None
) -> Sequence[Territory]:
    """All territories of the brand or of one distributor, also ended ones, at most 10,000."""
    query = select(Territory).where(Territory.brand_id == brand_id)
    if distributor_id is not None:
        query = query.where(Territory.distributor_id == distributor_id)
    query = query.order_by(Territory.distributor_id, Territory.region_code, Territory.id)
    return session.scalars(query.limit(10_000)).all()


def event(session: Session, brand_id: int, event_id: int) -> TraceEvent | None:
    """The brand's event with that id."""
    query = select(TraceEvent).where(TraceEvent.brand_id == brand_id, TraceEvent.id == event_id)
    return session.scalar(query)


def ranges_of(session: Session, brand_id: int, event_id: int) -> Sequence[TraceEventRange]:
    """The codes that the brand's event speaks of, in order, at most 20,000 ranges."""
    query = (
        select(TraceEventRange)
        .where(TraceEventRange.brand_id == brand_id, TraceEventRange.event_id == event_id)
        .order_by(TraceEventRange.lo)
    )
    return session.scalars(query.limit(RANGES_MAX)).all()
