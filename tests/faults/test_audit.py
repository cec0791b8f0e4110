"""The audit that ends every fault test finds what it is there to find."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from lab import traffic
from tests.faults.audit import audit, audit_scans
from tests.faults.load import POINTS, Client
from tests.running import Town, open_shop, sign_all_in

ITEMS = 4
# What is damaged, and how it is put right again.
DAMAGES = {
    "a scan is missing": (
        "UPDATE scan SET code_id = -code_id",
        "UPDATE scan SET code_id = -code_id",
    ),
    "a scan is there twice": (
        "INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, door)"
        " SELECT at + interval '1 s', brand_id, code_id, visitor_id, outcome, verdict, 'twice'"
        " FROM scan",
        "DELETE FROM scan WHERE door = 'twice'",
    ),
    "an item counts too many": (
        "UPDATE item SET scans = scans + 1",
        "UPDATE item SET scans = scans - 1",
    ),
    "a scan was never traced": (
        "UPDATE sighting SET code_id = -code_id",
        "UPDATE sighting SET code_id = -code_id",
    ),
    "a claim is missing": (
        "UPDATE claim SET code_id = -code_id",
        "UPDATE claim SET code_id = -code_id",
    ),
    "a claim pays other points than it said": (
        "UPDATE claim SET points = points + 1",
        "UPDATE claim SET points = points - 1",
    ),
    "a reservation is not the sum of claims": (
        "UPDATE campaign_budget SET reserved_points = reserved_points + 1",
        "UPDATE campaign_budget SET reserved_points = reserved_points - 1",
    ),
    "a budget is exceeded": (
        "UPDATE campaign SET budget_points = budget_points - 1000000",
        "UPDATE campaign SET budget_points = budget_points + 1000000",
    ),
    "a day's limit is exceeded": (
        "UPDATE campaign SET daily_limit = 1",
        "UPDATE campaign SET daily_limit = 100",
    ),
    "a claim was not counted": (
        "UPDATE claim_count SET claims = claims - 1",
        "UPDATE claim_count SET claims = claims + 1",
    ),
    "a balance is not the fold of its transfers": (
        "UPDATE account SET balance = balance + 1 WHERE kind = 'member'",
        "UPDATE account SET balance = balance - 1 WHERE kind = 'member'",
    ),
    "work was set aside": (
        "UPDATE outbox SET parked_at = done_at",
        "UPDATE outbox SET parked_at = NULL",
    ),
}


@contextmanager
def damaged(town: Town, what: str) -> Iterator[None]:
    """What is kept is wrong during the block."""
    damage, repair = DAMAGES[what]
    with town.sessions.begin() as session:
        assert session.execute(text(damage)).rowcount
    yield
    with town.sessions.begin() as session:
        session.execute(text(repair))


def test_whatever_is_wrong_is_found(town: Town) -> None:
    shop = open_shop(town, ITEMS, points=POINTS, daily_limit=100)
    town.start_web()
    town.start("worker")
    town.start("cron")
    with Client(town, shop) as client:
        for number in range(ITEMS):
            client.claim(number, "one")
            client.scan(number, "another")
        claimed, scanned = client.told[:2]
    sign_all_in(town, shop)
    assert audit(town, shop, client.told).points_held == ITEMS * POINTS
    for what in DAMAGES:
        with damaged(town, what), pytest.raises(AssertionError):
            audit(town, shop, client.told)
    lies = {
        "nobody was told of a scan": client.told[2:],
        "two were told to be first": [*client.told, replace(scanned, outcome="first")],
        "two were granted an item": [*client.told, replace(claimed, visitor="another")],
        "its winner was told to be late": [
            replace(claimed, is_repeated=True, outcome="again_mine"),
            *client.told[1:],
        ],
    }
    for told in lies.values():
        with pytest.raises(AssertionError):
            audit(town, shop, told)
    audit(town, shop, client.told)


def test_answered_scans_that_are_missing_or_there_twice_are_found(town: Town) -> None:
    shop = open_shop(town, ITEMS)
    town.start_web()
    told = []
    with Client(town, shop) as client:
        for number, serial in enumerate(shop.serials):
            client.scan(number, "one")
            request = traffic.Request("scan", "POST", f"/{serial}", body='{"visitor": "one"}')
            told.append(traffic.Told(request, at=0, seconds=0, status=200))
    for what in ("a scan is missing", "a scan is there twice"):
        with damaged(town, what), pytest.raises(AssertionError):
            audit_scans(town, shop, told)
    audit_scans(town, shop, told)
