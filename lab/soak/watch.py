"""What is looked at every few seconds while the soak runs, and what it must not do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from statistics import quantiles
from typing import Any

from psutil import CONN_LISTEN, Process
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import outbox
from lab.soak.trend import Verdict, drifts, exceeds, grows
from lab.traffic import Told

# A leak of 20 bytes a request would be more.
MEMORY_MB_PER_HOUR = {"web": 20.0, "worker": 20.0, "cron": 20.0}
CONNECTIONS_PER_HOUR = 6.0
THREADS_PER_HOUR = 6.0
OPEN_FILES_PER_HOUR = 30.0
OWED_PER_HOUR = 1000.0
OWED_MOST = 5000  # what waits for the worker at any time
LATENCY_RATIO = 1.5
REFUSED_SHARE = 0.01
PARTITIONS_MORE = 1  # should the month end meanwhile


@dataclass(frozen=True)
class Sample:
    """The state at one moment, and what was answered since the one before."""

    t_seconds: float
    rss_mb: float  # of the web's processes
    rss_worker_mb: float
    rss_cron_mb: float
    threads: int  # of all our processes
    open_files: int  # theirs too, sockets and pipes as well; not clients' connections to the web
    connections: int
    partitions: int
    outbox_owed: int
    database_mb: float
    requests_per_second: float
    scans_per_second: float  # recorded, claims included
    p50_ms: float
    p95_ms: float
    refused: int
    failed: int

    def as_json(self) -> dict[str, Any]:
        """The sample as programs read it."""
        return asdict(self)


@dataclass(frozen=True)
class Pids:
    """Our processes by kind; each with those that it started."""

    web: int
    worker: int
    cron: int

    def of(self, kind: str) -> list[Process]:
        """The kind's processes as they are now; raises psutil's `NoSuchProcess` if it ended."""
        first = Process(getattr(self, kind))
        return [first, *first.children()]


def sample(
    session: Session,
    pids: Pids,
    told: Sequence[Told],
    port: int,
    t_seconds: float,
    since_seconds: float,
) -> Sample:
    """How everything is after `t_seconds`.

    `told` came back in the last `since_seconds` from the web on `port`.
    """
    ours = {kind: pids.of(kind) for kind in MEMORY_MB_PER_HOUR}
    memory = {kind: _memory_mb(processes) for kind, processes in ours.items()}
    everybody = list(chain.from_iterable(ours.values()))
    answered = sorted(each.seconds * 1000 for each in told if each.status == 200)
    cuts = quantiles(answered, n=20) if len(answered) > 1 else [0.0] * 19
    wrote = sum(1 for each in told if each.status == 200 and each.request.kind != "page")
    connections, partitions, bytes_ = session.execute(_DATABASE).one()
    return Sample(
        t_seconds=round(t_seconds, 1),
        rss_mb=memory["web"],
        rss_worker_mb=memory["worker"],
        rss_cron_mb=memory["cron"],
        threads=sum(process.num_threads() for process in everybody),
        open_files=sum(_open_files(process, port) for process in everybody),
        connections=connections,
        partitions=partitions,
        outbox_owed=sum(outbox.owed(session).values()),
        database_mb=round(bytes_ / 1e6, 1),
        requests_per_second=round(len(answered) / since_seconds, 1),
        scans_per_second=round(wrote / since_seconds, 1),
        p50_ms=round(cuts[9], 1),
        p95_ms=round(cuts[18], 1),
        refused=sum(1 for each in told if each.status == 503),
        failed=sum(1 for each in told if each.status not in (200, 503)),
    )


def verdicts(samples: Sequence[Sample]) -> list[Verdict]:
    """What the samples, those of the warm-up left out, say about each bound."""
    seconds = [each.t_seconds for each in samples]
    answered = sum(each.requests_per_second for each in samples)
    every = (seconds[-1] - seconds[0]) / max(1, len(samples) - 1)
    share = sum(each.refused for each in samples) / max(1.0, answered * every)

    def growth(name: str, field: str, most_per_hour: float) -> Verdict:
        values = [float(getattr(each, field)) for each in samples]
        return grows(name, seconds, values, most_per_hour)

    return [
        growth("web_mb_per_hour", "rss_mb", MEMORY_MB_PER_HOUR["web"]),
        growth("worker_mb_per_hour", "rss_worker_mb", MEMORY_MB_PER_HOUR["worker"]),
        growth("cron_mb_per_hour", "rss_cron_mb", MEMORY_MB_PER_HOUR["cron"]),
        growth("threads_per_hour", "threads", THREADS_PER_HOUR),
        growth("open_files_per_hour", "open_files", OPEN_FILES_PER_HOUR),
        growth("connections_per_hour", "connections", CONNECTIONS_PER_HOUR),
        growth("outbox_owed_per_hour", "outbox_owed", OWED_PER_HOUR),
        exceeds("outbox_owed_most", [each.outbox_owed for each in samples], OWED_MOST),
        exceeds(
            "partitions_more", [samples[-1].partitions - samples[0].partitions], PARTITIONS_MORE
        ),
        drifts("p50_ratio", [each.p50_ms for each in samples], LATENCY_RATIO),
        drifts("p95_ratio", [each.p95_ms for each in samples], LATENCY_RATIO),
        exceeds("refused_share", [share], REFUSED_SHARE),
        exceeds("failed", [float(sum(each.failed for each in samples))], 0),
    ]


def _memory_mb(processes: Sequence[Process]) -> float:
    return round(sum(process.memory_info().rss for process in processes) / 1e6, 1)


def _open_files(process: Process, port: int) -> int:
    accepted = [
        each
        for each in process.net_connections("tcp")
        if each.laddr.port == port and each.status != CONN_LISTEN
    ]
    return process.num_fds() - len(accepted)


_DATABASE = text(
    """
    SELECT (SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'),
           (SELECT count(*) FROM pg_inherits WHERE inhparent = 'scan'::regclass),
           pg_database_size(current_database())
    """
)
