"""`scan`: recorded scans a second over real HTTP, everything switched on, durably committed."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from lab.bench import ground, load, textbook
from lab.bench.open_loop import Latency
from lab.bench.result import Result, in_turns, judged, median_ratio, spread
from lab.bench.shelf import Shelf

CODES = 1_000_000
BRANDS = 50
CODES_A_BRAND = 10_000
TEXTBOOK_CODES = 60_000
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4
OPEN_SHARE = 0.7
OPEN_ROUNDS = 5
OPEN_PEAK_SECONDS = 4
OPEN_SECONDS = 6
PROFILE_CODES = 60_000
PROFILE_SECONDS = 6


def run(home: Path) -> Result:
    """Peak in turns with 50 brands', `bare` and `textbook`, then latency at 70 % of the peak.

    The peak is measured anew before each open loop: the machine is not as fast at all times.
    """
    with ground.ground(home) as base:
        stock = ground.stock(base, CODES)
        lines = scan_lines(stock)
        shelf = Shelf(home / "scans.txt", lines)
        mixed_shelf = Shelf(home / "brands.txt", _mixed_lines(base))
        plain_shelf = Shelf(home / "textbook.txt", lines[:TEXTBOOK_CODES])
        _fill_textbook(base, stock.serials[:TEXTBOOK_CODES])
        with (
            ground.yima(base) as ours,
            ground.bare(base) as bare,
            ground.gunicorn(base, "lab.bench.textbook:create_app()") as plain,
        ):
            shelf.fresh(ours, WARM_UP_SECONDS)
            mixed_shelf.fresh(ours, WARM_UP_SECONDS)
            shelf.again(bare, WARM_UP_SECONDS)
            measured = in_turns(
                {
                    "scans": lambda: shelf.fresh(ours, ROUND_SECONDS),
                    "scans_of_50_brands": lambda: mixed_shelf.fresh(ours, ROUND_SECONDS),
                    "bare_requests": lambda: shelf.again(bare, ROUND_SECONDS),
                    "textbook_scans": lambda: plain_shelf.again(plain, ROUND_SECONDS),
                }
            )
            late = _open(ours, shelf)
        # From the end: of codes that nobody has scanned yet.
        profile = _profile(base, home / "profile.txt", lines[: -PROFILE_CODES - 1 : -1])
        recorded = ground.recorded(base, shelf.answered + mixed_shelf.answered)
    return judged(
        "scan",
        {
            **{f"{name}_per_second": spread(rates) for name, rates in measured.items()},
            **_open_figures(late),
            **profile,
            "scans_recorded": recorded,
            "textbook_errors": plain_shelf.errors,
            "errors": shelf.errors + mixed_shelf.errors,
        },
        {
            "one_brand": median_ratio(measured["scans_of_50_brands"], measured["scans"]),
            "bare": median_ratio(measured["scans"], measured["bare_requests"]),
            "textbook": median_ratio(measured["scans"], measured["textbook_scans"]),
        },
        {
            "bare": (">=", 0.25),
            "textbook": (">=", 4.0),
            "one_brand": (">=", 0.8),
            "open_loop_median_p99_ms": ("<", 100.0),
        },
        {"client": load.client_name()},
    )


def _open_figures(late: Sequence[Latency]) -> dict[str, Any]:
    p99 = spread([each.p99_ms for each in late])
    return {
        "open_loop_p50_ms": spread([each.p50_ms for each in late]),
        "open_loop_p95_ms": spread([each.p95_ms for each in late]),
        "open_loop_p99_ms": p99,
        "open_loop_median_p99_ms": p99["median"],
        "open_loop_per_second": spread([each.requests / OPEN_SECONDS for each in late]),
    }


def scan_lines(stock: ground.Stock) -> list[str]:
    """An app's scan of every code, each by a user of its own."""
    return [
        load.scan_line(f"/{serial}", stock.api_key, f"v{number}")
        for number, serial in enumerate(stock.serials)
    ]


def _mixed_lines(base: ground.Ground) -> list[str]:
    """Scans of many brands' codes, each followed by one of the next brand's."""
    each = [scan_lines(ground.stock(base, CODES_A_BRAND)) for _ in range(BRANDS)]
    return [line for lines in zip(*each, strict=True) for line in lines]


def _open(port: int, shelf: Shelf) -> list[Latency]:
    """The latencies of each round, at 70 % of the peak that the same client reached just before."""
    return [
        shelf.steady(port, OPEN_SHARE * shelf.fresh(port, OPEN_PEAK_SECONDS), OPEN_SECONDS)
        for _ in range(OPEN_ROUNDS)
    ]


def _profile(base: ground.Ground, file: Path, lines: Sequence[str]) -> dict[str, Any]:
    """Figures of a process of its own that scans with nobody beside it, each named `profile_…`."""
    load.write_requests(file, lines)
    command = [sys.executable, "-m", "lab.bench.profile", str(file), str(PROFILE_SECONDS)]
    out = subprocess.run(command, env=base.environment, capture_output=True, text=True, check=True)
    return {f"profile_{name}": figure for name, figure in json.loads(out.stdout).items()}


def _fill_textbook(base: ground.Ground, serials: list[str]) -> None:
    """The textbook's row for every code."""
    with base.sessions.begin() as session:
        connection = session.connection()
        textbook.Base.metadata.create_all(connection)
        rows = [{"serial": serial, "state": "active", "scans": 0} for serial in serials]
        connection.execute(insert(textbook.Code), rows)
