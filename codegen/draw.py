"""QR codes as pictures: error correction M, the smallest version, the best mask.

Single pictures come from segno; what is drawn by the thousand (labels, image files for the
printing house) from zxing-cpp, which is several times as fast. The two choose masks by their
own taste, so one text may look different and reads the same.
"""

import io
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import segno
import zxingcpp
from PIL import Image

from codegen.errors import UndrawableText

# ISO/IEC 18004, section 9.1: four light modules on every side belong to the symbol.
QUIET_ZONE_MODULES = 4
PNG_SCALE_MAX = 40
# What is best as two segments, bytes and alphanumeric: zxing-cpp cuts by itself, segno as told.
_LOWER_SCHEME = re.compile(r"(https?://)([0-9A-Z $%*+./:-]+)")


def matrix(text: str) -> npt.NDArray[np.bool_]:
    """The code's square of modules, True for dark, without the quiet zone.

    Raises UndrawableText when the text is empty, too long for a QR code, or not Unicode.
    """
    return np.asarray(_barcode(text).to_image(scale=1, add_quiet_zones=False)) == 0


def side(text: str) -> int:
    """How many modules the code's side has, without the quiet zone. Raises UndrawableText."""
    return len(matrix(text))


def runs(modules: npt.NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The dark modules as horizontal runs `(x, y, length)`, row by row from the top."""
    padded = np.pad(modules, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    return list(zip(starts.tolist(), rows.tolist(), (ends - starts).tolist(), strict=True))


def svg(text: str, module_mm: float = 1.0) -> str:
    """The code as an SVG element, for a page or a file of its own; quiet zone included.

    Dark on a light ground of its own, so that it reads on dark pages too; no style: a strict
    content security policy lets it pass.
    """
    out = io.BytesIO()
    _symbol(text).save(
        out,
        kind="svg",
        scale=module_mm,
        unit="mm",
        border=QUIET_ZONE_MODULES,
        light="white",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    return out.getvalue().decode()


def png(text: str, scale: int = 8) -> bytes:
    """The code as a black and white PNG, `scale` (1 to 40) pixels a module, quiet zone included."""
    _check_scale(scale)
    out = io.BytesIO()
    _symbol(text).save(out, kind="png", scale=scale, border=QUIET_ZONE_MODULES)
    return out.getvalue()


def terminal(text: str) -> str:
    """The code in half blocks, two rows of modules a line."""
    out = io.StringIO()
    _symbol(text).terminal(out, border=QUIET_ZONE_MODULES, compact=True)
    return out.getvalue()


def bulk_svg(text: str) -> str:
    """As `svg`, one pixel a module, several times as fast: for files by the thousand."""
    return str(_barcode(text).to_svg())


def bulk_png(text: str, scale: int = 8) -> bytes:
    """As `png`, several times as fast: for files by the thousand."""
    _check_scale(scale)
    out = io.BytesIO()
    pixels = np.asarray(_barcode(text).to_image(scale=scale))
    Image.fromarray(pixels).convert("1").save(out, "PNG")
    return out.getvalue()


def _symbol(text: str) -> segno.QRCode:
    try:
        match = _LOWER_SCHEME.fullmatch(text)
        # Its documentation offers a list of segments, its types don't.
        segments: Any = list(match.groups()) if match else text
        return segno.make_qr(segments, error="m", boost_error=False)
    except (ValueError, UnicodeError) as error:
        raise UndrawableText() from error


def _barcode(text: str) -> zxingcpp.Barcode:
    try:
        return zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except (ValueError, RuntimeError) as error:
        raise UndrawableText() from error


def _check_scale(scale: int) -> None:
    if not 1 <= scale <= PNG_SCALE_MAX:
        raise ValueError(f"the scale of a PNG is 1 to {PNG_SCALE_MAX}")
