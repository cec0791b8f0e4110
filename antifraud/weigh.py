"""Which flows of goods are diverted where, decided from counts alone: no database, no clock."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from antifraud import leakage
from antifraud.e_value import Floats, Mask, e_bh, log_e_value
from core.regions.tree import RegionTree

FALSE_DISCOVERY_RATE = 0.01
# Fewer can be one family on a journey, whatever the numbers say.
PERSONS_MIN = 3
ITEMS_MIN = 3
# Finding a diverted flow sharpens what is honest, which may uncover another.
ROUNDS_MAX = 5


class Flow(NamedTuple):
    """The goods of one product that went to one distributor."""

    distributor_id: int
    product_id: int


class Spot(NamedTuple):
    """A flow and a region: what a finding is about."""

    flow: Flow
    unit: str  # a prefecture, or what is coarser where the place is not known so well


@dataclass(frozen=True)
class Seen:
    """First scans of a flow in one region; of persons, each counts once a flow and region."""

    items: int = 0
    items_off: int = 0
    persons: int = 0
    persons_off: int = 0


@dataclass(frozen=True)
class Cartons:
    """A flow's cartons by how many persons count in them; a loose item is a carton of its own.

    `sizes` says how many cartons have so many persons; `hits[unit]` how many cartons have
    (so many persons off-territory there, so many persons in all).
    """

    sizes: Counter[int]
    hits: Mapping[str, Counter[tuple[int, int]]]


@dataclass(frozen=True)
class Weighed:
    """How one spot stands: `rate_max` is the highest honest rate, `found` says it was exceeded."""

    spot: Spot
    rate_max: float
    log_e: float
    found: bool


def candidates(seen: Mapping[Spot, Seen]) -> set[Spot]:
    """The spots with evidence enough to be weighed at all."""
    return {
        spot
        for spot, s in seen.items()
        if s.persons_off >= PERSONS_MIN and s.items_off >= ITEMS_MIN
    }


def weigh(
    tree: RegionTree,
    seen: Mapping[Spot, Seen],
    territories: Mapping[int, Collection[str]],
    cartons: Mapping[Flow, Cartons],
    asked: Collection[Spot],
    diverted: Collection[Flow] = (),
) -> list[Weighed]:
    """How each spot in `asked` stands, in the order of their names.

    `seen` holds all spots of the brand, `territories` each distributor's regions, `cartons` every
    flow in `asked` that was seen. Flows in `diverted` are known to be, and teach nothing about
    honest leakage. Findings are controlled at `FALSE_DISCOVERY_RATE` over every flow of the brand
    and every region of the tree, seen there or not; only `candidates` can be found.
    """
    spots = sorted(asked)
    table = _Table(tree, seen, territories, spots)
    eligible = candidates(seen)
    able = np.array([spot in eligible for spot in spots], dtype=bool)
    hypotheses = max(len(table.flows), 1) * count_units(tree)
    carried = table.carried()
    excluded, found = set(diverted), np.zeros(len(spots), dtype=bool)
    for _ in range(ROUNDS_MAX):
        rates = table.rates_max(excluded)
        log_e = np.array(
            [
                _log_e(cartons.get(spot.flow), spot.unit, rate, share)
                for spot, rate, share in zip(spots, rates, carried, strict=True)
            ]
        )
        before, found = found, found | _reject(log_e, able, hypotheses)
        excluded |= {spots[i].flow for i in np.flatnonzero(found)}
        if (found == before).all():
            break
    return [
        Weighed(spot, float(rates[i]), float(log_e[i]), bool(found[i]))
        for i, spot in enumerate(spots)
    ]


def _reject(log_e: Floats, able: Mask, hypotheses: int) -> Mask:
    result = np.zeros(len(able), dtype=bool)
    result[able] = e_bh(log_e[able], hypotheses, FALSE_DISCOVERY_RATE)
    return result


class _Table:
    """The brand's counts as arrays: all its flows against the regions that are asked about."""

    def __init__(
        self,
        tree: RegionTree,
        seen: Mapping[Spot, Seen],
        territories: Mapping[int, Collection[str]],
        spots: list[Spot],
    ) -> None:
        self.flows = sorted({spot.flow for spot in seen} | {spot.flow for spot in spots})
        units = sorted({spot.unit for spot in spots})
        distributors = sorted({flow.distributor_id for flow in self.flows})
        rank = {d: i for i, d in enumerate(distributors)}
        self._row = {flow: i for i, flow in enumerate(self.flows)}
        column = {unit: i for i, unit in enumerate(units)}
        self._at = (
            np.array([self._row[spot.flow] for spot in spots], dtype=np.intp),
            np.array([column[spot.unit] for spot in spots], dtype=np.intp),
        )
        self._distributor = np.array([rank[f.distributor_id] for f in self.flows], dtype=np.intp)
        self._persons = np.zeros(len(self.flows))
        self._off = np.zeros((len(self.flows), len(units)))
        homes = [set(territories.get(d, ())) for d in distributors]
        for spot, s in seen.items():
            row = self._row[spot.flow]
            self._persons[row] += s.persons
            if s.persons > s.persons_off:
                homes[rank[spot.flow.distributor_id]].add(spot.unit)
            if spot.unit in column:
                self._off[row, column[spot.unit]] = s.persons_off
        self._near = leakage.near(tree, homes, units)[self._distributor]
        self._away = ~leakage.at_home(tree, homes, units)[self._distributor]

    def rates_max(self, excluded: Collection[Flow]) -> Floats:
        """The highest honest rate at each spot, learned from flows that are not excluded."""
        teaches = self._away.copy()
        teaches[[self._row[flow] for flow in excluded if flow in self._row]] = False
        rates = leakage.rates_max(self._distributor, self._persons, self._off, self._near, teaches)
        result: Floats = rates[self._at]
        return result

    def carried(self) -> Floats:
        """The share of cartons that honestly travel whole, for each spot."""
        is_near = self._near[self._at]
        return np.where(is_near, leakage.CARRIED_NEAR, leakage.CARRIED_FAR)


def _log_e(cartons: Cartons | None, unit: str, rate_max: float, carried: float) -> float:
    if cartons is None:
        return 0.0
    hits = cartons.hits.get(unit, Counter())
    rows = Counter(hits)
    rows.update({(0, size): count for size, count in cartons.sizes.items()})
    for (_, size), count in hits.items():
        rows[0, size] -= count  # a carton with hits is not one without
    pairs = np.array(list(rows), dtype=np.int64).reshape(-1, 2)
    counts = np.array(list(rows.values()), dtype=np.int64)
    return log_e_value(pairs[:, 0], pairs[:, 1], counts, rate_max, carried)


def unit_of(tree: RegionTree, code: str) -> str:
    """The prefecture of a place; where there is none, its province, else its country."""
    prefecture, province = tree.at_level(code, "prefecture"), tree.at_level(code, "province")
    return prefecture or province or tree.ancestors(code)[-1]


def count_units(tree: RegionTree) -> int:
    """How many regions a flow can be found in: all but counties."""
    total, codes = 0, tree.children()
    while codes:
        coarse = [code for code in codes if tree.level(code) != "county"]
        total += len(coarse)
        codes = tuple(child for code in coarse for child in tree.children(code))
    return total
