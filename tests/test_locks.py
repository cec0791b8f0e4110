"""Tests wait for each other's locks only where they mean to."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from core.db import make_engine, make_sessions
from tests.locks import waiting
from tests.running import wait_until

LOCK = text("SELECT pg_advisory_xact_lock(1)")


def test_only_those_of_the_own_database_are_seen_to_wait(
    engine: Engine, lasting_database_url: str
) -> None:
    sessions, elsewhere = make_sessions(engine), make_sessions(make_engine(lasting_database_url))
    with sessions() as holder, sessions() as other, ThreadPoolExecutor(1) as threads:
        holder.execute(LOCK)
        blocked = threads.submit(other.execute, LOCK)
        wait_until(lambda: waiting(sessions) == 1)
        assert waiting(elsewhere) == 0
        holder.rollback()
        blocked.result()
    assert waiting(sessions) == 0
