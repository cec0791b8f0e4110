from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from core import clock, outbox
from core.db import make_engine, make_sessions
from core.outbox import OutboxRow
from identity.models import SignInFailures
from members.models import OneTimeCode
from tests import factories
from tests.owing import owe as put_row
from traceability.models import ForgedAttempts, IntakeBatch
from worker.bells import open_bell
from worker.cron import Cron
from worker.rooms import HANDLERS

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Sessions = sessionmaker[Session]


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return make_sessions(engine)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url, decode_responses=True)


def owe(sessions: Sessions, *topics: str) -> None:
    with sessions.begin() as session:
        for topic in topics:
            put_row(session, topic, 1, {})


def bells(redis: Redis) -> set[str]:
    return set(redis.keys("bell:*"))


def test_topics_that_owe_rows_are_rung_and_no_others(
    sessions: Sessions, redis: Redis, redis_url: str
) -> None:
    owe(sessions, "credit", "credit", "detect", "unknown to this program")
    Cron(sessions, open_bell(redis_url)).tick()
    assert bells(redis) == {"bell:credit", "bell:detect"}


def test_done_and_parked_rows_ring_no_bell(
    sessions: Sessions, redis: Redis, redis_url: str
) -> None:
    owe(sessions, "credit", "credit")
    with sessions.begin() as session:
        done, parked = session.scalars(select(OutboxRow.id))
        outbox.mark_done(session, [done])
        outbox.park(session, parked, "because")
    Cron(sessions, open_bell(redis_url)).tick()
    assert bells(redis) == set()


def test_bells_that_a_flush_took_are_rung_again(
    sessions: Sessions, redis: Redis, redis_url: str
) -> None:
    owe(sessions, "credit")
    cron = Cron(sessions, open_bell(redis_url))
    cron.tick()
    redis.flushall()
    cron.tick()
    assert bells(redis) == {"bell:credit"}


def test_every_topic_that_the_rooms_put_has_a_handler() -> None:
    assert set(HANDLERS) == {"credit", "trace", "detect"}


def test_rows_done_long_ago_and_old_batches_are_purged_and_others_kept(
    sessions: Sessions, redis_url: str
) -> None:
    days = [0.5, 1.5, None]
    with sessions.begin() as session:
        for age in days:
            done_at = NOON - timedelta(days=age) if age else None
            row = {"topic": "other", "brand_id": 1, "payload": {}, "created_at": NOON}
            session.execute(insert(OutboxRow).values(**row, done_at=done_at))
        for age in (HOUR / 2, HOUR * 2):
            session.execute(insert(IntakeBatch).values(id=uuid4(), at=NOON - age))
    with clock.fixed(NOON):
        Cron(sessions, open_bell(redis_url)).tick()
    with sessions() as session:
        assert list(session.scalars(select(OutboxRow.done_at).order_by(OutboxRow.id))) == [
            NOON - timedelta(days=0.5),
            None,
        ]
        assert list(session.scalars(select(IntakeBatch.at))) == [NOON - HOUR / 2]


def test_attempts_codes_and_windows_that_no_rule_looks_at_are_forgotten(
    sessions: Sessions, redis_url: str
) -> None:
    ages = {"old": HOUR * 72, "new": HOUR / 4}
    with sessions.begin() as session:
        brand_id = factories.brand(session).id
        for name, age in ages.items():
            session.add(ForgedAttempts(hour=NOON - age, source=name.encode(), attempts=1))
            session.add(SignInFailures(subject=name, window_started_at=NOON - age, failures=1))
            code = {"subject_digest": name.encode(), "code_digest": b"", "brand_id": brand_id}
            session.add(OneTimeCode(sent_at=NOON - age, expires_at=NOON - age, **code))
    with clock.fixed(NOON):
        Cron(sessions, open_bell(redis_url)).tick()
    with sessions() as session:
        assert session.scalars(select(ForgedAttempts.source)).all() == [b"new"]
        assert session.scalars(select(SignInFailures.subject)).all() == ["new"]
        assert session.scalars(select(OneTimeCode.subject_digest)).all() == [b"new"]


def test_more_old_batches_than_one_transaction_deletes_are_all_purged(
    sessions: Sessions, redis_url: str
) -> None:
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO intake_batch SELECT gen_random_uuid(), '2030-01-01'"
                " FROM generate_series(1, 20001)"
            )
        )
    with clock.fixed(NOON):
        Cron(sessions, open_bell(redis_url)).tick()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(IntakeBatch)) == 0


def test_chores_wait_until_they_are_due(sessions: Sessions, redis_url: str) -> None:
    cron = Cron(sessions, open_bell(redis_url))

    def remaining_after(tick_at: datetime) -> int:
        with sessions.begin() as session:
            session.execute(insert(IntakeBatch).values(id=uuid4(), at=NOON - 2 * HOUR))
        with clock.fixed(tick_at):
            cron.tick()
        with sessions() as session:
            return session.scalar(select(func.count()).select_from(IntakeBatch)) or 0

    assert remaining_after(NOON) == 0
    assert remaining_after(NOON + HOUR / 2) == 1
    assert remaining_after(NOON + HOUR) == 0


def test_partitions_for_the_coming_months_are_made(sessions: Sessions, redis_url: str) -> None:
    with clock.fixed(NOON):
        Cron(sessions, open_bell(redis_url)).tick()
    with sessions() as session:
        assert session.scalar(text("SELECT to_regclass('scan_203008')::text")) == "scan_203008"


def test_a_chore_that_fails_stops_neither_bells_nor_other_chores(
    sessions: Sessions, redis: Redis, redis_url: str
) -> None:
    owe(sessions, "credit")
    with sessions.begin() as session:
        session.execute(insert(IntakeBatch).values(id=uuid4(), at=NOON - 2 * HOUR))
        session.execute(text("ALTER TABLE scan RENAME TO elsewhere"))
    with clock.fixed(NOON):
        Cron(sessions, open_bell(redis_url)).tick()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(IntakeBatch)) == 0
    assert bells(redis) == {"bell:credit"}


def test_without_a_database_or_without_redis_the_clock_goes_on(sessions: Sessions) -> None:
    owe(sessions, "credit")
    nowhere = make_sessions(make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    unheard = open_bell("redis://127.0.0.1:1/0")
    Cron(nowhere, unheard).tick()
    Cron(sessions, unheard).tick()
    with sessions() as session:
        assert outbox.owed(session) == {"credit": 1}
