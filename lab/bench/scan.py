"""`scan`: recorded scans a second over real HTTP, everything switched on, durably committed."""

from pathlib import Path

from sqlalchemy import insert, text

from lab.bench import ground, load, textbook
from lab.bench.result import Result, in_turns, judged, median_ratio, spread

CODES = 600_000
TEXTBOOK_CODES = 60_000
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4
OPEN_SHARE = 0.7
OPEN_SECONDS = 15


def run(home: Path) -> Result:
    """Peak in turns with `bare` and `textbook`, then latency in an open loop at 70 % of it."""
    with ground.ground(home) as base:
        stock = ground.stock(base, CODES)
        lines = [
            load.scan_line(f"/{serial}", stock.api_key, f"v{number}")
            for number, serial in enumerate(stock.serials)
        ]
        requests = home / "scans.txt"
        load.write_requests(requests, lines)
        _fill_textbook(base, stock.serials[:TEXTBOOK_CODES])
        with (
            ground.granian(base, "wsgi:app") as ours,
            ground.granian(base, "lab.bench.bare:app") as bare,
            ground.gunicorn(base, "lab.bench.textbook:create_app()") as plain,
        ):
            position = [0]
            errors = [0]

            def fresh(port: int, seconds: float = ROUND_SECONDS) -> float:
                """A stretch of codes that nobody scanned before."""
                reached = load.peak(port, requests, seconds, position[0])
                if port == ours:
                    position[0] += int(reached.requests_per_second * seconds * 1.1) + 200
                errors[0] += reached.errors
                return reached.requests_per_second

            textbook_requests = home / "textbook.txt"
            load.write_requests(textbook_requests, lines[:TEXTBOOK_CODES])
            fresh(ours, WARM_UP_SECONDS)
            fresh(bare, WARM_UP_SECONDS)
            measured = in_turns(
                {
                    "scan": lambda: fresh(ours),
                    "bare": lambda: fresh(bare),
                    "textbook": lambda: (
                        load.peak(plain, textbook_requests, ROUND_SECONDS).requests_per_second
                    ),
                }
            )
            peak = spread(measured["scan"])["median"]
            late = load.open_loop(ours, lines[position[0] :], OPEN_SHARE * peak, OPEN_SECONDS)
        with base.sessions() as session:
            recorded = session.execute(text("SELECT count(*) FROM scan")).scalar_one()
    return judged(
        "scan",
        {
            "scans_per_second": spread(measured["scan"]),
            "bare_requests_per_second": spread(measured["bare"]),
            "textbook_scans_per_second": spread(measured["textbook"]),
            "open_loop_p50_ms": late.p50_ms,
            "open_loop_p95_ms": late.p95_ms,
            "open_loop_p99_ms": late.p99_ms,
            "open_loop_per_second": round(OPEN_SHARE * peak),
            "scans_recorded": recorded,
            "errors": errors[0] + late.errors,
        },
        {
            "bare": median_ratio(measured["scan"], measured["bare"]),
            "textbook": median_ratio(measured["scan"], measured["textbook"]),
        },
        {"bare": (">=", 0.25), "textbook": (">=", 4.0), "open_loop_p99_ms": ("<", 100.0)},
        {"client": load.client_name(), "open_loop_client": "python"},
    )


def _fill_textbook(base: ground.Ground, serials: list[str]) -> None:
    """The textbook's row for every code."""
    with base.sessions.begin() as session:
        connection = session.connection()
        textbook.Base.metadata.create_all(connection)
        rows = [{"serial": serial, "state": "active", "scans": 0} for serial in serials]
        connection.execute(insert(textbook.Code), rows)
