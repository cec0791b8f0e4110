"""What scanners, messengers and spreadsheets put around or into a code, taken off again."""

import re
import unicodedata

GROUP_SEPARATOR = "\x1d"  # what a scanner sends for FNC1, the end of a value of no fixed length

# Letters of no width, directions, soft hyphens and byte order marks (Cf), controls, variation
# selectors, blanks and line ends. The group separator is one of the controls, and kept.
_UNSEEN = re.compile(r"[\s\x00-\x1c\x1e-\x1f\x7f-\x9f\u034f\u115f\u1160\u3164\ufe00-\ufe0f]+")
_WRITTEN_SEPARATOR = re.compile(r"<GS>|\{GS\}|<FNC1>|\{FNC1\}|\[FNC1\]|\\x1d|\\u001d|\^\]|␝", re.I)
_SQUARE_BRACKETS = re.compile(r"\[([0-9]{2,4})\]")

# Before a code: symbology identifiers (ISO/IEC 15424: `]Q1`, `]C1`, `]d2`), marks of extended
# channel interpretations (`\000026`: UTF-8 follows), separators, punctuation. A bracket that holds
# an application identifier, `(01)`, is none of it.
_QUOTES = "\"'`´‘’“”„«»‹›「」『』【】〈〉《》<>"
_STOPS = ",;:!.。、·•…|*_~=#-‐‑‒–—―−"
_BEFORE = re.compile(
    rf"(?:\][A-Za-z][0-9A-Za-z]|\\[0-9]{{6}}|\x1d|[{re.escape(_QUOTES + _STOPS)}\[\]{{}}]"
    r"|\((?![0-9]{2,4}\)))+"
)
_AFTER = _QUOTES + _STOPS + "()[]{}?&\\/" + GROUP_SEPARATOR
_HYPHENS = re.compile(r"[-‐‑‒–—―−]+")
_SYMBOLS_OF_ELEMENTS = re.compile(r"(?:\](?:C1|d2|e0|e1|e2|Q3|J1)|\x1d)")


def tidy(text: str) -> str:
    """The text by itself: in plain characters (NFKC), nothing unseen in it, nothing around it.

    What a scanner or a person wrote for FNC1 within it is the group separator.
    """
    plain = _seen(text)
    return plain[_end_of_marks(plain) :].rstrip(_AFTER)


def is_marked(text: str) -> bool:
    """Whether a scanner says that GS1's element strings follow (`]C1`, `]d2`, FNC1 …)."""
    plain = _seen(text)
    return _SYMBOLS_OF_ELEMENTS.search(plain, 0, _end_of_marks(plain)) is not None


def without_hyphens(text: str) -> str:
    """The text without the hyphens that group it."""
    return _HYPHENS.sub("", text)


def _seen(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(c for c in plain if c.isascii() or unicodedata.category(c) != "Cf")
    plain = _WRITTEN_SEPARATOR.sub(GROUP_SEPARATOR, _UNSEEN.sub(_kept, plain))
    return _SQUARE_BRACKETS.sub(r"(\1)", plain)


def _kept(match: re.Match[str]) -> str:
    """Of blanks and controls only the separators, which `\\s` takes for blanks too."""
    return GROUP_SEPARATOR * match[0].count(GROUP_SEPARATOR)


def _end_of_marks(plain: str) -> int:
    marks = _BEFORE.match(plain)
    return marks.end() if marks else 0
