"""Lists as people have them, files or pasted text, read as rows of cells.

CSV has one name and many forms: a spreadsheet writes it in the encoding and with the separator of
its country, or as "Unicode text" (UTF-16 with tabs). What can be read is read; what is no list is
refused by what it is, and a line that can't be read by its number.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

from core.errors import N_, YimaError

BYTES_MAX = 8 << 20
LINE_CHARACTERS_MAX = 4_096
CELL_SHOWN = 20

_SEPARATORS = "\t;；,，|"  # in the order in which they win: a decimal comma stands between the rest
_LINES_LOOKED_AT = 50
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # how a spreadsheet is kept from reading a number

# Line ends other than CR and LF (Unicode, 5.8), and what is seen by nobody: marks of byte order,
# of direction and of width, and the end of a file in DOS. GS (U+001D) is kept: barcodes use it.
_TIDY = {
    **dict.fromkeys(map(ord, "\v\f\x85\u2028\u2029"), "\n"),
    **dict.fromkeys((0x1A, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)), None),
    **dict.fromkeys((*range(0x2060, 0x2065), *range(0x2066, 0x206A)), None),
    **dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000"), " "),
}

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FILES = (
    (b"\xd0\xcf\x11\xe0", N_("an old Excel workbook (.xls)")),
    (b"%PDF", N_("a PDF document")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"\x1f\x8b", N_("a compressed file")),
    (b"Rar!", N_("a compressed file")),
    (b"7z\xbc\xaf", N_("a compressed file")),
    (rb"{\rtf", N_("a text document")),
)
_OTHER_TEXTS = (
    (re.compile(r"<(!doctype|html|head|meta|body|table|style|script)\b", re.I), N_("a web page")),
    (re.compile(r"<\?xml", re.I), N_("an XML file")),
    (re.compile(r"[\[{]\s*[\[{\"]"), N_("a JSON file")),
)


class NotAList(YimaError):
    code = "not_a_list"
    message = N_(
        "This is %(what)s, not a list. Open it, save it as CSV (or “CSV UTF-8”), and send that."
    )


class ListTooLarge(YimaError):
    code = "list_too_large"
    status = 413
    message = N_("A list may have at most %(megabytes)s MB. Divide it into several.")


class NoSuchEncoding(YimaError):
    code = "no_such_encoding"
    message = N_("Line %(line)s can't be read as text. Save the list as “CSV UTF-8” and try again.")


class LineTooLong(YimaError):
    code = "line_too_long"
    message = N_("Line %(line)s is longer than %(longest)s characters. Is this the right file?")


class UnpairedQuote(YimaError):
    code = "unpaired_quote"
    message = N_(
        "Line %(line)s: a quotation mark is opened that isn't closed before the cell ends. "
        "Correct it, or remove the mark."
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row that isn't empty: its line (from 1) and its cells, none empty at the end."""

    line: int
    cells: tuple[str, ...]


def read(source: BinaryIO | str) -> Iterator[Row]:
    """The rows of a file, at most 8 MB, or of pasted text; read one by one as they are asked for.

    A file may be UTF-8, UTF-16, UTF-32 or GB18030. Cells are parted by tabs, semicolons, commas
    (full-width too) or bars, whichever the file uses; a first line `sep=;` decides it. Cells are
    without the quotation marks, blanks and invisible characters around them, `="012"` is 012.

    Raises `NotAList`, `ListTooLarge` and `NoSuchEncoding` at the first row, `LineTooLong` and
    `UnpairedQuote` at the row concerned.
    """
    text = source if isinstance(source, str) else _decoded(_bounded(source))
    text = text.translate(_TIDY).replace("\r\n", "\n").replace("\r", "\n")
    for beginning, what in _OTHER_TEXTS:
        if beginning.match(text.lstrip()):
            raise NotAList(what=what)
    decided = _SEPARATOR_LINE.fullmatch(next(_lines(text), ""))
    if decided is None:
        separator = _separator(_lines(text))
        return _rows(_uniform(_lines(text), separator), separator)
    rest = islice(_lines(text), 1, None)
    return _rows(_uniform(chain([""], rest), decided[1]), decided[1])


def shown(cell: str) -> str:
    """The beginning of a cell, fit for a message."""
    return "".join(c if c.isprintable() else "�" for c in cell[:CELL_SHOWN])


def _bounded(source: BinaryIO) -> bytes:
    data = source.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise ListTooLarge(megabytes=BYTES_MAX >> 20)
    return data


def _decoded(data: bytes) -> str:
    """The text of a file. Raises `NotAList` and `NoSuchEncoding`."""
    if data.startswith(b"PK\x03\x04"):
        raise NotAList(what=_packed_kind(data))
    for beginning, what in _OTHER_FILES:
        if data.startswith(beginning):
            raise NotAList(what=what)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data.removeprefix(mark), encoding)
    unmarked = _utf_16_without_mark(data)
    if unmarked is not None:
        return _strictly(data, unmarked)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # What is mostly good UTF-8 is UTF-8 that was damaged. Read as GB18030, its names would be
        # others.
        loose = data.decode("utf-8", "replace")
        foreign = sum(not character.isascii() for character in loose)
        is_damaged = 3 * loose.count("\ufffd") < foreign
        return _strictly(data, "utf-8" if is_damaged else "gb18030")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line = 1 + before.count("\n") + before.count("\r") - before.count("\r\n")
        raise NoSuchEncoding(line=line) from error


def _utf_16_without_mark(data: bytes) -> str | None:
    """Text has no zero bytes; of UTF-16's digits and Latin letters every second one is."""
    sample = data[:4096]
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    if 10 * (first + second) < max(len(sample), 1):
        return None
    return "utf-16-le" if second > first else "utf-16-be"


def _packed_kind(data: bytes) -> str:
    """What a ZIP archive is; the names of its members are in clear."""
    if b"xl/" in data:
        return N_("an Excel workbook")
    if b"opendocument.spreadsheet" in data or b"Index/Document.iwa" in data:
        return N_("a spreadsheet")
    if b"word/" in data or b"opendocument.text" in data:
        return N_("a text document")
    return N_("a ZIP archive")


def _lines(text: str) -> Iterator[str]:
    """One by one: a list of millions of short lines would take many times the room of the text."""
    return (line.removesuffix("\n") for line in io.StringIO(text))


def _separator(lines: Iterable[str]) -> str:
    """The separator that most of the first lines have."""
    filled = islice((line for line in lines if line.strip()), _LINES_LOOKED_AT)
    looked_at = [_QUOTED.sub("", line) for line in filled]
    counts = {mark: sum(mark in line for line in looked_at) for mark in _SEPARATORS}
    return max(_SEPARATORS, key=lambda mark: counts[mark])


def _uniform(lines: Iterable[str], separator: str) -> Iterator[str]:
    """The lines, with the same separator also where a line was written with another."""
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARACTERS_MAX:
            raise LineTooLong(line=number, longest=LINE_CHARACTERS_MAX)
        if separator not in line or '"' in line:
            line = _parted_by(separator, line)
        yield f"{line}\n"


def _parted_by(separator: str, line: str) -> str:
    """The line with this separator, unless what stands outside quotation marks has it or none."""
    bare = _QUOTED.sub("", line)
    other = next((mark for mark in separator + _SEPARATORS if mark in bare), separator)
    if other == separator:
        return line
    return re.sub(rf'("[^"]*")|{re.escape(other)}', lambda found: found[1] or separator, line)


def _rows(lines: Iterable[str], separator: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            tidy = [_tidy(cell) for cell in cells]
            while tidy and not tidy[-1]:
                tidy.pop()
            if tidy:
                yield Row(line, tuple(tidy))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnpairedQuote(line=line) from error


def _tidy(cell: str) -> str:
    as_text = _AS_TEXT.fullmatch(cell.strip())
    return (as_text[1] if as_text else cell).strip().removeprefix("'")
