"""Where a request comes from: the address, believed only as far as proxies are trusted."""

import ipaddress
import logging
import re
from collections.abc import Sequence
from functools import lru_cache

from flask import Request

from core.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HOPS_MAX = 32  # of a chain's end; no honest one is as long
ADDRESS_CHARACTERS_MAX = 80
# As proxies write a hop: `"[2001:db8::1]:443"` as in RFC 7239, `203.0.113.9:52144` (Azure).
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::[0-9]+)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+")

log = logging.getLogger(__name__)


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The client's address: the last one in the chain that no trusted proxy vouches for.

    Empty if it is none that can be read.
    """
    address = _tidy(request.remote_addr or "")
    if trusted:
        for hop in reversed(forwarded(request)):
            if not is_within(address, trusted):
                break
            if not hop:
                _tell_unreadable(address)
            address = hop
    return address


def forwarded(request: Request) -> list[str]:
    """The addresses in `X-Forwarded-For`, the nearest last; empty where there is none to read.

    Of a chain of more than 32 the first is empty, whatever stood before.
    """
    chain = request.headers.get("X-Forwarded-For", "")
    return [_tidy(entry) for entry in chain.rsplit(",", HOPS_MAX) if entry.strip()]


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether the text is an address of one of the networks."""
    found = parsed(address)
    return found is not None and any(found in network for network in networks)


@lru_cache(maxsize=10_000)
def parsed(address: str) -> Address | None:
    """The address that the text is; None if it is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    # A socket for both families shows IPv4 callers as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2).
    return getattr(found, "ipv4_mapped", None) or found


def _tidy(entry: str) -> str:
    """The hop's address without port, quotes and brackets; empty if it holds none."""
    text = entry.strip()
    if len(text) > ADDRESS_CHARACTERS_MAX:
        return ""
    text = re.sub("^for=", "", text, flags=re.IGNORECASE).strip('"')
    decorated = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    found = parsed(decorated[1] if decorated else text)
    return "" if found is None else str(found)


@lru_cache(maxsize=1_000)
def _tell_unreadable(proxy: str) -> None:
    """Once a process and proxy: else the log would say it with every request."""
    log.warning(
        "X-Forwarded-For of the proxy %s holds something else than an address: clients behind it "
        "can't be told apart, and limits hold them back together",
        proxy,
    )
