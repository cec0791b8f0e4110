"""One thread a process takes what the request threads hand in and commits it in batches.

Alone, a visit is committed at once; under load a batch holds what came in while the one before
was being committed. Nothing is answered before its commit, so nothing acknowledged is lost.
"""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core import clock
from core.errors import N_, YimaError
from scanapp.intake.batch import work_off
from scanapp.intake.catalogue import Catalogue
from scanapp.intake.visit import Answer, Visit
from traceability.models import IntakeBatch

BATCH_MOST = 300
QUEUE_MOST = 5000
WAIT_SECONDS = 8.0
ATTEMPTS = 3
_SAME_ROWS_WANTED_TWICE = ("40P01", "40001")  # deadlock, serialization: the whole batch again

log = logging.getLogger(__name__)


class Overloaded(YimaError):
    """More comes in than can be committed; try again soon."""

    code = "overloaded"
    status = 503
    message = N_("Very many people are scanning right now. Please try again in a few seconds.")


class Unavailable(YimaError):
    """The database can't be reached; nothing was written."""

    code = "unavailable"
    status = 503
    message = N_("We can't look this up right now. Nothing was changed; please try again shortly.")


@dataclass(slots=True)
class _Waiting:
    visit: Visit
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    error: Exception | None = None


class Committer:
    """Hands visits to the one committing thread and waits for the answers.

    `ring` is called after a commit with each outbox topic that owes work; it must not block.
    """

    def __init__(
        self, sessions: sessionmaker[Session], catalogue: Catalogue, ring: Callable[[str], None]
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._ring = ring
        self._queue: queue.Queue[_Waiting] = queue.Queue(QUEUE_MOST)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, visit: Visit) -> Answer:
        """The answer, once it is committed. Raises `Overloaded` or `Unavailable`."""
        self._ensure_thread()
        waiting = _Waiting(visit)
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise Overloaded() from None
        if not waiting.done.wait(WAIT_SECONDS):
            raise Unavailable()
        if waiting.error is not None:
            raise waiting.error
        assert waiting.answer is not None
        return waiting.answer

    def _ensure_thread(self) -> None:
        """Starts the thread on first use: after a web server's fork, not before."""
        if self._thread is None or not self._thread.is_alive():
            with self._start:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH_MOST:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            self._settle(batch)

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Answers every waiting visit of the batch, with an error when there is no other way."""
        try:
            answers = self._commit([waiting.visit for waiting in batch])
        except (DataError, IntegrityError) as error:
            self._bisect(batch, error)
            return
        except DBAPIError as error:
            log.warning("intake: batch of %d given up: %s", len(batch), type(error.orig).__name__)
            self._fail(batch, Unavailable())
            return
        except Exception as error:  # whatever it is, request threads must not wait for ever
            log.exception("intake: batch of %d failed", len(batch))
            self._bisect(batch, error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.answer = answer
            waiting.done.set()

    def _bisect(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Halves the batch until only the visit that can't be written fails."""
        if len(batch) == 1:
            log.error("intake: one visit refused by the database: %s", type(error).__name__)
            self._fail(batch, error)
            return
        middle = len(batch) // 2
        self._settle(batch[:middle])
        self._settle(batch[middle:])

    @staticmethod
    def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
        for waiting in batch:
            waiting.error = error
            waiting.done.set()

    def _commit(self, visits: Sequence[Visit]) -> list[Answer]:
        """The answers of the committed batch, tried again after a deadlock or a lost connection."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(visits)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not _may_help(error):
                    raise
                time.sleep(0.02 * attempt)
        raise AssertionError("unreachable")

    def _once(self, visits: Sequence[Visit]) -> list[Answer]:
        batch_id = uuid.uuid4()
        with self._sessions() as session:
            done = work_off(session, visits, self._catalogue)
            if done.wrote:
                session.execute(insert(IntakeBatch).values(id=batch_id, at=clock.now()))
                try:
                    session.commit()
                except OperationalError:
                    # The connection went while COMMIT was under way: the batch's own row tells.
                    if not self._is_committed(batch_id):
                        raise
        for topic in done.topics:
            self._ring(topic)
        return done.answers

    def _is_committed(self, batch_id: uuid.UUID) -> bool:
        with self._sessions() as session:
            return session.get(IntakeBatch, batch_id) is not None


def _may_help(error: DBAPIError) -> bool:
    """Whether the same batch may succeed when it is tried again."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in _SAME_ROWS_WANTED_TWICE
