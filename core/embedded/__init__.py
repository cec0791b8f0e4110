"""Real PostgreSQL and Valkey from wheels, for machines on which nothing but Python is installed.

Servers belong to a *home* (a folder) and outlive the process that started them: the next start
finds and reuses them, `stop` ends them. They listen on 127.0.0.1 only, each with a password of
its own, on a port that stays the same over restarts as long as it is free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from core.embedded import place as places
from core.embedded import postgres, valkey
from core.embedded.errors import EmbeddedError
from core.embedded.place import Place

__all__ = [
    "Addresses",
    "EmbeddedError",
    "Server",
    "erase",
    "start",
    "start_postgres",
    "start_valkey",
    "status",
    "stop",
    "stop_postgres",
    "stop_valkey",
]


@dataclass(frozen=True)
class Addresses:
    """Where the servers are; `started` tells whether this call had to start one."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    started: bool


@dataclass(frozen=True)
class Server:
    """One server: `pid` is None if it doesn't run, `url` and `port` if it never did.

    The URL is SQLAlchemy's of the database `yima`, or Redis' of database 0.
    """

    name: str
    pid: int | None
    port: int | None
    url: str | None = field(repr=False)
    data: Path
    log: Path
    started: bool = False  # by the call that returned this


def start(home: Path, *, durable: bool = True) -> Addresses:
    """Both servers' addresses; what runs is reused, what doesn't is started (1 s the first time).

    `durable=False` is for throw-away servers: nothing is forced to disk. It counts for servers
    that this call starts. Raises EmbeddedError, which says what to do.
    """
    database, redis = _start((postgres, valkey), home, durable=durable)
    assert database.url is not None
    assert redis.url is not None
    return Addresses(database.url, redis.url, started=database.started or redis.started)


def stop(home: Path) -> bool:
    """Whether one of the home's servers ran; now none does. No other process is ever touched."""
    stopped = [stop_valkey(home), stop_postgres(home)]
    return any(stopped)


def status(home: Path) -> list[Server]:
    """PostgreSQL and Valkey as they are now; empty if this home never had them. Changes nothing."""
    place = places.find(home)
    return [] if place is None else [_server(kind, place) for kind in (postgres, valkey)]


def erase(home: Path) -> None:
    """Stops the home's servers and deletes their data, wherever they are, for ever."""
    stop(home)
    with places.locked(home):
        place = places.find(home)
        if place is not None:
            places.erase(place)


def start_postgres(home: Path, *, durable: bool = True) -> Server:
    """The home's PostgreSQL, running, with the role and database `yima`; see `start`."""
    return _start((postgres,), home, durable=durable)[0]


def start_valkey(home: Path, *, durable: bool = True) -> Server:
    """The home's Valkey, running; see `start`. Not durable, it keeps nothing over a restart."""
    return _start((valkey,), home, durable=durable)[0]


def stop_postgres(home: Path) -> bool:
    """Whether the home's PostgreSQL ran; sessions are ended, data written, then it is gone."""
    return _stop(postgres, home)


def stop_valkey(home: Path) -> bool:
    """Whether the home's Valkey ran; now it doesn't."""
    return _stop(valkey, home)


def _start(kinds: Sequence[ModuleType], home: Path, *, durable: bool) -> list[Server]:
    """The servers, running: of two starters at once the first starts all, the second none."""
    with places.locked(home):
        try:
            place = places.settle(home, durable=durable)
            return [
                _server(kind, place, started=kind.start(place, durable=durable)) for kind in kinds
            ]
        except OSError as error:
            reason = f"The embedded servers of {home} can't be started: {error}."
            raise EmbeddedError(reason=reason) from error


def _stop(kind: ModuleType, home: Path) -> bool:
    if places.find(home) is None:
        return False
    with places.locked(home):
        place = places.find(home)
        return place is not None and bool(kind.stop(place))


def _server(kind: ModuleType, place: Place, *, started: bool = False) -> Server:
    record = place.record(kind.NAME)
    return Server(
        name=kind.NAME,
        pid=kind.running(place),
        port=record.port if record else None,
        url=kind.url(record) if record else None,
        data=place.folder(kind.NAME),
        log=place.log(kind.NAME),
        started=started,
    )
