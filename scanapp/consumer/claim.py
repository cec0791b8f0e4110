"""Claiming an item's points, and telling where it was scanned; both with the page's ticket."""

from flask import jsonify, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import N_, BadInput
from rewards.answer import ClaimState
from scanapp.consumer import blueprint
from scanapp.consumer.code import page_address, submit
from scanapp.consumer.visitor import redeem_own
from scanapp.web.extensions import csrf, process
from scanapp.web.language import place_name
from scanapp.web.position import place_at
from traceability.visit import Kind


@blueprint.post("/claim")
@csrf.exempt  # the ticket is bound to the visitor's own cookie
def claim() -> Response:
    """Decides the claim, then shows the code's page again, which says how it went."""
    ticket = redeem_own(request.form.get("ticket", ""))
    answer = submit(Kind.CLAIM, ticket)
    address = page_address(ticket)
    if answer.claim is not None and answer.claim.state == ClaimState.REFUSED:
        return redirect(f"{address}?refused={answer.claim.reason}", code=303)
    return redirect(address, code=303)


@blueprint.post("/place")
@csrf.exempt
def place() -> Response:
    """Adds the region of the browser's position to the visitor's scan; counts once a scan."""
    ticket = redeem_own(request.form.get("ticket", ""))
    told = place_at(request.form, "browser", process().catalogue.regions)
    if told is None:
        raise BadInput(reason=N_("This position is in no region that we know."))
    submit(Kind.PLACE, ticket, told)
    name = place_name(process().catalogue.regions, told.region_code)
    return jsonify(place=name, message=_("Thank you."))
