import threading
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Engine, select

from core import clock, outbox
from core.db import make_sessions
from core.outbox import OutboxRow
from tests import factories
from tests.factories import NOON
from tests.locks import waiting
from tests.owing import owe as put_row
from tests.running import wait_until
from tests.traceability.world import GUANGZHOU, HANGZHOU, NINGBO, ZHEJIANG, World, day, world
from traceability import sight
from traceability.models import Item, Sighting
from traceability.pack import pack_collected
from traceability.resolve import resolve
from traceability.sight import handle_trace, place
from traceability.territory import end, grant
from traceability.topics import FirstScan, PlaceTold


def see(
    trade: World,
    number: int = 1,
    at: float = 5,
    region: str | None = HANGZHOU,
    source: str | None = "proxy",
) -> Sighting:
    """The resolved sighting of an item."""
    code_id = trade.item(number)[0]
    scan = FirstScan(code_id, day(at), uuid4(), region, source, None)
    sight.sight(trade.session, trade.brand.id, [scan])
    resolve(trade.session, trade.brand.id, [code_id])
    return sighting(trade, number)


def sighting(trade: World, number: int = 1) -> Sighting:
    query = select(Sighting).where(Sighting.code_id == trade.item(number)[0])
    return trade.session.scalars(query.execution_options(populate_existing=True)).one()


def handle(trade: World) -> list[dict]:
    """Does all that is owed on `trace`; what it owes to `detect`."""
    while rows := outbox.take(trade.session, "trace", 100):
        handle_trace(trade.session, rows)
        outbox.mark_done(trade.session, [row.id for row in rows])
    rows = outbox.take(trade.session, "detect", 100)
    outbox.mark_done(trade.session, [row.id for row in rows])
    return [row.payload for row in rows]


def owe(trade: World, payload: dict) -> None:
    put_row(trade.session, "trace", trade.brand.id, payload)


def scans_payload(trade: World, *numbers: int, region: str | None = GUANGZHOU) -> dict:
    entries = [
        [trade.item(number)[0], day(5).isoformat(), str(uuid4()), region, "proxy", None]
        for number in numbers
    ]
    return {"scans": entries}


def give_east(trade: World, region: str = ZHEJIANG, **more):
    values = {"distributor_id": trade.east.id, "valid_from": day(0), **more}
    return grant(trade.session, brand_id=trade.brand.id, region_code=region, **values)


@pytest.fixture
def sold(trade: World) -> World:
    """Cartons 1 to 5 went to East on day 2."""
    trade.pack()
    trade.ship("s", [trade.carton(1, 5)], trade.plant, trade.east_site, 2)
    return trade


class TestFacts:
    def test_a_sighting_names_carton_shipment_site_distributor_and_product(self, trade: World):
        trade.pack()
        event = trade.ship("s", [trade.carton(1, 5)], trade.plant, trade.east_site, 2)
        seen = see(trade, 13)
        assert seen.carton_id == trade.carton(2)[0]
        assert (seen.event_id, seen.site_id) == (event.id, trade.east_site.id)
        assert (seen.distributor_id, seen.product_id) == (trade.east.id, trade.product.id)

    def test_the_last_movement_before_the_scan_counts(self, sold: World):
        sold.ship("back", [sold.carton(1)], sold.east_site, sold.south_site, 4)
        sold.ship("on", [sold.carton(1)], sold.south_site, sold.warehouse, 6)
        assert see(sold, 1, at=3).distributor_id == sold.east.id
        assert see(sold, 2, at=5).distributor_id == sold.south.id
        assert see(sold, 3, at=7).distributor_id is None

    def test_a_receipt_at_another_site_moves_the_goods_too(self, sold: World):
        received = sold.receive("r", [sold.carton(1)], sold.south_site, 3)
        seen = see(sold)
        assert (seen.distributor_id, seen.event_id) == (sold.south.id, received.event.id)

    def test_an_item_shipped_loose_has_its_own_way(self, sold: World):
        sold.ship("loose", [sold.item(1)], sold.east_site, sold.south_site, 3)
        assert see(sold, 1).distributor_id == sold.south.id
        assert see(sold, 2).distributor_id == sold.east.id

    def test_before_any_movement_nothing_is_known(self, sold: World):
        seen = see(sold, 1, at=1.5)
        assert seen.carton_id == sold.carton(1)[0]
        assert (seen.event_id, seen.distributor_id, seen.in_territory) == (None, None, None)

    def test_unpacked_items_have_a_product_and_no_more(self, trade: World):
        seen = see(trade, 200)
        assert (seen.carton_id, seen.product_id) == (None, trade.product.id)

    def test_the_first_scan_stays_the_first(self, trade: World):
        first = see(trade, 1)
        visitor: UUID = first.visitor_id
        again = see(trade, 1, at=6, region=NINGBO)
        assert (again.at, again.visitor_id, again.region_code) == (day(5), visitor, HANGZHOU)


class TestTerritory:
    def test_the_region_itself_and_all_below_are_in_it(self, sold: World):
        give_east(sold)
        assert see(sold, 1, region=ZHEJIANG).in_territory is True
        assert see(sold, 2, region=HANGZHOU).in_territory is True

    def test_another_region_is_not(self, sold: World):
        give_east(sold)
        assert see(sold, 1, region=GUANGZHOU).in_territory is False
        assert see(sold, 2, region="SG").in_territory is False

    def test_a_place_coarser_than_the_territory_says_nothing(self, sold: World):
        give_east(sold, HANGZHOU)
        assert see(sold, 1, region=ZHEJIANG).in_territory is None
        assert see(sold, 2, region="CN").in_territory is None
        assert see(sold, 3, region=NINGBO).in_territory is False

    def test_a_coarse_place_within_another_territory_is_in(self, sold: World):
        give_east(sold, HANGZHOU)
        give_east(sold, ZHEJIANG)
        assert see(sold, 1, region=ZHEJIANG).in_territory is True

    def test_no_place_or_one_that_is_no_region_says_nothing(self, sold: World):
        give_east(sold)
        assert see(sold, 1, region=None).in_territory is None
        assert see(sold, 2, region="??").in_territory is None

    def test_both_codes_of_a_place_are_the_same_place(self, sold: World):
        give_east(sold, "HK")
        assert see(sold, 1, region="810000").in_territory is True
        assert see(sold, 2, region="HK").in_territory is True

    def test_without_any_territory_on_record_nothing_can_be_said(self, sold: World):
        assert see(sold, 1, region=GUANGZHOU).in_territory is None

    def test_a_territory_of_another_product_does_not_count(self, sold: World):
        other = factories.product(sold.session, sold.brand)
        give_east(sold, product_id=other.id)
        assert see(sold, 1).in_territory is False
        give_east(sold, product_id=sold.product.id)
        assert see(sold, 2).in_territory is True

    def test_for_an_unknown_product_a_territory_of_some_product_says_nothing(self, trade: World):
        issued = factories.order(trade.session, trade.brand, 10)
        give_east(trade, product_id=trade.product.id)
        span = (issued.lo, issued.hi)
        trade.ship("s", [span], trade.plant, trade.east_site, 2)
        scans = [
            FirstScan(issued.lo + index, day(5), uuid4(), region, "proxy", None)
            for index, region in enumerate((HANGZHOU, GUANGZHOU))
        ]
        sight.sight(trade.session, trade.brand.id, scans)
        assert resolve(trade.session, trade.brand.id, [scan.code_id for scan in scans]) == set()
        query = select(Sighting.in_territory).where(Sighting.code_id >= issued.lo)
        found = trade.session.scalars(
            query.where(Sighting.code_id < issued.hi).order_by(Sighting.code_id)
        )
        assert found.all() == [None, False]

    def test_a_territory_of_another_channel_does_not_count(self, sold: World):
        give_east(sold, channel="ka")
        assert see(sold, 1).in_territory is False
        give_east(sold, channel="general")
        assert see(sold, 2).in_territory is True

    def test_the_day_of_the_scan_decides(self, sold: World):
        give_east(sold, valid_from=day(3), valid_to=day(6))
        assert see(sold, 1, at=2.9).in_territory is False
        assert see(sold, 2, at=3).in_territory is True
        assert see(sold, 3, at=5.9).in_territory is True
        assert see(sold, 4, at=6).in_territory is False

    def test_territories_of_others_do_not_help(self, sold: World):
        give_east(sold, HANGZHOU)
        give_east(sold, GUANGZHOU, distributor_id=sold.south.id)
        assert see(sold, 1, region=GUANGZHOU).in_territory is False


class TestPlaces:
    def test_the_browser_knows_better_than_the_proxy_and_not_the_other_way(self, sold: World):
        give_east(sold)
        see(sold, 1, region=GUANGZHOU, source="proxy")
        place(sold.session, sold.brand.id, [PlaceTold(sold.item(1)[0], NINGBO, "browser")])
        assert (sighting(sold).region_code, sighting(sold).region_source) == (NINGBO, "browser")
        place(sold.session, sold.brand.id, [PlaceTold(sold.item(1)[0], GUANGZHOU, "proxy")])
        place(sold.session, sold.brand.id, [PlaceTold(sold.item(1)[0], GUANGZHOU, "browser")])
        place(sold.session, sold.brand.id, [PlaceTold(sold.item(1)[0], GUANGZHOU, "hearsay")])
        assert sighting(sold).region_code == NINGBO

    def test_any_known_source_is_better_than_none(self, sold: World):
        see(sold, 1, region=None, source=None)
        place(sold.session, sold.brand.id, [PlaceTold(sold.item(1)[0], NINGBO, "proxy")])
        assert sighting(sold).region_code == NINGBO

    def test_a_place_that_is_handled_before_its_scan_is_not_lost(self, sold: World):
        code_id, visitor = sold.item(1)[0], uuid4()
        sold.session.add(
            Item(
                code_id=code_id, brand_id=sold.brand.id, first_at=day(5), first_visitor=visitor,
                scans=1, last_at=day(5), last_visitor=visitor,
            )
        )  # fmt: skip
        sold.session.flush()
        owe(sold, {"places": [[code_id, NINGBO, "browser"]]})
        handle(sold)
        entry = [code_id, day(5).isoformat(), str(visitor), GUANGZHOU, "proxy", None]
        owe(sold, {"scans": [entry]})
        handle(sold)
        seen = sighting(sold)
        assert (seen.region_code, seen.visitor_id, seen.at) == (NINGBO, visitor, day(5))

    def test_a_place_of_nothing_known_is_passed_over(self, sold: World):
        owe(sold, {"places": [[5, NINGBO, "browser"]]})
        assert handle(sold) == []

    def test_the_best_of_several_places_at_once_counts(self, sold: World):
        code_id = sold.item(1)[0]
        owe(sold, scans_payload(sold, 1, region=None))
        owe(sold, {"places": [[code_id, GUANGZHOU, "proxy"], [code_id, NINGBO, "browser"]]})
        owe(sold, {"places": [[code_id, GUANGZHOU, "proxy"]]})
        handle(sold)
        assert sighting(sold).region_code == NINGBO


class TestHandler:
    def test_scans_become_resolved_sightings_and_their_flow_is_looked_at(self, sold: World):
        give_east(sold)
        owe(sold, scans_payload(sold, 1, 2))
        owe(sold, scans_payload(sold, 3, region=NINGBO))
        assert handle(sold) == [{"flows": [[sold.east.id, sold.product.id]]}]
        assert [sighting(sold, number).in_territory for number in (1, 2, 3)] == [
            False, False, True,
        ]  # fmt: skip

    def test_the_same_row_twice_changes_nothing(self, sold: World):
        payload = scans_payload(sold, 1)
        owe(sold, payload)
        handle(sold)
        before = (sighting(sold).visitor_id, sighting(sold).at, sighting(sold).event_id)
        owe(sold, payload)
        handle(sold)
        assert (sighting(sold).visitor_id, sighting(sold).at, sighting(sold).event_id) == before

    def test_a_late_shipment_turns_not_known_into_outside(self, trade: World):
        trade.pack()
        give_east(trade)
        owe(trade, scans_payload(trade, 1))
        assert handle(trade) == []
        assert sighting(trade).in_territory is None
        trade.ship("late", [trade.carton(1)], trade.plant, trade.east_site, 3)
        assert handle(trade) == [{"flows": [[trade.east.id, trade.product.id]]}]
        assert sighting(trade).in_territory is False

    def test_a_shipment_after_the_scan_changes_nothing(self, trade: World):
        trade.pack()
        owe(trade, scans_payload(trade, 1))
        trade.ship("after", [trade.carton(1)], trade.plant, trade.east_site, 6)
        assert handle(trade) == []
        assert sighting(trade).event_id is None

    def test_a_late_packing_finds_the_shipment_of_its_carton(self, trade: World):
        trade.ship("loose", [trade.item(1)], trade.plant, trade.east_site, 2)
        owe(trade, scans_payload(trade, 1))
        handle(trade)
        assert sighting(trade).distributor_id == trade.east.id
        trade.pack(at=day(3))
        trade.ship("s", [trade.carton(1)], trade.plant, trade.south_site, 4)
        flows = handle(trade)
        assert sighting(trade).distributor_id == trade.south.id
        assert flows == [
            {
                "flows": [
                    [trade.east.id, trade.product.id],
                    [trade.south.id, trade.product.id],
                ]
            }
        ]

    def test_a_late_packing_without_runs_finds_it_too(self, trade: World):
        trade.ship("loose", [trade.item(1)], trade.plant, trade.east_site, 2)
        owe(trade, scans_payload(trade, 1))
        handle(trade)
        carton = trade.carton(1)[0]
        pack_collected(
            trade.session,
            brand_id=trade.brand.id,
            lines=[(carton, [trade.item(1)[0], trade.item(9)[0]])],
            site_id=trade.plant.id,
            key="line",
            actor="line",
            at=day(3),
        )
        handle(trade)
        assert sighting(trade).carton_id == carton
        trade.ship("s", [trade.carton(1)], trade.plant, trade.south_site, 4)
        handle(trade)
        assert sighting(trade).distributor_id == trade.south.id

    def test_a_territory_entered_late_is_believed_for_its_days(self, sold: World):
        owe(sold, scans_payload(sold, 1))
        handle(sold)
        territory = give_east(sold, GUANGZHOU)
        assert handle(sold) == [{"flows": [[sold.east.id, sold.product.id]]}]
        assert sighting(sold).in_territory is True
        end(sold.session, brand_id=sold.brand.id, territory_id=territory.id, at=day(4))
        handle(sold)
        assert sighting(sold).in_territory is False

    def test_more_sightings_than_a_page_are_judged_page_by_page(
        self, sold: World, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(sight, "PAGE", 3)
        owe(sold, scans_payload(sold, *range(1, 11)))
        handle(sold)
        give_east(sold)
        handle(sold)
        assert {sighting(sold, number).in_territory for number in range(1, 11)} == {False}
        sold.ship("on", [sold.carton(1)], sold.east_site, sold.south_site, 4)
        handle(sold)
        owners = {sighting(sold, number).distributor_id for number in range(1, 11)}
        assert owners == {sold.south.id}

    def test_brands_are_kept_apart(self, sold: World):
        other = world(sold.session)
        other.pack()
        other.ship("s", [other.carton(1)], other.plant, other.east_site, 2)
        owe(sold, scans_payload(sold, 1))
        owe(other, scans_payload(other, 1))
        handle_trace(sold.session, outbox.take(sold.session, "trace", 100))
        rows = outbox.take(sold.session, "detect", 10)
        assert {row.brand_id: row.payload["flows"] for row in rows} == {
            sold.brand.id: [[sold.east.id, sold.product.id]],
            other.brand.id: [[other.east.id, other.product.id]],
        }

    def test_a_row_that_is_not_what_it_should_be_raises(self, trade: World):
        row = OutboxRow(topic="trace", brand_id=trade.brand.id, payload={"scans": [[1, "noon"]]})
        with pytest.raises(msgspec.ValidationError, match=r"datetime|length"):
            handle_trace(trade.session, [row])


def test_times_are_kept_to_the_microsecond(trade: World):
    at = datetime.fromisoformat("2026-11-15T12:00:00.123456+08:00")
    code_id = trade.item(1)[0]
    owe(trade, {"scans": [[code_id, at.isoformat(), str(uuid4()), None, None, None]]})
    handle(trade)
    assert sighting(trade).at == at


def test_a_scan_and_its_shipment_handled_at_once_do_not_miss_each_other(engine: Engine):
    sessions = make_sessions(engine)
    with clock.fixed(NOON), sessions() as first:
        trade = world(first)
        trade.pack()
        first.commit()
        give_east(trade)
        owe(trade, scans_payload(trade, 1))
        handle(trade)
        with sessions.begin() as other:
            shipper = replace(trade, session=other)
            shipper.ship("s", [trade.carton(1)], trade.plant, trade.east_site, 3)

        def handle_the_shipment() -> None:
            with sessions.begin() as own:
                handle_trace(own, outbox.take(own, "trace", 100))

        second = threading.Thread(target=handle_the_shipment)
        second.start()
        wait_until(lambda: waiting(sessions) or not second.is_alive())
        first.commit()
        second.join()
        assert sighting(trade).in_territory is False
