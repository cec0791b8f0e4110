"""Connections that are lost during COMMIT: answers stay right, nothing is done twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url

from tests.faults.wire import Break, Wire
from tests.running import App, Town, books, open_shop

APPS, EACH, BREAKS = 4, 15, 5
POINTS = 5


@pytest.fixture
def wire(town: Town) -> Iterator[Wire]:
    url = make_url(town.database_url)
    wire = Wire((url.host or "127.0.0.1", url.port or 5432))
    yield wire
    wire.close()


@pytest.mark.parametrize("how", Break)
def test_a_connection_lost_in_commit_loses_and_doubles_nothing(
    town: Town, wire: Wire, how: Break
) -> None:
    shop = open_shop(town, APPS * EACH, points=POINTS)
    url = make_url(town.database_url).set(port=wire.port)
    town.start_web(database_url=url.render_as_string(hide_password=False))

    def claim_all(number: int) -> list[str]:
        told = []
        with App(town.port, shop.key, f"198.51.100.{number}") as app:
            for index in range(EACH):
                path = shop.path(number * EACH + index)
                reply = app.claim(path, f"visitor-{number}-{index}")
                assert reply.status == 200, reply.body
                assert reply.body["outcome"] == "first"
                assert reply.claim["state"] == "granted"
                assert not reply.claim["repeated"]
                told.append(path)
        return told

    wire.break_commits(how, BREAKS)
    with ThreadPoolExecutor(APPS) as apps:
        told = [path for of_app in apps.map(claim_all, range(APPS)) for path in of_app]
    assert wire.broken == BREAKS
    assert len(set(told)) == APPS * EACH
    for table in ("item", "scan", "claim"):
        assert town.count(table) == APPS * EACH
    assert town.count("item", "scans = 1") == APPS * EACH
    assert town.one("SELECT reserved_points FROM campaign_budget") == APPS * EACH * POINTS
    payloads = "SELECT sum(jsonb_array_length(payload->'scans')) FROM outbox WHERE topic = 'trace'"
    assert town.one(payloads) == APPS * EACH
    town.start("worker")
    town.start("cron")
    assert books(town, shop).balanced
    assert town.count("sighting") == APPS * EACH
