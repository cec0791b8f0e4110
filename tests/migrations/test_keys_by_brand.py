"""Keys by brand: from the tables as they were to today's, interrupted wherever it may be."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import migrations
import schema
from core.db import make_engine
from migrations import online
from rewards.audit import audit
from tests.running import wait_until
from traceability import partitions

BEFORE = Path(__file__).parent / "before_keys_by_brand.sql"
STEPS_A_TRY = 16  # it is cut off so soon again that most tries get but some steps farther
CHANGES = ("ALTER", "CREATE", "DROP", "UPDATE", "INSERT", "DO")


# A table that is younger than the data.
NEW_ROWS = """
    INSERT INTO operator_session (brand_id, id, operator_id, device, started_at, expires_at)
    SELECT brand_id, gen_random_uuid(), id, '', now(), now() FROM operator;
    INSERT INTO gtin_change (brand_id, product_id, old_gtin, new_gtin, reason, actor, at)
    SELECT brand_id, id, gtin, gtin, '', '', now() FROM product
"""


class Interrupted(Exception):
    """The operator, or the machine, ended the migration."""


@pytest.fixture
def before(empty_database_url: str) -> Iterator[Engine]:
    """A database of the release before, with two brands' data."""
    engine = make_engine(empty_database_url)
    migrations.upgrade(engine, "0004")
    with Session(engine) as session, session.begin():
        partitions.ensure(session)
    with engine.begin() as connection:
        connection.exec_driver_sql(BEFORE.read_text(encoding="utf-8").replace("%", "%%"))
    yield engine
    engine.dispose()


def counts(engine: Engine) -> dict[str, int]:
    """How many rows each table has; but visitors' tracks, which begin anew."""
    tables = set(inspect(engine).get_table_names()) - {"visitor_track", "alembic_version"}
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in tables
        }


def unproven(connection: Connection) -> list[tuple[str, ...]]:
    """The constraints that not all rows are known to obey."""
    query = "SELECT conrelid::regclass::text, conname, convalidated FROM pg_constraint"
    return [tuple(row) for row in connection.execute(text(query)) if not row[2]]


def assert_is_todays(engine: Engine, kept: dict[str, int]) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": lambda _o, name, kind, *_: not str(name).startswith("scan_")},
        )
        assert compare_metadata(context, schema.metadata) == []
        assert unproven(connection) == []
        left = "SELECT relname FROM pg_class WHERE relname LIKE '%\\_new' OR relname LIKE '%whose%'"
        assert connection.execute(text(left)).all() == []
        assert (
            connection.execute(
                text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
            ).scalar()
            == 0
        )
    found = inspect(engine)
    for table in schema.metadata.tables.values():
        key = [column.name for column in table.primary_key.columns]
        assert found.get_pk_constraint(table.name)["constrained_columns"] == key, table.name
    now = counts(engine)
    assert {table: now[table] for table in kept} == kept
    with Session(engine) as session:
        for brand_id in (1, 2):
            assert audit(session, brand_id).balanced
        names = session.execute(text("SELECT kind, brand_id FROM global_name")).all()
        assert Counter(kind for kind, _ in names) == {"login": 2, "key_prefix": 2, "signing_key": 2}
        for table in ("claim_count", "campaign_budget", "finding_step", "packing_block"):
            brands = session.scalars(text(f"SELECT DISTINCT brand_id FROM {table} ORDER BY 1"))
            assert brands.all() == [1, 2], table


def test_the_tables_of_before_become_todays_and_keep_every_row(before: Engine) -> None:
    kept = counts(before)
    migrations.upgrade(before)
    assert_is_todays(before, kept)


def test_interrupted_at_any_step_it_goes_on_where_it_was(before: Engine) -> None:
    kept = counts(before)
    tries = 0
    steps_left = 0

    def interrupt(_c: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal steps_left
        if statement.lstrip().startswith(CHANGES) and "alembic_version" not in statement:
            steps_left -= 1
            if steps_left < 0:
                raise Interrupted

    event.listen(before, "before_cursor_execute", interrupt)
    while True:
        tries += 1
        assert tries < 200, "it does not get on"
        steps_left = STEPS_A_TRY
        try:
            migrations.upgrade(before, "0005")
            break
        except Interrupted:
            before.dispose()
    event.remove(before, "before_cursor_execute", interrupt)
    migrations.upgrade(before)
    assert tries > 10, tries
    assert_is_todays(before, kept)


def test_an_index_waits_for_transactions_that_stay_open(before: Engine) -> None:
    kept = counts(before)
    # It has waited for longer than a statement that locks others out would have.
    patient = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE 'CREATE %INDEX CONCURRENTLY%'"
        f" AND now() - query_start > interval '{3 * online.LOCK_MS} ms'"
    )
    with ThreadPoolExecutor(1) as pool, before.connect() as busy, before.connect() as watch:
        watch.execution_options(isolation_level="AUTOCOMMIT")
        busy.execute(text("UPDATE item SET scans = scans"))
        migrated = pool.submit(migrations.upgrade, before)
        wait_until(lambda: migrated.done() or watch.scalar(patient) == 1)
        busy.commit()
        migrated.result()
    assert_is_todays(before, kept)


def test_a_swap_gives_way_to_who_reads_and_tries_again(before: Engine) -> None:
    kept = counts(before)
    tries = 0
    with before.connect() as reader:

        def read(_c: object, _cursor: object, statement: str, *_: object) -> None:
            nonlocal tries
            if "DROP CONSTRAINT pk_scan" in statement:
                tries += 1
                if tries == 1:
                    reader.execute(text("SELECT count(*) FROM scan"))
                else:
                    reader.rollback()

        event.listen(before, "before_cursor_execute", read)
        migrations.upgrade(before)
        event.remove(before, "before_cursor_execute", read)
    assert tries == 2
    assert_is_todays(before, kept)


def test_what_the_release_before_does_meanwhile_is_no_exception(before: Engine) -> None:
    kept = counts(before)
    moments = ["claim_count VALIDATE CONSTRAINT whose", "VALIDATE CONSTRAINT fk_"]

    def work(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if moments and moments[0] in statement:
            moments.pop(0)
            with Session(before) as session, session.begin():
                session.execute(text(_COUNT_OF_BEFORE))
                partitions.ensure(session, months_ahead=6 - len(moments))

    event.listen(before, "before_cursor_execute", work)
    migrations.upgrade(before)
    event.remove(before, "before_cursor_execute", work)
    assert not moments
    assert_is_todays(before, {**kept, "claim_count": kept["claim_count"] + 2})


_COUNT_OF_BEFORE = """
    INSERT INTO claim_count (campaign_id, person, day, claims)
    SELECT id, 'v:' || id, current_date, 1 FROM campaign
    ON CONFLICT (campaign_id, person, day) DO UPDATE SET claims = claim_count.claims + 1
"""


def test_nothing_is_swapped_while_a_row_points_at_another_brands(before: Engine) -> None:
    with before.begin() as connection:
        connection.execute(text("UPDATE claim SET campaign_id = 91 WHERE brand_id = 2"))
    with pytest.raises(IntegrityError, match="fk_campaign_id_campaign"):
        migrations.upgrade(before)
    with before.begin() as connection:
        assert inspect(connection).get_pk_constraint("claim")["constrained_columns"] == ["code_id"]
        connection.execute(text("UPDATE claim SET campaign_id = 92 WHERE brand_id = 2"))
    kept = counts(before)
    migrations.upgrade(before)
    assert_is_todays(before, kept)


def test_no_row_can_be_made_to_point_at_another_brands(before: Engine) -> None:
    migrations.upgrade(before)
    keys = [
        (table.name, key)
        for table in schema.metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.column_keys[0] == "brand_id" and len(key.elements) > 1
    ]
    assert len(keys) > 25
    with before.connect() as connection:
        connection.execute(text(NEW_ROWS))
        for table, key in keys:
            column, target = key.column_keys[1], key.elements[1].column
            others = f"(SELECT {target.name} FROM {target.table.name} WHERE brand_id = 2 LIMIT 1)"
            moved = text(f"UPDATE {table} SET {column} = {others} WHERE brand_id = 1")
            with pytest.raises(IntegrityError, match=str(key.name)), connection.begin_nested():
                connection.execute(moved)
