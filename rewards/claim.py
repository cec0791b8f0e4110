"""Claims: decided once per item for ever, a batch at a time, within budgets and daily limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock
from core.day import day_of
from core.db import run
from core.rows import array
from rewards.answer import ClaimAnswer, ClaimRequest, ClaimState, owner_sees
from rewards.bind import hold_sign_ins
from rewards.models import Campaign
from rewards.record import record
from rewards.reserve import (
    Budget,
    CampaignKey,
    Counted,
    lock_budgets,
    lock_counts,
    person,
    write_counts,
)
from traceability.verdict import Decision


class _Known(NamedTuple):
    """A visitor's member and an item's claim; None where nothing is."""

    n: int
    member_id: int | None
    decision: str | None
    points: int | None
    campaign_id: int | None
    claim_visitor: UUID | None
    claim_member: int | None
    time_zone: str  # the brand's


@dataclass(slots=True)
class _Wish:
    """A claim on its way: who asks, which campaign would pay, what its limit would count."""

    request: ClaimRequest
    member_id: int | None
    campaign: Campaign
    counted: Counted

    @property
    def budget_key(self) -> CampaignKey:
        return self.request.brand_id, self.campaign.id

    @property
    def is_limited(self) -> bool:
        return self.campaign.daily_limit is not None


def claim(
    session: Session, requests: Sequence[ClaimRequest], campaigns: Sequence[Campaign]
) -> list[ClaimAnswer]:
    """The answers, in the order of the requests; grants are owed to the `credit` topic.

    Locks, in this order and each sorted: visitors, claim counts, campaign budgets. An item that
    was claimed before gives the first answer to the same person and `taken` to another.
    """
    if not requests:
        return []
    hold_sign_ins(session, {request.visitor_id for request in requests})
    now = clock.now()
    offers = _by_brand(campaigns)
    answers: dict[int, ClaimAnswer] = {}
    wishes: dict[int, _Wish] = {}
    for position, known in enumerate(_known(session, requests)):
        request = requests[position]
        answer = _settled_before(request, known, offers.get(request.brand_id, ()), now)
        if isinstance(answer, Campaign):
            who = person(known.member_id, request.visitor_id)
            counted = Counted(request.brand_id, answer.id, who, day_of(now, known.time_zone))
            wishes[position] = _Wish(request, known.member_id, answer, counted)
        else:
            answers[position] = answer
    budgets: dict[CampaignKey, Budget] = {}
    if wishes:
        budgets = _decide(session, wishes, answers)
    complete = [answers[position] for position in range(len(requests))]
    record(session, list(zip(requests, complete, strict=True)), budgets, now)
    return complete


def _by_brand(campaigns: Sequence[Campaign]) -> dict[int, list[Campaign]]:
    """There may be far more brands than a batch has claims."""
    grouped: dict[int, list[Campaign]] = {}
    for campaign in campaigns:
        grouped.setdefault(campaign.brand_id, []).append(campaign)
    return grouped


def _known(session: Session, requests: Sequence[ClaimRequest]) -> list[_Known]:
    """For each request, in order: its visitor's member and the item's claim, where there are."""
    values = {
        "codes": array([request.code_id for request in requests]),
        "visitors": array([request.visitor_id for request in requests]),
        "brands": array([request.brand_id for request in requests]),
    }
    return sorted(map(_Known._make, run(session, _KNOWN, values)), key=itemgetter(0))


def _settled_before(
    request: ClaimRequest, known: _Known, campaigns: Sequence[Campaign], now: datetime
) -> ClaimAnswer | Campaign:
    """The answer when no limit need be asked, else the campaign that would pay."""
    if known.decision is not None:
        assert known.claim_visitor is not None
        return owner_sees(
            ClaimState(known.decision),
            known.points or 0,
            known.campaign_id,
            (known.claim_visitor, known.claim_member),
            (request.visitor_id, known.member_id),
        )
    if request.verdict.decision is Decision.REFUSE:
        reasons = request.verdict.reasons
        return ClaimAnswer(ClaimState.REFUSED, reason=reasons[0].code if reasons else "verdict")
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
            and set(campaign.area_codes).isdisjoint(request.area_codes)
        ):
            reason = "other_area"
        else:
            fitting.append(campaign)
    if not fitting:
        return ClaimAnswer(ClaimState.REFUSED, reason=reason)
    return max(fitting, key=lambda campaign: (campaign.points, -campaign.id))


def _decide(
    session: Session, wishes: dict[int, _Wish], answers: dict[int, ClaimAnswer]
) -> dict[CampaignKey, Budget]:
    """Answers the wishes in their order, within limits and budgets; the budgets that changed."""
    # Most claims are granted, so all are counted at once, and few have to be taken back.
    ahead = Counter(w.counted for w in wishes.values() if w.is_limited)
    counts = lock_counts(session, ahead)
    expected = {key: counts[key] + ahead[key] for key in ahead}
    budgets = lock_budgets(session, {wish.budget_key for wish in wishes.values()})
    before = dict(budgets)
    first: dict[int, tuple[_Wish, ClaimAnswer]] = {}  # claims of this very batch
    for position, wish in wishes.items():
        if wish.request.code_id in first:
            answers[position] = _repeat(wish, *first[wish.request.code_id])
            continue
        answer = _spend(wish, counts, budgets)
        answers[position] = answer
        if answer.state != ClaimState.REFUSED:
            first[wish.request.code_id] = wish, answer
    write_counts(session, counts, expected)
    return {key: budget for key, budget in budgets.items() if budget != before[key]}


def _repeat(wish: _Wish, earlier: _Wish, answer: ClaimAnswer) -> ClaimAnswer:
    return owner_sees(
        answer.state,
        answer.points,
        answer.campaign_id,
        (earlier.request.visitor_id, earlier.member_id),
        (wish.request.visitor_id, wish.member_id),
    )


def _spend(
    wish: _Wish, counts: dict[Counted, int], budgets: dict[CampaignKey, Budget]
) -> ClaimAnswer:
    campaign = wish.campaign
    budget = budgets[wish.budget_key]
    if budget.is_stopped:
        return ClaimAnswer(ClaimState.REFUSED, campaign_id=campaign.id, reason="ended")
    reserved = budget.reserved_points + campaign.points
    if reserved > budget.points:
        return ClaimAnswer(ClaimState.REFUSED, campaign_id=campaign.id, reason="exhausted")
    if campaign.daily_limit is not None:
        if counts[wish.counted] >= campaign.daily_limit:
            return ClaimAnswer(ClaimState.REFUSED, campaign_id=campaign.id, reason="daily_limit")
        counts[wish.counted] += 1
    budgets[wish.budget_key] = budget._replace(reserved_points=reserved)
    held = wish.request.verdict.decision is Decision.HOLD
    return ClaimAnswer(
        ClaimState.HELD if held else ClaimState.GRANTED,
        campaign.points,
        campaign.id,
        wish.member_id,
    )


_KNOWN = """
    SELECT t.n, b.member_id, c.decision, c.points, c.campaign_id,
           c.visitor_id AS claim_visitor, c.member_id AS claim_member, o.time_zone
    FROM unnest(CAST(%(codes)s AS bigint[]), CAST(%(visitors)s AS uuid[]),
                CAST(%(brands)s AS bigint[]))
         WITH ORDINALITY AS t(code_id, visitor_id, brand_id, n)
    JOIN brand o ON o.id = t.brand_id
    LEFT JOIN visitor_binding b ON b.brand_id = t.brand_id AND b.visitor_id = t.visitor_id
         AND b.ended_at IS NULL
    LEFT JOIN claim c ON c.brand_id = t.brand_id AND c.code_id = t.code_id
"""
