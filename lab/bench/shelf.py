"""Codes on a shelf, and requests about them: taken from the front, nobody scanned them before."""

from collections.abc import Sequence
from pathlib import Path

from lab.bench import load
from lab.bench.open_loop import Latency, open_loop
from lab.bench.steady import steady

# A round may go on a little after its last answer was counted; and of the client's threads, which
# take every other code each, one may be faster.
HEADROOM = 1.5


class Shelf:
    """Requests written to `file`.

    `answered` counts good answers about fresh codes, `errors` the answers that were none of 200 to
    399, whichever the codes.
    """

    def __init__(self, file: Path, lines: Sequence[str]) -> None:
        load.write_requests(file, lines)
        self._file = file
        self._lines = lines
        self._taken = 0
        self.answered = 0
        self.errors = 0

    def fresh(self, port: int, seconds: float, follow: str | None = None) -> float:
        """Requests a second with codes that nobody scanned before."""
        reached = self._drive(port, seconds, self._taken, follow)
        self.answered += int(reached * seconds)
        self._take(int(reached * seconds))
        return reached

    def again(self, port: int, seconds: float) -> float:
        """Requests a second from the front of the shelf, whoever scanned those codes before."""
        return self._drive(port, seconds, 0, None)

    def steady(self, port: int, rate_per_second: float, seconds: float) -> Latency:
        """Latency in an open loop at the rate, with codes that nobody scanned before.

        By wrk where it is installed, else by our own client.
        """
        if load.client_name() == "wrk":
            found = steady(port, self._file, rate_per_second, seconds, self._taken)
        else:
            found = open_loop(port, self._lines[self._taken :], rate_per_second, seconds)
        self._take(found.requests)
        self.answered += found.requests - found.errors
        self.errors += found.errors
        return found

    def _drive(self, port: int, seconds: float, start_at: int, follow: str | None) -> float:
        reached = load.peak(port, self._file, seconds, start_at, follow)
        self.errors += reached.errors
        return reached.requests_per_second

    def _take(self, requests: int) -> None:
        self._taken += int(requests * HEADROOM) + 2 * load.CONNECTIONS
        if self._taken >= len(self._lines):
            raise RuntimeError("the shelf is empty: give the benchmark more codes")
