"""Who waits for a lock in one database; the tests' databases share a server."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from core.db import make_sessions

T = TypeVar("T")

# Not by `pg_locks` alone: it lists all databases' locks, and some without their database.
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting(sessions: sessionmaker[Session]) -> int:
    """How many transactions in the sessions' database stand still for another's lock."""
    with sessions() as session:
        return session.execute(_WAITING).scalar_one()


@contextmanager
def waiting_for(
    engine: Engine, holder: Session, work: Callable[[Session], T]
) -> Iterator[Future[T]]:
    """`work`, begun in a transaction of its own, when it waits for a lock that `holder` has."""

    def run() -> T:
        with make_sessions(engine).begin() as session:
            return work(session)

    pid = holder.scalar(text("SELECT pg_backend_pid()"))
    with ThreadPoolExecutor(1) as pool, engine.connect() as watch:
        future = pool.submit(run)
        blocked = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND :pid = ANY(pg_blocking_pids(pid))"
        )
        while not watch.scalar(blocked, {"pid": pid}):
            assert not future.done(), "the work waited for nothing"
        yield future
