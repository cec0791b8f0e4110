"""The clock: rings for what is owed, and keeps the house, again and again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core import clock, once, outbox
from core.bells import Bell
from identity import sessions, throttle
from members import code
from traceability import partitions
from traceability.models import ForgedAttempts, IntakeBatch
from worker import faults
from worker.topics import HANDLERS

RING_SECONDS = 2
PURGE_ROWS = 10_000
PURGE_ROUNDS = 100
DONE_ROWS_KEPT = timedelta(days=1)
# A committer looks for its batch within seconds of a lost connection.
BATCHES_KEPT = timedelta(hours=1)
ATTEMPTS_KEPT = timedelta(days=2)  # no rule looks back that far
RETRY = timedelta(minutes=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """Work done every so often; `work` says how many rows or tables it changed.

    It is called in a transaction of its own, again at once as long as it changes `again_at`.
    """

    name: str
    every: timedelta
    work: Callable[[Session], int]
    again_at: int | None = None


def _make_partitions(session: Session) -> int:
    return len(partitions.ensure(session))


def _purge_outbox(session: Session) -> int:
    return outbox.purge(session, clock.now() - DONE_ROWS_KEPT, limit=PURGE_ROWS)


def _purge_batches(session: Session) -> int:
    old = select(IntakeBatch.id).where(IntakeBatch.at < clock.now() - BATCHES_KEPT)
    query = delete(IntakeBatch).where(IntakeBatch.id.in_(old.limit(PURGE_ROWS)))
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def _purge_forged(session: Session) -> int:
    key = tuple_(ForgedAttempts.hour, ForgedAttempts.source)
    old = select(ForgedAttempts.hour, ForgedAttempts.source).where(
        ForgedAttempts.hour < clock.now() - ATTEMPTS_KEPT
    )
    query = delete(ForgedAttempts).where(key.in_(old.limit(PURGE_ROWS)))
    query = query.execution_options(synchronize_session=False)
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def _purge_codes(session: Session) -> int:
    return code.purge(session, PURGE_ROWS)


def _purge_spent_keys(session: Session) -> int:
    return once.purge(session, PURGE_ROWS)


def _purge_sessions(session: Session) -> int:
    return sessions.purge(session, PURGE_ROWS)


def _purge_throttles(session: Session) -> int:
    return throttle.purge(session, PURGE_ROWS)


CHORES = (
    Chore("make partitions", timedelta(days=1), _make_partitions),
    Chore("purge outbox", timedelta(hours=1), _purge_outbox, again_at=PURGE_ROWS),
    Chore("purge intake batches", timedelta(hours=1), _purge_batches, again_at=PURGE_ROWS),
    Chore("purge forged attempts", timedelta(hours=1), _purge_forged, again_at=PURGE_ROWS),
    Chore("purge one-time codes", timedelta(hours=1), _purge_codes, again_at=PURGE_ROWS),
    Chore("purge spent keys", timedelta(hours=1), _purge_spent_keys, again_at=PURGE_ROWS),
    Chore("purge sessions", timedelta(hours=1), _purge_sessions, again_at=PURGE_ROWS),
    Chore("purge sign-in attempts", timedelta(hours=1), _purge_throttles, again_at=PURGE_ROWS),
)


class Cron:
    """Rings and chores of one process. More than one process may run: all it does is repeatable."""

    def __init__(self, sessions: sessionmaker[Session], bell: Bell) -> None:
        self._sessions = sessions
        self._bell = bell
        self._due: dict[str, datetime] = {}

    def tick(self) -> None:
        """Rings all topics that owe rows, then does the chores that are due; all are at first.

        An unreachable server or a failing chore is logged and tried again later, never raised.
        """
        try:
            with self._sessions() as session:
                owing = outbox.owing(session, HANDLERS)
        except SQLAlchemyError as error:
            log.warning("nothing rung: %s", faults.describe(error))
            return
        for topic in owing:
            self._bell.ring(topic)
        for chore in CHORES:
            if self._due.get(chore.name, clock.now()) <= clock.now():
                self._due[chore.name] = clock.now() + self._do(chore)

    def _do(self, chore: Chore) -> timedelta:
        """Does the chore; how long until the next time."""
        changed = 0
        try:
            for _ in range(PURGE_ROUNDS):
                with self._sessions.begin() as session:
                    count = chore.work(session)
                changed += count
                if count != chore.again_at:
                    break
        except Exception as error:  # one chore's fault must not silence the bells
            log.warning("%s failed: %s", chore.name, faults.describe(error))
            return min(chore.every, RETRY)
        log.info("%s: %d", chore.name, changed)
        return chore.every
