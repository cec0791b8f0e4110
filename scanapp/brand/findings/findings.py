"""Findings of diversion: the list, the evidence of one, and the brand's decision about it."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from antifraud import answer, queries
from antifraud.models import Status
from codegen import queries as codes
from core.errors import YimaError
from identity import queries as identities
from identity.permission import may
from scanapp.brand.findings import DECIDE_FINDINGS, SEE_FINDINGS, section
from scanapp.office import door
from scanapp.office.finding import headline, view_of
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.request import FORM_BYTES_MOST, takes

UNDECIDED = (Status.OPEN, Status.ANSWERED)


@section.get("/findings")
@door.requires(SEE_FINDINGS)
def findings() -> str:
    """The brand's findings, those that wait for a decision unless all are asked for."""
    shows_all = request.args.get("all") == "1"
    brand_id = door.brand().id
    found = queries.findings(db_session, brand_id, statuses=None if shows_all else UNDECIDED)
    products = {product.id: product for product in codes.products(db_session, brand_id)}
    companies = identities.distributors_by_id(
        db_session, brand_id, {one.distributor_id for one in found}
    )
    views = [
        headline(one, products.get(one.product_id), companies.get(one.distributor_id))
        for one in found
    ]
    return render_template("findings/findings.html", views=views, shows_all=shows_all)


@section.get("/findings/<int(max=9223372036854775807):finding_id>")
@door.requires(SEE_FINDINGS)
def finding(finding_id: int) -> str:
    """The evidence, the steps so far, and the form of who may decide."""
    return _page(finding_id)


@section.post("/findings/<int(max=9223372036854775807):finding_id>")
@door.requires(DECIDE_FINDINGS)
@takes(FORM_BYTES_MOST)
def finding_decide(finding_id: int) -> Response | str | tuple[str, int]:
    """Confirms or dismisses the finding."""

    def do() -> Response:
        answer.decide(
            db_session,
            door.brand().id,
            finding_id,
            door.operator().name,
            request.form.get("decision", ""),
            request.form.get("text", ""),
        )
        flash(_("Your decision is kept, and the distributor sees it."), "genuine")
        return redirect(url_for("brand.findings.finding", finding_id=finding_id), code=303)

    return forms.answered(do, lambda error: _page(finding_id, error))


def _page(finding_id: int, error: YimaError | None = None) -> str:
    brand = door.brand()
    found = queries.finding(db_session, brand.id, finding_id)
    products = {product.id: product for product in codes.products(db_session, brand.id)}
    view = view_of(
        db_session,
        found,
        products.get(found.product_id),
        identities.distributor(db_session, brand.id, found.distributor_id),
        queries.steps(db_session, brand.id, finding_id),
    )
    may_decide = may(door.operator().role, DECIDE_FINDINGS)
    return render_template(
        "findings/finding.html",
        view=view,
        may_decide=may_decide and found.status != Status.WITHDRAWN,
        text=request.form.get("text", ""),
        text_max=answer.TEXT_MAX,
        error=message_of(error) if error else None,
    )
