"""Two committing processes want the same hundred items while their visitors sign in."""

from psutil import Process

from tests.faults.audit import audit
from tests.faults.load import HOT, MEMBERS, POINTS, Load, open_rush
from tests.running import Town, sign_all_in

ANSWERS = 200
AFFORDABLE = 80


def test_two_committers_on_the_same_items_give_every_client_its_answer(town: Town) -> None:
    shop = open_rush(town, HOT, budget_points=AFFORDABLE * POINTS)
    web = town.start_web(workers=2)
    took_part: set[Process] = set()
    town.start("worker")
    town.start("cron")
    with Load(town, shop) as load:
        for _ in load.rounds(ANSWERS):
            took_part |= town.talking(web)
            sign_all_in(town, shop, MEMBERS)
    assert len(took_part) == 2
    assert load.tries.keys() == {"200"}
    sign_all_in(town, shop, MEMBERS)
    audit(town, shop, load.told)
    town.stop(*town.processes)  # whoever counted a deadlock has said so by its end
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert town.one(deadlocks) == 0
