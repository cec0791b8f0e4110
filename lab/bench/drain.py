"""The second half of `claim`: credits a second, by one worker with a backlog before it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from redis import Redis
from rq import Queue, Worker
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, outbox
from lab.bench import ground, per_job
from lab.bench.result import in_turns
from rewards.answer import ClaimRequest
from rewards.claim import claim
from rewards.queries import every_campaign
from traceability.verdict import ALLOW
from worker.bells import open_bell
from worker.rooms import HANDLERS

ROUNDS = 3
BACKLOG = 100_000
PER_JOB_SECONDS = 6
PATIENCE_SECONDS = 120
LOOK_SECONDS = 0.01


def measure(
    base: ground.Ground,
    stock: ground.Stock,
    members: Sequence[int],
    first_code: int,
    claims_a_row: int,
) -> dict[str, list[float]]:
    """Credits a second of Yima's worker and of `per_job`'s, in turns.

    Yima's backlog is written as its doors write it, `claims_a_row` in each row of the outbox, with
    codes from number `first_code` on, by people who are the `members`; that of `per_job` is what
    its door has left in the queue.
    """
    starts = iter(range(first_code, first_code + ROUNDS * BACKLOG, BACKLOG))

    def ours() -> float:
        start = next(starts)
        _owe(base, stock, members, range(start, start + BACKLOG), claims_a_row)
        return _credits_per_second(base)

    return in_turns({"claim": ours, "per_job": lambda: _jobs_per_second(base)}, ROUNDS)


@contextmanager
def running(base: ground.Ground, *command: str) -> Iterator[None]:
    """`python -m <command>` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=base.environment, stdin=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def until_nothing_is_owed(base: ground.Ground, *topics: str) -> None:
    """The running worker has done all that the topics owed; by default all topics."""
    with base.sessions() as session:
        _wait_until(lambda: not _owing(session, topics or tuple(HANDLERS)))


def claims_a_row(base: ground.Ground) -> int:
    """How many claims a row of the outbox holds that the doors have written so far, on average."""
    query = "SELECT avg(jsonb_array_length(payload->'codes')) FROM outbox WHERE topic = 'credit'"
    with base.sessions() as session:
        return round(session.execute(text(query)).scalar_one())


def _owe(
    base: ground.Ground,
    stock: ground.Stock,
    members: Sequence[int],
    numbers: range,
    claims_a_row: int,
) -> None:
    """A backlog of claims of the codes that are granted, a member's, and not credited yet."""
    with base.sessions() as session:
        campaigns = every_campaign(session, clock.now())
        query = text("SELECT member_id, visitor_id FROM visitor_binding")
        visitors = {row.member_id: row.visitor_id for row in session.execute(query)}
        session.rollback()
        for start in range(0, len(numbers), claims_a_row):
            asked = [
                ClaimRequest(
                    code_id=stock.order.lo + number,
                    brand_id=stock.brand_id,
                    product_id=stock.order.product_id,
                    area_codes=None,
                    visitor_id=visitors[members[number % len(members)]],
                    verdict=ALLOW,
                )
                for number in numbers[start : start + claims_a_row]
            ]
            claim(session, asked, campaigns)
            session.commit()


def _credits_per_second(base: ground.Ground) -> float:
    """From the bell until no credit is owed."""
    with running(base, "cli", "worker"), Redis.from_url(base.settings.redis_url) as redis:
        _wait_until(lambda: Worker.count(connection=redis) == 1)
        before, begin = _count(base, "transfer"), time.perf_counter()
        open_bell(base.settings.redis_url).ring("credit")
        until_nothing_is_owed(base, "credit")
        seconds = time.perf_counter() - begin
        return (_count(base, "transfer") - before) / seconds


def _jobs_per_second(base: ground.Ground) -> float:
    """From the first credit on, for some seconds; RQ's simple worker, which forks for no job."""
    url = base.settings.redis_url
    command = ("rq.cli", "worker", "-w", "rq.SimpleWorker", "-q", "--url", url, per_job.QUEUE)
    start = _count(base, "per_job_transfer")
    with running(base, *command), Redis.from_url(url) as redis:
        queue = Queue(per_job.QUEUE, connection=redis)
        _wait_until(lambda: _count(base, "per_job_transfer") > start)
        before, begin = _count(base, "per_job_transfer"), time.perf_counter()
        while time.perf_counter() - begin < PER_JOB_SECONDS and queue.count:
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - begin
        return (_count(base, "per_job_transfer") - before) / seconds


def _count(base: ground.Ground, table: str) -> int:
    with base.sessions() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _owing(session: Session, topics: Sequence[str]) -> bool:
    owing = outbox.owing(session, topics)
    session.rollback()
    return bool(owing)


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.perf_counter() + PATIENCE_SECONDS
    while not condition():
        if time.perf_counter() > until:
            raise RuntimeError("waited in vain for the worker")
        time.sleep(LOOK_SECONDS)
