"""Workers and clocks as processes of their own, and what may happen to them and their servers."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from rq import Worker
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session, sessionmaker

from core import clock, embedded, outbox
from core.bells import Bell
from core.db import make_sessions
from core.outbox import OutboxRow
from core.settings import own_secrets
from tests.locks import waiting
from tests.running import wait_until
from worker.bells import open_bell

PROGRAM = Path(__file__).with_name("process.py")
TOPIC = "letters"
GATE = 4711
PATIENCE_SECONDS = 40


@dataclass
class Town:
    """A database, a Redis and the processes that a test starts on them."""

    sessions: sessionmaker[Session]
    redis_url: str
    environ: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def redis(self) -> Redis:
        return Redis.from_url(self.redis_url)

    @property
    def bell(self) -> Bell:
        return open_bell(self.redis_url)

    def start(self, role: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, PROGRAM, role], env=self.environ)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def put(self, *numbers: int, **more: object) -> None:
        row = {"topic": TOPIC, "brand_id": 1, "created_at": clock.now()}
        rows = [{**row, "payload": {"number": number, **more}} for number in numbers]
        with self.sessions.begin() as session:
            session.execute(insert(OutboxRow), rows)

    def letters(self) -> Counter[int]:
        with self.sessions() as session:
            return Counter(session.scalars(text("SELECT number FROM letter")))

    def owes_nothing(self) -> bool:
        with self.sessions() as session:
            return not outbox.owed(session)

    def is_at_the_gate(self) -> bool:
        return waiting(self.sessions) == 1

    @contextlib.contextmanager
    def closed_gate(self) -> Iterator[None]:
        with self.sessions() as session:
            session.execute(text(f"SELECT pg_advisory_xact_lock({GATE})"))
            yield
            session.rollback()

    def worker_pid(self) -> int:
        [worker] = Worker.all(connection=self.redis)
        assert worker.pid is not None
        return worker.pid


def found(engine: Engine, redis_url: str, home: Path) -> Town:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE letter (number bigint)"))
    environ = {
        **os.environ,
        **own_secrets(home),
        "YIMA_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "YIMA_REDIS_URL": redis_url,
    }
    return Town(make_sessions(engine), redis_url, environ)


@pytest.fixture
def town(engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Town]:
    town = found(engine, redis_url, tmp_path)
    yield town
    town.end()


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_ring_during_a_drain_is_heard(town: Town) -> None:
    town.start("worker")
    with town.closed_gate():
        town.put(1, gated=True)
        assert town.bell.ring(TOPIC)
        wait_until(town.is_at_the_gate)
        town.put(2)
        assert town.bell.ring(TOPIC)
        assert not town.bell.ring(TOPIC)
    wait_until(town.owes_nothing)
    assert town.letters() == Counter([1, 2])
    # The second bell is answered too, although its row may have been done by then.
    wait_until(lambda: not town.redis.exists(f"bell:{TOPIC}"))
    assert town.bell.ring(TOPIC)


def test_a_topic_that_a_drain_feeds_is_rung(town: Town) -> None:
    town.start("worker")
    town.put(1, reply=2)
    town.bell.ring(TOPIC)
    wait_until(lambda: town.letters() == Counter([1, 2]))
    wait_until(town.owes_nothing)
    assert town.letters() == Counter([1, 2]), "the answer was given again"


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(town: Town) -> None:
    town.start("worker")
    with town.closed_gate():
        town.put(*range(300), gated=True)
        town.bell.ring(TOPIC)
        wait_until(town.is_at_the_gate)
        os.kill(town.worker_pid(), signal.SIGKILL)
    town.start("cron")
    wait_until(town.owes_nothing)
    assert town.letters() == Counter(range(300))
    with town.sessions() as session:
        # Those that were under way when it died; the chunks after them were not begun.
        assert session.scalar(text("SELECT max(attempts) FROM outbox")) == 2


def test_a_row_that_kills_its_worker_does_not_end_the_work(town: Town) -> None:
    town.put(1, 2)
    town.put(3, deadly=True)
    town.start("worker")
    town.start("cron")
    wait_until(town.owes_nothing)
    assert town.letters() == Counter([1, 2, 3])


def test_flushing_redis_in_the_middle_loses_and_doubles_nothing(town: Town) -> None:
    town.start("worker")
    town.start("cron")
    with town.closed_gate():
        town.put(*range(300), gated=True)
        wait_until(town.is_at_the_gate)
        town.put(*range(300, 1200))
        town.bell.ring(TOPIC)
        town.redis.flushall()
    wait_until(town.owes_nothing)
    town.put(1200)
    wait_until(town.owes_nothing)
    assert town.letters() == Counter(range(1201))


def test_redis_may_go_away_and_come_back(engine: Engine, tmp_path: Path) -> None:
    home = tmp_path / "redis"
    url = embedded.start_valkey(home, durable=False).url
    assert url is not None
    town = found(engine, url, tmp_path)
    try:
        worker, cron = town.start("worker"), town.start("cron")
        with town.closed_gate():
            town.put(1, gated=True)
            wait_until(town.is_at_the_gate)
            embedded.stop_valkey(home)
        wait_until(town.owes_nothing)  # what was begun ends without Redis
        town.put(2)
        assert not town.bell.ring(TOPIC)
        assert embedded.start_valkey(home, durable=False).url == url
        wait_until(town.owes_nothing)
        assert town.letters() == Counter([1, 2])
        assert [worker.poll(), cron.poll()] == [None, None]
    finally:
        town.end()
        embedded.erase(home)


def test_the_database_may_go_away_and_come_back(town: Town, database_url: str) -> None:
    worker, cron = town.start("worker"), town.start("cron")
    town.put(1)
    wait_until(town.owes_nothing)
    name = database_url.rsplit("/", 1)[1]
    elsewhere = town.sessions.kw["bind"].url.set(database="postgres")
    admin_url = elsewhere.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        sessions_of = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        admin.execute(sessions_of, [name])
        town.bell.ring(TOPIC)
        wait_until(lambda: not town.redis.exists(f"bell:{TOPIC}"))
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    town.put(2)
    wait_until(town.owes_nothing)
    assert town.letters() == Counter([1, 2])
    assert [worker.poll(), cron.poll()] == [None, None]


def test_a_worker_does_not_outlive_its_killed_pool(town: Town) -> None:
    pool = town.start("worker")
    wait_until(lambda: Worker.count(connection=town.redis) == 1)
    pid = town.worker_pid()
    pool.kill()
    wait_until(lambda: not runs(pid))
    assert not runs(pid)


@pytest.mark.parametrize("role", ["worker", "cron"])
def test_a_polite_end_is_quick_and_clean(town: Town, role: str) -> None:
    town.put(1)
    town.start("worker")
    town.start("cron")
    wait_until(town.owes_nothing)
    [process] = [p for p in town.processes if role in p.args]
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
