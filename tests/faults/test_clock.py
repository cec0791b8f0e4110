"""The machine's clock is set back an hour while everybody scans."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import clock
from tests.faults.audit import audit
from tests.faults.load import MEMBERS, Load, open_rush
from tests.running import ROOT, Town, sign_all_in

SLOW_CLOCK = Path(__file__).with_name("slow_clock")
ANSWERS = 100


@pytest.fixture
def town(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    """A town whose processes have the clock of `slow_clock`."""
    monkeypatch.setenv("PYTHONPATH", f"{SLOW_CLOCK}:{ROOT}")
    town = Town(database_url, redis_url, tmp_path / "town")
    yield town
    town.end()


def test_a_clock_set_back_in_mid_load_loses_and_doubles_nothing(town: Town) -> None:
    shop = open_rush(town)
    town.start_web()
    town.start("worker")
    town.start("cron")
    begun = clock.now()
    with Load(town, shop) as load:
        for _ in load.rounds(ANSWERS):
            (town.home / "set-back").touch()
    assert load.tries.keys() == {"200"}
    assert town.count("scan", "at > :begun", begun=begun)
    assert town.count("scan", "at < :begun", begun=begun)
    sign_all_in(town, shop, MEMBERS)
    audit(town, shop, load.told)
