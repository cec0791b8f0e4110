"""`lookup`: whose item is this? Asked of tables of three sizes, and of cartons from a hopper."""

import random
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from lab.bench import shipped
from lab.bench.ground import ground
from lab.bench.result import ROUNDS, Result, judged, median_ratio
from lab.bench.shipped import RANGES_PER_PALLET, Lot, Trade
from traceability import queries

RANGES = (100_000, 1_000_000, 10_000_000)
SMALLEST, *_, LARGEST = (f"{ranges}_ranges" for ranges in RANGES)
HOPPER = "hopper"
HOPPER_PALLETS = 104_167  # ten million items in 416,668 cartons of 24
TURNS = 100  # short ones: what else the machine does hits all alike
LOOKUPS = 20
SEED = 11

Asking = Callable[[], object]


def run(home: Path) -> Result:
    """Percentiles of the look-up for each size in turns, and bytes an item from the hopper."""
    pallets = {f"{ranges}_ranges": -(-ranges // RANGES_PER_PALLET) for ranges in RANGES}
    luck = random.Random(SEED)
    asked: dict[str, Asking] = {}
    stored: dict[str, dict[str, float]] = {}
    with ground(home) as base, ExitStack() as stack:
        for name, number in {**pallets, HOPPER: HOPPER_PALLETS}.items():
            trade = shipped.open_trade(base, name)
            lot = _filled(trade, number, is_mixed=name == HOPPER)
            stored[name] = _bytes_per_item(shipped.bytes_of(trade), lot)
            asked[name] = _asking(stack.enter_context(trade.sessions()), trade, lot, luck)
        bare = stack.enter_context(base.sessions())
        asked["bare"] = lambda: bare.execute(text("SELECT 1")).one()
        p50s, p95s = _measured(asked)
    growth = {name: median_ratio(p95s[name], p95s[SMALLEST]) for name in (LARGEST, HOPPER)}
    return judged(
        "lookup",
        {
            "lookup_p50_us": {name: round(statistics.median(p50s[name])) for name in p50s},
            "lookup_p95_us": {name: round(statistics.median(p95s[name])) for name in p95s},
            "lookup_p95_to_smallest": {name: round(value, 3) for name, value in growth.items()},
            "hopper_bytes_per_item": stored[HOPPER],
            "printed_bytes_per_item": stored[LARGEST],
        },
        {"smallest": max(growth.values())},
        {"smallest": ("<", 2.0)},
        {"bare": "SELECT 1, asked the same way", "lookups_per_round": TURNS * LOOKUPS},
    )


def _filled(trade: Trade, pallets: int, *, is_mixed: bool) -> Lot:
    shipped.check(trade, is_mixed=is_mixed)
    with trade.sessions.begin() as session:
        lot = shipped.order(session, trade, "all", pallets, is_mixed=is_mixed)
        shipped.fill(session, trade, lot)
    shipped.settle(trade)
    return lot


def _asking(session: Session, trade: Trade, lot: Lot, luck: random.Random) -> Asking:
    """The product's look-up for an item by chance; all have a carton and a holder."""

    def ask() -> None:
        item = lot.items_lo + luck.randrange(lot.items)
        found = queries.where_is(session, trade.brand_id, item)
        if found is None or found.carton_id is None:
            raise RuntimeError("an item that was shipped in a carton is nowhere")

    return ask


def _measured(asked: dict[str, Asking]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Medians and 95th percentiles of each round in microseconds; the first round warms up."""
    p50s: dict[str, list[float]] = {name: [] for name in asked}
    p95s: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(1 + ROUNDS):
        taken: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(TURNS):
            for name, ask in asked.items():
                taken[name] += [_microseconds(ask) for _ in range(LOOKUPS)]
        for name, values in taken.items():
            cuts = statistics.quantiles(values, n=20)
            if number > 0:
                p50s[name].append(cuts[9])
                p95s[name].append(cuts[18])
    return p50s, p95s


def _microseconds(ask: Asking) -> float:
    begin = time.perf_counter()
    ask()
    return (time.perf_counter() - begin) * 1e6


def _bytes_per_item(sizes: dict[str, int], lot: Lot) -> dict[str, float]:
    """With indexes; `all` is contents, cartons and custody together."""
    parts = {
        "contents": sizes["packing"] + sizes["packing_block"],
        "cartons": sizes["carton"],
        "custody": sizes["custody"],
    }
    parts["all"] = sum(parts.values())
    return {name: round(size / lot.items, 2) for name, size in parts.items()}
