"""The brand's products."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from codegen import queries
from codegen.errors import ProductExists, RestrictedGtin, Unreadable
from codegen.labels import prints
from codegen.models import Product
from codegen.product import correct_gtin, register
from core.errors import YimaError
from scanapp.brand.codes import MANAGE_PRODUCTS, section
from scanapp.office.door import brand, operator, requires
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session, settings_of
from scanapp.web.language import named

Answer = AnyResponse | str | tuple[str, int]


_ABOUT: forms.About = {Unreadable: "gtin", RestrictedGtin: "gtin", ProductExists: "gtin"}


@section.route("/products", methods=["GET", "POST"])
@requires(MANAGE_PRODUCTS)
def products() -> Answer:
    """The brand's products and a form for another one."""
    return forms.answered(_register, _products_page, _ABOUT)


def _products_page(error: YimaError | None) -> str:
    return render_template(
        "codes/products.html",
        products=queries.products(db_session, brand().id),
        error=message_of(error) if error else None,
        values=request.form,
        asks_restricted=isinstance(error, RestrictedGtin) or "restricted" in request.form,
    )


def _register() -> AnyResponse:
    form = request.form
    product = register(
        db_session,
        brand().id,
        forms.needed(form.get("gtin", "").strip() or None, "gtin"),
        forms.needed(forms.text(form, "name_zh", 100), "name_zh"),
        forms.text(form, "name_en", 100) or "",
        allows_restricted="restricted" in form,
    )
    flash(_("“%(name)s” is registered.", name=product.name_zh), "success")
    return redirect(url_for("brand.codes.products"))


@section.route("/products/<int:product_id>", methods=["GET", "POST"])
@requires(MANAGE_PRODUCTS)
def product(product_id: int) -> Answer:
    """A product, a form that corrects its GTIN, and how that was corrected before."""
    found = queries.product(db_session, brand().id, product_id)
    return forms.answered(
        lambda: _correct(product_id), lambda error: _product_page(found.id, error), _ABOUT
    )


def _product_page(product_id: int, error: YimaError | None) -> str:
    return render_template(
        "codes/product.html",
        product=queries.product(db_session, brand().id, product_id),
        changes=queries.gtin_changes(db_session, brand().id, product_id),
        error=message_of(error) if error else None,
        values=request.form,
        asks_restricted=isinstance(error, RestrictedGtin) or "restricted" in request.form,
    )


def _correct(product_id: int) -> AnyResponse:
    form = request.form
    change = correct_gtin(
        db_session,
        brand().id,
        product_id,
        forms.needed(form.get("gtin", "").strip() or None, "gtin"),
        reason=forms.needed(forms.text(form, "reason"), "reason"),
        actor=operator().name,
        allows_restricted="restricted" in form,
    )
    flash(_("The GTIN is %(gtin)s now.", gtin=change.new_gtin), "success")
    return redirect(url_for("brand.codes.product", product_id=product_id))


def by_id() -> dict[int, Product]:
    """The products of the signed-in brand by id."""
    return {product.id: product for product in queries.products(db_session, brand().id)}


def choices(products: dict[int, Product]) -> list[tuple[int, str]]:
    """What a select offers of the products."""
    return [(product.id, f"{named(product)} · {product.gtin}") for product in products.values()]


def printed_name(product: Product | None) -> str:
    """What labels say of the product: its name in the reader's language, else one that prints."""
    names = (named(product), product.name_zh, product.name_en) if product else ()
    font = settings_of().label_font
    return next((name for name in names if prints(name, font)), "")
