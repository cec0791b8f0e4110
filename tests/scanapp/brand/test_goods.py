import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from codegen.activate import Numbers, void
from codegen.gs1 import sscc
from core.outbox import OutboxRow
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser, hidden
from traceability.models import Carton, Custody, Packing, PackingBlock, TraceEvent
from traceability.queries import contents, where_is


def rows(trade: Trade) -> tuple[int, ...]:
    return tuple(
        trade.count(t) for t in (TraceEvent, Carton, Packing, PackingBlock, Custody, OutboxRow)
    )


def shipment(trade: Trade, **more: str) -> dict[str, str]:
    return {
        "from_site": trade.plant.code,
        "to_site": trade.shop.code,
        "order": trade.cartons.external_id,
        "first": "1",
        "last": "2",
        "document": "DN-1",
        **more,
    }


def holder(commit: Commit, trade: Trade, carton: int) -> tuple[str, str]:
    with commit() as session:
        where = where_is(session, trade.brand.id, trade.cartons.lo + carton - 1)
        assert where is not None
        return where.site_name, where.disposition


def test_cartons_are_shipped_by_number_and_received(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    assert warehouse.submit("/console/goods/ship", **shipment(trade)).status_code == 302
    assert holder(commit, trade, 2) == ("Shop", "in_transit")
    assert holder(commit, trade, 3) == ("Plant", "in_progress")
    page = warehouse.get("/console/goods").text
    assert "DN-1" in page
    assert "2 on the way" in page
    assert "East Trading" in page
    fields = {"site": trade.shop.code, "order": trade.cartons.external_id}
    warehouse.submit("/console/goods/receive", **fields, first="1", last="2")
    assert holder(commit, trade, 2) == ("Shop", "in_progress")
    assert "Arrived or gone on" in warehouse.get("/console/goods").text


def test_a_double_click_ships_once(warehouse: Browser, trade: Trade) -> None:
    form = hidden(warehouse.get("/console/goods/ship"))
    fields = {**form, **shipment(trade)}
    first = warehouse.post("/console/goods/ship", **fields)
    after_first = rows(trade)
    again = warehouse.post("/console/goods/ship", **fields)
    assert (first.status_code, again.status_code) == (302, 302)
    assert rows(trade) == after_first


def test_a_used_form_with_other_content_is_not_sent_silently(
    warehouse: Browser, trade: Trade
) -> None:
    form = hidden(warehouse.get("/console/goods/ship"))
    warehouse.post("/console/goods/ship", **{**form, **shipment(trade)})
    after_first = rows(trade)
    changed = {**form, **shipment(trade, first="3", last="3")}
    answer = warehouse.post("/console/goods/ship", **changed)
    assert answer.status_code == 409
    assert "recorded already, with other content" in answer.text
    assert rows(trade) == after_first
    again = {**hidden(answer), **shipment(trade, first="3", last="3")}
    assert warehouse.post("/console/goods/ship", **again).status_code == 302
    assert trade.count(TraceEvent) == 3


def test_pasted_codes_are_shipped_and_links_are_codes_too(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    first, third = (trade.serial(trade.cartons, number) for number in (1, 3))
    listed = f"{first.lower()}\r\n\r\nHTTPS://YIMA.EXAMPLE/{third}\r\n"
    fields = shipment(trade, order="", first="", last="", serials=listed)
    assert warehouse.submit("/console/goods/ship", **fields).status_code == 302
    assert holder(commit, trade, 1) == holder(commit, trade, 3) == ("Shop", "in_transit")
    assert holder(commit, trade, 2) == ("Plant", "in_progress")


def test_a_list_may_name_cartons_by_their_ssccs_and_codes_in_any_dress(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    number, unknown = sscc(0, "6901234", 1), sscc(0, "6901234", 2)
    with commit() as session:
        session.get_one(Carton, (trade.brand.id, trade.cartons.lo + 1)).sscc = number
    third = trade.serial(trade.cartons, 3)
    fields = shipment(trade, order="", first="", last="")
    listed = f"]C100{unknown}\n6901234567892\n"
    answer = warehouse.submit("/console/goods/ship", **fields, serials=listed)
    assert answer.status_code == 400
    assert f"Line 1: No carton called “{unknown}”" in answer.text
    assert "Line 2: “6901234567892” is a product" in answer.text
    listed = f"]C100{number}\n]Q3<https://yima.example/{third}>。\n"
    assert warehouse.submit("/console/goods/ship", **fields, serials=listed).status_code == 302
    assert holder(commit, trade, 2) == holder(commit, trade, 3) == ("Shop", "in_transit")


def test_wrong_lines_of_a_list_are_named(warehouse: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        factories.cartons(session, factories.brand(session))
    good = trade.serial(trade.cartons, 1)
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    fields = shipment(trade, order="", first="", last="", serials=f"{good}\n\n{forged}\nnonsense")
    before = rows(trade)
    answer = warehouse.submit("/console/goods/ship", **fields)
    assert answer.status_code == 400
    assert "Line 3: We didn&#39;t issue this code" in answer.text
    assert "Line 4: A serial has 20 letters" in answer.text
    assert "Line 1" not in answer.text
    assert forged in answer.text
    assert rows(trade) == before


def test_another_brands_codes_are_not_ours_to_ship(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        theirs = factories.cartons(session, factories.brand(session))
    fields = shipment(trade, order="", serials=trade.serial(theirs, 1))
    before = rows(trade)
    answer = warehouse.submit("/console/goods/ship", **fields)
    assert answer.status_code == 400
    assert "Line 1: We didn&#39;t issue this code" in answer.text
    answer = warehouse.submit("/console/goods/ship", **shipment(trade, order=theirs.external_id))
    assert answer.status_code == 404
    assert rows(trade) == before


@pytest.mark.parametrize(
    ("wrong", "status", "told"),
    [
        ({"order": "", "first": "", "last": ""}, 400, "Say which goods"),
        ({"order": "PO-NONE"}, 404, "no such order"),
        ({"last": ""}, 400, "Fill in every field"),
        ({"last": "11"}, 400, "It has the numbers 1 to 10"),
        ({"last": "4"}, 409, "No packing is known"),
        ({"to_site": "NOWHERE"}, 404, "No site called “NOWHERE”"),
        ({"to_site": ""}, 400, "Fill in every field"),
        ({"at": "tomorrow"}, 400, "“tomorrow” is not a time"),
        ({"at": "0001-01-01T00:00"}, 400, "is not a time"),
        ({"at": "2099-01-01T00:00"}, 400, "lies in the future"),
        ({"document": "D" * 201}, 400, "at most 200"),
        ({"document": "D\x00"}, 400, "ordinary characters"),
        ({"key": "mine"}, 400, "Load the page again"),
        ({"key": ""}, 400, "Load the page again"),
    ],
)
def test_a_bad_shipment_is_refused_in_words_and_keeps_what_was_typed(
    warehouse: Browser, trade: Trade, wrong: dict[str, str], status: int, told: str
) -> None:
    before = rows(trade)
    fields = shipment(trade, **{"document": "Typed document", **wrong})
    answer = warehouse.submit("/console/goods/ship", **fields)
    assert answer.status_code == status
    assert told in answer.text
    assert "document" in wrong or "Typed document" in answer.text
    assert rows(trade) == before


def test_goods_leave_only_from_where_they_are(warehouse: Browser, trade: Trade) -> None:
    before = rows(trade)
    fields = shipment(trade, from_site=trade.shop.code, to_site=trade.plant.code)
    answer = warehouse.submit("/console/goods/ship", **fields)
    assert answer.status_code == 409
    assert "these goods are at Plant" in answer.text
    assert rows(trade) == before


def test_strays_are_received_and_named(warehouse: Browser, commit: Commit, trade: Trade) -> None:
    fields = {"site": trade.shop.code, "order": trade.cartons.external_id}
    warehouse.submit("/console/goods/receive", **fields, first="3", last="3")
    assert holder(commit, trade, 3) == ("Shop", "in_progress")
    assert "1 of these goods should be at another site" in warehouse.get("/console/goods").text


def pack(trade: Trade, **more: str) -> dict[str, str]:
    return {
        "items_order": trade.items.external_id,
        "first_item": "37",
        "quantity_per_carton": "12",
        "cartons_order": trade.cartons.external_id,
        "cartons": "2",
        "site": trade.plant.code,
        **more,
    }


def test_items_are_packed_as_printed_into_the_next_cartons(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    assert warehouse.submit("/console/goods/pack", **pack(trade)).status_code == 302
    with commit() as session:
        packed = session.scalars(select(Packing).order_by(Packing.lo)).all()
    assert [(p.lo - trade.items.lo + 1, p.carton_id - trade.cartons.lo + 1) for p in packed] == [
        (1, 1), (13, 2), (25, 3), (37, 4), (49, 5),
    ]  # fmt: skip
    assert "Packed: 2 cartons" in warehouse.get("/console/goods").text


@pytest.mark.parametrize(
    ("wrong", "status", "told"),
    [
        ({"first_item": "36"}, 409, "Packed before"),
        ({"first_carton": "3"}, 409, "Packed before"),
        ({"cartons": "0"}, 400, "at least one item"),
        ({"cartons": "6"}, 400, "Pack fewer cartons"),
        ({"cartons": "99999999999"}, 400, "at most 100,000 cartons"),
        ({"quantity_per_carton": "9" * 18}, 400, "are too many"),
        ({"quantity_per_carton": "twelve"}, 400, "“twelve” is not a whole number"),
        ({"cartons_order": "PO-NONE"}, 404, "no such order"),
    ],
)
def test_bad_packing_is_refused_in_words(
    warehouse: Browser, trade: Trade, wrong: dict[str, str], status: int, told: str
) -> None:
    before = rows(trade)
    answer = warehouse.submit("/console/goods/pack", **pack(trade, **wrong))
    assert answer.status_code == status
    assert told in answer.text
    assert rows(trade) == before


def test_void_items_are_not_packed(warehouse: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        void(session, trade.brand.id, trade.items.id, Numbers(40, 40), "Leaked", "test")
    before = rows(trade)
    answer = warehouse.submit("/console/goods/pack", **pack(trade))
    assert answer.status_code == 409
    assert f"{trade.items.external_id} #40" in answer.text
    assert rows(trade) == before


def report(browser: Browser, trade: Trade, text: str) -> tuple[int, str]:
    form = hidden(browser.get("/console/goods/report"))
    file = (io.BytesIO(text.encode()), "line.csv")
    answer = browser.post("/console/goods/report", **form, site=trade.plant.code, report=file)
    return answer.status_code, answer.text


def test_what_the_line_saw_is_packed(warehouse: Browser, commit: Commit, trade: Trade) -> None:
    carton = trade.serial(trade.cartons, 7)
    items = [trade.serial(trade.items, number) for number in (90, 50, 70)]
    lines = [f"{carton},{items[0]}", f"https://yima.example/{carton};{items[1]}"]
    text = "\ufeff箱码,瓶码\r\n" + "\r\n".join([*lines, f"{carton}\t{items[2].lower()}", ""])
    assert report(warehouse, trade, text)[0] == 302
    with commit() as session:
        carton_id = trade.cartons.lo + 6
        found = contents(session, trade.brand.id, carton_id)
    assert [lo - trade.items.lo + 1 for lo, _ in found] == [50, 70, 90]
    assert "3 items into 1 cartons" in warehouse.get("/console/goods").text


@pytest.mark.parametrize(
    ("made", "status", "told"),
    [
        ("{carton},{item}\n{carton},OOPS\n", 400, "Line 2, column 2: A serial has 20"),
        ("{carton},{item}\n\n{carton}\n", 400, "Line 3: A line has two columns"),
        ("{carton},{item},x\n", 400, "Line 1: A line has two columns"),
        ("{carton},{item}\n{other},{item}\n", 400, "Line 2, column 2: Line 1 has this item"),
        ("{carton},{item}\n{item},{carton}\n", 400, "Listed more than once"),
        ("{item},{carton}\n", 400, "not of the layer"),
        ("", 400, "at least one item"),
        ("GK97SA,{item}\n{carton},{item}\n", 400, "Line 1, column 1: A serial has 20"),
        ("3.4E+17,{item}\n", 400, "was changed by a spreadsheet"),
        ("a,b\n" * 5 + "{carton},{item}\n", 400, "Line 1, column 1: A serial has 20"),
        ("carton,item\n", 400, "Line 1, column 1: A serial has 20"),
        ("PK\x03\x04\x00\x00xl/workbook.xml\n", 400, "This is an Excel workbook, not a list"),
        ('{carton},"{item}\n', 400, "Line 1: a quotation mark"),
        ("{carton},{packed}\n", 409, "Packed before"),
    ],
)
def test_a_bad_line_report_is_refused_with_its_lines(
    warehouse: Browser, trade: Trade, made: str, status: int, told: str
) -> None:
    text = made.format(
        carton=trade.serial(trade.cartons, 7),
        other=trade.serial(trade.cartons, 8),
        item=trade.serial(trade.items, 50),
        packed=trade.serial(trade.items, 1),
    )
    before = rows(trade)
    assert report(warehouse, trade, text)[0] == status
    assert told in report(warehouse, trade, text)[1]
    assert rows(trade) == before


def test_a_line_report_says_what_counted_for_nothing(warehouse: Browser, trade: Trade) -> None:
    carton, item, other = (
        trade.serial(order, number)
        for order, number in ((trade.cartons, 7), (trade.items, 50), (trade.items, 51))
    )
    lines = ["Line 3, 20 November", "箱码,瓶码", f"{carton},{item}", f"{carton},{other}", ""]
    lines += [f'="{carton}";="{item.lower()}";;']
    assert report(warehouse, trade, "\r".join(lines))[0] == 302
    told = warehouse.get("/console/goods").text
    assert "2 items into 1 cartons" in told
    assert "Read as a heading: line 1, 2." in told
    assert "Repeats an earlier line and counts once: line 6." in told


def test_a_line_report_needs_a_file_of_bounded_size(warehouse: Browser, trade: Trade) -> None:
    before = rows(trade)
    answer = warehouse.submit("/console/goods/report", site=trade.plant.code)
    assert answer.status_code == 400
    assert "Choose the file" in answer.text
    status, told = report(warehouse, trade, "x" * 9 * 1024 * 1024)
    assert status == 413
    assert "too large" in told
    assert rows(trade) == before


def test_an_inspector_moves_no_goods(
    client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade
) -> None:
    inspector = sign_in(client, "inspector")
    inspector.get("/console/look-up")
    before = rows(trade)
    for name in ("ship", "receive", "pack", "report"):
        assert inspector.get(f"/console/goods/{name}").status_code == 403
        assert inspector.post(f"/console/goods/{name}", **shipment(trade)).status_code == 403
    assert inspector.get("/console/goods").status_code == 403
    assert rows(trade) == before


def test_forms_without_their_token_move_nothing(warehouse: Browser, trade: Trade) -> None:
    form = hidden(warehouse.get("/console/goods/ship"))
    before = rows(trade)
    fields = {**shipment(trade), "key": form["key"]}
    assert warehouse.client.post("/console/goods/ship", data=fields).status_code == 400
    assert rows(trade) == before


def test_another_brands_goods_are_not_shown(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        other = factories.brand(session)
        factories.site(session, other, name="Secret site")
    assert "Secret site" not in warehouse.get("/console/goods").text
    assert "Secret site" not in warehouse.get("/console/goods/ship").text


def test_lists_of_goods_turn_pages(warehouse: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        more = factories.cartons(session, trade.brand, 30)
        items = factories.active_order(session, trade.brand, trade.product, 30)
    fields = pack(trade, items_order=items.external_id, cartons_order=more.external_id)
    fields |= {"first_item": "1", "quantity_per_carton": "1", "cartons": "30"}
    warehouse.submit("/console/goods/pack", **fields)
    newest = warehouse.get("/console/goods").text
    assert f"{more.external_id} #30<" in newest
    assert f"{more.external_id} #15<" not in newest
    older = newest.split('rel="next" href="')[1].split('"')[0]
    assert f"{more.external_id} #15<" in warehouse.get(older).text
