import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from codegen.activate import Numbers, void
from core import clock
from core.db import make_sessions
from core.errors import BadInput, NotFound
from tests import factories
from tests.factories import NOON
from tests.traceability.world import World, counts, day, world
from traceability.errors import (
    BlockedCodes,
    KeyConflict,
    NeverPacked,
    NotHeld,
    TooMuchAtOnce,
    UnknownCodes,
)
from traceability.models import Custody, TraceEventRange
from traceability.queries import where_is
from traceability.ship import ship

Held = list[tuple[int, int, str, str]]


def held(trade: World) -> Held:
    """All custody of the brand: range, site, disposition."""
    names = {
        site.id: site.name
        for site in (trade.plant, trade.warehouse, trade.east_site, trade.south_site)
    }
    rows = trade.session.execute(
        select(Custody.lo, Custody.hi, Custody.site_id, Custody.disposition)
        .where(Custody.brand_id == trade.brand.id)
        .order_by(Custody.lo)
    )
    return [(lo, hi, names[site_id], disposition) for lo, hi, site_id, disposition in rows]


def test_shipped_cartons_are_on_their_way_and_the_others_stay(trade: World):
    trade.pack()
    event = trade.ship("1", [trade.carton(3, 5)], trade.plant, trade.east_site, 2)
    assert held(trade) == [
        (*trade.carton(1, 2), "Plant", "in_progress"),
        (*trade.carton(3, 5), "East's", "in_transit"),
        (*trade.carton(6, 10), "Plant", "in_progress"),
    ]
    assert (event.biz_step, event.document, event.event_time) == ("shipping", "DN 1", day(2))


def test_codes_listed_one_by_one_are_kept_as_runs(trade: World):
    trade.pack()
    singles = [trade.carton(number) for number in (3, 1, 2, 7, 7)]
    event = trade.ship("1", singles, trade.plant, trade.east_site, 2)
    ranges = trade.session.execute(
        select(TraceEventRange.lo, TraceEventRange.hi)
        .where(TraceEventRange.event_id == event.id)
        .order_by(TraceEventRange.lo)
    ).all()
    assert [tuple(row) for row in ranges] == [trade.carton(1, 3), trade.carton(7)]


def test_goods_are_not_shipped_twice(trade: World):
    trade.pack()
    trade.ship("1", [trade.carton(1, 3)], trade.plant, trade.east_site, 2)
    before = counts(trade.session)
    with pytest.raises(NotHeld, match=f"at East's: {trade.cartons.external_id} #2, .* #3"):
        trade.ship("2", [trade.carton(2, 4)], trade.plant, trade.south_site, 3)
    assert counts(trade.session) == before


def test_cartons_that_were_never_packed_are_not_shipped(trade: World):
    trade.pack()
    with pytest.raises(NeverPacked, match=f"{trade.cartons.external_id} #11\\."):
        trade.ship("1", [trade.carton(9, 11)], trade.plant, trade.east_site, 2)


def test_cartons_do_not_leave_before_they_were_packed(trade: World):
    trade.pack()
    with pytest.raises(NeverPacked):
        trade.ship("1", [trade.carton(1)], trade.plant, trade.east_site, 0.5)


def test_void_goods_are_not_shipped(trade: World):
    trade.pack()
    void(trade.session, trade.brand.id, trade.cartons.id, Numbers(4, 4), "broken", "test")
    with pytest.raises(BlockedCodes, match=f"{trade.cartons.external_id} #4\\."):
        trade.ship("1", [trade.carton(1, 10)], trade.plant, trade.east_site, 2)


def test_goods_may_go_on_although_nobody_confirmed_that_they_came(trade: World):
    trade.pack()
    trade.ship("1", [trade.carton(1)], trade.plant, trade.warehouse, 2)
    trade.ship("2", [trade.carton(1)], trade.warehouse, trade.east_site, 3)
    assert held(trade)[0] == (*trade.carton(1), "East's", "in_transit")


def test_loose_items_that_were_never_moved_leave_from_anywhere_but_only_once(trade: World):
    trade.ship("1", [trade.item(1, 50)], trade.plant, trade.east_site, 2)
    assert held(trade) == [(*trade.item(1, 50), "East's", "in_transit")]
    with pytest.raises(NotHeld):
        trade.ship("2", [trade.item(50, 51)], trade.plant, trade.south_site, 3)


def test_items_leave_an_opened_carton_from_where_the_carton_is(trade: World):
    trade.pack()
    trade.ship("1", [trade.carton(1)], trade.plant, trade.east_site, 2)
    with pytest.raises(NotHeld, match=f"at East's: {trade.items.external_id} #5"):
        trade.ship("2", [trade.item(5)], trade.plant, trade.south_site, 3)
    trade.ship("3", [trade.item(5)], trade.east_site, trade.south_site, 3)
    moved = where_is(trade.session, trade.brand.id, trade.item(5)[0])
    stayed = where_is(trade.session, trade.brand.id, trade.item(6)[0])
    assert moved is not None
    assert stayed is not None
    assert (moved.site_name, stayed.site_name) == ("South's", "East's")


def test_cartons_and_items_of_one_document_are_kept_apart(trade: World):
    trade.pack()
    trade.ship("1", [trade.carton(1), trade.item(200)], trade.plant, trade.east_site, 2)
    assert sorted(row for row in held(trade) if row[2] == "East's") == sorted(
        [
            (*trade.carton(1), "East's", "in_transit"),
            (*trade.item(200), "East's", "in_transit"),
        ]
    )


class TestLateDocuments:
    def test_an_earlier_event_does_not_undo_a_later_one(self, trade: World):
        trade.pack()
        trade.ship("new", [trade.carton(1, 2)], trade.plant, trade.east_site, 5)
        trade.ship("late", [trade.carton(1, 4)], trade.plant, trade.warehouse, 3)
        assert held(trade)[:2] == [
            (*trade.carton(1, 2), "East's", "in_transit"),
            (*trade.carton(3, 4), "Warehouse", "in_transit"),
        ]

    def test_of_two_events_at_the_same_instant_the_last_recorded_counts(self, trade: World):
        trade.pack()
        trade.ship("1", [trade.carton(1)], trade.plant, trade.warehouse, 2)
        trade.ship("2", [trade.carton(1)], trade.warehouse, trade.east_site, 2)
        assert held(trade)[0][2] == "East's"


class TestRepeating:
    def test_the_same_call_returns_the_first_event_even_after_the_goods_went_on(self, trade: World):
        trade.pack()
        first = trade.ship("1", [trade.carton(1, 3)], trade.plant, trade.warehouse, 2)
        trade.ship("2", [trade.carton(1, 3)], trade.warehouse, trade.east_site, 3)
        before = counts(trade.session)
        again = [trade.carton(2, 3), trade.carton(1)]
        assert trade.ship("1", again, trade.plant, trade.warehouse, 2).id == first.id
        assert counts(trade.session) == before

    def test_other_content_under_the_key_is_a_conflict(self, trade: World):
        trade.pack()
        trade.ship("1", [trade.carton(1)], trade.plant, trade.warehouse, 2)
        for codes, target, at in (
            ([trade.carton(2)], trade.warehouse, 2.0),
            ([trade.carton(1)], trade.east_site, 2.0),
            ([trade.carton(1)], trade.warehouse, 2.1),
        ):
            with pytest.raises(KeyConflict):
                trade.ship("1", codes, trade.plant, target, at)

    def test_a_packing_and_a_shipment_do_not_share_a_key(self, trade: World):
        trade.pack()
        with pytest.raises(KeyConflict):
            trade.ship("pack-1", [trade.carton(1)], trade.plant, trade.warehouse, 2)

    def test_a_refused_call_leaves_its_key_free(self, trade: World):
        trade.pack()
        with pytest.raises(NeverPacked):
            trade.ship("1", [trade.carton(11)], trade.plant, trade.warehouse, 2)
        assert trade.ship("1", [trade.carton(10)], trade.plant, trade.warehouse, 2).key == "1"


class TestBadInput:
    def refuse(self, trade: World, error: type[Exception], **change: Any) -> None:
        values: dict[str, Any] = {
            "key": "1",
            "document": "DN 1",
            "from_site_id": trade.plant.id,
            "to_site_id": trade.east_site.id,
            "codes": [trade.carton(1)],
            "at": day(2),
            "actor": "erp",
            **change,
        }
        before = counts(trade.session)
        with pytest.raises(error):
            ship(trade.session, brand_id=trade.brand.id, **values)
        assert counts(trade.session) == before

    def test_is_refused_and_changes_nothing(self, trade: World):
        trade.pack()
        stranger = factories.brand(trade.session)
        theirs = factories.site(trade.session, stranger)
        lo = trade.carton(1)[0]
        self.refuse(trade, BadInput, codes=[])
        self.refuse(trade, BadInput, codes=[(lo, lo)])
        self.refuse(trade, BadInput, codes=[(2**63, 2**63 + 1)])
        self.refuse(trade, BadInput, codes=[(lo + 1, lo)])
        self.refuse(trade, BadInput, to_site_id=trade.plant.id)
        self.refuse(trade, BadInput, at=datetime(2026, 11, 12))  # noqa: DTZ001
        self.refuse(trade, BadInput, at=day(11))
        self.refuse(trade, BadInput, document="x" * 201)
        self.refuse(trade, BadInput, document="")
        self.refuse(trade, NotFound, to_site_id=theirs.id)
        self.refuse(trade, NotFound, from_site_id=-1)
        self.refuse(trade, UnknownCodes, codes=[(1, 3)])
        self.refuse(trade, UnknownCodes, codes=[(lo, trade.cartons.hi + 1)])
        self.refuse(trade, TooMuchAtOnce, codes=[(lo, lo + 100_001)])
        self.refuse(trade, TooMuchAtOnce, codes=[(n, n + 1) for n in range(20_001)])

    def test_another_brands_cartons_are_unknown(self, trade: World):
        other = world(trade.session)
        other.pack()
        self.refuse(trade, UnknownCodes, codes=[other.carton(1)])


def test_of_two_shipments_of_the_same_carton_at_once_one_is_refused(engine: Engine):
    sessions = make_sessions(engine)
    with clock.fixed(NOON):
        with sessions.begin() as session:
            trade = world(session)
            trade.pack()
        outcomes: list[str] = []

        def run(key: str, target: int) -> None:
            try:
                with sessions.begin() as own:
                    ship(
                        own,
                        brand_id=trade.brand.id,
                        key=key,
                        document=None,
                        from_site_id=trade.plant.id,
                        to_site_id=target,
                        codes=[trade.carton(1, 10)],
                        actor="erp",
                    )
                outcomes.append("shipped")
            except NotHeld:
                outcomes.append("refused")

        targets = (trade.east_site.id, trade.south_site.id)
        threads = [
            threading.Thread(target=run, args=(str(number), targets[number % 2]))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused"] * 5 + ["shipped"]
        with sessions() as session:
            assert len(session.scalars(select(Custody)).all()) == 1


def test_twin_calls_at_once_both_get_the_one_event(engine: Engine):
    sessions = make_sessions(engine)
    with clock.fixed(NOON):
        with sessions.begin() as session:
            trade = world(session)
        ids: list[int] = []

        def run() -> None:
            with sessions.begin() as own:
                event = ship(
                    own,
                    brand_id=trade.brand.id,
                    key="1",
                    document=None,
                    from_site_id=trade.plant.id,
                    to_site_id=trade.east_site.id,
                    codes=[trade.item(1, 5)],
                    actor="erp",
                )
                ids.append(event.id)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ids) == 4
        assert len(set(ids)) == 1
