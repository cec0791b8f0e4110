"""Keys by brand: from the tables as they were to today's, interrupted wherever it may be."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.orm import Session

import migrations
import schema
from core.db import make_engine
from rewards.audit import audit
from traceability import partitions

BEFORE = Path(__file__).parent / "before_keys_by_brand.sql"
COUNTED = sorted(set(schema.metadata.tables) - {"global_name", "visitor_track"})
CHANGES = ("ALTER", "CREATE", "DROP", "UPDATE", "INSERT", "DO")


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
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in COUNTED
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
    assert counts(engine) == kept
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
    steps_left = 3  # each try gets a few steps farther, then it is cut off

    def interrupt(_c: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal steps_left
        if statement.lstrip().startswith(CHANGES) and "alembic_version" not in statement:
            steps_left -= 1
            if steps_left < 0:
                raise Interrupted

    event.listen(before, "before_cursor_execute", interrupt)
    while True:
        tries += 1
        assert tries < 100, "it does not get on"
        steps_left = 3 * tries
        try:
            migrations.upgrade(before)
            break
        except Interrupted:
            before.dispose()
    event.remove(before, "before_cursor_execute", interrupt)
    assert tries > 5
    assert_is_todays(before, kept)
