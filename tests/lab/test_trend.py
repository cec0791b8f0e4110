"""The soak's verdicts: noise passes, growth does not."""

import numpy as np
import pytest

from lab.soak.trend import drifts, exceeds, grows, slope_per_hour

MINUTES = 20
EVERY_SECONDS = 5
SECONDS = list(range(0, MINUTES * 60, EVERY_SECONDS))
BOUND_MB = 20.0


def memory(seed: int, leak_mb_per_hour: float = 0.0) -> list[float]:
    """A process of 150 MB that breathes, with garbage now and then."""
    luck = np.random.default_rng(seed)
    noise = luck.normal(0, 2, len(SECONDS)) + 30 * (luck.random(len(SECONDS)) < 0.05)
    return [
        float(150 + leak_mb_per_hour * t / 3600 + n) for t, n in zip(SECONDS, noise, strict=True)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_noise_and_peaks_are_no_growth(seed: int) -> None:
    assert grows("memory", SECONDS, memory(seed), BOUND_MB).kept


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_growth(seed: int) -> None:
    verdict = grows("memory", SECONDS, memory(seed, leak_mb_per_hour=40), BOUND_MB)
    assert not verdict.kept
    assert verdict.value > BOUND_MB


def test_what_shrinks_or_stands_still_does_not_grow() -> None:
    assert slope_per_hour(SECONDS, [5.0] * len(SECONDS)) == 0
    assert slope_per_hour(SECONDS, [-float(t) for t in SECONDS]) == 0
    assert slope_per_hour([0, 5], [1, 100]) == 0  # two samples prove nothing


def test_latency_that_doubles_has_drifted() -> None:
    assert drifts("p95", [40, 60, 50, 45, 55, 44, 52, 61, 48], 1.5).kept
    slow = drifts("p95", [40, 60, 50, 70, 75, 80, 95, 100, 105], 1.5)
    assert (slow.kept, slow.value) == (False, 2.0)


def test_one_value_above_the_bound_is_too_many() -> None:
    assert exceeds("errors", [0, 0, 0], 0).kept
    assert not exceeds("errors", [0, 1, 0], 0).kept
