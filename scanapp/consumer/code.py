"""The page behind a QR code, and the beacon by which a person's scan is told from a crawler's."""

import base64

from flask import Response, abort, render_template, request, url_for

from codegen import crockford
from codegen.errors import ForgedSerial, InvalidGtin, MalformedSerial
from codegen.gs1 import gtin14
from core import clock
from scanapp.consumer import blueprint, view
from scanapp.consumer.visitor import BEACON_SECONDS, Ticket, redeem, visitor
from scanapp.intake.visit import Answer, Kind, Outcome, Place, Visit
from scanapp.web.address import client_address
from scanapp.web.atlas import place_of
from scanapp.web.extensions import intake, settings_of
from scanapp.web.headers import request_id
from scanapp.web.looking import is_prerendering, is_view

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
TYPED_LENGTHS = range(12, 33)  # what may be meant as a serial, with a character too few or many


@blueprint.get("/01/<gtin>/21/<serial>")
def digital_link(gtin: str, serial: str) -> Response:
    """The page of a GS1 Digital Link."""
    try:
        return _page(serial, gtin14(gtin))
    except InvalidGtin:
        return _no_code("malformed", serial)


@blueprint.get("/<string:serial>")
def short_link(serial: str) -> Response:
    """The page of a short link; anything that can't be meant as a serial is no page at all."""
    if len(serial) not in TYPED_LENGTHS or not serial.isalnum():
        abort(404)
    return _page(serial, None)


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
    settings, door = settings_of(), intake()
    address = client_address(request, settings.trusted_proxies)
    source = door.source(address)
    opened = door.open(ticket.serial, source)
    if place is None:
        place = place_of(address, settings.geoip_path, door.catalogue.regions)
    visit = Visit(
        kind=kind,
        code_id=opened.code_id,
        brand_id=opened.brand_id,
        visitor_id=ticket.visitor_id,
        at=clock.now(),
        source=source,
        gtin=ticket.gtin,
        place=place,
        request_id=request_id(),
    )
    return door.submit(visit)


def page_address(ticket: Ticket) -> str:
    """The address of the code's page, in the form in which it was scanned."""
    if ticket.gtin is not None:
        return url_for("consumer.digital_link", gtin=ticket.gtin, serial=ticket.serial)
    return url_for("consumer.short_link", serial=ticket.serial)


def _page(serial: str, gtin: str | None) -> Response:
    serial = crockford.normalise(serial)
    ticket = Ticket(serial, gtin, visitor())
    try:
        answer = submit(Kind.LOOK, ticket)
    except MalformedSerial:
        return _no_code("malformed", serial)
    except ForgedSerial:
        return _no_code("forged", serial)
    if answer.outcome is Outcome.FORGED:
        return _no_code("forged", serial)
    refusal = request.args.get("refused", "")[:20] or None
    shown = view.of_answer(answer, ticket, refusal)
    page = render_template("consumer/code.html", view=shown, is_prerendering=is_prerendering())
    return Response(page)


def _no_code(outcome: str, serial: str) -> Response:
    shown = view.unknown(outcome, serial[:40], url_for("consumer.report", serial=serial[:40]))
    return Response(render_template("consumer/code.html", view=shown), status=404)
