"""States of codes, changed by ranges of an order's numbers: activate, freeze, thaw, void."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, any_, delete, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from codegen.errors import (
    NotActivatable,
    NumbersOutsideOrder,
    OrderNotFound,
    OtherProduct,
    ProductNotFound,
    WrongState,
)
from codegen.models import CodeOrder, CodeRange, Product, RangeChange, RangeState
from codegen.order import is_label
from core import clock
from core.errors import N_, BadInput
from core.ranges import Span, paint


@dataclass(frozen=True)
class Batch:
    """What activation says of the goods; None keeps what the order said."""

    product_id: int | None = None
    lot: str | None = None
    plant: str | None = None
    produced_on: date | None = None
    expires_on: date | None = None


@dataclass(frozen=True)
class _Value:
    """What is true of every code of a range."""

    state: str
    product_id: int | None
    lot: str | None
    plant: str | None
    produced_on: date | None
    expires_on: date | None
    reason: str | None


@dataclass(frozen=True)
class Numbers:
    """Numbers of an order as people write them: from 1, both ends included."""

    first: int
    last: int


def activate(
    session: Session, brand_id: int, order_id: int, numbers: Numbers, batch: Batch, actor: str
) -> int:
    """How many codes became active, with the batch's product, lot, plant and dates.

    The same activation again changes nothing and returns 0. Raises `NotActivatable` that names
    the first numbers that overlap an earlier, different activation or are frozen or void, and
    `OtherProduct` when the order was printed for another one.
    """
    _check_batch(session, brand_id, batch)

    def activated(order: CodeOrder, value: _Value) -> _Value | None:
        wanted = replace(
            value,
            state=RangeState.ACTIVE,
            product_id=batch.product_id or order.product_id,
            lot=batch.lot or order.lot,
            plant=batch.plant,
            produced_on=batch.produced_on,
            expires_on=batch.expires_on,
        )
        if order.product_id not in (None, wanted.product_id):
            raise OtherProduct(external_id=order.external_id)  # its GTIN is in the printed links
        if wanted.product_id is None:
            raise BadInput(
                field="product_id",
                reason=N_("Say which product the codes are on; the order does not."),
            )
        if value.state == RangeState.ISSUED or value == wanted:
            return wanted
        return None

    return _change(session, brand_id, order_id, numbers, "activate", activated, actor, None)


def freeze(
    session: Session, brand_id: int, order_id: int, numbers: Numbers, reason: str, actor: str
) -> int:
    """How many active codes are set aside while something is looked into."""
    return _move(session, brand_id, order_id, numbers, "freeze", reason, actor)


def thaw(session: Session, brand_id: int, order_id: int, numbers: Numbers, actor: str) -> int:
    """How many frozen codes are active again."""
    return _move(session, brand_id, order_id, numbers, "thaw", None, actor)


def void(
    session: Session, brand_id: int, order_id: int, numbers: Numbers, reason: str, actor: str
) -> int:
    """How many codes are void for ever; consumers see the reason."""
    return _move(session, brand_id, order_id, numbers, "void", reason, actor)


_MOVES: dict[str, tuple[frozenset[str], RangeState]] = {
    "freeze": (frozenset({RangeState.ACTIVE}), RangeState.FROZEN),
    "thaw": (frozenset({RangeState.FROZEN}), RangeState.ACTIVE),
    "void": (
        frozenset({RangeState.ISSUED, RangeState.ACTIVE, RangeState.FROZEN}),
        RangeState.VOID,
    ),
}


def _move(
    session: Session,
    brand_id: int,
    order_id: int,
    numbers: Numbers,
    action: str,
    reason: str | None,
    actor: str,
) -> int:
    sources, target = _MOVES[action]
    if reason is not None:
        reason = reason.strip()
        if not (1 <= len(reason) <= 200 and reason.isprintable()):
            raise BadInput(
                field="reason",
                reason=N_("Give a reason of 1 to 200 characters; it is shown and kept."),
            )

    def moved(_order: CodeOrder, value: _Value) -> _Value | None:
        wanted = replace(value, state=target, reason=reason)
        return wanted if value.state in sources or value == wanted else None

    return _change(session, brand_id, order_id, numbers, action, moved, actor, reason)


def _change(
    session: Session,
    brand_id: int,
    order_id: int,
    numbers: Numbers,
    action: str,
    becomes: Callable[[CodeOrder, _Value], _Value | None],
    actor: str,
    reason: str | None,
) -> int:
    """Paints what `becomes` says over the numbers; the order's row is the lock."""
    order = session.get(CodeOrder, (brand_id, order_id), with_for_update=True)
    if order is None:
        raise OrderNotFound()
    if not 1 <= numbers.first <= numbers.last <= order.quantity:
        raise NumbersOutsideOrder(first=numbers.first, last=numbers.last, quantity=order.quantity)
    lo, hi = order.lo + numbers.first - 1, order.lo + numbers.last
    existing = _spans(session, order, lo, hi)
    news = []
    for span in existing:
        part_lo, part_hi = max(span.lo, lo), min(span.hi, hi)
        if part_lo >= part_hi:
            continue
        wanted = becomes(order, span.value)
        if wanted is None:
            raise _refusal(action)(
                action=action,
                first=part_lo - order.lo + 1,
                last=part_hi - order.lo,
                state=span.value.state,
            )
        if wanted != span.value:
            news.append(Span(part_lo, part_hi, wanted))
    if not news:
        return 0
    _write(session, order, existing, news)
    change = RangeChange(
        brand_id=brand_id, order_id=order_id, lo=lo, hi=hi, action=action, actor=actor,
        reason=reason, at=clock.now(),
    )  # fmt: skip
    session.add(change)
    session.flush()
    return sum(span.hi - span.lo for span in news)


def _refusal(action: str) -> type[NotActivatable] | type[WrongState]:
    return NotActivatable if action == "activate" else WrongState


_COLUMNS = ("state", "product_id", "lot", "plant", "produced_on", "expires_on", "reason")


def _spans(session: Session, order: CodeOrder, lo: int, hi: int) -> list[Span]:
    """The order's ranges that overlap or touch `[lo, hi)`."""
    columns = (getattr(CodeRange, name) for name in _COLUMNS)
    query = (
        select(CodeRange.lo, CodeRange.hi, *columns)
        .where(CodeRange.brand_id == order.brand_id, CodeRange.order_id == order.id)
        .where(CodeRange.lo <= hi, CodeRange.hi >= lo)
        .order_by(CodeRange.lo)
    )
    return [Span(row[0], row[1], _Value(*row[2:])) for row in session.execute(query)]


def _write(session: Session, order: CodeOrder, existing: list[Span], news: list[Span]) -> None:
    painted = paint(existing, news)
    session.execute(
        delete(CodeRange).where(
            CodeRange.brand_id == order.brand_id,
            CodeRange.lo == any_(literal(painted.delete, ARRAY(BigInteger))),
        ),
        execution_options={"synchronize_session": "fetch"},
    )
    rows = [
        {
            "lo": span.lo,
            "hi": span.hi,
            "brand_id": order.brand_id,
            "order_id": order.id,
            "layer": order.layer,
            "changed_at": clock.now(),
            **{name: getattr(span.value, name) for name in _COLUMNS},
        }
        for span in painted.insert
    ]
    session.execute(insert(CodeRange), rows)


def _check_batch(session: Session, brand_id: int, batch: Batch) -> None:
    if batch.product_id is not None:
        product = session.get(Product, (brand_id, batch.product_id))
        if product is None:
            raise ProductNotFound()
    if batch.produced_on and batch.expires_on and batch.expires_on < batch.produced_on:
        raise BadInput(
            field="expires_on", reason=N_("The expiry date is before the production date.")
        )
    if not all(is_label(text) for text in (batch.lot, batch.plant)):
        raise BadInput(
            field="lot", reason=N_("Lot and plant have at most 64 printable characters.")
        )
