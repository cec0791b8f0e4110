"""QR codes as pictures: error correction M, the smallest version, the best mask.

One encoder (zxing-cpp) draws them all, so a code looks the same on the screen, on a label and
in an image for the printing house.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt
import zxingcpp

from codegen.errors import UndrawableText

# ISO/IEC 18004, section 9.1: four light modules on every side belong to the symbol.
QUIET_ZONE_MODULES = 4
PNG_SCALE_MAX = 40

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def matrix(text: str) -> npt.NDArray[np.bool_]:
    """The code's square of modules, True for dark, without the quiet zone.

    Raises UndrawableText when the text is empty, too long for a QR code, or not Unicode.
    """
    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except (ValueError, RuntimeError) as error:
        raise UndrawableText() from error
    return np.asarray(code.to_image(scale=1, add_quiet_zones=False)) == 0


def runs(modules: npt.NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The dark modules as horizontal runs `(x, y, length)`, row by row from the top."""
    padded = np.pad(modules, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    return list(zip(starts.tolist(), rows.tolist(), (ends - starts).tolist(), strict=True))


def svg(text: str, module_mm: float = 1.0) -> str:
    """The code as an SVG element, for a page or a file of its own; quiet zone included.

    One path on transparent ground, no style: a strict content security policy lets it pass.
    """
    modules = matrix(text)
    side = len(modules) + 2 * QUIET_ZONE_MODULES
    path = "".join(
        f"M{x + QUIET_ZONE_MODULES} {y + QUIET_ZONE_MODULES}h{length}v1h-{length}z"
        for x, y, length in runs(modules)
    )
    side_mm = f"{side * module_mm:g}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side_mm}" height="{side_mm}" '
        f'viewBox="0 0 {side} {side}"><path d="{path}"/></svg>'
    )


def png(text: str, scale: int = 8) -> bytes:
    """The code as a black and white PNG, `scale` (1 to 40) pixels a module, quiet zone included."""
    if not 1 <= scale <= PNG_SCALE_MAX:
        raise ValueError(f"the scale of a PNG is 1 to {PNG_SCALE_MAX}")
    light = np.pad(~matrix(text), QUIET_ZONE_MODULES, constant_values=True)
    bits = np.packbits(light.repeat(scale, axis=0).repeat(scale, axis=1), axis=1)
    # Every line starts with its filter: 0, none (PNG specification, section 9).
    lines = np.pad(bits, ((0, 0), (1, 0))).tobytes()
    side = len(light) * scale
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return _PNG_SIGNATURE + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def terminal(text: str) -> str:
    """The code in half blocks, light on a dark terminal, two rows of modules a line."""
    light = np.pad(~matrix(text), QUIET_ZONE_MODULES, constant_values=True)
    light = np.pad(light, ((0, len(light) % 2), (0, 0)))
    blocks = np.array([" ", "▄", "▀", "█"])[2 * light[::2] + light[1::2]]
    return "\n".join("".join(line) for line in blocks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
