"""`page`: consumers' visits a second, each the page behind a code and the beacon on it."""

from pathlib import Path

from lab.bench import ground, load
from lab.bench.result import Result, in_turns, judged, median_ratio, spread
from lab.bench.shelf import Shelf

CODES = 200_000
ROUND_SECONDS = 6
WARM_UP_SECONDS = 4
REQUESTS_A_VISIT = 2
BEACON = '"(/b/[^"]+)"'


def run(home: Path) -> Result:
    """Visits in turns with `bare`, which a visit asks twice."""
    with ground.ground(home) as base:
        stock = ground.stock(base, CODES)
        shelf = Shelf(home / "pages.txt", [f"GET /{serial} - " for serial in stock.serials])
        with (
            ground.yima(base) as ours,
            ground.bare(base) as bare,
        ):
            shelf.fresh(ours, WARM_UP_SECONDS, BEACON)
            shelf.again(bare, WARM_UP_SECONDS)
            measured = in_turns(
                {
                    "page": lambda: shelf.fresh(ours, ROUND_SECONDS, BEACON) / REQUESTS_A_VISIT,
                    "bare": lambda: shelf.again(bare, ROUND_SECONDS) / REQUESTS_A_VISIT,
                }
            )
        # Pages count as answers too, and a round ends with some whose beacon was not asked for yet.
        recorded = ground.recorded(base, 0.98 * shelf.answered / REQUESTS_A_VISIT)
    return judged(
        "page",
        {
            "visits_per_second": spread(measured["page"]),
            "bare_visits_per_second": spread(measured["bare"]),
            "scans_recorded": recorded,
            "errors": shelf.errors,
        },
        {"bare": median_ratio(measured["page"], measured["bare"])},
        {"bare": (">=", 0.15)},
        {"client": load.client_name()},
    )
