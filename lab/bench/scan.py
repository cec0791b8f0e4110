"""`scan`: recorded scans a second over real HTTP, everything switched on, durably committed."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert

from lab.bench import ground, load, textbook
from lab.bench.open_loop import CONNECTIONS, Latency, closed_loop, open_loop
from lab.bench.result import Result, in_turns, judged, median_ratio, spread
from lab.bench.shelf import HEADROOM, Shelf

CODES = 600_000
TEXTBOOK_CODES = 60_000
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4
OPEN_SHARE = 0.7
OPEN_ROUNDS = 5
OPEN_PEAK_SECONDS = 4
OPEN_SECONDS = 6


def run(home: Path) -> Result:
    """Peak in turns with `bare` and `textbook`, then latency in an open loop at 70 % of a peak.

    That is the one reached by the open loop's own client just before: it takes its share of the
    machine, and the machine is not as fast at all times.
    """
    with ground.ground(home) as base:
        stock = ground.stock(base, CODES)
        lines = scan_lines(stock)
        shelf = Shelf(home / "scans.txt", lines)
        plain_shelf = Shelf(home / "textbook.txt", lines[:TEXTBOOK_CODES])
        _fill_textbook(base, stock.serials[:TEXTBOOK_CODES])
        with (
            ground.yima(base) as ours,
            ground.bare(base) as bare,
            ground.gunicorn(base, "lab.bench.textbook:create_app()") as plain,
        ):
            shelf.fresh(ours, WARM_UP_SECONDS)
            shelf.again(bare, WARM_UP_SECONDS)
            measured = in_turns(
                {
                    "scan": lambda: shelf.fresh(ours, ROUND_SECONDS),
                    "bare": lambda: shelf.again(bare, ROUND_SECONDS),
                    "textbook": lambda: plain_shelf.again(plain, ROUND_SECONDS),
                }
            )
            late = _open(ours, shelf.rest())
        recorded = ground.count(base, "scan")
    return judged(
        "scan",
        {
            "scans_per_second": spread(measured["scan"]),
            "bare_requests_per_second": spread(measured["bare"]),
            "textbook_scans_per_second": spread(measured["textbook"]),
            "open_loop_p50_ms": spread([each.p50_ms for each in late]),
            "open_loop_p95_ms": spread([each.p95_ms for each in late]),
            "open_loop_p99_ms": spread([each.p99_ms for each in late]),
            "open_loop_median_p99_ms": spread([each.p99_ms for each in late])["median"],
            "open_loop_per_second": spread([each.requests / OPEN_SECONDS for each in late]),
            "scans_recorded": recorded,
            "errors": shelf.errors + plain_shelf.errors + sum(each.errors for each in late),
        },
        {
            "bare": median_ratio(measured["scan"], measured["bare"]),
            "textbook": median_ratio(measured["scan"], measured["textbook"]),
        },
        {"bare": (">=", 0.25), "textbook": (">=", 4.0), "open_loop_median_p99_ms": ("<", 100.0)},
        {"client": load.client_name(), "open_loop_client": "python"},
    )


def scan_lines(stock: ground.Stock) -> list[str]:
    """An app's scan of every code, each by a user of its own."""
    return [
        load.scan_line(f"/{serial}", stock.api_key, f"v{number}")
        for number, serial in enumerate(stock.serials)
    ]


def _open(port: int, lines: Sequence[str]) -> list[Latency]:
    """The latencies of each round; each begins where the one before has left off."""
    found = []
    for _ in range(OPEN_ROUNDS):
        peak = closed_loop(port, lines, OPEN_PEAK_SECONDS)
        lines = lines[int(peak * OPEN_PEAK_SECONDS * HEADROOM) + CONNECTIONS :]
        found.append(open_loop(port, lines, OPEN_SHARE * peak, OPEN_SECONDS))
        lines = lines[found[-1].requests :]
    return found


def _fill_textbook(base: ground.Ground, serials: list[str]) -> None:
    """The textbook's row for every code."""
    with base.sessions.begin() as session:
        connection = session.connection()
        textbook.Base.metadata.create_all(connection)
        rows = [{"serial": serial, "state": "active", "scans": 0} for serial in serials]
        connection.execute(insert(textbook.Code), rows)
