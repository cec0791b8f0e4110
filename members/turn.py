"""One transaction at a time for one phone number."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def take(session: Session, subject_digest: bytes) -> None:
    """Waits until no other transaction has the subject's turn; ends with this transaction.

    What isn't there yet has no row to lock, so PostgreSQL's advisory locks stand in. Two subjects
    with the same first 8 bytes would only wait for each other.
    """
    number = int.from_bytes(subject_digest[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))
