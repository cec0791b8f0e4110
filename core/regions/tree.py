"""Questions about regions, answered from memory."""

from collections import defaultdict
from collections.abc import Collection, Iterable

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import BadInput
from core.regions.datum import check_position
from core.regions.errors import UnknownRegion
from core.regions.models import Region
from core.regions.names import short_zh
from core.regions.shipped import LEVELS, Level, Place, shipped_places

EARTH_RADIUS_KM = 6371.0
PLACE_REACH_KM = 300.0
"""Farther from every known seat than this, only the country is still believed."""
COUNTRY_REACH_KM = 600.0
"""Farther than this, nothing is."""

_RANK: dict[str, int] = {level: rank for rank, level in enumerate(LEVELS)}


class RegionTree:
    """All regions in memory, never changed; build another after an import.

    Every method takes any code of a place (`HK` or `810000`) and answers with the one under which
    facts are kept (`810000`). Errors: `UnknownRegion` for a code that is in no list.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        """A tree of `places`.

        Errors: `BadInput` for a parent that is missing or no coarser than its child, a country
        without position, an alias of nothing.
        """
        all_places = {place.code: place for place in places}
        self._aliases = {p.code: p.same_as for p in all_places.values() if p.same_as is not None}
        self._places = {c: p for c, p in all_places.items() if c not in self._aliases}
        children: dict[str | None, list[str]] = defaultdict(list)
        for place in self._places.values():
            self._check(place)
            children[place.parent_code].append(place.code)
        for alias, code in self._aliases.items():
            if code not in self._places:
                raise BadInput(reason=f"region {alias} is said to be {code}, which is missing")
        self._children = {parent: tuple(sorted(codes)) for parent, codes in children.items()}
        self._seats = self._nearest_candidates()
        degrees = [self.position(code) for code in self._seats]
        self._lats, self._lons = np.radians(np.array(degrees, dtype=float).reshape(-1, 2)).T
        self._cos_lats = np.cos(self._lats)

    @classmethod
    def shipped(cls) -> "RegionTree":
        """The tree of the shipped regions, with no database."""
        return cls(shipped_places())

    @classmethod
    def from_session(cls, session: Session) -> "RegionTree":
        """The tree of the table `region`: what was loaded and imported. One query."""
        columns = (
            Region.code, Region.parent_code, Region.level, Region.name_zh, Region.name_en,
            Region.lat, Region.lon, Region.same_as,
        )  # fmt: skip
        return cls(Place(*row) for row in session.execute(select(*columns)))

    def __contains__(self, code: object) -> bool:
        return code in self._places or code in self._aliases

    def __len__(self) -> int:
        return len(self._places)

    def canonical(self, code: str) -> str:
        """The code under which facts about this place are kept."""
        return self.get(code).code

    def get(self, code: str) -> Place:
        """The place with this code."""
        place = self._places.get(self._aliases.get(code, code))
        if place is None:
            raise UnknownRegion(what="region", name=code)
        return place

    def ancestors(self, code: str) -> tuple[str, ...]:
        """The place itself, its parent, and so on up to its country."""
        chain = [place := self.get(code)]
        while place.parent_code is not None:
            chain.append(place := self._places[place.parent_code])
        return tuple(place.code for place in chain)

    def children(self, code: str | None = None) -> tuple[str, ...]:
        """The places directly below, by code; without a code, the countries."""
        return self._children.get(None if code is None else self.canonical(code), ())

    def contains(self, outer: str, inner: str) -> bool:
        """Whether `inner` is `outer` or lies in it."""
        return self.canonical(outer) in self.ancestors(inner)

    def level(self, code: str) -> Level:
        """country, province, prefecture or county."""
        return self.get(code).level

    def at_level(self, code: str, level: Level) -> str | None:
        """The place itself or its ancestor at `level`.

        None where there is no such level: above it, and for prefectures in Beijing, 仙桃 or abroad.
        """
        return next((c for c in self.ancestors(code) if self._places[c].level == level), None)

    def name(self, code: str, lang: str = "zh") -> str:
        """The official name; in English if `lang` starts with `en`, as far as it is known."""
        place = self.get(code)
        return (lang.startswith("en") and place.name_en) or place.name_zh

    def path_name(self, code: str, lang: str = "zh") -> str:
        """The name with what it lies in, China left out: `江苏苏州`, `Suzhou, Jiangsu`."""
        chain = [self._places[c] for c in self.ancestors(code)]
        if len(chain) > 1 and chain[-1].code == "CN":
            chain.pop()
        if lang.startswith("en"):
            return ", ".join(place.name_en or place.name_zh for place in chain)
        return "".join(short_zh(place) for place in reversed(chain))

    def position(self, code: str) -> tuple[float, float]:
        """WGS-84 `(lat, lon)` of the seat, or of the nearest ancestor's whose seat is known."""
        for c in self.ancestors(code):
            place = self._places[c]
            if place.lat is not None and place.lon is not None:
                return place.lat, place.lon
        raise AssertionError("a country without position was refused when the tree was built")

    def distance_km(self, a: str, b: str) -> float:
        """Great-circle kilometres between the seats of two places."""
        lats, lons = np.radians([self.position(a), self.position(b)]).T
        return float(_haversine_km(lats[:1], lons[:1], np.cos(lats[:1]), lats[1], lons[1])[0])

    def nearest(
        self, lat: float, lon: float, levels: Collection[Level] = LEVELS
    ) -> tuple[str, float] | None:
        """The region of a WGS-84 position, and the kilometres to the seat that decided it.

        The nearest known seat decides: of a county, a prefecture, or a place with nothing known
        below it. The answer is that place, or its closest ancestor at one of `levels`; where it has
        none at these, its closest ancestor coarser than all of them (asked for a prefecture,
        Beijing is itself). Beyond `PLACE_REACH_KM` the answer is only the country, beyond
        `COUNTRY_REACH_KM` None: an unknown place misleads less than a wrong one.

        Seats are not borders. Tried on 2,400 county seats, the shipped regions alone name the right
        province for 93 in 100 and the right prefecture for 78; counties imported with positions
        mend most of that. Abroad, where only capitals are known, it may be the neighbouring
        country. Take the distance as the uncertainty.
        Errors: `BadInput` for what is no position or no level.
        """
        check_position(lat, lon)
        if not levels or not set(levels) <= set(LEVELS):
            raise BadInput(reason=f"levels must be some of {', '.join(LEVELS)}")
        distances = _haversine_km(
            self._lats, self._lons, self._cos_lats, np.radians(lat), np.radians(lon)
        )
        best = int(np.argmin(distances))
        seat, distance_km = self._seats[best], float(distances[best])
        if distance_km > COUNTRY_REACH_KM:
            return None
        if distance_km > PLACE_REACH_KM:
            return self.ancestors(seat)[-1], distance_km
        return self._lift(seat, levels), distance_km

    def _lift(self, code: str, levels: Collection[Level]) -> str:
        chain = self.ancestors(code)
        wanted = next((c for c in chain if self._places[c].level in levels), None)
        if wanted is not None:
            return wanted
        coarsest = min(_RANK[level] for level in levels)
        return next(c for c in chain if _RANK[self._places[c].level] < coarsest)

    def _check(self, place: Place) -> None:
        if place.parent_code is None:
            if place.lat is None or place.lon is None:
                raise BadInput(reason=f"region {place.code} has neither parent nor position")
            return
        parent = self._places.get(place.parent_code)
        if parent is None:
            raise BadInput(reason=f"region {place.code}: its parent {place.parent_code} is missing")
        if _RANK[parent.level] >= _RANK[place.level]:
            raise BadInput(reason=f"region {place.code} is no finer than its parent {parent.code}")

    def _nearest_candidates(self) -> tuple[str, ...]:
        """Located counties and prefectures, and coarser places with nothing located below them."""
        located = [p for p in self._places.values() if p.lat is not None]
        parents = {a for place in located for a in self.ancestors(place.code)[1:]}
        fine = ("prefecture", "county")
        return tuple(p.code for p in located if p.level in fine or p.code not in parents)


def _haversine_km(
    lats: np.ndarray, lons: np.ndarray, cos_lats: np.ndarray, lat: float, lon: float
) -> np.ndarray:
    """Great-circle kilometres from every one of `lats, lons` to `lat, lon`, all in radians."""
    half_chord_squared = (
        np.sin((lats - lat) / 2) ** 2 + cos_lats * np.cos(lat) * np.sin((lons - lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half_chord_squared, 1.0)))
