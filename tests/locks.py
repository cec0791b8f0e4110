"""Who waits for a lock in one database; the tests' databases share a server."""

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

# Not by `pg_locks` alone: it lists all databases' locks, and some without their database.
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting(sessions: sessionmaker[Session]) -> int:
    """How many transactions in the sessions' database stand still for another's lock."""
    with sessions() as session:
        return session.execute(_WAITING).scalar_one()
