"""Regions as people type them into forms: by code, or by name with a choice when several fit."""

from collections.abc import Iterator

from core.errors import N_, YimaError
from core.regions.names import short_zh
from core.regions.shipped import Place
from core.regions.tree import RegionTree
from scanapp.web import language
from scanapp.web.extensions import process

CHOICES_MAX = 20


class NoSuchRegion(YimaError):
    code = "no_such_region"
    message = N_(
        "No region is called “%(name)s”. Type its code (330100) or its name (浙江, 杭州, Suzhou); "
        "counties are known after their import."
    )


class SeveralRegions(YimaError):
    """The name fits several regions; `choices` holds their codes."""

    code = "several_regions"
    message = N_("“%(name)s” may be: %(named)s. Choose one of them, or type its code.")

    def __init__(self, name: str, choices: list[str]) -> None:
        named = "; ".join(f"{code} {name_of(code)}" for code in choices)
        super().__init__(name=name, named=named)
        self.choices = choices


def tree() -> RegionTree:
    """All regions, with those that were imported up to a second ago."""
    catalogue = process().catalogue
    catalogue.refresh_if_stale()
    return catalogue.regions


def name_of(code: str) -> str:
    """The region's path in the reader's language; the code itself when it is in no list."""
    return language.place_name(tree(), code) or code


def find(typed: str) -> str:
    """The code of the region that was meant.

    A code wins, also in front of a name (`330100 浙江杭州`); then a name that is exactly so; then
    one that contains what was typed. Raises `NoSuchRegion` or `SeveralRegions`.
    """
    wanted = typed.strip()
    regions = tree()
    code = wanted.split(maxsplit=1)[0].upper() if wanted else ""
    if code in regions:
        return regions.canonical(code)
    found = [place.code for place in _all(regions) if _is_called(regions, place, wanted)]
    found = found or [place.code for place in _all(regions) if _contains(place, wanted)]
    if not found or not wanted:
        raise NoSuchRegion(name=wanted[:40])
    if len(found) > 1:
        raise SeveralRegions(wanted[:40], found[:CHOICES_MAX])
    return found[0]


def offered() -> list[tuple[str, str]]:
    """Code and name of China's provinces and what they govern but counties: to type ahead."""
    regions = tree()
    provinces = regions.children("CN")
    below = [code for province in provinces for code in regions.children(province)]
    codes = [*provinces, *(code for code in below if regions.level(code) == "prefecture")]
    return [(code, language.place_name(regions, code) or code) for code in sorted(codes)]


def choices(error: YimaError | None) -> list[tuple[str, str]]:
    """Code and name of each region that was perhaps meant; empty if that is not the trouble."""
    if not isinstance(error, SeveralRegions):
        return []
    return [(code, f"{code} {name_of(code)}") for code in error.choices]


def _all(regions: RegionTree) -> Iterator[Place]:
    waiting = list(regions.children())
    while waiting:
        code = waiting.pop(0)
        yield regions.get(code)
        waiting.extend(regions.children(code))


def _is_called(regions: RegionTree, place: Place, name: str) -> bool:
    names = {place.name_zh, short_zh(place), regions.path_name(place.code)}
    joined = name.replace(" ", "")  # 浙江 杭州
    english = {place.name_en or "", regions.path_name(place.code, "en")}
    return joined in names or name.casefold() in {word.casefold() for word in english if word}


def _contains(place: Place, name: str) -> bool:
    return name in place.name_zh or name.casefold() in (place.name_en or "").casefold()
