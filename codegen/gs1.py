"""GS1's numbers for products (GTIN) and logistic units (SSCC-18), and their check digit."""

import re
from functools import lru_cache

from codegen.errors import (
    InvalidGtin,
    InvalidSscc,
    MistypedGtin,
    MistypedSscc,
    WrongGtinLength,
    WrongSsccLength,
)
from core.errors import N_

GTIN_LENGTHS = (8, 12, 13, 14)
SSCC_LENGTH = 18
COMPANY_PREFIX_LENGTHS = range(4, 13)

_DIGITS = re.compile(r"[0-9]+")
_SHOWN_CHARACTERS = 40


def check_digit(digits: str) -> int:
    """The check digit that belongs after `digits`.

    Weights 3 and 1 alternate from the right (GS1 General Specifications, section 7.9.1).
    """
    tripled, single = map(int, digits[::-2]), map(int, digits[-2::-2])
    return -(3 * sum(tripled) + sum(single)) % 10


@lru_cache(maxsize=1024)  # a brand has few, and each scan of a link checks its own
def gtin14(text: str) -> str:
    """The GTIN in `text` (8, 12, 13 or 14 digits, blanks and hyphens allowed) as 14 digits.

    Raises InvalidGtin, which names the right check digit when only that is wrong.
    """
    digits = text if text.isdigit() else re.sub(r"[\s-]", "", text)
    if _DIGITS.fullmatch(digits) is None:
        raise InvalidGtin(given=text[:_SHOWN_CHARACTERS], reason=N_("it must be digits only"))
    if len(digits) not in GTIN_LENGTHS:
        raise WrongGtinLength(given=text[:_SHOWN_CHARACTERS], count=len(digits))
    _check(digits, text, MistypedGtin)
    if not digits.strip("0"):
        raise InvalidGtin(given=digits, reason=N_("it is nothing but zeros"))
    return digits.zfill(14)


def sscc(extension: int, company_prefix: str, serial_reference: int) -> str:
    """The 18 digits of a logistic unit's number: extension, prefix, reference, check digit.

    `extension` is 0 to 9, `company_prefix` 4 to 12 digits, not all zeros; the reference fills what
    is left of 17 digits (GS1 General Specifications, section 2.2.1). Raises InvalidSscc.
    """
    given = f"{extension} {company_prefix} {serial_reference}"[:_SHOWN_CHARACTERS]
    prefix_is_digits = _DIGITS.fullmatch(company_prefix) is not None
    if not prefix_is_digits or len(company_prefix) not in COMPANY_PREFIX_LENGTHS:
        raise InvalidSscc(given=given, reason="a company prefix has 4 to 12 digits")
    if not company_prefix.strip("0"):
        raise InvalidSscc(given=given, reason="no company has a prefix of nothing but zeros")
    if not 0 <= extension <= 9:
        raise InvalidSscc(given=given, reason="the extension is one digit")
    width = SSCC_LENGTH - 2 - len(company_prefix)
    if not 0 <= serial_reference < 10**width:
        reason = f"with this company prefix the serial reference has at most {width} digits"
        raise InvalidSscc(given=given, reason=reason)
    body = f"{extension}{company_prefix}{serial_reference:0{width}d}"
    return f"{body}{check_digit(body)}"


def check_sscc(digits: str) -> str:
    """The 18 digits themselves. Raises InvalidSscc, as `gtin14` does for GTINs."""
    if _DIGITS.fullmatch(digits) is None:
        raise InvalidSscc(given=digits[:_SHOWN_CHARACTERS], reason=N_("it must be 18 digits"))
    if len(digits) != SSCC_LENGTH:
        raise WrongSsccLength(given=digits[:_SHOWN_CHARACTERS], count=len(digits))
    _check(digits, digits, MistypedSscc)
    if not digits.strip("0"):
        raise InvalidSscc(given=digits, reason=N_("it is nothing but zeros"))
    return digits


def is_restricted(gtin: str) -> bool:
    """Whether 14 digits are no product's for all the world.

    Numbers of a shop, a company or a region (GS1 prefixes 02, 04, 2, and 0 and 2 of GTIN-8), of
    coupons and refunds (05, 98, 99): GS1 General Specifications, section 1.4.
    """
    if gtin.startswith("000000"):
        return gtin[6] in "02"
    return gtin[1:3] in ("02", "04", "05", "98", "99") or gtin[1] == "2"


def _check(digits: str, text: str, error: type[MistypedGtin] | type[MistypedSscc]) -> None:
    right = check_digit(digits[:-1])
    if digits[-1] != str(right):
        raise error(given=text[:_SHOWN_CHARACTERS], last=digits[-1], right=right)
