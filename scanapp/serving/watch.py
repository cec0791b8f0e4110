"""Questions that may take for ever, asked so that nobody waits long and nobody asks twice."""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class Watch(Generic[T]):
    """The answer to `look`, asked in a thread, one at a time, and kept for `keep` seconds.

    A server that hangs holds that one thread; who wants to know waits `patience` seconds at most
    from the moment at which the question was asked.
    """

    def __init__(self, look: Callable[[], T], keep: float, patience: float) -> None:
        self._look = look
        self._keep = keep
        self._patience = patience
        self._changed = threading.Condition()
        self._began: float | None = None  # while a look is under way
        self._answered = -keep
        self._answer: T | None = None

    def now(self) -> T | None:
        """The answer, or None when it failed or did not come in time."""
        with self._changed:
            if self._is_stale() and self._began is None:
                self._began = monotonic()
                threading.Thread(target=self._run, name="watch", daemon=True).start()
            if self._began is not None and self._is_stale():
                left = max(0.0, self._began + self._patience - monotonic())
                self._changed.wait_for(lambda: self._began is None, left)
            return None if self._is_stale() else self._answer

    def _is_stale(self) -> bool:
        return monotonic() - self._answered >= self._keep

    def _run(self) -> None:
        answer = None
        try:
            answer = self._look()
        except Exception as error:  # a server is away, in whatever way
            log.warning("no answer: %s", type(error).__name__)
        with self._changed:
            self._answer, self._answered, self._began = answer, monotonic(), None
            self._changed.notify_all()
