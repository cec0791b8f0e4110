"""Runs the soak: web, worker and clock on durable servers, a steady day, a look every 5 s."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from core import clock
from lab.bench import ground, load
from lab.bench.ground import Ground, Stock
from lab.bench.result import Result, judged
from lab.bench.run import keep, results_folder
from lab.demo.stage import free_port
from lab.soak.day import CODES_OF_HUNDRED, Day
from lab.soak.trend import exceeds
from lab.soak.watch import Pids, Sample, sample, verdicts
from lab.traffic import Request, Told, Traffic
from rewards.campaign import Terms

WORKERS = 2
SHARE_OF_CAPACITY = 0.55
MEASURING_SECONDS = 6
MEASURED_CODES = 30_000
CONNECTIONS_MOST = 400
EVERY_SECONDS = 5.0
# Arenas, caches and statement plans fill for some minutes.
WARM_UP_SHARE = 0.5
WARM_UP_MOST_SECONDS = 600.0
POINTS = 5
KNOWN_SECONDS = 3  # until every process has heard of the brand's key and campaign


def run(home: Path, minutes: float) -> Result:
    """Soaks for so many minutes on servers of its own under `home`; what was seen, and the bounds.

    Kept beside the benchmarks' results.
    """
    with ground.ground(home) as base, _processes(base) as (port, pids):
        reach = _capacity(home, port, _stock(base, MEASURED_CODES))
        rate = SHARE_OF_CAPACITY * reach
        needed = int(rate * (minutes * 60 + 30) * CODES_OF_HUNDRED / 100) + 1000
        requests = Day(_stock(base, needed)).requests()
        before = _scans(base)
        time.sleep(KNOWN_SECONDS)
        with Traffic(port, lambda: next(requests), rate, CONNECTIONS_MOST) as traffic:
            samples, told = _watch(base, pids, port, traffic, minutes * 60)
        told += traffic.told()
        lost = _acknowledged(told) - (_scans(base) - before)
    found = [*verdicts(_warm(samples, minutes * 60)), exceeds("scans_lost", [lost], 0)]
    notes = {
        "minutes": minutes,
        "capacity, requests per second": round(reach, 1),
        "offered, requests per second": round(rate, 1),
    }
    figures = {each.name: each.value for each in found}
    result = judged(
        "soak",
        {**figures, "samples": [each.as_json() for each in samples]},
        {},
        {each.name: ("<=", each.bound) for each in found},
        notes,
    )
    keep(result, results_folder(home))
    return result


def show(result: Result) -> str:
    """The result for people."""
    samples = result.figures["samples"]
    lines = [f"soak: {'passed' if result.met else 'FAILED'}"]
    lines += [f"  {name}: {samples[0][name]} … {samples[-1][name]}" for name in samples[0]]
    for each in result.checks():
        word = "kept" if each.met else "BROKEN"
        lines.append(f"  {word}: {each.name} {each.value:g}, at most {each.limit:g}")
    return "\n".join(lines)


@contextlib.contextmanager
def _processes(base: Ground) -> Iterator[tuple[int, Pids]]:
    """The port of the web, and everybody's process ids; ended afterwards."""
    port = free_port(0)
    commands = {
        "web": ["web", "--port", str(port), "--workers", str(WORKERS)],
        "worker": ["worker"],
        "cron": ["cron"],
    }
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in commands.items():
            with (base.home / f"{name}.log").open("wb") as log:
                started[name] = subprocess.Popen(
                    [sys.executable, "-m", "cli", *arguments],
                    env=base.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        ground.wait_for(started["web"], port)
        yield port, Pids(**{name: process.pid for name, process in started.items()})
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            process.wait(60)


def _stock(base: Ground, codes: int) -> Stock:
    terms = Terms("浸泡", "Soak", POINTS, POINTS * codes, clock.now() - timedelta(days=1))
    return ground.stock(base, codes, terms)


def _capacity(home: Path, port: int, stock: Stock) -> float:
    """Requests of such a day that the web answers a second when it gets all it can take."""
    lines = [_line(request) for request in Day(stock).requests()]
    file = home / "day.txt"
    load.write_requests(file, lines)
    load.peak(port, file, MEASURING_SECONDS / 2)
    return load.peak(port, file, MEASURING_SECONDS, start_at=len(lines) // 2).requests_per_second


def _line(request: Request) -> str:
    return f"{request.method} {request.path} {request.key or '-'} {request.body}"


def _watch(
    base: Ground, pids: Pids, port: int, traffic: Traffic, seconds: float
) -> tuple[list[Sample], list[Told]]:
    samples, everything = [], []
    begun = last = time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        time.sleep(max(0.0, last + EVERY_SECONDS - now))
        told, now = traffic.told(), time.monotonic()
        with base.sessions() as session:
            samples.append(sample(session, pids, told, port, now - begun, now - last))
        everything += [each for each in told if each.request.kind != "page"]
        last = now
    return samples, everything


def _warm(samples: list[Sample], seconds: float) -> list[Sample]:
    warm_up = min(WARM_UP_MOST_SECONDS, WARM_UP_SHARE * seconds)
    return [each for each in samples if each.t_seconds >= warm_up]


def _acknowledged(told: list[Told]) -> int:
    """Pairs of code and visitor that were told to be recorded; a claim counts as a scan."""
    return len(
        {
            (each.request.path.removesuffix("/claim"), each.request.body)
            for each in told
            if each.status == 200 and each.request.kind != "page"
        }
    )


def _scans(base: Ground) -> int:
    with base.sessions() as session:
        return int(session.execute(text("SELECT count(*) FROM scan")).scalar_one())
