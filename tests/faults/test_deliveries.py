"""Jobs and outbox rows delivered too often, too early and out of order; one of them is poison."""

import random

from redis import Redis
from rq import Queue
from sqlalchemy import text

from core import outbox
from core.bells import JOB, QUEUE
from tests.faults.audit import audit
from tests.faults.load import MEMBERS, POINTS, Client, Load, open_rush
from tests.running import Town, open_shop, sign_all_in

ANSWERS = 50
CLAIMS, GOOD_ROWS = 100, 10_000


def deliver(redis: Redis, luck: random.Random) -> None:
    """Three jobs of every topic wait now, in any order, bells or no bells."""
    jobs = [*outbox.topics()] * 3
    luck.shuffle(jobs)
    queue = Queue(QUEUE, connection=redis, serializer="json")
    for topic in jobs:
        queue.enqueue(JOB, args=(topic,), result_ttl=0)


def test_jobs_that_come_twice_and_out_of_order_do_everything_once(town: Town) -> None:
    shop = open_rush(town)
    luck = random.Random(1)
    deliver(town.redis, luck)  # before there is anything to do
    town.start_web()
    town.start("worker", "--processes", "2")
    town.start("cron")
    with Load(town, shop) as load:
        for _ in load.rounds(ANSWERS):
            deliver(town.redis, luck)
    sign_all_in(town, shop, MEMBERS)
    found = audit(town, shop, load.told)
    with town.sessions.begin() as session:  # and all rows once more, the youngest ones first
        session.execute(
            text(
                "INSERT INTO outbox (topic, brand_id, payload, created_at)"
                " SELECT topic, brand_id, payload, created_at FROM outbox ORDER BY id DESC"
            )
        )
    assert audit(town, shop, load.told) == found


def test_a_poisoned_row_among_ten_thousand_is_set_aside_alone(town: Town) -> None:
    shop = open_shop(town, CLAIMS, points=POINTS)
    town.start_web()
    with Client(town, shop) as client:
        for number in range(CLAIMS):
            client.claim(number, f"visitor-{number // 20}")
    sign_all_in(town, shop, MEMBERS)
    good = text(
        "INSERT INTO outbox (topic, brand_id, payload, created_at)"
        " SELECT 'credit', brand_id, jsonb_build_object('codes', jsonb_build_array(code_id)),"
        " decided_at FROM claim, generate_series(1, :times)"
    )
    poisoned = text(
        "INSERT INTO outbox (topic, brand_id, payload, created_at)"
        """ VALUES ('credit', :brand, '{"codes": ["none"]}', '2026-01-01') RETURNING id"""
    )
    with town.sessions.begin() as session:
        session.execute(good, {"times": GOOD_ROWS // CLAIMS // 2})
        poison = session.scalar(poisoned, {"brand": shop.brand.id})
        session.execute(good, {"times": GOOD_ROWS // CLAIMS // 2})
    assert town.count("outbox", "topic = 'credit'") > GOOD_ROWS
    town.start("worker")
    town.start("cron")
    found = audit(town, shop, client.told, parked=1)
    assert found.points_held == CLAIMS * POINTS
    assert town.one("SELECT id FROM outbox WHERE parked_at IS NOT NULL") == poison
