"""Codes that people scan, paste or upload as lists, opened one by one and refused by line."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from sqlalchemy.orm import Session

from codegen.errors import ForgedSerial, NumbersOutsideOrder
from codegen.gs1 import parse_sscc
from codegen.keys import KeyRing, Opened
from codegen.link import parse
from codegen.queries import order_called
from core.errors import N_, BadInput, NotFound, YimaError
from scanapp.web.extensions import intake
from traceability.errors import TooMuchAtOnce
from traceability.pack import COLLECTED_ITEMS_MAX
from traceability.queries import carton_by_sscc

PASTED_MAX = 2_000
LINES_SHOWN = 10
LINE_CHARACTERS_MAX = 4_096

_NUMBER = re.compile(r"(?P<order>.+?)\s*[#＃]\s*(?P<number>[0-9]{1,10})")
_SSCC = re.compile(r"(\]C1)?\s*(\(00\))?\s*[0-9]{18}")

Line = TypeVar("Line")
Read = TypeVar("Read")


class BadLines(YimaError):
    """`lines` holds the first wrong lines, each as its number (from 1) and what is wrong."""

    code = "bad_lines"
    message = N_("The list can't be used, nothing was recorded. Correct these lines:")

    def __init__(self, lines: list[tuple[int, YimaError]]) -> None:
        super().__init__()
        self.lines = lines


class NotTwoColumns(YimaError):
    code = "not_two_columns"
    message = N_("A line has two columns: the carton's code, a comma, and an item's code.")


def key_ring() -> KeyRing:
    """The process' key ring, with the keys as the database has them now: one query."""
    ring = intake().keys
    ring.refresh()
    return ring


def opened(keys: KeyRing, brand_id: int, text: str) -> Opened:
    """What the brand's serial or link holds.

    Raises `MalformedLink`, and `ForgedSerial` also for another brand's.
    """
    found = keys.open(parse(text).serial)
    if found.brand_id != brand_id:
        raise ForgedSerial()
    return found


def code_called(session: Session, brand_id: int | None, text: str) -> tuple[int, int] | None:
    """The brand's id and the code's that `PO-7 #12` or a carton's SSCC names; else None.

    Both say something only within a brand. Raises `BadInput` without one, `OrderNotFound`,
    `NumbersOutsideOrder`, `InvalidSscc`, or `NotFound` for an SSCC that is on no carton.
    """
    numbered = _NUMBER.fullmatch(text) if "://" not in text else None
    if numbered is None and _SSCC.fullmatch(text) is None:
        return None
    if brand_id is None:
        raise BadInput(reason=N_("Say which brand: names of orders are a brand's own."))
    if numbered is None:
        number = parse_sscc(text)
        carton = carton_by_sscc(session, brand_id, number)
        if carton is None:
            raise NotFound(what="carton", name=number)
        return brand_id, carton.carton_id
    order = order_called(session, brand_id, numbered["order"])
    first = int(numbered["number"])
    if not 1 <= first <= order.quantity:
        raise NumbersOutsideOrder(first=first, last=first, quantity=order.quantity)
    return brand_id, order.lo + first - 1


def pasted(keys: KeyRing, brand_id: int, text: str) -> list[int]:
    """The code_ids of the serials or links in `text`, one a line, at most 2,000.

    Raises `TooMuchAtOnce` and `BadLines`.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > PASTED_MAX:
        raise TooMuchAtOnce(limit=PASTED_MAX, what=N_("codes in the list"))
    return _each(lines, lambda line: opened(keys, brand_id, line).code_id)


def line_report(
    keys: KeyRing, brand_id: int, lines: Iterable[bytes]
) -> list[tuple[int, list[int]]]:
    """Each carton's code_id with those of its items, in the order of a CSV file.

    A line is `carton,item`, each a serial or a link; a first line without codes is a heading.
    At most 100,000 lines. Raises `TooMuchAtOnce` and `BadLines`.
    """
    cartons: dict[str, int] = {}
    contents: dict[int, list[int]] = {}

    def read(row: list[str]) -> tuple[int, int]:
        if len(row) != 2:
            raise NotTwoColumns()
        carton, item = row
        if carton not in cartons:
            cartons[carton] = opened(keys, brand_id, carton).code_id
        return cartons[carton], opened(keys, brand_id, item).code_id

    rows = list(_rows(lines))
    if rows and _is_heading(rows[0][1]):
        del rows[0]
    for carton_id, item_id in _each(rows, read):
        contents.setdefault(carton_id, []).append(item_id)
    return list(contents.items())


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """The file's rows that aren't empty, with the number of their line."""
    reader = csv.reader(_decoded(lines))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise BadLines([(reader.line_num, NotTwoColumns())]) from error


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines as text. Codes are ASCII, so it does not matter how a heading was encoded."""
    for number, line in enumerate(lines, 1):
        if number > COLLECTED_ITEMS_MAX + 1:
            raise TooMuchAtOnce(limit=COLLECTED_ITEMS_MAX, what=N_("lines"))
        text = line[:LINE_CHARACTERS_MAX].decode("utf-8-sig", "replace")
        yield text.replace(";", ",").replace("\t", ",")  # as spreadsheets write lists, too


def _is_heading(cells: list[str]) -> bool:
    """Whether no cell is as long as a serial: `carton,item`, `箱码,瓶码`."""
    return all(len(cell) < 20 for cell in cells)


def _each(lines: Iterable[tuple[int, Line]], read: Callable[[Line], Read]) -> list[Read]:
    """What `read` makes of each line; raises `BadLines` with the first ones it refuses."""
    found: list[Read] = []
    wrong: list[tuple[int, YimaError]] = []
    for number, line in lines:
        try:
            found.append(read(line))
        except YimaError as error:
            wrong.append((number, error))
            if len(wrong) == LINES_SHOWN:
                break
    if wrong:
        raise BadLines(wrong)
    return found
