"""The states of an order's codes: activated, frozen, thawed, voided."""

from flask import flash, redirect, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from codegen.activate import Batch, Numbers, activate, freeze, thaw, void
from core.errors import N_, BadInput
from scanapp.brand.codes import ACTIVATE_CODES, BLOCK_CODES, section
from scanapp.brand.codes.orders import ABOUT, ID, Answer, order_page
from scanapp.office.door import brand, operator, requires
from scanapp.web import forms
from scanapp.web.extensions import db_session


@section.route(f"/orders/<{ID}:order_id>/activate", methods=["GET", "POST"])
@requires(ACTIVATE_CODES)
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

    return forms.answered(
        change, lambda error: order_page(order_id, "activate", error), ABOUT, "activate"
    )


@section.route(f"/orders/<{ID}:order_id>/<any(freeze, thaw, void):action>", methods=["GET", "POST"])
@requires(BLOCK_CODES)
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
                field="sure",
                reason=N_("Tick that you are sure: void codes never become valid again."),
            )
        else:
            count = void(*who, reason, operator().name)
        return _changed(order_id, count)

    failed = "void" if action == "void" else "freeze"
    return forms.answered(change, lambda error: order_page(order_id, failed, error), ABOUT, failed)


def _numbers() -> Numbers:
    form = request.form
    return Numbers(
        forms.needed(forms.whole(form, "first"), "first"),
        forms.needed(forms.whole(form, "last"), "last"),
    )


def _changed(order_id: int, count: int) -> AnyResponse:
    if count:
        flash(_("Done: %(count)s codes were changed.", count=format_decimal(count)), "success")
    else:
        flash(_("These codes were like that already; nothing was changed."), "info")
    return redirect(url_for("brand.codes.order", order_id=order_id))
