"""What was scanned, typed or listed: an item's code, a product's number or a logistic unit's.

The one reader behind all doors. It forgives what printers, scanners, messengers, spreadsheets and
people do to a code, and proves nothing: whether a serial is genuine only its key can tell.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from codegen import crockford, gs1, spelling
from codegen.element_string import elements
from codegen.errors import (
    InvalidGtin,
    InvalidHost,
    InvalidSscc,
    LostZeros,
    MalformedLink,
    MalformedSerial,
    NotAnItem,
    NumberOfCarton,
    RoundedNumber,
    Unreadable,
    WrongDigitCount,
    WrongOrderInLink,
)
from codegen.link import check_host
from core.errors import N_

TEXT_CHARACTERS_MAX = 2048
SHOWN_CHARACTERS = 40

_PLAIN_LINK = re.compile(
    r"(?:https?://(?P<host>[a-z0-9.:-]+)/|/)?(?:01/(?P<gtin>[0-9]{14})/21/)?"
    r"(?P<serial>[0-9a-z]{20})",
    re.IGNORECASE | re.ASCII,
)
_ABSOLUTE = re.compile(r"https?:/", re.IGNORECASE)
_LINK = re.compile(
    r"(?:(?:https?:/+)?(?P<host>[a-z0-9.:-]+))?(?P<path>/[^?#]*).*", re.IGNORECASE | re.ASCII
)
_SLASHES = re.compile(r"/+")
# A lot may hold a slash, which servers decode before anybody can tell it from those between.
_ITEM_PATH = re.compile(
    r"/01/(?P<gtin>[^/]+)(?:/22/[^/]+)?(?:/10/(?P<lot>.{1,64}?))?(?:/21/(?P<serial>[^/]+))?"
)
_QUALIFIERS = re.compile(r"/01/[0-9-]+((?:/(?:22|10|21)/[^/]+){2,3})")
_QUALIFIER = re.compile(r"/(22|10|21)/[^/]+")
_QUALIFIERS_IN_ORDER = ("22", "10", "21")
_LOGISTIC_PATH = re.compile(r"/00/(?P<sscc>[^/]+)")
_EXPONENT = re.compile(r"[0-9]+(?:[.,][0-9]*E\+?|E\+)[0-9]{1,2}", re.IGNORECASE)
_NUMBER = re.compile(r"(?P<digits>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.0+)?")
# Lengths of numbers without the zeros at their start, and with them.
_COMPLETE = {7: 8, 9: 12, 10: 12, 11: 12, 15: 18, 16: 18, 17: 18}


@dataclass(frozen=True, slots=True)
class ItemCode:
    """A sealed code: its serial in 20 canonical characters, and what stood beside it, if anything.

    `host` is in lower case and with its port if it names one; `gtin` has 14 digits.
    """

    serial: str
    gtin: str | None = None
    host: str | None = None
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class Gtin:
    """A product's number: 14 digits."""

    digits: str


@dataclass(frozen=True, slots=True)
class Sscc:
    """A logistic unit's number: 18 digits."""

    digits: str


Reading = ItemCode | Gtin | Sscc


def read(text: str) -> Reading:
    """What the text is: a link, a path, an element string, a serial, a GTIN or an SSCC.

    Raises `Unreadable`, always with a sentence that says what to do.
    """
    plain = _PLAIN_LINK.fullmatch(text)
    if plain is not None and not _may_be_sscc(plain["serial"], plain["gtin"]):
        return _item(plain["serial"], plain["gtin"], plain["host"])
    if len(text) > TEXT_CHARACTERS_MAX:
        raise MalformedLink(reason=N_("it is too long"))
    if "%" in text:
        text = unquote(text)
    tidy = spelling.tidy(text)
    if not tidy:
        raise Unreadable()
    return _of_link(tidy) if "/" in tidy else _of_characters(tidy, spelling.is_marked(text))


def read_address(text: str) -> Reading:
    """What the path of an address is, without its first slash. Raises `Unreadable`."""
    return read(f"/{text}" if text[:1].isalnum() else text)


def read_link(gtin: str, serial: str) -> Reading:
    """What `/01/{gtin}/21/{serial}` is; faster than `read` where both are as they are printed."""
    if len(gtin) == 14 and gtin.isdigit() and serial.isalnum() and (gtin + serial).isascii():
        return _item(serial, gtin)
    return read(f"/01/{gtin}/21/{serial}")


def read_item(text: str) -> ItemCode | Sscc:
    """The item's or carton's code that the text is. Raises `Unreadable`."""
    found = read(text)
    if isinstance(found, Gtin):
        raise NotAnItem(given=text.strip()[:SHOWN_CHARACTERS])
    return found


def item_of(found: Reading) -> ItemCode:
    """The reading, if it is the code of an item. Raises `NotAnItem`, `NumberOfCarton`."""
    if isinstance(found, Gtin):
        raise NotAnItem(given=found.digits)
    if isinstance(found, Sscc):
        raise NumberOfCarton(given=found.digits)
    return found


def read_gtin(text: str) -> str:
    """The 14 digits of the GTIN that the text is, or that stands in its link.

    Raises `Unreadable`.
    """
    try:
        found = read(text)
    except MalformedSerial as error:
        reason = N_("it must be digits only")
        raise InvalidGtin(given=text.strip()[:SHOWN_CHARACTERS], reason=reason) from error
    digits = None if isinstance(found, Sscc) else _gtin_of(found)
    if digits is None:
        raise InvalidGtin(given=text.strip()[:SHOWN_CHARACTERS], reason=N_("it is another code"))
    return digits


def read_sscc(text: str) -> str:
    """The 18 digits of the SSCC that the text is. Raises `Unreadable`."""
    try:
        found = read(text)
    except MalformedSerial as error:
        reason = N_("it must be 18 digits")
        raise InvalidSscc(given=text.strip()[:SHOWN_CHARACTERS], reason=reason) from error
    if not isinstance(found, Sscc):
        raise InvalidSscc(given=text.strip()[:SHOWN_CHARACTERS], reason=N_("it is another code"))
    return found.digits


def same_lot(one: str, other: str) -> bool:
    """Whether two spellings name the same lot."""
    return spelling.tidy(one).casefold() == spelling.tidy(other).casefold()


def _gtin_of(found: ItemCode | Gtin) -> str | None:
    return found.digits if isinstance(found, Gtin) else found.gtin


def _item(
    serial: str, gtin: str | None = None, host: str | None = None, lot: str | None = None
) -> ItemCode:
    serial = crockford.canonical(serial)
    if host is not None:
        host = _checked_host(host)
    if gtin is not None:
        gtin = gs1.gtin14(gtin)
    return ItemCode(serial, gtin, host, lot)


def _checked_host(host: str) -> str:
    try:
        return check_host(host)
    except InvalidHost as error:
        raise MalformedLink(reason=N_("its host is not one")) from error


def _may_be_sscc(serial: str, gtin: str | None) -> bool:
    """Twenty digits that begin with 00 are AI 00 and an SSCC, unless a link calls them a serial.

    Of 10¹² serials not one looks like that.
    """
    return gtin is None and serial.startswith("00") and serial.isdigit()


def _of_elements(found: dict[str, str]) -> Reading:
    if "00" in found:
        return Sscc(gs1.check_sscc(found["00"]))
    if "21" in found:
        serial = spelling.without_hyphens(found["21"])
        return _item(serial, found.get("01"), lot=found.get("10"))
    return Gtin(gs1.gtin14(found["01"]))


def _of_link(tidy: str) -> Reading:
    absolute = _ABSOLUTE.search(tidy)
    if absolute is not None and "/" not in tidy[: absolute.start()].lstrip("/"):
        tidy = tidy[absolute.start() :]  # behind the words that it was sent with
    if tidy.startswith(("01/", "00/")):
        tidy = f"/{tidy}"
    match = _LINK.fullmatch(tidy)
    if match is None:
        raise MalformedLink(reason=N_("it has another form"))
    host = match["host"] and _checked_host(match["host"])
    path = _SLASHES.sub("/", spelling.tidy(match["path"]))
    if match := _LOGISTIC_PATH.fullmatch(path):
        return Sscc(gs1.check_sscc(spelling.without_hyphens(match["sscc"])))
    _check_order(path)
    if match := _ITEM_PATH.fullmatch(path):
        gtin = spelling.without_hyphens(match["gtin"])
        if match["serial"] is None:
            return Gtin(gs1.gtin14(gtin))
        return _item(spelling.without_hyphens(match["serial"]), gtin, host, match["lot"])
    if "/" in path[1:] or not path[1:]:
        raise MalformedLink(reason=N_("it has another form"))
    found = _of_characters(path[1:], is_marked=False)
    return replace(found, host=host) if isinstance(found, ItemCode) else found


def _check_order(path: str) -> None:
    """Raises `WrongOrderInLink`; the order is the standard's (GS1 Digital Link 1.6, section 4)."""
    match = _QUALIFIERS.fullmatch(path)
    named = _QUALIFIER.findall(match[1]) if match else []
    if named != [one for one in _QUALIFIERS_IN_ORDER if one in named]:
        raise WrongOrderInLink()


def _of_characters(tidy: str, is_marked: bool) -> Reading:
    """What characters without a slash are: an element string, a number, or else a serial."""
    if len(spelling.without_hyphens(tidy)) != crockford.LENGTH_CHARACTERS:
        found = elements(tidy, is_marked) or {}
        if found.keys() & {"00", "01", "21"}:
            return _of_elements(found)
    if _EXPONENT.fullmatch(tidy):
        raise RoundedNumber(given=tidy)
    bare = spelling.without_hyphens(tidy)
    number = _NUMBER.fullmatch(bare)
    if number is None:
        return _item(bare)
    digits = number["digits"].replace(",", "")
    if len(digits) == crockford.LENGTH_CHARACTERS and not _may_be_sscc(digits, None):
        return _item(digits)
    return _of_digits(digits)


def _of_digits(digits: str) -> Gtin | Sscc:
    given, count = digits[:SHOWN_CHARACTERS], len(digits)
    is_right = gs1.check_digit(digits[:-1]) == int(digits[-1])
    if count in gs1.GTIN_LENGTHS:
        return Gtin(gs1.gtin14(digits))
    if count == gs1.SSCC_LENGTH:
        if digits.endswith("000") and not is_right:
            raise RoundedNumber(given=given)
        return Sscc(gs1.check_sscc(digits))
    if count == crockford.LENGTH_CHARACTERS:
        return Sscc(gs1.check_sscc(digits[2:]))
    if count in _COMPLETE and is_right:
        raise LostZeros(given=given, meant=digits.zfill(_COMPLETE[count]))
    raise WrongDigitCount(given=given, count=count)
