"""Codes that people paste or upload as lists: read row by row, refused by line and column."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from sqlalchemy.orm import Session

from codegen.keys import KeyRing
from codegen.reading import ItemCode, Sscc, read_item
from core import lists
from core.errors import N_, NotFound, YimaError
from core.lists import Row
from scanapp.office.scanned import opened
from traceability.errors import TooMuchAtOnce
from traceability.pack import COLLECTED_ITEMS_MAX
from traceability.queries import cartons_by_sscc

PASTED_MAX = 2_000
WRONG_SHOWN = 10
HEADINGS_MAX = 4  # a title, what it is about, and the names of the columns

# Long enough for a serial or an SSCC, or what a scanner or a spreadsheet left of one (`GK97SA`,
# `3.4E+17`): it must be corrected, not passed over.
_CODE_LIKE = re.compile(
    r"[0-9A-Za-z](-?[0-9A-Za-z]){13}|[0-9]([ )-]?[0-9]){11}|^[!-~]*[0-9][!-~]*$|://"
)


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong; `column` is None where it is the whole line."""

    line: int
    column: int | None
    error: YimaError


class BadLines(YimaError):
    """`wrong` holds the first things that are wrong, at most 10, in the order of the list."""

    code = "bad_lines"
    message = N_("The list can't be used, nothing was recorded. Correct these lines:")

    def __init__(self, wrong: list[Wrong]) -> None:
        super().__init__()
        self.wrong = wrong


class NotOneColumn(YimaError):
    code = "not_one_column"
    message = N_("A line has one code and nothing else. This one has %(count)s values.")


class NotTwoColumns(YimaError):
    code = "not_two_columns"
    message = N_(
        "A line has two columns: the carton's code, a comma, and an item's code. "
        "This one has %(count)s."
    )


class InTwoCartons(YimaError):
    code = "in_two_cartons"
    message = N_("Line %(first)s has this item in another carton. It can be in one only.")


@dataclass(frozen=True)
class CodeList:
    """The code_ids of each row, no row twice, and the lines that gave none.

    `headings` are the lines above the first code, `repeated` those that say again what an earlier
    line said.
    """

    rows: list[tuple[int, ...]]
    lines: list[int]
    headings: list[int]
    repeated: list[int]


def pasted(session: Session, keys: KeyRing, brand_id: int, text: str) -> CodeList:
    """The codes in `text`, serials, links or cartons' SSCCs, one a line, at most 2,000.

    Raises `TooMuchAtOnce`, `BadLines`, and what `core.lists.read` raises.
    """
    rows = _bounded(lists.read(text), PASTED_MAX, N_("codes in the list"))
    return _opened(_Codes(session, keys, brand_id, rows), rows, NotOneColumn, 1)


def line_report(session: Session, keys: KeyRing, brand_id: int, file: BinaryIO) -> CodeList:
    """The rows `carton,item` of a file, each a serial, a link or a carton's SSCC, at most 100,000.

    Raises `TooMuchAtOnce`, `BadLines`, and what `core.lists.read` raises.
    """
    rows = _bounded(lists.read(file), COLLECTED_ITEMS_MAX, N_("lines"))
    found = _opened(_Codes(session, keys, brand_id, rows), rows, NotTwoColumns, 2)
    _check_one_carton_each(found)
    return found


def by_carton(found: CodeList) -> list[tuple[int, list[int]]]:
    """Each carton of a line report with its items, in the order of the list."""
    contents: dict[int, list[int]] = {}
    for carton_id, item_id in found.rows:
        contents.setdefault(carton_id, []).append(item_id)
    return list(contents.items())


def _bounded(rows: Iterator[Row], limit: int, what: str) -> list[Row]:
    found = list(islice(rows, limit + HEADINGS_MAX + 1))
    if len(found) - _headings(found) > limit:
        raise TooMuchAtOnce(limit=limit, what=what)
    return found


def _headings(rows: list[Row]) -> int:
    """How many rows stand above the first that holds a code; none if no row of the first does."""
    for place, row in enumerate(rows[: HEADINGS_MAX + 1]):
        if any(_CODE_LIKE.search(unicodedata.normalize("NFKC", cell)) for cell in row.cells):
            return place
    return 0


class _Codes:
    """The code_ids of a list's cells; all SSCCs of the list are looked up at once."""

    def __init__(self, session: Session, keys: KeyRing, brand_id: int, rows: list[Row]) -> None:
        self._keys, self._brand_id = keys, brand_id
        cells = {cell for row in rows for cell in row.cells}
        self._read = {cell: _read(cell) for cell in cells}
        ssccs = [found.digits for found in self._read.values() if isinstance(found, Sscc)]
        self._cartons = cartons_by_sscc(session, brand_id, ssccs)

    def code_id(self, cell: str) -> int:
        """Raises what is wrong with the cell."""
        found = self._read[cell]
        if isinstance(found, ItemCode):
            return opened(self._keys, self._brand_id, found.serial).code_id
        if isinstance(found, YimaError):
            raise found
        if found.digits not in self._cartons:
            raise NotFound(what="carton", name=found.digits)
        return self._cartons[found.digits]


def _read(cell: str) -> ItemCode | Sscc | YimaError:
    try:
        return read_item(cell)
    except YimaError as error:
        return error


def _opened(codes: _Codes, rows: list[Row], misfit: type[YimaError], columns: int) -> CodeList:
    known: dict[str, int] = {}
    seen: dict[tuple[int, ...], int] = {}
    repeated: list[int] = []
    wrong: list[Wrong] = []

    def code_id(row: Row, column: int) -> int:
        cell = row.cells[column - 1]
        if cell not in known:
            try:
                known[cell] = codes.code_id(cell)
            except YimaError as error:
                wrong.append(Wrong(row.line, column if columns > 1 else None, error))
                return -1
        return known[cell]

    headings = _headings(rows)
    for row in rows[headings:]:
        if len(row.cells) != columns:
            wrong.append(Wrong(row.line, None, misfit(count=len(row.cells))))
            continue
        code_ids = tuple(code_id(row, column) for column in range(1, columns + 1))
        if code_ids in seen:
            repeated.append(row.line)
        seen.setdefault(code_ids, row.line)
        if len(wrong) >= WRONG_SHOWN:
            break
    if wrong:
        raise BadLines(wrong[:WRONG_SHOWN])
    return CodeList(list(seen), list(seen.values()), [r.line for r in rows[:headings]], repeated)


def _check_one_carton_each(found: CodeList) -> None:
    line_of: dict[int, int] = {}
    wrong: list[Wrong] = []
    for line, (_carton_id, item_id) in zip(found.lines, found.rows, strict=True):
        first = line_of.setdefault(item_id, line)
        if first != line:
            wrong.append(Wrong(line, 2, InTwoCartons(first=first)))
    if wrong:
        raise BadLines(wrong[:WRONG_SHOWN])
