from uuid import uuid4

from sqlalchemy import event as sqlalchemy_event

from tests import factories
from tests.traceability.world import GUANGZHOU, HANGZHOU, ZHEJIANG, World, day, world
from traceability import queries
from traceability.models import Scan
from traceability.pack import SsccSeries
from traceability.queries import Stock
from traceability.territory import grant


def story(trade: World) -> None:
    """Packed on day 1, to the warehouse on 2, to East on 3 (who confirms on 4), to South on 6."""
    trade.pack(ssccs=SsccSeries("6901234", 1))
    trade.ship("s1", [trade.carton(1, 6)], trade.plant, trade.warehouse, 2)
    trade.ship("s2", [trade.carton(1, 4)], trade.warehouse, trade.east_site, 3)
    trade.receive("r2", [trade.carton(1, 3)], trade.east_site, 4)
    trade.ship("s3", [trade.carton(1)], trade.east_site, trade.south_site, 6)


class TestWhereIs:
    def test_an_item_is_where_its_carton_is(self, trade: World):
        story(trade)
        for code_id in (trade.item(30)[0], trade.carton(3)[0]):
            found = queries.where_is(trade.session, trade.brand.id, code_id)
            assert found is not None
            assert found.carton_id == trade.carton(3)[0]
            assert found.sscc == "069012340000000030"
            assert (found.site_code, found.distributor_name) == (trade.east_site.code, "East")
            assert (found.disposition, found.since) == ("in_progress", day(4))

    def test_goods_on_their_way_name_the_document(self, trade: World):
        story(trade)
        found = queries.where_is(trade.session, trade.brand.id, trade.carton(4)[0])
        assert found is not None
        assert (found.site_name, found.disposition) == ("East's", "in_transit")
        assert (found.since, found.document) == (day(3), "DN s2")

    def test_nothing_is_known_of_what_never_moved_or_is_anothers(self, trade: World):
        story(trade)
        stranger = factories.brand(trade.session)
        assert queries.where_is(trade.session, trade.brand.id, trade.item(200)[0]) is None
        assert queries.where_is(trade.session, trade.brand.id, 5) is None
        assert queries.where_is(trade.session, stranger.id, trade.carton(1)[0]) is None


class TestWhoShouldSell:
    def test_the_history_of_the_day_decides(self, trade: World):
        story(trade)
        code_id = trade.item(1)[0]
        sellers = [
            queries.who_should_sell(trade.session, trade.brand.id, code_id, day(at))
            for at in (1.5, 2, 3, 5.9, 6, 9)
        ]
        names = [seller and seller.site_name for seller in sellers]
        assert names == [None, "Warehouse", "East's", "East's", "South's", "South's"]
        last = sellers[-1]
        assert last is not None
        assert (last.distributor_name, last.since, last.document) == ("South", day(6), "DN s3")

    def test_names_the_territories_of_that_day_for_this_product_and_channel(self, trade: World):
        story(trade)
        other = factories.product(trade.session, trade.brand)
        common = {"brand_id": trade.brand.id, "distributor_id": trade.east.id}
        for region, more in (
            (ZHEJIANG, {"valid_from": day(0), "valid_to": day(5)}),
            (HANGZHOU, {"valid_from": day(0), "product_id": trade.product.id}),
            (GUANGZHOU, {"valid_from": day(0), "channel": "general"}),
            ("SG", {"valid_from": day(5)}),
            ("US", {"valid_from": day(0), "product_id": other.id}),
            ("FR", {"valid_from": day(0), "channel": "ka"}),
        ):
            grant(trade.session, region_code=region, **common, **more)

        def regions(at: float) -> list[str]:
            code_id = trade.item(1)[0]
            seller = queries.who_should_sell(trade.session, trade.brand.id, code_id, day(at))
            assert seller is not None
            return [ground.region_code for ground in seller.territories]

        assert regions(4) == [ZHEJIANG, HANGZHOU, GUANGZHOU]
        assert regions(5) == [HANGZHOU, GUANGZHOU, "SG"]

    def test_another_brand_learns_nothing(self, trade: World):
        story(trade)
        stranger = factories.brand(trade.session)
        code_id = trade.item(1)[0]
        assert queries.who_should_sell(trade.session, stranger.id, code_id, day(9)) is None


class TestWhatHappened:
    def test_events_of_item_and_carton_and_scans_in_order_of_time(self, trade: World):
        story(trade)
        trade.ship("loose", [trade.item(1)], trade.south_site, trade.warehouse, 8)
        trade.session.add(
            Scan(
                at=day(7), brand_id=trade.brand.id, code_id=trade.item(1)[0], visitor_id=uuid4(),
                outcome="first", verdict="allow", region_code=HANGZHOU, door="page",
            )
        )  # fmt: skip
        trade.session.flush()
        life = queries.what_happened(trade.session, trade.brand.id, trade.item(1)[0])
        assert [(h.at, h.step, h.of_carton, h.site_name, h.to_site_name) for h in life] == [
            (day(1), "packing", True, "Plant", None),
            (day(2), "shipping", True, "Plant", "Warehouse"),
            (day(3), "shipping", True, "Warehouse", "East's"),
            (day(4), "receiving", True, "East's", None),
            (day(6), "shipping", True, "East's", "South's"),
            (day(7), "scan", False, None, None),
            (day(8), "shipping", False, "South's", "Warehouse"),
        ]
        assert (life[5].outcome, life[5].region_code) == ("first", HANGZHOU)
        assert (life[1].document, life[1].actor) == ("DN s1", "erp")

    def test_another_brand_sees_an_empty_life(self, trade: World):
        story(trade)
        stranger = factories.brand(trade.session)
        assert queries.what_happened(trade.session, stranger.id, trade.item(1)[0]) == []


def test_each_of_the_three_questions_is_one_statement(trade: World):
    story(trade)
    statements: list[str] = []
    connection = trade.session.connection()
    sqlalchemy_event.listen(
        connection, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    code_id = trade.item(1)[0]
    queries.where_is(trade.session, trade.brand.id, code_id)
    queries.who_should_sell(trade.session, trade.brand.id, code_id, day(9))
    queries.what_happened(trade.session, trade.brand.id, code_id)
    assert len(statements) == 3


class TestLists:
    def test_cartons_by_order_and_number_with_their_holder(self, trade: World):
        story(trade)
        cards = queries.cartons(trade.session, trade.brand.id)
        assert [card.number for card in cards] == list(range(10, 0, -1))
        assert {card.order_external_id for card in cards} == {trade.cartons.external_id}
        assert [card.site_name for card in cards[-2:]] == ["East's", "South's"]
        assert [card.quantity for card in cards] == [12] * 10

    def test_cartons_page_by_page_and_of_one_order(self, trade: World):
        story(trade)
        session, brand_id = trade.session, trade.brand.id
        page = queries.cartons(session, brand_id, trade.cartons.id, limit=4)
        rest = queries.cartons(session, brand_id, None, page[-1].carton_id)
        assert [card.number for card in page + rest] == list(range(10, 0, -1))
        assert queries.cartons(session, brand_id, trade.items.id) == []

    def test_shipments_say_how_much_is_still_on_its_way(self, trade: World):
        story(trade)
        cards = queries.shipments(trade.session, trade.brand.id)
        assert [(card.document, card.codes, card.codes_in_transit) for card in cards] == [
            ("DN s3", 1, 1),
            ("DN s2", 4, 1),
            ("DN s1", 6, 2),
        ]

    def test_a_distributor_sees_the_shipments_from_and_to_its_sites(self, trade: World):
        story(trade)

        def seen(distributor_id: int, **more: int) -> list[str | None]:
            cards = queries.shipments(trade.session, trade.brand.id, distributor_id, **more)
            return [card.document for card in cards]

        assert seen(trade.east.id) == ["DN s3", "DN s2"]
        assert seen(trade.south.id) == ["DN s3"]
        assert seen(trade.east.id, limit=1) == ["DN s3"]
        last = queries.shipments(trade.session, trade.brand.id)[0].event_id
        assert seen(trade.east.id, before_event_id=last) == ["DN s2"]

    def test_the_stock_of_each_site_by_layer_and_whether_it_has_come(self, trade: World):
        story(trade)
        trade.ship("loose", [trade.item(200, 209)], trade.plant, trade.east_site, 5)
        east, plant, south, warehouse = queries.inventory(trade.session, trade.brand.id)
        assert east == Stock(trade.east_site.id, "East's", trade.east.id, 2, 0, 1, 10)
        assert (plant.cartons, plant.cartons_in_transit) == (4, 0)
        assert (south.cartons, south.cartons_in_transit) == (0, 1)
        assert (warehouse.cartons, warehouse.cartons_in_transit) == (0, 2)
        assert queries.inventory(trade.session, trade.brand.id, trade.east.id) == [east]

    def test_adjoining_orders_of_two_layers_stay_apart_in_the_stock(self, trade: World):
        assert trade.items.hi == trade.cartons.lo
        trade.pack(first_carton=1)
        mixed = [(trade.items.hi - 5, trade.cartons.lo + 3)]
        trade.ship("mixed", mixed, trade.plant, trade.east_site, 2)
        stock = queries.inventory(trade.session, trade.brand.id, trade.east.id)
        assert [(row.cartons_in_transit, row.items_in_transit) for row in stock] == [(3, 5)]

    def test_an_event_and_its_codes_are_the_brands_own(self, trade: World):
        packed = trade.pack()
        session, brand_id = trade.session, trade.brand.id
        assert queries.event(session, brand_id, packed.id) == packed
        ranges = queries.ranges_of(session, brand_id, packed.id)
        assert [(row.lo, row.hi) for row in ranges] == [trade.carton(1, 10)]
        stranger = factories.brand(session)
        assert queries.event(session, stranger.id, packed.id) is None
        assert queries.ranges_of(session, stranger.id, packed.id) == []

    def test_another_brands_goods_are_in_no_list(self, trade: World):
        story(trade)
        other = world(trade.session)
        assert queries.cartons(other.session, other.brand.id) == []
        assert queries.shipments(other.session, other.brand.id) == []
        assert queries.inventory(other.session, other.brand.id) == []
        assert queries.contents(other.session, other.brand.id, trade.carton(1)[0]) == []
        sscc = "069012340000000030"
        assert queries.cartons_by_sscc(other.session, other.brand.id, [sscc]) == {}
