"""Orders of codes: a contiguous range of numbers under one key, and nothing stored per code."""

import hashlib
import json
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from codegen.errors import OrderConflict, OrderTooLarge, ProductNotFound
from codegen.keys import issuing_key
from codegen.link import LETTER_CASES, SCHEMES, check_host
from codegen.models import CodeOrder, CodeRange, Layer, Product, RangeState
from codegen.serial import code_id
from core import clock
from core.errors import N_, BadInput

MAX_QUANTITY = 1_000_000_000
MAX_EXTERNAL_ID_LENGTH = 64
MAX_LABEL_LENGTH = 64
_LOCK_NAMESPACE = 7_193_003


@dataclass(frozen=True)
class OrderRequest:
    """What a caller asks for; the same under the same `external_id` is the same order."""

    external_id: str
    quantity: int
    host: str
    layer: Layer = Layer.ITEM
    product_id: int | None = None
    lot: str | None = None
    scheme: str = "https"
    letter_case: str = "upper"

    def fingerprint(self) -> str:
        """A digest of the content, in hexadecimal."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def place(session: Session, brand_id: int, request: OrderRequest, kek: bytes) -> CodeOrder:
    """The order of `request.quantity` codes; the one placed before when it is the same again.

    Raises `OrderConflict` when the external id stands for other content, `OrderTooLarge`,
    `ProductNotFound`, or `BadInput`.
    """
    _check(session, brand_id, request)
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_NAMESPACE, brand_id)))
    known = session.scalar(
        select(CodeOrder).where(
            CodeOrder.brand_id == brand_id, CodeOrder.external_id == request.external_id
        )
    )
    if known is not None:
        if known.fingerprint != request.fingerprint():
            raise OrderConflict(external_id=request.external_id)
        return known
    key = issuing_key(session, brand_id, kek, request.quantity)
    lo = code_id(key.key_id, key.next_number)
    key.next_number += request.quantity
    order = CodeOrder(
        brand_id=brand_id,
        fingerprint=request.fingerprint(),
        key_id=key.key_id,
        lo=lo,
        hi=lo + request.quantity,
        created_at=clock.now(),
        **asdict(request),
    )
    session.add(order)
    session.flush()
    session.add(_first_range(order))
    session.flush()
    return order


def is_label(text: str | None) -> bool:
    """Whether the text may name a lot or a plant: 64 printable characters at most."""
    return text is None or (text.isprintable() and len(text) <= MAX_LABEL_LENGTH)


def _first_range(order: CodeOrder) -> CodeRange:
    """All codes of the order; a carton's code is no prize, so it lives from the start."""
    is_carton = order.layer == Layer.CARTON
    return CodeRange(
        lo=order.lo,
        hi=order.hi,
        brand_id=order.brand_id,
        order_id=order.id,
        layer=order.layer,
        state=RangeState.ACTIVE if is_carton else RangeState.ISSUED,
        product_id=order.product_id,
        lot=order.lot,
        changed_at=order.created_at,
    )


def _check(session: Session, brand_id: int, request: OrderRequest) -> None:
    name = request.external_id
    if (
        not 1 <= len(name) <= MAX_EXTERNAL_ID_LENGTH
        or not name.isprintable()
        or name != name.strip()
    ):
        raise BadInput(
            field="external_id", reason=N_("Give the order a name of 1 to 64 printable characters.")
        )
    if not 1 <= request.quantity <= MAX_QUANTITY:
        raise OrderTooLarge(quantity=request.quantity, limit=MAX_QUANTITY)
    if request.scheme not in SCHEMES or request.letter_case not in LETTER_CASES:
        raise BadInput(
            reason=N_("The scheme is https or http, the letter case upper, mixed or lower.")
        )
    if not is_label(request.lot):
        raise BadInput(field="lot", reason=N_("A lot has at most 64 printable characters."))
    check_host(request.host)
    if request.product_id is not None:
        product = session.get(Product, (brand_id, request.product_id))
        if product is None:
            raise ProductNotFound()
