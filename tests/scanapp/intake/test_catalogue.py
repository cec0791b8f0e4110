from datetime import timedelta

from sqlalchemy import Engine, insert, text

from core import clock
from core.db import make_sessions
from core.regions.models import Region
from identity import api_key
from scanapp.intake.catalogue import Catalogue
from tests import factories
from tests.factories import NOON


def test_it_holds_what_the_doors_need_and_not_what_ended_long_ago(engine: Engine) -> None:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        brand = factories.brand(session, code="meilan")
        product = factories.product(session, brand)
        running = factories.campaign(session, brand)
        planned = factories.campaign(session, brand, starts_at=NOON + timedelta(days=9))
        just_ended = factories.campaign(session, brand, ends_at=NOON - timedelta(hours=1))
        factories.campaign(session, brand, ends_at=NOON - timedelta(days=2))
        factories.campaign(session, brand, stopped_at=NOON - timedelta(days=2))
        kept, secret = api_key.issue(session, brand.id, "kept")
        lost, _ = api_key.issue(session, brand.id, "lost")
        api_key.revoke(session, brand.id, lost.id)
    catalogue = Catalogue(sessions)
    assert catalogue.brand_called("meilan") is None
    with clock.fixed(NOON):
        catalogue.refresh()
    content = catalogue.content
    assert content.products[product.id].gtin == product.gtin
    found = {campaign.id for campaign in content.campaigns}
    assert found == {running.id, planned.id, just_ended.id}
    assert set(content.api_keys) == {kept.prefix}
    assert api_key.verify(content.api_keys, secret) == brand.id
    called = catalogue.brand_called("meilan")
    assert called is not None
    assert called.id == brand.id
    assert catalogue.brand_called("MEILAN") is None


def test_a_brand_founded_this_second_is_found(engine: Engine) -> None:
    catalogue = Catalogue(make_sessions(engine))
    catalogue.refresh()
    with make_sessions(engine).begin() as session:
        brand = factories.brand(session)
    assert catalogue.brand(brand.id).code == brand.code


def test_the_content_of_one_moment_stays_as_it_was(engine: Engine) -> None:
    catalogue = Catalogue(make_sessions(engine))
    catalogue.refresh()
    before = catalogue.content
    with make_sessions(engine).begin() as session:
        brand = factories.brand(session)
    catalogue.refresh()
    assert brand.id not in before.brands
    assert brand.id in catalogue.content.brands


def test_asking_all_the_time_reads_once_a_second(engine: Engine) -> None:
    catalogue = Catalogue(make_sessions(engine))
    catalogue.refresh()
    before = catalogue.content
    for _ in range(100):
        catalogue.refresh_if_stale()
    assert catalogue.content is before


def test_regions_are_read_anew_when_counties_were_imported(engine: Engine) -> None:
    catalogue = Catalogue(make_sessions(engine))
    catalogue.refresh()
    before = catalogue.regions
    assert "330106" not in before
    catalogue.refresh()
    assert catalogue.regions is before
    county = {
        "code": "330106",
        "parent_code": "330100",
        "level": "county",
        "name_zh": "西湖区",
        "name_en": "Xihu",
    }
    with make_sessions(engine).begin() as session:
        session.execute(insert(Region), [county])
    catalogue.refresh()
    assert catalogue.regions.path_name("330106", "en") == "Xihu, Hangzhou, Zhejiang"


def test_an_empty_database_is_no_error(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE brand CASCADE"))
    catalogue = Catalogue(make_sessions(engine))
    catalogue.refresh()
    assert dict(catalogue.content.brands) == {}
