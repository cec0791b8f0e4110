"""An empty database becomes a Yima database."""

import migrations
from core.db import make_engine, make_sessions
from core.regions.load import load
from traceability import partitions


def install(database_url: str) -> None:
    """Tables, regions and partitions are there and up to date; safe to run again."""
    # An index on a big table takes as long as it takes.
    engine = make_engine(database_url, statement_timeout_seconds=0)
    try:
        migrations.upgrade(engine)
        with make_sessions(engine).begin() as session:
            load(session)
            partitions.ensure(session)
    finally:
        engine.dispose()
