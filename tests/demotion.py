"""A primary that was demoted: its sessions only read, those opened after the change write."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from core.db import make_engine


@contextmanager
def demoted(database_url: str) -> Iterator[None]:
    """Sessions of the database that are opened within the block are read-only as long as they live.

    By another name a failover does the same: the address leads to the new primary, while the
    sessions that a pool keeps still belong to the old one.
    """
    _set(database_url, "SET default_transaction_read_only = on")
    try:
        yield
    finally:
        _set(database_url, "RESET default_transaction_read_only")


def _set(database_url: str, how: str) -> None:
    engine = make_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.execute(text(f'ALTER DATABASE "{engine.url.database}" {how}'))
    engine.dispose()
