"""What the database holds after the day, held against what shoppers were told."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from antifraud.queries import accused_items, findings
from core import outbox
from lab.demo.day import Told
from lab.demo.world import DIVERTED_TO, DIVERTING, POINTS, World
from rewards.audit import audit
from rewards.queries import claim_totals

SETTLE_SECONDS = 30


@dataclass
class Figures:
    """The day in numbers; `problems` is empty when everything is as it should be."""

    codes_issued: int
    scans: int
    outcomes: dict[str, int]
    claims_granted: int
    claims_refused: int
    points_credited: int
    books_balance: bool
    trace_events: int
    findings: int
    diverted_items_found: int
    honest_items_flagged: int
    parked_rows: int
    problems: list[str]
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The figures, with the keys that programs rely on."""
        return asdict(self)


def settle(sessions: sessionmaker[Session]) -> bool:
    """Waits until nothing is owed any more; whether that came in time."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with sessions() as session:
            if not outbox.owed(session):
                return True
        time.sleep(0.1)
    return False


def figures(session: Session, world: World, told: Told) -> Figures:
    """Counts the day, and lists whatever does not agree."""
    brand_id = world.brand.id
    books = audit(session, brand_id)
    totals = claim_totals(session, brand_id)
    accused = {code_id - world.order.lo + 1 for code_id in accused_items(session, brand_id)}
    counts = session.execute(_COUNTS, {"brand": brand_id}).one()
    found = Figures(
        codes_issued=counts.issued,
        scans=counts.scans,
        outcomes=dict(sorted(told.outcomes.items())),
        claims_granted=totals.granted,
        claims_refused=totals.refused,
        points_credited=books.points_issued,
        books_balance=books.balanced,
        trace_events=counts.events + counts.sightings,
        findings=counts.findings,
        diverted_items_found=len(accused & told.diverted),
        honest_items_flagged=len(accused - told.diverted),
        parked_rows=counts.parked,
        problems=list(told.surprises),
    )
    found.problems += _disagreements(session, world, told, found, counts)
    return found


def _disagreements(
    session: Session, world: World, told: Told, found: Figures, counts: Any
) -> list[str]:
    """Sentences about whatever is not as it should be."""
    shown = findings(session, world.brand.id)
    right = [
        finding.distributor_id == world.distributor_ids[DIVERTING]
        and finding.region_code == DIVERTED_TO
        for finding in shown
    ]
    credited = POINTS * len(told.wallets)
    checks = {
        "an item's first scan is missing or doubled": counts.firsts == counts.items,
        "not every first scan was recorded": counts.firsts == told.outcomes["first"],
        "a first scan has no trace": counts.sightings == counts.items,
        "claims told and claims kept differ": found.claims_granted == len(told.granted),
        "the books do not balance": found.books_balance,
        "points are missing or doubled": found.points_credited == credited,
        "work was set aside": found.parked_rows == 0,
        "the diversion was not found": any(right),
        "somebody else was accused": all(right),
        "an honest item was flagged": found.honest_items_flagged == 0,
    }
    return [sentence for sentence, holds in checks.items() if not holds]


_COUNTS = text(
    """
    SELECT (SELECT CAST(sum(quantity) AS bigint) FROM code_order
            WHERE brand_id = :brand AND layer = 'item') AS issued,
           (SELECT count(*) FROM scan WHERE brand_id = :brand) AS scans,
           (SELECT count(*) FROM scan WHERE brand_id = :brand AND outcome = 'first') AS firsts,
           (SELECT count(*) FROM item WHERE brand_id = :brand) AS items,
           (SELECT count(*) FROM sighting WHERE brand_id = :brand) AS sightings,
           (SELECT count(*) FROM trace_event WHERE brand_id = :brand) AS events,
           (SELECT count(*) FROM finding
            WHERE brand_id = :brand AND status <> 'withdrawn') AS findings,
           (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL) AS parked
    """
)
