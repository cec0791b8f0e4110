"""Where codes lead, in whatever form they come, and the box in which a code can be typed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, current_app, redirect, render_template, request, url_for
from flask import abort as leave
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from codegen import spelling
from codegen.errors import MalformedLink, Unreadable
from codegen.reading import Gtin, ItemCode, Reading, Sscc, read, read_address, read_link
from scanapp.consumer import blueprint, view
from scanapp.consumer.code import page, page_address
from scanapp.web.errors import http, message_of, wants_json
from scanapp.web.extensions import process
from scanapp.web.headers import request_id
from scanapp.web.language import named

TYPED_LENGTHS = range(12, 33)  # what may be meant as a serial, with a character too few or many
_AS_LINKED = re.compile(r"/*(?:01|00)/")


@dataclass(frozen=True)
class BoxView:
    """A page with the box: what was typed into it before, and what is wrong with that."""

    typed: str = ""
    error: str | None = None
    brand_name: str | None = None


@dataclass(frozen=True)
class ProductView:
    """A product's page: the brands that have it (one, but for a mistake), by names."""

    gtin: str
    products: list[tuple[str, str]]
    brand_name: str | None


@blueprint.get("/")
def start() -> str:
    """The box, for whoever has a code and no scanner."""
    return render_template("consumer/start.html", view=BoxView())


@blueprint.get("/find")
def find() -> AnyResponse | tuple[str, int]:
    """Leads to the page of what was typed; a form of this kind needs neither script nor cookie."""
    typed = request.args.get("code", "")
    try:
        return redirect(_address(read(typed)), code=303)
    except Unreadable as error:
        shown = BoxView(typed[:200], message_of(error))
        return render_template("consumer/start.html", view=shown), error.status


@blueprint.get("/01/<gtin>/21/<serial>")
def digital_link(gtin: str, serial: str) -> Response:
    """The page of a GS1 Digital Link as it is printed."""
    return _shown(lambda: read_link(gtin, serial), serial)


@blueprint.get("/01/<gtin>")
def product(gtin: str) -> Response:
    """The page of a product, whose number says nothing of a single item."""
    return _shown(lambda: read(f"/01/{gtin}"), gtin)


@blueprint.get("/00/<sscc>")
def carton(sscc: str) -> Response:
    """The page of a logistic unit, whose number anybody can make up."""
    return _shown(lambda: read(f"/00/{sscc}"), sscc)


@blueprint.get("/<string:serial>")
def short_link(serial: str) -> Response:
    """The page of a short link."""
    return any_link(serial)


@blueprint.get("/<code:text>")
def any_link(text: str) -> Response:
    """The page of a code in another form; what can't be meant as one is no page at all."""
    return _shown(lambda: read_address(text), text)


@blueprint.app_errorhandler(404)
def no_page(error: NotFound) -> AnyResponse:
    """What stands where no page is: for consumers the box, for everybody else what to do."""
    is_ours = request.blueprint in (None, blueprint.name) and not _is_another_doors()
    if wants_json() or not is_ours:
        return http(error)
    return Response(
        render_template("consumer/no_page.html", view=BoxView(), request_id=request_id()),
        status=404,
    )


def _shown(reader: Callable[[], Reading], typed: str) -> Response:
    """The page of what the reader finds."""
    try:
        found = reader()
    except Unreadable as error:
        if not _is_meant(typed, error):
            leave(404)
        return _unreadable(typed, error)
    if isinstance(found, ItemCode):
        return page(found)
    return _product(found) if isinstance(found, Gtin) else _carton(found)


def _unreadable(typed: str, error: Unreadable) -> Response:
    bare = spelling.without_hyphens(spelling.tidy(typed))
    is_serial = bare.isalnum() and bare.isascii()
    report_url = url_for("consumer.report", serial=bare[:40]) if is_serial else None
    shown = view.unknown("malformed", typed[:40], report_url, message_of(error))
    return Response(render_template("consumer/code.html", view=shown), status=404)


def _product(found: Gtin) -> Response:
    door = process()
    door.take_care()
    products = [
        (named(door.catalogue.brand(one.brand_id)), named(one))
        for one in door.catalogue.products_numbered(found.digits)
    ]
    brand_name = products[0][0] if len(products) == 1 else None
    shown = ProductView(found.digits, products, brand_name)
    text = render_template("consumer/product.html", view=shown)
    return Response(text, status=200 if products else 404)


def _carton(_found: Sscc) -> Response:
    return Response(render_template("consumer/carton.html", view=BoxView()))


def _address(found: Reading) -> str:
    if isinstance(found, ItemCode):
        return page_address(found)
    if isinstance(found, Gtin):
        return url_for("consumer.product", gtin=found.digits)
    return url_for("consumer.carton", sscc=found.digits)


def _is_meant(typed: str, error: Unreadable) -> bool:
    """Whether somebody meant a code: then it is told what is wrong with it."""
    if type(error) is MalformedLink:  # of no form at all
        return False
    if _AS_LINKED.match(request.path):
        return True
    bare = spelling.without_hyphens(spelling.tidy(typed))
    return len(bare) in TYPED_LENGTHS and bare.isalnum()


def _is_another_doors() -> bool:
    """Whether the address is below another door's."""
    prefixes = [one.url_prefix for one in current_app.blueprints.values() if one.url_prefix]
    return any(f"{request.path}/".startswith(f"{prefix}/") for prefix in prefixes)
