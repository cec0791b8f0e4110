import numpy as np

from antifraud import leakage
from tests.antifraud.market import TREE

HANGZHOU, JIAXING, SUZHOU, GUANGZHOU, XIANJU = "330100", "330400", "320500", "440100", "331000"


def rate(persons: list[float], off: list[float], distributor: list[int], **more: object) -> float:
    """The highest honest rate of the first flow in one far region."""
    column = np.array(off, dtype=float)[:, None]
    teaches = np.ones_like(column, dtype=bool)
    for row in more.get("mute", ()):  # type: ignore[attr-defined]
        teaches[row] = False
    near = np.array(more.get("near", [False] * len(off)))[:, None]
    who = np.array(distributor, dtype=np.intp)
    result = leakage.rates_max(who, np.array(persons, dtype=float), column, near, teaches)
    return float(result[0, 0])


def test_with_nothing_learned_a_neighbour_may_leak_more_than_a_far_region() -> None:
    far = rate([500], [0], [0])
    near = rate([500], [0], [0], near=[True])
    assert 0.003 < far < 0.02 < near < 0.06


def test_the_own_distributors_goods_never_excuse_themselves() -> None:
    assert rate([100, 100], [30, 30], [0, 0]) == rate([100], [30], [0])


def test_where_others_leak_much_much_is_honest() -> None:
    popular = rate([100, 400, 400], [30, 40, 45], [0, 1, 2])
    assert popular > 0.07


def test_where_others_never_leak_less_is_honest_than_was_believed_before() -> None:
    assert rate([100, 400, 400], [30, 0, 0], [0, 1, 2]) < rate([100], [30], [0]) / 2


def test_what_is_muted_teaches_nothing() -> None:
    muted = rate([100, 400, 400], [30, 120, 0], [0, 1, 2], mute=[1])
    assert muted == rate([100, 400], [30, 0], [0, 2])


def test_neighbours_and_far_flows_do_not_teach_each_other() -> None:
    told = rate([100, 400], [30, 40], [0, 1], near=[False, True])
    assert told == rate([100], [30], [0])


def test_one_giant_flow_does_not_outvote_the_others() -> None:
    giant = rate([100, 1_000_000, 400, 400], [0, 300_000, 0, 0], [0, 1, 2, 3])
    small = rate([100, 500, 400, 400], [0, 150, 0, 0], [0, 1, 2, 3])
    assert abs(giant - small) < 1e-9


def test_neighbours_are_told_from_far_places_by_their_seats() -> None:
    near = leakage.near(TREE, [{HANGZHOU}, {GUANGZHOU}, set()], [JIAXING, SUZHOU, "440600"])
    assert near[0].tolist() == [True, True, False]
    assert near[1].tolist() == [False, False, True]
    assert near[2].all()  # nobody can say what is far of a distributor without a home


def test_a_province_reaches_farther_than_a_prefecture() -> None:
    assert leakage.near(TREE, [{"320000"}], ["310000"]).all()
    assert not leakage.near(TREE, [{"320000"}], ["440000"]).any()


def test_home_is_what_lies_in_a_territory_and_what_one_lies_in() -> None:
    home = leakage.at_home(TREE, [{"330000"}, {HANGZHOU}], [HANGZHOU, "330000", SUZHOU])
    assert home.tolist() == [[True, True, False], [True, True, False]]
