"""Simulated markets: honest ones are left in peace, diverted goods are found."""

import numpy as np
import pytest

from antifraud.weigh import Flow, Spot, count_units, unit_of
from tests.antifraud.market import (
    HOMES,
    JIAXING,
    SUZHOU,
    TREE,
    First,
    Tally,
    diverted,
    honest,
    look,
    looked_at_once,
)

FLOW = Flow(0, 0)  # of the distributor in 杭州


def home_scans(count: int, flow: Flow = FLOW) -> list[First]:
    home = HOMES[flow.distributor_id]
    return [First(flow, ("home", i), ("home", i), home, off=False) for i in range(count)]


def test_honest_brands_are_almost_never_accused_though_looked_at_after_every_stray_scan() -> None:
    brands, accused = 300, 0
    for seed in range(brands):
        tally = Tally()
        for scan in honest(np.random.default_rng(seed), cartons=60, leakage=0.08):
            tally.add(scan)
            if scan.off and look(tally):
                accused += 1
                break
    assert accused <= brands * 0.01


def test_big_honest_brands_are_not_accused_either() -> None:
    for seed in range(20):
        assert looked_at_once(honest(np.random.default_rng(seed), cartons=600)) == []


@pytest.mark.parametrize(("unit", "cartons"), [("210200", 3), (JIAXING, 5)])
def test_cartons_sold_elsewhere_are_found_when_a_quarter_is_scanned(
    unit: str, cartons: int
) -> None:
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weighed = looked_at_once(honest(rng, cartons=100) + diverted(rng, cartons, unit, FLOW))
        assert {w.spot for w in weighed} <= {Spot(FLOW, unit)}
        found += len(weighed)
    assert found >= 19


def test_many_cartons_of_which_one_item_each_is_scanned_are_found() -> None:
    rng = np.random.default_rng(7)
    strays = [First(FLOW, ("stray", i), ("stray", i), "210200") for i in range(15)]
    weighed = looked_at_once(honest(rng, cartons=100) + strays)
    assert [w.spot for w in weighed] == [Spot(FLOW, "210200")]


def test_one_tourist_with_six_bottles_of_a_carton_is_no_finding() -> None:
    bottles = [First(FLOW, "tourist", "carton", SUZHOU) for _ in range(6)]
    assert looked_at_once(home_scans(60) + bottles) == []


def test_a_collector_who_scans_hundreds_of_caps_is_one_person() -> None:
    caps = [First(FLOW, "collector", ("home", i), SUZHOU) for i in range(300)]
    friends = [First(FLOW, ("friend", i), ("other", i), SUZHOU) for i in range(2)]
    assert looked_at_once(home_scans(60) + caps + friends) == []


def test_a_banquet_with_one_carton_far_away_is_no_finding() -> None:
    guests = [First(FLOW, ("guest", i), "banquet", "210200") for i in range(24)]
    assert looked_at_once(home_scans(60) + guests) == []


def test_two_flows_diverted_to_one_place_do_not_excuse_each_other() -> None:
    rng = np.random.default_rng(11)
    others = [Flow(1, 0), Flow(2, 1)]
    scans = honest(rng, cartons=150)
    for flow in others:
        scans += diverted(rng, 8, "210200", flow)
    assert {w.spot for w in looked_at_once(scans)} == {Spot(flow, "210200") for flow in others}


def test_a_place_where_everyones_goods_turn_up_accuses_nobody() -> None:
    scans = []
    for distributor in range(8):
        flow = Flow(distributor, 0)
        scans += home_scans(180, flow)
        scans += [First(flow, ("tourist", i), ("home", i), "460200") for i in range(20)]
    assert looked_at_once(scans) == []


def test_a_tally_followed_scan_by_scan_equals_one_made_at_once() -> None:
    scans = honest(np.random.default_rng(3), cartons=20)
    tally = Tally()
    for scan in scans:
        tally.add(scan)
    for flow, counted in tally.cartons.items():
        persons = sum(s.persons for spot, s in tally.seen.items() if spot.flow == flow)
        assert sum(size * count for size, count in counted.sizes.items()) == persons
        for unit, hits in counted.hits.items():
            total = sum(hit * count for (hit, _), count in hits.items())
            assert total == tally.seen[Spot(flow, unit)].persons_off


def test_places_count_for_their_prefecture_or_what_is_coarser() -> None:
    assert unit_of(TREE, "320500") == "320500"
    assert unit_of(TREE, "320000") == "320000"
    assert unit_of(TREE, "429004") == "420000"
    assert unit_of(TREE, "JP") == "JP"


def test_units_are_all_regions_but_counties() -> None:
    counties = sum(
        TREE.level(code) == "county"
        for province in TREE.children("CN")
        for code in TREE.children(province)
    )
    assert count_units(TREE) == len(TREE) - counties
