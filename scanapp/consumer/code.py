"""The page behind a QR code, and the beacon by which a person's scan is told from a crawler's."""

import base64

from flask import Response, render_template, request, url_for

from codegen.errors import ForgedSerial
from codegen.reading import ItemCode
from scanapp.consumer import blueprint, view
from scanapp.consumer.visitor import BEACON_SECONDS, Ticket, redeem, visitor
from scanapp.intake.answer import Answer
from scanapp.web.address import client_address
from scanapp.web.atlas import place_of
from scanapp.web.extensions import process, settings_of
from scanapp.web.looking import is_prerendering, is_view
from scanapp.web.visits import visit_of
from traceability.visit import Kind, Outcome, Place

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def page(found: ItemCode) -> Response:
    """The page of a code as it was scanned: looked at, and confirmed as a scan by its beacon."""
    ticket = Ticket(found.serial, found.gtin, visitor(), found.lot)
    try:
        answer = submit(Kind.LOOK, ticket)
    except ForgedSerial:
        return _forged(found.serial)
    if answer.outcome is Outcome.FORGED:
        return _forged(found.serial)
    refusal = request.args.get("refused", "")[:20] or None
    shown = view.of_answer(answer, ticket, refusal)
    text = render_template("consumer/code.html", view=shown, is_prerendering=is_prerendering())
    return Response(text)


@blueprint.get("/b/<ticket>.gif")
def beacon(ticket: str) -> Response:
    """Records the scan of whoever saw the page, within half an hour; a pixel.

    The one address where GET changes something: an image needs no script. What is fetched ahead
    of somebody, or asked for its headers only, was not seen.
    """
    redeemed = redeem(ticket, BEACON_SECONDS)
    if is_view():
        submit(Kind.SCAN, redeemed)
    return Response(_PIXEL, mimetype="image/gif")


def submit(kind: Kind, ticket: Ticket, place: Place | None = None) -> Answer:
    """Hands the ticket's code to intake; the region of the address is the place of last resort."""
    settings, kept = settings_of(), process()
    address = client_address(request, settings.trusted_proxies)
    if place is None:
        place = place_of(address, settings.geoip_path, kept.catalogue.regions)
    code = ItemCode(ticket.serial, ticket.gtin, lot=ticket.lot)
    visit = visit_of(kind, code, ticket.visitor_id, kept.source(address), place, "page")
    return kept.submit(visit)


def page_address(code: ItemCode | Ticket) -> str:
    """The address of the code's page, in the form in which it was scanned."""
    if code.gtin is None:
        return url_for("consumer.short_link", serial=code.serial)
    if code.lot is not None:
        text = f"01/{code.gtin}/10/{code.lot}/21/{code.serial}"
        return url_for("consumer.any_link", text=text)
    return url_for("consumer.digital_link", gtin=code.gtin, serial=code.serial)


def _forged(serial: str) -> Response:
    shown = view.unknown("forged", serial, url_for("consumer.report", serial=serial))
    return Response(render_template("consumer/code.html", view=shown), status=404)
