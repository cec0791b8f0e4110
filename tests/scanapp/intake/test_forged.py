import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core import clock
from core.db import make_engine, make_sessions
from scanapp.intake import forged
from scanapp.intake.forged import ForgedTally, source_of
from tests.factories import NOON

SECRET = bytes(32)


def kept(engine: Engine) -> list[tuple[bytes, int]]:
    with engine.connect() as connection:
        query = text("SELECT source, attempts FROM forged_attempts ORDER BY hour, source")
        return [tuple(row) for row in connection.execute(query)]


def test_a_source_is_the_same_all_day_and_another_tomorrow() -> None:
    with clock.fixed(NOON):
        source = source_of("203.0.113.9", SECRET)
        assert source_of("203.0.113.8", SECRET) != source
        assert source_of("203.0.113.9", bytes(31) + b"x") != source
    with clock.fixed(NOON + timedelta(hours=11)):
        assert source_of("203.0.113.9", SECRET) == source
    with clock.fixed(NOON + timedelta(days=1)):
        assert source_of("203.0.113.9", SECRET) != source


def test_attempts_are_summed_by_source_and_hour(engine: Engine) -> None:
    attempts = ForgedTally(make_sessions(engine))
    with clock.fixed(NOON):
        for source in (b"one", b"two", b"one"):
            attempts.add(source)
        attempts.flush()
        attempts.add(b"one")
        attempts.flush()
        attempts.flush()
    assert kept(engine) == [(b"one", 3), (b"two", 1)]
    with clock.fixed(NOON + timedelta(hours=1)):
        attempts.add(b"one")
        attempts.flush()
    assert kept(engine) == [(b"one", 3), (b"two", 1), (b"one", 1)]


def test_two_processes_add_up(engine: Engine) -> None:
    with clock.fixed(NOON):
        for _ in range(2):
            attempts = ForgedTally(make_sessions(engine))
            attempts.add(b"one")
            attempts.flush()
    assert kept(engine) == [(b"one", 2)]


def test_no_attempt_is_lost_while_threads_count_and_flush(engine: Engine) -> None:
    attempts = ForgedTally(make_sessions(engine))

    def count() -> None:
        for _ in range(500):
            attempts.add(b"one")

    with clock.fixed(NOON):
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            attempts.flush()
        attempts.flush()
    assert kept(engine) == [(b"one", 2000)]


def test_memory_is_bounded_and_the_rest_is_counted_together(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forged, "SOURCES_MOST", 3)
    attempts = ForgedTally(make_sessions(engine))
    with clock.fixed(NOON):
        for number in range(10):
            attempts.add(bytes([number]))
        attempts.add(bytes([0]))
        attempts.flush()
    assert kept(engine) == [(b"\x00", 2), (b"\x01", 1), (b"\x02", 1), (b"many", 7)]


def test_what_could_not_be_written_is_kept_for_the_next_time(engine: Engine) -> None:
    nowhere = make_engine("postgresql+psycopg://yima@127.0.0.1:1/yima")
    sessions = make_sessions(nowhere)
    attempts = ForgedTally(sessions)
    with clock.fixed(NOON):
        attempts.add(b"one")
        for _ in range(2):
            with pytest.raises(OperationalError):
                attempts.flush()
        attempts.add(b"one")
        sessions.configure(bind=engine)
        attempts.flush()
    assert kept(engine) == [(b"one", 2)]
