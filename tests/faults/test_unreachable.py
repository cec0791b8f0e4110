"""PostgreSQL or Valkey can't be reached for a minute, while everybody scans and claims."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import make_url

from lab import processes
from tests.faults.audit import audit
from tests.faults.load import APPS, Load, open_rush
from tests.faults.wire import Cut, Wire
from tests.running import Town, wait_until

SECONDS = float(os.environ.get("YIMA_FAULT_SECONDS", 5))
ITEMS = 1000 + int(SECONDS * 300)
RECOVERY_SECONDS = 15
# Waiting for a commit takes 8 s at most, an answer from a dead server 10 s, a connection 3 s.
REFUSAL_SECONDS = 14
REDIS_DELAYS_SECONDS = 1.0
# The clients' requests, which wait together while nobody answers; the server lets go of idle ones.
THREADS_MORE = APPS + 4
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
        [process] = processes.children(web.pid)
        load = Load(town, shop)
        town.start("worker")
        town.start("cron")
        with load:
            wait_until(lambda: len(load.told) > 200, "for the load to begin")
            threads, files = processes.threads(process), processes.open_files(process)
            before = Counter(load.tries)
            wire.cut(how)
            answers = probing(town, shop.path(0), SECONDS)
            wire.mend()
            begun = time.monotonic()
            wait_until(is_up(town, shop.path(0)), "for the web to recover")
            assert time.monotonic() - begun < RECOVERY_SECONDS
            settled = len(load.told)
            wait_until(lambda: len(load.told) > settled + 200, "for the load to go on")
            assert processes.threads(process) <= threads + THREADS_MORE
            assert processes.open_files(process) <= files + FILES_MORE
        tries = Counter(load.tries) - before
    assert {answer.status_code for answer in answers} <= {200, 503}
    refusals = [answer for answer in answers if answer.status_code == 503]
    assert refusals
    for answer in refusals:
        assert answer.headers["Retry-After"].isdigit()
        assert answer.elapsed.total_seconds() < REFUSAL_SECONDS
    assert tries.keys() == {"200", "503"}
    assert web.poll() is None
    assert processes.children(web.pid) == [process], "it took a new process"
    audit(town, shop, load.told)


@pytest.mark.parametrize("how", Cut)
def test_without_redis_nobody_notices(town: Town, how: Cut) -> None:
    shop = open_rush(town, ITEMS)
    with wire_to(town.redis_url) as (wire, redis_url):
        web = town.start_web(redis_url=redis_url)
        [process] = processes.children(web.pid)
        load = Load(town, shop)
        town.start("worker", YIMA_REDIS_URL=redis_url)
        town.start("cron", YIMA_REDIS_URL=redis_url)
        with load:
            wait_until(lambda: len(load.told) > 200, "for the load to begin")
            threads, files = processes.threads(process), processes.open_files(process)
            wire.cut(how)
            answers = probing(town, shop.path(0), SECONDS)
            ready = httpx.get(f"{town.address}/readyz", timeout=PROBE_SECONDS)
            wire.mend()
            settled = len(load.told)
            wait_until(lambda: len(load.told) > settled + 200, "for the load to go on")
            assert processes.threads(process) <= threads + THREADS_MORE
            assert processes.open_files(process) <= files + FILES_MORE
        assert load.tries.keys() == {"200"}
        assert (ready.status_code, ready.json()["redis"]) == (200, "degraded")
        assert {answer.status_code for answer in answers} == {200}
        slow = sorted(answer.elapsed.total_seconds() for answer in answers)
        assert slow[len(slow) // 2] < REDIS_DELAYS_SECONDS
        audit(town, shop, load.told)
