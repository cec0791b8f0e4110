"""What is asked of products, orders and ranges; every question names the brand that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session

from codegen.errors import OrderNotFound, ProductNotFound
from codegen.models import CodeOrder, CodeRange, GtinChange, Layer, Product, RangeChange, SigningKey

PAGE = 100


def products(session: Session, brand_id: int) -> Sequence[Product]:
    """The brand's products by name, at most 1,000."""
    query = select(Product).where(Product.brand_id == brand_id).order_by(Product.name_zh)
    return session.scalars(query.limit(1000)).all()


def product(session: Session, brand_id: int, product_id: int) -> Product:
    """The brand's product; raises `ProductNotFound`."""
    found = session.get(Product, (brand_id, product_id))
    if found is None:
        raise ProductNotFound()
    return found


def gtin_changes(session: Session, brand_id: int, product_id: int) -> Sequence[GtinChange]:
    """How the product's GTIN was corrected, newest first, at most 200 times."""
    query = (
        select(GtinChange)
        .where(GtinChange.brand_id == brand_id, GtinChange.product_id == product_id)
        .order_by(GtinChange.id.desc())
    )
    return session.scalars(query.limit(200)).all()


def former_gtins(session: Session) -> dict[str, frozenset[int]]:
    """The ids of the products that had a GTIN until it was corrected, of all brands, by GTIN."""
    found: dict[str, frozenset[int]] = {}
    for gtin, product_id in session.execute(select(GtinChange.old_gtin, GtinChange.product_id)):
        found[gtin] = found.get(gtin, frozenset()) | {product_id}
    return found


def printed_gtin(session: Session, order: CodeOrder) -> str | None:
    """The GTIN in the links of the order's codes: the product's when it was placed, if any."""
    if order.product_id is None:
        return None
    before_correction = (
        select(GtinChange.old_gtin)
        .where(GtinChange.brand_id == order.brand_id, GtinChange.product_id == order.product_id)
        .where(GtinChange.at > order.created_at)
        .order_by(GtinChange.id)
        .limit(1)
    )
    found = session.scalar(before_correction)
    return found or product(session, order.brand_id, order.product_id).gtin


def orders(session: Session, brand_id: int, before_id: int | None = None) -> Sequence[CodeOrder]:
    """A page of the brand's orders, newest first, older than `before_id` if that is given."""
    query = select(CodeOrder).where(CodeOrder.brand_id == brand_id).order_by(CodeOrder.id.desc())
    if before_id is not None:
        query = query.where(CodeOrder.id < before_id)
    return session.scalars(query.limit(PAGE)).all()


def order(session: Session, brand_id: int, order_id: int) -> CodeOrder:
    """The brand's order; raises `OrderNotFound`."""
    found = session.get(CodeOrder, (brand_id, order_id))
    if found is None:
        raise OrderNotFound()
    return found


def order_called(session: Session, brand_id: int, external_id: str) -> CodeOrder:
    """The brand's order with that external id; raises `OrderNotFound`."""
    found = session.scalar(
        select(CodeOrder).where(
            CodeOrder.brand_id == brand_id, CodeOrder.external_id == external_id.strip()
        )
    )
    if found is None:
        raise OrderNotFound()
    return found


def state_counts(
    session: Session, brand_id: int, order_ids: Sequence[int]
) -> dict[int, dict[str, int]]:
    """How many codes of each of the brand's orders are in each state."""
    query = (
        select(CodeRange.order_id, CodeRange.state, func.sum(CodeRange.hi - CodeRange.lo))
        .where(CodeRange.brand_id == brand_id, CodeRange.order_id.in_(order_ids))
        .group_by(CodeRange.order_id, CodeRange.state)
    )
    counts: dict[int, dict[str, int]] = {order_id: {} for order_id in order_ids}
    for order_id, state, count in session.execute(query):
        counts[order_id][state] = int(count)
    return counts


def items_by_state(session: Session, brand_id: int) -> dict[str, int]:
    """How many of the brand's codes of items are in each state; states without any are absent."""
    query = (
        select(CodeRange.state, func.sum(CodeRange.hi - CodeRange.lo))
        .where(CodeRange.brand_id == brand_id, CodeRange.layer == Layer.ITEM)
        .group_by(CodeRange.state)
    )
    return {state: int(count) for state, count in session.execute(query)}


_NAMES = text("""
    SELECT u.code, o.external_id || ' #' || (u.code - o.lo + 1)
    FROM unnest(CAST(:codes AS bigint[])) AS u(code) CROSS JOIN LATERAL (
        SELECT * FROM code_order WHERE brand_id = :brand_id AND lo <= u.code
        ORDER BY lo DESC LIMIT 1
    ) AS o
    WHERE u.code < o.hi
""")


def names_of(session: Session, brand_id: int, code_ids: Sequence[int]) -> dict[int, str]:
    """The codes of a page as people know them, `PO-7 #12`; others' codes are absent."""
    rows = session.execute(_NAMES, {"codes": list(code_ids), "brand_id": brand_id})
    return {row[0]: row[1] for row in rows}


def ranges(session: Session, brand_id: int, order_id: int, limit: int = 200) -> Sequence[CodeRange]:
    """The order's ranges in number order, at most `limit`."""
    query = (
        select(CodeRange)
        .where(CodeRange.brand_id == brand_id, CodeRange.order_id == order_id)
        .order_by(CodeRange.lo)
    )
    return session.scalars(query.limit(limit)).all()


def signing_keys(session: Session, brand_id: int, limit: int = 200) -> Sequence[SigningKey]:
    """The brand's signing keys, newest first, at most `limit`."""
    query = select(SigningKey).where(SigningKey.brand_id == brand_id)
    return session.scalars(query.order_by(SigningKey.created_at.desc()).limit(limit)).all()


def changes(
    session: Session, brand_id: int, order_id: int, limit: int = 200
) -> Sequence[RangeChange]:
    """What was done to the order's codes, newest first."""
    query = (
        select(RangeChange)
        .where(RangeChange.brand_id == brand_id, RangeChange.order_id == order_id)
        .order_by(RangeChange.id.desc())
    )
    return session.scalars(query.limit(limit)).all()


@dataclass(frozen=True)
class CodeCard:
    """What issuing and activation say of one code; `number` counts from 1 within the order."""

    code_id: int
    number: int
    order: CodeOrder
    range: CodeRange
    product: Product | None
    changes: Sequence[RangeChange]


def code_card(session: Session, brand_id: int, code_id: int) -> CodeCard | None:
    """The code's card, or None when the brand never issued it."""
    # One step down the B-tree: ranges are disjoint, so only the nearest can hold the code.
    nearest = (
        select(CodeRange.lo)
        .where(CodeRange.brand_id == brand_id, CodeRange.lo <= code_id)
        .order_by(CodeRange.lo.desc())
        .limit(1)
        .scalar_subquery()
    )
    row: Any = session.execute(
        select(CodeRange, CodeOrder, Product)
        .join(CodeOrder, and_(CodeOrder.brand_id == brand_id, CodeOrder.id == CodeRange.order_id))
        .outerjoin(Product, and_(Product.brand_id == brand_id, Product.id == CodeRange.product_id))
        .where(CodeRange.brand_id == brand_id, CodeRange.lo == nearest, CodeRange.hi > code_id)
    ).one_or_none()
    if row is None:
        return None
    covering = (
        select(RangeChange)
        .where(RangeChange.brand_id == brand_id, RangeChange.order_id == row[1].id)
        .where(RangeChange.lo <= code_id, RangeChange.hi > code_id)
        .order_by(RangeChange.id)
    )
    return CodeCard(
        code_id=code_id,
        number=code_id - row[1].lo + 1,
        order=row[1],
        range=row[0],
        product=row[2],
        changes=session.scalars(covering.limit(100)).all(),
    )
