"""Counting attempts, so that guessing is slow whatever is guessed.

An attempt is counted *before* it is made and taken back when it succeeds: of many at once, none
slips past the limit, because each waits for the row of the one before.
"""

import math
from datetime import timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from identity.models import SignInFailures

WINDOW = timedelta(minutes=15)
LONGEST = timedelta(days=1)


def count(session: Session, subject: str, limit: int, window: timedelta = WINDOW) -> int:
    """0 when `subject` may make this attempt, now counted; else the seconds until it may again.

    A `window` starts with its first attempt and allows `limit`; it has a day at most. `subject`
    is stored: pass digests of what is private. Who counts several does so in one fixed order.
    """
    now = clock.now()
    row = insert(SignInFailures).values(subject=subject, window_started_at=now, failures=1)
    is_over = SignInFailures.window_started_at <= now - window
    query = row.on_conflict_do_update(
        index_elements=[SignInFailures.subject],
        set_={
            "failures": case((is_over, 1), else_=SignInFailures.failures + 1),
            "window_started_at": case((is_over, now), else_=SignInFailures.window_started_at),
        },
    ).returning(SignInFailures.failures, SignInFailures.window_started_at)
    failures, started_at = session.execute(query).one()
    if failures <= limit:
        return 0
    return max(1, math.ceil((started_at + window - now).total_seconds()))


def take_back(session: Session, subject: str) -> None:
    """The attempt just counted for `subject` was no failure."""
    session.execute(
        update(SignInFailures)
        .where(SignInFailures.subject == subject)
        .values(failures=SignInFailures.failures - 1)
        .execution_options(synchronize_session=False)
    )


def clear(session: Session, subject: str) -> None:
    """Nothing is held against `subject` any more."""
    session.execute(
        delete(SignInFailures)
        .where(SignInFailures.subject == subject)
        .execution_options(synchronize_session=False)
    )


def purge(session: Session, limit: int = 10_000) -> int:
    """How many rows of windows long over were deleted, at most `limit`."""
    over = (
        select(SignInFailures.subject)
        .where(SignInFailures.window_started_at < clock.now() - LONGEST)
        .limit(limit)
    )
    query = (
        delete(SignInFailures)
        .where(SignInFailures.subject.in_(over))
        .execution_options(synchronize_session=False)
    )
    return session.execute(query).rowcount  # type: ignore[attr-defined]
