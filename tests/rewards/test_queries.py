"""Wallets, campaigns and claims as each brand may see them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core import clock
from rewards.credit import credit
from rewards.queries import (
    HISTORY_LIMIT,
    ClaimTotals,
    campaigns,
    claim_of,
    claim_totals,
    every_campaign,
    held_claims,
    waiting_points,
    wallet_of,
)
from rewards.settle import settle
from tests import factories
from tests.factories import NOON
from tests.rewards.shelf import HOLD, Shelf, credit_all, people, stock


@pytest.fixture
def shelf(session: Session) -> Iterator[Shelf]:
    with clock.fixed(NOON):
        yield stock(session, 150)


def test_a_wallet_tells_what_is_credited_on_its_way_and_held(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    member = shelf.member(session, visitor)
    for number in range(4):
        with clock.fixed(NOON + timedelta(minutes=number)):
            shelf.claim(session, campaign, visitor, [number], HOLD)
    for number in range(3):
        settle(session, shelf.brand.id, shelf.order.lo + number, number < 2, "mei")
    credit(session, shelf.brand.id, {shelf.order.lo})
    purse = wallet_of(session, shelf.brand.id, member.id)
    assert (purse.balance_points, purse.waiting_points, purse.held_points) == (5, 5, 5)
    assert [(entry.state, entry.at) for entry in purse.entries] == [
        ("held", NOON + timedelta(minutes=3)),
        ("crediting", NOON + timedelta(minutes=1)),
        ("credited", NOON),
    ]
    assert {(e.points, e.campaign_en, e.product_en) for e in purse.entries} == {
        (5, "Open and win", "Plum wine")
    }


def test_a_wallet_shows_the_last_hundred_entries_and_all_the_points(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    member = shelf.member(session, visitor)
    shelf.claim(session, campaign, visitor, range(120))
    purse = wallet_of(session, shelf.brand.id, member.id)
    assert (purse.waiting_points, len(purse.entries)) == (600, HISTORY_LIMIT)
    credit_all(session, shelf.brand)
    assert wallet_of(session, shelf.brand.id, member.id).balance_points == 600


def test_a_wallet_of_one_brand_is_empty_at_another(session: Session, shelf: Shelf) -> None:
    (visitor,) = people(1)
    member = shelf.member(session, visitor)
    shelf.claim(session, factories.campaign(session, shelf.brand), visitor, [0])
    purse = wallet_of(session, factories.brand(session).id, member.id)
    assert (purse.balance_points, purse.waiting_points, purse.entries) == (0, 0, [])


def test_points_wait_for_a_visitor_until_it_signs_in(session: Session, shelf: Shelf) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    assert waiting_points(session, shelf.brand.id, visitor) == 0
    shelf.claim(session, campaign, visitor, [0, 1])
    shelf.claim(session, campaign, visitor, [2], HOLD)
    assert waiting_points(session, shelf.brand.id, visitor) == 10
    assert waiting_points(session, factories.brand(session).id, visitor) == 0
    shelf.sign_in(session, visitor, shelf.member(session).id)
    assert waiting_points(session, shelf.brand.id, visitor) == 0


def test_held_claims_are_listed_oldest_first_for_their_own_brand(
    session: Session, shelf: Shelf
) -> None:
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    for number in (3, 1, 2):
        with clock.fixed(NOON - timedelta(minutes=number)):
            shelf.claim(session, campaign, visitor, [number], HOLD)
    shelf.claim(session, campaign, visitor, [4])
    settle(session, shelf.brand.id, shelf.order.lo + 2, True, "mei")
    held = [claim.code_id - shelf.order.lo for claim in held_claims(session, shelf.brand.id)]
    assert held == [3, 1]
    assert len(held_claims(session, shelf.brand.id, limit=1)) == 1
    assert held_claims(session, factories.brand(session).id) == []


def test_a_claim_is_seen_by_its_own_brand(session: Session, shelf: Shelf) -> None:
    (visitor,) = people(1)
    shelf.claim(session, factories.campaign(session, shelf.brand), visitor, [0])
    found = claim_of(session, shelf.brand.id, shelf.order.lo)
    assert found is not None
    assert found.visitor_id == visitor
    assert claim_of(session, shelf.brand.id, shelf.order.lo + 1) is None
    assert claim_of(session, factories.brand(session).id, shelf.order.lo) is None


def test_totals_count_every_end_a_claim_can_have(session: Session, shelf: Shelf) -> None:
    assert claim_totals(session, shelf.brand.id) == ClaimTotals(0, 0, 0, 0)
    campaign = factories.campaign(session, shelf.brand)
    visitor, other = people(2)
    shelf.claim(session, campaign, visitor, [0, 1])
    shelf.claim(session, campaign, visitor, [2, 3], HOLD)
    shelf.claim(session, campaign, other, [0])
    settle(session, shelf.brand.id, shelf.order.lo + 2, False, "mei")
    assert claim_totals(session, shelf.brand.id) == ClaimTotals(
        granted=2, held=1, refused=2, points_granted=10
    )


def test_a_brand_sees_its_campaigns_newest_first_with_what_is_reserved(
    session: Session, shelf: Shelf
) -> None:
    first = factories.campaign(session, shelf.brand)
    second = factories.campaign(session, shelf.brand)
    factories.campaign(session, factories.brand(session))
    (visitor,) = people(1)
    shelf.claim(session, first, visitor, [0, 1])
    assert campaigns(session, shelf.brand.id) == [(second, 0), (first, 10)]


def test_the_doors_keep_campaigns_that_have_not_ended(session: Session, shelf: Shelf) -> None:
    running = factories.campaign(session, shelf.brand)
    ending = factories.campaign(session, shelf.brand, ends_at=NOON + timedelta(hours=1))
    coming = factories.campaign(session, shelf.brand, starts_at=NOON + timedelta(days=9))
    factories.campaign(session, shelf.brand, ends_at=NOON)
    factories.campaign(session, shelf.brand, stopped_at=NOON)
    kept = {c.id for c in every_campaign(session, NOON) if c.brand_id == shelf.brand.id}
    assert kept == {running.id, ending.id, coming.id}
