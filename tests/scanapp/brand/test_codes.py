import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from codegen.models import CodeOrder, CodeRange, Product, RangeChange
from core.db import Base
from core.settings import Settings
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser
from tests.scanapp.opened import opened

ORDER = {
    "external_id": "PO-1",
    "quantity": "1,000",
    "layer": "item",
    "product_id": "",
    "lot": "",
    "host": "qr.lanting.cn",
    "letter_case": "upper",
    "scheme": "https",
}


def rows(trade: Trade) -> tuple[int, ...]:
    tables: tuple[type[Base], ...] = (CodeOrder, CodeRange, RangeChange, Product)
    return tuple(trade.count(table) for table in tables)


def ranges(commit: Commit, order: CodeOrder) -> list[tuple[int, int, str, str | None]]:
    with commit() as session:
        query = select(CodeRange).where(CodeRange.order_id == order.id).order_by(CodeRange.lo)
        return [
            (r.lo - order.lo + 1, r.hi - order.lo, r.state, r.lot) for r in session.scalars(query)
        ]


def test_an_order_is_placed_and_listed_with_its_states(admin: Browser, commit: Commit) -> None:
    page = admin.submit("/console/orders/new", **ORDER)
    assert page.status_code == 302
    with commit() as session:
        placed = session.scalars(select(CodeOrder)).one()
    assert (placed.quantity, placed.host, placed.layer) == (1000, "qr.lanting.cn", "item")
    assert page.location == f"/console/orders/{placed.id}"
    listed = admin.get("/console/orders").text
    assert "PO-1" in listed
    assert "Issued 1,000" in listed


def test_the_same_order_sent_twice_is_one_order(admin: Browser, commit: Commit) -> None:
    first = admin.submit("/console/orders/new", **ORDER)
    again = admin.submit("/console/orders/new", **ORDER)
    assert first.location == again.location
    with commit() as session:
        assert len(session.scalars(select(CodeOrder)).all()) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"quantity": "many"}, "“many” is not a whole number"),
        ({"quantity": ""}, "Fill in every field"),
        ({"quantity": "0"}, "An order has 1 to 1,000,000,000 codes, not 0"),
        ({"quantity": "1" * 19}, "is not a whole number"),
        ({"external_id": "P" * 65}, "1 to 64 printable characters"),
        ({"external_id": "PO\x00"}, "ordinary characters"),
        ({"host": "no host"}, "can&#39;t be the host of a link"),
        ({"layer": "pallet"}, "items or cartons"),
        ({"letter_case": "title"}, "letter case upper, mixed or lower"),
        ({"product_id": "999999"}, "This product is not one of the brand&#39;s"),
        ({"lot": "L" * 65}, "at most 64"),
    ],
)
def test_a_bad_order_is_refused_in_words_and_keeps_what_was_typed(
    admin: Browser, trade: Trade, wrong: dict[str, str], told: str
) -> None:
    before = rows(trade)
    page = admin.submit("/console/orders/new", **{**ORDER, "host": "typed.lanting.cn", **wrong})
    assert page.status_code in (400, 404)
    assert told in page.text
    assert "host" in wrong or "typed.lanting.cn" in page.text
    assert rows(trade) == before


def test_the_proposed_host_is_the_settings_and_never_the_requests(
    settings: Settings, sign_in: Callable[..., Browser]
) -> None:
    with opened(replace(settings, link_host="qr.lanting.cn")) as app:
        client = app.test_client()
        client.set_cookie("yima_language", "en")
        page = sign_in(client, "brand_admin").get("/console/orders/new").text
    assert re.search(r'name="host"[^>]* value="qr.lanting.cn"', page)


def test_the_form_warns_of_capitals_and_tells_how_large_each_code_is(admin: Browser) -> None:
    page = admin.get("/console/orders/new").text
    assert "Some readers open no link that begins with HTTPS://" in page
    for told in ("33, 29: https:// small", "29, 29: all capitals", "33, 29: small letters"):
        assert told in page


def test_without_the_setting_no_host_is_proposed(admin: Browser) -> None:
    page = admin.get("/console/orders/new").text
    field = re.search(r'<input[^>]* name="host"[^>]*>', page)
    assert field is not None
    assert "localhost" not in field[0]


@pytest.mark.parametrize("host", ["localhost", "10.0.0.7:8000", "erp.lan", "qr.lanting.cn:8443"])
def test_a_host_that_consumers_hardly_reach_is_asked_about_before_it_is_printed(
    admin: Browser, commit: Commit, host: str
) -> None:
    asked = admin.submit("/console/orders/new", **{**ORDER, "host": host})
    assert asked.status_code == 400
    assert "Phones of consumers will hardly reach" in asked.text
    assert 'name="print_anyway"' in asked.text
    with commit() as session:
        assert session.scalars(select(CodeOrder)).all() == []
    placed = admin.submit("/console/orders/new", **{**ORDER, "host": host, "print_anyway": "1"})
    assert placed.status_code == 302
    with commit() as session:
        assert session.scalars(select(CodeOrder)).one().host == host


def test_a_form_without_its_token_changes_nothing(admin: Browser, trade: Trade) -> None:
    before = rows(trade)
    page = admin.client.post("/console/orders/new", data=ORDER)
    assert page.status_code == 400
    assert "load the page again" in page.text
    assert rows(trade) == before


def test_activation_gives_some_numbers_product_lot_and_dates(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        order = factories.order(session, trade.brand, 100, product_id=trade.product.id)
    url = f"/console/orders/{order.id}"
    warehouse.get(url)
    page = warehouse.post(
        f"{url}/activate",
        first="11",
        last="20",
        lot="L7",
        plant="P1",
        produced_on="2026-11-20",
        expires_on="2028-11-20",
    )
    assert page.location == url
    expected = [(1, 10, "issued", None), (11, 20, "active", "L7"), (21, 100, "issued", None)]
    assert ranges(commit, order) == expected
    shown = warehouse.get(url).text
    assert "10 codes were changed" in shown
    assert "L7 · P1" in shown


def test_the_same_activation_again_says_that_nothing_changed(
    warehouse: Browser, trade: Trade
) -> None:
    url = f"/console/orders/{trade.items.id}"
    before = rows(trade)
    warehouse.get(url)
    warehouse.post(f"{url}/activate", first="1", last="100", lot="L1")
    assert "nothing was changed" in warehouse.get(url).text
    assert rows(trade) == before


def test_who_has_no_product_yet_is_shown_where_to_register_one(
    admin: Browser, commit: Commit
) -> None:
    placed = admin.submit("/console/orders/new", **ORDER).location
    page = admin.get(placed).text
    assert 'First register the product that the codes are on. <a href="/console/products">' in page
    assert "activate-first" not in page
    admin.submit("/console/products", gtin="6901234567892", name_zh="酒")
    assert 'id="activate-product_id"' in admin.get(placed).text


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"first": "1", "last": "101"}, 400, "It has the numbers 1 to 100"),
        ({"first": "1", "last": "20", "lot": "L2"}, 409, "choose numbers that are not activated"),
        ({"first": "x", "last": "20"}, 400, "“x” is not a whole number"),
        ({"first": "1", "last": "20", "produced_on": "yesterday"}, 400, "“yesterday” is not a day"),
        ({"first": "1", "last": "20", "produced_on": "0001-01-01"}, 400, "is not a day"),
        (
            {"first": "1", "last": "9", "produced_on": "2026-02-01", "expires_on": "2026-01-01"},
            400,
            "before the production date",
        ),
    ],
)
def test_a_bad_activation_is_refused_and_keeps_what_was_typed(
    warehouse: Browser, trade: Trade, fields: dict[str, str], status: int, told: str
) -> None:
    url = f"/console/orders/{trade.items.id}"
    before = rows(trade)
    warehouse.get(url)
    page = warehouse.post(f"{url}/activate", **{"plant": "Typed plant", **fields})
    assert page.status_code == status
    assert told in page.text
    assert "Typed plant" in page.text
    assert rows(trade) == before


def test_codes_are_frozen_thawed_and_voided_with_a_reason(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    url = f"/console/orders/{trade.items.id}"
    admin.get(url)
    admin.post(f"{url}/freeze", first="1", last="10", reason="Leaked?")
    assert ranges(commit, trade.items)[0] == (1, 10, "frozen", "L1")
    admin.post(f"{url}/thaw", first="1", last="5")
    admin.post(f"{url}/void", first="6", last="10", reason="Leaked", sure="1")
    assert ranges(commit, trade.items) == [
        (1, 5, "active", "L1"),
        (6, 10, "void", "L1"),
        (11, 100, "active", "L1"),
    ]
    shown = admin.get(url).text
    assert "Leaked?" in shown
    assert "Voided" in shown


def test_void_asks_whether_one_is_sure(admin: Browser, commit: Commit, trade: Trade) -> None:
    url = f"/console/orders/{trade.items.id}"
    admin.get(url)
    page = admin.post(f"{url}/void", first="1", last="10", reason="Recall of a lot")
    assert page.status_code == 400
    assert "Tick that you are sure" in page.text
    assert "Recall of a lot" in page.text
    assert ranges(commit, trade.items) == [(1, 100, "active", "L1")]


def test_freezing_needs_a_reason(admin: Browser, commit: Commit, trade: Trade) -> None:
    url = f"/console/orders/{trade.items.id}"
    admin.get(url)
    page = admin.post(f"{url}/freeze", first="1", last="10", reason=" ")
    assert page.status_code == 400
    assert "Give a reason" in page.text
    assert ranges(commit, trade.items) == [(1, 100, "active", "L1")]


def test_roles_see_and_do_only_what_is_theirs(warehouse: Browser, trade: Trade) -> None:
    url = f"/console/orders/{trade.items.id}"
    before = rows(trade)
    shown = warehouse.get(url).text
    assert "Void these codes" not in shown
    assert "Files for the printer" not in shown
    fields = {"first": "1", "last": "1", "reason": "x", "sure": "1"}
    assert warehouse.post(f"{url}/void", **fields).status_code == 403
    assert warehouse.get("/console/orders/new").status_code == 403
    assert warehouse.post("/console/orders/new", **ORDER).status_code == 403
    assert warehouse.post("/console/products", gtin="1", name_zh="x").status_code == 403
    assert rows(trade) == before


def test_an_inspector_orders_and_activates_nothing(
    client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade
) -> None:
    inspector = sign_in(client, "inspector")
    assert inspector.get("/console/orders").status_code == 403
    assert inspector.get(f"/console/orders/{trade.items.id}").status_code == 403


def test_another_brands_order_is_not_there(admin: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        other = factories.order(session, factories.brand(session), external_id="THEIRS")
    before = rows(trade)
    admin.get("/console/orders/new")
    for path, fields in (
        ("activate", {"first": "1", "last": "1"}),
        ("freeze", {"first": "1", "last": "1", "reason": "x"}),
        ("fetch", {"kind": "csv", "first": "1", "last": "1"}),
    ):
        answer = admin.post(f"/console/orders/{other.id}/{path}", **fields)
        assert answer.status_code == 404
        assert "THEIRS" not in answer.text
    assert admin.get(f"/console/orders/{other.id}").status_code == 404
    assert "THEIRS" not in admin.get("/console/orders").text
    assert rows(trade) == before


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**30])
def test_an_impossible_order_number_is_a_missing_page(admin: Browser, number: int) -> None:
    assert admin.get(f"/console/orders/{number}").status_code == 404


def test_orders_turn_pages(admin: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        for number in range(101):
            factories.order(session, trade.brand, 1, external_id=f"PAGE-{number:03d}")
    newest = admin.get("/console/orders").text
    assert "PAGE-100" in newest
    assert "PAGE-000" not in newest
    older = newest.split('rel="next" href="')[1].split('"')[0]
    assert "PAGE-000" in admin.get(older).text
    assert admin.get("/console/orders?before=nonsense").status_code == 200


def test_a_product_is_registered(admin: Browser, commit: Commit) -> None:
    page = admin.submit("/console/products", gtin="6901234567892", name_zh="青梅酒", name_en="")
    assert page.status_code == 302
    assert "06901234567892" in admin.get("/console/products").text


def test_a_wrong_gtin_is_corrected_with_its_history(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        product = factories.product(session, trade.brand)
        other = factories.product(session, trade.brand)
    path = f"/console/products/{product.id}"
    assert path in admin.get("/console/products").text
    taken = admin.submit(path, gtin=other.gtin, reason="misread")
    assert taken.status_code == 409
    assert "is already the product" in taken.text
    assert "misread" in taken.text
    restricted = admin.submit(path, gtin="2012345678903", reason="misread")
    assert restricted.status_code == 409
    assert 'name="restricted"' in restricted.text
    assert admin.submit(path, gtin="2012345678903", reason="", restricted="1").status_code == 400
    answer = admin.submit(path, gtin="2012345678903", reason="misread", restricted="1")
    assert answer.status_code == 302
    page = admin.get(path).text
    assert "Corrections of the GTIN" in page
    for told in (product.gtin, "02012345678903", "misread"):
        assert told in page


def test_another_brands_product_is_not_there(admin: Browser, commit: Commit) -> None:
    with commit() as session:
        theirs = factories.product(session, factories.brand(session))
    assert admin.get(f"/console/products/{theirs.id}").status_code == 404


def test_a_restricted_number_is_questioned_and_registered_when_ticked(
    admin: Browser, trade: Trade
) -> None:
    fields = {"gtin": "2012345678903", "name_zh": "散装梅", "name_en": "Loose plums"}
    assert 'name="restricted"' not in admin.get("/console/products").text
    page = admin.submit("/console/products", **fields)
    assert page.status_code == 409
    assert 'name="restricted"' in page.text
    assert "Loose plums" in page.text
    wrong = admin.submit("/console/products", **{**fields, "name_zh": ""}, restricted="1")
    assert wrong.status_code == 400
    assert " checked" in wrong.text
    assert admin.submit("/console/products", **fields, restricted="1").status_code == 302
    assert "02012345678903" in admin.get("/console/products").text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"gtin": "6901234567893", "name_zh": "青梅酒"}, "its last digit is 3 and must be 2"),
        ({"gtin": "69012", "name_zh": "青梅酒"}, "must have 8, 12, 13 or 14"),
        ({"gtin": "6901234567892", "name_zh": " "}, "Fill in every field"),
        ({"gtin": "6901234567892", "name_zh": "酒" * 101}, "at most 100"),
    ],
)
def test_a_bad_product_is_refused_in_words(
    admin: Browser, trade: Trade, fields: dict[str, str], told: str
) -> None:
    before = rows(trade)
    page = admin.submit("/console/products", **{"name_en": "Typed name", **fields})
    assert page.status_code == 400
    assert told in page.text
    assert "Typed name" in page.text
    assert rows(trade) == before
