"""One batch: read once, lock items, decide in order of arrival, write each table once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import outbox
from rewards.claim import ClaimAnswer, ClaimRequest, campaign_for, claim, owner_sees
from scanapp.intake import record
from scanapp.intake.catalogue import Catalogue
from scanapp.intake.decide import LIVE, fixed_outcome, outcome_after, verdict_of
from scanapp.intake.evidence import gather
from scanapp.intake.visit import Answer, Kind, Outcome, Visit

TRACE_CHUNK = 500


@dataclass(slots=True)
class _Case:
    """A visit on its way through the batch."""

    visit: Visit
    row: Any
    answer: Answer
    is_new_scan: bool = False
    is_live: bool = False


@dataclass(frozen=True)
class Done:
    """The answers, in the order of the visits, and the outbox topics that owe work now."""

    answers: list[Answer]
    topics: frozenset[str]
    wrote: bool


def work_off(session: Session, visits: Sequence[Visit], catalogue: Catalogue) -> Done:
    """Answers all visits within the session's transaction; the caller commits.

    Row locks are taken in one order everywhere: items, visitors' tracks, then what claims lock,
    each sorted by key, so that two processes never deadlock.
    """
    rows = gather(session, visits)
    cases = [_open(visit, row) for visit, row in zip(visits, rows, strict=True)]
    topics: set[str] = set()
    _mark_new_scans(cases)
    recorded = [case for case in cases if case.is_new_scan]
    births = _record_items(session, cases)
    _judge(cases, catalogue)
    record.tracks(session, [(case.visit, 1) for case in recorded if case.is_live])
    if births:
        _owe_trace(session, births)
        topics.add("trace")
    if _claim(session, cases, catalogue):
        topics.add("credit")
    record.scans(session, [(c.visit, c.answer) for c in recorded])
    if _place(session, cases, catalogue):
        topics.add("trace")
    for case in cases:
        _offer(case, catalogue)
    wrote = bool(recorded) or any(c.visit.kind in (Kind.CLAIM, Kind.PLACE) for c in cases)
    return Done([case.answer for case in cases], frozenset(topics), wrote)


def _open(visit: Visit, row: Any) -> _Case:
    outcome = fixed_outcome(row, visit)
    if outcome is Outcome.FORGED:
        return _Case(visit, row, Answer(Outcome.FORGED, visit.brand_id))
    answer = Answer(
        outcome=outcome or Outcome.FIRST,
        brand_id=row.brand_id,
        product_id=row.product_id,
        lot=row.lot,
        produced_on=row.produced_on,
        expires_on=row.expires_on,
        state=row.state,
        void_reason=row.reason,
        first_at=row.first_at,
        first_region=row.first_region,
        scans=row.scans or 0,
        member_id=row.member_id,
    )
    case = _Case(visit, row, answer, is_live=outcome is None)
    if case.is_live and row.first_at is not None:
        case.answer = replace(
            answer,
            outcome=outcome_after(visit, row.first_at, row.first_region, _is_mine(case, None)),
        )
    if row.decision is not None:
        case.answer = replace(case.answer, claim=_known_claim(row, visit))
    return case


def _known_claim(row: Any, visit: Visit) -> ClaimAnswer:
    return owner_sees(
        decision=row.decision,
        points=row.claim_points,
        campaign_id=row.campaign_id,
        claimed_by=(row.claim_visitor, row.claim_member),
        asks=(visit.visitor_id, row.member_id),
    )


def _is_mine(case: _Case, first_visitor: UUID | None) -> bool:
    """Whether the item's first scan was this person's, in this browser or signed in elsewhere."""
    first = first_visitor or case.row.first_visitor
    member = case.row.member_id
    same_member = member is not None and member == case.row.first_member
    return first == case.visit.visitor_id or same_member


def _mark_new_scans(cases: Sequence[_Case]) -> None:
    """A scan or claim counts unless this visitor's session with the code has begun already."""
    seen: set[tuple[int, UUID]] = set()
    for case in cases:
        visit = case.visit
        if visit.kind not in (Kind.SCAN, Kind.CLAIM) or case.answer.outcome is Outcome.FORGED:
            continue
        pair = (visit.code_id, visit.visitor_id)
        case.is_new_scan = case.row.session_at is None and pair not in seen
        seen.add(pair)


def _record_items(session: Session, cases: Sequence[_Case]) -> list[_Case]:
    """Upserts the items of scans and claims; returns the cases whose scan was their first.

    Items of repeated scans are locked too: whoever claims holds the item until the commit.
    """
    touching = [c for c in cases if c.is_live and c.visit.kind in (Kind.SCAN, Kind.CLAIM)]
    if not touching:
        return []
    items = record.items(session, [(case.visit, case.is_new_scan) for case in touching])
    births = []
    pending: dict[int, int] = {}
    for case in touching:
        item = items[case.visit.code_id]
        pending.setdefault(item.code_id, item.scans_before)
        pending[item.code_id] += case.is_new_scan
        is_first = item.is_born and case.is_new_scan and pending[item.code_id] == 1
        if is_first:
            births.append(case)
        mine = _is_mine(case, item.first_visitor)
        case.answer = replace(
            case.answer,
            outcome=Outcome.FIRST
            if is_first
            else outcome_after(case.visit, item.first_at, item.first_region, mine),
            first_at=item.first_at,
            first_region=item.first_region,
            scans=pending[item.code_id],
        )
    return births


def _judge(cases: Sequence[_Case], catalogue: Catalogue) -> None:
    earlier: dict[UUID, int] = {}
    for case in cases:
        if not case.is_live or case.visit.kind is Kind.LOOK:
            continue
        count = earlier.get(case.visit.visitor_id, 0)
        # Of a scan already counted, the window holds it already.
        ahead = count if case.is_new_scan else count - 1
        verdict = verdict_of(case.row, case.visit, ahead, catalogue.regions)
        case.answer = replace(case.answer, verdict=verdict)
        if case.is_new_scan:
            earlier[case.visit.visitor_id] = count + 1


def _claim(session: Session, cases: Sequence[_Case], catalogue: Catalogue) -> bool:
    """Decides the claims; returns whether any is owed points."""
    claiming = [c for c in cases if c.visit.kind is Kind.CLAIM and c.answer.outcome in LIVE]
    if not claiming:
        return False
    requests = [_claim_request(case, catalogue) for case in claiming]
    answers = claim(session, requests, catalogue.content.campaigns)
    for case, answer in zip(claiming, answers, strict=True):
        case.answer = replace(case.answer, claim=answer)
    return any(a.state == "granted" and a.member_id is not None for a in answers)


def _claim_request(case: _Case, catalogue: Catalogue) -> ClaimRequest:
    area = case.row.area_code
    return ClaimRequest(
        code_id=case.visit.code_id,
        brand_id=case.answer.brand_id,
        product_id=case.answer.product_id,
        area_codes=catalogue.regions.ancestors(area) if area in catalogue.regions else None,
        visitor_id=case.visit.visitor_id,
        verdict=case.answer.verdict,
    )


def _place(session: Session, cases: Sequence[_Case], catalogue: Catalogue) -> bool:
    """Puts told places where no better one is known; returns whether a trace must follow."""
    placing = [
        case
        for case in cases
        if case.visit.kind is Kind.PLACE
        and case.is_live
        and case.visit.place is not None
        and case.row.session_at is not None
        and case.row.session_source != case.visit.place.source
    ]
    if not placing:
        return False
    record.places(session, [(case.visit, case.answer.verdict) for case in placing])
    firsts = [case for case in placing if case.row.first_visitor == case.visit.visitor_id]
    for brand_id in sorted({case.answer.brand_id for case in firsts}):
        told = [
            [c.visit.code_id, c.visit.place.region_code, c.visit.place.source]
            for c in firsts
            if c.answer.brand_id == brand_id and c.visit.place is not None
        ]
        outbox.put(session, "trace", brand_id, {"places": told})
    return bool(firsts)


def _offer(case: _Case, catalogue: Catalogue) -> None:
    """Says what a claim would give, when there is none yet."""
    if case.answer.outcome not in LIVE or case.answer.claim is not None:
        return
    campaign = campaign_for(
        catalogue.content.campaigns, _claim_request(case, catalogue), case.visit.at
    )
    if not isinstance(campaign, ClaimAnswer):
        case.answer = replace(
            case.answer, offer_points=campaign.points, offer_campaign_id=campaign.id
        )


def _owe_trace(session: Session, births: Sequence[_Case]) -> None:
    """One outbox row a brand: the first scans, as traceability wants them."""
    by_brand: dict[int, list[list[Any]]] = {}
    for case in births:
        visit, place = case.visit, case.visit.place
        by_brand.setdefault(case.answer.brand_id, []).append(
            [
                visit.code_id,
                visit.at.isoformat(),
                str(visit.visitor_id),
                place.region_code if place else None,
                place.source if place else None,
                case.answer.product_id,
            ]
        )
    for brand_id in sorted(by_brand):
        rows = by_brand[brand_id]
        for start in range(0, len(rows), TRACE_CHUNK):
            outbox.put(session, "trace", brand_id, {"scans": rows[start : start + TRACE_CHUNK]})
