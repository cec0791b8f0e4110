import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from core import clock, outbox
from core.db import make_sessions
from core.outbox import OutboxRow
from tests.demotion import demoted
from worker.drain import PARKED_AFTER, Drained, Handler, drain_topic

TOPIC = "letters"
AT_ONCE = (0.0, 0.0)  # pauses between tries

Sessions = sessionmaker[Session]


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE letter (number bigint)"))
    return make_sessions(engine)


def put(sessions: Sessions, numbers: list[int], topic: str = TOPIC) -> None:
    rows = [
        {"topic": topic, "brand_id": 1, "payload": {"number": n}, "created_at": clock.now()}
        for n in numbers
    ]
    with sessions.begin() as session:
        session.execute(insert(OutboxRow), rows)


def write(session: Session, rows: list[OutboxRow]) -> None:
    """The handler of these tests: one letter for each row."""
    letters = [{"number": row.payload["number"]} for row in rows]
    session.execute(text("INSERT INTO letter VALUES (:number)"), letters)


def but(*poisoned: int, trouble: Callable[[Session], None]) -> Handler:
    """A handler that writes first and gets into trouble if a poisoned row is among its rows."""

    def handle(session: Session, rows: list[OutboxRow]) -> None:
        write(session, rows)
        if any(row.payload["number"] in poisoned for row in rows):
            trouble(session)

    return handle


def refuse(_session: Session) -> None:
    raise ValueError("no such house: 13800138000")


def die(_session: Session) -> None:
    raise SystemExit  # what no handler survives; its transaction is rolled back


def report(sqlstate: str) -> Callable[[Session], None]:
    def trouble(session: Session) -> None:
        session.execute(text(f"DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END$$"))

    return trouble


def letters(sessions: Sessions) -> Counter[int]:
    with sessions() as session:
        return Counter(session.scalars(text("SELECT number FROM letter")))


def once(numbers: list[int]) -> Counter[int]:
    return Counter(numbers)


def test_a_demoted_primarys_session_costs_no_attempt_and_parks_nothing(
    sessions: Sessions, engine: Engine, database_url: str
) -> None:
    put(sessions, [1, 2, 3])
    engine.dispose()
    with demoted(database_url):
        with sessions() as session:
            session.execute(select(OutboxRow))  # the pool's, from now on
        with pytest.raises(DBAPIError):
            drain_topic(sessions, write, TOPIC, pauses=AT_ONCE)
    assert drain_topic(sessions, write, TOPIC, pauses=AT_ONCE) == Drained(done=3, parked=0)
    assert letters(sessions) == once([1, 2, 3])
    with sessions() as session:
        assert set(session.scalars(select(OutboxRow.attempts))) == {1}


def numbers_where(sessions: Sessions, condition: object) -> list[int]:
    with sessions() as session:
        query = select(OutboxRow.payload["number"].as_integer()).where(condition)
        return sorted(session.scalars(query))


def owed(sessions: Sessions) -> list[int]:
    return numbers_where(sessions, OutboxRow.done_at.is_(None) & OutboxRow.parked_at.is_(None))


def parked(sessions: Sessions) -> list[int]:
    return numbers_where(sessions, OutboxRow.parked_at.is_not(None))


def test_all_rows_are_done_once_in_chunks_and_other_topics_are_left_alone(
    sessions: Sessions,
) -> None:
    put(sessions, list(range(25)))
    put(sessions, [99], topic="parcels")
    sizes = []

    def handle(session: Session, rows: list[OutboxRow]) -> None:
        sizes.append(len(rows))
        write(session, rows)

    assert drain_topic(sessions, handle, TOPIC, chunk=10) == Drained(done=25, parked=0)
    assert letters(sessions) == once(list(range(25)))
    assert sizes == [10, 10, 5]
    assert owed(sessions) == [99]


def test_a_topic_that_owes_much_ends_its_turn_and_says_that_more_is_left(
    sessions: Sessions,
) -> None:
    put(sessions, list(range(25)))
    with contextlib.ExitStack() as later:

        def handle(session: Session, rows: list[OutboxRow]) -> None:
            write(session, rows)
            # It takes long, and meanwhile the day's clock is set back.
            later.enter_context(clock.fixed(clock.now() - timedelta(hours=1)))
            time.sleep(0.2)

        drained = drain_topic(sessions, handle, TOPIC, chunk=10, seconds=0.1)
    assert drained == Drained(10, 0, more=True)
    assert owed(sessions) == list(range(10, 25))


def test_one_poisoned_row_among_a_thousand_is_parked_alone(sessions: Sessions) -> None:
    put(sessions, list(range(1000)))
    drained = drain_topic(sessions, but(637, trouble=refuse), TOPIC)
    assert drained == Drained(done=999, parked=1)
    assert parked(sessions) == [637]
    assert owed(sessions) == []
    assert letters(sessions) == once([n for n in range(1000) if n != 637])


def test_a_parked_row_says_what_went_wrong_and_where_but_no_phone(sessions: Sessions) -> None:
    put(sessions, [1])
    drain_topic(sessions, but(1, trouble=refuse), TOPIC)
    with sessions() as session:
        [row] = outbox.parked(session, brand_id=1)
    assert row.error is not None
    assert row.error.startswith("ValueError: no such house: …")
    assert "test_drain.py" in row.error


def test_a_parked_row_is_done_when_it_is_retried_after_the_repair(sessions: Sessions) -> None:
    put(sessions, [1, 2])
    drain_topic(sessions, but(1, trouble=refuse), TOPIC)
    with sessions.begin() as session:
        [row] = outbox.parked(session, brand_id=1)
        assert outbox.retry(session, [row.id], brand_id=1) == 1
    assert drain_topic(sessions, write, TOPIC) == Drained(done=1, parked=0)
    assert letters(sessions) == once([1, 2])


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.integers(1, 30),
    poisoned=st.sets(st.integers(0, 29)),
    chunk=st.integers(1, 40),
)
def test_whatever_is_poisoned_is_parked_and_everything_else_done_once(
    sessions: Sessions, size: int, poisoned: set[int], chunk: int
) -> None:
    done = []

    def handle(session: Session, rows: list[OutboxRow]) -> None:
        numbers = [row.payload["number"] for row in rows]
        if poisoned.intersection(numbers):
            raise ValueError
        done.extend(numbers)

    with sessions.begin() as session:
        session.execute(text("TRUNCATE outbox"))
    put(sessions, list(range(size)))
    drain_topic(sessions, handle, TOPIC, chunk=chunk)
    assert parked(sessions) == sorted(poisoned & set(range(size)))
    assert sorted(done) == sorted(set(range(size)) - poisoned)
    assert owed(sessions) == []


def test_an_attempt_counts_even_if_the_worker_dies_of_it(sessions: Sessions) -> None:
    put(sessions, [1, 2])
    for attempts in (1, 2):
        with pytest.raises(SystemExit):
            drain_topic(sessions, but(1, trouble=die), TOPIC)
        with sessions() as session:
            assert list(session.scalars(select(OutboxRow.attempts))) == [attempts, attempts]
    assert owed(sessions) == [1, 2]
    assert not letters(sessions)


def test_a_row_that_kills_every_worker_is_parked_and_the_others_are_done(
    sessions: Sessions,
) -> None:
    put(sessions, list(range(20)))
    deaths = 0
    for _ in range(PARKED_AFTER + 1):
        try:
            drain_topic(sessions, but(7, trouble=die), TOPIC)
        except SystemExit:
            deaths += 1
    assert deaths == PARKED_AFTER
    assert parked(sessions) == [7]
    assert letters(sessions) == once([n for n in range(20) if n != 7])


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03", "57P01", "53300"])
def test_trouble_of_the_database_that_passes_is_waited_for(
    sessions: Sessions, sqlstate: str
) -> None:
    put(sessions, [1, 2])
    troubles = [report(sqlstate), report(sqlstate)]

    def trouble(session: Session) -> None:
        if troubles:
            troubles.pop()(session)

    handler = but(1, trouble=trouble)
    assert drain_topic(sessions, handler, TOPIC, pauses=AT_ONCE) == Drained(done=2, parked=0)
    assert letters(sessions) == once([1, 2])


def test_trouble_of_the_database_that_stays_is_nobodys_fault(sessions: Sessions) -> None:
    put(sessions, [1, 2])
    with pytest.raises(DBAPIError):
        drain_topic(sessions, but(1, trouble=report("40P01")), TOPIC, pauses=AT_ONCE)
    assert owed(sessions) == [1, 2]
    assert not letters(sessions)


def test_a_connection_lost_in_the_middle_doubles_nothing(sessions: Sessions) -> None:
    put(sessions, [1, 2])
    losses = [1]

    def trouble(session: Session) -> None:
        if losses:
            losses.pop()
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    handler = but(1, trouble=trouble)
    assert drain_topic(sessions, handler, TOPIC, pauses=AT_ONCE) == Drained(done=2, parked=0)
    assert letters(sessions) == once([1, 2])


def test_a_constraint_that_a_row_violates_is_the_rows_fault(sessions: Sessions) -> None:
    put(sessions, [1, 2])
    assert drain_topic(sessions, but(1, trouble=report("23505")), TOPIC) == Drained(1, 1)
    assert parked(sessions) == [1]


def test_a_chunk_that_is_too_slow_is_halved_but_a_slow_row_is_not_parked(
    sessions: Sessions,
) -> None:
    put(sessions, [1, 2, 3, 4])
    with pytest.raises(DBAPIError):
        drain_topic(sessions, but(4, trouble=report("57014")), TOPIC)
    assert owed(sessions) == [4]
    assert letters(sessions) == once([1, 2, 3])


def test_the_end_of_a_jobs_time_blames_no_row(sessions: Sessions) -> None:
    def expire(_session: Session) -> None:
        raise JobTimeoutException

    put(sessions, [1, 2])
    with pytest.raises(JobTimeoutException):
        drain_topic(sessions, but(1, trouble=expire), TOPIC)
    assert owed(sessions) == [1, 2]


def test_a_drain_that_hangs_in_the_database_ends_at_its_jobs_time_and_starts_anew(
    sessions: Sessions,
) -> None:
    put(sessions, [1, 2])
    hang = but(1, trouble=lambda session: session.execute(text("SELECT pg_sleep(60)")))
    with (
        pytest.raises(JobTimeoutException),
        UnixSignalDeathPenalty(1, JobTimeoutException),
    ):
        drain_topic(sessions, hang, TOPIC)
    patience = clock.now() + timedelta(seconds=30)
    # The server first has to notice that the hanging client is gone.
    while owed(sessions) and clock.now() < patience:
        drain_topic(sessions, write, TOPIC)
    assert letters(sessions) == once([1, 2])


def test_two_workers_at_once_share_the_rows(sessions: Sessions) -> None:
    put(sessions, list(range(300)))
    both_at_work = threading.Barrier(2, timeout=20)
    results: list[Drained] = []

    def work() -> None:
        arrived = []

        def handle(session: Session, rows: list[OutboxRow]) -> None:
            write(session, rows)
            if not arrived:
                arrived.append(True)
                both_at_work.wait()  # each holds a chunk while the other takes its own

        results.append(drain_topic(sessions, handle, TOPIC, chunk=50))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.done for result in results) == 300
    assert letters(sessions) == once(list(range(300)))
    assert owed(sessions) == []


def test_a_drain_whose_time_is_over_says_that_there_may_be_more(sessions: Sessions) -> None:
    put(sessions, [1])
    assert drain_topic(sessions, write, TOPIC, seconds=0) == Drained(0, 0, more=True)
    assert owed(sessions) == [1]
