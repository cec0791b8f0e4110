"""The e-value keeps its promise: under the null nobody's stopping rule makes it grow."""

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antifraud.e_value import e_bh, log_e_value

RATES = st.floats(0.001, 0.3)
SHARES = st.floats(1e-5, 0.2)
FRACTIONS = st.floats(0.0, 1.0)
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def e_value(hits: list[int], sizes: list[int], rate_max: float, carried: float) -> float:
    ones = np.ones(len(hits), dtype=np.int64)
    return math.exp(log_e_value(np.array(hits), np.array(sizes), ones, rate_max, carried))


def binomial(k: int, n: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1.0 - p) ** (n - k)


@settings(deadline=None, max_examples=60)
@given(SIZES, RATES, SHARES, FRACTIONS)
def test_honest_scans_have_a_mean_of_at_most_one_at_any_rate_of_the_null(
    sizes: list[int], rate_max: float, carried: float, fraction: float
) -> None:
    rate = rate_max * fraction
    mean = sum(
        math.prod(binomial(k, n, rate) for k, n in zip(hits, sizes, strict=True))
        * e_value(list(hits), sizes, rate_max, carried)
        for hits in itertools.product(*(range(n + 1) for n in sizes))
    )
    assert mean <= 1.0 + 1e-9


@settings(deadline=None, max_examples=60)
@given(st.data(), SIZES, RATES, SHARES)
def test_carried_cartons_do_not_raise_the_mean_whatever_they_show(
    data: st.DataObject, sizes: list[int], rate_max: float, carried: float
) -> None:
    shown = [data.draw(st.integers(0, n)) for n in sizes]

    def chance(k: int, n: int, carried_shows: int) -> float:
        return (1.0 - carried) * binomial(k, n, rate_max) + carried * (k == carried_shows)

    mean = sum(
        math.prod(chance(k, n, s) for k, n, s in zip(hits, sizes, shown, strict=True))
        * e_value(list(hits), sizes, rate_max, carried)
        for hits in itertools.product(*(range(n + 1) for n in sizes))
    )
    assert mean <= 1.0 + 1e-9


@settings(deadline=None, max_examples=15)
@given(st.permutations([0, 0, 0, 1, 1, 2]), RATES, SHARES)
def test_the_best_moment_to_stop_gains_nothing(
    order: list[int], rate_max: float, carried: float
) -> None:
    """Backward induction over all paths; who stops even knows which cartons are carried."""

    def value(step: int, hits: list[int], sizes: list[int], whole: dict[int, bool]) -> float:
        seen = [i for i, size in enumerate(sizes) if size]
        now = e_value([hits[i] for i in seen], [sizes[i] for i in seen], rate_max, carried)
        if step == len(order):
            return now
        carton = order[step]
        if carton not in whole:
            later = sum(
                share * after_scan(step, hits, sizes, {**whole, carton: label})
                for label, share in ((True, carried), (False, 1.0 - carried))
            )
        else:
            later = after_scan(step, hits, sizes, whole)
        return max(now, later)

    def after_scan(step: int, hits: list[int], sizes: list[int], whole: dict[int, bool]) -> float:
        carton = order[step]
        rate = 1.0 if whole[carton] else rate_max
        more = [n + (i == carton) for i, n in enumerate(sizes)]
        hit = [k + (i == carton) for i, k in enumerate(hits)]
        total = rate * value(step + 1, hit, more, whole)
        if rate < 1.0:
            total += (1.0 - rate) * value(step + 1, hits, more, whole)
        return total

    assert value(0, [0, 0, 0], [0, 0, 0], {}) <= 1.0 + 1e-9


def test_looking_after_every_scan_crosses_twenty_on_fewer_than_one_path_in_twenty() -> None:
    rng, paths, crossed = np.random.default_rng(20261120), 300, 0
    rate_max, carried = 0.03, 0.01
    for _ in range(paths):
        cartons = rng.integers(12, size=60)
        whole = rng.random(12) < carried
        off = whole[cartons] | (rng.random(60) < rate_max)
        hits, sizes = np.zeros(12, dtype=np.int64), np.zeros(12, dtype=np.int64)
        for carton, is_off in zip(cartons, off, strict=True):
            sizes[carton] += 1
            hits[carton] += is_off
            if is_off:  # a scan at home never raises it
                ones = (sizes > 0).astype(np.int64)
                if log_e_value(hits, sizes, ones, rate_max, carried) >= math.log(20):
                    crossed += 1
                    break
    assert crossed <= paths / 20


@given(st.integers(1, 30), st.integers(0, 29), RATES, SHARES)
def test_one_more_hit_never_lowers_it(size: int, hits: int, rate_max: float, share: float) -> None:
    hits = min(hits, size - 1)
    fewer = e_value([hits, 0], [size, 5], rate_max, share)
    more = e_value([hits + 1, 0], [size, 5], rate_max, share)
    assert more >= fewer * (1.0 - 1e-9)


def test_equal_cartons_may_be_counted_together() -> None:
    apart = log_e_value(np.array([3, 3, 0]), np.array([4, 4, 1]), np.array([1, 1, 1]), 0.01, 1e-5)
    together = log_e_value(np.array([3, 0]), np.array([4, 1]), np.array([2, 1]), 0.01, 1e-5)
    assert math.isclose(apart, together)


def test_one_carton_alone_never_convinces_however_many_scanned_it() -> None:
    alone = e_value([200], [200], 0.005, 1e-5)
    two = e_value([6, 6], [6, 6], 0.005, 1e-5)
    assert alone < 1e5 < two


def test_huge_counts_stay_finite() -> None:
    hits, sizes = np.array([0, 5_000]), np.array([1, 5_000])
    assert math.isfinite(log_e_value(hits, sizes, np.array([10_000_000, 1]), 0.003, 1e-5))
    nothing = log_e_value(np.array([0]), np.array([10_000]), np.array([1]), 0.3, 1e-5)
    assert math.isfinite(nothing)
    assert nothing < 0


@given(
    st.lists(st.floats(-50, 50), max_size=12),
    st.integers(0, 1000),
    st.floats(0.001, 0.5),
)
def test_e_bh_rejects_the_largest_for_the_largest_possible_number(
    log_e: list[float], unseen: int, alpha: float
) -> None:
    hypotheses = len(log_e) + unseen + 1
    rejected = e_bh(np.array(log_e), hypotheses, alpha)
    count = int(rejected.sum())
    ranked = sorted(log_e, reverse=True)
    if count:
        assert min(np.array(log_e)[rejected]) == ranked[count - 1]
    for k in range(1, len(log_e) + 1):
        fits = ranked[k - 1] >= math.log(hypotheses / alpha) - math.log(k)
        assert not fits or k <= count


def test_e_bh_asks_less_of_each_when_many_stand_together() -> None:
    threshold = math.log(1000 / 0.01)
    assert not e_bh(np.array([threshold - 0.5]), 1000, 0.01).any()
    assert e_bh(np.array([threshold - 0.5] * 2), 1000, 0.01).all()
