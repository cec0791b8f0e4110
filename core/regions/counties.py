"""Counties in the rows of a list: pure, no database."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from core.errors import BadInput
from core.lists import Row, shown
from core.regions.errors import CountiesRefused
from core.regions.shipped import Place, shipped_places

ROWS_MAX = 10_000
TITLE_ROWS_MAX = 5  # above the header
NAME_CHARS_MAX = 60
# A position outside is a slip (swapped columns, a missing digit): all of China lies within.
LAT_MIN, LAT_MAX, LON_MIN, LON_MAX = 3.0, 54.0, 73.0, 136.0

# What else the columns are called in published lists.
COLUMNS = {
    "代码": "code", "编码": "code", "行政区划代码": "code", "区划代码": "code",
    "名称": "name", "单位名称": "name", "区划名称": "name",
    "英文名": "name_en", "英文名称": "name_en", "纬度": "lat", "经度": "lon",
}  # fmt: skip


@dataclass(frozen=True)
class Counties:
    """`places` by code; `repeated` are the lines that say what an earlier one said."""

    places: list[Place]
    repeated: list[int]


def read_counties(rows: Iterable[Row]) -> Counties:
    """The counties in the rows of a list, each under the parent its code names.

    Columns `code` (6 digits of GB/T 2260) and `name`; `name_en`, `lat` and `lon` (WGS-84 degrees)
    may be there, other columns are passed over, and so are rows above the names of the columns.
    The parent is the prefecture of the code's first four digits, or the province where there is
    none. Shipped regions may be in the list, and a row may be there twice.
    Errors: `CountiesRefused` with all wrong lines.
    """
    shipped = {place.code: place for place in shipped_places()}
    counties: dict[str, Place] = {}
    line_of: dict[str, int] = {}
    repeated: list[int] = []
    problems: list[tuple[int, str]] = []
    for line, values in _named(rows):
        try:
            county = _county(values, shipped)
            if counties.get(county.code, county) != county:
                first = line_of[county.code]
                raise BadInput(
                    reason=f"{county.code} was on line {first} already, with other values"
                )
        except BadInput as wrong:
            problems.append((line, wrong.facts["reason"]))
        else:
            if county.code in counties:
                repeated.append(line)
            counties[county.code] = county
            line_of.setdefault(county.code, line)
    if problems:
        raise CountiesRefused(problems)
    return Counties([counties[code] for code in sorted(counties)], repeated)


def _named(rows: Iterable[Row]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Line numbers and cells by column; None for a row with a value beyond the header."""
    rows = iter(rows)
    header = _header(rows)
    for number, row in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise CountiesRefused([(row.line, f"at most {ROWS_MAX} counties at once")])
        fits = len(row.cells) <= len(header)
        missing = [""] * (len(header) - len(row.cells))
        cells = (*row.cells, *missing)
        yield row.line, dict(zip(header, cells, strict=True)) if fits else None


def _header(rows: Iterator[Row]) -> list[str]:
    """The names of the columns, from the first of the first rows that has the two needed."""
    first_line = 1
    for place, row in enumerate(islice(rows, TITLE_ROWS_MAX + 1)):
        first_line = row.line if place == 0 else first_line
        names = [cell.lower() for cell in row.cells]
        known = [COLUMNS.get(name, name) for name in names]
        header = [
            name if other in names else other for name, other in zip(names, known, strict=True)
        ]
        if {"code", "name"} <= set(header):
            return header
    raise CountiesRefused([(first_line, "the header must name the columns code and name")])


def _county(row: dict[str, str] | None, shipped: dict[str, Place]) -> Place:
    if row is None:
        raise BadInput(reason="more values than the header has columns")
    code, name = unicodedata.normalize("NFKC", row["code"]), row["name"]
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise BadInput(reason=f"“{shown(code)}” is not a code of 6 digits")
    province = shipped.get(code[:2] + "0000")
    if province is None:
        raise BadInput(reason=f"{code}: there is no province {code[:2]}")
    if code not in shipped and code.endswith("00"):
        raise BadInput(reason=f"{code} is not a county: such a code does not end in 00")
    parent = shipped.get(code[:4] + "00", province)
    name_en = row.get("name_en") or None
    _check_name(code, name)
    if name_en is not None:
        _check_name(code, name_en)
    lat, lon = _position(code, row.get("lat", ""), row.get("lon", ""))
    return Place(code, parent.code, "county", name, name_en, lat, lon)


def _check_name(code: str, name: str) -> None:
    if not name:
        raise BadInput(reason=f"{code} has no name")
    if len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise BadInput(reason=f"{code}: the name must be up to {NAME_CHARS_MAX} plain characters")


def _position(code: str, lat_text: str, lon_text: str) -> tuple[float | None, float | None]:
    if not lat_text and not lon_text:
        return None, None
    try:
        lat, lon = (float(text.replace(",", ".")) for text in (lat_text, lon_text))
    except ValueError:
        reason = f"{code}: lat and lon must both be numbers or both be left out"
        raise BadInput(reason=reason) from None
    if not (LAT_MIN <= lat <= LAT_MAX and LON_MIN <= lon <= LON_MAX):
        raise BadInput(reason=f"{code}: lat {lat}, lon {lon} is not in China (are they swapped?)")
    return lat, lon
