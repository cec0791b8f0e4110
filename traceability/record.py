"""Facts of a batch of visits are written: one statement for each table or few."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from core import clock, outbox
from core.db import run
from core.rows import as_json_rows
from traceability.models import IntakeBatch
from traceability.topics import owed_by_visits
from traceability.verdict import Verdict
from traceability.visit import HOUR, SESSION, TOLD, Outcome, Visit

# A committer looks for its batch within seconds of a lost connection.
BATCHES_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ItemNow:
    """An item after the batch touched it; `scans_before` leaves this batch's scans out."""

    code_id: int
    is_born: bool
    first_at: datetime
    first_visitor: UUID
    first_region: str | None
    scans_before: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a batch of visits adds: one entry per visit that matters.

    `tracked` comes with how many scans each counts, `first` (scans of items never scanned before)
    with the item's product; `told` are places of first scans.
    """

    tracked: Sequence[tuple[Visit, int]]
    scanned: Sequence[tuple[Visit, Outcome, Verdict]]
    first: Sequence[tuple[Visit, int | None]]
    told: Sequence[Visit]


def items(session: Session, visits: Sequence[tuple[Visit, bool]]) -> dict[int, ItemNow]:
    """Births or counts the items of the visits (each with whether it is a new scan); locks all."""
    firsts: dict[int, Visit] = {}
    lasts: dict[int, Visit] = {}
    counts: dict[int, int] = {}
    for visit, is_new in visits:
        firsts.setdefault(visit.code_id, visit)
        lasts[visit.code_id] = visit
        counts[visit.code_id] = counts.get(visit.code_id, 0) + is_new
    rows = [
        {
            "brand_id": (first := firsts[code]).brand_id,
            "code_id": code,
            "first_at": first.at,
            "first_visitor": first.visitor_id,
            "first_region": first.place.region_code if first.place else None,
            "scans": counts[code],
            "last_at": lasts[code].at,
            "last_visitor": lasts[code].visitor_id,
        }
        for code in sorted(firsts, key=lambda code: (firsts[code].brand_id, code))
    ]
    now = run(session, _ITEMS, {"rows": as_json_rows(rows)})
    return {
        code_id: ItemNow(code_id, is_born, first_at, visitor, region, scans - counts[code_id])
        for code_id, is_born, first_at, visitor, region, scans in now
    }


def uncount(session: Session, too_many: Mapping[tuple[int, int], int]) -> None:
    """Takes back scans that `items` counted, by brand and code; the items are locked already."""
    if too_many:
        brands, codes = zip(*too_many, strict=True)
        values = {
            "brands": list(brands),
            "codes": list(codes),
            "counts": list(too_many.values()),
        }
        session.execute(_UNCOUNT, values)


def write(
    session: Session,
    batch_id: UUID,
    window: timedelta,
    facts: Facts,
) -> frozenset[str]:
    """In one statement: visitors' tracks, new scans, what is owed, and the batch's own mark.

    Returns the topics that are owed work. Of what is locked, only tracks are locked by it;
    `window` is how long a visitor's scans are counted together.
    """
    owed = owed_by_visits(facts.first, facts.told)
    run(
        session,
        _WRITE,
        {
            "batch_id": batch_id,
            "now": clock.now(),
            "window": window,
            "tracks": as_json_rows(_tracks(facts.tracked)),
            "scans": as_json_rows(_scans(facts.scanned)),
            "owed": outbox.owed_rows(owed),
        },
    )
    return frozenset(row.topic for row in owed)


def mark(batch_id: UUID) -> Insert:
    """The statement that leaves a batch's mark where there is none."""
    return insert(IntakeBatch).values(id=batch_id, at=clock.now()).on_conflict_do_nothing()


def purge(session: Session, limit: int) -> int:
    """How many marks older than an hour were deleted, at most `limit`."""
    old = select(IntakeBatch.id).where(IntakeBatch.at < clock.now() - BATCHES_KEPT)
    query = delete(IntakeBatch).where(IntakeBatch.id.in_(old.limit(limit)))
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def _tracks(tracked: Sequence[tuple[Visit, int]]) -> list[dict[str, Any]]:
    """One row per visitor and brand, sorted, with what its visits add up to."""
    rows: dict[tuple[int, UUID], dict[str, Any]] = {}
    for visit, count in tracked:
        key = visit.brand_id, visit.visitor_id
        row = rows.get(key)
        if row is None:
            row = rows[key] = {"brand_id": key[0], "visitor_id": key[1], "scans": 0}
        row["scans"] += count
        row["at"] = visit.at
        if visit.place is not None and visit.place.source in TOLD:
            row["region"], row["place_at"] = visit.place.region_code, visit.at
    return [rows[key] for key in sorted(rows)]


def _scans(scanned: Sequence[tuple[Visit, Outcome, Verdict]]) -> list[dict[str, Any]]:
    rows = []
    for visit, outcome, verdict in scanned:
        row = {
            "at": visit.at,
            "brand_id": visit.brand_id,
            "code_id": visit.code_id,
            "visitor_id": visit.visitor_id,
            "outcome": outcome,
            "verdict": verdict.decision,
            "door": visit.door,
        }
        if verdict.reasons:
            row["reasons"] = [asdict(reason) for reason in verdict.reasons]
        if visit.place is not None:
            row["region_code"] = visit.place.region_code
            row["region_source"] = visit.place.source
            row["accuracy_m"] = visit.place.accuracy_m
        rows.append(row)
    return rows


def places(session: Session, told: Sequence[tuple[Visit, Verdict]]) -> None:
    """Sets the place of each visitor's present scan session and of the item's first scan.

    The items are locked already.
    """
    if not told:
        return
    known = [(visit, visit.place, verdict) for visit, verdict in told if visit.place is not None]
    known.sort(key=lambda entry: (entry[0].code_id, str(entry[0].visitor_id)))
    rows = [
        {
            "brand_id": visit.brand_id,
            "code_id": visit.code_id,
            "visitor_id": visit.visitor_id,
            "region": place.region_code,
            "source": place.source,
            "accuracy": place.accuracy_m,
            "verdict": verdict.decision,
            "reasons": [asdict(reason) for reason in verdict.reasons] or None,
        }
        for visit, place, verdict in known
    ]
    values, now = {"rows": as_json_rows(rows)}, clock.now()
    nearby = {"session_start": now - SESSION, "session_end": now + HOUR}
    session.execute(_PLACE_ITEMS, values)
    session.execute(_PLACE_SCANS, {**values, **nearby})


_ITEMS = """
    INSERT INTO item (brand_id, code_id, first_at, first_visitor, first_region, scans, last_at,
                      last_visitor)
    SELECT * FROM json_to_recordset(CAST(%(rows)s AS json))
             AS t(brand_id bigint, code_id bigint, first_at timestamptz, first_visitor uuid,
                  first_region text, scans bigint, last_at timestamptz, last_visitor uuid)
    ON CONFLICT (brand_id, code_id) DO UPDATE
    SET scans = item.scans + EXCLUDED.scans,
        last_at = greatest(item.last_at, EXCLUDED.last_at),
        last_visitor = EXCLUDED.last_visitor
    RETURNING code_id, xmax = 0 AS is_born, first_at, first_visitor, first_region, scans
"""

_UNCOUNT = text(
    """
    UPDATE item SET scans = item.scans - t.count
    FROM unnest(CAST(:brands AS bigint[]), CAST(:codes AS bigint[]), CAST(:counts AS bigint[]))
         AS t(brand_id, code_id, count)
    WHERE item.brand_id = t.brand_id AND item.code_id = t.code_id
    """
)

_WRITE = f"""
    WITH tracked AS (
        INSERT INTO visitor_track (brand_id, visitor_id, window_started_at, window_scans,
                                   last_at, last_region, place_at)
        SELECT brand_id, visitor_id, at, scans, at, region, place_at
        FROM json_to_recordset(CAST(%(tracks)s AS json))
             AS t(brand_id bigint, visitor_id uuid, scans bigint, at timestamptz,
                  region text, place_at timestamptz)
        ON CONFLICT (brand_id, visitor_id) DO UPDATE
        SET window_scans = CASE
                WHEN EXCLUDED.last_at - visitor_track.window_started_at >= %(window)s
                THEN EXCLUDED.window_scans
                ELSE visitor_track.window_scans + EXCLUDED.window_scans END,
            window_started_at = CASE
                WHEN EXCLUDED.last_at - visitor_track.window_started_at >= %(window)s
                THEN EXCLUDED.window_started_at ELSE visitor_track.window_started_at END,
            last_at = EXCLUDED.last_at,
            last_region = coalesce(EXCLUDED.last_region, visitor_track.last_region),
            place_at = coalesce(EXCLUDED.place_at, visitor_track.place_at)),
    scanned AS (
        INSERT INTO scan (brand_id, code_id, visitor_id, at, outcome, verdict, reasons,
                          region_code, region_source, accuracy_m, door)
        SELECT * FROM json_to_recordset(CAST(%(scans)s AS json))
             AS t(brand_id bigint, code_id bigint, visitor_id uuid, at timestamptz, outcome text,
                  verdict text, reasons jsonb, region_code text, region_source text,
                  accuracy_m bigint, door text)),
    owed AS ({outbox.INSERT_OWED})
    INSERT INTO intake_batch (id, at) VALUES (%(batch_id)s, %(now)s) ON CONFLICT DO NOTHING
"""

_PLACE_ITEMS = text(
    """
    UPDATE item SET first_region = t.region
    FROM json_to_recordset(CAST(:rows AS json))
         AS t(brand_id bigint, code_id bigint, visitor_id uuid, region text)
    WHERE item.brand_id = t.brand_id AND item.code_id = t.code_id
      AND item.first_visitor = t.visitor_id
    """
)

_PLACE_SCANS = text(
    """
    UPDATE scan SET region_code = t.region, region_source = t.source, accuracy_m = t.accuracy,
                    verdict = t.verdict, reasons = t.reasons
    FROM json_to_recordset(CAST(:rows AS json))
         AS t(brand_id bigint, code_id bigint, visitor_id uuid, region text, source text,
              accuracy bigint, verdict text, reasons jsonb)
    WHERE scan.brand_id = t.brand_id AND scan.code_id = t.code_id AND scan.visitor_id = t.visitor_id
      AND scan.at > :session_start AND scan.at < :session_end
    """
)
