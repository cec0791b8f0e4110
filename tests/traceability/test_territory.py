from datetime import datetime

import pytest

from codegen.errors import ProductNotFound
from core import outbox
from core.errors import BadInput, NotFound
from core.regions.errors import UnknownRegion
from identity.errors import BadChoice
from tests import factories
from tests.traceability.world import NINGBO, ZHEJIANG, World, day
from traceability import queries
from traceability.errors import TerritoryExists
from traceability.territory import end, grant


def grant_east(trade: World, **more):
    values = {
        "brand_id": trade.brand.id,
        "distributor_id": trade.east.id,
        "region_code": ZHEJIANG,
        "valid_from": day(0),
        **more,
    }
    return grant(trade.session, **values)


def test_a_granted_territory_is_listed_and_past_sightings_are_judged_again(trade: World):
    territory = grant_east(trade, channel="ka", product_id=trade.product.id, valid_to=day(30))
    assert list(queries.territories(trade.session, trade.brand.id)) == [territory]
    assert list(queries.territories(trade.session, trade.brand.id, trade.south.id)) == []
    rows = outbox.take(trade.session, "trace", 10)
    assert [row.payload for row in rows] == [{"distributors": [trade.east.id]}]


def test_several_dealers_may_have_the_same_territory(trade: World):
    grant_east(trade)
    grant_east(trade, distributor_id=trade.south.id)
    assert len(queries.territories(trade.session, trade.brand.id)) == 2


def test_one_dealer_has_a_territory_once_at_a_time(trade: World):
    grant_east(trade, valid_to=day(5))
    for valid_from, valid_to in ((0, None), (4, 6), (-5, 1), (1, 2)):
        with pytest.raises(TerritoryExists):
            grant_east(
                trade, valid_from=day(valid_from), valid_to=day(valid_to) if valid_to else None
            )
    grant_east(trade, valid_from=day(5))
    grant_east(trade, valid_from=day(-5), valid_to=day(0))
    grant_east(trade, channel="ka")
    grant_east(trade, product_id=trade.product.id)
    grant_east(trade, region_code=NINGBO)
    assert len(queries.territories(trade.session, trade.brand.id)) == 6


def test_a_place_with_two_codes_is_kept_under_one(trade: World):
    assert grant_east(trade, region_code="hk").region_code == "810000"
    with pytest.raises(TerritoryExists):
        grant_east(trade, region_code="810000")


def test_ending_keeps_the_past(trade: World):
    territory = grant_east(trade)
    assert end(
        trade.session, brand_id=trade.brand.id, territory_id=territory.id, at=day(4)
    ).valid_to == day(4)
    assert territory.valid_from == day(0)
    end(trade.session, brand_id=trade.brand.id, territory_id=territory.id, at=day(3))
    with pytest.raises(BadInput, match="ended before"):
        end(trade.session, brand_id=trade.brand.id, territory_id=territory.id, at=day(5))
    with pytest.raises(BadInput, match="after it begins"):
        end(trade.session, brand_id=trade.brand.id, territory_id=territory.id, at=day(0))


def test_ending_another_brands_territory_finds_nothing(trade: World):
    territory = grant_east(trade)
    stranger = factories.brand(trade.session)
    with pytest.raises(NotFound):
        end(trade.session, brand_id=stranger.id, territory_id=territory.id, at=day(4))


def test_bad_input_is_refused_and_changes_nothing(trade: World):
    stranger = factories.brand(trade.session)
    theirs = factories.distributor(trade.session, stranger)
    product = factories.product(trade.session, stranger)
    for change, error in (
        ({"region_code": "999999"}, UnknownRegion),
        ({"region_code": "\x00"}, UnknownRegion),
        ({"distributor_id": theirs.id}, NotFound),
        ({"distributor_id": -1}, NotFound),
        ({"product_id": product.id}, ProductNotFound),
        ({"product_id": -1}, ProductNotFound),
        ({"channel": "magic"}, BadChoice),
        ({"valid_to": day(0)}, BadInput),
        ({"valid_from": datetime(2026, 1, 1)}, BadInput),  # noqa: DTZ001
    ):
        with pytest.raises(error):
            grant_east(trade, **change)
    assert list(queries.territories(trade.session, trade.brand.id)) == []
