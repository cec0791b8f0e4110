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
from random import getrandbits

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from core.db import make_engine, make_sessions
from core.errors import N_, YimaError
from core.logs import about
from scanapp import measures
from scanapp.intake.answer import Answer
from scanapp.intake.batch import work_off
from scanapp.intake.catalogue import Catalogue
from traceability.models import IntakeBatch
from traceability.record import mark
from traceability.visit import Kind, Visit

BATCH_MOST = 300
QUEUE_MOST = 5000
# A batch costs as much as a dozen visits, however few are in it. In a crowd, that is when the batch
# before had so many, a moment's wait makes batches larger and so everybody's wait shorter.
CROWD = 4
LINGER_SECONDS = 0.006
ENOUGH = 60
WAIT_SECONDS = 8.0
STATEMENT_SECONDS = 4
ATTEMPTS = 3
# Seconds before each look for a batch whose COMMIT was not answered.
LOOKS = (0.0, 0.1, 0.4, 1.0, 2.0)
_SAME_ROWS_WANTED_TWICE = ("40P01", "40001")  # deadlock, serialization: the whole batch again

# Each of a batch's look-ups is a step or two down a B-tree, however large the tables are. A planner
# that saw them small would read them whole, and keep that plan while they grow.
_ONE_PLAN = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

log = logging.getLogger(__name__)


def open_sessions(database_url: str) -> sessionmaker[Session]:
    """Sessions for one thread: deadlines shorter than callers wait, no ping before a batch.

    A batch whose connection turns out dead is tried again anyway.
    """
    engine = make_engine(
        database_url,
        statement_timeout_seconds=STATEMENT_SECONDS,
        server_settings=_ONE_PLAN,
        pool_pre_ping=False,
        pool_size=1,
        hide_parameters=True,
    )
    return make_sessions(engine)


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


class Unsettled(YimaError):
    """Nobody can say yet whether it was written; asking again counts nothing twice."""

    code = "unsettled"
    status = 503
    message = N_(
        "This takes longer than it should. Please try again in a few seconds: nothing counts twice."
    )


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Waiting:
    visit: Visit
    since: float = field(default_factory=time.perf_counter)
    # The committer sets the first and then reads the second, who waits does it the other way
    # round: so nobody is told that nothing was changed by what is being committed.
    is_begun: bool = False
    is_given_up: bool = False
    # Held until there is an answer. A bare lock: an event is three of them and wakes twice.
    unanswered: threading.Lock = field(default_factory=_held)
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
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, visit: Visit) -> Answer:
        """The answer, once it is committed. Raises `Overloaded`, `Unavailable` or `Unsettled`."""
        self._ensure_thread()
        waiting = _Waiting(visit)
        if self._queue.qsize() >= QUEUE_MOST:
            raise Overloaded()
        self._queue.put(waiting)
        if not waiting.unanswered.acquire(timeout=WAIT_SECONDS):
            waiting.is_given_up = True
            raise Unsettled() if waiting.is_begun else Unavailable()
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
        before = 0  # visits of the batch before
        while True:
            batch = [self._queue.get()]
            if before >= CROWD and self._queue.qsize() < ENOUGH:
                time.sleep(LINGER_SECONDS)
            while len(batch) < BATCH_MOST:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            before = len(batch)
            for waiting in batch:
                waiting.is_begun = True
            wanted = [waiting for waiting in batch if not waiting.is_given_up]
            if wanted:
                with about(waiting.visit.request_id for waiting in wanted):
                    self._settle(wanted)

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Answers every waiting visit of the batch, with an error when there is no other way."""
        begun = time.perf_counter()
        try:
            answers = self._commit([waiting.visit for waiting in batch])
        except (DataError, IntegrityError) as error:
            self._bisect(batch, error)
            return
        except (DBAPIError, PoolTimeout) as error:
            name = type(getattr(error, "orig", error)).__name__
            log.warning("intake: batch of %d given up: %s", len(batch), name)
            self._fail(batch, Unavailable)
            return
        except Unsettled:
            log.warning("intake: batch of %d: nobody knows whether it was committed", len(batch))
            self._fail(batch, Unsettled)
            return
        except Exception as error:  # whatever it is, request threads must not wait for ever
            log.exception("intake: batch of %d failed", len(batch))
            self._bisect(batch, error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.answer = answer
            waiting.unanswered.release()
        _measure(batch, begun)

    def _bisect(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Halves the batch until only the visit that can't be written fails."""
        if len(batch) == 1:
            log.error("intake: one visit refused by the database: %s", type(error).__name__)
            self._fail(batch, lambda: error)
            return
        middle = len(batch) // 2
        self._settle(batch[:middle])
        self._settle(batch[middle:])

    @staticmethod
    def _fail(batch: Sequence[_Waiting], error: Callable[[], Exception]) -> None:
        for waiting in batch:
            waiting.error = error()
            waiting.unanswered.release()

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
        batch_id = uuid.UUID(int=getrandbits(128), version=4)
        with self._sessions() as session:
            done = work_off(session, visits, self._catalogue, batch_id)
            if done.wrote:
                try:
                    session.commit()
                except DBAPIError:
                    # The connection went while COMMIT was under way: the batch's own row tells.
                    session.invalidate()
                    if not self._was_committed(batch_id):
                        raise
        for topic in done.topics:
            self._ring(topic)
        return done.answers

    def _was_committed(self, batch_id: uuid.UUID) -> bool:
        """Whether the batch is there, or never will be. Raises `Unsettled` if nobody answers."""
        for pause in LOOKS:
            time.sleep(pause)
            try:
                with self._sessions() as session:
                    # Unlike a SELECT this waits for a COMMIT that the server is still busy with.
                    marked = session.scalar(mark(batch_id).returning(IntakeBatch.id))
                    return marked is None
            except (DBAPIError, PoolTimeout) as error:
                log.warning("intake: batch looked for in vain: %s", type(error).__name__)
        raise Unsettled()


def _measure(batch: Sequence[_Waiting], begun: float) -> None:
    """Nobody waits for it any more, and alone it changes nothing but figures."""
    measures.batch_done(
        waited=begun - batch[0].since,
        seconds=time.perf_counter() - begun,
        came_to=[_came_to(waiting.visit, waiting.answer) for waiting in batch if waiting.answer],
    )


def _came_to(visit: Visit, answer: Answer) -> tuple[str, str, str | None]:
    claim = answer.claim if visit.kind is Kind.CLAIM else None
    return visit.kind, answer.outcome, claim.state if claim and not claim.is_repeat else None


def _may_help(error: DBAPIError) -> bool:
    """Whether the same batch may succeed when it is tried again."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in _SAME_ROWS_WANTED_TWICE
