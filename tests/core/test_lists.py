import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import lists
from core.errors import YimaError
from core.lists import (
    BYTES_MAX,
    LINE_CHARACTERS_MAX,
    LineTooLong,
    ListTooLarge,
    NoSuchEncoding,
    NotAList,
    UnpairedQuote,
)

TABLE = "箱码,瓶码\r\nAB12,CD34\r\nAB12,EF56\r\n"
ROWS = [("箱码", "瓶码"), ("AB12", "CD34"), ("AB12", "EF56")]


def cells(source: bytes | str) -> list[tuple[str, ...]]:
    file = source if isinstance(source, str) else io.BytesIO(source)
    return [row.cells for row in lists.read(file)]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "，", "；", "|"])
def test_a_list_is_read_in_any_usual_encoding_and_with_any_separator(
    encoding: str, separator: str
) -> None:
    if encoding == "utf-32-be":
        data = b"\x00\x00\xfe\xff" + TABLE.replace(",", separator).encode(encoding)
    else:
        data = TABLE.replace(",", separator).encode(encoding)
    assert cells(data) == ROWS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u0085"])
def test_any_line_end_ends_a_line(end: str) -> None:
    text = TABLE.replace("\r\n", end)
    assert cells(text) == cells(text.encode()) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\n箱码;瓶码\nAB12;CD34\nAB12;EF56\n",
        '"sep=|"\r\n箱码|瓶码\r\nAB12|CD34\r\nAB12|EF56',
        '"箱码","瓶码"\n"AB12", "CD34"\n="AB12",="EF56"\n',
        '箱码,瓶码\n"=""AB12""","=""CD34"""\n\'AB12,\'EF56',
        "箱码,瓶码,,\nAB12,CD34,,,\nAB12,EF56,,\n,,\n",
        "\ufeff箱码,瓶码\n\n\ufeffAB12,\u200bCD34\r\r\nAB12\u00a0,\u3000EF56 \n\x1a",
        "箱码,瓶码\nAB12;CD34\nAB12\tEF56",
    ],
)
def test_what_spreadsheets_and_editors_add_is_taken_away(text: str) -> None:
    assert cells(text) == cells(text.encode()) == ROWS


def test_rows_know_their_lines_also_after_a_cell_of_two_lines() -> None:
    text = 'title\r\n\r\n"carton\r\ncode",item\r\nA,B\r\n'
    assert [(row.line, row.cells) for row in lists.read(text)] == [
        (1, ("title",)),
        (3, ("carton\ncode", "item")),
        (5, ("A", "B")),
    ]


def test_a_decimal_comma_parts_no_cells_where_semicolons_do() -> None:
    assert cells("code;lat\n1;31,65\n2;31,7\n") == [("code", "lat"), ("1", "31,65"), ("2", "31,7")]


def test_a_barcodes_own_group_separator_is_kept() -> None:
    assert cells("0106901234000016\x1d21AB\n") == [("0106901234000016\x1d21AB",)]


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        (b"PK\x03\x04 xl/workbook.xml", NotAList, "an Excel workbook"),
        (b"PK\x03\x04 Index/Document.iwa", NotAList, "a spreadsheet"),
        (b"PK\x03\x04 word/document.xml", NotAList, "a text document"),
        (b"PK\x03\x04 codes.csv", NotAList, "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", NotAList, "old Excel"),
        (b"%PDF-1.7", NotAList, "a PDF"),
        (b"\x89PNG\r\n", NotAList, "a picture"),
        (b"\n<!DOCTYPE html><table>", NotAList, "a web page"),
        ("<html>".encode("utf-16"), NotAList, "a web page"),
        (b'<?xml version="1.0"?>', NotAList, "an XML file"),
        (b'[{"code": 1}]', NotAList, "a JSON file"),
        (b"x" * (BYTES_MAX + 1), ListTooLarge, "8 MB"),
        (b"a,b\r\nc,d\r\n\xff\xff\xff,e", NoSuchEncoding, "Line 3 "),
        ("昆山市,太仓市\n常熟市,张家港市".encode()[:-1], NoSuchEncoding, "Line 2 "),
        ("a,b\nc,d\n".encode("utf-16")[:-1], NoSuchEncoding, "Line 2 "),
        (b"a,b\n" + b"x" * (LINE_CHARACTERS_MAX + 1), LineTooLong, "Line 2 "),
        (b'a,b\nc,"d\ne,f\n', UnpairedQuote, "Line 2:"),
        (b'a,b\nc,"d" e\n', UnpairedQuote, "Line 2:"),
    ],
)
def test_what_is_no_list_is_refused_by_what_it_is_and_where(
    data: bytes, error: type[YimaError], told: str
) -> None:
    with pytest.raises(error, match=told):
        cells(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(YimaError):
        assert all(row.line >= 1 and row.cells[-1] for row in lists.read(io.BytesIO(data)))


@given(st.lists(st.lists(st.text("AZ09甲 ", min_size=1).map(str.strip), min_size=2), max_size=5))
def test_a_well_formed_list_comes_back_as_it_was(table: list[list[str]]) -> None:
    table = [row for row in table if all(row)]
    text = "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in table)
    assert cells(text) == [tuple(row) for row in table]
