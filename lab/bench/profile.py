"""Where the time of a scan goes: one process in a crowd, each stage timed as it runs.

    python -m lab.bench.profile REQUESTS SECONDS

with the settings in the environment; REQUESTS is a file as `load.write_requests` writes it. There
is no web server: the crowd are the threads that it would have. Timing makes a scan some
microseconds longer.
"""

import io
import json
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from core.settings import from_environ
from scanapp.api import scan
from scanapp.app import create_app
from scanapp.intake.committer import Committer
from scanapp.intake.process import Process
from scanapp.serving.server import load_ready

CROWD = 64
WARM_UP_SECONDS = 2.0
FLASK = "flask"  # what is in none of the others
# Each stage's own time: what it calls of another stage counts as that one's.
STAGES: dict[str, list[tuple[Any, str]]] = {
    "parse": [(scan, name) for name in ("_presented", "verify", "_body", "_visitor", "_place")],
    "open": [(Process, "open"), (Process, "source")],
    "wait": [(Committer, "submit")],
    "batch": [(Committer, "_settle")],
    "sql": [(psycopg.Cursor, "execute"), (psycopg.Connection, "commit")],
    "render": [(scan, "_as_json"), (scan, "Response")],
}


class Stopwatch:
    """Adds up what each stage takes, of processor time and by the clock, in all threads."""

    def __init__(self) -> None:
        self._taken: deque[tuple[str, int, int]] = deque()
        self._within = threading.local()

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed as part of the stage."""

        def measured(*args: Any, **options: Any) -> Any:
            outer = getattr(self._within, "stage", None)
            inner = self._within.stage = [0, 0]
            cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
            try:
                return call(*args, **options)
            finally:
                cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
                self._within.stage = outer
                if outer is not None:
                    outer[0] += cpu
                    outer[1] += wall
                self._taken.append((stage, cpu - inner[0], wall - inner[1]))

        return measured

    @contextmanager
    def on_all_stages(self) -> Iterator[None]:
        """The stages are timed in the block."""
        with ExitStack() as patches:
            for stage, parts in STAGES.items():
                for owner, name in parts:
                    call = self.timed(stage, getattr(owner, name))
                    patches.enter_context(patch.object(owner, name, call))
            yield

    def read(self) -> tuple[Counter[str], Counter[str], Counter[str]]:
        """Nanoseconds of processor and by the clock, and calls, since the last reading."""
        cpu, wall, calls = Counter[str](), Counter[str](), Counter[str]()
        for _ in range(len(self._taken)):
            stage, of_cpu, of_wall = self._taken.popleft()
            cpu[stage] += of_cpu
            wall[stage] += of_wall
            calls[stage] += 1
        return cpu, wall, calls


def profile(lines: Iterable[str], seconds: float) -> dict[str, Any]:
    """What a scan costs by stages, and a batch's size and time with and without its SQL."""
    watch = Stopwatch()
    with watch.on_all_stages():
        app = load_ready({min(os.sched_getaffinity(0))}, lambda: create_app(from_environ()))
        answer = watch.timed(FLASK, app)
        requests = iter(lines)
        _crowd(answer, requests, WARM_UP_SECONDS)
        watch.read()
        _crowd(answer, requests, seconds)
        cpu, wall, calls = watch.read()
    scans, batches = calls[FLASK], calls["batch"]
    return {
        "cpu_us_a_scan": {stage: round(cpu[stage] / scans / 1e3, 1) for stage in (FLASK, *STAGES)},
        "waits_ms": round(wall["wait"] / scans / 1e6, 1),
        "batch_ms": round((wall["batch"] + wall["sql"]) / batches / 1e6, 1),
        "batch_sql_ms": round(wall["sql"] / batches / 1e6, 1),
        "scans_a_batch": round(scans / batches, 1),
        "scans_per_second": round(scans / seconds),
    }


def _crowd(answer: Callable[..., Any], requests: Iterator[str], seconds: float) -> None:
    """So many threads ask one request after the other. Raises `RuntimeError` if one is refused."""
    until = time.monotonic() + seconds
    lock = threading.Lock()
    refused: list[str] = []

    def told(status: str, _headers: object, _error: object = None) -> None:
        if not status.startswith("200"):
            refused.append(status)

    def ask() -> None:
        while time.monotonic() < until and not refused:
            with lock:
                line = next(requests)
            answered = answer(_environ(line), told)
            b"".join(answered)
            getattr(answered, "close", int)()

    threads = [threading.Thread(target=ask) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise RuntimeError(f"a scan was answered with {refused[0]}")


def _environ(line: str) -> dict[str, Any]:
    """The request as a web server hands it over."""
    method, path, key, body = line.split(" ", 3)
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body.encode())),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body.encode()),
        "wsgi.multithread": True,
    }


if __name__ == "__main__":
    file, seconds = sys.argv[1:]
    with Path(file).open() as kept:
        sys.stdout.write(json.dumps(profile(map(str.strip, kept), float(seconds))))
