"""The brand decides what is held: once, and either way nothing is lost."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from ledger.accounts import balance
from rewards.answer import ClaimState
from rewards.audit import Books, audit
from rewards.credit import MEMBER
from rewards.errors import ClaimNotHeld
from rewards.models import Campaign, CampaignBudget, Claim
from rewards.settle import settle
from tests import factories
from tests.factories import NOON
from tests.locks import waiting_for
from tests.rewards.shelf import HOLD, Shelf, credit_all, owed_credit, people, stock


@pytest.fixture
def shelf(session: Session) -> Iterator[Shelf]:
    with clock.fixed(NOON):
        yield stock(session)


def _reserved(session: Session, campaign: Campaign) -> int:
    query = select(CampaignBudget.reserved_points)
    return session.scalars(query.where(CampaignBudget.campaign_id == campaign.id)).one()


def test_a_granted_claim_is_credited(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    member = shelf.member(session, visitor)
    shelf.claim(session, campaign, visitor, [0], HOLD)
    settled = settle(session, shelf.brand.id, shelf.order.lo, True, "mei")
    assert (settled.decision, settled.points) == (ClaimState.GRANTED, 5)
    assert settled.reasons == [
        {"code": "pace", "facts": {"scans": 40}},
        {"code": "settled", "facts": {"by": "mei", "at": NOON.isoformat()}},
    ]
    credit_all(session, shelf.brand)
    assert balance(session, shelf.brand.id, MEMBER, member.id) == 5
    assert audit(session, shelf.brand.id) == Books(5, 5, 5, 0, 0, 0, 0)


def test_a_refused_claim_frees_its_points_but_never_its_item(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand, budget_points=5)
    visitor, other = people(2)
    shelf.member(session, visitor)
    shelf.claim(session, campaign, visitor, [0], HOLD)
    settle(session, shelf.brand.id, shelf.order.lo, False, "mei")
    assert _reserved(session, campaign) == 0
    assert owed_credit(session, shelf.brand) == []
    (again,) = shelf.claim(session, campaign, visitor, [0])
    assert (again.state, again.is_repeat) == (ClaimState.REFUSED, True)
    assert shelf.claim(session, campaign, other, [0])[0].state == ClaimState.TAKEN
    assert shelf.claim(session, campaign, other, [1])[0].state == ClaimState.GRANTED
    assert audit(session, shelf.brand.id).balanced


def test_a_claim_granted_before_sign_in_is_credited_after_it(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    shelf.claim(session, campaign, visitor, [0, 1], HOLD)
    settle(session, shelf.brand.id, shelf.order.lo, True, "mei")
    settle(session, shelf.brand.id, shelf.order.lo + 1, False, "mei")
    assert owed_credit(session, shelf.brand) == []
    member = shelf.member(session)
    assert shelf.sign_in(session, visitor, member.id).claims == 1  # what was refused stays so
    credit_all(session, shelf.brand)
    assert balance(session, shelf.brand.id, MEMBER, member.id) == 5
    assert audit(session, shelf.brand.id).balanced


def test_only_a_held_claim_of_the_brand_can_be_settled(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    shelf.claim(session, campaign, visitor, [0], HOLD)
    shelf.claim(session, campaign, visitor, [1])
    elsewhere = factories.brand(session)
    for brand_id, number in ((elsewhere.id, 0), (shelf.brand.id, 1), (shelf.brand.id, 2)):
        with pytest.raises(ClaimNotHeld):
            settle(session, brand_id, shelf.order.lo + number, True, "mei")
    settle(session, shelf.brand.id, shelf.order.lo, False, "mei")
    for grant in (True, False):
        with pytest.raises(ClaimNotHeld):
            settle(session, shelf.brand.id, shelf.order.lo, grant, "mei")
    assert _reserved(session, campaign) == 5


def test_two_who_settle_one_claim_at_once_free_its_points_once(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand)
        (visitor,) = people(1)
        shelf.claim(session, campaign, visitor, [0, 1], HOLD)

    def refuse(session: Session) -> Claim:
        return settle(session, shelf.brand.id, shelf.order.lo, False, "mei")

    with make_sessions(engine)() as first:
        refuse(first)
        with waiting_for(engine, first, refuse) as second:
            first.commit()
            with pytest.raises(ClaimNotHeld):
                second.result(10)
        assert _reserved(first, campaign) == 5


def test_points_freed_while_a_batch_waits_for_the_budget_are_not_lost(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand, budget_points=5)
        one, two = people(2)
        shelf.claim(session, campaign, one, [0], HOLD)
    with make_sessions(engine)() as first:
        settle(first, shelf.brand.id, shelf.order.lo, False, "mei")
        with waiting_for(
            engine, first, lambda session: shelf.claim(session, campaign, two, [1])
        ) as second:
            first.commit()
            assert second.result(10)[0].state == ClaimState.GRANTED
        assert _reserved(first, campaign) == 5
        assert audit(first, shelf.brand.id).balanced


def test_a_claim_settled_while_its_visitor_signs_in_is_credited(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand)
        members = [shelf.member(session) for _ in range(2)]
        visitors = people(2)
        for number, visitor in enumerate(visitors):
            shelf.claim(session, campaign, visitor, [number], HOLD)
    with make_sessions(engine)() as settling:
        settle(settling, shelf.brand.id, shelf.order.lo, True, "mei")
        with waiting_for(
            engine, settling, lambda session: shelf.sign_in(session, visitors[0], members[0].id)
        ) as signing_in:
            settling.commit()
            assert signing_in.result(10).claims == 1
    with make_sessions(engine)() as binding:
        shelf.sign_in(binding, visitors[1], members[1].id)
        with waiting_for(
            engine,
            binding,
            lambda session: settle(session, shelf.brand.id, shelf.order.lo + 1, True, "mei"),
        ) as settling:
            binding.commit()
            assert settling.result(10).member_id == members[1].id
    with make_sessions(engine).begin() as session:
        credit_all(session, shelf.brand)
        assert audit(session, shelf.brand.id) == Books(10, 10, 10, 0, 0, 0, 0)
