"""An order as the printer needs it: its URLs, and the labels of a stretch of its numbers."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from codegen.issue import serials
from codegen.keys import sub_keys
from codegen.labels import Label
from codegen.link import prefix
from codegen.models import CodeOrder, SigningKey
from codegen.package import CodeList
from codegen.queries import printed_gtin
from codegen.serial import split


def code_list(session: Session, order: CodeOrder, kek: bytes) -> CodeList:
    """All codes of the order with the URL that stands before each serial."""
    key = session.get_one(SigningKey, (order.brand_id, order.key_id))
    gtin = printed_gtin(session, order)
    lo_number = split(order.lo)[1]
    return CodeList(
        keys=sub_keys(key, kek),
        lo_number=lo_number,
        hi_number=lo_number + order.quantity,
        url_prefix=prefix(order.host, gtin, order.letter_case, order.scheme),
    )


def labels(codes: CodeList, first: int, last: int, name: str = "") -> Iterator[Label]:
    """The labels of the order's numbers `first` to `last`, counted from 1, both included."""
    number = first
    lo_number = codes.lo_number + first - 1
    for piece in serials(codes.keys, lo_number, codes.lo_number + last):
        for serial in piece.astype(str).tolist():
            yield Label(codes.url_prefix + serial, serial, number, name)
            number += 1
