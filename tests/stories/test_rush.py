"""Everybody claims the same items at once, at a web of two processes."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.running import ROOT, Shop, Town, books, open_shop, sign_all_in

pytestmark = pytest.mark.story

CROWD = Path(__file__).with_name("crowd.py")
CROWDS = 2
POINTS = 5


@dataclass(frozen=True)
class Told:
    """What an app was told about a claim; without a state it was a scan."""

    visitor: str
    path: str
    status: int
    state: str | None
    reason: str | None
    repeated: bool | None


def rush(town: Town, shop: Shop, items: int, apps: int, scans: float = 0.0) -> list[Told]:
    """What all apps of all crowds were told; `scans`: how often they scan before they claim."""
    plan = {
        "port": town.port,
        "key": shop.key,
        "paths": [shop.path(number) for number in range(items)],
        "threads": apps,
        "scans": scans,
    }
    crowds = [
        subprocess.Popen(
            [sys.executable, CROWD],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(CROWDS)
    ]
    for number, crowd in enumerate(crowds):
        assert crowd.stdin is not None
        crowd.stdin.write(json.dumps({**plan, "name": f"crowd-{number}"}))
        crowd.stdin.close()
    told = []
    for crowd in crowds:
        assert crowd.stdout is not None
        told += [Told(*entry) for entry in json.loads(crowd.stdout.read())]
        assert crowd.wait() == 0
    assert Counter(entry.status for entry in told) == {200: len(told)}, town.log("web")
    return [entry for entry in told if entry.state is not None]


def audit_scans(town: Town) -> None:
    """Every item has one first scan, every visitor one scan of an item, and all are counted."""
    sessions = "SELECT count(*) FROM (SELECT DISTINCT code_id, visitor_id FROM scan) AS pairs"
    assert town.count("scan") == town.one(sessions)
    assert town.count("scan") == town.one("SELECT sum(scans) FROM item")
    assert town.count("scan", "outcome = 'first'") == town.count("item")


def audit_claims(town: Town, shop: Shop, told: Sequence[Told]) -> set[str]:
    """The items that somebody was told to have; each once, and exactly those the database has."""
    granted = [entry.path for entry in told if entry.state == "granted" and not entry.repeated]
    assert len(granted) == len(set(granted))
    with town.sessions() as session:
        kept = session.scalars(text("SELECT code_id FROM claim WHERE decision = 'granted'"))
        assert {shop.path(code_id - shop.order.lo) for code_id in kept} == set(granted)
    reserved = town.one("SELECT reserved_points FROM campaign_budget")
    assert reserved == len(granted) * POINTS
    return set(granted)


def test_every_item_is_granted_once_and_its_points_arrive(town: Town) -> None:
    items = 200
    shop = open_shop(town, items, points=POINTS)
    town.start_web(workers=2)
    town.start("worker")
    town.start("cron")
    told = rush(town, shop, items, apps=16)
    answers = Counter((entry.state, entry.reason) for entry in told)
    assert answers == {("granted", None): items, ("taken", "taken"): len(told) - items}
    assert len(audit_claims(town, shop, told)) == items
    audit_scans(town)
    sign_all_in(town, shop, members=7)
    found = books(town, shop)
    assert found.balanced
    assert found.points_held == items * POINTS
    assert town.one("SELECT count(*) FROM sighting") == items


def test_a_tight_budget_is_spent_to_the_last_claim_and_never_over(town: Town) -> None:
    items, affordable = 200, 150
    shop = open_shop(town, items, points=POINTS, budget_points=affordable * POINTS + POINTS - 1)
    town.start_web(workers=2)
    told = rush(town, shop, items, apps=4)
    granted = audit_claims(town, shop, told)
    assert len(granted) == affordable
    others = {(entry.state, entry.reason) for entry in told if entry.state != "granted"}
    assert others == {("taken", "taken"), ("refused", "exhausted")}
    # What is left can be claimed by whoever comes first, once the brand pays again.
    exhausted = {entry.path for entry in told if entry.reason == "exhausted"}
    assert exhausted >= {shop.path(number) for number in range(items)} - granted
    audit_scans(town)


def test_daily_limits_hold_for_members_with_many_browsers_and_nothing_deadlocks(
    town: Town,
) -> None:
    items, members, limit = 60, 4, 6
    shop = open_shop(town, items, points=POINTS, daily_limit=limit)
    town.start_web(workers=2)
    town.start("worker")
    town.start("cron")
    learned = rush(town, shop, items=1, apps=6, scans=1.0)
    assert [entry.state for entry in learned].count("granted") == 1
    assert town.count("visitor_track") == CROWDS * 6
    sign_all_in(town, shop, members)
    told = rush(town, shop, items, apps=6, scans=0.5)
    sign_all_in(town, shop, members)
    audit_claims(town, shop, [*learned, *told])
    audit_scans(town)
    with town.sessions() as session:
        of_members = "SELECT member_id, count(*) FROM claim GROUP BY 1 HAVING member_id IS NOT NULL"
        assert {row[1] for row in session.execute(text(of_members))} == {limit}
        of_visitors = "SELECT max(claims) FROM claim_count WHERE person LIKE 'v:%'"
        assert session.scalar(text(of_visitors)) <= limit
    assert books(town, shop).points_held == members * limit * POINTS
    assert books(town, shop).balanced
    town.stop(*town.processes)  # whoever counted a deadlock has said so by its end
    assert (
        town.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    )
