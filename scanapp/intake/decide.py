"""What a scan comes to: pure functions from evidence to outcome and verdict."""

from datetime import datetime, timedelta

from antifraud.judge import DEFAULT_RULES, ScanEvidence, judge
from codegen.models import Layer, RangeState
from codegen.reading import same_lot
from core.regions.tree import RegionTree
from scanapp.intake.evidence import Evidence
from traceability.verdict import Decision, Reason, Verdict
from traceability.visit import TOLD, Outcome, Visit

SAME_HOUSEHOLD = timedelta(hours=1)
WINDOW = timedelta(seconds=DEFAULT_RULES.window_seconds)
LIVE = (Outcome.FIRST, Outcome.AGAIN_MINE, Outcome.AGAIN_NEAR, Outcome.AGAIN_OTHER)


def fixed_outcome(row: Evidence, visit: Visit, has_former_gtin: bool = False) -> Outcome | None:
    """The outcome that no earlier scan can change, or None when the item is on sale.

    `has_former_gtin`: the address has a GTIN that was the product's before a correction.
    """
    if row.layer is None or row.brand_id != visit.brand_id:
        return Outcome.FORGED
    if visit.gtin is not None and visit.gtin != row.gtin and not has_former_gtin:
        return Outcome.FORGED
    if row.state in (RangeState.VOID, RangeState.FROZEN):
        return Outcome.VOID
    if row.layer == Layer.CARTON:
        return Outcome.OUTER
    if row.state != RangeState.ACTIVE:
        return Outcome.INACTIVE
    return None


def outcome_after(
    visit: Visit,
    first_at: datetime,
    first_region: str | None,
    is_mine: bool,
) -> Outcome:
    """The outcome of looking at an item that was scanned before."""
    if is_mine:
        return Outcome.AGAIN_MINE
    region = visit.place.region_code if visit.place else None
    is_near = region is not None and region == first_region
    if is_near and abs(visit.at - first_at) <= SAME_HOUSEHOLD:
        return Outcome.AGAIN_NEAR
    return Outcome.AGAIN_OTHER


def verdict_of(row: Evidence, visit: Visit, earlier_in_batch: int, regions: RegionTree) -> Verdict:
    """Antifraud's opinion, together with what it thought when this session began."""
    window_scans = 1 + earlier_in_batch
    if row.window_started_at is not None and visit.at - row.window_started_at < WINDOW:
        window_scans += row.window_scans or 0
    seconds, km = _journey(row, visit, regions)
    link_lot = item_lot = ""
    if visit.lot and row.lot and not same_lot(visit.lot, row.lot):
        link_lot, item_lot = visit.lot, row.lot
    verdict = judge(
        ScanEvidence(
            window_scans=window_scans,
            seconds_since_last=seconds,
            km_since_last=km,
            forged_attempts_of_source=row.forged_attempts,
            link_lot=link_lot,
            item_lot=item_lot,
        )
    )
    return worse(verdict, _of_session(row))


def _journey(
    row: Evidence, visit: Visit, regions: RegionTree
) -> tuple[float, float] | tuple[None, None]:
    """Seconds and kilometres since the place that the visitor told before this session, if any."""
    if visit.place is None or visit.place.source not in TOLD:
        return None, None
    if row.place_at is None or row.last_region is None or row.last_region not in regions:
        return None, None
    if row.session_at is not None and row.place_at >= row.session_at:
        return None, None  # one scan is not a journey
    seconds = (visit.at - row.place_at).total_seconds()
    return seconds, regions.distance_km(row.last_region, visit.place.region_code)


_WEIGHT = {Decision.ALLOW: 0, Decision.HOLD: 1, Decision.REFUSE: 2}


def worse(one: Verdict, other: Verdict) -> Verdict:
    """The weightier of two opinions."""
    return other if _WEIGHT[other.decision] > _WEIGHT[one.decision] else one


def _of_session(row: Evidence) -> Verdict:
    if row.session_verdict in (None, Decision.ALLOW):
        return Verdict(Decision.ALLOW)
    reasons = tuple(Reason(r["code"], r["facts"]) for r in row.session_reasons or ())
    return Verdict(Decision(row.session_verdict), reasons)
