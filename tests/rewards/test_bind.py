"""Claims made before sign-in become the member's, none forgotten, none over a daily limit."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from ledger.accounts import balance
from members.models import VisitorBinding
from rewards.answer import ClaimAnswer, ClaimState
from rewards.audit import audit
from rewards.bind import Bound, bind, lock_visitor
from rewards.claim import claim
from rewards.credit import MEMBER
from rewards.models import Claim
from tests import factories
from tests.factories import NOON
from tests.locks import waiting_for
from tests.rewards.shelf import (
    HOLD,
    Shelf,
    all_at_once,
    count,
    credit_all,
    lock_items,
    owed_credit,
    people,
    stock,
)


@pytest.fixture
def shelf(session: Session) -> Iterator[Shelf]:
    with clock.fixed(NOON):
        yield stock(session)


def test_what_waits_becomes_the_members_and_what_is_granted_is_owed(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    visitor, stranger = people(2)
    shelf.claim(session, campaign, visitor, [0, 1])
    shelf.claim(session, campaign, visitor, [2], HOLD)
    shelf.claim(session, campaign, stranger, [3])
    member = shelf.member(session)
    assert shelf.sign_in(session, visitor, member.id) == Bound(claims=3, points=15, over_limit=0)
    owed = [row.payload["codes"] for row in owed_credit(session, shelf.brand)]
    assert owed == [[shelf.order.lo, shelf.order.lo + 1]]
    assert count(session, Claim, Claim.member_id == member.id, Claim.bound_at == NOON) == 3
    assert bind(session, shelf.brand.id, visitor, member.id) == Bound(0, 0, 0)
    assert len(owed_credit(session, shelf.brand)) == 1


def test_signing_in_at_one_brand_binds_nothing_at_another(session: Session, shelf: Shelf) -> None:
    elsewhere = stock(session)
    (visitor,) = people(1)
    campaign = factories.campaign(session, elsewhere.brand)
    elsewhere.claim(session, campaign, visitor, [0])
    member = shelf.member(session)
    assert shelf.sign_in(session, visitor, member.id) == Bound(0, 0, 0)
    (answer,) = elsewhere.claim(session, campaign, visitor, [1])
    assert (answer.state, answer.member_id) == (ClaimState.GRANTED, None)
    (answer,) = shelf.claim(session, factories.campaign(session, shelf.brand), visitor, [0])
    assert (answer.state, answer.member_id) == (ClaimState.GRANTED, member.id)


def test_three_browsers_of_one_person_get_no_more_than_one_daily_limit(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand, daily_limit=3)
    unlimited = factories.campaign(session, shelf.brand)
    browsers = people(3)
    for number, browser in enumerate(browsers):
        shelf.claim(session, campaign, browser, [2 * number, 2 * number + 1])
    shelf.claim(session, unlimited, browsers[2], [20])
    member = shelf.member(session)
    bound = [shelf.sign_in(session, browser, member.id) for browser in browsers]
    assert bound == [Bound(2, 10, 0), Bound(1, 5, 1), Bound(1, 5, 2)]
    again = bind(session, shelf.brand.id, browsers[2], member.id)
    assert again == Bound(claims=0, points=0, over_limit=2)
    (refused,) = shelf.claim(session, campaign, browsers[0], [9])
    assert refused.reason == "daily_limit"  # what was bound counts for what comes after
    credit_all(session, shelf.brand)
    assert balance(session, shelf.brand.id, MEMBER, member.id) == 20
    assert audit(session, shelf.brand.id).balanced


@pytest.mark.parametrize(
    ("time_zone", "evening"),
    [
        ("Asia/Shanghai", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 3, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 2, 4, 30, tzinfo=UTC)),  # of a day of 25 hours
    ],
)
def test_claims_of_several_days_count_on_the_brands_day_they_were_made(
    session: Session, time_zone: str, evening: datetime
) -> None:
    shelf = stock(session, time_zone=time_zone)
    campaign = factories.campaign(session, shelf.brand, daily_limit=1)
    night = evening + timedelta(hours=1)  # 23:30 and 00:30 there
    browsers = people(2)
    for moment in (evening, night):
        with clock.fixed(moment):
            for browser in browsers:
                number = (moment == night) + 2 * browsers.index(browser)
                assert (
                    shelf.claim(session, campaign, browser, [number])[0].state == ClaimState.GRANTED
                )
                refused = shelf.claim(session, campaign, browser, [number + 10])[0]
                assert refused.reason == "daily_limit"
    member = shelf.member(session)
    with clock.fixed(night):
        assert shelf.sign_in(session, browsers[0], member.id) == Bound(2, 10, 0)
        assert shelf.sign_in(session, browsers[1], member.id) == Bound(0, 0, 2)


def test_one_batch_counts_each_brands_claims_on_its_own_day(session: Session) -> None:
    shelves = [stock(session, time_zone=name) for name in ("Asia/Shanghai", "America/New_York")]
    campaigns = [factories.campaign(session, shelf.brand, daily_limit=1) for shelf in shelves]
    (visitor,) = people(1)

    def states(number: int) -> list[str]:
        for shelf in shelves:
            lock_items(session, shelf.brand.id, [shelf.order.lo + number], visitor)
        asked = [shelf.ask(number, visitor) for shelf in shelves]
        return [answer.state for answer in claim(session, asked, campaigns)]

    with clock.fixed(datetime(2026, 11, 20, 15, 30, tzinfo=UTC)):
        assert states(0) == [ClaimState.GRANTED, ClaimState.GRANTED]
    with clock.fixed(datetime(2026, 11, 20, 16, 30, tzinfo=UTC)):
        assert states(1) == [
            ClaimState.GRANTED,
            ClaimState.REFUSED,
        ]  # tomorrow in Shanghai, still today in New York


def test_a_claim_that_is_under_way_when_its_visitor_signs_in_is_bound(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, daily_limit=5)
        member = shelf.member(session)
    (visitor,) = people(1)
    with make_sessions(engine)() as claiming:
        shelf.claim(claiming, campaign, visitor, [0, 1])

        def sign_in(session: Session) -> Bound:
            return shelf.sign_in(session, visitor, member.id)

        with waiting_for(engine, claiming, sign_in) as signing_in:
            claiming.commit()
            assert signing_in.result(10) == Bound(2, 10, 0)


def test_a_claim_that_comes_while_its_visitor_signs_in_is_the_members_from_the_start(
    engine: Engine,
) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, daily_limit=5)
        member = shelf.member(session)
    (visitor,) = people(1)
    with make_sessions(engine)() as signing_in:
        shelf.sign_in(signing_in, visitor, member.id)

        def late(session: Session) -> list[ClaimAnswer]:
            return shelf.claim(session, campaign, visitor, [0])

        with waiting_for(engine, signing_in, late) as claiming:
            signing_in.commit()
            assert claiming.result(10) == [
                ClaimAnswer(ClaimState.GRANTED, 5, campaign.id, member.id)
            ]


def test_batches_that_claim_for_the_same_visitors_do_not_wait_for_each_other(
    engine: Engine,
) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        one = factories.campaign(session, shelf.brand)
        two = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    with make_sessions(engine)() as first, make_sessions(engine)() as second:
        shelf.claim(first, one, visitor, [0])
        assert shelf.claim(second, two, visitor, [1])[0].state == ClaimState.GRANTED


def test_sign_ins_amid_claims_leave_nothing_unbound_and_credit_everything_once(
    engine: Engine,
) -> None:
    visitors = people(6)
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, daily_limit=50)
        members = [shelf.member(session).id for _ in visitors[:3]]
    chance = random.Random(11)

    def claiming(numbers):
        def run(session: Session) -> int:
            for number in numbers:
                shelf.claim(session, campaign, chance.choice(visitors), [number, number + 1])
                session.commit()
            return 0

        return run

    def signing_in(start: int):
        def run(session: Session) -> int:
            bound = 0
            for number in range(start, len(visitors), 2):
                bound += shelf.sign_in(session, visitors[number], members[number % 3]).claims
                session.commit()
            return bound

        return run

    works = [claiming(range(0, 39)), claiming(range(38, -1, -1)), signing_in(0), signing_in(1)]
    all_at_once(engine, works)
    with make_sessions(engine).begin() as session:
        assert count(session, VisitorBinding) == 6
        assert count(session, Claim) == 40
        assert count(session, Claim, Claim.member_id.is_(None)) == 0
        for _ in range(2):
            credit_all(session, shelf.brand)
        books = audit(session, shelf.brand.id)
        assert (books.points_held, books.points_waiting) == (200, 0)
        assert books.balanced
        assert sum(balance(session, shelf.brand.id, MEMBER, member) for member in members) == 200


def test_locking_one_visitor_holds_back_no_other(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand)
    one, two = people(2)
    with make_sessions(engine)() as signing_in, make_sessions(engine)() as claiming:
        lock_visitor(signing_in, one)
        assert shelf.claim(claiming, campaign, two, [0])[0].state == ClaimState.GRANTED
