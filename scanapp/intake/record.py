"""The writes of a batch: one sorted statement a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from antifraud.judge import DEFAULT_RULES
from core import clock
from scanapp.intake.evidence import SESSION
from scanapp.intake.visit import TOLD, Answer, Visit
from traceability.models import IntakeBatch
from traceability.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ItemNow:
    """An item after the batch touched it; `scans_before` leaves this batch's scans out."""

    code_id: int
    is_born: bool
    first_at: datetime
    first_visitor: UUID
    first_region: str | None
    scans_before: int


def items(session: Session, visits: Sequence[tuple[Visit, bool]]) -> dict[int, ItemNow]:
    """Births or counts the items of the visits (each with whether it is a new scan); locks all."""
    firsts: dict[int, Visit] = {}
    lasts: dict[int, Visit] = {}
    counts: dict[int, int] = {}
    for visit, is_new in visits:
        firsts.setdefault(visit.code_id, visit)
        lasts[visit.code_id] = visit
        counts[visit.code_id] = counts.get(visit.code_id, 0) + is_new
    codes = sorted(firsts)
    rows = session.execute(
        _ITEMS,
        {
            "codes": codes,
            "brands": [firsts[c].brand_id for c in codes],
            "first_ats": [firsts[c].at for c in codes],
            "first_visitors": [firsts[c].visitor_id for c in codes],
            "regions": [p.region_code if (p := firsts[c].place) else None for c in codes],
            "counts": [counts[c] for c in codes],
            "last_ats": [lasts[c].at for c in codes],
            "last_visitors": [lasts[c].visitor_id for c in codes],
        },
    )
    return {
        row.code_id: ItemNow(
            code_id=row.code_id,
            is_born=row.is_born,
            first_at=row.first_at,
            first_visitor=row.first_visitor,
            first_region=row.first_region,
            scans_before=row.scans - counts[row.code_id],
        )
        for row in rows
    }


def uncount(session: Session, too_many: Mapping[int, int]) -> None:
    """Takes back scans that `items` counted; the items are locked already."""
    if too_many:
        values = {"codes": list(too_many), "counts": list(too_many.values())}
        session.execute(_UNCOUNT, values)


@dataclass(frozen=True, slots=True)
class Owed:
    """An outbox row that the batch owes."""

    topic: str
    brand_id: int
    payload: dict[str, Any]


def write(
    session: Session,
    batch_id: UUID,
    tracked: Sequence[tuple[Visit, int]],
    scanned: Sequence[tuple[Visit, Answer]],
    owed: Sequence[Owed],
) -> None:
    """In one statement: visitors' tracks, new scans, what is owed, and the batch's own mark.

    `tracked` holds visits and how many scans each counts. Only tracks are locked by it.
    """
    session.execute(
        _WRITE,
        {
            "batch_id": batch_id,
            "now": clock.now(),
            **_track_columns(tracked),
            **_scan_columns(scanned),
            "topics": [row.topic for row in owed],
            "owed_brands": [row.brand_id for row in owed],
            "payloads": [json.dumps(row.payload) for row in owed],
        },
    )


def mark(batch_id: UUID) -> Insert:
    """The statement that leaves a batch's mark where there is none."""
    return insert(IntakeBatch).values(id=batch_id, at=clock.now()).on_conflict_do_nothing()


def _track_columns(tracked: Sequence[tuple[Visit, int]]) -> dict[str, Any]:
    counts: dict[UUID, int] = {}
    lasts: dict[UUID, Visit] = {}
    places: dict[UUID, tuple[str, datetime]] = {}
    for visit, count in tracked:
        counts[visit.visitor_id] = counts.get(visit.visitor_id, 0) + count
        lasts[visit.visitor_id] = visit
        if visit.place is not None and visit.place.source in TOLD:
            places[visit.visitor_id] = (visit.place.region_code, visit.at)
    visitors = sorted(counts)
    return {
        "visitors": visitors,
        "counts": [counts[v] for v in visitors],
        "track_ats": [lasts[v].at for v in visitors],
        "track_regions": [places[v][0] if v in places else None for v in visitors],
        "place_ats": [places[v][1] if v in places else None for v in visitors],
        "window": timedelta(seconds=DEFAULT_RULES.window_seconds),
    }


def _scan_columns(scanned: Sequence[tuple[Visit, Answer]]) -> dict[str, Any]:
    return {
        "ats": [visit.at for visit, _ in scanned],
        "brands": [answer.brand_id for _, answer in scanned],
        "codes": [visit.code_id for visit, _ in scanned],
        "scan_visitors": [visit.visitor_id for visit, _ in scanned],
        "outcomes": [str(answer.outcome) for _, answer in scanned],
        "verdicts": [str(answer.verdict.decision) for _, answer in scanned],
        "reasons": [reasons_json(answer.verdict) for _, answer in scanned],
        "regions": [p.region_code if (p := visit.place) else None for visit, _ in scanned],
        "sources": [p.source if (p := visit.place) else None for visit, _ in scanned],
        "accuracies": [p.accuracy_m if (p := visit.place) else None for visit, _ in scanned],
        "doors": [visit.door for visit, _ in scanned],
    }


def places(session: Session, told: Sequence[tuple[Visit, Verdict]]) -> None:
    """Sets the place of each visitor's present scan session and of the item's first scan.

    The items are locked already.
    """
    if not told:
        return
    known = [(visit, visit.place, verdict) for visit, verdict in told if visit.place is not None]
    known.sort(key=lambda entry: (entry[0].code_id, str(entry[0].visitor_id)))
    values = {
        "codes": [visit.code_id for visit, _, _ in known],
        "visitors": [str(visit.visitor_id) for visit, _, _ in known],
        "regions": [place.region_code for _, place, _ in known],
        "sources": [place.source for _, place, _ in known],
        "accuracies": [place.accuracy_m for _, place, _ in known],
        "verdicts": [verdict.decision for _, _, verdict in known],
        "reasons": [reasons_json(verdict) for _, _, verdict in known],
        "session_start": clock.now() - SESSION,
    }
    session.execute(_PLACE_ITEMS, values)
    session.execute(_PLACE_SCANS, values)


def reasons_json(verdict: Verdict) -> str | None:
    """The verdict's reasons as JSON text, None when there are none."""
    return json.dumps([asdict(reason) for reason in verdict.reasons]) if verdict.reasons else None


_ITEMS = text(
    """
    INSERT INTO item (code_id, brand_id, first_at, first_visitor, first_region, scans, last_at,
                      last_visitor)
    SELECT * FROM unnest(CAST(:codes AS bigint[]), CAST(:brands AS bigint[]),
                         CAST(:first_ats AS timestamptz[]), CAST(:first_visitors AS uuid[]),
                         CAST(:regions AS text[]), CAST(:counts AS bigint[]),
                         CAST(:last_ats AS timestamptz[]), CAST(:last_visitors AS uuid[]))
    ON CONFLICT (code_id) DO UPDATE
    SET scans = item.scans + EXCLUDED.scans,
        last_at = greatest(item.last_at, EXCLUDED.last_at),
        last_visitor = EXCLUDED.last_visitor
    RETURNING code_id, xmax = 0 AS is_born, first_at, first_visitor, first_region, scans
    """
)

_UNCOUNT = text(
    """
    UPDATE item SET scans = item.scans - t.count
    FROM unnest(CAST(:codes AS bigint[]), CAST(:counts AS bigint[])) AS t(code_id, count)
    WHERE item.code_id = t.code_id
    """
)

_WRITE = text(
    """
    WITH tracked AS (
        INSERT INTO visitor_track (visitor_id, window_started_at, window_scans, last_at,
                                   last_region, place_at)
        SELECT visitor_id, at, count, at, region, place_at
        FROM unnest(CAST(:visitors AS uuid[]), CAST(:counts AS bigint[]),
                    CAST(:track_ats AS timestamptz[]), CAST(:track_regions AS text[]),
                    CAST(:place_ats AS timestamptz[]))
             AS t(visitor_id, count, at, region, place_at)
        ON CONFLICT (visitor_id) DO UPDATE
        SET window_scans = CASE
                WHEN EXCLUDED.last_at - visitor_track.window_started_at >= :window
                THEN EXCLUDED.window_scans
                ELSE visitor_track.window_scans + EXCLUDED.window_scans END,
            window_started_at = CASE
                WHEN EXCLUDED.last_at - visitor_track.window_started_at >= :window
                THEN EXCLUDED.window_started_at ELSE visitor_track.window_started_at END,
            last_at = EXCLUDED.last_at,
            last_region = coalesce(EXCLUDED.last_region, visitor_track.last_region),
            place_at = coalesce(EXCLUDED.place_at, visitor_track.place_at)),
    scanned AS (
        INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, reasons,
                          region_code, region_source, accuracy_m, door)
        SELECT * FROM unnest(CAST(:ats AS timestamptz[]), CAST(:brands AS bigint[]),
                             CAST(:codes AS bigint[]), CAST(:scan_visitors AS uuid[]),
                             CAST(:outcomes AS text[]), CAST(:verdicts AS text[]),
                             CAST(:reasons AS jsonb[]), CAST(:regions AS text[]),
                             CAST(:sources AS text[]), CAST(:accuracies AS bigint[]),
                             CAST(:doors AS text[]))),
    owed AS (
        INSERT INTO outbox (topic, brand_id, payload, created_at)
        SELECT topic, brand_id, payload, :now
        FROM unnest(CAST(:topics AS text[]), CAST(:owed_brands AS bigint[]),
                    CAST(:payloads AS jsonb[])) AS t(topic, brand_id, payload))
    INSERT INTO intake_batch (id, at) VALUES (:batch_id, :now) ON CONFLICT DO NOTHING
    """
)

_PLACE_ITEMS = text(
    """
    UPDATE item SET first_region = t.region
    FROM unnest(CAST(:codes AS bigint[]), CAST(:visitors AS uuid[]), CAST(:regions AS text[]))
         AS t(code_id, visitor_id, region)
    WHERE item.code_id = t.code_id AND item.first_visitor = t.visitor_id
    """
)

_PLACE_SCANS = text(
    """
    UPDATE scan SET region_code = t.region, region_source = t.source, accuracy_m = t.accuracy,
                    verdict = t.verdict, reasons = t.reasons
    FROM unnest(CAST(:codes AS bigint[]), CAST(:visitors AS uuid[]), CAST(:regions AS text[]),
                CAST(:sources AS text[]), CAST(:accuracies AS bigint[]),
                CAST(:verdicts AS text[]), CAST(:reasons AS jsonb[]))
         AS t(code_id, visitor_id, region, source, accuracy, verdict, reasons)
    WHERE scan.code_id = t.code_id AND scan.visitor_id = t.visitor_id
      AND scan.at > :session_start
    """
)
