"""Single codes that people scan, type or list: opened, or found by what else names them."""

import re

from sqlalchemy.orm import Session

from codegen.errors import ForgedSerial, NumbersOutsideOrder
from codegen.gs1 import parse_sscc
from codegen.keys import KeyRing, Opened
from codegen.link import parse
from codegen.queries import order_called
from core.errors import N_, BadInput, NotFound
from scanapp.web.extensions import intake
from traceability.queries import carton_by_sscc

_NUMBER = re.compile(r"(?P<order>.+?)\s*[#＃]\s*(?P<number>[0-9]{1,10})")
_SSCC = re.compile(r"(\]C1)?\s*(\(00\))?\s*[0-9]{18}")


def key_ring() -> KeyRing:
    """The process' key ring, with the keys as the database has them now: one query."""
    ring = intake().keys
    ring.refresh()
    return ring


def opened(keys: KeyRing, brand_id: int, text: str) -> Opened:
    """What the brand's serial or link holds.

    Raises `MalformedLink`, and `ForgedSerial` also for another brand's.
    """
    found = keys.open(parse(text).serial)
    if found.brand_id != brand_id:
        raise ForgedSerial()
    return found


def code_called(session: Session, brand_id: int | None, text: str) -> tuple[int, int] | None:
    """The brand's id and the code's that `PO-7 #12` or a carton's SSCC names; else None.

    Both say something only within a brand. Raises `BadInput` without one, `OrderNotFound`,
    `NumbersOutsideOrder`, `InvalidSscc`, or `NotFound` for an SSCC that is on no carton.
    """
    numbered = _NUMBER.fullmatch(text) if "://" not in text else None
    if numbered is None and _SSCC.fullmatch(text) is None:
        return None
    if brand_id is None:
        raise BadInput(reason=N_("Say which brand: names of orders are a brand's own."))
    if numbered is None:
        number = parse_sscc(text)
        carton = carton_by_sscc(session, brand_id, number)
        if carton is None:
            raise NotFound(what="carton", name=number)
        return brand_id, carton.carton_id
    order = order_called(session, brand_id, numbered["order"])
    first = int(numbered["number"])
    if not 1 <= first <= order.quantity:
        raise NumbersOutsideOrder(first=first, last=first, quantity=order.quantity)
    return brand_id, order.lo + first - 1
