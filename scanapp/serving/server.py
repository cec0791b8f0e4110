"""The web server: Granian with our bounds, ended in two steps so that nobody is cut off."""

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from core import logs
from scanapp.serving import bodies, farewell

# More threads than requests let in: these say no to the others (`scanapp/serving/admission.py`).
SPARE_THREADS = 8
# Granian leaves connections on top of these unaccepted, in a line that nobody sees. One that is
# kept and idle counts too, so there are many more than threads.
CONNECTIONS_MOST = 1024
# No statement may take as long, so a process that goes on is stuck.
KILL_SECONDS = 60


def serve(
    host: str,
    port: int,
    workers: int,
    threads: int,
    farewell_seconds: float,
    is_pinned: bool = True,
    application: str = "wsgi:app",
) -> None:
    """Serves the application by `workers` processes, each answering `threads` requests at a time.

    Returns when a signal has ended it. SIGTERM lets clients go for `farewell_seconds` before
    (a second signal hurries), SIGINT does not; either way requests under way are answered.
    If pinned, and there are processes for all CPUs, each keeps to one of them.
    """
    # Loaded here once: the processes share it, and start sooner.
    import_module("scanapp.app")
    os.environ["YIMA_REQUESTS_MOST"] = str(threads)
    os.environ[farewell.SECONDS] = str(farewell_seconds)
    _allow_open_files(CONNECTIONS_MOST + 512)
    server = _Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        # TLS and HTTP/2 end at the proxy; here a connection is one request at a time.
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=threads + SPARE_THREADS + bodies.READERS_MOST,
        backpressure=CONNECTIONS_MOST,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        # Its warnings are opinions about the number of threads.
        log_level=LogLevels.error,
        log_dictconfig=logs.config(),
    )
    cpus = os.sched_getaffinity(0)
    if is_pinned and workers >= len(cpus):  # fewer go where there is room
        server.cpus = [{cpu} for cpu in sorted(cpus)]
    else:
        server.cpus = [cpus]
    server.serve()


class _Server(MPServer):
    """Makes each process ready on its CPU, and announces the end to them before it ends them.

    Of a process' threads one at a time runs Python, so a second CPU helps little, and waking one
    another across CPUs costs more than a request's own work.
    """

    cpus: list[set[int]] = []
    _told_to_end = 0
    _is_polite = False

    def _spawn_worker(  # type: ignore[override]
        self, idx: int, target: Any, callback_loader: Callable[[], Any]
    ) -> Any:
        load = partial(load_ready, self.cpus[idx % len(self.cpus)], callback_loader)
        return super()._spawn_worker(idx, target, load)

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        self._told_to_end += 1
        self._is_polite = args[0] == signal.SIGTERM
        super().signal_handler_interrupt(*args, **kwargs)

    def shutdown(self, exit_code: int = 0) -> None:
        for worker in self.wrks:
            worker.interrupt_by_parent = True
            # One that is still starting ends by it; it would miss the signal that follows.
            os.kill(worker.inner.pid, farewell.ANNOUNCE)
        # Never less than a moment: of two signals at once the kernel may give the second to another
        # thread, and Python's main thread sleeps on.
        seconds = farewell.DEAF_SECONDS
        if self._is_polite:
            seconds += float(os.environ[farewell.SECONDS])
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._told_to_end < 2:
            time.sleep(0.05)
        super().shutdown(exit_code)


def load_ready(cpus: set[int], load: Callable[[], Any]) -> Any:
    """What `load` loads, in a process made ready to serve it.

    The process and the threads that it starts later keep to the CPUs.
    """
    os.sched_setaffinity(0, cpus)
    # A request computes for a millisecond or two. Who waits for the interpreter need not interrupt
    # who has it after 5 ms, the default: it would be a switch for nothing.
    sys.setswitchinterval(0.02)
    application = load()
    # What is loaded by now stays: left out of the collector's rounds, which took a scan's
    # fifteenth. What a scan leaves behind is freed without it; it just has to find that out.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
    return application


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
