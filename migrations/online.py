"""Steps that change big tables while they are in use, and that may be begun again.

Each looks whether it is done before it does anything. All run outside of a transaction. What locks
others out waits but a moment for its turn, since everybody queues up behind it, and tries again;
what goes on beside others waits as long as it must.
"""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

# Less than PostgreSQL waits before it looks for a deadlock: we give up, not the application.
LOCK_MS = 300
PAUSE_SECONDS = 1.0
TRIES = 300
BLOCKS_A_STEP = 100  # of 8 kB: some thousand rows, which are locked for a part of a second


def run(connection: Connection, statement: str) -> None:
    """Executes what locks others out, again and again while they hold the locks that it needs."""
    connection.execute(text(f"SET lock_timeout = {LOCK_MS}"))
    for left in reversed(range(TRIES)):
        try:
            connection.execute(text(statement))
            return
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03" or not left:  # lock_not_available
                raise
            time.sleep(PAUSE_SECONDS)


def run_beside(connection: Connection, statement: str) -> None:
    """Executes what locks nobody out that reads or writes rows, however long it waits for others.

    `CONCURRENTLY` waits for every transaction that was there before it. Cut off, it would leave
    an index behind that is not valid, and have worked for nothing.
    """
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text(statement))


def exists(connection: Connection, query: str, **values: object) -> bool:
    """Whether the query finds anything."""
    return connection.execute(text(query), values).first() is not None


def has_column(connection: Connection, table: str, column: str) -> bool:
    return exists(
        connection,
        "SELECT FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = :table AND column_name = :column",
        table=table,
        column=column,
    )


def constraint(connection: Connection, table: str, name: str) -> str | None:
    """The definition of the table's constraint of that name, if there is one."""
    query = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = to_regclass(:table) AND conname = :name"
    )
    found = connection.execute(text(query), {"table": table, "name": name}).scalar()
    return None if found is None else str(found)


def drop_constraint(connection: Connection, table: str, name: str) -> None:
    """The table has no constraint of that name."""
    if constraint(connection, table, name) is not None:
        run(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def create_index(connection: Connection, name: str, table: str, definition: str) -> None:
    """The index is there and valid; `definition` is what follows `CREATE INDEX name ON table`.

    A definition that begins with UNIQUE makes a unique one. An interrupted attempt leaves an
    invalid index behind, which is made anew.
    """
    state = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    is_valid = connection.execute(state, {"name": name}).scalar()
    if is_valid:
        return
    if is_valid is False:
        run_beside(connection, f"DROP INDEX CONCURRENTLY {name}")
    unique, rest = (
        ("UNIQUE ", definition[7:]) if definition.startswith("UNIQUE ") else ("", definition)
    )
    run_beside(connection, f"CREATE {unique}INDEX CONCURRENTLY {name} ON {table} {rest}")


def create_key_index(
    connection: Connection, table: str, name: str, kind: str, columns: Sequence[str]
) -> None:
    """There is the index that `swap_key` needs, unless it was swapped before."""
    listed = ", ".join(columns)
    if constraint(connection, table, name) != f"{kind} ({listed})":
        create_index(connection, f"{name}_new", table, f"UNIQUE ({listed})")


def drop_index(connection: Connection, name: str) -> None:
    """There is no index of that name."""
    if exists(connection, "SELECT FROM pg_class WHERE oid = to_regclass(:name)", name=name):
        run_beside(connection, f"DROP INDEX CONCURRENTLY {name}")


def rename_index(connection: Connection, old: str, new: str) -> None:
    """What was called `old` is called `new`."""
    if exists(connection, "SELECT FROM pg_class WHERE oid = to_regclass(:name)", name=old):
        run(connection, f"ALTER INDEX {old} RENAME TO {new}")


def swap_key(
    connection: Connection, table: str, name: str, kind: str, columns: Sequence[str]
) -> None:
    """The table's constraint `name`, a PRIMARY KEY or UNIQUE, has these columns.

    Its index was built beside the old one by `create_key_index`; the swap reads no rows.
    """
    listed = ", ".join(columns)
    if constraint(connection, table, name) == f"{kind} ({listed})":
        drop_index(connection, f"{name}_new")
        return
    dropped = f"DROP CONSTRAINT {name}, " if constraint(connection, table, name) else ""
    run(
        connection,
        f"ALTER TABLE {table} {dropped}ADD CONSTRAINT {name} {kind} USING INDEX {name}_new",
    )


def add_foreign_key(
    connection: Connection, table: str, name: str, columns: Sequence[str], target: str
) -> None:
    """The table has the foreign key, and all its rows obey it; `target` is `table (columns)`."""
    if constraint(connection, table, name) is None:
        run(
            connection,
            f"ALTER TABLE {table} ADD CONSTRAINT {name}"
            f" FOREIGN KEY ({', '.join(columns)}) REFERENCES {target} NOT VALID",
        )
    if (constraint(connection, table, name) or "").endswith("NOT VALID"):
        run_beside(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def fill(connection: Connection, table: str, update: str) -> None:
    """Executes `update`, which fills what is still missing, some blocks of the table at a time.

    It names the table `t` and holds `{blocks}` where its condition goes. Rows that are added or
    changed meanwhile must come filled, by a trigger.
    """
    pages = connection.execute(
        text("SELECT pg_relation_size(to_regclass(:table)) / 8192"), {"table": table}
    ).scalar_one()
    for first in range(0, int(pages) + 1, BLOCKS_A_STEP):
        blocks = f"t.ctid >= '({first},0)' AND t.ctid < '({first + BLOCKS_A_STEP},0)'"
        run(connection, update.format(blocks=blocks))
