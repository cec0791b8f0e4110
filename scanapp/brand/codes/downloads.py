"""Files for the printing house, sent while they are made: an order may have a billion codes."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from codegen import draw, package, queries
from codegen.errors import KeyNotFound, NumbersOutsideOrder, TooManyAtOnce
from codegen.labels import write_sheet
from codegen.models import CodeOrder, Product, SigningKey
from codegen.package import CodeList
from codegen.printing import code_list, labels
from core.errors import N_, BadInput
from scanapp.brand.codes import ORDER_CODES, section
from scanapp.brand.codes.kinds import KINDS
from scanapp.brand.codes.orders import ABOUT, ID, Answer, order_page
from scanapp.brand.codes.products import printed_name
from scanapp.office.door import brand, operator, requires
from scanapp.web import forms
from scanapp.web.extensions import db_session, settings_of

log = logging.getLogger(__name__)


@section.route(f"/orders/<{ID}:order_id>/fetch", methods=["GET", "POST"])
@requires(ORDER_CODES)
def order_fetch(order_id: int) -> Answer:
    """The file that the form asks for, of some of the order's numbers."""
    return forms.answered(
        lambda: _file(order_id),
        lambda error: order_page(order_id, "fetch", error),
        ABOUT,
        f"fetch-{request.form.get('kind', '')}",
    )


def _file(order_id: int) -> AnyResponse:
    form = request.form
    order = queries.order(db_session, brand().id, order_id)
    name = form.get("kind", "")
    kind = KINDS.get(name)
    if kind is None:
        raise BadInput(field="kind", reason=N_("Choose which file you need."))
    first = forms.needed(forms.whole(form, "first"), "first")
    last = first if kind.most == 1 else forms.needed(forms.whole(form, "last"), "last")
    if not 1 <= first <= last <= order.quantity:
        raise NumbersOutsideOrder(first=first, last=last, quantity=order.quantity)
    if last - first + 1 > kind.most:
        raise TooManyAtOnce(limit=kind.most, what=kind.what)
    response = _MAKERS[name](order, _codes(order), first, last)
    log.info("operator %s fetches %s of order %s", operator().id, name, order.id)
    return response


def _codes(order: CodeOrder) -> CodeList:
    """The order's codes; raises `KeyNotFound` when its key was revoked: they open nothing."""
    key = db_session.get(SigningKey, (order.brand_id, order.key_id))
    if key is None or key.revoked_at is not None:
        raise KeyNotFound(key_id=order.key_id)
    return code_list(db_session, order, settings_of().key_encryption_key)


def _csv(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    return _attached(package.text(codes, "csv", first, last), "text/csv", order, first, last, "csv")


def _zip(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    pieces = package.zip_pieces(codes, _about(order), _password(), first, last)
    return _attached(pieces, "application/zip", order, first, last, "zip")


def _svgs(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    pieces = package.image_pieces(codes, _password(), first, last)
    return _attached(pieces, "application/zip", order, first, last, "svg.zip")


def _labels(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    wanted = labels(codes, first, last, printed_name(_product(order)))
    sheet = BytesIO()
    write_sheet(sheet, wanted, title=order.external_id, font_path=settings_of().label_font)
    return _attached([sheet.getvalue()], "application/pdf", order, first, last, "pdf")


def _svg(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    image = draw.svg(_url(codes, first)).encode()
    return _attached([image], "image/svg+xml", order, first, last, "svg")


def _png(order: CodeOrder, codes: CodeList, first: int, last: int) -> Response:
    return _attached([draw.png(_url(codes, first))], "image/png", order, first, last, "png")


_MAKERS = {
    "zip": _zip, "csv": _csv, "labels": _labels, "svgs": _svgs, "svg": _svg, "png": _png,
}  # fmt: skip


def _url(codes: CodeList, number: int) -> str:
    return next(labels(codes, number, number)).url


def _password() -> str:
    return request.form.get("password", "")


def _product(order: CodeOrder) -> Product | None:
    if order.product_id is None:
        return None
    return db_session.get(Product, (order.brand_id, order.product_id))


def _about(order: CodeOrder) -> Mapping[str, Any]:
    """What a package's manifest says of the order."""
    product = _product(order)
    return {
        "order": order.external_id,
        "layer": order.layer,
        "lot": order.lot,
        "gtin": queries.printed_gtin(db_session, order),
        "product": product.name_zh if product else None,
    }


def _attached(
    pieces: Iterable[bytes], mimetype: str, order: CodeOrder, first: int, last: int, ending: str
) -> Response:
    """A download; its name says which numbers of which order, in ASCII."""
    response = Response(_begun(pieces), mimetype=mimetype)
    name = f"order-{order.id}-{first}-{last}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, the first of them made already: what fails is told before anything is sent."""
    made = iter(pieces)
    first = next(made, b"")

    def send() -> Iterator[bytes]:
        yield first
        yield from made

    return send()
