"""Whether a series of samples keeps its level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Verdict:
    """What was looked at, what was found, and the bound that it keeps or breaks."""

    name: str
    value: float
    bound: float
    kept: bool


def slope_per_hour(seconds: Sequence[float], values: Sequence[float]) -> float:
    """The growth an hour that the samples prove, in the values' unit; 0 if they prove none.

    The lower end of the 95 % interval of the Theil-Sen slope (Sen 1968): the median of the slopes
    between all pairs, which single peaks do not move. So noise is no growth, and the longer the
    watch, the smaller a growth is seen.
    """
    if len(values) < 3:
        return 0.0
    _, _, low, _ = theilslopes(np.asarray(values), np.asarray(seconds), CONFIDENCE)
    return max(0.0, float(low) * 3600)


def grows(
    name: str, seconds: Sequence[float], values: Sequence[float], most_per_hour: float
) -> Verdict:
    """Whether the values are proven to grow by more than so much an hour."""
    slope = slope_per_hour(seconds, values)
    return Verdict(name, round(slope, 2), most_per_hour, slope <= most_per_hour)


def drifts(name: str, values: Sequence[float], most_ratio: float) -> Verdict:
    """Whether the median of the last third is more than so many times that of the first."""
    third = max(1, len(values) // 3)
    first, last = np.median(values[:third]), np.median(values[-third:])
    ratio = float(last / first) if first else (float("inf") if last else 1.0)
    return Verdict(name, round(ratio, 3), most_ratio, ratio <= most_ratio)


def exceeds(name: str, values: Sequence[float], most: float) -> Verdict:
    """Whether any value is greater than the bound."""
    greatest = max(values, default=0.0)
    return Verdict(name, round(float(greatest), 3), most, greatest <= most)
