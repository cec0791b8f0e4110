"""Where a request comes from: the address, believed only as far as proxies are trusted."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb
from flask import Request

from core.regions.tree import RegionTree
from core.settings import Network
from scanapp.intake.visit import Place

# ISO 3166-2:CN to GB/T 2260: MaxMind-format files name provinces by the former.
PROVINCES = {
    "BJ": "110000", "TJ": "120000", "HE": "130000", "SX": "140000", "NM": "150000",
    "LN": "210000", "JL": "220000", "HL": "230000", "SH": "310000", "JS": "320000",
    "ZJ": "330000", "AH": "340000", "FJ": "350000", "JX": "360000", "SD": "370000",
    "HA": "410000", "HB": "420000", "HN": "430000", "GD": "440000", "GX": "450000",
    "HI": "460000", "CQ": "500000", "SC": "510000", "GZ": "520000", "YN": "530000",
    "XZ": "540000", "SN": "610000", "GS": "620000", "QH": "630000", "NX": "640000",
    "XJ": "650000", "TW": "710000", "HK": "810000", "MO": "820000",
}  # fmt: skip


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The client's address: the last one in the chain that no trusted proxy vouches for."""
    address = request.remote_addr or ""
    chain = request.headers.get("X-Forwarded-For") if trusted else None
    if chain is not None:
        for hop in reversed([entry.strip() for entry in chain.split(",") if entry.strip()]):
            if not is_within(address, trusted):
                break
            address = hop
    return address if _parsed(address) is not None else ""


def place_of(address: str, file: Path | None, regions: RegionTree) -> Place | None:
    """The region an address is registered in, by the operator's file; None when unknown."""
    parsed = _parsed(address)
    if file is None or parsed is None:
        return None
    reader = _reader(file)
    if parsed.version > reader.metadata().ip_version:  # the file knows IPv4 alone
        return None
    found: Any = reader.get(parsed)
    code = _region(found) if isinstance(found, dict) else None
    return Place(regions.canonical(code), "proxy") if code in regions and code else None


def _region(found: dict[str, Any]) -> str | None:
    country = (found.get("country") or {}).get("iso_code")
    if country != "CN":
        return country
    subdivisions = found.get("subdivisions") or [{}]
    return PROVINCES.get(subdivisions[0].get("iso_code", ""), "CN")


@lru_cache(maxsize=4)
def _reader(file: Path) -> maxminddb.Reader:
    return maxminddb.open_database(str(file))


@lru_cache(maxsize=10_000)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    # A socket for both families shows IPv4 callers as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2).
    return getattr(parsed, "ipv4_mapped", None) or parsed


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether the text is an address of one of the networks."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)
