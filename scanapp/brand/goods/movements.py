"""Goods: what is where, and packing, shipping and receiving it."""

from typing import BinaryIO, cast

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from codegen import queries as codes
from codegen.errors import NumbersOutsideOrder, OrderNotFound
from core.errors import N_, BadInput, NotFound, YimaError
from identity import queries as identities
from identity.models import Site
from identity.permission import may
from scanapp.brand.goods import PACK_GOODS, RECEIVE_GOODS, SHIP_GOODS, section
from scanapp.office.door import brand, operator, requires
from scanapp.office.lists import BadLines, CodeList, by_carton, line_report, pasted
from scanapp.office.scanned import key_ring
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.request import takes
from traceability import queries
from traceability.errors import KeyConflict, UnknownCodes
from traceability.goods import Range
from traceability.pack import pack_as_printed, pack_collected
from traceability.receive import receive
from traceability.ship import ship

Answer = AnyResponse | str | tuple[str, int]

CARTONS_SHOWN = 10
LIST_BYTES_MOST = 1_000_000  # 2,000 pasted links
REPORT_BYTES_MOST = 8 * 1024 * 1024  # 100,000 lines
LINES_SHOWN = 10
SHIPMENTS_SHOWN = 10


ABOUT: forms.About = {
    OrderNotFound: "order",
    NumbersOutsideOrder: "first",
    BadLines: "serials",
    UnknownCodes: "serials",
}


@section.get("/goods")
@requires(SHIP_GOODS)
def stock() -> str:
    """Stock by site, the latest shipments and cartons; each list turns its own pages."""
    before_shipment, before_carton = forms.page_before("shipment"), forms.page_before("carton")
    shipments = queries.shipments(
        db_session, brand().id, before_event_id=before_shipment, limit=SHIPMENTS_SHOWN
    )
    cartons = queries.cartons(
        db_session, brand().id, before_carton_id=before_carton, limit=CARTONS_SHOWN
    )
    stock = queries.inventory(db_session, brand().id)
    owners = {row.distributor_id for row in stock if row.distributor_id}
    return render_template(
        "goods/stock.html",
        stock=stock,
        shipments=shipments,
        cartons=cartons,
        distributors=identities.distributors_by_id(db_session, brand().id, owners),
        older_shipments=shipments[-1].event_id if len(shipments) == SHIPMENTS_SHOWN else None,
        older_cartons=cartons[-1].carton_id if len(cartons) == CARTONS_SHOWN else None,
        is_first_page=not before_shipment and not before_carton,
        may_pack=may(operator().role, PACK_GOODS),
        may_receive=may(operator().role, RECEIVE_GOODS),
    )


@section.route("/goods/pack", methods=["GET", "POST"])
@requires(PACK_GOODS)
@takes(LIST_BYTES_MOST)
def pack_goods() -> Answer:
    """A form for items that go into cartons in the order they were printed in."""
    return forms.answered(_pack, lambda error: _form("goods/pack.html", error), ABOUT)


def _pack() -> AnyResponse:
    form = request.form
    items = _order_called("items_order")
    cartons = _order_called("cartons_order")
    count = forms.needed(forms.whole(form, "cartons"), "cartons")
    pack_as_printed(
        db_session,
        brand_id=brand().id,
        items_order_id=items,
        cartons_order_id=cartons,
        first_item=forms.needed(forms.whole(form, "first_item"), "first_item"),
        quantity_per_carton=forms.needed(
            forms.whole(form, "quantity_per_carton"), "quantity_per_carton"
        ),
        cartons=count,
        site_id=_site("site").id,
        key=forms.one_time_key(form),
        actor=operator().name,
        at=forms.moment(form, "at"),
        first_carton=forms.whole(form, "first_carton"),
    )
    return _recorded(_("Packed: %(count)s cartons.", count=format_decimal(count)))


@section.route("/goods/report", methods=["GET", "POST"])
@requires(PACK_GOODS)
@takes(REPORT_BYTES_MOST)
def report_packing() -> Answer:
    """A form for what the line saw: a list of which item went into which carton."""
    return forms.answered(
        _report, lambda error: _form("goods/report.html", error), {**ABOUT, BadLines: "report"}
    )


def _report() -> AnyResponse:
    sent = request.files.get("report")
    if sent is None or not sent.filename:
        raise BadInput(field="report", reason=N_("Choose the file with the list."))
    found = line_report(db_session, key_ring(), brand().id, cast(BinaryIO, sent.stream))
    cartons = by_carton(found)
    pack_collected(
        db_session,
        brand_id=brand().id,
        lines=cartons,
        site_id=_site("site").id,
        key=forms.one_time_key(request.form),
        actor=operator().name,
        at=forms.moment(request.form, "at"),
    )
    _tell_passed_over(found)
    told = _(
        "Packed: %(items)s items into %(count)s cartons.",
        items=format_decimal(len(found.rows)),
        count=format_decimal(len(cartons)),
    )
    return _recorded(told)


@section.route("/goods/ship", methods=["GET", "POST"])
@requires(SHIP_GOODS)
@takes(LIST_BYTES_MOST)
def ship_goods() -> Answer:
    """A form for goods that leave one site for another."""
    return forms.answered(_ship, lambda error: _form("goods/ship.html", error), ABOUT)


def _ship() -> AnyResponse:
    form = request.form
    target = _site("to_site")
    ship(
        db_session,
        brand_id=brand().id,
        key=forms.one_time_key(form),
        document=forms.text(form, "document"),
        from_site_id=_site("from_site").id,
        to_site_id=target.id,
        codes=_listed(),
        actor=operator().name,
        at=forms.moment(form, "at"),
    )
    return _recorded(_("The goods are on their way to “%(site)s”.", site=target.name))


@section.route("/goods/receive", methods=["GET", "POST"])
@requires(RECEIVE_GOODS)
@takes(LIST_BYTES_MOST)
def receive_goods() -> Answer:
    """A form for goods that arrived at a site."""
    return forms.answered(_receive, lambda error: _form("goods/receive.html", error), ABOUT)


def _receive() -> AnyResponse:
    form = request.form
    site = _site("site")
    received = receive(
        db_session,
        brand_id=brand().id,
        key=forms.one_time_key(form),
        document=forms.text(form, "document"),
        site_id=site.id,
        codes=_listed(),
        actor=operator().name,
        at=forms.moment(form, "at"),
    )
    strays = sum(stray.hi - stray.lo for stray in received.strays)
    if strays:
        flash(
            _(
                "%(count)s of these goods should be at another site. Look into it.",
                count=format_decimal(strays),
            ),
            "warning",
        )
    return _recorded(_("Received at “%(site)s”.", site=site.name))


def _form(template: str, error: YimaError | None) -> str:
    """The form as it was sent, or a new one with a key of its own.

    A key that was used for other content is not sent again: that is another event by now.
    """
    is_spent = error is None or isinstance(error, KeyConflict)
    return render_template(
        template,
        error=_told(error) if error else None,
        lines=[(wrong.line, wrong.column, message_of(wrong.error)) for wrong in error.wrong]
        if isinstance(error, BadLines)
        else (),
        key=forms.new_key() if is_spent else request.form.get("key", ""),
        values=request.form,
        sites=identities.sites(db_session, brand().id),
        orders=codes.orders(db_session, brand().id),
    )


def _told(error: YimaError) -> str:
    if isinstance(error, KeyConflict):
        return _(
            "This form was recorded already, with other content: see the list of goods. "
            "Sent again, it is a second event."
        )
    return message_of(error)


def _recorded(told: str) -> AnyResponse:
    flash(told, "success")
    return redirect(url_for("brand.goods.stock"))


def _tell_passed_over(found: CodeList) -> None:
    """Says which lines of a list counted for nothing; shown with what becomes of the form."""
    if found.headings:
        flash(_("Read as a heading: line %(lines)s.", lines=_some(found.headings)), "info")
    if found.repeated:
        told = _(
            "Repeats an earlier line and counts once: line %(lines)s.", lines=_some(found.repeated)
        )
        flash(told, "warning")


def _some(lines: list[int]) -> str:
    more = " …" if len(lines) > LINES_SHOWN else ""
    return ", ".join(map(str, lines[:LINES_SHOWN])) + more


def _site(field: str) -> Site:
    """The site whose code the field has; raises `NotFound`."""
    code = forms.needed(forms.text(request.form, field), field)
    found = identities.sites_by_code(db_session, brand().id, [code]).get(code)
    if found is None:
        raise NotFound(what="site", name=code, field=field)
    return found


def _order_called(field: str) -> int:
    """The id of the order that the field names; raises `OrderNotFound`."""
    name = forms.needed(forms.text(request.form, field), field)
    try:
        return codes.order_called(db_session, brand().id, name).id
    except OrderNotFound as error:
        raise OrderNotFound(field=field) from error


def _listed() -> list[Range]:
    """The codes that the form lists: numbers of an order, pasted serials, or both."""
    form = request.form
    found: list[Range] = []
    name = forms.text(form, "order")
    if name is not None:
        order = codes.order_called(db_session, brand().id, name)
        first = forms.needed(forms.whole(form, "first"), "first")
        last = forms.needed(forms.whole(form, "last"), "last")
        if not 1 <= first <= last <= order.quantity:
            raise NumbersOutsideOrder(first=first, last=last, quantity=order.quantity)
        found.append((order.lo + first - 1, order.lo + last))
    listed = form.get("serials", "")
    if listed.strip():
        read = pasted(db_session, key_ring(), brand().id, listed)
        _tell_passed_over(read)
        found += [(code, code + 1) for (code,) in read.rows]
    if not found:
        raise BadInput(
            field="order",
            reason=N_("Say which goods: numbers of an order, or the codes of cartons or items."),
        )
    return found
