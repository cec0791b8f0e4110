"""GS1's element strings: `(01)…(21)…` as people read them, `01…21…` as scanners send them.

The application identifiers and the lengths of their values: GS1 General Specifications, section 3.
"""

import re

from codegen.spelling import GROUP_SEPARATOR

# Those that stand on labels beside ours, so that ours are found behind them; lengths of values.
FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6}
VARIABLE = ("10", "21", "22", "30", "37", "91", "92", "240", "241", "400", "410")

_BRACKETED = re.compile(r"\((?P<ai>[0-9]{2,4})\)(?P<value>[^()]*)")
_SERIAL = r"[0-9A-Za-z](?:-?[0-9A-Za-z]){19}"  # of a fixed length, though AI 21 has none
_OUR_SERIAL = re.compile(_SERIAL)
_SERIAL_AT_END = re.compile(rf"(?P<before>[^\x1d]{{1,20}}?)21(?P<serial>{_SERIAL})")
_BARE = re.compile(r"01[0-9]{14}(?:$|10|1[1-7]|2[12]|24|37|\x1d)|00[0-9]{18}(?:$|[0-3]|\x1d)")


def elements(text: str, is_marked: bool) -> dict[str, str] | None:
    """The values of a tidy text by their application identifiers; None if it is none of these.

    `is_marked` says that the scanner named what it read GS1's. Without brackets and separators a
    value of no fixed length ends where a serial of ours begins.
    """
    if text.startswith("("):
        return _bracketed(text)
    if is_marked or GROUP_SEPARATOR in text or _BARE.match(text):
        return _concatenated(text)
    return None


def _bracketed(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    end = 0
    while match := _BRACKETED.match(text, end):
        found.setdefault(match["ai"], match["value"].strip(GROUP_SEPARATOR))
        end = match.end()
    return found if found and end == len(text) else None


def _concatenated(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    rest = text
    while rest := rest.lstrip(GROUP_SEPARATOR):
        ai = next((ai for ai in (*FIXED, *VARIABLE) if rest.startswith(ai)), None)
        if ai is None:
            return None
        rest = rest[len(ai) :]
        value = rest[: FIXED[ai]] if ai in FIXED else _open_ended(ai, rest)
        rest = rest[len(value) :]
        found.setdefault(ai, value)
    return found or None


def _open_ended(ai: str, rest: str) -> str:
    """The value of no fixed length at the start of `rest`."""
    end = rest.find(GROUP_SEPARATOR)
    value = rest if end < 0 else rest[:end]
    if ai == "21":
        serial = _OUR_SERIAL.match(value)
        return serial[0] if serial else value
    serial = _SERIAL_AT_END.fullmatch(value)
    return serial["before"] if serial else value
