from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from codegen.activate import Batch, Numbers, activate, freeze, void
from codegen.errors import InvalidSscc, OrderNotFound
from core import outbox
from core.db import make_sessions
from core.errors import BadInput, NotFound
from tests import factories
from tests.locks import waiting_for
from tests.traceability.world import World, counts, day, world
from traceability import goods, queries
from traceability.errors import (
    BlockedCodes,
    DoubleEntry,
    KeyConflict,
    OutsideOrder,
    PackedAlready,
    SsccTaken,
    TooMuchAtOnce,
    UnknownCodes,
    WrongLayer,
)
from traceability.models import (
    BLOCK_CODES,
    Carton,
    Custody,
    Packing,
    PackingBlock,
    TraceEvent,
)
from traceability.pack import Line, SsccSeries, pack_collected


def collect(trade: World, lines: list[Line], key: str = "line-1", **more: Any) -> TraceEvent:
    values: dict[str, Any] = {"site_id": trade.plant.id, "at": day(1), "actor": "line", **more}
    return pack_collected(trade.session, brand_id=trade.brand.id, lines=lines, key=key, **values)


def contents(trade: World, carton_id: int) -> list[tuple[int, int]]:
    return queries.contents(trade.session, trade.brand.id, carton_id)


def cartons(trade: World) -> list[Carton]:
    query = select(Carton).where(Carton.brand_id == trade.brand.id).order_by(Carton.carton_id)
    return list(trade.session.scalars(query))


def items(trade: World, *numbers: int) -> list[int]:
    return [trade.items.lo + number - 1 for number in numbers]


class TestAsPrinted:
    def test_consecutive_items_go_into_consecutive_cartons(self, trade: World):
        trade.pack(first_item=13, cartons=3)
        assert contents(trade, trade.carton(1)[0]) == [trade.item(13, 24)]
        assert contents(trade, trade.carton(3)[0]) == [trade.item(37, 48)]
        assert [c.quantity for c in cartons(trade)] == [12, 12, 12]
        assert {c.product_id for c in cartons(trade)} == {trade.product.id}

    def test_the_next_report_takes_the_cartons_after_the_last_packed_one(self, trade: World):
        trade.pack(cartons=3)
        trade.pack(key="pack-2", first_item=37, cartons=2)
        assert contents(trade, trade.carton(4)[0]) == [trade.item(37, 48)]

    def test_cartons_are_with_the_packing_site_from_then_on_in_one_row(self, trade: World):
        event = trade.pack()
        held = trade.session.scalars(
            select(Custody).where(Custody.brand_id == trade.brand.id)
        ).one()
        assert (held.lo, held.hi) == trade.carton(1, 10)
        assert (held.site_id, held.event_id) == (trade.plant.id, event.id)
        assert (held.since, held.disposition) == (day(1), "in_progress")

    def test_ssccs_count_up_with_their_check_digits(self, trade: World):
        trade.pack(cartons=2, ssccs=SsccSeries("6901234", 41, extension=3))
        assert [c.sscc for c in cartons(trade)] == ["369012340000000413", "369012340000000420"]
        found = queries.cartons_by_sscc(trade.session, trade.brand.id, ["369012340000000420"])
        assert found == {"369012340000000420": trade.carton(2)[0]}

    def test_items_may_be_packed_before_they_are_activated(self, trade: World):
        issued = factories.order(trade.session, trade.brand, 24)
        trade.pack(items_order_id=issued.id, cartons=2)
        assert [c.product_id for c in cartons(trade)] == [None, None]

    def test_a_carton_with_items_of_two_products_names_none(self, trade: World):
        order = factories.order(trade.session, trade.brand, 24)
        other = factories.product(trade.session, trade.brand)
        for numbers, product in ((Numbers(1, 18), trade.product), (Numbers(19, 24), other)):
            batch = Batch(product_id=product.id)
            activate(trade.session, trade.brand.id, order.id, numbers, batch, "test")
        trade.pack(items_order_id=order.id, cartons=2)
        assert [c.product_id for c in cartons(trade)] == [trade.product.id, None]

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"cartons": 21, "quantity_per_carton": 1}, OutsideOrder),
            ({"first_item": 240}, OutsideOrder),
            ({"first_item": 0}, OutsideOrder),
            ({"first_carton": 12}, OutsideOrder),
            ({"items_order_id": -1}, OrderNotFound),
            ({"cartons": 0}, BadInput),
            ({"quantity_per_carton": 0}, BadInput),
            ({"cartons": 100_001}, TooMuchAtOnce),
            ({"site_id": -1}, NotFound),
            ({"ssccs": SsccSeries("69", 1)}, InvalidSscc),
            ({"at": day(10.1)}, BadInput),
            ({"at": datetime(2026, 11, 1)}, BadInput),  # noqa: DTZ001
            ({"key": ""}, BadInput),
            ({"actor": "a\x00"}, BadInput),
        ],
    )
    def test_bad_input_is_refused_and_changes_nothing(
        self, trade: World, change: dict[str, Any], error: type[Exception]
    ):
        before = counts(trade.session)
        with pytest.raises(error):
            trade.pack(**change)
        assert counts(trade.session) == before

    def test_items_and_cartons_may_not_change_places(self, trade: World):
        with pytest.raises(WrongLayer, match=f"“item”: {trade.cartons.external_id} #1–10"):
            trade.pack(
                items_order_id=trade.cartons.id,
                cartons_order_id=trade.items.id,
                quantity_per_carton=1,
            )

    def test_another_brands_orders_are_not_found(self, trade: World):
        stranger = factories.brand(trade.session)
        theirs = factories.order(trade.session, stranger, 100)
        with pytest.raises(OrderNotFound):
            trade.pack(items_order_id=theirs.id)

    def test_the_same_call_again_returns_the_first_event_and_writes_nothing(self, trade: World):
        first = trade.pack()
        before = counts(trade.session)
        assert trade.pack(actor="somebody else").id == first.id
        assert counts(trade.session) == before

    def test_a_call_without_time_may_be_repeated_too(self, trade: World):
        first = trade.pack(at=None)
        assert first.event_time == day(10)
        assert trade.pack(at=None).id == first.id

    def test_other_content_under_the_same_key_is_a_conflict(self, trade: World):
        trade.pack()
        with pytest.raises(KeyConflict, match="pack-1"):
            trade.pack(cartons=9)
        with pytest.raises(KeyConflict):
            trade.pack(at=day(2))

    def test_two_brands_may_use_the_same_key(self, trade: World):
        first = trade.pack()
        stranger = factories.brand(trade.session)
        event = trade.pack(
            items_order_id=factories.order(trade.session, stranger, 12).id,
            cartons_order_id=factories.cartons(trade.session, stranger, 1).id,
            site_id=factories.site(trade.session, stranger).id,
            cartons=1,
            brand_id=stranger.id,
        )
        assert event.id != first.id

    def test_a_packed_item_is_not_packed_again(self, trade: World):
        trade.pack()
        with pytest.raises(PackedAlready, match=f"{trade.items.external_id} #115–120"):
            trade.pack(key="pack-2", first_item=115, cartons=1)

    def test_a_packed_carton_is_not_filled_again(self, trade: World):
        trade.pack()
        with pytest.raises(PackedAlready, match=f"{trade.cartons.external_id} #10\\."):
            trade.pack(key="pack-2", first_item=121, first_carton=10, cartons=2)

    @pytest.mark.parametrize("change", [freeze, void])
    def test_blocked_items_are_not_packed(self, trade: World, change: Any):
        change(trade.session, trade.brand.id, trade.items.id, Numbers(20, 21), "leaked", "test")
        before = counts(trade.session)
        with pytest.raises(BlockedCodes, match=f"{trade.items.external_id} #20–21"):
            trade.pack()
        assert counts(trade.session) == before

    def test_a_void_carton_code_is_not_packed(self, trade: World):
        void(trade.session, trade.brand.id, trade.cartons.id, Numbers(4, 4), "torn", "test")
        with pytest.raises(BlockedCodes, match=f"{trade.cartons.external_id} #4"):
            trade.pack()

    def test_packing_asks_for_sightings_to_be_judged_again(self, trade: World):
        event = trade.pack()
        rows = outbox.take(trade.session, "trace", 10)
        assert [row.payload for row in rows] == [{"events": [event.id]}]


class TestCollected:
    def test_each_carton_holds_what_the_line_saw_in_any_order(self, trade: World):
        one, two = trade.carton(1)[0], trade.carton(2)[0]
        collect(trade, [(two, items(trade, 9, 4, 5, 6)), (one, items(trade, 2, 240, 1))])
        assert contents(trade, one) == [trade.item(1, 2), trade.item(240)]
        assert contents(trade, two) == [trade.item(4, 6), trade.item(9)]
        assert [c.quantity for c in cartons(trade)] == [3, 4]

    def test_the_order_of_lines_and_items_does_not_make_another_report(self, trade: World):
        one, two = trade.carton(1)[0], trade.carton(2)[0]
        first = collect(trade, [(one, items(trade, 1, 2)), (two, items(trade, 3))])
        again = collect(trade, [(two, items(trade, 3)), (one, items(trade, 2, 1))])
        assert again.id == first.id
        with pytest.raises(KeyConflict):
            collect(trade, [(one, items(trade, 1, 2)), (two, items(trade, 4))])

    def test_an_item_listed_twice_is_named(self, trade: World):
        one, two = trade.carton(1)[0], trade.carton(2)[0]
        with pytest.raises(DoubleEntry, match=f"{trade.items.external_id} #7\\."):
            collect(trade, [(one, items(trade, 1, 7)), (two, items(trade, 7, 8))])
        with pytest.raises(DoubleEntry, match=f"{trade.cartons.external_id} #1\\."):
            collect(trade, [(one, items(trade, 1)), (one, items(trade, 2))])

    def test_the_first_five_offenders_are_shown_by_order_and_number(self, trade: World):
        for number in range(1, 8):
            collect(trade, [(trade.carton(number)[0], items(trade, number * 2))], f"line {number}")
        name = trade.items.external_id
        shown = ", ".join(f"{name} #{number}" for number in (2, 4, 6, 8, 10))
        with pytest.raises(PackedAlready, match=f": {shown}, …\\."):
            collect(trade, [(trade.carton(20)[0], items(trade, *range(1, 20)))])

    def test_codes_that_were_never_ordered_are_unknown(self, trade: World):
        with pytest.raises(UnknownCodes, match=r"id #5\. "):
            collect(trade, [(trade.carton(1)[0], [5])])
        with pytest.raises(UnknownCodes, match="id #6"):
            collect(trade, [(6, items(trade, 1))])

    def test_another_brands_codes_are_unknown_too(self, trade: World):
        theirs = factories.order(trade.session, factories.brand(trade.session), 10)
        before = counts(trade.session)
        with pytest.raises(UnknownCodes):
            collect(trade, [(trade.carton(1)[0], [theirs.lo])])
        assert counts(trade.session) == before

    def test_a_carton_takes_items_of_several_orders(self, trade: World):
        other = factories.active_order(trade.session, trade.brand, trade.product, 10)
        one = trade.carton(1)[0]
        collect(trade, [(one, [trade.items.lo, other.lo + 9])])
        expected = sorted([trade.item(1), (other.lo + 9, other.lo + 10)])
        assert contents(trade, one) == expected

    def test_a_carton_keeps_the_sscc_that_the_line_gave_it(self, trade: World):
        one = trade.carton(1)[0]
        collect(trade, [(one, items(trade, 1))], ssccs={one: "(00) 3 6901234 000000041 3"})
        assert cartons(trade)[0].sscc == "369012340000000413"

    def test_an_sscc_is_on_one_carton_only(self, trade: World):
        trade.pack(cartons=1, ssccs=SsccSeries("6901234", 41, extension=3))
        two, three = trade.carton(2)[0], trade.carton(3)[0]
        with pytest.raises(SsccTaken, match="369012340000000413"):
            collect(trade, [(two, items(trade, 100))], ssccs={two: "369012340000000413"})
        same = {two: "369012340000000420", three: "369012340000000420"}
        with pytest.raises(SsccTaken, match="369012340000000420"):
            collect(trade, [(two, items(trade, 100)), (three, items(trade, 101))], ssccs=same)

    def test_of_two_cartons_packed_at_once_one_gets_the_sscc(self, engine: Engine):
        with make_sessions(engine).begin() as session:
            trade = world(session)
            one, two = trade.carton(1)[0], factories.cartons(session, trade.brand, 1).lo
            more = factories.active_order(session, trade.brand, trade.product, 1).lo
        with make_sessions(engine)() as first:
            collect(
                replace(trade, session=first),
                [(one, items(trade, 1))],
                ssccs={one: "369012340000000413"},
            )

            def second(session: Session) -> None:
                collect(
                    replace(trade, session=session),
                    [(two, [more])],
                    "line-2",
                    ssccs={two: "369012340000000413"},
                )

            with waiting_for(engine, first, second) as packing:
                first.commit()
                with pytest.raises(SsccTaken, match="369012340000000413"):
                    packing.result(10)
        with make_sessions(engine)() as session:
            assert session.scalars(select(Carton.carton_id)).all() == [one]

    def test_an_sscc_for_a_carton_that_is_not_reported_is_refused(self, trade: World):
        with pytest.raises(BadInput):
            collect(trade, [(trade.carton(1)[0], items(trade, 1))], ssccs={7: "369012340000000413"})

    @pytest.mark.parametrize("lines", [[], [(1, [])], [(1, [2**63])], [(-1, [2])]])
    def test_an_empty_or_impossible_report_is_refused(self, trade: World, lines: list[Line]):
        with pytest.raises(BadInput):
            collect(trade, lines)

    def test_reports_are_bounded(self, trade: World):
        with pytest.raises(TooMuchAtOnce, match="2000 cartons"):
            collect(trade, [(number, [number]) for number in range(2001)])
        with pytest.raises(TooMuchAtOnce, match="100000 items"):
            collect(trade, [(1, range(100_001))])

    def test_every_item_is_in_the_one_carton_that_it_was_packed_into(self, trade: World):
        shuffled = Random(7).sample(range(61, 231), 170)
        packed = {number: (number + 11) // 12 for number in range(1, 61)}
        packed |= {number: 6 + index // 17 for index, number in enumerate(shuffled)}
        packed |= dict.fromkeys(range(233, 241), 16)
        trade.pack(cartons=5)
        for first in (6, 11):  # blocks get items from the second report on top of the first's
            chosen = range(first, first + 5)
            lines = [
                (trade.carton(c)[0], items(trade, *(n for n in packed if packed[n] == c)))
                for c in chosen
            ]
            collect(trade, lines, f"line {first}")
        trade.pack(key="run", first_item=233, quantity_per_carton=8, first_carton=16, cartons=1)
        for number in range(1, 241):
            found = queries.where_is(trade.session, trade.brand.id, trade.item(number)[0])
            carton = trade.carton(packed[number])[0] if number in packed else None
            assert (found.carton_id if found else None) == carton
        for carton in range(1, 17):
            inside = [trade.item(number) for number in packed if packed[number] == carton]
            assert contents(trade, trade.carton(carton)[0]) == goods.united(inside)

    def test_an_item_without_a_run_takes_few_bytes(self, trade: World):
        lines = [
            (trade.carton(1 + index)[0], items(trade, *range(1 + index, 241, 20)))
            for index in range(20)
        ]
        collect(trade, lines)
        blocks = trade.session.scalars(select(PackingBlock)).all()
        assert len(blocks) <= 240 // BLOCK_CODES + 2
        assert sum(len(block.slots) for block in blocks) == 240
        assert trade.session.scalars(select(Packing)).all() == []

    def test_long_runs_are_one_row_each(self, trade: World):
        one = trade.carton(1)[0]
        collect(trade, [(one, items(trade, *range(1, 20), *range(101, 120)))])
        rows = trade.session.execute(select(Packing.lo, Packing.hi).order_by(Packing.lo))
        assert [tuple(row) for row in rows] == [trade.item(1, 19), trade.item(101, 119)]
        assert trade.session.scalars(select(PackingBlock)).all() == []

    def test_an_item_packed_without_a_run_is_not_packed_again(self, trade: World):
        collect(trade, [(trade.carton(20)[0], items(trade, 5, 130))])
        name = trade.items.external_id
        with pytest.raises(PackedAlready, match=f": {name} #5, {name} #130\\."):
            trade.pack(cartons=12, first_carton=1)
        with pytest.raises(PackedAlready, match=f": {name} #130\\."):
            collect(trade, [(trade.carton(1)[0], items(trade, 129, 130))], "line-2")
        trade.pack(first_item=6, cartons=10, first_carton=1)
