"""The clock: rings for what is owed, and keeps the house, again and again."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core import clock, outbox
from core.bells import Bell
from core.chores import Chore
from worker import faults
from worker.rooms import CHORES, HANDLERS

RING_SECONDS = 2
PURGE_ROUNDS = 100
RETRY = timedelta(minutes=1)

log = logging.getLogger(__name__)


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
