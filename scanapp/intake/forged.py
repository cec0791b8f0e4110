"""Forged attempts, counted per source in memory and flushed now and then: no row per attempt."""

import hashlib
import hmac
import ipaddress
import threading
from datetime import date
from functools import lru_cache

from sqlalchemy.orm import Session, sessionmaker

from core import clock
from scanapp import measures
from traceability import forged

SOURCES_MOST = 10_000
_MANY = b"many"  # the bucket of every source beyond the bound


def source_of(address: str, secret: bytes) -> bytes:
    """Who asks, as a keyed digest that changes every day: it can't be turned back, or followed.

    Of an IPv6 address the first 64 bits: whoever is given one address is given the whole /64
    (RFC 6177), and may take a new one of it for every request. A mapped IPv4 address is the plain
    one.
    """
    key = _key_of_day(secret, clock.now().date())
    return hashlib.blake2b(_subscriber(address).encode(), key=key, digest_size=8).digest()


@lru_cache(maxsize=10_000)
def _subscriber(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # an app's user
        return address
    if isinstance(found, ipaddress.IPv6Address):
        plain = found.ipv4_mapped
        return str(plain) if plain else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


@lru_cache(maxsize=4)
def _key_of_day(secret: bytes, day: date) -> bytes:
    return hmac.digest(secret, f"source {day.isoformat()}".encode(), hashlib.sha256)


class ForgedTally:
    """Counts attempts by source; `flush` adds them to the database's hourly counts."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._counts: dict[bytes, int] = {}

    def add(self, source: bytes) -> None:
        """One more attempt of the source; no query."""
        measures.FORGED.inc()
        with self._lock:
            if source not in self._counts and len(self._counts) >= SOURCES_MOST:
                source = _MANY
            self._counts[source] = self._counts.get(source, 0) + 1

    def flush(self) -> None:
        """Writes what was counted since the last flush; keeps it when the database is away."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            with self._sessions.begin() as session:
                forged.add(session, counts)
        except Exception:
            with self._lock:
                for source, count in counts.items():
                    self._counts[source] = self._counts.get(source, 0) + count
            raise
