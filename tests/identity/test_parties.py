"""Brands, distributors, sites: who takes part."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFound
from core.regions.errors import UnknownRegion
from identity import queries
from identity.brand import found_brand, move_days
from identity.distributor import add_distributor
from identity.errors import BadChoice, BadCode, BadTimeZone, DistributorNeeded, NameTaken
from identity.site import add_site
from tests.factories import NOON, brand, distributor, site


def test_a_brand_is_found_by_its_code(session: Session):
    with clock.fixed(NOON):
        founded = found_brand(session, "Plum", "青梅", "Plum")
    assert queries.brand_by_code(session, "plum") is founded
    assert founded.created_at == NOON


def test_a_second_brand_of_the_same_code_is_refused_and_the_first_stays(session: Session):
    found_brand(session, "plum", "青梅", "Plum")
    with pytest.raises(NameTaken, match="plum"):
        found_brand(session, "PLUM", "李子", "Other")
    assert queries.brand_by_code(session, "plum").name_zh == "青梅"


def test_a_brand_has_the_days_of_its_time_zone(session: Session):
    brand = found_brand(session, "plum", "青梅", "Plum")
    assert brand.time_zone == "Asia/Shanghai"
    assert found_brand(session, "pear", "梨", "Pear", "Asia/Tokyo").time_zone == "Asia/Tokyo"
    move_days(session, brand.id, "America/New_York")
    assert queries.brand_by_code(session, "plum").time_zone == "America/New_York"


@pytest.mark.parametrize("name", ["", "Asia/Beijing", "Asia", "+08:00", "localtime", "Factory"])
def test_a_time_zone_that_nobody_knows_is_refused(session: Session, name: str):
    with pytest.raises(BadTimeZone, match="Asia/Shanghai"):
        found_brand(session, "plum", "青梅", "Plum", name)
    assert queries.brand_by_code(session, "plum") is None


def test_a_code_that_can_not_be_stored_finds_no_brand(session: Session):
    assert queries.brand_by_code(session, "a\x00") is None


def test_two_brands_may_use_the_same_distributor_code(session: Session):
    one, other = brand(session), brand(session)
    add_distributor(session, one.id, "D-001", "浙江一级")
    add_distributor(session, other.id, "D-001", "广东一级")
    assert [d.name for d in queries.distributors(session, other.id)] == ["广东一级"]
    with pytest.raises(NameTaken):
        add_distributor(session, one.id, "D-001", "again")


def test_a_distributor_code_with_a_blank_is_refused(session: Session):
    with pytest.raises(BadCode, match="distributor code"):
        add_distributor(session, brand(session).id, "D 1", "name")


def test_a_distributors_site_has_region_kind_and_channel(session: Session):
    home = brand(session)
    owner = distributor(session, home)
    added = add_site(session, home.id, "W9", "仓", "distributor", "440100", "ecommerce", owner.id)
    assert (added.kind, added.region_code, added.channel) == ("distributor", "440100", "ecommerce")
    assert queries.sites(session, home.id, owner.id) == [added]
    assert queries.sites_by_code(session, home.id, ["W9", "\x00"]) == {"W9": added}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"region_code": "999999"}, UnknownRegion),
        ({"region_code": "\x00"}, UnknownRegion),
        ({"kind": "shop"}, BadChoice),
        ({"channel": "tv"}, BadChoice),
        ({"kind": "distributor"}, DistributorNeeded),
        ({"code": ""}, BadCode),
    ],
)
def test_a_wrong_site_is_refused_and_nothing_is_added(
    session: Session, wrong: dict[str, str], error: type[Exception]
):
    home = brand(session)
    right = {"code": "W1", "name": "仓", "kind": "warehouse", "region_code": "330100"}
    with pytest.raises(error):
        add_site(session, home.id, **{**right, **wrong})
    assert queries.sites(session, home.id) == []


def test_a_site_can_not_be_given_to_another_brands_distributor(session: Session):
    stranger = distributor(session, brand(session))
    with pytest.raises(NotFound, match="distributor"):
        add_site(session, brand(session).id, "W1", "仓", "outlet", "330100", None, stranger.id)


def test_lists_turn_pages_by_code(session: Session):
    home = brand(session)
    for code in ("C", "A", "B"):
        site(session, home, code=code)
    first = queries.sites(session, home.id, limit=2)
    rest = queries.sites(session, home.id, after=first[-1].code, limit=2)
    assert [s.code for s in first + rest] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (distributor, lambda s, b, row: queries.distributor(s, b, row.id)),
        (distributor, lambda s, b, row: queries.distributors(s, b)),
        (distributor, lambda s, b, row: queries.distributors_by_code(s, b, [row.code])),
        (distributor, lambda s, b, row: queries.distributors_by_id(s, b, [row.id])),
        (site, lambda s, b, row: queries.sites(s, b)),
        (site, lambda s, b, row: queries.sites_by_code(s, b, [row.code])),
        (site, lambda s, b, row: queries.sites_by_id(s, b, [row.id])),
    ],
)
def test_a_brand_reads_its_own_and_never_anothers(
    session: Session, make: Callable[..., Any], read: Callable[..., Any]
):
    home, stranger = brand(session), brand(session)
    row = make(session, home)
    assert read(session, home.id, row)
    assert not read(session, stranger.id, row)
