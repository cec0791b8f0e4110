"""`growth`: what scans a second and disk become as two years of scans pile up.

The reference is its own start. The machine may do otherwise by the time of the last step, so each
step is measured in turns with `bare`, and what is judged is how scans did beside it then and now.
"""

import statistics
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from sqlalchemy import text

from codegen.activate import Batch, Numbers, activate
from codegen.keys import sub_keys
from codegen.models import CodeOrder, SigningKey
from codegen.order import OrderRequest, place
from codegen.serial import seal, split
from core import clock, embedded
from core.db import make_engine, make_sessions
from lab.bench import ground, load
from lab.bench.ground import Ground
from lab.bench.result import Result, in_turns, judged, median_ratio
from lab.bench.shelf import Shelf
from traceability import partitions

ROWS = (0, 5_000_000, 10_000_000, 20_000_000)
MONTHS = 24
FRESH_CODES = 600_000
SCANS_PER_VISITOR = 2
ROUND_SECONDS = 5
WARM_UP_SECONDS = 5
SEED = 5
SCATTER = 15_485_863  # a prime that divides no number of rows here: neighbours come far apart


@dataclass(frozen=True)
class Point:
    """One step: the past's scans and months, medians of its rounds, the whole database's size."""

    rows: int
    months: int
    scans_per_second: float
    bare_per_second: float
    scans_to_bare: float
    size_mb: float


def run(home: Path) -> Result:
    """Peaks of scans of fresh codes at each step, and bytes a row at the last."""
    points: list[Point] = []
    with ground.ground(home) as base:
        order, shelf = _prepared(base, home / "scans.txt")
        with ground.yima(base) as ours, ground.bare(base) as bare:
            for filled, rows in pairwise((0, *ROWS)):
                _fill(base, order, filled, rows)
                _settle(base)
                points.append(_measured(base, shelf, rows, ours, bare))
        sizes = _bytes_per_row(base)
    start, end = points[0], points[-1]
    return judged(
        "growth",
        {
            "curve": [asdict(point) for point in points],
            "bytes_per_row": sizes,
            "scans_per_second_to_start": round(end.scans_per_second / start.scans_per_second, 3),
            "bare_per_second_to_start": round(end.bare_per_second / start.bare_per_second, 3),
            "errors": shelf.errors,
        },
        {"start": end.scans_to_bare / start.scans_to_bare},
        {"start": (">=", 0.85)},
        {"client": load.client_name(), "start": "scans_to_bare of the last point to the first's"},
    )


def _past_per_fresh() -> int:
    return -(-max(ROWS) // FRESH_CODES)


def _prepared(base: Ground, file: Path) -> tuple[CodeOrder, Shelf]:
    """Active codes, of which every so many-th is fresh; the others are for the past."""
    kek, goods = base.settings.key_encryption_key, ground.stock(base, 1)
    step = _past_per_fresh() + 1
    quantity = FRESH_CODES * step
    with base.sessions.begin() as session:
        request = OrderRequest("growth", quantity, "yima.test")
        order = place(session, goods.brand_id, request, kek)
        batch = Batch(product_id=goods.order.product_id, produced_on=clock.now().date())
        activate(session, goods.brand_id, order.id, Numbers(1, quantity), batch, "bench")
        keys = sub_keys(session.get_one(SigningKey, (order.brand_id, order.key_id)), kek)
    first = split(order.lo)[1]
    numbers = list(range(first, first + quantity, step))
    Random(SEED).shuffle(numbers)
    lines = [load.scan_line(f"/{seal(keys, n)}", goods.api_key, f"v{n}") for n in numbers]
    return order, Shelf(file, lines)


def _measured(base: Ground, shelf: Shelf, rows: int, ours: int, bare: int) -> Point:
    """The step's point; `ours` and `bare` are ports."""
    errors = shelf.errors
    shelf.fresh(ours, WARM_UP_SECONDS)
    shelf.again(bare, WARM_UP_SECONDS)
    shelf.errors = errors  # the database was away: a connection that ended with it is no fault
    measured = in_turns(
        {
            "scan": lambda: shelf.fresh(ours, ROUND_SECONDS),
            "bare": lambda: shelf.again(bare, ROUND_SECONDS),
        }
    )
    with base.sessions() as session:
        size = session.scalar(text("SELECT pg_database_size(current_database())")) or 0
    return Point(
        rows=rows,
        months=_months(rows),
        scans_per_second=round(statistics.median(measured["scan"]), 1),
        bare_per_second=round(statistics.median(measured["bare"]), 1),
        scans_to_bare=round(median_ratio(measured["scan"], measured["bare"]), 4),
        size_mb=round(size / 1e6, 1),
    )


def _months(rows: int) -> int:
    return rows * MONTHS // max(ROWS)


def _fill(base: Ground, order: CodeOrder, filled: int, rows: int) -> None:
    """The past's scans are as many as `rows`, the newest `filled` of which are there already.

    Each is the first of its item, and as the last real one but for who, what, when and where.
    """
    if rows == filled:
        return
    engine = make_engine(base.settings.database_url, statement_timeout_seconds=0)
    with make_sessions(engine).begin() as session:
        partitions.ensure(session, months_back=_months(rows))
        values = {
            "filled": filled,
            "rows": rows,
            "all_rows": max(ROWS),
            "months": MONTHS,
            "lo": order.lo,
            "per_fresh": _past_per_fresh(),
            "scatter": SCATTER,
            "per_visitor": SCANS_PER_VISITOR,
            "now": clock.now(),
        }
        for statement in _PAST:
            session.execute(text(statement), values)
    engine.dispose()


_PAST = (
    """CREATE TEMPORARY TABLE past ON COMMIT DROP AS
    SELECT :lo + code / :per_fresh * (:per_fresh + 1) + code % :per_fresh + 1 AS code_id,
        CAST(md5('v' || n / :per_visitor) AS uuid) AS visitor_id,
        date_trunc('month', :now, 'UTC')
            - (1 + n * :months / :all_rows) * INTERVAL '1 month'
            + random() * INTERVAL '28 days' AS at
    FROM generate_series(CAST(:filled AS bigint), :rows - 1) AS n
    CROSS JOIN LATERAL (SELECT n * :scatter % :all_rows AS code) AS scattered""",
    """INSERT INTO scan (brand_id, code_id, visitor_id, at, outcome, verdict, region_code,
        region_source, door)
    SELECT real.brand_id, p.code_id, p.visitor_id, p.at, real.outcome, real.verdict, '330100',
        'proxy', real.door
    FROM past p CROSS JOIN (SELECT * FROM scan ORDER BY at DESC LIMIT 1) AS real""",
    """INSERT INTO item (brand_id, code_id, first_at, first_visitor, first_region, scans, last_at,
        last_visitor)
    SELECT real.brand_id, p.code_id, p.at, p.visitor_id, '330100', real.scans, p.at, p.visitor_id
    FROM past p CROSS JOIN (SELECT * FROM item LIMIT 1) AS real ORDER BY p.code_id""",
    """INSERT INTO visitor_track (brand_id, visitor_id, window_started_at, window_scans, last_at,
        last_region)
    SELECT (SELECT brand_id FROM item LIMIT 1), visitor_id, max(at), count(*), max(at), '330100'
    FROM past GROUP BY visitor_id ORDER BY visitor_id""",
)


def _settle(base: Ground) -> None:
    """The planner knows the tables, and nothing that filling left behind is still to be written."""
    engine = make_engine(
        base.settings.database_url, statement_timeout_seconds=0, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text("VACUUM (ANALYZE) scan, item, visitor_track"))
    engine.dispose()
    embedded.stop_postgres(base.home)
    if embedded.start_postgres(base.home).url != base.settings.database_url:
        raise RuntimeError("the database came back at another address")


def _bytes_per_row(base: Ground) -> dict[str, float]:
    """Bytes a row of each table that grows with scans, indexes and all partitions included."""
    query = """SELECT sum(pg_total_relation_size(relid)) / (SELECT count(*) FROM {0})
        FROM (SELECT relid FROM pg_partition_tree('{0}') UNION SELECT '{0}'::regclass) AS parts"""
    with base.sessions() as session:
        return {
            table: round(float(session.execute(text(query.format(table))).scalar_one()), 1)
            for table in ("scan", "item", "visitor_track")
        }
