"""Workers killed and Redis emptied while points are on their way: none lost, none doubled."""

import contextlib
import os
import signal
from collections.abc import Iterator

from sqlalchemy import text

from tests.running import App, Shop, Town, books, open_shop, sign_all_in, wait_until

POINTS = 5
FIRST, MORE, LATE = 1, 120, 60


def claim(town: Town, shop: Shop, numbers: range) -> None:
    """Somebody claims the items, as one of the brand's visitors for every twenty of them."""
    with App(town.port, shop.key) as app:
        for number in numbers:
            reply = app.claim(shop.path(number), f"visitor-{number // 20}")
            assert reply.claim["state"] == "granted"


@contextlib.contextmanager
def accounts_locked(town: Town) -> Iterator[None]:
    """Whoever credits points stands still, in the middle of its transaction."""
    with town.sessions() as session:
        session.execute(text("SELECT 1 FROM account FOR UPDATE"))
        yield
        session.rollback()


def stands_still(town: Town) -> bool:
    return bool(town.count("pg_locks", "NOT granted"))


def begin(town: Town) -> Shop:
    """A shop with one member, who has points, and claims that wait for its sign-in."""
    shop = open_shop(town, FIRST + MORE + LATE, points=POINTS)
    town.start_web()
    town.start("worker")
    claim(town, shop, range(FIRST))
    sign_all_in(town, shop)
    town.start("cron")
    assert books(town, shop).points_held == FIRST * POINTS
    claim(town, shop, range(FIRST, FIRST + MORE))
    return shop


def audit(town: Town, shop: Shop, claims: int) -> None:
    found = books(town, shop)
    assert found.balanced
    assert found.points_held == claims * POINTS
    for table in ("transfer", "claim", "sighting", "item"):
        assert town.count(table) == claims
    assert town.count("outbox", "parked_at IS NOT NULL") == 0


def test_a_worker_killed_while_it_credits(town: Town) -> None:
    shop = begin(town)
    with accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: stands_still(town), "for the worker to be amid its work")
        os.kill(town.worker_pid(), signal.SIGKILL)
    audit(town, shop, FIRST + MORE)
    claim(town, shop, range(FIRST + MORE, FIRST + MORE + LATE))
    sign_all_in(town, shop)
    audit(town, shop, FIRST + MORE + LATE)
    attempts = "SELECT max(attempts) FROM outbox WHERE topic = 'credit'"
    assert town.one(attempts) >= 2


def test_the_whole_pool_killed_and_started_again(town: Town) -> None:
    shop = begin(town)
    [pool] = [process for process in town.processes if "worker" in process.args]
    with accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: stands_still(town), "for the worker to be amid its work")
        child = town.worker_pid()
        pool.kill()
        os.kill(child, signal.SIGKILL)
        pool.wait()
    town.start("worker")
    audit(town, shop, FIRST + MORE)


def test_redis_emptied_while_bells_wait_and_work_is_under_way(town: Town) -> None:
    shop = begin(town)
    with accounts_locked(town):
        sign_all_in(town, shop)
        wait_until(lambda: stands_still(town), "for the worker to be amid its work")
        claim(town, shop, range(FIRST + MORE, FIRST + MORE + LATE))
        sign_all_in(town, shop)
        town.redis.flushall()
    audit(town, shop, FIRST + MORE + LATE)


def test_an_emptied_redis_is_rung_again_by_the_clock(town: Town) -> None:
    shop = begin(town)
    [worker] = [process for process in town.processes if "worker" in process.args]
    town.stop(worker)
    sign_all_in(town, shop)  # no bell is rung for it
    town.redis.flushall()
    town.start("worker")
    audit(town, shop, FIRST + MORE)
