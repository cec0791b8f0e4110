"""Reading a CSV file of counties: pure, no database."""

import csv
from collections.abc import Iterable, Iterator

from core.errors import BadInput
from core.regions.errors import CountiesRefused
from core.regions.shipped import Place, shipped_places

ROWS_MAX = 10_000
LINE_CHARS_MAX = 1_000
NAME_CHARS_MAX = 60
# A position outside is a slip (swapped columns, a missing digit): all of China lies within.
LAT_MIN, LAT_MAX, LON_MIN, LON_MAX = 3.0, 54.0, 73.0, 136.0


def read_counties(lines: Iterable[str]) -> list[Place]:
    """The counties in the lines of a CSV file, by code, each under the parent its code names.

    Columns `code` (6 digits of GB/T 2260) and `name`; `name_en`, `lat` and `lon` (WGS-84 degrees)
    may be there, other columns are passed over. The parent is the prefecture of the code's first
    four digits, or the province where there is none. Shipped regions may be in the file.
    Errors: `CountiesRefused` with all wrong lines.
    """
    shipped = {place.code: place for place in shipped_places()}
    counties: dict[str, Place] = {}
    line_of: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    for line, row in _rows(lines):
        try:
            county = _county(row, shipped)
            if county.code in line_of:
                raise BadInput(reason=f"{county.code} was on line {line_of[county.code]} already")
        except BadInput as wrong:
            problems.append((line, wrong.facts["reason"]))
        else:
            counties[county.code] = county
            line_of[county.code] = line
    if problems:
        raise CountiesRefused(problems)
    return [counties[code] for code in sorted(counties)]


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Line numbers and rows by column; None for a row that doesn't fit the header."""
    reader = csv.reader(_bounded(lines), strict=True)
    try:
        # Spreadsheets put a byte order mark before the first name.
        header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
        if not {"code", "name"} <= set(header):
            raise CountiesRefused([(1, "the header must name the columns code and name")])
        rows = 0
        for fields in reader:
            if not any(fields):
                continue
            rows += 1
            if rows > ROWS_MAX:
                raise CountiesRefused([(reader.line_num, f"at most {ROWS_MAX} counties at once")])
            fits = len(fields) == len(header)
            values = (field.strip() for field in fields)
            yield reader.line_num, dict(zip(header, values, strict=True)) if fits else None
    except csv.Error as error:
        raise CountiesRefused([(reader.line_num, f"not CSV ({error})")]) from error


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_CHARS_MAX:
            raise CountiesRefused([(number, f"longer than {LINE_CHARS_MAX} characters")])
        yield line


def _county(row: dict[str, str] | None, shipped: dict[str, Place]) -> Place:
    if row is None:
        raise BadInput(reason="more or fewer values than the header has columns")
    code, name = row["code"], row["name"]
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise BadInput(reason=f"{_quoted(code)} is not a code of 6 digits")
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
        lat, lon = float(lat_text), float(lon_text)
    except ValueError:
        reason = f"{code}: lat and lon must both be numbers or both be left out"
        raise BadInput(reason=reason) from None
    if not (LAT_MIN <= lat <= LAT_MAX and LON_MIN <= lon <= LON_MAX):
        raise BadInput(reason=f"{code}: lat {lat}, lon {lon} is not in China (are they swapped?)")
    return lat, lon


def _quoted(text: str) -> str:
    return repr(text[:20])
