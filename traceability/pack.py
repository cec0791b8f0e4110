"""Items go into cartons: as they were printed, or as the line saw them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from codegen.errors import OrderNotFound
from codegen.gs1 import sscc
from codegen.models import CodeOrder, Layer, RangeState
from codegen.reading import read_sscc
from core.errors import N_, BadInput
from core.ranges import runs
from traceability import contents, custody, event, goods
from traceability.contents import Load
from traceability.errors import (
    DoubleEntry,
    OutsideOrder,
    SsccTaken,
    TooMuchAtOnce,
)
from traceability.models import BizStep, Carton, TraceEvent

PRINTED_CARTONS_MAX = 100_000
COLLECTED_CARTONS_MAX = 2_000
COLLECTED_ITEMS_MAX = 100_000
_BARRED = (RangeState.FROZEN, RangeState.VOID)

Line = tuple[int, Sequence[int]]


@dataclass(frozen=True)
class SsccSeries:
    """SSCCs for cartons in order: references count up from `first_reference`."""

    company_prefix: str
    first_reference: int
    extension: int = 0


def pack_as_printed(
    session: Session,
    *,
    brand_id: int,
    items_order_id: int,
    cartons_order_id: int,
    first_item: int,
    quantity_per_carton: int,
    cartons: int,
    site_id: int,
    key: str,
    actor: str,
    at: datetime | None = None,
    first_carton: int | None = None,
    ssccs: SsccSeries | None = None,
) -> TraceEvent:
    """The packing event: runs of items as printed are in cartons as printed.

    `first_item` and `first_carton` are numbers within their orders, from 1; without
    `first_carton` the cartons after the last packed one are taken. At most 100,000 cartons. The
    same call under the same `key` returns the first event. Raises
    `OrderNotFound`, `OutsideOrder`, `InvalidSscc` and what `pack_collected` raises.
    """
    if cartons < 1 or quantity_per_carton < 1:
        raise BadInput(reason=N_("Every carton needs at least one item."))
    if cartons > PRINTED_CARTONS_MAX:
        raise TooMuchAtOnce(limit=PRINTED_CARTONS_MAX, what="cartons")
    content = {
        "items": [items_order_id, first_item, quantity_per_carton],
        "cartons": [cartons_order_id, first_carton, cartons],
        "ssccs": [ssccs.company_prefix, ssccs.first_reference, ssccs.extension] if ssccs else None,
    }
    report = _report(brand_id, key, at, site_id, actor, content)
    if found := event.earlier(session, report):
        return found
    orders = _lock_orders(session, brand_id, items_order_id, cartons_order_id)
    if first_carton is None:
        first_carton = _next_carton(session, orders[cartons_order_id])
    lo = _counted(orders[items_order_id], first_item, cartons * quantity_per_carton)
    carton_lo = _counted(orders[cartons_order_id], first_carton, cartons)
    numbers = _series(ssccs, cartons)
    starts = range(lo, lo + cartons * quantity_per_carton, quantity_per_carton)
    loads = [
        Load(carton_lo + index, [(start, start + quantity_per_carton)], numbers[index])
        for index, start in enumerate(starts)
    ]
    return _pack(session, report, loads)


def pack_collected(
    session: Session,
    *,
    brand_id: int,
    lines: Sequence[Line],
    site_id: int,
    key: str,
    actor: str,
    at: datetime | None = None,
    ssccs: Mapping[int, str] | None = None,
) -> TraceEvent:
    """The packing event: each carton of `lines` holds the items that the line saw go into it.

    `lines` pair a carton's code_id with its items' code_ids, in any order; at most 2,000 cartons
    and 100,000 items. `ssccs` gives some cartons an SSCC. The same call under the same `key`
    returns the first event. Raises `DoubleEntry`, `UnknownCodes`, `WrongLayer`, `BlockedCodes`,
    `PackedAlready`, `SsccTaken`, `InvalidSscc`, `KeyConflict`, `TooMuchAtOnce`, `NotFound` (site)
    or `BadInput`, and then nothing is changed.
    """
    if len(lines) > COLLECTED_CARTONS_MAX:
        raise TooMuchAtOnce(limit=COLLECTED_CARTONS_MAX, what="cartons")
    if sum(len(items) for _, items in lines) > COLLECTED_ITEMS_MAX:
        raise TooMuchAtOnce(limit=COLLECTED_ITEMS_MAX, what="items")
    if not lines or any(not items for _, items in lines):
        raise BadInput(reason=N_("Every carton needs at least one item."))
    if any(not 0 <= code < goods.CODES_END for carton, items in lines for code in (carton, *items)):
        raise BadInput(reason=N_("A number in the report can't be that of a code."))
    numbers = {carton_id: read_sscc(number) for carton_id, number in (ssccs or {}).items()}
    content = {
        "lines": sorted([carton_id, sorted(items)] for carton_id, items in lines),
        "ssccs": sorted(numbers.items()),
    }
    report = _report(brand_id, key, at, site_id, actor, content)
    if found := event.earlier(session, report):
        return found
    _check_doubles(session, brand_id, lines)
    if not numbers.keys() <= {carton_id for carton_id, _ in lines}:
        raise BadInput(reason=N_("An SSCC is given for a carton that is not in the report."))
    loads = [Load(carton, runs(items), numbers.get(carton)) for carton, items in lines]
    return _pack(session, report, loads)


def _report(
    brand_id: int, key: str, at: datetime | None, site_id: int, actor: str, content: dict
) -> event.Report:
    return event.Report(brand_id, key, BizStep.PACKING, at, site_id, None, None, actor, content)


def _lock_orders(session: Session, brand_id: int, *order_ids: int) -> dict[int, CodeOrder]:
    """The brand's orders by id, locked as `goods.lock` does it; raises `OrderNotFound`."""
    query = (
        select(CodeOrder)
        .where(CodeOrder.brand_id == brand_id, CodeOrder.id.in_(order_ids))
        .order_by(CodeOrder.id)
        .with_for_update(key_share=True)
    )
    orders = {order.id: order for order in session.scalars(query)}
    if set(order_ids) - orders.keys():
        raise OrderNotFound()
    return orders


def _next_carton(session: Session, order: CodeOrder) -> int:
    """The number after the order's last packed carton."""
    last = session.scalar(
        select(func.max(Carton.carton_id)).where(
            Carton.brand_id == order.brand_id,
            Carton.carton_id >= order.lo,
            Carton.carton_id < order.hi,
        )
    )
    return 1 if last is None else last - order.lo + 2


def _counted(order: CodeOrder, first: int, needed: int) -> int:
    """The code_id of the order's number `first`; raises `OutsideOrder` if fewer follow."""
    if not 1 <= first <= first + needed - 1 <= order.quantity:
        raise OutsideOrder(
            order=order.external_id, quantity=order.quantity, needed=needed, first=first
        )
    return order.lo + first - 1


def _series(ssccs: SsccSeries | None, cartons: int) -> list[str | None]:
    if ssccs is None:
        return [None] * cartons
    first = ssccs.first_reference
    return [
        sscc(ssccs.extension, ssccs.company_prefix, reference)
        for reference in range(first, first + cartons)
    ]


def _check_doubles(session: Session, brand_id: int, lines: Sequence[Line]) -> None:
    counts = Counter(item for _, items in lines for item in items)
    counts.update(carton_id for carton_id, _ in lines)
    doubled = runs(code for code, count in counts.items() if count > 1)
    if doubled:
        raise DoubleEntry(codes=goods.shown(session, brand_id, doubled))


def _pack(session: Session, report: event.Report, loads: Sequence[Load]) -> TraceEvent:
    brand_id = report.brand_id
    event.check_sites(session, brand_id, report.site_id)
    items = goods.united(span for load in loads for span in load.ranges)
    cartons = runs(load.carton_id for load in loads)
    goods.lock(session, brand_id, items + cartons)
    item_pieces = goods.pieces(session, brand_id, items)
    carton_pieces = goods.pieces(session, brand_id, cartons)
    goods.check_layer(session, brand_id, item_pieces, Layer.ITEM)
    goods.check_layer(session, brand_id, carton_pieces, Layer.CARTON)
    goods.check_state(session, brand_id, item_pieces + carton_pieces, _BARRED)
    contents.check_unpacked(session, brand_id, items, cartons)
    _check_ssccs(session, brand_id, [load.sscc for load in loads if load.sscc])
    recorded = event.record(session, report, cartons)
    contents.write(session, recorded, loads, item_pieces)
    custody.move(session, recorded, carton_pieces, report.site_id, custody.IN_PROGRESS)
    return recorded


def _check_ssccs(session: Session, brand_id: int, numbers: Sequence[str]) -> None:
    if not numbers:
        return
    # Numbers that are on no carton yet have no rows to lock: packing with SSCCs takes turns.
    turn = text("SELECT pg_advisory_xact_lock(hashtextextended('sscc', :brand_id))")
    session.execute(turn, {"brand_id": brand_id})
    doubled = [number for number, count in Counter(numbers).items() if count > 1]
    query = text("SELECT sscc FROM carton WHERE brand_id = :brand_id AND sscc = ANY(:numbers)")
    taken = session.scalar(query, {"brand_id": brand_id, "numbers": list(numbers)})
    if taken or doubled:
        raise SsccTaken(sscc=taken or doubled[0])
