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
from scanapp.extensions import ENGINE
from tests.running import App, Shop, Town, open_shop, wait_until

PATIENCE_SECONDS = 60
LOOKING = 5
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
    """Somebody who scanned the first code and is signed in, so that a look at points asks SQL."""
    shopper = Shopper(town.address, "198.51.100.7")
    assert shopper.scan(f"{town.address}{shop.path(0)}").outcome == "first"
    assert shopper.sign_in(shop.brand.code, "13800000001", town.messages)
    return shopper


def wallet(town: Town, shop: Shop, member: Shopper) -> httpx.Response:
    return httpx.get(
        f"{town.address}/m/{shop.brand.code}/",
        cookies=member._client.cookies,
        timeout=PATIENCE_SECONDS,
    )


def test_others_that_hold_all_connections_stop_no_scan(lonely_town: Town) -> None:
    town = lonely_town
    shop = open_shop(town)
    town.start_web()
    member = member_of(town, shop)
    with App(town.port, shop.key) as app, ExitStack() as taken:
        with town.sessions() as session:
            session.execute(LOCK)  # those that look meanwhile hold what connections the web has
            take_all(town, taken)
            with ThreadPoolExecutor(LOOKING) as people:
                looking = [people.submit(wallet, town, shop, member) for _ in range(LOOKING)]
                wait_until(lambda: any(each.done() for each in looking), "for a refusal")
                assert app.scan(shop.path(1), "v").status == 200  # intake keeps its connection
                session.rollback()
                answers = [each.result() for each in looking]
        refusals = [answer for answer in answers if answer.status_code != 200]
        assert {answer.status_code for answer in refusals} == {503}
        assert all(answer.headers["Retry-After"].isdigit() for answer in refusals)
        taken.close()
        answers = [wallet(town, shop, member) for _ in range(LOOKING)]
        assert {answer.status_code for answer in answers} == {200}


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
            wait_until(lambda: app.scan(shop.path(0), "v").status == 200, "for a connection")
    assert town.count("scan") == 1


def test_pages_that_hold_the_whole_pool_stop_no_scan(town: Town) -> None:
    shop = open_shop(town)
    pool = ENGINE["pool_size"] + ENGINE["max_overflow"]
    town.start_web()
    member = member_of(town, shop)
    with (
        App(town.port, shop.key) as app,
        ThreadPoolExecutor(pool + LOOKING) as people,
        town.sessions() as session,
    ):
        session.execute(LOCK)
        looking = [people.submit(wallet, town, shop, member) for _ in range(pool + LOOKING)]
        wait_until(lambda: sum(each.done() for each in looking) == LOOKING, "for the refusals")
        assert app.scan(shop.path(1), "v").status == 200
        session.rollback()
        answers = [each.result() for each in looking]
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * pool + [503] * LOOKING
    assert all(a.headers["Retry-After"].isdigit() for a in answers if a.status_code == 503)
    assert wallet(town, shop, member).status_code == 200
