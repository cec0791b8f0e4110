"""The lines of a code package, laid out as arrays: no Python runs for a single line."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

LINE_END = b"\r\n"  # RFC 4180, section 2
CSV_HEADER = b"number,serial,url" + LINE_END


def equally_wide(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The numbers `first` (1 or more) to `last` in stretches of equally many digits."""
    while first <= last:
        stop = min(last, 10 ** len(str(first)) - 1)
        yield first, stop
        first = stop + 1


def csv(first: int, serials: npt.NDArray[np.bytes_], prefix: bytes) -> bytes:
    """Number, serial and URL of each; the numbers from `first` on must be equally wide."""
    digits, before = len(str(first)), b"," + prefix
    serial = serials.dtype
    layout = [("number", np.uint8, (digits,)), ("comma", "S1"), ("serial", serial)]
    layout += [("before", f"S{len(before)}"), ("again", serial), ("end", "S2")]
    lines = np.empty(len(serials), layout)
    numbers = np.arange(first, first + len(serials))
    for place in range(digits):
        lines["number"][:, -1 - place] = numbers // 10**place % 10 + ord("0")
    lines["comma"], lines["before"], lines["end"] = b",", before, LINE_END
    lines["serial"] = lines["again"] = serials
    return lines.tobytes()


def txt(serials: npt.NDArray[np.bytes_], prefix: bytes) -> bytes:
    """The URL of each."""
    layout = [("prefix", f"S{len(prefix)}"), ("serial", serials.dtype), ("end", "S2")]
    lines = np.empty(len(serials), layout)
    lines["prefix"], lines["serial"], lines["end"] = prefix, serials, LINE_END
    return lines.tobytes()
