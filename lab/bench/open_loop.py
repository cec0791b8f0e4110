"""Load in an open loop: requests leave by the clock, whatever comes back.

So a slow answer is measured as slow and delays no other. One thread and few instructions a request:
the client shares the machine with what it measures.
"""

import re
import selectors
import socket
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.bench.load import as_bytes

CONNECTIONS = 96
ANSWER_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds, from when a request was due to its answer's last byte."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    requests: int
    errors: int


@dataclass
class _Link:
    """A kept connection and the answer that comes on it."""

    link: socket.socket
    due: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.received.clear()
        self.link.sendall(request)

    def status(self) -> int | None:
        """Of the answer, once the whole of it is there."""
        data = self.link.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self.received, 0, head + 2)
        size = int(length[1]) if length else 0
        return int(self.received[9:12]) if len(self.received) >= head + 4 + size else None


def open_loop(
    port: int,
    lines: Sequence[str],
    rate_per_second: float,
    seconds: float,
    begin: float | None = None,
) -> Latency:
    """Sends by the clock at the rate; a request waits only where all connections are busy.

    The first is due at `begin` (of `time.perf_counter`), by default in half a second.
    """
    requests = [as_bytes(line) for line in lines[: int(rate_per_second * seconds)]]
    start = time.perf_counter() + 0.5 if begin is None else begin
    due = deque((start + n / rate_per_second, request) for n, request in enumerate(requests))
    latencies, errors = _drive(port, due, start + seconds + ANSWER_SECONDS)
    cuts = statistics.quantiles(latencies, n=100)
    p50, p95, p99 = (round(cuts[n - 1] * 1000, 1) for n in (50, 95, 99))
    return Latency(p50, p95, p99, len(latencies), errors + len(requests) - len(latencies))


def _drive(port: int, due: deque[tuple[float, bytes]], until: float) -> tuple[list[float], int]:
    """Seconds from each request's due time to its answer, and how many answers were errors.

    Ends when all are answered, or at the instant `until`.
    """
    asked = len(due)
    latencies: list[float] = []
    errors = 0
    with selectors.DefaultSelector() as ready:
        idle = _connect(port, ready)
        links = list(idle)
        while len(latencies) < asked and (now := time.perf_counter()) < until:
            while due and idle and due[0][0] <= now:
                at, request = due.popleft()
                idle.pop().send(request, at)
            pause = due[0][0] - now if due and idle else min(1.0, until - now)
            for key, _ in ready.select(max(0.0, pause)):
                status = key.data.status()
                if status is not None:
                    latencies.append(time.perf_counter() - key.data.due)
                    errors += status >= 400
                    idle.append(key.data)
        for one in links:
            one.link.close()
    return latencies, errors


def _connect(port: int, ready: selectors.BaseSelector) -> list[_Link]:
    links = []
    for _ in range(CONNECTIONS):
        link = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        links.append(_Link(link))
        ready.register(link, selectors.EVENT_READ, links[-1])
    return links
