"""First scans become sightings, and are judged again whenever a fact comes late."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.outbox import OutboxRow
from traceability.resolve import resolve, sighted_of_distributors, sighted_of_events
from traceability.topics import (
    DETECT,
    TRACE,
    FirstScan,
    Flow,
    PlaceTold,
    ToDetect,
    ToTrace,
)

PAGE = 5_000
FLOWS_PER_ROW = 500
# Weakest first: the address of the connection, a brand's app, the browser by consent, an operator.
SOURCES = ("proxy", "app", "browser", "operator")


_SIGHT = text("""
    INSERT INTO sighting (brand_id, code_id, at, visitor_id, region_code, region_source,
        product_id, resolved_at)
    SELECT :brand_id, u.*, :now FROM unnest(CAST(:code_id AS bigint[]),
        CAST(:at AS timestamptz[]), CAST(:visitor_id AS uuid[]), CAST(:region_code AS text[]),
        CAST(:region_source AS text[]), CAST(:product_id AS bigint[])) AS u(code_id)
    ORDER BY u.code_id
    ON CONFLICT (brand_id, code_id) DO NOTHING
""")


def sight(session: Session, brand_id: int, scans: Sequence[FirstScan]) -> None:
    """Each scan is a sighting, not yet resolved; what is one already stays as it is."""
    columns = ("code_id", "at", "visitor_id", "region_code", "region_source", "product_id")
    values: dict[str, Any] = {name: [getattr(scan, name) for scan in scans] for name in columns}
    session.execute(_SIGHT, {**values, "brand_id": brand_id, "now": clock.now()})


_PLACES = """
    unnest(CAST(:codes AS bigint[]), CAST(:regions AS text[]), CAST(:sources AS text[]))
    AS u(code_id, region_code, region_source)
"""
# A place may be handled before its scan: the item knows all the rest that a sighting needs.
_PLACE_UNSIGHTED = text(f"""
    INSERT INTO sighting (brand_id, code_id, at, visitor_id, region_code, region_source,
        resolved_at)
    SELECT i.brand_id, i.code_id, i.first_at, i.first_visitor, u.region_code, u.region_source, :now
    FROM {_PLACES} JOIN item i ON i.brand_id = :brand_id AND i.code_id = u.code_id
    ORDER BY i.code_id
    ON CONFLICT (brand_id, code_id) DO NOTHING
""")
_PLACE_SIGHTED = text(f"""
    UPDATE sighting s SET region_code = u.region_code, region_source = u.region_source
    FROM {_PLACES}
    WHERE s.brand_id = :brand_id AND s.code_id = u.code_id
    AND COALESCE(array_position(CAST(:ranked AS text[]), u.region_source), 0)
        > COALESCE(array_position(CAST(:ranked AS text[]), s.region_source), 0)
""")


def place(session: Session, brand_id: int, places: Iterable[PlaceTold]) -> None:
    """Each sighting has the place, if this is from a better source than the one it had."""
    best: dict[int, PlaceTold] = {}
    for told in places:
        known = best.get(told.code_id)
        if known is None or _rank(told.region_source) > _rank(known.region_source):
            best[told.code_id] = told
    values = {
        "brand_id": brand_id,
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

    Owes the topic `detect` the flows that changed. One transaction at a time works for a brand, so
    a scan and a shipment that arrive together can't miss each other; the order of rows does not
    matter.
    """
    by_brand: dict[int, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        by_brand[row.brand_id].append(row)
    for brand_id in sorted(by_brand):  # in one order everywhere: two never wait in a circle
        _trace(session, brand_id, by_brand[brand_id])


def _trace(session: Session, brand_id: int, rows: Sequence[OutboxRow]) -> None:
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('sighting', :brand_id))")
    session.execute(lock, {"brand_id": brand_id})
    told = [TRACE.read(row) for row in rows]
    scans = [scan for each in told for scan in each.scans]
    places = [known for each in told for known in each.places]
    if scans:
        sight(session, brand_id, scans)
    if places:
        place(session, brand_id, places)
    codes = {scan.code_id for scan in scans} | {known.code_id for known in places}
    codes |= _again(
        session,
        brand_id,
        [(each.events, each.after) for each in told],
        sighted_of_events,
        lambda events, after: ToTrace(events=events, after=after),
    )
    codes |= _again(
        session,
        brand_id,
        [(each.distributors, each.after) for each in told],
        sighted_of_distributors,
        lambda distributors, after: ToTrace(distributors=distributors, after=after),
    )
    if codes:
        _owe_detection(session, brand_id, resolve(session, brand_id, sorted(codes)))


def _again(
    session: Session,
    brand_id: int,
    asked: Sequence[tuple[tuple[int, ...], int]],
    sighted: Callable[[Session, int, Sequence[int], int, int], Sequence[int]],
    rest: Callable[[tuple[int, ...], int], ToTrace],
) -> set[int]:
    """A page of the codes that were `sighted` of what is asked: ids, and the code to go on after.

    What is left is owed to a later run, in the words of `rest`.
    """
    asked = [(ids, after) for ids, after in asked if ids]
    if not asked:
        return set()
    wanted = tuple(sorted({one for ids, _after in asked for one in ids}))
    codes = sighted(session, brand_id, wanted, min(after for _ids, after in asked), PAGE)
    if len(codes) == PAGE:
        TRACE.put(session, brand_id, rest(wanted, codes[-1]))
    return set(codes)


def _owe_detection(session: Session, brand_id: int, flows: set[Flow]) -> None:
    changed = sorted(flows)
    for start in range(0, len(changed), FLOWS_PER_ROW):
        page = tuple(changed[start : start + FLOWS_PER_ROW])
        DETECT.put(session, brand_id, ToDetect(page))
