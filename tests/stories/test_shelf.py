"""A page that is only looked at, and a person who scans; forged codes by the thousand."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.pool import Pool

from codegen import crockford
from core import clock
from lab.demo.shopper import Shopper
from tests.running import App, Shop, Town, open_shop, wait_until
from tests.scanapp.opened import opened

pytestmark = pytest.mark.story

NOON = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
CHECKERS = (
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0",
    "curl/8.7.1",
    "",
)


def test_a_page_fetched_a_hundred_times_is_still_unscanned(town: Town) -> None:
    shop = open_shop(town)
    town.start_web()
    address = f"{town.address}{shop.path(0)}"
    with httpx.Client() as checker:
        for number in range(100):
            agent = {"User-Agent": CHECKERS[number % len(CHECKERS)]}
            answer = checker.request("HEAD" if number % 5 == 4 else "GET", address, headers=agent)
            assert answer.status_code == 200
    for table in ("item", "scan", "visitor_track", "outbox"):
        assert town.count(table) == 0
    person, other = Shopper(town.address, "198.51.100.7"), Shopper(town.address, "203.0.113.8")
    assert person.scan(address).outcome == "first"
    assert other.peek(address).outcome == "again_near"
    assert person.scan(address).outcome == "again_mine"
    assert town.count("scan") == 1
    assert town.count("scan", "outcome = 'first'") == 1
    assert town.count("item", "scans = 1") == 1
    for shopper in (person, other):
        shopper.close()


FORGERIES = 10_000
SOURCES = 8


@pytest.fixture
def app(town: Town) -> Iterator[Flask]:
    with opened(town.settings, doors=("consumer", "api")) as app:
        yield app


def forgeries(shop: Shop, count: int) -> list[str]:
    """Serials under the brand's own key, and the brand's own with one character changed."""
    luck = random.Random(20261122)
    made_up = [shop.serials[0][:4] + crockford.encode(luck.getrandbits(100))[4:] for _ in range(50)]
    for serial in (luck.choice(shop.serials) for _ in range(count - len(made_up))):
        position = luck.randrange(4, 20)
        others = crockford.ALPHABET.replace(serial[position], "")
        made_up.append(serial[:position] + luck.choice(others) + serial[position + 1 :])
    return made_up


@contextmanager
def connecting() -> Iterator[set[str]]:
    """The names of the threads that take a connection from any pool during the block."""
    names: set[str] = set()

    def note(*_: object) -> None:
        names.add(threading.current_thread().name)

    event.listen(Pool, "checkout", note)
    yield names
    event.remove(Pool, "checkout", note)


def test_ten_thousand_forged_serials_are_refused_without_a_query_and_counted(
    town: Town, app: Flask
) -> None:
    shop = open_shop(town)
    app.test_client().get(shop.path(0))  # from now on the process knows keys and catalogue
    client = app.test_client()
    key = {"Authorization": f"Bearer {shop.key}"}
    with clock.fixed(NOON):
        with connecting() as names:
            for number, serial in enumerate(forgeries(shop, FORGERIES)):
                source = {"X-Forwarded-For": f"203.0.113.{number % SOURCES}"}
                if number % 10 == 0:
                    answer = client.get(f"/{serial}", headers=source)
                else:
                    user = {"visitor": f"v{number % SOURCES}"}
                    answer = client.post(f"/{serial}", json=user, headers=key)
                assert answer.status_code == 404
        assert names == {"caretaker"}  # who counts once a second, whatever comes in
        app.extensions["process"].forged.flush()
    for table in ("item", "scan", "visitor_track", "outbox", "claim_refusal"):
        assert town.count(table) == 0
    hour = NOON.replace(minute=0)
    addresses = len({number % SOURCES for number in range(0, FORGERIES, 10)})
    assert town.count("forged_attempts", "hour = :hour", hour=hour) == SOURCES + addresses
    assert town.one("SELECT sum(attempts) FROM forged_attempts") == FORGERIES


def test_only_the_user_of_an_app_who_tried_forgeries_has_claims_held(town: Town) -> None:
    shop = open_shop(town)
    town.start_web()
    with (
        App(town.port, shop.key, "203.0.113.9") as forger,
        App(town.port, shop.key, "203.0.113.9") as honest,
    ):
        for serial in forgeries(shop, 60):
            assert forger.scan(f"/{serial}", "v").status == 404
        attempts = "SELECT coalesce(sum(attempts), 0) FROM forged_attempts"
        wait_until(lambda: town.one(attempts) == 60)
        held, granted = forger.claim(shop.path(0), "v"), honest.claim(shop.path(1), "w")
    assert [held.claim["state"], granted.claim["state"]] == ["held", "granted"]
    assert town.count("claim", "decision = 'held'") == 1
