"""Products, orders of codes, and the states of an order's codes."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from codegen import queries
from codegen.activate import Batch, Numbers, activate, freeze, thaw, void
from codegen.models import Layer, Product
from codegen.order import OrderRequest, place
from codegen.product import register
from core.errors import N_, BadInput, YimaError
from identity.permission import Permission, may
from scanapp.brand import blueprint
from scanapp.office.door import brand, operator, requires
from scanapp.web import forms
from scanapp.web.errors import message_of, translated
from scanapp.web.extensions import db_session, settings_of
from scanapp.web.language import named

Answer = AnyResponse | str | tuple[str, int]

ID = "int(max=9223372036854775807)"

KINDS = {
    "zip": N_("Codes as CSV in an encrypted ZIP"),
    "csv": N_("Codes as CSV"),
    "labels": N_("Label sheets as PDF"),
    "svgs": N_("QR codes as SVG in an encrypted ZIP"),
    "svg": N_("One QR code as SVG"),
    "png": N_("One QR code as PNG"),
}
"""What can be fetched of an order, by the name that the form sends."""


@blueprint.get("/orders")
@requires(Permission.ACTIVATE_CODES)
def orders() -> str:
    """The brand's orders, newest first, a page at a time."""
    before = forms.page_before()
    found = queries.orders(db_session, brand().id, before)
    return render_template(
        "brand/orders.html",
        orders=found,
        counts=queries.state_counts(db_session, [order.id for order in found]),
        products=_products(),
        may_order=may(operator().role, Permission.ORDER_CODES),
        newer_url=url_for("brand.orders") if before else None,
        older_url=url_for("brand.orders", before=found[-1].id)
        if len(found) == queries.PAGE
        else None,
    )


@blueprint.route("/orders/new", methods=["GET", "POST"])
@requires(Permission.ORDER_CODES)
def order_new() -> Answer:
    """A form for a new order; sent, the order."""
    return forms.answered(_place, _order_form)


def _order_form(error: YimaError | None) -> str:
    return render_template(
        "brand/order_new.html",
        error=message_of(error) if error else None,
        values=request.form,
        product_choices=_choices(_products()),
        host=request.host,
        scheme="https" if settings_of().cookie_secure else "http",
    )


def _place() -> AnyResponse:
    form = request.form
    try:
        layer = Layer(form.get("layer", ""))
    except ValueError as error:
        raise BadInput(reason=N_("Choose what the codes go on: items or cartons.")) from error
    wanted = OrderRequest(
        external_id=forms.needed(forms.text(form, "external_id")),
        quantity=forms.needed(forms.whole(form, "quantity")),
        host=forms.needed(forms.text(form, "host")),
        layer=layer,
        product_id=forms.whole(form, "product_id"),
        lot=forms.text(form, "lot", 64),
        scheme=form.get("scheme", ""),
        letter_case=form.get("letter_case", ""),
    )
    placed = place(db_session, brand().id, wanted, settings_of().key_encryption_key)
    db_session.commit()
    flash(_("The order “%(name)s” is placed.", name=placed.external_id), "success")
    return redirect(url_for("brand.order", order_id=placed.id))


@blueprint.get(f"/orders/<{ID}:order_id>")
@requires(Permission.ACTIVATE_CODES)
def order(order_id: int) -> str:
    """One order: its facts, the states of its numbers, what was done, and what can be done."""
    return order_page(order_id)


def order_page(order_id: int, form: str = "", error: YimaError | None = None) -> str:
    """The order's page; with an error, the form of that name as it was sent."""
    found = queries.order(db_session, brand().id, order_id)
    role, known = operator().role, _products()
    return render_template(
        "brand/order.html",
        order=found,
        counts=queries.state_counts(db_session, [found.id])[found.id],
        ranges=queries.ranges(db_session, brand().id, found.id),
        changes=queries.changes(db_session, brand().id, found.id, limit=50),
        products=known,
        product_choices=_choices(known),
        kinds=[(kind, translated(name)) for kind, name in KINDS.items()],
        failed=form,
        error=message_of(error) if error else None,
        values=request.form if error else {},
        may_activate=may(role, Permission.ACTIVATE_CODES),
        may_block=may(role, Permission.BLOCK_CODES),
        may_fetch=may(role, Permission.ORDER_CODES),
    )


@blueprint.route(f"/orders/<{ID}:order_id>/activate", methods=["GET", "POST"])
@requires(Permission.ACTIVATE_CODES)
def order_activate(order_id: int) -> Answer:
    """The order's page, after its numbers were activated as the form says."""
    form = request.form

    def change() -> AnyResponse:
        batch = Batch(
            product_id=forms.whole(form, "product_id"),
            lot=forms.text(form, "lot", 64),
            plant=forms.text(form, "plant", 64),
            produced_on=forms.day(form, "produced_on"),
            expires_on=forms.day(form, "expires_on"),
        )
        count = activate(db_session, brand().id, order_id, _numbers(), batch, operator().name)
        return _changed(order_id, count)

    return forms.answered(change, lambda error: order_page(order_id, "activate", error))


@blueprint.route(
    f"/orders/<{ID}:order_id>/<any(freeze, thaw, void):action>", methods=["GET", "POST"]
)
@requires(Permission.BLOCK_CODES)
def order_block(order_id: int, action: str) -> Answer:
    """The order's page, after its numbers were frozen, thawed or voided."""
    form = request.form

    def change() -> AnyResponse:
        who = (db_session, brand().id, order_id, _numbers())
        reason = forms.text(form, "reason") or ""
        if action == "freeze":
            count = freeze(*who, reason, operator().name)
        elif action == "thaw":
            count = thaw(*who, operator().name)
        elif form.get("sure") != "1":
            raise BadInput(
                reason=N_("Tick that you are sure: void codes never become valid again.")
            )
        else:
            count = void(*who, reason, operator().name)
        return _changed(order_id, count)

    failed = "void" if action == "void" else "freeze"
    return forms.answered(change, lambda error: order_page(order_id, failed, error))


def _numbers() -> Numbers:
    form = request.form
    return Numbers(
        forms.needed(forms.whole(form, "first")), forms.needed(forms.whole(form, "last"))
    )


def _changed(order_id: int, count: int) -> AnyResponse:
    db_session.commit()
    if count:
        flash(_("Done: %(count)s codes were changed.", count=f"{count:,}"), "success")
    else:
        flash(_("These codes were like that already; nothing was changed."), "info")
    return redirect(url_for("brand.order", order_id=order_id))


@blueprint.route("/products", methods=["GET", "POST"])
@requires(Permission.MANAGE_PRODUCTS)
def products() -> Answer:
    """The brand's products and a form for another one."""
    return forms.answered(_register, _products_page)


def _products_page(error: YimaError | None) -> str:
    return render_template(
        "brand/products.html",
        products=queries.products(db_session, brand().id),
        error=message_of(error) if error else None,
        values=request.form,
    )


def _register() -> AnyResponse:
    form = request.form
    product = register(
        db_session,
        brand().id,
        forms.needed(forms.text(form, "gtin")),
        forms.needed(forms.text(form, "name_zh", 100)),
        forms.text(form, "name_en", 100) or "",
    )
    db_session.commit()
    flash(_("“%(name)s” is registered.", name=product.name_zh), "success")
    return redirect(url_for("brand.products"))


def _products() -> dict[int, Product]:
    """The brand's products by id."""
    return {product.id: product for product in queries.products(db_session, brand().id)}


def _choices(products: dict[int, Product]) -> list[tuple[int, str]]:
    """What a select offers of the products."""
    return [(product.id, f"{named(product)} · {product.gtin}") for product in products.values()]
