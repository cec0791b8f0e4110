"""Looks at a brand's flows of goods and keeps its findings as the facts now are."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from antifraud import counts, evidence
from antifraud.models import Finding, FindingStep, Status
from antifraud.revise import open_finding, revise
from antifraud.weigh import Flow, Seen, Spot, Weighed, candidates, weigh
from core.outbox import OutboxRow
from core.regions.tree import RegionTree
from traceability.topics import DETECT

# New findings of one look; the strongest come first, the next look brings the rest.
OPENED_MAX = 200

_UNDECIDED = (Status.OPEN, Status.ANSWERED)


def handle_detect(session: Session, rows: Sequence[OutboxRow]) -> None:
    """The findings of all brands in `rows` are as the facts now are; see `detect`.

    Twice is as once.
    """
    changed: dict[int, set[Flow]] = defaultdict(set)
    for row in rows:
        changed[row.brand_id].update(Flow(*flow) for flow in DETECT.read(row).flows)
    tree = RegionTree.from_session(session)
    for brand_id in sorted(changed):  # in one order everywhere: two looks never wait in a circle
        detect(session, brand_id, tree, changed[brand_id])


def detect(
    session: Session, brand_id: int, tree: RegionTree, flows: Collection[Flow] | None = None
) -> list[FindingStep]:
    """Opens, refreshes and withdraws the brand's findings; the steps that this was worth.

    With `flows`, new findings are sought among these only (all others were sought when they last
    changed); undecided findings are looked at always. A decided finding keeps its status, its
    numbers and evidence follow the facts. One look at a brand at a time: another waits for the end
    of this one's transaction.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("detect", brand_id))))
    places = counts.places(session, brand_id, tree)
    seen = counts.seen(session, brand_id, places)
    kept = _kept(session, brand_id, flows)
    standing = {spot for spot, finding in kept.items() if finding.status != Status.WITHDRAWN}
    sought = {spot for spot in candidates(seen) if flows is None or spot.flow in flows}
    asked = sought | standing
    if not asked:
        return []
    weighed = weigh(
        tree,
        seen,
        counts.territories(session, brand_id),
        counts.cartons(session, brand_id, places, {spot.flow for spot in asked}),
        asked,
        _diverted(session, brand_id),
    )
    new = sorted((w for w in weighed if w.found and w.spot not in standing), key=lambda w: -w.log_e)
    shown = new[:OPENED_MAX] + [w for w in weighed if w.spot in standing]
    exhibits = evidence.read(session, brand_id, places, [w.spot for w in shown])
    return _write(session, brand_id, shown, kept, _by_flow(seen), exhibits)


def _write(
    session: Session,
    brand_id: int,
    shown: Sequence[Weighed],
    kept: Mapping[Spot, Finding],
    flows: Mapping[Flow, dict[str, Seen]],
    exhibits: Mapping[Spot, evidence.Exhibit],
) -> list[FindingStep]:
    revised: list[tuple[Finding, FindingStep]] = []
    for w in shown:
        finding = kept.get(w.spot) or open_finding(brand_id, w)
        step = revise(finding, w, flows.get(w.spot.flow, {}), exhibits[w.spot])
        if step is not None:
            revised.append((finding, step))
    session.add_all(finding for finding, _ in revised)
    session.flush()  # gives the new findings their ids
    for finding, step in revised:
        step.brand_id, step.finding_id = brand_id, finding.id
    steps = [step for _, step in revised]
    session.add_all(steps)
    session.flush()
    return steps


def _kept(session: Session, brand_id: int, flows: Collection[Flow] | None) -> dict[Spot, Finding]:
    """The findings that this look may touch, locked: undecided ones, and all of the flows."""
    query = select(Finding).where(Finding.brand_id == brand_id).order_by(Finding.id)
    if flows is not None:
        flow = tuple_(Finding.distributor_id, Finding.product_id)
        query = query.where(or_(Finding.status.in_(_UNDECIDED), flow.in_(list(flows))))
    query = query.with_for_update().execution_options(populate_existing=True)
    return {
        Spot(Flow(f.distributor_id, f.product_id), f.region_code): f for f in session.scalars(query)
    }


def _diverted(session: Session, brand_id: int) -> set[Flow]:
    """The flows that can't teach what is honest: accused, and not acquitted."""
    query = select(Finding.distributor_id, Finding.product_id).where(
        Finding.brand_id == brand_id, Finding.status.in_((*_UNDECIDED, Status.CONFIRMED))
    )
    return {Flow(*row) for row in session.execute(query.distinct())}


def _by_flow(seen: Mapping[Spot, Seen]) -> dict[Flow, dict[str, Seen]]:
    flows: dict[Flow, dict[str, Seen]] = defaultdict(dict)
    for spot, found in seen.items():
        flows[spot.flow][spot.unit] = found
    return flows
