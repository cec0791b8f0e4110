"""The regions that come with the project, read from its two CSV files.

Sources: ISO 3166-1 (codes), GB/T 2260 as carried on by the National Bureau of Statistics, state of
2023 (codes, Chinese names). Names of countries are the everyday ones where the standard's are long.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Level = Literal["country", "province", "prefecture", "county"]
LEVELS: tuple[Level, ...] = ("country", "province", "prefecture", "county")
"""From coarse to fine."""

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Place:
    """One region; the fields are the columns of the table `region`, in its order."""

    code: str
    parent_code: str | None
    level: Level
    name_zh: str
    name_en: str | None
    lat: float | None
    lon: float | None
    same_as: str | None = None


@cache
def shipped_places() -> tuple[Place, ...]:
    """All shipped regions, parents before children."""
    return (*_countries(), *_divisions_of_china())


def _countries() -> Iterator[Place]:
    with (FOLDER / "countries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lat, lon, same_as = float(row["lat"]), float(row["lon"]), row["same_as"] or None
            yield Place(
                row["code"], None, "country", row["name_zh"], row["name_en"], lat, lon, same_as
            )


def _divisions_of_china() -> Iterator[Place]:
    with (FOLDER / "china.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            Place(
                row["code"],
                row["parent"],
                row["level"],  # type: ignore[arg-type]
                row["name_zh"],
                row["name_en"],
                float(row["lat"]),
                float(row["lon"]),
            )
            for row in csv.DictReader(file)
        ]
    yield from sorted(rows, key=lambda place: (LEVELS.index(place.level), place.code))
