"""PostgreSQL or Redis goes away for a while, and comes back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from core import embedded
from lab.demo.shopper import Shopper
from lab.install import install
from tests.faults.audit import audit
from tests.faults.load import Client, Told
from tests.running import App, Town, open_shop, sign_all_in, wait_until

POINTS = 5
APPS, EACH = 4, 30


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Path]:
    """The home of the server that the test stops and starts."""
    home = tmp_path / "servers"
    yield home
    embedded.erase(home)


@pytest.fixture
def frail_database(servers: Path, redis_url: str, tmp_path: Path) -> Iterator[Town]:
    url = embedded.start_postgres(servers, durable=False).url
    assert url is not None
    install(url)
    town = Town(url, redis_url, tmp_path / "town")
    yield town
    town.end()


@pytest.fixture
def frail_redis(servers: Path, database_url: str, tmp_path: Path) -> Iterator[Town]:
    url = embedded.start_valkey(servers, durable=False).url
    assert url is not None
    town = Town(database_url, url, tmp_path / "town")
    yield town
    town.end()


def test_without_its_database_the_web_says_so_and_recovers_by_itself(
    frail_database: Town, servers: Path
) -> None:
    town = frail_database
    shop = open_shop(town, points=POINTS)
    town.start_web()
    shopper = Shopper(town.address, "198.51.100.7")
    page = shopper.scan(f"{town.address}{shop.path(0)}")
    assert page.outcome == "first"
    wallet = f"/m/{shop.brand.code}/"
    embedded.stop_postgres(servers)
    with httpx.Client(base_url=town.address, follow_redirects=False) as browser:
        browser.cookies = shopper._client.cookies
        answers = [
            browser.get(shop.path(0)),
            browser.get(f"/{shop.serials[1]}"),
            browser.get(wallet),
            browser.post("/claim", data={"ticket": page.ticket}),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"].isdigit()
        assert "text/html" in answer.headers["Content-Type"]
    with App(town.port, shop.key) as app:
        for reply in (app.scan(shop.path(1), "v"), app.claim(shop.path(1), "v")):
            assert (reply.status, reply.body["code"]) == (503, "unavailable")
            assert reply.headers["Content-Type"] == "application/problem+json"
            assert reply.headers["Retry-After"].isdigit()
        # Serials are opened without a database, also now.
        assert app.scan(f"/{shop.serials[0][:-1]}U", "v").status == 400
    assert embedded.start_postgres(servers, durable=False).url == town.database_url
    assert shopper.peek(page.address).outcome == "again_mine"
    assert shopper.claim(page) == "waiting"
    assert "5" in shopper.wallet(shop.brand.code)
    shopper.close()
    assert [town.count(table) for table in ("item", "scan", "claim")] == [1, 1, 1]
    assert town.one("SELECT outcome FROM scan") == "first"
    assert town.one("SELECT decision || ' ' || points FROM claim") == f"granted {POINTS}"


def test_a_web_that_starts_before_its_database_waits_for_it(
    frail_database: Town, servers: Path
) -> None:
    town = frail_database
    shop = open_shop(town, points=POINTS)
    embedded.stop_postgres(servers)
    town.start_web()
    with Client(town, shop) as client, httpx.Client(base_url=town.address) as browser:
        with App(town.port, shop.key) as app:
            assert app.claim(shop.path(0), "v").status == 503
        assert browser.get(shop.path(0)).status_code == 503
        assert embedded.start_postgres(servers, durable=False).url == town.database_url
        assert client.claim(0, "v").state == "granted"
        assert client.tries == {"200": 1}
        assert browser.get(shop.path(0)).status_code == 200
    town.start("worker")
    town.start("cron")
    sign_all_in(town, shop)
    audit(town, shop, client.told)


def test_a_database_that_goes_away_in_mid_rush_halves_nothing(
    frail_database: Town, servers: Path
) -> None:
    town = frail_database
    shop = open_shop(town, APPS * EACH, points=POINTS)
    town.start_web(workers=2)
    granted = threading.Semaphore(0)
    clients = [Client(town, shop, number) for number in range(APPS)]

    def claim_all(number: int) -> list[Told]:
        """Claims each item, again and again while the answer is to try again."""
        with clients[number] as client:
            for index in range(EACH):
                told = client.claim(number * EACH + index, f"v-{number}-{index // 20}")
                assert told.state == "granted"
                granted.release()
        assert client.tries.keys() <= {"200", "503"}
        return client.told

    with ThreadPoolExecutor(APPS) as apps:
        claiming = [apps.submit(claim_all, number) for number in range(APPS)]
        for _ in range(10):
            assert granted.acquire(timeout=60)
        embedded.stop_postgres(servers)
        wait_until(lambda: sum(c.tries.get("503", 0) for c in clients) >= APPS, "for refusals")
        assert embedded.start_postgres(servers, durable=False).url == town.database_url
        told = [each for one in claiming for each in one.result()]
    town.start("worker")
    town.start("cron")
    sign_all_in(town, shop)
    assert audit(town, shop, told).points_held == APPS * EACH * POINTS


def test_without_redis_scans_and_claims_go_on_and_credits_follow(
    frail_redis: Town, servers: Path
) -> None:
    town = frail_redis
    shop = open_shop(town, 2 * EACH, points=POINTS)
    town.start_web()
    town.start("worker")
    town.start("cron")

    with Client(town, shop) as client:

        def claim(numbers: range) -> None:
            for number in numbers:
                assert client.claim(number, f"visitor-{number % 4}").state == "granted"

        claim(range(4))
        sign_all_in(town, shop)
        assert audit(town, shop, client.told).points_held == 4 * POINTS
        embedded.stop_valkey(servers)
        claim(range(4, EACH))
        assert town.count("claim") == EACH
        assert town.count("transfer") == 4
        assert embedded.start_valkey(servers, durable=False).url == town.redis_url
        assert audit(town, shop, client.told).points_held == EACH * POINTS
        claim(range(EACH, 2 * EACH))
        assert client.tries == {"200": 2 * EACH}
    assert audit(town, shop, client.told).points_held == 2 * EACH * POINTS
