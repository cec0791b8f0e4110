"""A campaign is launched only with terms that can be kept, and stopped once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen.errors import ProductNotFound
from core import clock
from core.errors import BadInput
from rewards.campaign import MAX_BUDGET_POINTS, MAX_POINTS, Terms, launch, stop
from rewards.errors import CampaignNotFound
from rewards.models import Campaign, CampaignBudget
from tests import factories
from tests.factories import NOON
from tests.rewards.shelf import count

TERMS = Terms("开盖有礼", "Open and win", points=5, budget_points=500, starts_at=NOON)


def test_a_launched_campaign_has_its_terms_and_its_whole_budget(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    terms = replace(
        TERMS,
        name_zh="  开盖有礼 ",
        name_en=" ",
        ends_at=NOON + timedelta(days=1),
        product_ids=(product.id,),
        area_codes=("330000", "CN"),
        daily_limit=3,
    )
    with clock.fixed(NOON):
        launched = launch(session, brand.id, terms)
    session.expire(launched)
    assert (launched.name_zh, launched.name_en) == ("开盖有礼", "开盖有礼")
    assert (launched.points, launched.budget_points, launched.daily_limit) == (5, 500, 3)
    assert (launched.product_ids, launched.area_codes) == ([product.id], ["330000", "CN"])
    assert (launched.starts_at, launched.ends_at) == (NOON, NOON + timedelta(days=1))
    assert (launched.created_at, launched.stopped_at) == (NOON, None)
    query = select(CampaignBudget.reserved_points)
    assert session.scalar(query.where(CampaignBudget.campaign_id == launched.id)) == 0


def test_no_restriction_is_kept_as_none(session: Session) -> None:
    launched = launch(
        session, factories.brand(session).id, replace(TERMS, product_ids=(), area_codes=())
    )
    assert (launched.product_ids, launched.area_codes) == (None, None)
    assert (launched.ends_at, launched.daily_limit) == (None, None)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (replace(TERMS, name_zh="  "), "a name of 1 to 100"),
        (replace(TERMS, name_zh="长" * 101), "a name of 1 to 100"),
        (replace(TERMS, name_en="x" * 101), "a name of 1 to 100"),
        (replace(TERMS, name_en="a\x00b"), "a name of 1 to 100"),
        (replace(TERMS, points=0), "pays 1 to 1,000,000"),
        (replace(TERMS, points=MAX_POINTS + 1, budget_points=10**9), "pays 1 to 1,000,000"),
        (replace(TERMS, budget_points=4), "at least one claim"),
        (replace(TERMS, budget_points=MAX_BUDGET_POINTS + 1), "at least one claim"),
        (replace(TERMS, ends_at=NOON), "ends before it starts"),
        (replace(TERMS, daily_limit=0), "at least 1"),
        (replace(TERMS, area_codes=("330000", "999999")), "Unknown region: 999999"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(
    session: Session, terms: Terms, sentence: str
) -> None:
    brand = factories.brand(session)
    with pytest.raises(BadInput, match=sentence):
        launch(session, brand.id, terms)
    assert count(session, Campaign, Campaign.brand_id == brand.id) == 0


def test_a_campaign_speaks_of_its_own_brands_products(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    theirs = factories.product(session, other)
    with pytest.raises(ProductNotFound):
        launch(session, brand.id, replace(TERMS, product_ids=(theirs.id,)))


def test_a_campaign_is_stopped_once_and_by_its_brand(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    campaign = factories.campaign(session, brand)
    for brand_id, campaign_id in ((other.id, campaign.id), (brand.id, campaign.id + 1000)):
        with pytest.raises(CampaignNotFound):
            stop(session, brand_id, campaign_id)
    with clock.fixed(NOON):
        stop(session, brand.id, campaign.id)
    with clock.fixed(NOON + timedelta(hours=1)):
        stop(session, brand.id, campaign.id)
    session.expire(campaign)
    assert campaign.stopped_at == NOON
