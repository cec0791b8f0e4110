import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zxingcpp
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from codegen import crockford, issue, labels, link, serial
from codegen.errors import InvalidSheet, TooManyAtOnce
from core import clock

KEYS = serial.derive(0xC0DE5, bytes(range(32)))
PREFIX = link.prefix("yima.exampl", "06901234567892")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def some(count: int, name: str = "Green tea", prefix: str = PREFIX) -> list[labels.Label]:
    texts = (text for piece in issue.serials(KEYS, 0, count) for text in piece.astype(str).tolist())
    return [labels.Label(prefix + text, text, n, name) for n, text in enumerate(texts, 1)]


def poppler(tool: str) -> str:
    """The path of one of poppler's tools, the second opinion on our PDFs."""
    path = shutil.which(tool)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{tool} is missing: install poppler-utils")
    if path is None:
        pytest.skip(f"{tool} is missing: install poppler-utils")
    return path


def pages(pdf: Path, resolution_dpi: int = 300) -> Iterator[Image.Image]:
    stem = pdf.with_suffix("")
    command = [poppler("pdftoppm"), "-gray", "-r", str(resolution_dpi), str(pdf), str(stem)]
    subprocess.run(command, check=True, timeout=60)
    for page in sorted(pdf.parent.glob(f"{stem.name}-*.pgm")):
        yield Image.open(page)


def words(pdf: Path) -> str:
    command = [poppler("pdftotext"), "-layout", str(pdf), "-"]
    return subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout


def font_with(characters: str, path: Path) -> Path:
    """A font that has these characters alone, each a box."""
    names = [".notdef", *(f"u{ord(character):04X}" for character in characters)]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    box = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap(dict(zip(map(ord, characters), names[1:], strict=True)))
    font.setupGlyf(dict.fromkeys(names, box))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    font.setupHorizontalHeader(ascent=880, descent=-120)
    font.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=880, sTypoDescender=-120, sCapHeight=800)
    font.setupPost()
    font.save(path)
    return path


def test_every_label_of_a_sheet_decodes_to_its_own_url(tmp_path: Path) -> None:
    sheet = some(70)
    assert labels.write_sheet(tmp_path / "sheet.pdf", sheet) == 70
    read = [
        {code.text for code in zxingcpp.read_barcodes(page)}
        for page in pages(tmp_path / "sheet.pdf")
    ]
    assert read == [{label.url for label in sheet[:65]}, {label.url for label in sheet[65:]}]


def test_labels_run_row_by_row(tmp_path: Path) -> None:
    sheet = some(6)
    labels.write_sheet(tmp_path / "sheet.pdf", sheet)
    (page,) = pages(tmp_path / "sheet.pdf")
    found = sorted(
        zxingcpp.read_barcodes(page),
        key=lambda code: (code.position.top_left.y // 50, code.position.top_left.x),
    )
    assert [code.text for code in found] == [label.url for label in sheet]


def test_a_label_says_its_name_its_number_and_the_end_of_its_serial(tmp_path: Path) -> None:
    sheet = some(2)
    labels.write_sheet(tmp_path / "sheet.pdf", sheet)
    printed = words(tmp_path / "sheet.pdf")
    assert printed.count("Green tea") == 2
    for label in sheet:
        assert f"No. {label.number}" in printed
        assert f"...{label.serial[-5:]}" in printed
        assert label.serial not in printed


def test_a_long_name_is_cut_where_its_label_ends(tmp_path: Path) -> None:
    labels.write_sheet(tmp_path / "sheet.pdf", some(1, name="Whole Leaf " * 500))
    printed = words(tmp_path / "sheet.pdf")
    assert "Whole Leaf" in printed
    assert printed.count("Whole") < 3


def test_without_a_font_a_chinese_name_is_left_out(tmp_path: Path) -> None:
    labels.write_sheet(tmp_path / "sheet.pdf", some(1, name="绿茶"))
    printed = words(tmp_path / "sheet.pdf")
    assert "No. 1" in printed
    assert "?" not in printed


def test_with_a_font_a_chinese_name_is_printed(tmp_path: Path) -> None:
    font = font_with(crockford.ALPHABET + "绿茶o. ", tmp_path / "boxes.ttf")
    labels.write_sheet(tmp_path / "sheet.pdf", some(1, name="绿茶"), font_path=font)
    assert "绿茶" in words(tmp_path / "sheet.pdf")


def test_a_name_prints_only_if_the_font_has_all_of_it(tmp_path: Path) -> None:
    font = font_with(crockford.ALPHABET + "绿茶o. ", tmp_path / "boxes.ttf")
    assert labels.prints("绿茶", font)
    assert not labels.prints("红茶", font)
    assert labels.prints("Green tea", None)
    assert not labels.prints("绿茶", None)
    labels.write_sheet(tmp_path / "sheet.pdf", some(1, name="红茶"), font_path=font)
    assert "茶" not in words(tmp_path / "sheet.pdf")
    assert "No. 1" in words(tmp_path / "sheet.pdf")


@pytest.mark.parametrize("content", [None, b"", b"no font at all"])
def test_a_font_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    font = tmp_path / "broken.ttf"
    if content is not None:
        font.write_bytes(content)
    with pytest.raises(InvalidSheet, match=r"broken\.ttf"):
        labels.write_sheet(tmp_path / "sheet.pdf", some(1), font_path=font)
    assert not (tmp_path / "sheet.pdf").exists()


def test_the_same_labels_at_the_same_time_give_the_same_file() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    with clock.fixed(NOON):
        labels.write_sheet(first, some(3))
        labels.write_sheet(second, some(3))
    assert first.getvalue().startswith(b"%PDF-")
    assert first.getvalue() == second.getvalue()


def test_a_file_has_a_bounded_number_of_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "LABELS_MAX", 10)
    (tmp_path / "sheet.pdf").write_bytes(b"before")
    assert labels.write_sheet(io.BytesIO(), some(10)) == 10
    with pytest.raises(TooManyAtOnce, match="10 labels"):
        labels.write_sheet(tmp_path / "sheet.pdf", some(11))
    assert (tmp_path / "sheet.pdf").read_bytes() == b"before"


def test_another_layout_fits_another_sheet(tmp_path: Path) -> None:
    layout = labels.SheetLayout(
        page_width_mm=60,
        page_height_mm=40,
        columns=1,
        rows=1,
        left_mm=0,
        top_mm=0,
        label_width_mm=60,
        label_height_mm=40,
        font_size_pt=9,
    )
    sheet = some(2)
    labels.write_sheet(tmp_path / "roll.pdf", sheet, layout)
    read = [[code.text for code in zxingcpp.read_barcodes(p)] for p in pages(tmp_path / "roll.pdf")]
    assert read == [[label.url] for label in sheet]


@pytest.mark.parametrize(
    "change",
    [
        {"columns": 6},
        {"rows": 14},
        {"columns": 0},
        {"gap_x_mm": -1},
        {"label_height_mm": 8},
        {"left_mm": 20},
    ],
)
def test_a_layout_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(InvalidSheet):
        labels.SheetLayout(**change)


def test_a_code_too_fine_for_its_label_is_refused() -> None:
    layout = labels.SheetLayout(label_height_mm=10)
    with pytest.raises(InvalidSheet, match=r"0\.\d\d mm"):
        labels.write_sheet(io.BytesIO(), some(1, prefix=PREFIX + "X" * 300), layout)
