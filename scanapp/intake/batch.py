"""One batch: read once, lock items, decide in order of arrival, write each table once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.outbox import with_requests
from rewards.claim import ClaimAnswer, ClaimRequest, campaign_for, claim, owner_sees
from scanapp.intake import record
from scanapp.intake.catalogue import Catalogue
from scanapp.intake.decide import LIVE, fixed_outcome, outcome_after, verdict_of
from scanapp.intake.evidence import gather
from scanapp.intake.visit import Answer, Kind, Outcome, Visit


@dataclass(slots=True)
class _Case:
    """A visit on its way through the batch."""

    visit: Visit
    row: Any
    answer: Answer
    is_live: bool = False
    is_new_scan: bool = False
    is_placing: bool = False
    first_visitor: UUID | None = None

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
    cases = [_open(visit, row) for visit, row in zip(visits, rows, strict=True)]
    _mark_new(cases)
    births = _lock_items(session, cases)
    _judge(cases, catalogue)
    topics = set()
    if _claim(session, cases, catalogue):
        topics.add("credit")
    placing = [case for case in cases if case.is_placing]
    owed = [*_trace(births), *_placed(placing)]
    if owed:
        topics.add("trace")
    recorded = [case for case in cases if case.is_new_scan]
    wrote = bool(recorded) or any(c.visit.kind in (Kind.CLAIM, Kind.PLACE) for c in cases)
    if wrote:
        tracked = [c for c in cases if c.is_placing or (c.is_new_scan and c.is_live)]
        record.write(
            session,
            batch_id,
            [(case.visit, int(case.is_new_scan)) for case in tracked],
            [(case.visit, case.answer) for case in recorded],
            owed,
        )
    record.places(session, [(case.visit, case.answer.verdict) for case in placing])
    for case in cases:
        _offer(case, catalogue)
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
    case = _Case(visit, row, answer, outcome is None, first_visitor=row.first_visitor)
    if case.is_live and row.first_at is not None:
        outcome = outcome_after(visit, row.first_at, row.first_region, _is_mine(case))
        case.answer = replace(answer, outcome=outcome)
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
        if case.answer.outcome is Outcome.FORGED:
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
        case.answer = replace(case.answer, outcome=Outcome.FIRST)
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
    too_many: dict[int, int] = {}
    for case, row in zip(changed, gather(session, [c.visit for c in changed]), strict=True):
        case.row = row
        if case.is_new_scan and row.session_at is not None:
            case.is_new_scan = False
            too_many[case.visit.code_id] = too_many.get(case.visit.code_id, 0) + 1
        if row.decision is not None:
            case.answer = replace(case.answer, claim=_known_claim(row, case.visit))
    record.uncount(session, too_many)


def _tell_item(case: _Case, item: record.ItemNow, scans: int) -> None:
    case.first_visitor = item.first_visitor
    case.answer = replace(
        case.answer,
        outcome=outcome_after(case.visit, item.first_at, item.first_region, _is_mine(case)),
        first_at=item.first_at,
        first_region=item.first_region,
        scans=scans,
    )


def _judge(cases: Sequence[_Case], catalogue: Catalogue) -> None:
    """What antifraud thinks of each visit; of a look, what it would think of its scan."""
    earlier: dict[UUID, int] = {}
    for case in cases:
        if not case.is_live:
            continue
        count = earlier.get(case.visit.visitor_id, 0)
        is_ahead = case.is_new_scan or (
            case.visit.kind is Kind.LOOK and case.row.session_at is None
        )
        # A scan already counted is in the window already.
        verdict = verdict_of(
            case.row, case.visit, count if is_ahead else count - 1, catalogue.regions
        )
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
        request_id=case.visit.request_id,
    )


def _placed(placing: Sequence[_Case]) -> list[record.Owed]:
    """What is owed to the trace for first scans whose place is told now."""
    told = [
        (case, [case.visit.code_id, case.visit.place.region_code, case.visit.place.source])
        for case in placing
        if case.first_visitor == case.visit.visitor_id and case.visit.place is not None
    ]
    return _owed("places", told)


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


def _trace(births: Sequence[_Case]) -> list[record.Owed]:
    """The first scans as traceability wants them."""
    entries = []
    for case in births:
        visit, place = case.visit, case.visit.place
        entry = [
            visit.code_id,
            visit.at.isoformat(),
            str(visit.visitor_id),
            place.region_code if place else None,
            place.source if place else None,
            case.answer.product_id,
        ]
        entries.append((case, entry))
    return _owed("scans", entries)


def _owed(kind: str, entries: Sequence[tuple[_Case, list[Any]]]) -> list[record.Owed]:
    """One row a brand for the trace, with all its entries."""
    by_brand: dict[int, list[tuple[_Case, list[Any]]]] = {}
    for case, entry in entries:
        by_brand.setdefault(case.answer.brand_id, []).append((case, entry))
    return [
        record.Owed(
            "trace",
            brand,
            with_requests(
                {kind: [entry for _, entry in by_brand[brand]]},
                (case.visit.request_id for case, _ in by_brand[brand]),
            ),
        )
        for brand in sorted(by_brand)
    ]
