"""Orders of codes: the list, placing one, and an order's page."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from codegen import queries
from codegen.draw import side
from codegen.errors import (
    DoubtfulHost,
    InvalidHost,
    NotActivatable,
    NumbersOutsideOrder,
    OrderConflict,
    OrderTooLarge,
    OtherProduct,
    ProductNotFound,
    TooManyAtOnce,
    UnportablePassword,
    WeakPassword,
    WrongState,
)
from codegen.link import LETTER_CASES, doubt, prefix
from codegen.models import Layer
from codegen.order import OrderRequest, place
from codegen.package import new_password
from core.errors import N_, BadInput, YimaError
from identity.permission import may
from scanapp.brand.codes import ACTIVATE_CODES, BLOCK_CODES, MANAGE_PRODUCTS, ORDER_CODES, section
from scanapp.brand.codes.kinds import KINDS
from scanapp.brand.codes.products import by_id, choices, printed_name
from scanapp.office.door import brand, operator, requires
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session, settings_of

Answer = AnyResponse | str | tuple[str, int]

# Stand-ins where the form tells how large codes become.
_ANY_HOST = "qr.lanting.cn"
_ANY_GTIN = "06901234567892"
_ANY_SERIAL = "Z" * 20

ID = "int(max=9223372036854775807)"


@section.get("/orders")
@requires(ACTIVATE_CODES)
def orders() -> str:
    """The brand's orders, newest first, a page at a time."""
    before = forms.page_before()
    found = queries.orders(db_session, brand().id, before)
    return render_template(
        "codes/orders.html",
        orders=found,
        counts=queries.state_counts(db_session, brand().id, [order.id for order in found]),
        products=by_id(),
        may_order=may(operator().role, ORDER_CODES),
        newer_url=url_for("brand.codes.orders") if before else None,
        older_url=url_for("brand.codes.orders", before=found[-1].id)
        if len(found) == queries.PAGE
        else None,
    )


@section.route("/orders/new", methods=["GET", "POST"])
@requires(ORDER_CODES)
def order_new() -> Answer:
    """A form for a new order; sent, the order."""
    return forms.answered(
        _place,
        _order_form,
        {
            OrderTooLarge: "quantity",
            InvalidHost: "host",
            DoubtfulHost: "host",
            OrderConflict: "external_id",
            ProductNotFound: "product_id",
        },
    )


def _order_form(error: YimaError | None) -> str:
    host = request.form.get("host") or settings_of().link_host
    scheme = "https" if settings_of().cookie_secure else "http"
    try:
        drawn_host, sizes = host or _ANY_HOST, _sizes(host or _ANY_HOST, scheme)
    except InvalidHost:
        drawn_host, sizes = _ANY_HOST, _sizes(_ANY_HOST, scheme)
    return render_template(
        "codes/order_new.html",
        error=message_of(error) if error else None,
        values=request.form,
        product_choices=choices(by_id()),
        host=host,
        is_doubtful=_is_doubtful(host),
        drawn_host=drawn_host,
        sizes=sizes,
        scheme=scheme,
    )


def _sizes(host: str, scheme: str) -> dict[str, list[int]]:
    """By letter case, the modules a side of codes with a product's GTIN and without."""
    gtins = (_ANY_GTIN, None)
    return {
        case: [side(prefix(host, gtin, case, scheme) + _ANY_SERIAL) for gtin in gtins]
        for case in LETTER_CASES
    }


def _is_doubtful(host: str) -> bool:
    """Whether the form asks if the host is to be printed all the same."""
    try:
        return bool(host) and doubt(host) is not None
    except InvalidHost:
        return False


def _host() -> str:
    """The host that was typed; raises `DoubtfulHost` for one to be asked about before."""
    host = forms.needed(forms.text(request.form, "host"), "host")
    reason = doubt(host)
    if reason and not request.form.get("print_anyway"):
        raise DoubtfulHost(given=host[:60], reason=reason)
    return host


def _place() -> AnyResponse:
    form = request.form
    try:
        layer = Layer(form.get("layer", ""))
    except ValueError as error:
        raise BadInput(
            field="layer", reason=N_("Choose what the codes go on: items or cartons.")
        ) from error
    wanted = OrderRequest(
        external_id=forms.needed(forms.text(form, "external_id"), "external_id"),
        quantity=forms.needed(forms.whole(form, "quantity"), "quantity"),
        host=_host(),
        layer=layer,
        product_id=forms.whole(form, "product_id"),
        lot=forms.text(form, "lot", 64),
        scheme=form.get("scheme", ""),
        letter_case=form.get("letter_case", ""),
    )
    placed = place(db_session, brand().id, wanted, settings_of().key_encryption_key)
    flash(_("The order “%(name)s” is placed.", name=placed.external_id), "success")
    return redirect(url_for("brand.codes.order", order_id=placed.id))


@section.get(f"/orders/<{ID}:order_id>")
@requires(ACTIVATE_CODES)
def order(order_id: int) -> str:
    """One order: its facts, the states of its numbers, what was done, and what can be done."""
    return order_page(order_id)


ABOUT: forms.About = {
    NumbersOutsideOrder: "first",
    TooManyAtOnce: "last",
    UnportablePassword: "password",
    WeakPassword: "password",
    NotActivatable: "first",
    WrongState: "first",
    OtherProduct: "product_id",
    ProductNotFound: "product_id",
}
"""The fields of an order's forms that refusals are about."""


def order_page(order_id: int, form: str = "", error: YimaError | None = None) -> str:
    """The order's page; with an error, the form of that name as it was sent."""
    found = queries.order(db_session, brand().id, order_id)
    role, known = operator().role, by_id()
    return render_template(
        "codes/order.html",
        order=found,
        counts=queries.state_counts(db_session, brand().id, [found.id])[found.id],
        ranges=queries.ranges(db_session, brand().id, found.id),
        changes=queries.changes(db_session, brand().id, found.id, limit=50),
        products=known,
        product_choices=choices(known),
        kinds=KINDS,
        new_password=new_password(),
        printed_name=printed_name(known.get(found.product_id or 0)),
        failed=form,
        error=message_of(error) if error else None,
        values=request.form if error else {},
        may_activate=may(role, ACTIVATE_CODES),
        may_manage_products=may(role, MANAGE_PRODUCTS),
        may_block=may(role, BLOCK_CODES),
        may_fetch=may(role, ORDER_CODES),
    )
