"""The URL behind a QR code: written in the form that prints smallest.

GS1 Digital Link URI 1.6 when the product is known (`/01/{GTIN}/21/{SERIAL}`), else the short
form (`/{SERIAL}`). In upper case a URL stays in the QR code's alphanumeric mode: up to 61
characters in version 3-M, up to 38 in version 2-M. Scheme and host are case-insensitive
(RFC 3986, section 3); the serial is a value of GS1's and is always printed in upper case.
"""

import re

from codegen.errors import InvalidHost
from codegen.gs1 import gtin14 as normal_gtin14
from core.errors import N_

LETTER_CASES = ("upper", "mixed", "lower")
SCHEMES = ("https", "http")

HOST_CHARACTERS_MAX = 253

# Names that public DNS never answers: RFC 6761, RFC 6762 (section 3 and appendix G), RFC 7686,
# RFC 8375, RFC 9476, RFC 2606, ICANN's .internal, and what offices call their networks.
PRIVATE_ENDINGS = frozenset(
    {"alt", "arpa", "corp", "domain", "example", "home", "internal", "intra", "intranet"}
    | {"invalid", "lan", "local", "localdomain", "localhost", "onion", "private", "test"}
    | {"workgroup"}
)
EXAMPLES = ("example.com", "example.net", "example.org")

_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::(?P<port>[0-9]{{1,5}}))?")


def check_host(text: str) -> str:
    """The host in lower case: a name or an IPv4 address, and a port if it has one.

    Raises InvalidHost.
    """
    match = _HOST.fullmatch(text)
    port_is_good = match is not None and 0 < int(match["port"] or 443) < 1 << 16
    if not port_is_good or len(text) > HOST_CHARACTERS_MAX:
        raise InvalidHost(given=text[:60])
    return text.lower()


def doubt(host: str) -> str | None:
    """Why consumers would hardly reach the host, None for one that looks public.

    Nothing is asked of DNS: the name may be registered after the order. Raises InvalidHost.
    """
    name, _, port = check_host(host).partition(":")
    labels = name.split(".")
    if _NUMERIC.fullmatch(labels[-1]):  # as browsers tell addresses from names
        return N_("it is an address and no name")
    if len(labels) == 1:
        return N_("it is a name without a dot, which only a local network knows")
    if labels[-1] in PRIVATE_ENDINGS or ".".join(labels[-2:]) in EXAMPLES:
        return N_("its ending is for private networks, tests or examples")
    if port:
        return N_("it names a port, which many networks don't let through")
    return None


def prefix(host: str, gtin14: str | None, letter_case: str = "upper", scheme: str = "https") -> str:
    """Everything of a code's URL before its serial; without a GTIN that of the short form.

    `mixed` has the scheme alone in lower case: some readers open no `HTTPS://`. Raises InvalidHost
    and InvalidGtin. `http` is for a demonstration on one's own machine.
    """
    if letter_case not in LETTER_CASES or scheme not in SCHEMES:
        raise ValueError(f"letter case {LETTER_CASES}, scheme {SCHEMES}")
    host = check_host(host)
    origin = f"{scheme}://{host if letter_case == 'lower' else host.upper()}/"
    if letter_case == "upper":
        origin = origin.upper()
    return origin if gtin14 is None else f"{origin}01/{normal_gtin14(gtin14)}/21/"


def digital_link(
    host: str,
    gtin14: str,
    serial: str,
    letter_case: str = "upper",
    scheme: str = "https",
) -> str:
    """`HTTPS://HOST/01/GTIN/21/SERIAL`. Raises InvalidHost and InvalidGtin."""
    return prefix(host, gtin14, letter_case, scheme) + serial


def short_link(host: str, serial: str, letter_case: str = "upper", scheme: str = "https") -> str:
    """`HTTPS://HOST/SERIAL`, for codes whose product isn't known yet. Raises InvalidHost."""
    return prefix(host, None, letter_case, scheme) + serial
