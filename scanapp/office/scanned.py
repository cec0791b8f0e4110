"""Single codes that people scan, type or list: opened, or found by what else names them."""

import re

from sqlalchemy.orm import Session

from codegen.errors import ForgedSerial, NumbersOutsideOrder
from codegen.keys import KeyRing, Opened
from codegen.queries import order_called
from codegen.reading import Sscc
from core.errors import N_, BadInput, NotFound
from scanapp.web.extensions import process
from traceability.queries import cartons_by_sscc

_NUMBER = re.compile(r"(?P<order>.+?)\s*[#＃]\s*(?P<number>[0-9]{1,10})")


def key_ring() -> KeyRing:
    """The process' key ring, with the keys as the database has them now: one query."""
    ring = process().keys
    ring.refresh()
    return ring


def opened(keys: KeyRing, brand_id: int, serial: str) -> Opened:
    """What the brand's serial holds. Raises `ForgedSerial`, also for another brand's."""
    found = keys.open(serial)
    if found.brand_id != brand_id:
        raise ForgedSerial()
    return found


def code_numbered(session: Session, brand_id: int | None, text: str) -> tuple[int, int] | None:
    """The brand's id and the code's that `PO-7 #12` names; None for what is not of that form.

    It says something only within a brand. Raises `BadInput` without one, `OrderNotFound` or
    `NumbersOutsideOrder`.
    """
    plain = "".join(c for c in text if c.isprintable()).strip()
    numbered = _NUMBER.fullmatch(plain) if "://" not in plain else None
    if numbered is None:
        return None
    brand_id = _needed(brand_id)
    order = order_called(session, brand_id, numbered["order"])
    first = int(numbered["number"])
    if not 1 <= first <= order.quantity:
        raise NumbersOutsideOrder(first=first, last=first, quantity=order.quantity)
    return brand_id, order.lo + first - 1


def carton_numbered(session: Session, brand_id: int | None, number: Sscc) -> tuple[int, int]:
    """The brand's id and the code's of the carton with that SSCC.

    Raises `BadInput` without a brand, and `NotFound` when it is on no carton.
    """
    brand_id = _needed(brand_id)
    carton_id = cartons_by_sscc(session, brand_id, [number.digits]).get(number.digits)
    if carton_id is None:
        raise NotFound(what="carton", name=number.digits)
    return brand_id, carton_id


def _needed(brand_id: int | None) -> int:
    if brand_id is None:
        raise BadInput(
            reason=N_("Say which brand: names of orders and numbers of cartons are a brand's own.")
        )
    return brand_id
