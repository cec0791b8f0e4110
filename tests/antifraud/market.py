"""A simulated market: honest sales with tourists and families, and diverted goods on top."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from antifraud.weigh import Cartons, Flow, Seen, Spot, Weighed, candidates, weigh
from core.regions.tree import RegionTree

TREE = RegionTree.shipped()
HOMES = ("330100", "440100", "510100", "420100", "610100", "370100", "210100", "530100")
TOURIST_SPOTS = ("460200", "530700", "320500", "350200", "120000")
PREFECTURES = [
    code
    for province in TREE.children("CN")
    for code in TREE.children(province)
    if TREE.level(code) == "prefecture"
]
SUZHOU, JIAXING = "320500", "330400"


@dataclass(frozen=True)
class First:
    """An item's first scan."""

    flow: Flow
    person: object
    carton: object
    unit: str
    off: bool = True


@dataclass
class Tally:
    """Counts that follow the scans one by one, as the database would count them all again."""

    seen: dict[Spot, Seen] = field(default_factory=dict)
    known: set[object] = field(default_factory=set)
    size: Counter[object] = field(default_factory=Counter)
    here: Counter[object] = field(default_factory=Counter)
    spots_of: dict[object, set[str]] = field(default_factory=lambda: defaultdict(set))
    cartons: dict[Flow, Cartons] = field(
        default_factory=lambda: defaultdict(lambda: Cartons(Counter(), defaultdict(Counter)))
    )

    def add(self, scan: First) -> None:
        spot = Spot(scan.flow, scan.unit)
        new = (spot, scan.person) not in self.known
        self.known.add((spot, scan.person))
        s = self.seen.get(spot, Seen())
        self.seen[spot] = Seen(
            s.items + 1, s.items_off + scan.off, s.persons + new, s.persons_off + (new and scan.off)
        )
        if new:
            self._add_person(scan)

    def _add_person(self, scan: First) -> None:
        carton = (scan.flow, scan.carton)
        before, counted = self.size[carton], self.cartons[scan.flow]
        counted.sizes[before] -= before > 0
        counted.sizes[before + 1] += 1
        for unit in self.spots_of[carton]:
            hits = self.here[carton, unit]
            counted.hits[unit][hits, before] -= 1
            counted.hits[unit][hits, before + 1] += 1
        self.size[carton] += 1
        if scan.off:
            hits = self.here[carton, scan.unit]
            if hits:
                counted.hits[scan.unit][hits, before + 1] -= 1
            counted.hits[scan.unit][hits + 1, before + 1] += 1
            self.here[carton, scan.unit] += 1
            self.spots_of[carton].add(scan.unit)


TERRITORIES = {number: {home} for number, home in enumerate(HOMES)}


def look(tally: Tally) -> list[Weighed]:
    """What would be found now."""
    asked = candidates(tally.seen)
    if not asked:
        return []
    weighed = weigh(TREE, tally.seen, TERRITORIES, tally.cartons, asked)
    return [w for w in weighed if w.found]


def looked_at_once(scans: Iterable[First]) -> list[Weighed]:
    tally = Tally()
    for scan in scans:
        tally.add(scan)
    return look(tally)


def honest(rng: np.random.Generator, cartons: int, leakage: float = 0.06) -> list[First]:
    """First scans of goods sold at home, a quarter of each carton of 24, in random order.

    Households buy 1 to 6 items of a carton; a share `leakage` of them live elsewhere, half of
    these in a few places where tourists go.
    """
    scans = []
    for carton in range(cartons):
        flow = Flow(int(rng.integers(len(HOMES))), int(rng.integers(2)))
        home, left = HOMES[flow.distributor_id], int(rng.binomial(24, 0.25))
        while left > 0:
            bought = min(left, int(rng.choice([1, 1, 1, 2, 6])))
            unit = _elsewhere(rng) if rng.random() < leakage else home
            persons = int(rng.integers(1, 3))
            scans += [
                First(flow, (carton, left, i % persons), carton, unit, unit != home)
                for i in range(bought)
            ]
            left -= bought
    return [scans[i] for i in rng.permutation(len(scans))]


def diverted(
    rng: np.random.Generator, cartons: int, unit: str, flow: Flow, scanned: float = 0.25
) -> list[First]:
    """First scans of cartons that were sold somewhere else, by a person each."""
    return [
        First(flow, ("there", carton, item), ("diverted", carton), unit)
        for carton in range(cartons)
        for item in range(rng.binomial(24, scanned))
    ]


def _elsewhere(rng: np.random.Generator) -> str:
    places = TOURIST_SPOTS if rng.random() < 0.5 else PREFECTURES
    return str(places[int(rng.integers(len(places)))])
