"""Where an address is registered, by the operator's MaxMind-format file.

The format says how records are found, not what is in them: makers name the country by code or by
name, and the province as a list, as an object or as text. What can be read is read.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import maxminddb

from core.regions.names import short_zh
from core.regions.shipped import shipped_places
from core.regions.tree import RegionTree
from core.settings import BadSetting
from scanapp.web.address import parsed
from traceability.visit import Place

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
# How else English lists call what the shipped ones call Inner Mongolia, Xizang and Macao.
OTHER_NAMES = {"nei mongol": "150000", "nei menggu": "150000", "tibet": "540000", "macau": "820000"}
_RANK = re.compile(
    r"[ ,]+(province|municipality|city|sheng|shi|sar|((zhuang|hui|uyg?h?ur|zhuangzu|huizu|uygur)"
    r" )?(autonomous region|zizhiqu)|special administrative region)$"
)
_COUNTRY_KEYS = ("country", "country_code", "countryCode", "country_iso_code", "country_name")
_PROVINCE_KEYS = (
    "subdivisions", "subdivision", "region", "region_code", "region_name", "regionName",
    "province", "province_code", "state", "stateProv", "state1",
)  # fmt: skip
_CODE_KEYS = ("iso_code", "code")
_NAME_KEYS = ("name", "names", "zh-CN", "zh", "en")
TEXTS_MAX = 8  # of one value that are looked at
RECORDS_TRIED = 10_000

log = logging.getLogger(__name__)


def place_of(address: str, file: Path | None, regions: RegionTree) -> Place | None:
    """The region an address is registered in, by the operator's file; None when unknown."""
    number = parsed(address)
    if file is None or number is None:
        return None
    reader = _reader(file)
    if number.version > reader.metadata().ip_version:  # the file knows IPv4 alone
        return None
    try:
        code = region_of(reader.get(number))
    except (maxminddb.InvalidDatabaseError, ValueError):
        _tell_damaged(file)
        return None
    return Place(regions.canonical(code), "proxy") if code in regions and code else None


def region_of(record: Any) -> str | None:
    """The region that a record names: in China a province if it says one, else the country."""
    if not isinstance(record, dict):
        return None
    country = next(_known(_country, record, _COUNTRY_KEYS), None)
    if country != "CN":
        return country
    return next(_known(_province, record, _PROVINCE_KEYS), "CN")


def check_file(file: Path) -> None:
    """Nothing, if the file can tell countries; raises `BadSetting`, which says what it is."""
    try:
        with maxminddb.open_database(str(file)) as reader:
            kind = reader.metadata().database_type
            records = islice(reader, RECORDS_TRIED)
            is_useful = any(region_of(record) is not None for _network, record in records)
    except (maxminddb.InvalidDatabaseError, ValueError, OSError) as error:
        raise BadSetting(
            name="YIMA_GEOIP_FILE",
            problem=f"names {file}, which is no whole MaxMind-format file (.mmdb). Get it anew.",
        ) from error
    if not is_useful:
        raise BadSetting(
            name="YIMA_GEOIP_FILE",
            problem=f"names {file}, a file of the kind “{kind}” that tells no country. "
            "Take one of countries or cities.",
        )


def _known(read: Any, record: dict[str, Any], keys: Iterable[str]) -> Iterator[str]:
    """What `read` makes of the texts under the keys, where it makes anything of them."""
    for key in keys:
        for text in islice(_texts(record.get(key)), TEXTS_MAX):
            found = read(text)
            if found is not None:
                yield found


def _texts(value: Any) -> Iterator[str]:
    """The code and the names that a value holds: itself, or an object's, or the first of a list."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, list):
        yield from _texts(value[0] if value else None)
    elif isinstance(value, dict):
        for key in (*_CODE_KEYS, *_NAME_KEYS):
            yield from _texts(value.get(key))


def _country(text: str) -> str | None:
    """The country of a code, of which we need not know all, or of a name that we know."""
    if len(text) == 2 and text.isascii() and text.isalpha():
        return text.upper()
    return _names()["country"].get(text.casefold())


def _province(text: str) -> str | None:
    code = text.upper().removeprefix("CN-")
    name = text.casefold()
    return (
        PROVINCES.get(code)
        or _names()["province"].get(name)
        or _names()["province"].get(_RANK.sub("", name))
    )


@cache
def _names() -> dict[str, dict[str, str]]:
    """The codes of countries and of provinces by their names, in small letters."""
    found: dict[str, dict[str, str]] = {"country": {}, "province": dict(OTHER_NAMES)}
    for place in shipped_places():
        if place.level in found:
            for name in (place.name_zh, short_zh(place), place.name_en):
                if name:
                    found[place.level].setdefault(name.casefold(), place.code)
    return found


@lru_cache(maxsize=4)
def _reader(file: Path) -> maxminddb.Reader:
    return maxminddb.open_database(str(file))


@cache
def _tell_damaged(file: Path) -> None:
    log.warning("YIMA_GEOIP_FILE %s is damaged: some addresses have no region", file)
