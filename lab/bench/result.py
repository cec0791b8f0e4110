"""What a benchmark says: figures with units in their names, ratios, what was to be reached."""

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

ROUNDS = 5
KEEPS = {">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True)
class Check:
    """One thing that was asked: a ratio or a figure, and its bound."""

    name: str
    value: float
    bound: str

    @property
    def met(self) -> bool:
        """Whether the value keeps the bound."""
        return KEEPS[self.bound.split()[0]](self.value, self.limit)

    @property
    def is_floor(self) -> bool:
        """Whether more is better."""
        return self.bound.startswith(">")

    @property
    def limit(self) -> float:
        """What the value is compared with."""
        return float(self.bound.split()[1])


@dataclass(frozen=True)
class Result:
    """`ratios` are named after the reference; `reach` holds bounds of ratios and figures.

    A figure is a number, a `spread`, an object of those by name, or a curve: a list of `[x, y]`
    pairs named `Y_by_X`, or of objects whose first key is x and whose others go with it.
    """

    name: str
    figures: dict[str, Any]
    ratios: dict[str, float]
    reach: dict[str, str]
    met: bool
    notes: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The result as programs read it."""
        return asdict(self)

    def checks(self) -> list[Check]:
        """What was asked, in its order."""
        known = {**self.figures, **self.ratios}
        return [Check(name, known[name], bound) for name, bound in self.reach.items()]


def judged(
    name: str,
    figures: Mapping[str, Any],
    ratios: Mapping[str, float],
    bounds: Mapping[str, tuple[str, float]],
    notes: Mapping[str, Any] | None = None,
) -> Result:
    """The result with `met`: each bound (a sign of `KEEPS`, limit) looked up in ratios or figures.

    Nothing is met by a run that has `errors` among its figures.
    """
    known = {**figures, **ratios}
    kept = (KEEPS[sign](known[key], limit) for key, (sign, limit) in bounds.items())
    return Result(
        name=name,
        figures=dict(figures),
        ratios={key: round(value, 3) for key, value in ratios.items()},
        reach={key: f"{sign} {limit:g}" for key, (sign, limit) in bounds.items()},
        met=all(kept) and not figures.get("errors"),
        notes=dict(notes or {}),
    )


def in_turns(
    contestants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Each contestant's figures, measured A B C A B C …: drift of the machine hits all alike."""
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            measured[name].append(measure())
    return measured


def median_ratio(ours: Sequence[float], reference: Sequence[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(ours, reference, strict=True))


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest, rounded for reading."""
    return {
        "median": round(statistics.median(values), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
    }
