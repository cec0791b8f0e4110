"""`migrate`: how long others wait while keys come to begin with the brand, at ten million scans."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import migrations
from core import embedded
from core.db import make_engine
from lab.bench import past
from lab.bench.result import Result, judged
from rewards.audit import audit

QUIET_SECONDS = 30
PAUSE_SECONDS = 0.002
COUNTED = ("scan", "item", "sighting", "claim", "transfer", "packing", "trace_event_range")

# What both releases say. Each is a transaction of its own.
READS = {
    "look": """SELECT i.scans, c.points, s.at FROM item i
        LEFT JOIN claim c ON c.brand_id = i.brand_id AND c.code_id = i.code_id
        LEFT JOIN LATERAL (SELECT at FROM scan WHERE brand_id = :brand AND code_id = :code
                           ORDER BY at DESC LIMIT 1) AS s ON true
        WHERE i.brand_id = :brand AND i.code_id = :code""",
    "wallet": """SELECT count(*) FROM transfer t JOIN account a ON a.id = t.credit_account_id
        WHERE a.brand_id = :brand AND t.brand_id = :brand AND t.key = 'claim:' || :code""",
    "contents": "SELECT * FROM packing WHERE brand_id = :brand AND lo = :code - :code % 20",
}
WRITES = {
    "scan": """INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, door)
        VALUES (clock_timestamp(), :brand, :code, gen_random_uuid(), 'again_other', 'allow',
                'page')""",
    "item": "UPDATE item SET scans = scans + 1 WHERE brand_id = :brand AND code_id = :code",
    "claim": "UPDATE claim SET bound_at = now() WHERE brand_id = :brand AND code_id = :code",
    "sighting": """UPDATE sighting SET resolved_at = now()
        WHERE brand_id = :brand AND code_id = :code""",
    "count": """UPDATE claim_count SET claims = claims + 1
        WHERE campaign_id = :brand AND person = 'm:' || :number AND day = CURRENT_DATE""",
    "budget": "UPDATE campaign_budget SET reserved_points = reserved_points"
    " WHERE campaign_id = :brand",
}


@dataclass
class Waits:
    """The longest that each statement took, in seconds, and how many there were."""

    longest: dict[str, float] = field(default_factory=dict)
    statements: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def worst_ms(self) -> float:
        return round(max(self.longest.values()) * 1000, 1)


def run(home: Path) -> Result:
    """The longest that a statement took, before the migration and while it ran."""
    home.mkdir(parents=True, exist_ok=True)
    embedded.erase(home)
    server = embedded.start_postgres(home)
    assert server.url is not None
    engine = make_engine(server.url, statement_timeout_seconds=0)
    try:
        return _measured(engine)
    finally:
        engine.dispose()
        embedded.erase(home)


def _measured(engine: Engine) -> Result:
    past.fill(engine)
    _compact(engine)
    before = _index_bytes(engine)
    with probed(engine) as quiet:
        time.sleep(QUIET_SECONDS)
    with probed(engine) as busy:
        began = time.perf_counter()
        migrations.upgrade(engine)
        seconds = time.perf_counter() - began
    with Session(engine) as session:
        if not audit(session, 1).balanced:
            raise RuntimeError("the books don't balance after the migration")
    after = _index_bytes(engine)
    errors = quiet.errors + busy.errors
    return judged(
        "migrate",
        {
            "scans": past.SIZES["scans"],
            "migration_seconds": round(seconds, 1),
            "longest_wait_ms": busy.worst_ms,
            "longest_wait_before_ms": quiet.worst_ms,
            "longest_waits_ms": _in_ms(busy.longest),
            "statements": busy.statements,
            "index_bytes_per_row_before": before,
            "index_bytes_per_row": after,
            "errors": len(errors),
        },
        {},
        {"longest_wait_ms": ("<", 1000.0)},
        {"first_errors": "; ".join(errors[:3])} if errors else {},
    )


@contextmanager
def probed(engine: Engine) -> Iterator[Waits]:
    """One thread reads and one writes, again and again, while the block runs."""
    waits, done = Waits(), threading.Event()
    threads = [
        threading.Thread(target=_probe, args=(engine, statements, waits, done))
        for statements in (READS, WRITES)
    ]
    for thread in threads:
        thread.start()
    try:
        yield waits
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _probe(
    engine: Engine, statements: Mapping[str, str], waits: Waits, done: threading.Event
) -> None:
    prepared = {name: text(statement) for name, statement in statements.items()}
    brands, claims = past.SIZES["brands"], past.SIZES["claims"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for turn in count():
            number = turn * 7919 % claims
            brand = 1 + number % brands
            values = {"brand": brand, "code": (brand << 32) + number // brands, "number": number}
            for name, statement in prepared.items():
                if done.wait(PAUSE_SECONDS):
                    return
                began = time.perf_counter()
                try:
                    connection.execute(statement, values)
                except DBAPIError as error:
                    waits.errors.append(f"{name}: {type(error.orig).__name__}")
                took = time.perf_counter() - began
                waits.longest[name] = max(took, waits.longest.get(name, 0.0))
                waits.statements += 1


def _in_ms(longest: Mapping[str, float]) -> dict[str, Any]:
    return {name: round(seconds * 1000, 1) for name, seconds in sorted(longest.items())}


def _compact(engine: Engine) -> None:
    """Old indexes are as dense as new ones will be."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in COUNTED:
            connection.execute(text(f"REINDEX TABLE {table}"))
        connection.execute(text("CHECKPOINT"))


def _index_bytes(engine: Engine) -> dict[str, float]:
    """Bytes a row that the indexes of each counted table take, all partitions included."""
    query = """SELECT CAST(sum(pg_indexes_size(relid)) AS float) / (SELECT count(*) FROM {0})
        FROM (SELECT relid FROM pg_partition_tree('{0}') UNION SELECT '{0}'::regclass) AS parts"""
    with engine.connect() as connection:
        return {
            table: round(connection.execute(text(query.format(table))).scalar_one(), 1)
            for table in COUNTED
        }
