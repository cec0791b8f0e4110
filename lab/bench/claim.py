"""`claim`: claims a second on one hot campaign, credits a second, and the delay between the two."""

import statistics
import threading
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, text

from core import clock
from core.rows import array
from lab.bench import drain, ground, load, per_job
from lab.bench.open_loop import open_loop
from lab.bench.result import Result, in_turns, judged, median_ratio, spread
from lab.bench.shelf import Shelf
from rewards.audit import audit
from rewards.campaign import Terms

PEOPLE = 10_000
DOOR_CODES = 25 * PEOPLE
# The codes: one each to sign in with, those of the doors, of the delay, of the drains.
DELAY_START = PEOPLE + DOOR_CODES
DELAY_ROUNDS = 3
DRAIN_START = DELAY_START + DELAY_ROUNDS * PEOPLE
PER_JOB_CODES = 60_000
ROUND_SECONDS = 6
WARM_UP_SECONDS = 3
DELAY_PER_SECOND = 1_000
DELAY_SHARE = 0.7  # of the peak, where the door can't take so many
DELAY_SECONDS = 10  # each person claims once in it at most
DELAY_PATIENCE_SECONDS = 30
# So late is a delay seen at most. Looking all the time took a CPU from what was looked at.
LOOK_SECONDS = 0.03
POINTS = per_job.POINTS
BUDGET_POINTS = 10**9


def run(home: Path) -> Result:
    """Doors in turns, then the delay in an open loop, then drains in turns."""
    with ground.ground(home) as base:
        terms = Terms(
            "扫码得积分", "Points", POINTS, BUDGET_POINTS, clock.now() - timedelta(hours=1),
            daily_limit=per_job.DAILY_LIMIT,
        )  # fmt: skip
        stock = ground.stock(base, DRAIN_START + drain.ROUNDS * drain.BACKLOG, terms)
        with (
            ground.yima(base) as ours,
            ground.gunicorn(base, "lab.bench.per_job:create_app()") as plain,
        ):
            members = _sign_in(base, stock, ours)
            _fill_per_job(base, stock.serials[:PER_JOB_CODES])
            shelf = Shelf(home / "claims.txt", _lines(stock, PEOPLE, DELAY_START))
            plain_shelf = Shelf(home / "per_job.txt", _lines(stock, 0, PER_JOB_CODES))
            shelf.fresh(ours, WARM_UP_SECONDS)
            plain_shelf.fresh(plain, WARM_UP_SECONDS)
            doors = in_turns(
                {
                    "claim": lambda: shelf.fresh(ours, ROUND_SECONDS),
                    "per_job": lambda: plain_shelf.fresh(plain, ROUND_SECONDS),
                }
            )
            claims_a_row = drain.claims_a_row(base)
            rate = min(DELAY_PER_SECOND, DELAY_SHARE * spread(doors["claim"])["median"])
            delays = []
            with drain.running(base, "cli", "worker"), drain.running(base, "cli", "cron"):
                for round_ in range(DELAY_ROUNDS):
                    drain.until_nothing_is_owed(base)
                    start = DELAY_START + round_ * PEOPLE
                    delays.append(_delay(base, stock, ours, members, start, rate))
                drain.until_nothing_is_owed(base)
        drains = drain.measure(base, stock, members, DRAIN_START, claims_a_row)
        answered = shelf.answered + sum(each.claims - each.errors for each in delays)
        credited = _points_credited(base, stock, answered + drain.ROUNDS * drain.BACKLOG)
    more = {
        "claims_a_row": claims_a_row,
        "points_credited": credited,
        "errors": shelf.errors + sum(each.errors for each in delays),
        "per_job_errors": plain_shelf.errors,
    }
    return _judged(doors, delays, drains, more)


def _points_credited(base: ground.Ground, stock: ground.Stock, claims: int) -> int:
    """The points of at least so many claims.

    Raises `RuntimeError` if there are fewer, the books don't balance or a claim waits for its
    points.
    """
    with base.sessions() as session:
        session.execute(text("ANALYZE"))
        books = audit(session, stock.brand_id)
    if not books.balanced or books.points_waiting or books.points_held < claims * POINTS:
        raise RuntimeError(f"the books don't balance, for {claims} claims: {books}")
    return books.points_held


def _judged(
    doors: dict[str, list[float]],
    delays: Sequence["_Delay"],
    drains: dict[str, list[float]],
    more: dict[str, int],
) -> Result:
    return judged(
        "claim",
        {
            "claims_per_second": spread(doors["claim"]),
            "per_job_claims_per_second": spread(doors["per_job"]),
            "drained_credits_per_second": spread(drains["claim"]),
            "drain_median_credits_per_second": spread(drains["claim"])["median"],
            "per_job_drained_credits_per_second": spread(drains["per_job"]),
            "delay_claims_per_second": round(min(each.rate for each in delays)),
            "delay_claims": sum(each.claims for each in delays),
            "delay_door_p95_ms": spread([each.door_p95_ms for each in delays]),
            "delay_p50_ms": spread([each.p50_ms for each in delays]),
            "delay_p95_ms": spread([each.p95_ms for each in delays]),
            "delay_p99_ms": spread([each.p99_ms for each in delays]),
            "delay_median_p95_ms": spread([each.p95_ms for each in delays])["median"],
            **more,
        },
        {
            "per_job_door": median_ratio(doors["claim"], doors["per_job"]),
            "per_job_drain": median_ratio(drains["claim"], drains["per_job"]),
        },
        {
            "per_job_door": (">=", 2.0),
            "per_job_drain": (">=", 10.0),
            "drain_median_credits_per_second": (">=", 10_000.0),
            "delay_claims_per_second": (">=", float(DELAY_PER_SECOND)),
            "delay_median_p95_ms": ("<", 1000.0),
        },
        {"client": load.client_name(), "open_loop_client": "python", "backlog": drain.BACKLOG},
    )


def _person(number: int) -> str:
    return f"p{number % PEOPLE}"


def _lines(stock: ground.Stock, start: int, stop: int) -> list[str]:
    """Claims of the codes with these numbers, by one person after the other."""
    return [
        load.scan_line(f"/{stock.serials[n]}/claim", stock.api_key, _person(n))
        for n in range(start, stop)
    ]


def _sign_in(base: ground.Ground, stock: ground.Stock, port: int) -> list[int]:
    """Everybody scans once and is signed in as a member; the members in the order of people."""
    scans = [
        load.scan_line(f"/{stock.serials[n]}", stock.api_key, _person(n)) for n in range(PEOPLE)
    ]
    open_loop(port, scans, PEOPLE, 1)
    with base.sessions.begin() as session:
        session.execute(_MEMBERS, {"brand": stock.brand_id, "people": PEOPLE})
        session.execute(_BINDINGS, {"brand": stock.brand_id})
        members = list(session.scalars(_IN_ORDER, {"brand": stock.brand_id}))
    if len(members) != PEOPLE:
        raise RuntimeError(f"{len(members)} of {PEOPLE} people could scan")
    return members


def _fill_per_job(base: ground.Ground, serials: Sequence[str]) -> None:
    with base.sessions.begin() as session:
        connection = session.connection()
        per_job.Base.metadata.create_all(connection)
        connection.execute(insert(per_job.Code), [{"serial": serial} for serial in serials])
        connection.execute(
            insert(per_job.Account), [{"visitor": _person(n)} for n in range(PEOPLE)]
        )
        connection.execute(insert(per_job.Budget).values(id=per_job.CAMPAIGN, points=BUDGET_POINTS))


@dataclass(frozen=True)
class _Delay:
    """From when a claim was due until its points were in the balance; the door's part of it."""

    rate: float  # claims a second
    claims: int
    errors: int
    door_p95_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def _delay(
    base: ground.Ground,
    stock: ground.Stock,
    port: int,
    members: Sequence[int],
    start: int,
    rate: float,
) -> _Delay:
    """Everybody claims once, in order, at the rate, codes from number `start` on."""
    total = min(int(rate * DELAY_SECONDS), PEOPLE)
    lines = _lines(stock, start, start + total)
    begin = time.perf_counter() + 1
    due = {members[n]: begin + n / rate for n in range(total)}
    watch = _Watch(base, stock.brand_id, due)
    with watch.watching():
        answered = open_loop(port, lines, rate, total / rate, begin)
    delays = [(watch.seen[member] - at) * 1000 for member, at in due.items()]
    cuts = statistics.quantiles(delays, n=100)
    p50, p95, p99 = (round(cuts[n - 1], 1) for n in (50, 95, 99))
    return _Delay(rate, total, answered.errors, answered.p95_ms, p50, p95, p99)


@dataclass
class _Watch:
    """Looks again and again whose balance has grown, of those whose claim is due."""

    base: ground.Ground
    brand_id: int
    due: dict[int, float]
    seen: dict[int, float] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Ends when every claim was seen. Raises `RuntimeError` when one is not in time."""
        before = self._balances(list(self.due))
        thread = threading.Thread(target=self._run, args=(before,))
        thread.start()
        yield
        thread.join()
        if len(self.seen) < len(self.due):
            raise RuntimeError(f"{len(self.due) - len(self.seen)} claims were not credited in time")

    def _run(self, before: dict[int, int]) -> None:
        waiting = list(self.due)
        until = self.due[waiting[-1]] + DELAY_PATIENCE_SECONDS
        while waiting and time.perf_counter() < until:
            asked = waiting[: bisect(waiting, time.perf_counter(), key=self.due.__getitem__)]
            balances = self._balances(asked)
            now = time.perf_counter()
            for member, points in balances.items():
                if points > before.get(member, 0):
                    self.seen[member] = now
            still = [member for member in asked if member not in self.seen]
            waiting = still + waiting[len(asked) :]
            time.sleep(LOOK_SECONDS)

    def _balances(self, members: list[int]) -> dict[int, int]:
        values = {"brand": self.brand_id, "members": array(members)}
        with self.base.sessions() as session:
            return {row.owner_id: row.balance for row in session.execute(_BALANCES, values)}


_MEMBERS = text(
    """
    INSERT INTO member (brand_id, created_at)
    SELECT :brand, now() FROM generate_series(1, :people)
    """
)

_BINDINGS = text(
    """
    INSERT INTO visitor_binding (visitor_id, brand_id, member_id, bound_at)
    SELECT visitor_id, :brand, id, now()
    FROM (SELECT visitor_id, row_number() OVER (ORDER BY code_id) AS n FROM scan
          WHERE brand_id = :brand) AS visitor
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM member
          WHERE brand_id = :brand) AS member USING (n)
    """
)

_IN_ORDER = text(
    """
    SELECT b.member_id FROM scan s JOIN visitor_binding b USING (visitor_id, brand_id)
    WHERE s.brand_id = :brand ORDER BY s.code_id
    """
)

_BALANCES = text(
    """
    SELECT owner_id, balance FROM account
    WHERE brand_id = :brand AND kind = 'member' AND owner_id = ANY(CAST(:members AS bigint[]))
    """
)
