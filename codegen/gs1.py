"""GS1's numbers for products (GTIN) and logistic units (SSCC-18), and their check digit."""

import re

from codegen.errors import (
    InvalidGtin,
    InvalidSscc,
    MistypedGtin,
    MistypedSscc,
    WrongGtinLength,
)
from core.errors import N_

GTIN_LENGTHS = (8, 12, 13, 14)
SSCC_LENGTH = 18
COMPANY_PREFIX_LENGTHS = range(4, 13)

_DIGITS = re.compile(r"[0-9]+")
_SHOWN_CHARACTERS = 40
# How scanners and people write "what follows is an SSCC": symbology identifier and AI 00.
_SSCC_MARK = re.compile(r"(\]C1)?(\(00\)|00(?=[0-9]{18}$))")


def check_digit(digits: str) -> int:
    """The check digit that belongs after `digits`.

    Weights 3 and 1 alternate from the right (GS1 General Specifications, section 7.9.1).
    """
    weighted = sum(int(d) * (3 - index % 2 * 2) for index, d in enumerate(reversed(digits)))
    return -weighted % 10


def gtin14(text: str) -> str:
    """The GTIN in `text` (8, 12, 13 or 14 digits, blanks and hyphens allowed) as 14 digits.

    Raises InvalidGtin, which names the right check digit when only that is wrong.
    """
    digits = re.sub(r"[\s-]", "", text)
    if _DIGITS.fullmatch(digits) is None:
        raise InvalidGtin(given=text[:_SHOWN_CHARACTERS], reason=N_("it must be digits only"))
    if len(digits) not in GTIN_LENGTHS:
        raise WrongGtinLength(given=text[:_SHOWN_CHARACTERS], count=len(digits))
    _check(digits, text, MistypedGtin)
    return digits.zfill(14)


def sscc(extension: int, company_prefix: str, serial_reference: int) -> str:
    """The 18 digits of a logistic unit's number: extension, prefix, reference, check digit.

    `extension` is 0 to 9, `company_prefix` 4 to 12 digits; the reference fills what is left of
    17 digits (GS1 General Specifications, section 2.2.1). Raises InvalidSscc.
    """
    given = f"{extension} {company_prefix} {serial_reference}"[:_SHOWN_CHARACTERS]
    prefix_is_digits = _DIGITS.fullmatch(company_prefix) is not None
    if not prefix_is_digits or len(company_prefix) not in COMPANY_PREFIX_LENGTHS:
        raise InvalidSscc(given=given, reason="a company prefix has 4 to 12 digits")
    if not 0 <= extension <= 9:
        raise InvalidSscc(given=given, reason="the extension is one digit")
    width = SSCC_LENGTH - 2 - len(company_prefix)
    if not 0 <= serial_reference < 10**width:
        reason = f"with this company prefix the serial reference has at most {width} digits"
        raise InvalidSscc(given=given, reason=reason)
    body = f"{extension}{company_prefix}{serial_reference:0{width}d}"
    return f"{body}{check_digit(body)}"


def parse_sscc(text: str) -> str:
    """The 18 digits of the SSCC in `text`, with or without its application identifier `(00)`.

    Blanks and a scanner's `]C1` are dropped. Raises InvalidSscc, which names the right check
    digit when only that is wrong.
    """
    digits = _SSCC_MARK.sub("", re.sub(r"\s", "", text), count=1)
    if _DIGITS.fullmatch(digits) is None or len(digits) != SSCC_LENGTH:
        raise InvalidSscc(given=text[:_SHOWN_CHARACTERS], reason=N_("it must be 18 digits"))
    _check(digits, text, MistypedSscc)
    return digits


def _check(digits: str, text: str, error: type[MistypedGtin] | type[MistypedSscc]) -> None:
    right = check_digit(digits[:-1])
    if digits[-1] != str(right):
        raise error(given=text[:_SHOWN_CHARACTERS], last=digits[-1], right=right)
