"""First scans become sightings, and are judged again whenever a fact comes late."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, outbox
from core.outbox import OutboxRow
from traceability.resolve import (
    Flow,
    resolve,
    sighted_of_distributors,
    sighted_of_events,
)

PAGE = 5_000
FLOWS_PER_ROW = 500
# Weakest first: the address of the connection, a brand's app, the browser by consent, an operator.
SOURCES = ("proxy", "app", "browser", "operator")


@dataclass(frozen=True)
class FirstScan:
    """An item's first scan by a person."""

    brand_id: int
    code_id: int
    at: datetime
    visitor_id: UUID
    region_code: str | None
    region_source: str | None
    product_id: int | None


@dataclass(frozen=True)
class Place:
    """Where an item's first scan was, told after it."""

    code_id: int
    region_code: str
    region_source: str


_SIGHT = text("""
    INSERT INTO sighting (code_id, brand_id, at, visitor_id, region_code, region_source,
        product_id, resolved_at)
    SELECT u.*, :now FROM unnest(CAST(:code_id AS bigint[]), CAST(:brand_id AS bigint[]),
        CAST(:at AS timestamptz[]), CAST(:visitor_id AS uuid[]), CAST(:region_code AS text[]),
        CAST(:region_source AS text[]), CAST(:product_id AS bigint[])) AS u(code_id)
    ORDER BY u.code_id
    ON CONFLICT (code_id) DO NOTHING
""")


def sight(session: Session, scans: Sequence[FirstScan]) -> None:
    """Each scan is a sighting, not yet resolved; what is one already stays as it is."""
    columns = (
        "code_id", "brand_id", "at", "visitor_id", "region_code", "region_source", "product_id",
    )  # fmt: skip
    values: dict[str, Any] = {name: [getattr(scan, name) for scan in scans] for name in columns}
    session.execute(_SIGHT, {**values, "now": clock.now()})


_PLACES = """
    unnest(CAST(:codes AS bigint[]), CAST(:regions AS text[]), CAST(:sources AS text[]))
    AS u(code_id, region_code, region_source)
"""
# A place may be handled before its scan: the item knows all the rest that a sighting needs.
_PLACE_UNSIGHTED = text(f"""
    INSERT INTO sighting (code_id, brand_id, at, visitor_id, region_code, region_source,
        resolved_at)
    SELECT i.code_id, i.brand_id, i.first_at, i.first_visitor, u.region_code, u.region_source, :now
    FROM {_PLACES} JOIN item i ON i.code_id = u.code_id
    ORDER BY i.code_id
    ON CONFLICT (code_id) DO NOTHING
""")
_PLACE_SIGHTED = text(f"""
    UPDATE sighting s SET region_code = u.region_code, region_source = u.region_source
    FROM {_PLACES}
    WHERE s.code_id = u.code_id
    AND COALESCE(array_position(CAST(:ranked AS text[]), u.region_source), 0)
        > COALESCE(array_position(CAST(:ranked AS text[]), s.region_source), 0)
""")


def place(session: Session, places: Iterable[Place]) -> None:
    """Each sighting has the place, if this is from a better source than the one it had."""
    best: dict[int, Place] = {}
    for told in places:
        known = best.get(told.code_id)
        if known is None or _rank(told.region_source) > _rank(known.region_source):
            best[told.code_id] = told
    values = {
        "codes": list(best),
        "regions": [told.region_code for told in best.values()],
        "sources": [told.region_source for told in best.values()],
    }
    session.execute(_PLACE_UNSIGHTED, {**values, "now": clock.now()})
    session.execute(_PLACE_SIGHTED, {**values, "ranked": list(SOURCES)})


def _rank(source: str) -> int:
    return SOURCES.index(source) if source in SOURCES else -1


def handle_trace(session: Session, rows: Sequence[OutboxRow]) -> None:
    """The rows' scans, places, events and territories are in the sightings.

    Owes the topic `detect` the flows that changed. Payloads: `scans`, `places`, `events` and
    `distributors` (whose territories changed), the last two with `after`, where to go on. One
    transaction at a time works for a brand, so a scan and a shipment that arrive together
    can't miss each other; the order of rows does not matter.
    """
    for brand_id in sorted({row.brand_id for row in rows}):
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('sighting', :brand_id))")
        session.execute(lock, {"brand_id": brand_id})
    scans = [_scan(row.brand_id, entry) for row in rows for entry in row.payload.get("scans", ())]
    places = [Place(*entry) for row in rows for entry in row.payload.get("places", ())]
    if scans:
        sight(session, scans)
    if places:
        place(session, places)
    codes = {told.code_id for told in scans} | {told.code_id for told in places}
    codes |= _again(session, [row for row in rows if "events" in row.payload], "events")
    codes |= _again(session, [row for row in rows if "distributors" in row.payload], "distributors")
    if codes:
        _owe_detection(session, resolve(session, sorted(codes)))


def _scan(brand_id: int, entry: list[Any]) -> FirstScan:
    code_id, at, visitor_id, region_code, source, product_id = entry
    when = datetime.fromisoformat(at)
    return FirstScan(brand_id, code_id, when, UUID(visitor_id), region_code, source, product_id)


def _again(session: Session, rows: Sequence[OutboxRow], kind: str) -> set[int]:
    """A page of the sighted codes that the rows concern; the rest is owed to a later run."""
    if not rows:
        return set()
    ids: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        ids[row.brand_id].update(row.payload[kind])
    wanted = sorted(set().union(*ids.values()))
    after = min(row.payload.get("after", -1) for row in rows)
    if kind == "events":
        codes = sighted_of_events(session, wanted, after, PAGE)
    else:
        codes = sighted_of_distributors(session, sorted(ids), wanted, after, PAGE)
    if len(codes) == PAGE:
        for brand_id, own in ids.items():
            outbox.put(session, "trace", brand_id, {kind: sorted(own), "after": codes[-1]})
    return set(codes)


def _owe_detection(session: Session, flows: set[Flow]) -> None:
    by_brand: dict[int, list[list[int]]] = defaultdict(list)
    for brand_id, distributor_id, product_id in sorted(flows):
        by_brand[brand_id].append([distributor_id, product_id])
    for brand_id, own in by_brand.items():
        for start in range(0, len(own), FLOWS_PER_ROW):
            part = own[start : start + FLOWS_PER_ROW]
            outbox.put(session, "detect", brand_id, {"flows": part})
