"""Crockford's base32: 100 bits as 20 characters that survive being read aloud and typed.

Alphabet and folding of look-alikes: Douglas Crockford, "Base 32" (crockford.com/base32.html).
"""

import re

import numpy as np
import numpy.typing as npt

from codegen.errors import MalformedSerial

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH_CHARACTERS = 20
LENGTH_BITS = 5 * LENGTH_CHARACTERS
HALF_BITS = LENGTH_BITS // 2

# Tables and not str.upper(): that would also turn "ſ" into S and "ı" into I.
_ACCEPTED = ALPHABET + ALPHABET[10:].lower() + "ILOilo"
_CANONICAL = ALPHABET + ALPHABET[10:] + "110110"
_FOLD = str.maketrans(_ACCEPTED, _CANONICAL)
_SHAPE = re.compile(f"[{_ACCEPTED}]{{{LENGTH_CHARACTERS}}}")
# Folded to the digits of int(…, 32) in one step, ten times faster than a loop.
_PYTHON_DIGITS = dict(zip(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV", strict=True))
_TO_PYTHON = str.maketrans(_ACCEPTED, "".join(_PYTHON_DIGITS[c] for c in _CANONICAL))
_PAIRS = np.array([a + b for a in ALPHABET for b in ALPHABET], "S2").view(np.uint16)


def normalise(text: str) -> str:
    """`text` in upper case, look-alikes folded (I and L to 1, O to 0), outer blanks gone.

    Anything else stays as it is, for `decode` to refuse.
    """
    return text.strip().translate(_FOLD)


def canonical(text: str) -> str:
    """The 20 characters of a serial, as `normalise` folds them; raises MalformedSerial."""
    bare = text.strip()
    if _SHAPE.fullmatch(bare) is None:
        raise MalformedSerial()
    return bare.translate(_FOLD)


def encode(value: int) -> str:
    """The 20 characters of `value`, an integer of at most 100 bits, most significant first."""
    if value >> LENGTH_BITS:
        raise ValueError(f"only 0 to 2**{LENGTH_BITS} - 1 fit into {LENGTH_CHARACTERS} characters")
    return "".join(ALPHABET[value >> shift & 31] for shift in range(LENGTH_BITS - 5, -1, -5))


def decode(text: str) -> int:
    """The integer behind 20 characters, read as tolerantly as `normalise` folds them.

    Raises MalformedSerial for any other length or character.
    """
    bare = text.strip()
    if _SHAPE.fullmatch(bare) is None:
        raise MalformedSerial()
    return int(bare.translate(_TO_PYTHON), 32)


def encode_many(
    high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bytes_]:
    """The texts (`S20`) of many values at once, each given as its upper and its lower 50 bits."""
    pairs = np.empty((len(high), LENGTH_CHARACTERS // 2), np.uint16)
    for start, half in ((0, high), (5, low)):
        for column in range(5):
            shift = np.uint64(HALF_BITS - 10 * (column + 1))
            pairs[:, start + column] = _PAIRS[half >> shift & np.uint64(1023)]
    return pairs.view(f"S{LENGTH_CHARACTERS}").ravel()
