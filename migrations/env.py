"""How Alembic meets the database; run by `migrations.upgrade` and `migrations.revise` alone."""

from typing import Any

from alembic import context
from sqlalchemy import text

import schema

# Any number, the same in every process: two that migrate at once go one after the other.
_LOCK = 7_193_001


def _is_ours(_object: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """Partitions of `scan` are made by a job, month by month, and are no part of the schema."""
    return not (kind == "table" and reflected and (name or "").startswith("scan_"))


with context.config.attributes["engine"].connect() as connection:
    try:
        connection.execute(
            text("SET statement_timeout = 0")
        )  # big tables; the other may take hours
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        context.configure(
            connection=connection, target_metadata=schema.metadata, include_object=_is_ours
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.invalidate()  # the lock and the settings end with the session: none is reused
