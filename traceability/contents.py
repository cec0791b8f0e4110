"""What is in which carton: kept as runs of items, or item by item where there are no runs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from traceability import goods
from traceability.errors import PackedAlready
from traceability.models import BLOCK_CODES, TraceEvent

# A row for a run takes as much as five items in blocks do (docs/decisions/0016).
RUN_ITEMS_MIN = 5


@dataclass(frozen=True)
class Load:
    """One carton and its items as disjoint ranges, sorted."""

    carton_id: int
    ranges: Sequence[goods.Range]
    sscc: str | None

    @property
    def quantity(self) -> int:
        return sum(hi - lo for lo, hi in self.ranges)

    @property
    def is_mixed(self) -> bool:
        """Whether its runs are too short to be worth a row each."""
        return self.quantity < RUN_ITEMS_MIN * len(self.ranges)

    def items(self) -> list[int]:
        """All its items, sorted."""
        return [item for lo, hi in self.ranges for item in range(lo, hi)]


_PACKED_CARTONS = text(f"""
    SELECT k.carton_id, k.carton_id + 1 FROM {goods.ASKED}
    JOIN carton k ON k.brand_id = :brand_id AND k.carton_id >= u.lo AND k.carton_id < u.hi
    LIMIT {goods.OFFENDERS_SHOWN + 1}
""")
_PACKED_RUNS = text(f"""
    SELECT greatest(p.lo, u.lo), least(p.hi, u.hi)
    FROM {goods.ASKED} CROSS JOIN {goods.overlapping("packing")} AS p
    LIMIT {goods.OFFENDERS_SHOWN + 1}
""")
# OFFSET 0 makes it a look-up for each range; the planner would rather read the whole table.
_PACKED_SINGLY = text(f"""
    SELECT i.item, i.item + 1 FROM {goods.ASKED}
    CROSS JOIN LATERAL (
        SELECT * FROM packing_block
        WHERE brand_id = :brand_id
          AND block BETWEEN u.lo / {BLOCK_CODES} AND (u.hi - 1) / {BLOCK_CODES} OFFSET 0
    ) AS b
    CROSS JOIN LATERAL (
        SELECT b.block * {BLOCK_CODES} + slot FROM unnest(b.slots) AS slot
    ) AS i(item)
    WHERE i.item >= u.lo AND i.item < u.hi
    LIMIT {goods.OFFENDERS_SHOWN + 1}
""")


def check_unpacked(
    session: Session,
    brand_id: int,
    items: Sequence[goods.Range],
    cartons: Sequence[goods.Range],
) -> None:
    """Nothing, if none of the codes (locked) was packed before; raises `PackedAlready`."""
    checks = ((_PACKED_CARTONS, cartons), (_PACKED_RUNS, items), (_PACKED_SINGLY, items))
    for query, ranges in checks:
        values = {**goods.arrays(ranges), "brand_id": brand_id}
        packed = [(row[0], row[1]) for row in session.execute(query, values)]
        if packed:
            raise PackedAlready(codes=goods.shown(session, brand_id, sorted(packed)))


_INSERT_CARTONS = text("""
    INSERT INTO carton (carton_id, brand_id, sscc, product_id, quantity, event_id, packed_at, items)
    SELECT u.carton_id, :brand_id, u.sscc, u.product_id, u.quantity, :event_id, :packed_at,
        CAST(u.items AS bigint[])
    FROM unnest(CAST(:cartons AS bigint[]), CAST(:ssccs AS text[]), CAST(:products AS bigint[]),
        CAST(:quantities AS bigint[]), CAST(:items AS text[]))
        AS u(carton_id, sscc, product_id, quantity, items)
""")
_INSERT_RUNS = text("""
    INSERT INTO packing (lo, hi, brand_id, carton_id)
    SELECT u.lo, u.hi, :brand_id, u.carton_id
    FROM unnest(CAST(:los AS bigint[]), CAST(:his AS bigint[]), CAST(:cartons AS bigint[]))
        AS u(lo, hi, carton_id)
""")
# In order of blocks: two orders may meet in one, and their locks are not the same.
_INSERT_SINGLES = text(f"""
    INSERT INTO packing_block AS b (brand_id, block, slots, cartons)
    SELECT :brand_id, u.item / {BLOCK_CODES}, array_agg(CAST(u.item % {BLOCK_CODES} AS smallint)),
        array_agg(u.carton_id)
    FROM unnest(CAST(:items AS bigint[]), CAST(:cartons AS bigint[])) AS u(item, carton_id)
    GROUP BY 2 ORDER BY 2
    ON CONFLICT (brand_id, block) DO UPDATE
    SET slots = b.slots || EXCLUDED.slots, cartons = b.cartons || EXCLUDED.cartons
""")


def write(
    session: Session, recorded: TraceEvent, loads: Sequence[Load], items: Sequence[goods.Piece]
) -> None:
    """The cartons of the event are there with their items; `items` are the same with products."""
    cartons = {
        "cartons": [load.carton_id for load in loads],
        "ssccs": [load.sscc for load in loads],
        "products": [_product(load, items) for load in loads],
        "quantities": [load.quantity for load in loads],
        "items": [_array(load.items()) if load.is_mixed else None for load in loads],
        "event_id": recorded.id,
        "packed_at": recorded.event_time,
        "brand_id": recorded.brand_id,
    }
    session.execute(_INSERT_CARTONS, cartons)
    runs = sorted(
        (lo, hi, load.carton_id) for load in loads if not load.is_mixed for lo, hi in load.ranges
    )
    if runs:
        los, his, carton_ids = (list(column) for column in zip(*runs, strict=True))
        values = {"los": los, "his": his, "cartons": carton_ids, "brand_id": recorded.brand_id}
        session.execute(_INSERT_RUNS, values)
    singles = [(item, load.carton_id) for load in loads if load.is_mixed for item in load.items()]
    if singles:
        numbers, carton_ids = (list(column) for column in zip(*singles, strict=True))
        session.execute(
            _INSERT_SINGLES,
            {"brand_id": recorded.brand_id, "items": numbers, "cartons": carton_ids},
        )


def _array(numbers: Sequence[int]) -> str:
    """As PostgreSQL writes an array; arrays of unequal length don't go into one parameter."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _product(load: Load, items: Sequence[goods.Piece]) -> int | None:
    """The one product of all items in the carton; None for a mixed or a not yet known one."""
    products: set[int | None] = set()
    for lo, hi in load.ranges:
        index = bisect_right(items, lo, key=_lo) - 1
        while index < len(items) and items[index].lo < hi:
            products.add(items[index].product_id)
            index += 1
    return products.pop() if len(products) == 1 else None


def _lo(piece: goods.Piece) -> int:
    return piece.lo
