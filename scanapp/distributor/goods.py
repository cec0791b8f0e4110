"""Goods of the signed-in distributor: shipments to it, what lies at its sites, and receiving."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import N_, NotFound, YimaError
from identity import queries as identities
from identity.models import Role
from identity.permission import Permission
from scanapp.distributor.company import company_id
from scanapp.office import door
from scanapp.office.section import MenuEntry, Section
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.language import moment, named
from traceability import queries
from traceability.activity import still_in_transit
from traceability.models import BizStep, TraceEvent
from traceability.queries import ShipmentCard
from traceability.receive import receive

RECEIVE_GOODS = Permission(Role.DISTRIBUTOR)

section = Section("goods", __name__, MenuEntry(N_("Goods"), "stock", RECEIVE_GOODS))


class NothingToReceive(YimaError):
    code = "nothing_to_receive"
    status = 409
    message = N_("All goods of this shipment have been received or have gone on. Nothing changed.")


@dataclass(frozen=True)
class ShipmentLine:
    event_id: int
    at: str | None
    document: str | None
    sender: str
    to_site: str
    codes: int
    in_transit: int


@section.get("/goods")
@door.requires(RECEIVE_GOODS)
def stock() -> str:
    """Shipments to the company and the stock of its sites."""
    return _page()


@section.post("/goods/<int(max=9223372036854775807):event_id>/receive")
@door.requires(RECEIVE_GOODS)
def receive_shipment(event_id: int) -> Response | str | tuple[str, int]:
    """Receives what is still on its way of a shipment to one of the company's own sites."""
    shipment, site_id = _own_shipment(event_id)

    def do() -> Response:
        _receive(shipment, site_id)
        flash(_("Received: the goods are in your stock now."), "genuine")
        return redirect(url_for("distributor.goods.stock"), code=303)

    return forms.answered(do, _page)


def _own_shipment(event_id: int) -> tuple[TraceEvent, int]:
    """The shipment and the company's site it goes to; `NotFound` for all others alike."""
    brand_id = door.brand().id
    found = queries.event(db_session, brand_id, event_id)
    if found is not None and found.biz_step == BizStep.SHIPPING and found.to_site_id is not None:
        sites = identities.sites_by_id(db_session, brand_id, [found.to_site_id])
        site = sites.get(found.to_site_id)
        if site is not None and site.distributor_id == company_id():
            return found, site.id
    raise NotFound(what="shipment", name=event_id)


def _receive(shipment: TraceEvent, site_id: int) -> None:
    codes = still_in_transit(db_session, shipment.brand_id, shipment.id)
    if not codes:
        raise NothingToReceive()
    receive(
        db_session,
        brand_id=shipment.brand_id,
        # Pressed twice at once, the second finds the first's event.
        key=f"portal shipment {shipment.id} from {codes[0][0]}",
        document=shipment.document,
        site_id=site_id,
        codes=codes,
        actor=door.operator().name,
    )


def _page(error: YimaError | None = None) -> str:
    brand_id = door.brand().id
    cards = queries.shipments(db_session, brand_id, company_id())
    return render_template(
        "distributor/goods.html",
        shipments=[_line(card) for card in cards if card.to_distributor_id == company_id()],
        stocks=queries.inventory(db_session, brand_id, company_id()),
        error=message_of(error) if error else None,
    )


def _line(card: ShipmentCard) -> ShipmentLine:
    senders = {None: named(door.brand()), company_id(): card.from_site_name}
    return ShipmentLine(
        event_id=card.event_id,
        at=moment(card.at, "short"),
        document=card.document,
        sender=senders.get(card.from_distributor_id, _("another distributor")),
        to_site=card.to_site_name,
        codes=card.codes,
        in_transit=card.codes_in_transit,
    )
