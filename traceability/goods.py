"""The codes a report speaks of: whose they are, of which layer, in which state."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen.models import Layer, RangeState
from core.errors import N_, BadInput
from traceability.errors import BlockedCodes, NeverPacked, TooMuchAtOnce, UnknownCodes, WrongLayer

Range = tuple[int, int]
RANGES_MAX = 20_000
CODES_MAX = 100_000
CODES_END = 1 << 52  # 20 bits of key, 32 bits of number
OFFENDERS_SHOWN = 5


@dataclass(frozen=True)
class Piece:
    """The codes `[lo, hi)` of one order, all in the same state and on the same product."""

    lo: int
    hi: int
    order_id: int
    layer: str
    state: str
    product_id: int | None


def united(ranges: Iterable[Range]) -> list[Range]:
    """The same codes as the fewest half-open ranges, sorted."""
    found: list[Range] = []
    for lo, hi in sorted(ranges):
        if found and lo <= found[-1][1]:
            found[-1] = (found[-1][0], max(hi, found[-1][1]))
        else:
            found.append((lo, hi))
    return found


def listed(ranges: Sequence[Range]) -> list[Range]:
    """What a document lists, as the fewest ranges; at most 20,000 of them and 100,000 codes.

    Raises `BadInput` for an empty list or range, and `TooMuchAtOnce`.
    """
    if not ranges or any(not 0 <= lo < hi <= CODES_END for lo, hi in ranges):
        raise BadInput(reason=N_("List at least one code, and ranges from the first to the last."))
    if len(ranges) > RANGES_MAX:
        raise TooMuchAtOnce(limit=RANGES_MAX, what="ranges of codes")
    found = united(ranges)
    if sum(hi - lo for lo, hi in found) > CODES_MAX:
        raise TooMuchAtOnce(limit=CODES_MAX, what="codes")
    return found


def overlapping(table: str, brand: str = ":brand_id") -> str:
    """SQL, LATERAL to `u(lo, hi)`: the brand's rows of a table of disjoint ranges that overlap it.

    Two descents of the B-tree on `lo` for each `u`, whatever the size of the table.
    """
    return f"""LATERAL (
        SELECT * FROM {table} AS x
        WHERE x.brand_id = {brand} AND x.lo < u.hi AND x.hi > u.lo AND x.lo >= COALESCE((
            SELECT max(y.lo) FROM {table} AS y WHERE y.brand_id = {brand} AND y.lo <= u.lo
        ), u.lo))"""


ASKED = "unnest(CAST(:los AS bigint[]), CAST(:his AS bigint[])) AS u(lo, hi)"

_LOCK = text(f"""
    SELECT id FROM code_order WHERE brand_id = :brand_id AND id IN (
        SELECT o.id FROM {ASKED} CROSS JOIN {overlapping("code_order")} AS o)
    ORDER BY id FOR NO KEY UPDATE
""")
_PIECES = text(f"""
    SELECT greatest(r.lo, u.lo), least(r.hi, u.hi), r.order_id, r.layer, r.state, r.product_id
    FROM {ASKED} CROSS JOIN {overlapping("code_range")} AS r
    ORDER BY 1
""")


def arrays(ranges: Iterable[Range]) -> dict[str, list[int]]:
    """The parameters `los` and `his` of `ASKED`."""
    pairs = list(ranges)
    return {"los": [lo for lo, _ in pairs], "his": [hi for _, hi in pairs]}


def lock(session: Session, brand_id: int, ranges: Iterable[Range]) -> None:
    """Nobody else packs, moves or changes the codes of `ranges` until the transaction ends.

    The orders' rows are the lock, taken in order of id: a lock on rows of custody would miss
    the row that another transaction puts in place of the one waited for.
    """
    session.execute(_LOCK, {**arrays(ranges), "brand_id": brand_id})


def pieces(session: Session, brand_id: int, ranges: Sequence[Range]) -> list[Piece]:
    """What the codes of `ranges` (sorted, disjoint) are, in order; raises `UnknownCodes`."""
    rows = session.execute(_PIECES, {**arrays(ranges), "brand_id": brand_id})
    found = [Piece(*row) for row in rows]
    missing = uncovered(ranges, [(piece.lo, piece.hi) for piece in found])
    if missing:
        raise UnknownCodes(codes=shown(session, brand_id, missing))
    return found


def uncovered(ranges: Sequence[Range], covers: Sequence[Range]) -> list[Range]:
    """The parts of `ranges` that `covers` leave out; both sorted and disjoint."""
    found: list[Range] = []
    index = 0
    for lo, hi in ranges:
        while index < len(covers) and covers[index][1] <= lo:
            index += 1
        at = index
        while at < len(covers) and covers[at][0] < hi:
            if lo < covers[at][0]:
                found.append((lo, covers[at][0]))
            lo = covers[at][1]
            at += 1
        if lo < hi:
            found.append((lo, hi))
    return found


def check_layer(session: Session, brand_id: int, found: Sequence[Piece], layer: Layer) -> None:
    """Nothing, if all codes are of the layer; raises `WrongLayer`."""
    wrong = [(piece.lo, piece.hi) for piece in found if piece.layer != layer]
    if wrong:
        raise WrongLayer(layer=layer.value, codes=shown(session, brand_id, wrong))


def check_state(
    session: Session, brand_id: int, found: Sequence[Piece], barred: Collection[RangeState]
) -> None:
    """Nothing, if no code is in a barred state; raises `BlockedCodes`."""
    wrong = [(piece.lo, piece.hi) for piece in found if piece.state in barred]
    if wrong:
        raise BlockedCodes(codes=shown(session, brand_id, wrong))


# LIMIT 1 makes it a look-up for each code; the planner would rather read the whole table.
_NOT_PACKED = text(f"""
    SELECT c.code FROM {ASKED}
    CROSS JOIN LATERAL generate_series(u.lo, u.hi - 1) AS c(code)
    LEFT JOIN LATERAL (SELECT packed_at FROM carton
        WHERE brand_id = :brand_id AND carton_id = c.code LIMIT 1) AS k ON true
    WHERE k.packed_at IS NULL OR k.packed_at > :at
    ORDER BY c.code LIMIT {OFFENDERS_SHOWN + 1}
""")


def check_packed(session: Session, brand_id: int, found: Sequence[Piece], at: datetime) -> None:
    """Nothing, if all cartons among the goods were packed at `at`; raises `NeverPacked`."""
    cartons = [(piece.lo, piece.hi) for piece in found if piece.layer == Layer.CARTON]
    if not cartons:
        return
    wrong = session.scalars(_NOT_PACKED, {**arrays(cartons), "brand_id": brand_id, "at": at}).all()
    if wrong:
        raise NeverPacked(codes=shown(session, brand_id, [(code, code + 1) for code in wrong]))


_ORDERS = text(f"""
    SELECT u.lo, u.hi, o.external_id, o.lo, o.hi
    FROM {ASKED} LEFT JOIN {overlapping("code_order")} AS o ON true
    ORDER BY u.lo, o.lo
""")


def shown(session: Session, brand_id: int, ranges: Iterable[Range]) -> str:
    """The first five of `ranges` as people know them: `PO-7 #12–15, PO-7 #20, …`.

    A code outside the brand's orders has no number; it is shown by its id.
    """
    first = list(islice(ranges, OFFENDERS_SHOWN + 1))
    rows = session.execute(_ORDERS, {**arrays(first[:OFFENDERS_SHOWN]), "brand_id": brand_id})
    names = []
    for lo, hi, order, order_lo, order_hi in rows:
        if order is not None:
            lo, hi = max(lo, order_lo) - order_lo + 1, min(hi, order_hi) - order_lo + 1
        names.append(f"{order or 'id'} #{lo}" + (f"–{hi - 1}" if hi - lo > 1 else ""))
    return ", ".join(names) + (", …" if len(first) > OFFENDERS_SHOWN else "")
