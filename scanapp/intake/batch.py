"""One batch: read once, lock items, decide in order of arrival, write each table once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from rewards.answer import ClaimAnswer, ClaimRequest, ClaimState, owner_sees
from rewards.claim import campaign_for, claim
from rewards.credit import CREDIT
from rewards.models import Campaign
from scanapp.intake.answer import Answer
from scanapp.intake.catalogue import Catalogue
from scanapp.intake.decide import LIVE, WINDOW, fixed_outcome, outcome_after, verdict_of
from scanapp.intake.evidence import Evidence, former_gtins, gather
from traceability import record
from traceability.verdict import ALLOW, Verdict
from traceability.visit import Kind, Outcome, Visit


@dataclass(slots=True)
class _Case:
    """A visit on its way through the batch, and what is true of its code by now."""

    visit: Visit
    row: Evidence
    outcome: Outcome
    is_live: bool
    scans: int
    first_at: datetime | None
    first_region: str | None
    first_visitor: UUID | None
    is_new_scan: bool = False
    is_placing: bool = False
    verdict: Verdict = ALLOW
    claim: ClaimAnswer | None = None
    offer: Campaign | None = None

    @property
    def pair(self) -> tuple[int, UUID]:
        return self.visit.code_id, self.visit.visitor_id


@dataclass(frozen=True)
class Done:
    """The answers, in the order of the visits, and the outbox topics that owe work now."""

    answers: list[Answer]
    topics: frozenset[str]
    wrote: bool


def work_off(
    session: Session, visits: Sequence[Visit], catalogue: Catalogue, batch_id: UUID
) -> Done:
    """Answers all visits within the session's transaction; the caller commits.

    Row locks are taken in one order everywhere: items, then what claims lock, then visitors'
    tracks, each sorted by key, so that two processes never deadlock.
    """
    rows = gather(session, visits)
    former = former_gtins(session, visits, rows)
    cases = [_open(visits[n], row, n in former) for n, row in enumerate(rows)]
    _mark_new(cases)
    births = _lock_items(session, cases)
    _judge(cases, catalogue)
    topics = {CREDIT.name} if _claim(session, cases, catalogue) else set()
    placing = [case for case in cases if case.is_placing]
    recorded = [case for case in cases if case.is_new_scan]
    wrote = bool(recorded) or any(c.visit.kind in (Kind.CLAIM, Kind.PLACE) for c in cases)
    if wrote:
        facts = _facts(cases, recorded, births, placing)
        topics |= record.write(session, batch_id, WINDOW, facts)
    record.places(session, [(case.visit, case.verdict) for case in placing])
    for case in cases:
        _offer(case, catalogue)
    return Done([_answer(case) for case in cases], frozenset(topics), wrote)


def _facts(
    cases: Sequence[_Case],
    recorded: Sequence[_Case],
    births: Sequence[_Case],
    placing: Sequence[_Case],
) -> record.Facts:
    tracked = [c for c in cases if c.is_placing or (c.is_new_scan and c.is_live)]
    return record.Facts(
        tracked=[(case.visit, int(case.is_new_scan)) for case in tracked],
        scanned=[(case.visit, case.outcome, case.verdict) for case in recorded],
        first=[(case.visit, case.row.product_id) for case in births],
        told=[c.visit for c in placing if c.first_visitor == c.visit.visitor_id],
    )


def _open(visit: Visit, row: Evidence, has_former_gtin: bool) -> _Case:
    outcome = fixed_outcome(row, visit, has_former_gtin)
    case = _Case(
        visit=visit,
        row=row,
        outcome=outcome or Outcome.FIRST,
        is_live=outcome is None,
        scans=row.scans or 0,
        first_at=row.first_at,
        first_region=row.first_region,
        first_visitor=row.first_visitor,
    )
    if case.is_live and row.first_at is not None:
        case.outcome = outcome_after(visit, row.first_at, row.first_region, _is_mine(case))
    if row.decision is not None and outcome is not Outcome.FORGED:
        case.claim = _known_claim(row, visit)
    return case


def _answer(case: _Case) -> Answer:
    row, offer = case.row, case.offer
    if case.outcome is Outcome.FORGED:
        return Answer(Outcome.FORGED, case.visit.brand_id)
    return Answer(
        outcome=case.outcome,
        brand_id=case.visit.brand_id,
        product_id=row.product_id,
        lot=row.lot,
        produced_on=row.produced_on,
        expires_on=row.expires_on,
        state=row.state,
        void_reason=row.reason,
        first_at=case.first_at,
        first_region=case.first_region,
        scans=case.scans,
        member_id=row.member_id,
        verdict=case.verdict,
        claim=case.claim,
        offer_points=offer.points if offer else None,
        offer_campaign_id=offer.id if offer else None,
    )


def _known_claim(row: Evidence, visit: Visit) -> ClaimAnswer:
    assert row.decision is not None
    assert row.claim_visitor is not None
    return owner_sees(
        decision=ClaimState(row.decision),
        points=row.claim_points or 0,
        campaign_id=row.campaign_id,
        claimed_by=(row.claim_visitor, row.claim_member),
        asks=(visit.visitor_id, row.member_id),
    )


def _is_mine(case: _Case) -> bool:
    """Whether the item's first scan was this person's, in this browser or signed in elsewhere."""
    member = case.row.member_id
    same_member = member is not None and member == case.row.first_member
    return case.first_visitor == case.visit.visitor_id or same_member


def _mark_new(cases: Sequence[_Case]) -> None:
    """A scan or claim counts unless this visitor's session with the code has begun already.

    A place counts once a session: the first from a source other than the scan's own.
    """
    begun: set[tuple[int, UUID]] = set()
    placed: set[tuple[int, UUID]] = set()
    for case in cases:
        visit, row = case.visit, case.row
        if case.outcome is Outcome.FORGED:
            continue
        if visit.kind in (Kind.SCAN, Kind.CLAIM):
            case.is_new_scan = row.session_at is None and case.pair not in begun
            begun.add(case.pair)
        elif visit.kind is Kind.PLACE and visit.place is not None and case.is_live:
            is_known = row.session_at is not None or case.pair in begun
            is_better = row.session_source != visit.place.source and case.pair not in placed
            case.is_placing = is_known and is_better
            placed.add(case.pair)


def _lock_items(session: Session, cases: Sequence[_Case]) -> list[_Case]:
    """Items are born, counted and locked until the commit; returns the cases that were first."""
    touching = [
        case
        for case in cases
        if case.is_live and (case.is_new_scan or case.is_placing or case.visit.kind is Kind.CLAIM)
    ]
    if not touching:
        return []
    items = record.items(session, [(case.visit, case.is_new_scan) for case in touching])
    _read_again(session, touching, items)
    births = []
    scans: dict[int, int] = {}
    for case in cases:
        item = items.get(case.visit.code_id)
        if item is None or not case.is_live or case.visit.kind is Kind.LOOK:
            continue
        scans[item.code_id] = scans.get(item.code_id, item.scans_before) + case.is_new_scan
        if item.is_born and case.is_new_scan and scans[item.code_id] == 1:
            births.append(case)
        _tell_item(case, item, scans[item.code_id])
    for case in births:
        case.outcome = Outcome.FIRST
    return births


def _read_again(
    session: Session, touching: Sequence[_Case], items: dict[int, record.ItemNow]
) -> None:
    """Reads anew what another process changed between our first read and our lock.

    Its commit may have begun the very session that we were about to count.
    """
    changed = [
        case
        for case in touching
        if not (item := items[case.visit.code_id]).is_born
        and item.scans_before != (case.row.scans or 0)
    ]
    if not changed:
        return
    too_many: dict[tuple[int, int], int] = {}
    for case, row in zip(changed, gather(session, [c.visit for c in changed]), strict=True):
        case.row = row
        if case.is_new_scan and row.session_at is not None:
            case.is_new_scan = False
            counted = case.visit.brand_id, case.visit.code_id
            too_many[counted] = too_many.get(counted, 0) + 1
        if row.decision is not None:
            case.claim = _known_claim(row, case.visit)
    record.uncount(session, too_many)


def _tell_item(case: _Case, item: record.ItemNow, scans: int) -> None:
    case.first_at, case.first_region = item.first_at, item.first_region
    case.first_visitor = item.first_visitor
    case.outcome = outcome_after(case.visit, item.first_at, item.first_region, _is_mine(case))
    case.scans = scans


def _judge(cases: Sequence[_Case], catalogue: Catalogue) -> None:
    """What antifraud thinks of each visit; of a look, what it would think of its scan."""
    earlier: dict[tuple[int, UUID], int] = {}
    for case in cases:
        if not case.is_live:
            continue
        track = case.visit.brand_id, case.visit.visitor_id
        count = earlier.get(track, 0)
        is_ahead = case.is_new_scan or (
            case.visit.kind is Kind.LOOK and case.row.session_at is None
        )
        # A scan already counted is in the window already.
        case.verdict = verdict_of(
            case.row, case.visit, count if is_ahead else count - 1, catalogue.regions
        )
        if case.is_new_scan:
            earlier[track] = count + 1


def _claim(session: Session, cases: Sequence[_Case], catalogue: Catalogue) -> bool:
    """Decides the claims; returns whether any is owed points."""
    claiming = [c for c in cases if c.visit.kind is Kind.CLAIM and c.outcome in LIVE]
    if not claiming:
        return False
    requests = [_claim_request(case, catalogue) for case in claiming]
    answers = claim(session, requests, catalogue.content.campaigns)
    for case, answer in zip(claiming, answers, strict=True):
        case.claim = answer
    return any(a.state == ClaimState.GRANTED and a.member_id is not None for a in answers)


def _claim_request(case: _Case, catalogue: Catalogue) -> ClaimRequest:
    area, regions = case.row.area_code, catalogue.regions
    return ClaimRequest(
        code_id=case.visit.code_id,
        brand_id=case.visit.brand_id,
        product_id=case.row.product_id,
        area_codes=regions.ancestors(area) if area is not None and area in regions else None,
        visitor_id=case.visit.visitor_id,
        verdict=case.verdict,
        request_id=case.visit.request_id,
    )


def _offer(case: _Case, catalogue: Catalogue) -> None:
    """Says what a claim would give, when there is none yet."""
    if case.outcome not in LIVE or case.claim is not None:
        return
    request = _claim_request(case, catalogue)
    found = campaign_for(catalogue.content.campaigns, request, case.visit.at)
    if not isinstance(found, ClaimAnswer):
        case.offer = found
