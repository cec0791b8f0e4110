"""Requests that only look change nothing, and a page that is fetched ahead was not seen."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import schema
from scanapp.consumer.visitor import Ticket, issue, visitor
from scanapp.web.extensions import db_session
from scanapp.web.looking import SafeMethodWrote
from tests.scanapp.browser import Browser
from tests.scanapp.shop import Shop, Street

AHEAD = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Sec-Purpose": "prefetch;anonymous-client-ip"},
    {"Purpose": "prefetch"},
    {"Purpose": "preview"},
    {"X-Purpose": "preview"},
    {"X-Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
]


def rows(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        return {
            table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in schema.metadata.tables
        }


@pytest.mark.parametrize("headers", AHEAD)
def test_what_is_fetched_ahead_is_no_scan_and_the_later_view_is_the_first(
    street: Street, shop: Shop, headers: dict[str, str]
) -> None:
    phone, serial = street.phone(), shop.take()
    ahead = phone.client.get(shop.path(serial), headers=headers)
    assert ahead.status_code == 200
    page = phone.look(shop.path(serial))
    for beacon in (page.beacon, page.beacon):
        assert phone.client.get(beacon, headers=headers).status_code == 200
    assert street.scans(shop.code_id(serial)) == []
    assert phone.client.get(page.beacon).status_code == 200
    [scan] = street.scans(shop.code_id(serial))
    assert scan.outcome == "first"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_asking_for_the_beacons_headers_is_no_scan(street: Street, shop: Shop, method: str) -> None:
    phone, serial = street.phone(), shop.take()
    page = phone.look(shop.path(serial))
    assert phone.client.open(page.beacon, method=method).status_code == 200
    assert street.scans(shop.code_id(serial)) == []


def test_only_a_prerendered_page_asks_its_beacon_again(street: Street, shop: Shop) -> None:
    phone, path = street.phone(), shop.path()
    assert "/static/prerender." not in phone.client.get(path).text
    prerendered = phone.client.get(path, headers={"Sec-Purpose": "prefetch;prerender"})
    assert "/static/prerender." in prerendered.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_change_nothing_whatever_they_ask_for(
    app: Flask, client: FlaskClient, engine: Engine, sign_in: Callable[..., Browser], method: str
) -> None:
    browser = sign_in(client)
    with app.test_request_context("/"):
        ticket = issue(Ticket("0" * 20, None, visitor()))
    values = {"ticket": ticket, "action": "freeze"}
    before = rows(engine)
    asked = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "consumer.beacon" and method == "GET":
            continue  # an image that says that its page was seen
        if rule.endpoint == "static":
            continue
        named = {name: values.get(name, 1) for name in rule.arguments}
        built = rule.build(named)
        assert built is not None
        path = built[1]
        answer = browser.client.open(path, method=method)
        assert answer.status_code < 500, path
        asked += 1
    assert asked > 50
    assert rows(engine) == before


def test_a_view_with_a_safe_method_can_not_commit(app: Flask) -> None:
    with app.test_request_context("/", method="GET"):
        db_session.execute(text("SELECT 1"))
        with pytest.raises(SafeMethodWrote):
            db_session.commit()
