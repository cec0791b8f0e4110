"""Drains one topic of the outbox: each row is done exactly once, or parked with its error."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from core import logs, outbox
from core.outbox import OutboxRow
from worker import faults

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[Session, list[OutboxRow]], object]

# Attempts are counted before the work. A row that was tried so often and is still owed may have
# killed its worker each time: it is tried alone, and after as many again not any more.
ALONE_AFTER = 5
PARKED_AFTER = 10
# A row holds some hundred entries at most, so a chunk's transaction ends within a second or two.
CHUNK_ROWS = 50
# Seconds between tries while the database is in trouble; then the rows stay owed.
PAUSES = (0.05, 0.25, 1.0)


@dataclass(frozen=True)
class Drained:
    """What a drain did; `more` if it ended by its time limit, perhaps before the last row."""

    done: int
    parked: int
    more: bool = False


def drain_topic(
    sessions: sessionmaker[Session],
    handler: Handler,
    topic: str,
    chunk: int = CHUNK_ROWS,
    seconds: float = 20,
    pauses: Sequence[float] = PAUSES,
) -> Drained:
    """Hands the topic's owed rows to `handler`, at most `chunk` at once, until none are left.

    The handler works in the given session and must not commit: its work, and the mark that the
    rows are done, are one transaction. If it raises, its chunk is halved down to the rows that
    are to blame, and these are parked. `seconds` bounds the start of the last chunk.

    Raises SQLAlchemy's `DBAPIError` when the database stays in trouble (connection lost,
    deadlock, disk full …) for as long as the `pauses` between tries: the rows stay owed.
    """
    work = _Work(sessions, handler, topic, pauses)
    # Not by the clock of the day: one that is set back would lengthen the turn.
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ids, suspects = work.begin(chunk)
        if ids:
            work.settle(ids)
        for row_id in suspects:
            work.settle_alone(row_id)
        if not ids and not suspects:
            return Drained(work.done, work.parked)
    return Drained(work.done, work.parked, more=True)


class _Work:
    """One drain's transactions and counts."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        handler: Handler,
        topic: str,
        pauses: Sequence[float],
    ) -> None:
        self._sessions = sessions
        self._handler = handler
        self._topic = topic
        self._pauses = pauses
        self.done = 0
        self.parked = 0

    def begin(self, chunk: int) -> tuple[list[int], list[int]]:
        """The next rows, their attempt counted for good; and suspects, to be tried alone."""

        def take(session: Session) -> tuple[list[int], list[int]]:
            rows = outbox.take(session, self._topic, chunk)
            fresh = [row.id for row in rows if row.attempts < ALONE_AFTER]
            suspects = [row.id for row in rows if row.attempts >= ALONE_AFTER]
            outbox.count_attempt(session, fresh)
            return fresh, suspects

        return self._commit(take)

    def settle(self, ids: list[int]) -> None:
        """All the rows are done, or parked if the error is theirs."""
        try:
            done, requests = self._commit(lambda session: self._do(session, ids))
        except BaseTimeoutException:
            raise  # the job's time is over, whichever row it was at
        except Exception as error:
            alone = len(ids) == 1
            if faults.is_passing(error) or (alone and faults.is_too_slow(error)):
                raise
            if alone:
                self._park(ids[0], faults.describe(error))
            else:
                middle = len(ids) // 2
                self.settle(ids[:middle])
                self.settle(ids[middle:])
            return
        self.done += done
        for some in logs.portions(requests) if done else ():
            with logs.about(some):
                log.info("topic %s: rows %d to %d: %d done", self._topic, ids[0], ids[-1], done)

    def settle_alone(self, row_id: int) -> None:
        """The suspect is done or parked; without another try if it had too many."""

        def count(session: Session) -> list[int]:
            before = [row.attempts for row in outbox.take_by_id(session, [row_id])]
            outbox.count_attempt(session, [row_id] if before else [])
            return before

        for before in self._commit(count):
            if before < PARKED_AFTER:
                self.settle([row_id])
            else:
                self._park(row_id, f"Begun {before} times and never ended: the worker died on it.")

    def _do(self, session: Session, ids: list[int]) -> tuple[int, tuple[str, ...]]:
        """How many of the rows are done, and the requests that they were owed to."""
        rows = outbox.take_by_id(session, ids)
        requests = outbox.requests_of(rows)
        if rows:
            with logs.about(requests):
                self._handler(session, rows)
            outbox.mark_done(session, [row.id for row in rows])
        return len(rows), requests

    def _park(self, row_id: int, error: str) -> None:
        def park(session: Session) -> int:
            rows = outbox.take_by_id(session, [row_id])
            for row in rows:
                outbox.park(session, row.id, error)
                with logs.about(outbox.requests_of([row])):
                    log.error("topic %s: row %d parked: %s", self._topic, row.id, error)
            return len(rows)

        self.parked += self._commit(park)

    def _commit(self, step: Callable[[Session], T]) -> T:
        """The step's result, committed; tried again while the database is in trouble."""
        for pause in self._pauses:
            try:
                return self._commit_once(step)
            except DBAPIError as error:
                if not faults.is_passing(error):
                    raise
                time.sleep(pause)
        return self._commit_once(step)

    def _commit_once(self, step: Callable[[Session], T]) -> T:
        with self._sessions() as session:
            try:
                result = step(session)
                session.commit()
            except BaseTimeoutException:
                # Interrupted amid a statement: a rollback would fail, and its error be taken for
                # the database's trouble.
                session.invalidate()
                raise
            return result
