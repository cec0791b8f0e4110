"""`hot-code`: scans a second when everybody scans the same code, or few of them."""

import random
from pathlib import Path

from lab.bench import ground, load
from lab.bench.result import Result, in_turns, judged, median_ratio, spread
from lab.bench.scan import scan_lines
from lab.bench.shelf import Shelf

CODES = 400_000
REQUESTS = 200_000
HOT_CODES = 100
HOT_SHARE = 0.9
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4


def run(home: Path) -> Result:
    """All on one code, and 90 % on a hundred codes, in turns with scans of codes of their own."""
    luck = random.Random(7)
    with ground.ground(home) as base:
        stock = ground.stock(base, CODES)
        own = stock.serials[HOT_CODES:]
        few = [
            luck.choice(stock.serials[:HOT_CODES]) if luck.random() < HOT_SHARE else serial
            for serial in own[-REQUESTS:]
        ]
        everybody = Shelf(home / "own.txt", scan_lines(stock)[HOT_CODES:-REQUESTS])
        crowds = {
            "one_code": Shelf(home / "one.txt", _lines(stock, [stock.serials[0]] * REQUESTS)),
            "hundred_codes": Shelf(home / "few.txt", _lines(stock, few)),
        }
        with ground.yima(base) as ours:
            everybody.fresh(ours, WARM_UP_SECONDS)
            measured = in_turns(
                {
                    "scan": lambda: everybody.fresh(ours, ROUND_SECONDS),
                    "one_code": lambda: crowds["one_code"].fresh(ours, ROUND_SECONDS),
                    "hundred_codes": lambda: crowds["hundred_codes"].fresh(ours, ROUND_SECONDS),
                }
            )
        recorded = ground.recorded(
            base, everybody.answered + sum(crowd.answered for crowd in crowds.values())
        )
    return judged(
        "hot-code",
        {
            "scan_per_second": spread(measured["scan"]),
            "one_code_per_second": spread(measured["one_code"]),
            "hundred_codes_per_second": spread(measured["hundred_codes"]),
            "scans_recorded": recorded,
            "errors": everybody.errors + sum(crowd.errors for crowd in crowds.values()),
        },
        {
            f"scan_{name}": median_ratio(measured[name], measured["scan"])
            for name in ("one_code", "hundred_codes")
        },
        {"scan_one_code": (">=", 0.8), "scan_hundred_codes": (">=", 0.8)},
        {"client": load.client_name()},
    )


def _lines(stock: ground.Stock, serials: list[str]) -> list[str]:
    """A scan of each serial in turn, each by a user of its own."""
    return [
        load.scan_line(f"/{serial}", stock.api_key, f"h{number}")
        for number, serial in enumerate(serials)
    ]
