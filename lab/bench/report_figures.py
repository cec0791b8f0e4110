"""Figures of a result as the report takes them: plain numbers, spreads, curves."""

import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.bench.result import Result

# As names of figures end; the longest first, since `per_second` ends like a `second`.
UNITS = (
    "per_second", "minutes", "seconds", "percent", "bytes", "mib", "gib", "mb", "gb", "ms", "us",
)  # fmt: skip
_WRITTEN = {"mib": "MiB", "gib": "GiB", "mb": "MB", "gb": "GB", "us": "µs"}
_PERCENTILE = re.compile(r"(^|_)p\d+_(ms|us|seconds)$")


@dataclass(frozen=True)
class Value:
    """A median with the least and greatest that were measured; of one measurement, all alike."""

    median: float
    least: float
    greatest: float

    @property
    def is_spread(self) -> bool:
        """Whether there is more than one measurement to it."""
        return self.least != self.greatest


@dataclass(frozen=True)
class Curve:
    """`y` over `x`, in the order of x; both are names that end with their unit."""

    x: str
    y: str
    points: list[tuple[float, Value]]

    def summary(self) -> dict[str, float]:
        """What a reader takes from a curve of too many points for a table."""
        values = [value.median for _, value in self.points]
        return {
            "first": values[0],
            "least": min(values),
            "median": statistics.median(values),
            "greatest": max(values),
            "last": values[-1],
        }


def words(name: str) -> str:
    """A figure's name for people."""
    return " ".join(
        f"{int(word):,}" if word.isdecimal() else _WRITTEN.get(word, word)
        for word in name.split("_")
    )


def unit(name: str) -> str:
    """The unit at the end of a name; of a name without one, the name."""
    for known in UNITS:
        if name == known or name.endswith(f"_{known}"):
            return known
    return name


def is_percentile(name: str) -> bool:
    """Whether the figure is one of a distribution's percentiles, as `open_loop_p99_ms`."""
    return _PERCENTILE.search(name) is not None


def value(figure: Any) -> Value | None:
    """A number or a spread as a value; None for all else."""
    if isinstance(figure, Mapping) and {"median", "min", "max"} <= set(figure):
        return Value(figure["median"], figure["min"], figure["max"])
    if isinstance(figure, int | float) and not isinstance(figure, bool):
        return Value(figure, figure, figure)
    return None


def values(result: Result) -> dict[str, Value]:
    """Every figure that is a number or a spread."""
    found = {name: value(figure) for name, figure in result.figures.items()}
    return {name: known for name, known in found.items() if known is not None}


def groups(result: Result) -> dict[str, dict[str, Value]]:
    """Every figure that has a number or a spread for each of several names."""
    found: dict[str, dict[str, Value]] = {}
    for name, figure in result.figures.items():
        if isinstance(figure, Mapping) and figure and value(figure) is None:
            members = {member: value(known) for member, known in figure.items()}
            known = {member: found for member, found in members.items() if found is not None}
            if len(known) == len(members):
                found[name] = known
    return found


def curves(result: Result) -> list[Curve]:
    """Every curve, as `Result` says how they are written."""
    found: list[Curve] = []
    for name, figure in result.figures.items():
        if not isinstance(figure, list) or not figure:
            continue
        if isinstance(figure[0], Mapping):
            x, *others = figure[0]
            columns = {y: [(point[x], point.get(y)) for point in figure] for y in others}
        else:
            y, _, x = name.rpartition("_by_")
            columns = {y or name: figure}
        found += [_curve(x, y, points) for y, points in columns.items()]
    return [curve for curve in found if curve.points]


def _curve(x: str, y: str, points: list[tuple[float, Any]]) -> Curve:
    known = [(at, value(figure)) for at, figure in points]
    return Curve(x, y, sorted([(at, v) for at, v in known if v is not None], key=lambda p: p[0]))
