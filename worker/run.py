"""Starts the workers and the clock in this process; both end at SIGTERM or SIGINT."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool

from core import logs
from core.bells import QUEUE
from core.db import make_engine, make_sessions
from core.settings import Settings
from worker.bells import open_bell
from worker.cron import RING_SECONDS, Cron
from worker.rooms import HANDLERS

# A server that vanished without closing the connection is noticed after so long, 420 s by default.
WORKER_TTL_SECONDS = 60
TELL_AGAIN_SECONDS = 8

log = logging.getLogger(__name__)


class DrainWorker(SimpleWorker):
    """Runs jobs in its own process, which the pool starts again should a job kill it."""

    max_connection_wait_time = 2.0  # seconds between tries while Redis is away, 60 by default

    def __init__(self, *args: Any, **options: Any) -> None:
        with _ending_without_redis():
            super().__init__(*args, **options | {"worker_ttl": WORKER_TTL_SECONDS})

    def work(self, burst: bool = False, **_options: Any) -> bool:  # type: ignore[override]
        """Whether any job was done. Quiet, and without RQ's scheduler, which nothing here uses."""
        logs.configure()  # where processes are not forked, children set up their own
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_end_with, args=(parent.pid,), daemon=True).start()
        with _ending_without_redis():
            return super().work(burst=burst, logging_level="WARNING")

    def execute_job(self, *args: Any) -> None:
        with _ending_without_redis():
            super().execute_job(*args)


class DrainPool(WorkerPool):
    """A pool that ends for certain when it is told to.

    A worker that is stopped in the moment of its start does not hear it, so it is told again. Who
    is in the middle of a job then breaks it off: its rows stay owed, nothing is half-done.
    """

    def stop_workers(self) -> None:
        self._told = time.monotonic()
        super().stop_workers()

    def all_workers_have_stopped(self) -> bool:
        stopped = bool(super().all_workers_have_stopped())
        if not stopped and time.monotonic() - self._told > TELL_AGAIN_SECONDS:
            self.stop_workers()
        return stopped


@contextlib.contextmanager
def _ending_without_redis() -> Iterator[None]:
    """The process ends without a traceback if Redis is away; the pool starts another."""
    try:
        yield
    except RedisError as error:
        log.warning("worker ends, Redis is away: %s", type(error).__name__)
        raise SystemExit(1) from error


def _end_with(parent: int | None) -> None:
    # A pool that is killed can't tell its workers; nobody would start or stop them any more.
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def run_worker(settings: Settings, burst: bool = False, processes: int = 1) -> None:
    """Answers bells until told to stop; with `burst`, until none waits.

    Jobs run in child processes, one each, started again when they die. Redis and PostgreSQL may
    go away and come back. The children read their settings from the environment.
    """
    # Handlers are imported by now, in the parent: a child that is started again is soon at work.
    log.info("answering the bells of %s", ", ".join(HANDLERS))
    pool = DrainPool(
        [QUEUE],
        connection=Redis.from_url(settings.redis_url, socket_connect_timeout=3),
        num_workers=processes,
        worker_class=DrainWorker,
        serializer=JSONSerializer,
    )
    pool.start(burst=burst, logging_level="WARNING")


def run_cron(settings: Settings) -> None:
    """Rings what is owed every 2 seconds and does the chores, until told to stop."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    engine = make_engine(settings.database_url, pool_size=1, hide_parameters=True)
    cron = Cron(make_sessions(engine), open_bell(settings.redis_url))
    while True:
        cron.tick()
        if stop.wait(RING_SECONDS):
            return
