from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core import clock
from tests.factories import NOON
from tests.scanapp.shop import Phone, Shop, Street

pytestmark = pytest.mark.usefixtures("noon")

WEST_LAKE = {"lat": "30.2741", "lon": "120.1551", "accuracy": "35"}
CANTON_TOWER = {"lat": "23.1065", "lon": "113.3245", "accuracy": "35"}


def test_a_told_position_becomes_a_region_with_its_source_and_accuracy(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    answer = phone.tell_place(phone.scan(shop.path(serial)), **WEST_LAKE)
    assert answer.json == {"place": "Hangzhou, Zhejiang", "message": "Thank you."}
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.region_code, scan.region_source, scan.accuracy_m) == ("330100", "browser", 35)


def test_what_traceability_needs_of_a_place_is_owed_to_it(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    phone.tell_place(phone.scan(shop.path(serial)), **WEST_LAKE)
    query = "SELECT payload FROM outbox WHERE topic = 'trace' ORDER BY id DESC LIMIT 1"
    told = [[shop.code_id(serial), "330100", "browser"]]
    assert street.rows(query)[0].payload["places"] == told


def test_the_place_of_a_scan_is_told_once(street: Street, phone: Phone, shop: Shop) -> None:
    serial = shop.take()
    page = phone.scan(shop.path(serial))
    phone.tell_place(page, **WEST_LAKE)
    assert phone.tell_place(page, **CANTON_TOWER).status_code == 200
    [scan] = street.scans(shop.code_id(serial))
    assert scan.region_code == "330100"


def test_a_place_without_a_scan_is_none(street: Street, phone: Phone, shop: Shop) -> None:
    serial = shop.take()
    phone.tell_place(phone.look(shop.path(serial)), **WEST_LAKE)
    assert street.scans(shop.code_id(serial)) == []


def test_coordinates_are_in_no_column_of_no_table(street: Street, phone: Phone, shop: Shop) -> None:
    page = phone.scan(shop.path())
    phone.tell_place(page, **WEST_LAKE)
    phone.claim(page)
    query = """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name <> 'region'"""
    for table, column in street.rows(query):
        found = street.rows(
            f"SELECT 1 FROM {table} WHERE CAST({column} AS text) ~ '30[.]27|120[.]15'"
        )
        assert found == [], (table, column)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"lat": "30"},
        {"lat": "north", "lon": "120"},
        {"lat": "91", "lon": "120"},
        {"lat": "30", "lon": "-180.1"},
        {"lat": "nan", "lon": "120"},
        {"lat": "inf", "lon": "120"},
        {"lat": "30", "lon": "120", "accuracy": "nan"},
        {"lat": "30", "lon": "120", "datum": "bd09"},
        {"lat": "0", "lon": "-150"},
    ],
)
def test_what_is_no_position_on_land_is_refused_and_recorded_nowhere(
    street: Street, phone: Phone, shop: Shop, form: dict[str, Any]
) -> None:
    serial = shop.take()
    answer = phone.tell_place(phone.scan(shop.path(serial)), **form)
    assert answer.status_code == 400
    assert "That did not work" in answer.text
    [scan] = street.scans(shop.code_id(serial))
    assert scan.region_code is None


def test_a_check_nearby_within_the_hour_is_told_calmly(
    street: Street, shop: Shop, proxied: Flask
) -> None:
    path = shop.path()
    at_home = {"headers": {"X-Forwarded-For": "203.0.113.9"}}
    elsewhere = {"headers": {"X-Forwarded-For": "198.51.100.9"}}
    first, household = street.phone(app=proxied), street.phone(app=proxied)
    first.scan(path, **at_home)
    page = household.look(path, **at_home)
    assert page.outcome == "again_near"
    assert "Was it you, or somebody with you? Then all is well." in page.text
    assert household.look(path, **elsewhere).outcome == "again_other"
    with clock.fixed(NOON + timedelta(minutes=61)):
        assert household.look(path, **at_home).outcome == "again_other"


def test_the_address_behind_a_trusted_proxy_gives_the_province(
    street: Street, shop: Shop, proxied: Flask
) -> None:
    serial, phone = shop.take(), street.phone(app=proxied)
    phone.scan(shop.path(serial), headers={"X-Forwarded-For": "203.0.113.9"})
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.region_code, scan.region_source, scan.accuracy_m) == ("330000", "proxy", None)


def test_the_browsers_word_beats_the_address(street: Street, shop: Shop, proxied: Flask) -> None:
    serial, phone = shop.take(), street.phone(app=proxied)
    page = phone.scan(shop.path(serial), headers={"X-Forwarded-For": "203.0.113.9"})
    phone.tell_place(page, **CANTON_TOWER)
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.region_code, scan.region_source) == ("440100", "browser")


def test_an_address_that_nobody_vouches_for_is_not_believed(
    street: Street, shop: Shop, located: Flask
) -> None:
    serial, phone = shop.take(), street.phone(app=located)
    phone.scan(shop.path(serial), headers={"X-Forwarded-For": "203.0.113.9"})
    [scan] = street.scans(shop.code_id(serial))
    assert scan.region_code is None
