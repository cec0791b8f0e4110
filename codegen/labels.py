"""Sheets of labels as a vector PDF: each with its QR code and a few words for people."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from fontTools.ttLib import TTFont, TTLibError
from fpdf import FPDF
from fpdf.errors import FPDFException

from codegen import draw
from codegen.errors import InvalidSheet, TooManyAtOnce
from codegen.package import replacing
from core import clock

LABELS_MAX = 10_000
# Below this a common phone no longer reads an office printer's code at arm's length.
MODULE_MM_MIN = 0.25
TAIL_CHARACTERS = 5
LINE_CHARACTERS_MAX = 60

_POINTS_PER_MM = 72 / 25.4
_LINE_SPACING = 1.25
_SMALLEST_CODE_MODULES = 21 + 2 * draw.QUIET_ZONE_MODULES
_FAMILY = "label"


@dataclass(frozen=True)
class Label:
    """One item's label: the code's URL, its serial, its number in the order, and a name."""

    url: str
    serial: str
    number: int
    name: str = ""


@dataclass(frozen=True)
class SheetLayout:
    """Where labels are on a page, and how each is filled. Raises InvalidSheet if they don't fit.

    As it stands: A4 with 65 labels of 38.1 x 21.2 mm, the most common office sheet.
    """

    page_width_mm: float = 210
    page_height_mm: float = 297
    columns: int = 5
    rows: int = 13
    left_mm: float = 4.75
    top_mm: float = 10.7
    label_width_mm: float = 38.1
    label_height_mm: float = 21.2
    gap_x_mm: float = 2.5
    gap_y_mm: float = 0
    padding_mm: float = 1
    font_size_pt: float = 5.5

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1:
            raise InvalidSheet(reason="a page needs at least one row and one column")
        right_mm, bottom_mm = self.corner_mm(self.per_page - 1)
        if (
            right_mm + self.label_width_mm > self.page_width_mm
            or bottom_mm + self.label_height_mm > self.page_height_mm
            or min(self.left_mm, self.top_mm, self.gap_x_mm, self.gap_y_mm, self.padding_mm) < 0
        ):
            raise InvalidSheet(reason="the labels reach beyond the page or into one another")
        if self.code_mm < MODULE_MM_MIN * _SMALLEST_CODE_MODULES:
            raise InvalidSheet(reason="a label is too small for a code that phones can read")

    @property
    def per_page(self) -> int:
        return self.columns * self.rows

    @property
    def code_mm(self) -> float:
        """The side of the code, quiet zone included: as large as the label lets it be."""
        return min(self.label_width_mm, self.label_height_mm) - 2 * self.padding_mm

    def corner_mm(self, place: int) -> tuple[float, float]:
        """The upper left corner of a place on the page, counted from 0, row by row."""
        row, column = divmod(place, self.columns)
        return (
            self.left_mm + column * (self.label_width_mm + self.gap_x_mm),
            self.top_mm + row * (self.label_height_mm + self.gap_y_mm),
        )


def write_sheet(
    target: Path | BinaryIO,
    labels: Iterable[Label],
    sheet: SheetLayout | None = None,
    title: str = "Labels",
    font_path: Path | None = None,
) -> int:
    """How many labels the PDF now at `target` has, at most 10,000.

    No font comes with the project: a name that `prints` denies is left out. Raises TooManyAtOnce
    and InvalidSheet before anything is written.
    """
    sheet = sheet or SheetLayout()
    pdf = _blank(sheet, title, font_path)
    fit = _fitting(pdf, sheet, font_path)
    count = 0
    for count, label in enumerate(islice(labels, LABELS_MAX + 1), 1):
        if count > LABELS_MAX:
            raise TooManyAtOnce(limit=LABELS_MAX, what="labels")
        place = (count - 1) % sheet.per_page
        if place == 0:
            pdf.add_page()
        _draw_code(pdf, sheet, place, label.url)
        _draw_words(pdf, sheet, place, [fit(line) for line in _words(label)])
    data = pdf.output()
    if isinstance(target, Path):
        with replacing(target) as out:
            out.write(data)
    else:
        target.write(data)
    return count


def prints(name: str, font_path: Path | None) -> bool:
    """Whether labels can bear the name: every character is in the font, or without one ASCII."""
    if font_path is None:
        return name.isascii()
    return _characters(font_path).issuperset(map(ord, name))


@lru_cache(maxsize=4)
def _characters(font_path: Path) -> frozenset[int]:
    """The characters of the font; none of a file that is no font, which `write_sheet` refuses."""
    try:
        with TTFont(font_path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError):
        return frozenset()


def _blank(sheet: SheetLayout, title: str, font_path: Path | None) -> FPDF:
    pdf = FPDF(unit="mm", format=(sheet.page_width_mm, sheet.page_height_mm))
    pdf.set_auto_page_break(False)
    pdf.set_title(title)
    pdf.set_creation_date(clock.now())
    if font_path is None:
        pdf.set_font("helvetica", size=sheet.font_size_pt)
        return pdf
    try:
        pdf.add_font(_FAMILY, fname=font_path)
    except (OSError, FPDFException, TTLibError) as error:
        raise InvalidSheet(reason=f"the font {font_path.name} can't be read") from error
    pdf.set_font(_FAMILY, size=sheet.font_size_pt)
    return pdf


def _words(label: Label) -> tuple[str, ...]:
    return label.name, f"No. {label.number}", f"...{label.serial[-TAIL_CHARACTERS:]}"


def _fitting(pdf: FPDF, sheet: SheetLayout, font_path: Path | None) -> Callable[[str], str]:
    """A function that shortens a line to the space beside the code, and drops what can't print."""
    room_mm = sheet.label_width_mm - sheet.code_mm - 3 * sheet.padding_mm

    @lru_cache(maxsize=1024)  # the same few names come again and again
    def fit(line: str) -> str:
        line = "".join(character for character in line if character.isprintable())
        if not prints(line, font_path):
            return ""
        line = line[:LINE_CHARACTERS_MAX]
        while line and pdf.get_string_width(line) > room_mm:
            line = line[:-1]
        return line

    return fit


def _draw_words(pdf: FPDF, sheet: SheetLayout, place: int, lines: list[str]) -> None:
    left_mm, top_mm = sheet.corner_mm(place)
    x_mm = left_mm + sheet.code_mm + 2 * sheet.padding_mm
    step_mm = sheet.font_size_pt * _LINE_SPACING / _POINTS_PER_MM
    for row, line in enumerate(lines, 2):
        if line:
            pdf.text(x_mm, top_mm + sheet.padding_mm + row * step_mm, line)


def _draw_code(pdf: FPDF, sheet: SheetLayout, place: int, url: str) -> None:
    """Adds the code as one filled path of module-wide runs, on a light ground of its own.

    One path, so that no renderer shows hairlines between rows; the raw operators of ISO 32000-1,
    section 8.5, since fpdf2's own `rect` takes six times as long.
    """
    modules = draw.matrix(url)
    side = len(modules)
    module_mm = sheet.code_mm / (side + 2 * draw.QUIET_ZONE_MODULES)
    if module_mm < MODULE_MM_MIN:
        raise InvalidSheet(reason=f"a module would be {module_mm:.2f} mm, too small for phones")
    left_mm, top_mm = sheet.corner_mm(place)
    margin_mm = sheet.padding_mm + draw.QUIET_ZONE_MODULES * module_mm
    x = (left_mm + margin_mm) * _POINTS_PER_MM
    y = (sheet.page_height_mm - top_mm - margin_mm) * _POINTS_PER_MM
    size = module_mm * _POINTS_PER_MM
    path = " ".join(f"{x} {-1 - y} {length} 1 re" for x, y, length in draw.runs(modules))
    quiet, whole = draw.QUIET_ZONE_MODULES, side + 2 * draw.QUIET_ZONE_MODULES
    ground = f"1 g {-quiet} {quiet - whole} {whole} {whole} re f 0 g"
    # fpdf2 has no public door for raw operators.
    pdf._out(f"q {size:.4f} 0 0 {size:.4f} {x:.3f} {y:.3f} cm {ground} {path} f Q")
