"""A claim is decided once an item, within budgets and daily limits, whoever asks at once."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from rewards.answer import ClaimAnswer, ClaimRequest, ClaimState, owner_sees
from rewards.audit import audit
from rewards.campaign import stop
from rewards.claim import campaign_for, claim
from rewards.models import Campaign, CampaignBudget, Claim, ClaimCount, ClaimRefusal
from tests import factories
from tests.factories import NOON
from tests.locks import waiting_for
from tests.rewards.shelf import (
    HOLD,
    REFUSE,
    Shelf,
    all_at_once,
    count,
    credit_all,
    owed_credit,
    people,
    stock,
)
from traceability.verdict import Decision, Verdict


@pytest.fixture
def shelf(session: Session) -> Iterator[Shelf]:
    with clock.fixed(NOON):
        yield stock(session)


def _states(answers: list[ClaimAnswer]) -> list[str]:
    return [answer.reason or answer.state for answer in answers]


def _reserved(session: Session, campaign: Campaign) -> int:
    query = select(CampaignBudget.reserved_points)
    return session.scalars(query.where(CampaignBudget.campaign_id == campaign.id)).one()


def test_the_first_answer_is_repeated_to_the_same_person_and_another_learns_it_is_taken(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    mine, again, other = people(3)
    member = shelf.member(session, mine, again)
    (first,) = shelf.claim(session, campaign, mine, [0])
    assert first == ClaimAnswer(ClaimState.GRANTED, 5, campaign.id, member.id)
    for browser in (mine, again):  # the same member with another browser is the same person
        assert shelf.claim(session, campaign, browser, [0]) == [replace(first, is_repeat=True)]
    (taken,) = shelf.claim(session, campaign, other, [0])
    assert taken == ClaimAnswer(ClaimState.TAKEN, reason="taken", is_repeat=True)
    assert count(session, Claim, Claim.brand_id == shelf.brand.id) == 1
    assert _reserved(session, campaign) == 5
    assert [row.payload for row in owed_credit(session, shelf.brand)] == [
        {"codes": [shelf.order.lo]}
    ]


def test_within_one_batch_an_item_goes_to_who_asked_first(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand)
    first, second = people(2)
    asked = [shelf.ask(0, first), shelf.ask(0, second), shelf.ask(0, first), shelf.ask(1, second)]
    answers = claim(session, asked, [campaign])
    assert [(a.state, a.is_repeat) for a in answers] == [
        (ClaimState.GRANTED, False),
        (ClaimState.TAKEN, True),
        (ClaimState.GRANTED, True),
        (ClaimState.GRANTED, False),
    ]
    assert _reserved(session, campaign) == 10


def test_claims_of_visitors_who_are_not_signed_in_wait_and_owe_nothing_yet(
    session: Session, shelf: Shelf
) -> None:
    (visitor,) = people(1)
    shelf.claim(session, factories.campaign(session, shelf.brand), visitor, [0, 1])
    assert owed_credit(session, shelf.brand) == []
    assert count(session, Claim, Claim.visitor_id == visitor, Claim.member_id.is_(None)) == 2


def test_an_exhausted_budget_is_named_and_leaves_the_item_claimable(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand, budget_points=14, daily_limit=9)
    (visitor,) = people(1)
    answers = shelf.claim(session, campaign, visitor, range(4))
    assert _states(answers) == [ClaimState.GRANTED, ClaimState.GRANTED, "exhausted", "exhausted"]
    assert [a.points for a in answers] == [5, 5, 0, 0]
    assert _reserved(session, campaign) == 10
    counted = session.scalars(
        select(ClaimCount.claims).where(ClaimCount.campaign_id == campaign.id)
    ).one()
    assert counted == 2
    refused = session.execute(
        select(ClaimRefusal.code_id, ClaimRefusal.reason, ClaimRefusal.campaign_id).where(
            ClaimRefusal.brand_id == shelf.brand.id
        )
    ).all()
    assert refused == [(shelf.order.lo + n, "exhausted", campaign.id) for n in (2, 3)]
    other = factories.campaign(session, shelf.brand)
    assert _states(shelf.claim(session, other, visitor, [2])) == [ClaimState.GRANTED]


def test_a_daily_limit_counts_a_member_in_all_browsers_and_starts_anew_at_midnight_in_china(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand, daily_limit=3)
    first, second = people(2)
    shelf.member(session, first, second)
    assert _states(shelf.claim(session, campaign, first, [0, 1])) == [
        "granted",
        ClaimState.GRANTED,
    ]
    assert _states(shelf.claim(session, campaign, second, [2, 3])) == [
        ClaimState.GRANTED,
        "daily_limit",
    ]
    with clock.fixed(NOON.replace(hour=15, minute=59)):
        assert _states(shelf.claim(session, campaign, first, [3])) == ["daily_limit"]
    with clock.fixed(NOON.replace(hour=16)):
        assert _states(shelf.claim(session, campaign, first, [3])) == [ClaimState.GRANTED]


def test_a_daily_limit_is_each_persons_and_each_campaigns_own(
    session: Session, shelf: Shelf
) -> None:
    first = factories.campaign(session, shelf.brand, daily_limit=1)
    second = factories.campaign(session, shelf.brand, daily_limit=1)
    one, two = people(2)
    assert _states(shelf.claim(session, first, one, [0, 1])) == [ClaimState.GRANTED, "daily_limit"]
    assert _states(shelf.claim(session, first, two, [1, 2])) == [ClaimState.GRANTED, "daily_limit"]
    assert _states(shelf.claim(session, second, one, [2, 3])) == [ClaimState.GRANTED, "daily_limit"]


def test_a_held_claim_reserves_its_points_and_keeps_why(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand, budget_points=5)
    (visitor,) = people(1)
    shelf.member(session, visitor)
    (held,) = shelf.claim(session, campaign, visitor, [0], HOLD)
    assert (held.state, held.points) == (ClaimState.HELD, 5)
    assert owed_credit(session, shelf.brand) == []
    assert session.get_one(Claim, (shelf.brand.id, shelf.order.lo)).reasons == [
        {"code": "pace", "facts": {"scans": 40}}
    ]
    assert _states(shelf.claim(session, campaign, visitor, [1])) == ["exhausted"]
    assert shelf.claim(session, campaign, visitor, [0]) == [replace(held, is_repeat=True)]


def test_a_refusing_verdict_leaves_the_item_claimable(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand)
    forger, honest = people(2)
    assert _states(shelf.claim(session, campaign, forger, [0], REFUSE)) == ["forger"]
    mute = Verdict(Decision.REFUSE)
    assert shelf.claim(session, campaign, forger, [0], mute)[0].state == ClaimState.REFUSED
    assert _states(shelf.claim(session, campaign, honest, [0])) == [ClaimState.GRANTED]


def test_a_campaign_that_was_stopped_grants_nothing_though_a_process_still_believes_in_it(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    session.expunge(campaign)
    stop(session, shelf.brand.id, campaign.id)
    assert campaign.stopped_at is None
    (visitor,) = people(1)
    assert _states(shelf.claim(session, campaign, visitor, [0])) == ["ended"]


def test_no_requests_have_no_answers(session: Session) -> None:
    assert claim(session, [], []) == []


def test_the_owner_of_a_claim_is_its_visitor_or_its_member() -> None:
    a, b = people(2)
    assert owner_sees(ClaimState.GRANTED, 5, 1, (a, None), (a, 7)).state == ClaimState.GRANTED
    assert owner_sees(ClaimState.GRANTED, 5, 1, (a, 7), (b, 7)).state == ClaimState.GRANTED
    assert owner_sees(ClaimState.GRANTED, 5, 1, (a, 7), (b, 8)).state == ClaimState.TAKEN
    assert owner_sees(ClaimState.GRANTED, 5, 1, (a, None), (b, None)).state == ClaimState.TAKEN


def _plan(**more: object) -> Campaign:
    values = {"id": 1, "brand_id": 1, "points": 5, "starts_at": NOON - timedelta(days=9), **more}
    return Campaign(**values)


@pytest.mark.parametrize(
    ("plan", "area_codes", "reason"),
    [
        (_plan(), None, None),
        (_plan(brand_id=2), None, "no_campaign"),
        (_plan(product_ids=[7, 8]), None, None),
        (_plan(product_ids=[8]), None, "no_campaign"),
        (_plan(starts_at=NOON), None, None),
        (_plan(starts_at=NOON + timedelta(seconds=1)), None, "not_started"),
        (_plan(ends_at=NOON + timedelta(seconds=1)), None, None),
        (_plan(ends_at=NOON), None, "ended"),
        (_plan(stopped_at=NOON - timedelta(days=1)), None, "ended"),
        (_plan(area_codes=["330000"]), ("330100", "330000", "CN"), None),
        (_plan(area_codes=["330000"]), ("440100", "440000", "CN"), "other_area"),
        (_plan(area_codes=["330000"]), None, None),  # missing papers are not the consumer's
    ],
)
def test_a_campaign_pays_within_its_dates_products_and_areas(
    plan: Campaign, area_codes: tuple[str, ...] | None, reason: str | None
) -> None:
    found = campaign_for([plan], _request(area_codes), NOON)
    if reason is None:
        assert found is plan
    else:
        assert found == ClaimAnswer(ClaimState.REFUSED, reason=reason)


def test_of_several_campaigns_the_best_pays_and_of_equals_the_elder() -> None:
    plans = [_plan(id=4, points=8), _plan(id=3, points=5), _plan(id=2, points=8, ends_at=NOON)]
    plans.append(_plan(id=5, points=8))
    random.Random(1).shuffle(plans)
    found = campaign_for(plans, _request(None), NOON)
    assert isinstance(found, Campaign)
    assert found.id == 4


def _request(area_codes: tuple[str, ...] | None) -> ClaimRequest:
    return ClaimRequest(1, 1, 7, area_codes, people(1)[0], Verdict(Decision.ALLOW))


def test_batches_at_once_grant_each_item_once_and_stay_within_the_budget(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, budget_points=64)
    chance = random.Random(3)

    def work(visitor):
        batches = [chance.sample(range(20), 7) for _ in range(4)]

        def run(session: Session) -> list[ClaimAnswer]:
            answers = []
            for batch in batches:
                answers += shelf.claim(session, campaign, visitor, batch)
                session.commit()
            return answers

        return run

    visitors = people(5)
    answers = [a for found in all_at_once(engine, [work(v) for v in visitors]) for a in found]
    first = [a for a in answers if a.state == ClaimState.GRANTED and not a.is_repeat]
    assert len(first) == 12
    assert any(a.reason == "exhausted" for a in answers)
    with Session(engine) as session:
        assert count(session, Claim) == 12
        assert _reserved(session, campaign) == 60
        assert audit(session, shelf.brand.id).wrong_budgets == 0


def test_browsers_of_one_member_at_once_stay_within_its_daily_limit(engine: Engine) -> None:
    browsers = people(4)
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, daily_limit=3)
        member = shelf.member(session, *browsers)

    def work(browser, start: int):
        def run(session: Session) -> list[ClaimAnswer]:
            return shelf.claim(session, campaign, browser, range(start, start + 4))

        return run

    with clock.fixed(NOON):
        works = [work(browser, 4 * number) for number, browser in enumerate(browsers)]
        found = all_at_once(engine, works)
    states = [state for answers in found for state in _states(answers)]
    assert sorted(states) == ["daily_limit"] * 13 + [ClaimState.GRANTED] * 3
    with Session(engine) as session:
        assert count(session, Claim, Claim.member_id == member.id) == 3


def test_who_waits_for_the_last_points_of_a_budget_learns_that_they_went(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, budget_points=5, daily_limit=5)
    one, two = people(2)
    with make_sessions(engine)() as first:
        assert _states(shelf.claim(first, campaign, one, [0])) == [ClaimState.GRANTED]

        def late(session: Session) -> list[ClaimAnswer]:
            return shelf.claim(session, campaign, two, [1])

        with waiting_for(engine, first, late) as second:
            first.commit()
            assert _states(second.result(10)) == ["exhausted"]


def test_who_waits_for_points_that_are_given_back_gets_them(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, budget_points=5)
    one, two = people(2)
    with make_sessions(engine)() as first:
        shelf.claim(first, campaign, one, [0])

        def late(session: Session) -> list[ClaimAnswer]:
            return shelf.claim(session, campaign, two, [0])

        with waiting_for(engine, first, late) as second:
            first.rollback()
            assert _states(second.result(10)) == [ClaimState.GRANTED]
    with make_sessions(engine).begin() as session:
        shelf.sign_in(session, two, shelf.member(session).id)
        credit_all(session, shelf.brand)
        assert audit(session, shelf.brand.id).balanced
