"""The one way from a code to a visit that can be submitted."""

from uuid import UUID

from codegen.reading import ItemCode
from core import clock
from scanapp.web.extensions import process
from scanapp.web.headers import request_id
from traceability.visit import Kind, Place, Visit


def visit_of(
    kind: Kind,
    code: ItemCode,
    visitor_id: UUID,
    source: bytes,
    place: Place | None,
    door: str,
) -> Visit:
    """The visit of this request, now. Raises `MalformedSerial` and `ForgedSerial`."""
    opened = process().open(code.serial, source)
    return Visit(
        kind=kind,
        code_id=opened.code_id,
        brand_id=opened.brand_id,
        visitor_id=visitor_id,
        at=clock.now(),
        source=source,
        door=door,
        gtin=code.gtin,
        lot=code.lot,
        place=place,
        request_id=request_id(),
    )
