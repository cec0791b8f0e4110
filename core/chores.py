"""What a room wants done every so often."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

PURGE_ROWS = 10_000


@dataclass(frozen=True)
class Chore:
    """Work done every so often; `work` says how many rows or tables it changed.

    It is called in a transaction of its own, again at once as long as it changes `again_at`.
    """

    name: str
    every: timedelta
    work: Callable[[Session], int]
    again_at: int | None = None


def purge(what: str, work: Callable[[Session, int], int]) -> Chore:
    """The hourly chore of deleting what is too old, by `work(session, limit)`."""
    return Chore(
        f"purge {what}",
        timedelta(hours=1),
        lambda session: work(session, PURGE_ROWS),
        again_at=PURGE_ROWS,
    )
