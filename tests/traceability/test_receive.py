import pytest

from codegen.activate import Numbers, void
from core.errors import BadInput, NotFound
from tests.traceability.world import World, counts, day
from traceability.errors import KeyConflict, NeverPacked, UnknownCodes
from traceability.queries import where_is
from traceability.receive import Stray, receive


def test_received_goods_are_at_the_site_and_nothing_strayed(trade: World):
    trade.pack()
    trade.ship("s", [trade.carton(1, 4)], trade.plant, trade.east_site, 2)
    received = trade.receive("r", [trade.carton(1, 4)], trade.east_site, 3)
    assert received.strays == ()
    now = where_is(trade.session, trade.brand.id, trade.carton(4)[0])
    assert now is not None
    assert (now.site_id, now.disposition, now.since) == (
        trade.east_site.id, "in_progress", day(3),
    )  # fmt: skip
    assert now.event_id == received.event.id


def test_goods_sent_elsewhere_are_named_and_custody_follows_the_fact(trade: World):
    trade.pack()
    trade.ship("s1", [trade.carton(1, 4)], trade.plant, trade.east_site, 2)
    trade.ship("s2", [trade.carton(5, 6)], trade.plant, trade.south_site, 2)
    received = trade.receive("r", [trade.carton(2, 7)], trade.south_site, 3)
    assert received.strays == (
        Stray(*trade.carton(2, 4), trade.east_site.id),
        Stray(*trade.carton(7), trade.plant.id),
    )
    now = where_is(trade.session, trade.brand.id, trade.carton(3)[0])
    assert now is not None
    assert now.site_id == trade.south_site.id


def test_goods_that_are_at_the_site_already_may_be_counted_in_again(trade: World):
    trade.pack()
    assert trade.receive("r", [trade.carton(1)], trade.plant, 3).strays == ()


def test_items_of_a_carton_are_expected_where_the_carton_is(trade: World):
    trade.pack()
    trade.ship("s", [trade.carton(1)], trade.plant, trade.east_site, 2)
    received = trade.receive("r", [trade.item(3, 4)], trade.south_site, 3)
    assert received.strays == (Stray(*trade.item(3, 4), trade.east_site.id),)
    assert trade.receive("r2", [trade.item(5)], trade.east_site, 3).strays == ()


def test_loose_items_that_nobody_moved_before_are_expected_nowhere(trade: World):
    assert trade.receive("r", [trade.item(3, 4)], trade.south_site, 3).strays == ()


def test_a_late_receipt_is_judged_by_its_day_and_leaves_the_present_alone(trade: World):
    trade.pack()
    trade.ship("s1", [trade.carton(1)], trade.plant, trade.east_site, 2)
    trade.ship("s2", [trade.carton(1)], trade.east_site, trade.south_site, 5)
    assert trade.receive("r", [trade.carton(1)], trade.east_site, 3).strays == ()
    now = where_is(trade.session, trade.brand.id, trade.carton(1)[0])
    assert now is not None
    assert now.site_id == trade.south_site.id


def test_the_same_call_again_says_the_same_and_writes_nothing(trade: World):
    trade.pack()
    trade.ship("s", [trade.carton(1)], trade.plant, trade.east_site, 2)
    first = trade.receive("r", [trade.carton(1)], trade.south_site, 3)
    trade.ship("s2", [trade.carton(1)], trade.south_site, trade.east_site, 4)
    before = counts(trade.session)
    assert trade.receive("r", [trade.carton(1)], trade.south_site, 3) == first
    assert first.strays
    assert counts(trade.session) == before
    with pytest.raises(KeyConflict):
        trade.receive("r", [trade.carton(1)], trade.east_site, 3)


def test_void_goods_that_came_are_recorded_too(trade: World):
    trade.pack()
    void(trade.session, trade.brand.id, trade.cartons.id, Numbers(1, 1), "recall", "test")
    assert trade.receive("r", [trade.carton(1)], trade.east_site, 3).strays


def test_what_can_not_be_is_refused_and_changes_nothing(trade: World):
    trade.pack()
    before = counts(trade.session)
    with pytest.raises(NeverPacked):
        trade.receive("r", [trade.carton(11)], trade.east_site, 3)
    with pytest.raises(NeverPacked):
        trade.receive("r", [trade.carton(1)], trade.east_site, 0)
    with pytest.raises(UnknownCodes):
        trade.receive("r", [(1, 2)], trade.east_site, 3)
    with pytest.raises(BadInput):
        trade.receive("r", [], trade.east_site, 3)
    with pytest.raises(NotFound):
        receive(
            trade.session, brand_id=trade.brand.id, key="r", document=None, site_id=-1,
            codes=[trade.carton(1)], actor="clerk",
        )  # fmt: skip
    assert counts(trade.session) == before
