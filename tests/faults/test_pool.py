"""No PostgreSQL connection is to be had: others have them all, or requests of one kind do."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url, text

from core import embedded
from lab.demo.shopper import Shopper
from lab.install import install
from scanapp.web.extensions import ENGINE
from tests.faults.audit import audit
from tests.faults.load import Client
from tests.running import App, Shop, Town, open_shop, sign_all_in, wait_until

PATIENCE_SECONDS = 60
LOOKING = 5
SCANS = 100
# Looking at points needs this table, scanning does not.
LOCK = text("LOCK TABLE transfer IN ACCESS EXCLUSIVE MODE")


@pytest.fixture
def lonely_town(redis_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town on a PostgreSQL whose connections nobody else needs."""
    servers = tmp_path / "servers"
    url = embedded.start_postgres(servers, durable=False).url
    assert url is not None
    install(url)
    town = Town(url, redis_url, tmp_path / "town")
    yield town
    town.end()
    embedded.erase(servers)


def take_all(town: Town, taken: ExitStack) -> None:
    """Holds all connections that PostgreSQL has left."""
    url = make_url(town.database_url).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            taken.enter_context(psycopg.connect(address))


def member_of(town: Town, shop: Shop) -> Shopper:
    """Somebody who is signed in, so that a look at points asks SQL."""
    shopper = Shopper(town.address, "198.51.100.7")
    assert shopper.sign_in(shop.brand.code, "13800000001", town.messages)
    return shopper


def wallet(town: Town, shop: Shop, member: Shopper) -> httpx.Response:
    return httpx.get(
        f"{town.address}/m/{shop.brand.code}/",
        cookies=member._client.cookies,
        timeout=PATIENCE_SECONDS,
    )


def audit_all(town: Town, shop: Shop, client: Client) -> None:
    """What the client was told is so, once everybody who scanned is signed in."""
    town.start("worker")
    town.start("cron")
    sign_all_in(town, shop)
    audit(town, shop, client.told)


def test_others_that_hold_all_connections_stop_no_scan(lonely_town: Town) -> None:
    town = lonely_town
    shop = open_shop(town, SCANS)
    town.start_web()
    member = member_of(town, shop)
    with Client(town, shop) as client, ExitStack() as taken:
        client.claim(0, "v")
        with town.sessions() as session:
            session.execute(LOCK)  # those that look meanwhile hold what connections the web has
            take_all(town, taken)
            with ThreadPoolExecutor(LOOKING) as people:
                looking = [people.submit(wallet, town, shop, member) for _ in range(LOOKING)]
                wait_until(lambda: any(each.done() for each in looking), "for a refusal")
                for number in range(1, SCANS):
                    client.scan(number, "v")  # intake keeps its connections
                session.rollback()
                answers = [each.result() for each in looking]
        refusals = [answer for answer in answers if answer.status_code != 200]
        assert {answer.status_code for answer in refusals} == {503}
        assert all(answer.headers["Retry-After"].isdigit() for answer in refusals)
        taken.close()
        answers = [wallet(town, shop, member) for _ in range(LOOKING)]
        assert {answer.status_code for answer in answers} == {200}
    assert client.tries == {"200": SCANS}
    audit_all(town, shop, client)


def test_a_web_that_finds_no_connection_says_so_until_there_is_one(lonely_town: Town) -> None:
    town = lonely_town
    shop = open_shop(town)
    with ExitStack() as taken:
        take_all(town, taken)
        town.start_web()
        with App(town.port, shop.key) as app:
            for number in range(5):
                for reply in (app.scan(shop.path(number), "v"), app.claim(shop.path(number), "v")):
                    assert (reply.status, reply.body["code"]) == (503, "unavailable")
                    assert reply.headers["Retry-After"].isdigit()
        taken.close()
        with Client(town, shop) as client:
            client.claim(0, "v")  # as soon as there is a connection
    audit_all(town, shop, client)


def test_pages_that_hold_the_whole_pool_stop_no_scan(town: Town) -> None:
    shop = open_shop(town)
    pool = ENGINE["pool_size"] + ENGINE["max_overflow"]
    town.start_web()
    member = member_of(town, shop)
    with (
        Client(town, shop) as client,
        ThreadPoolExecutor(pool + LOOKING) as people,
        town.sessions() as session,
    ):
        client.claim(0, "v")
        session.execute(LOCK)
        looking = [people.submit(wallet, town, shop, member) for _ in range(pool + LOOKING)]
        wait_until(lambda: sum(each.done() for each in looking) >= LOOKING, "for the refusals")
        client.scan(1, "v")
        session.rollback()
        answers = [each.result() for each in looking]
    refusals = [answer for answer in answers if answer.status_code == 503]
    assert LOOKING <= len(refusals) < len(answers)
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers["Retry-After"].isdigit() for answer in refusals)
    assert wallet(town, shop, member).status_code == 200
    assert client.tries == {"200": 2}
    audit_all(town, shop, client)
