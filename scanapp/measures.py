"""What a web process counts and times, for `/metrics`. Labels never hold what a caller sent."""

import os
from collections import Counter as Tally
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client looks for it when it is imported
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_own = CollectorRegistry()
REQUESTS = Histogram(
    "yima_request_seconds",
    "From the request's arrival in the application to its answer.",
    ("route", "status"),
    registry=_own,
    buckets=_SECONDS,
)
REFUSED = Counter(
    "yima_requests_refused",
    "Requests told at once to come again, because as many as may were being answered.",
    registry=_own,
)
BATCH_VISITS = Histogram(
    "yima_intake_batch_visits",
    "Looks, scans and claims that were committed together.",
    registry=_own,
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 300),
)
BATCH_WAIT = Histogram(
    "yima_intake_wait_seconds",
    "How long a batch's first visit waited for the batch to begin.",
    registry=_own,
    buckets=(0.001, *_SECONDS),
)
BATCH_COMMIT = Histogram(
    "yima_intake_commit_seconds",
    "From a batch's beginning to its answers.",
    registry=_own,
    buckets=(0.001, *_SECONDS),
)
VISITS = Counter(
    "yima_visits", "Committed visits by what they came to.", ("kind", "outcome"), registry=_own
)
CLAIMS = Counter("yima_claims", "Claims by what was decided.", ("state",), registry=_own)
CODES = Counter(
    "yima_one_time_codes",
    "One-time codes sent home or abroad, and refused: an alarm on abroad is worth its while.",
    ("where",),
    registry=_own,
)
FORGED = Counter("yima_forged_attempts", "Serials that no key of ours has made.", registry=_own)


def around(application: "WSGIApplication") -> "WSGIApplication":
    """The application; every request is timed until its answer begins."""
    # `labels()` takes a lock and makes texts; there are few pairs, so they are kept.
    known: dict[tuple[str | None, str], Histogram] = {}

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began = perf_counter()

        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            # Flask's request, once it was reached; another has no endpoint.
            key = getattr(environ.get("werkzeug.request"), "endpoint", None), status[:3]
            timer = known.get(key)
            if timer is None:
                timer = known[key] = REQUESTS.labels(key[0] or "none", key[1])
            timer.observe(perf_counter() - began)
            return start_response(status, headers, error)

        return application(environ, start)

    return answer


def batch_done(
    waited: float, seconds: float, came_to: Iterable[tuple[str, str, str | None]]
) -> None:
    """Counts a committed batch; of each visit its kind, outcome, and state of a claim made now."""
    visits = Tally(came_to)
    BATCH_VISITS.observe(visits.total())
    BATCH_WAIT.observe(waited)
    BATCH_COMMIT.observe(seconds)
    for (kind, outcome, claim), count in visits.items():
        VISITS.labels(kind, outcome).inc(count)
        if claim is not None:
            CLAIMS.labels(claim).inc(count)


def exposition(more: Collector) -> bytes:
    """Prometheus' text of all processes that share a folder, or of this one, and of `more`."""
    texts = [generate_latest(_all_processes() if os.environ.get(FOLDER) else _own)]
    extra = CollectorRegistry()
    extra.register(more)
    texts.append(generate_latest(extra))
    return b"".join(texts)


def _all_processes() -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
