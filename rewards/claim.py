"""Claims: decided once per item for ever, a batch at a time, within budgets and daily limits."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, outbox
from rewards.bind import bindings_of
from rewards.models import Campaign
from rewards.reserve import (
    day_of,
    lock_budgets,
    lock_counts,
    person,
    write_budgets,
    write_counts,
)
from traceability.verdict import Decision, Verdict

GRANTED, HELD, REFUSED, TAKEN = "granted", "held", "refused", "taken"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A visitor claims an item that was scanned; the caller has locked the item's row.

    `area_codes`: the region that the goods were put into, and those around it; None if unknown.
    """

    code_id: int
    brand_id: int
    product_id: int | None
    area_codes: tuple[str, ...] | None
    visitor_id: UUID
    verdict: Verdict
    request_id: str = ""  # for the logs


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """`state`: granted, held, refused, or taken by somebody else before; `reason` says why not."""

    state: str
    points: int = 0
    campaign_id: int | None = None
    member_id: int | None = None
    reason: str | None = None
    is_repeat: bool = False


@dataclass(slots=True)
class _Wish:
    """A claim on its way: who asks, which campaign would pay."""

    request: ClaimRequest
    member_id: int | None
    campaign: Campaign

    def person(self) -> str:
        return person(self.member_id, self.request.visitor_id)


def claim(
    session: Session, requests: Sequence[ClaimRequest], campaigns: Sequence[Campaign]
) -> list[ClaimAnswer]:
    """The answers, in the order of the requests; grants are owed to the `credit` topic.

    Locks, in this order and each sorted: visitors, claim counts, campaign budgets. An item that
    was claimed before gives the first answer to the same person and `taken` to another.
    """
    members = bindings_of(session, {(r.visitor_id, r.brand_id) for r in requests})
    decided = _claims_of(session, [request.code_id for request in requests])
    now = clock.now()
    answers: list[ClaimAnswer | None] = [None] * len(requests)
    wishes: dict[int, _Wish] = {}
    for position, request in enumerate(requests):
        member_id = members.get((request.visitor_id, request.brand_id))
        answer = _settled_before(request, member_id, decided, campaigns, now)
        if isinstance(answer, Campaign):
            wishes[position] = _Wish(request, member_id, answer)
        else:
            answers[position] = answer
    if wishes:
        for position, answer in _decide(session, wishes, decided, now).items():
            answers[position] = answer
    complete = [answer for answer in answers if answer is not None]
    _record_refusals(session, requests, complete, now)
    return complete


def _settled_before(
    request: ClaimRequest,
    member_id: int | None,
    decided: dict[int, Any],
    campaigns: Sequence[Campaign],
    now: datetime,
) -> ClaimAnswer | Campaign:
    """The answer when no limit need be asked, else the campaign that would pay."""
    known = decided.get(request.code_id)
    if known is not None:
        return _repeat(request, member_id, known)
    if request.verdict.decision is Decision.REFUSE:
        reasons = request.verdict.reasons
        return ClaimAnswer(REFUSED, reason=reasons[0].code if reasons else "verdict")
    return campaign_for(campaigns, request, now)


def campaign_for(
    campaigns: Sequence[Campaign], request: ClaimRequest, at: datetime
) -> Campaign | ClaimAnswer:
    """The best-paying campaign that the item may claim, or a refusal that says what is missing.

    Goods whose way is not known may claim everywhere: missing paperwork is not the consumer's.
    """
    reason = "no_campaign"
    fitting = []
    for campaign in campaigns:
        if campaign.brand_id != request.brand_id:
            continue
        if campaign.product_ids and request.product_id not in campaign.product_ids:
            continue
        if campaign.starts_at > at:
            reason = "not_started"
        elif campaign.stopped_at is not None or (campaign.ends_at and campaign.ends_at <= at):
            reason = "ended"
        elif (
            campaign.area_codes
            and request.area_codes is not None
            and not (set(campaign.area_codes) & set(request.area_codes))
        ):
            reason = "other_area"
        else:
            fitting.append(campaign)
    if not fitting:
        return ClaimAnswer(REFUSED, reason=reason)
    return max(fitting, key=lambda campaign: (campaign.points, -campaign.id))


def owner_sees(
    decision: str,
    points: int,
    campaign_id: int | None,
    claimed_by: tuple[UUID, int | None],
    asks: tuple[UUID, int | None],
) -> ClaimAnswer:
    """An earlier claim as `asks` may know it: `taken` unless it was made by the same person.

    Both persons are `(visitor, member or None)`.
    """
    same_member = claimed_by[1] is not None and claimed_by[1] == asks[1]
    if same_member or claimed_by[0] == asks[0]:
        return ClaimAnswer(decision, points, campaign_id, claimed_by[1], is_repeat=True)
    return ClaimAnswer(TAKEN, reason="taken", is_repeat=True)


def _repeat(request: ClaimRequest, member_id: int | None, known: Any) -> ClaimAnswer:
    return owner_sees(
        known.decision,
        known.points,
        known.campaign_id,
        (known.visitor_id, known.member_id),
        (request.visitor_id, member_id),
    )


def _decide(
    session: Session, wishes: dict[int, _Wish], decided: dict[int, Any], now: datetime
) -> dict[int, ClaimAnswer]:
    """Spends counts and budgets in the order of the requests, and writes what was granted."""
    today = day_of(now)
    limited = [wish for wish in wishes.values() if wish.campaign.daily_limit is not None]
    counts = lock_counts(session, [(wish.campaign.id, wish.person()) for wish in limited], today)
    budgets = lock_budgets(session, [wish.campaign.id for wish in wishes.values()])
    before_counts, before_budgets = dict(counts), dict(budgets)
    answers: dict[int, ClaimAnswer] = {}
    granted: dict[int, _Wish] = {}
    for position, wish in wishes.items():
        if wish.request.code_id in decided:  # earlier in this very batch
            answers[position] = _repeat(wish.request, wish.member_id, decided[wish.request.code_id])
            continue
        answer = _spend(wish, counts, budgets)
        answers[position] = answer
        if answer.state in (GRANTED, HELD):
            granted[position] = wish
            decided[wish.request.code_id] = _Decided(
                answer.state, answer.points, answer.campaign_id, wish.member_id,
                wish.request.visitor_id,
            )  # fmt: skip
    _write_claims(session, [(granted[p], answers[p]) for p in granted], now)
    write_counts(session, counts, before_counts, today)
    write_budgets(session, budgets, before_budgets)
    _owe_credit(session, [(granted[p], answers[p]) for p in granted])
    return answers


@dataclass(frozen=True, slots=True)
class _Decided:
    decision: str
    points: int
    campaign_id: int | None
    member_id: int | None
    visitor_id: UUID


def _spend(
    wish: _Wish, counts: dict[tuple[int, str], int], budgets: dict[int, tuple[int, int, bool]]
) -> ClaimAnswer:
    campaign = wish.campaign
    reserved, budget, is_stopped = budgets[campaign.id]
    if is_stopped:
        return ClaimAnswer(REFUSED, campaign_id=campaign.id, reason="ended")
    if reserved + campaign.points > budget:
        return ClaimAnswer(REFUSED, campaign_id=campaign.id, reason="exhausted")
    counter = (campaign.id, wish.person())
    if campaign.daily_limit is not None:
        if counts[counter] >= campaign.daily_limit:
            return ClaimAnswer(REFUSED, campaign_id=campaign.id, reason="daily_limit")
        counts[counter] += 1
    budgets[campaign.id] = (reserved + campaign.points, budget, is_stopped)
    held = wish.request.verdict.decision is Decision.HOLD
    return ClaimAnswer(HELD if held else GRANTED, campaign.points, campaign.id, wish.member_id)


def _claims_of(session: Session, code_ids: Sequence[int]) -> dict[int, Any]:
    rows = session.execute(
        text(
            "SELECT code_id, decision, points, campaign_id, member_id, visitor_id FROM claim "
            "WHERE code_id = ANY(CAST(:codes AS bigint[]))"
        ),
        {"codes": list(code_ids)},
    )
    return {row.code_id: row for row in rows}


def _write_claims(
    session: Session, granted: Sequence[tuple[_Wish, ClaimAnswer]], now: datetime
) -> None:
    if not granted:
        return
    ordered = sorted(granted, key=lambda pair: pair[0].request.code_id)
    session.execute(
        text(
            """
            INSERT INTO claim (code_id, brand_id, campaign_id, visitor_id, member_id, points,
                               decision, reasons, decided_at, bound_at)
            VALUES (:code_id, :brand_id, :campaign_id, :visitor_id, :member_id, :points,
                    :decision, CAST(:reasons AS jsonb), :decided_at, :bound_at)
            """
        ),
        [
            {
                "code_id": wish.request.code_id,
                "brand_id": wish.request.brand_id,
                "campaign_id": wish.campaign.id,
                "visitor_id": wish.request.visitor_id,
                "member_id": wish.member_id,
                "points": answer.points,
                "decision": answer.state,
                "reasons": _as_json(wish.request.verdict),
                "decided_at": now,
                "bound_at": now if wish.member_id is not None else None,
            }
            for wish, answer in ordered
        ],
    )


def _as_json(verdict: Verdict) -> str | None:
    return json.dumps([asdict(reason) for reason in verdict.reasons]) if verdict.reasons else None


def _owe_credit(session: Session, granted: Sequence[tuple[_Wish, ClaimAnswer]]) -> None:
    owed: dict[int, list[ClaimRequest]] = {}
    for wish, answer in granted:
        if answer.state == GRANTED and wish.member_id is not None:
            owed.setdefault(wish.request.brand_id, []).append(wish.request)
    for brand_id in sorted(owed):
        payload = {"codes": [request.code_id for request in owed[brand_id]]}
        ids = (request.request_id for request in owed[brand_id])
        outbox.put(session, "credit", brand_id, payload, ids)


def _record_refusals(
    session: Session,
    requests: Sequence[ClaimRequest],
    answers: Sequence[ClaimAnswer],
    now: datetime,
) -> None:
    rows = [
        {
            "at": now,
            "brand_id": request.brand_id,
            "code_id": request.code_id,
            "campaign_id": answer.campaign_id,
            "visitor_id": request.visitor_id,
            "reason": answer.reason,
        }
        for request, answer in zip(requests, answers, strict=True)
        if answer.state in (REFUSED, TAKEN) and answer.reason is not None
    ]
    if rows:
        session.execute(
            text(
                "INSERT INTO claim_refusal (at, brand_id, code_id, campaign_id, visitor_id, reason)"
                " VALUES (:at, :brand_id, :code_id, :campaign_id, :visitor_id, :reason)"
            ),
            rows,
        )
