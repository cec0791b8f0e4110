"""Workers killed and Redis emptied while points are on their way: none lost, none doubled."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import text

from core.bells import WAIT_SECONDS
from tests.faults.audit import audit
from tests.faults.load import POINTS, Client
from tests.locks import waiting
from tests.running import Shop, Town, open_shop, sign_all_in, wait_until

FIRST, MORE, LATE = 1, 120, 60
# The clock's 2 s, 2 s until a dead worker's locks are free, and a new one's start. Beside other
# tests that takes longer, but by far not until a bell is forgotten.
PROMPT_SECONDS = WAIT_SECONDS / 2 if "YIMA_FAULT_SECONDS" not in os.environ else 6


@contextlib.contextmanager
def accounts_locked(town: Town) -> Iterator[None]:
    """Whoever credits points stands still, in the middle of its transaction."""
    with town.sessions() as session:
        session.execute(text("SELECT 1 FROM account FOR UPDATE"))
        yield
        session.rollback()


@contextlib.contextmanager
def promptly(town: Town) -> Iterator[None]:
    """All that is owed is done soon after the block."""
    yield
    since = time.monotonic()
    wait_until(town.owes_nothing, "for the worker")
    assert time.monotonic() - since < PROMPT_SECONDS


def waits_for_a_job(redis: Redis) -> bool:
    """Whether the worker is blocked in Redis until there is something for it."""
    return any(each["cmd"] == "blmove" and "b" in each["flags"] for each in redis.client_list())


def claim(client: Client, numbers: range) -> None:
    """Somebody claims the items, as one of the brand's visitors for every twenty of them."""
    for number in numbers:
        assert client.claim(number, f"visitor-{number // 20}").state == "granted"


@pytest.fixture
def shop(town: Town) -> Shop:
    """A shop in a town where everything runs."""
    town.start_web()
    town.start("worker")
    town.start("cron")
    return open_shop(town, FIRST + MORE + LATE, points=POINTS)


@pytest.fixture
def client(town: Town, shop: Shop) -> Iterator[Client]:
    """Has claimed for one member, who got its points, and more that waits for its sign-in."""
    with Client(town, shop) as client:
        claim(client, range(FIRST))
        sign_all_in(town, shop)
        assert audit(town, shop, client.told).points_held == FIRST * POINTS
        claim(client, range(FIRST, FIRST + MORE))
        yield client


def test_a_worker_killed_while_it_credits(town: Town, shop: Shop, client: Client) -> None:
    with promptly(town), accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: waiting(town.sessions), "for the worker to be amid its work")
        os.kill(town.worker_pid(), signal.SIGKILL)
        client.claim(FIRST + MORE, "visitor-0")  # who is signed in: its bells ring for nobody
    assert town.count("transfer") == FIRST + MORE + 1
    claim(client, range(FIRST + MORE + 1, FIRST + MORE + LATE))
    sign_all_in(town, shop)
    audit(town, shop, client.told)
    attempts = "SELECT max(attempts) FROM outbox WHERE topic = 'credit'"
    assert town.one(attempts) >= 2


def test_a_worker_killed_between_the_taking_of_a_bells_job_and_its_first_step(
    town: Town, shop: Shop, client: Client
) -> None:
    wait_until(lambda: town.owes_nothing() and waits_for_a_job(town.redis), "for an idle worker")
    town.stop(*town.named("cron"))  # which would ring anew for a job that is not in the queue
    with promptly(town):
        worker = town.worker_pid()
        os.kill(worker, signal.SIGSTOP)
        client.claim(FIRST + MORE, "visitor-0")  # who is signed in: to be traced and credited
        # Of two bells' jobs one waits, the other is the worker's already.
        wait_until(lambda: town.redis.llen("rq:queue:yima") == 1, "for bells")
        assert len(town.redis.keys("bell:*")) == 2
        os.kill(worker, signal.SIGKILL)
        town.start("cron")
    sign_all_in(town, shop)
    audit(town, shop, client.told)


def test_the_whole_pool_killed_and_started_again(town: Town, shop: Shop, client: Client) -> None:
    with accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: waiting(town.sessions), "for the worker to be amid its work")
        town.kill(*town.named("worker"))
    town.start("worker")
    audit(town, shop, client.told)


def test_redis_emptied_while_bells_wait_and_work_is_under_way(
    town: Town, shop: Shop, client: Client
) -> None:
    with promptly(town), accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: waiting(town.sessions), "for the worker to be amid its work")
        claim(client, range(FIRST + MORE, FIRST + MORE + LATE))
        sign_all_in(town, shop)
        town.redis.flushall()
    audit(town, shop, client.told)


def test_an_emptied_redis_is_rung_again_by_the_clock(
    town: Town, shop: Shop, client: Client
) -> None:
    town.stop(*town.named("worker"))
    sign_all_in(town, shop)  # no bell is rung for it
    town.redis.flushall()
    assert town.count("transfer") < FIRST + MORE
    town.start("worker")
    assert audit(town, shop, client.told).points_held == (FIRST + MORE) * POINTS
