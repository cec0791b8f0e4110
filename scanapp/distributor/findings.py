"""What is said about the signed-in distributor, and its answer. Never a word about another."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from antifraud import answer, queries
from codegen import queries as codes
from core.errors import N_, YimaError
from identity import queries as identities
from identity.models import Role
from identity.permission import Permission
from scanapp.distributor.company import company_id
from scanapp.office import door
from scanapp.office.finding import headline, is_answerable, view_of
from scanapp.office.section import MenuEntry, Section
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.language import named
from scanapp.web.request import FORM_BYTES_MOST, takes

ANSWER_FINDINGS = Permission(Role.DISTRIBUTOR)

section = Section("findings", __name__, MenuEntry(N_("Findings"), "findings", ANSWER_FINDINGS))


@section.get("/")
@door.requires(ANSWER_FINDINGS)
def findings() -> str:
    """The findings that concern the company, latest first."""
    brand_id = door.brand().id
    found = queries.findings(db_session, brand_id, company_id())
    company = identities.distributor(db_session, brand_id, company_id())
    products = {product.id: product for product in codes.products(db_session, brand_id)}
    views = [headline(one, products.get(one.product_id), company) for one in found]
    return render_template("distributor/findings.html", views=views, company=company)


@section.get("/findings/<int(max=9223372036854775807):finding_id>")
@door.requires(ANSWER_FINDINGS)
def finding(finding_id: int) -> str:
    """The evidence, the steps so far, and the answer's form while it is open."""
    return _page(finding_id)


@section.post("/findings/<int(max=9223372036854775807):finding_id>")
@door.requires(ANSWER_FINDINGS)
@takes(FORM_BYTES_MOST)
def finding_answer(finding_id: int) -> Response | str | tuple[str, int]:
    """Keeps the company's answer."""

    def do() -> Response:
        text = request.form.get("text", "")
        brand_id, actor = door.brand().id, door.operator().name
        answer.answer(db_session, brand_id, finding_id, company_id(), actor, text)
        flash(_("Your answer is kept. The brand decides after reading it."), "genuine")
        return redirect(url_for("distributor.findings.finding", finding_id=finding_id), code=303)

    return forms.answered(do, lambda error: _page(finding_id, error))


def _page(finding_id: int, error: YimaError | None = None) -> str:
    brand = door.brand()
    found = queries.finding(db_session, brand.id, finding_id, company_id())
    products = {product.id: product for product in codes.products(db_session, brand.id)}
    view = view_of(
        db_session,
        found,
        products.get(found.product_id),
        identities.distributor(db_session, brand.id, company_id()),
        queries.steps(db_session, brand.id, finding_id, company_id()),
        brand_name=named(brand),
    )
    return render_template(
        "distributor/finding.html",
        view=view,
        may_answer=is_answerable(found),
        text=request.form.get("text", ""),
        text_max=answer.TEXT_MAX,
        error=message_of(error) if error else None,
    )
