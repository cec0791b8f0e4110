"""Bells that tell the workers that a topic of the outbox owes rows.

The outbox is the truth, a bell only saves the wait: ringing may fail, and a bell may be lost or
heard twice, without harm. This module knows the protocol, not Redis: the rooms that know it bring
a client and the queue's `enqueue`.

Ring after the commit that put the rows. Whoever answers lifts the bell before its first read, so
rows that were committed while a bell waited are seen by the job it announces.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from core import clock

QUEUE = "yima"
JOB = "worker.jobs.drain"
JOB_SECONDS = 120  # a drain ends itself long before
# A bell unanswered for so long is forgotten together with its job, and may be rung anew.
WAIT_SECONDS = 30
FAILURE_SECONDS = 3600
# After a failure callers aren't made to wait for the next one.
SILENCE = timedelta(seconds=5)
ZERO = timedelta()
SOCKET_SECONDS = 0.5

log = logging.getLogger(__name__)


class Store(Protocol):
    """What is used of a Redis client."""

    def set(self, name: str, value: bytes, /, *, nx: bool, ex: int) -> Any: ...
    def get(self, name: str, /) -> Any: ...
    def delete(self, name: str, /) -> Any: ...


class Bell:
    """Rings the workers by way of `store` and a queue's `enqueue(function, **options)`.

    `unreachable` is the exception (or several) by which both say that they can't be reached.
    `waits` tells whether a job, by its id, is in the queue. Who brings it rings anew when a bell
    hangs whose job is gone: the worker that took it died, and nobody else will lift the bell.
    Safe to share between threads if all are.
    """

    def __init__(
        self,
        store: Store,
        enqueue: Callable[..., object],
        unreachable: type[Exception] | tuple[type[Exception], ...],
        waits: Callable[[str], bool] | None = None,
    ) -> None:
        self._store = store
        self._enqueue = enqueue
        self._unreachable = unreachable
        self._waits = waits
        self._failed_at: datetime | None = None

    def ring(self, topic: str) -> bool:
        """Whether a bell was hung: False if one waits already, or the server can't be reached.

        Never raises for an unreachable server; then it isn't even tried for the next 5 seconds.
        """
        if self._is_silent():
            return False
        try:
            rang = self._hang(topic)
        except self._unreachable as error:
            self._failed_at = clock.now()
            log.warning("bell %s did not ring: %s", topic, type(error).__name__)
            return False
        self._failed_at = None
        return rang

    def lift(self, topic: str) -> None:
        """The topic's bell waits no longer; whoever rings from now on is heard by another job."""
        try:
            self._store.delete(_key(topic))
        except self._unreachable as error:
            log.warning("bell %s was not lifted: %s", topic, type(error).__name__)

    def _is_silent(self) -> bool:
        # A clock that was set back meanwhile must not make the silence longer.
        return self._failed_at is not None and ZERO <= clock.now() - self._failed_at < SILENCE

    def _hang(self, topic: str) -> bool:
        key, job_id = _key(topic), uuid.uuid4().hex
        if not self._may_announce(key, job_id.encode()):
            return False
        try:
            self._enqueue(
                JOB,
                args=(topic,),
                job_id=job_id,
                job_timeout=JOB_SECONDS,
                ttl=WAIT_SECONDS,
                result_ttl=0,
                failure_ttl=FAILURE_SECONDS,
            )
        except BaseException:
            self._store.delete(key)
            raise
        return True

    def _may_announce(self, key: str, mark: bytes) -> bool:
        """Whether the bell that hangs now is `mark`'s, so that its job is ours to enqueue."""
        if self._store.set(key, mark, nx=True, ex=WAIT_SECONDS):
            return True
        hanging: bytes | None = self._store.get(key)
        # It is ours, too, if the client tried twice because the first answer came too late.
        if hanging is None or hanging == mark:
            return hanging == mark
        if self._waits is None or self._waits(hanging.decode()):
            return False
        # In the instant between a job's start and its lifting this rings once too often: harmless.
        self._store.set(key, mark, nx=False, ex=WAIT_SECONDS)
        return True


def _key(topic: str) -> str:
    return f"bell:{topic}"
