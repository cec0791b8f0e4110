"""The doors' way to ring the workers, by the name of their job: RQ on Redis."""

import logging
import queue
import threading
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from core import bells

log = logging.getLogger(__name__)


def open_bell(redis_url: str) -> bells.Bell:
    """A bell on the server at `redis_url`; connects when first used, waits 0.5 s at most."""
    client = Redis.from_url(
        redis_url,
        socket_connect_timeout=bells.SOCKET_SECONDS,
        socket_timeout=bells.SOCKET_SECONDS,
        # Once, at once: for a pooled connection that a restarted server has forgotten.
        retry=Retry(NoBackoff(), 1),
    )
    queue = Queue(bells.QUEUE, connection=client, serializer="json")
    return bells.Bell(client, queue.enqueue, RedisError)


class Ringer:
    """Rings bells in a thread of its own: a Redis that does not answer delays no commit."""

    def __init__(self, ring: Callable[[str], bool]) -> None:
        self._ring = ring
        self._topics: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, topic: str) -> None:
        """The topic's bell will be rung soon; returns at once."""
        if self._thread is None:
            with self._start:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="bells", daemon=True)
                    self._thread.start()
        self._topics.put(topic)

    def _run(self) -> None:
        while True:
            topics = {self._topics.get()}
            while not self._topics.empty():
                topics.add(self._topics.get())
            for topic in sorted(topics):
                try:
                    self._ring(topic)
                except Exception as error:  # the clock rings again; this thread must live on
                    log.warning("bell %s: %s", topic, type(error).__name__)
