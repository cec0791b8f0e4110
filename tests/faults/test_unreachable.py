"""PostgreSQL or Valkey can't be reached for a minute, while everybody scans and claims."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from psutil import Process
from sqlalchemy import make_url

from tests.faults.audit import audit
from tests.faults.load import APPS, Load, open_rush
from tests.faults.wire import Cut, Wire
from tests.running import Town, wait_until

SECONDS = float(os.environ.get("YIMA_FAULT_SECONDS", 5))
ANSWERS = 200
ITEMS = 1000 + int(SECONDS * 300)
RECOVERY_SECONDS = 15
# Waiting for a commit takes 8 s at most, an answer from a dead server 10 s, a connection 3 s.
REFUSAL_SECONDS = 14
REDIS_DELAYS_SECONDS = 1.0
# A thread for each request; were every client's to leave another behind, it would be twice as many.
THREADS_MORE = APPS + 6
# The pages' pool keeps ten connections, and opens twenty more while all are in use.
FILES_MORE = 30 + 4
PROBE_SECONDS = 60


@contextmanager
def wire_to(url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to the server, and the URL by which it is reached through it."""
    address = make_url(url)
    wire = Wire((address.host or "127.0.0.1", address.port or 0))
    yield wire, address.set(port=wire.port).render_as_string(hide_password=False)
    wire.close()


def probing(town: Town, path: str, seconds: float) -> list[httpx.Response]:
    """Answers to one who asks for the page again and again for so long."""
    answers = []
    with httpx.Client(base_url=town.address, timeout=PROBE_SECONDS) as browser:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answers.append(browser.get(path))
            threading.Event().wait(0.1)
    return answers


def is_up(town: Town, path: str) -> Callable[[], bool]:
    return lambda: httpx.get(f"{town.address}{path}", timeout=PROBE_SECONDS).status_code == 200


@pytest.mark.parametrize("how", Cut)
def test_without_postgresql_everybody_is_told_and_nothing_is_lost(town: Town, how: Cut) -> None:
    shop = open_rush(town, ITEMS)
    with wire_to(town.database_url) as (wire, database_url):
        web = town.start_web(database_url=database_url)
        [process] = Process(web.pid).children()
        load = Load(town, shop)
        town.start("worker", YIMA_DATABASE_URL=database_url)
        town.start("cron", YIMA_DATABASE_URL=database_url)
        threads = process.num_threads()
        with load:
            load.wait_for(ANSWERS)
            files = process.num_fds()
            before = Counter(load.tries)
            wire.cut(how)
            answers = probing(town, shop.path(0), SECONDS)
            wire.mend()
            begun = time.monotonic()
            wait_until(is_up(town, shop.path(0)), "for the web to recover")
            assert time.monotonic() - begun < RECOVERY_SECONDS
            load.wait_for(ANSWERS)
            assert process.num_threads() <= threads + THREADS_MORE
            assert process.num_fds() <= files + FILES_MORE
        tries = Counter(load.tries) - before
        audit(town, shop, load.told)
    assert {answer.status_code for answer in answers} <= {200, 503}
    refusals = [answer for answer in answers if answer.status_code == 503]
    assert refusals
    for answer in refusals:
        assert answer.headers["Retry-After"].isdigit()
        assert answer.elapsed.total_seconds() < REFUSAL_SECONDS
    assert tries.keys() == {"200", "503"}
    assert web.poll() is None
    assert Process(web.pid).children() == [process], "it took a new process"


@pytest.mark.parametrize("how", Cut)
def test_without_redis_nobody_notices(town: Town, how: Cut) -> None:
    shop = open_rush(town, ITEMS)
    with wire_to(town.redis_url) as (wire, redis_url):
        web = town.start_web(redis_url=redis_url)
        [process] = Process(web.pid).children()
        load = Load(town, shop)
        town.start("worker", YIMA_REDIS_URL=redis_url)
        town.start("cron", YIMA_REDIS_URL=redis_url)
        threads = process.num_threads()
        with load:
            load.wait_for(ANSWERS)
            files = process.num_fds()
            wire.cut(how)
            answers = probing(town, shop.path(0), SECONDS)
            ready = httpx.get(f"{town.address}/readyz", timeout=PROBE_SECONDS)
            wire.mend()
            load.wait_for(ANSWERS)
            assert process.num_threads() <= threads + THREADS_MORE
            assert process.num_fds() <= files + FILES_MORE
        assert load.tries.keys() == {"200"}
        assert (ready.status_code, ready.json()["redis"]) == (200, "degraded")
        assert {answer.status_code for answer in answers} == {200}
        slow = sorted(answer.elapsed.total_seconds() for answer in answers)
        assert slow[len(slow) // 2] < REDIS_DELAYS_SECONDS
        audit(town, shop, load.told)
