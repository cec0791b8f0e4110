"""Connections that are lost during COMMIT: answers stay right, nothing is done twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url, text

from tests.faults.audit import audit
from tests.faults.load import POINTS, Client, Told
from tests.faults.wire import Break, Wire
from tests.locks import waiting
from tests.running import Town, open_shop, sign_all_in, wait_until

APPS, EACH, BREAKS = 4, 15, 5
# Crediting points needs this table, nothing else does.
LOCK = text("LOCK TABLE transfer IN EXCLUSIVE MODE")


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
    database_url = url.render_as_string(hide_password=False)
    town.start_web(database_url=database_url)

    def claim_all(number: int) -> list[Told]:
        with Client(town, shop, number) as client:
            for index in range(EACH):
                told = client.claim(number * EACH + index, f"visitor-{number}-{index}")
                assert (told.outcome, told.state) == ("first", "granted")
                assert not told.is_repeated
        assert client.tries == {"200": EACH}
        return client.told

    wire.break_commits(how, BREAKS)
    with ThreadPoolExecutor(APPS) as apps:
        told = [each for of_app in apps.map(claim_all, range(APPS)) for each in of_app]
    assert wire.broken == BREAKS
    payloads = "SELECT sum(jsonb_array_length(payload->'scans')) FROM outbox WHERE topic = 'trace'"
    assert town.one(payloads) == APPS * EACH
    town.start("worker", YIMA_DATABASE_URL=database_url)
    town.start("cron")
    with town.sessions() as session:
        session.execute(LOCK)
        sign_all_in(town, shop)
        wait_until(lambda: waiting(town.sessions), "for the worker to be amid its work")
        wire.break_commits(how, 1)  # the next is the one that credits
        session.rollback()
    assert audit(town, shop, told).points_held == APPS * EACH * POINTS
    assert wire.broken == BREAKS + 1
