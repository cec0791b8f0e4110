"""`labels`: labels a second into a PDF sheet, QR images a second into a ZIP of SVG files."""

import secrets
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import segno
from fpdf import FPDF

from codegen.draw import QUIET_ZONE_MODULES
from codegen.labels import SheetLayout, write_sheet
from codegen.link import prefix
from codegen.package import CodeList, write_images
from codegen.printing import labels
from codegen.serial import SECRET_BYTES, derive
from lab.bench.result import Result, in_turns, judged, median_ratio, spread

LABELS = 2_000
NAIVE_LABELS = 200
IMAGES = 1_000
NAIVE_IMAGES = 100
WARM_UP = 20
NAME = "Plum wine"
PASSWORD = "correct horse battery"  # of files that are deleted at once

Writer = Callable[[Path, CodeList], object]


def run(home: Path) -> Result:
    """Sheets and images in turns with what most would write first; needs no server."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "labels.out"

    def rate(write: Writer, count: int) -> float:
        codes = _codes(count)
        begin = time.perf_counter()
        write(file, codes)
        return count / (time.perf_counter() - begin)

    try:
        for write in (sheet, naive_sheet, images, naive_images):
            rate(write, WARM_UP)
        measured = in_turns(
            {
                "sheet": lambda: rate(sheet, LABELS),
                "naive_sheet": lambda: rate(naive_sheet, NAIVE_LABELS),
                "images": lambda: rate(images, IMAGES),
                "naive_images": lambda: rate(naive_images, NAIVE_IMAGES),
            }
        )
    finally:
        file.unlink(missing_ok=True)
    return judged(
        "labels",
        {
            "labels_per_second": spread(measured["sheet"]),
            "naive_labels_per_second": spread(measured["naive_sheet"]),
            "images_per_second": spread(measured["images"]),
            "naive_images_per_second": spread(measured["naive_images"]),
        },
        {
            "naive_pdf": median_ratio(measured["sheet"], measured["naive_sheet"]),
            "naive_svg": median_ratio(measured["images"], measured["naive_images"]),
        },
        {"naive_pdf": (">=", 4.0), "naive_svg": (">=", 4.0)},
        {"our_images": "in an encrypted ZIP", "naive_images": "in a plain ZIP"},
    )


def sheet(path: Path, codes: CodeList) -> None:
    """The product's sheet of labels."""
    write_sheet(path, labels(codes, 1, codes.count, NAME))


def naive_sheet(path: Path, codes: CodeList) -> None:
    """The same labels: segno chooses the best of eight masks, fpdf2 draws each dark module."""
    layout = SheetLayout()
    pdf = FPDF(unit="mm", format=(layout.page_width_mm, layout.page_height_mm))
    pdf.set_auto_page_break(False)
    pdf.set_font("helvetica", size=layout.font_size_pt)
    for label in labels(codes, 1, codes.count, NAME):
        place = (label.number - 1) % layout.per_page
        if place == 0:
            pdf.add_page()
        left_mm, top_mm = layout.corner_mm(place)
        rows = segno.make_qr(label.url, error="m", boost_error=False).matrix
        module_mm = layout.code_mm / (len(rows) + 2 * QUIET_ZONE_MODULES)
        margin_mm = layout.padding_mm + QUIET_ZONE_MODULES * module_mm
        for y, row in enumerate(rows):
            for x, is_dark in enumerate(row):
                if is_dark:
                    x_mm = left_mm + margin_mm + x * module_mm
                    y_mm = top_mm + margin_mm + y * module_mm
                    pdf.rect(x_mm, y_mm, module_mm, module_mm, "F")
        for line, words in enumerate((NAME, f"No. {label.number}", f"...{label.serial[-5:]}"), 2):
            pdf.text(left_mm + layout.code_mm + 2, top_mm + 1 + 2.4 * line, words)
    pdf.output(str(path))


def images(path: Path, codes: CodeList) -> None:
    """The product's ZIP of SVG files, which is always encrypted."""
    write_images(path, codes, PASSWORD, "svg")


def naive_images(path: Path, codes: CodeList) -> None:
    """The same codes: segno with the best of eight masks, zipped with the standard library."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for label in labels(codes, 1, codes.count):
            image = BytesIO()
            segno.make_qr(label.url, error="m", boost_error=False).save(image, kind="svg")
            archive.writestr(f"{label.number}.svg", image.getvalue())


def _codes(count: int) -> CodeList:
    keys = derive(1, secrets.token_bytes(SECRET_BYTES))
    return CodeList(keys, 1, count + 1, prefix("yima.test", "06901234567892"))
