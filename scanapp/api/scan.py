"""`POST` JSON to a code's own address: an app's scan, and at `…/claim` its claim.

The body: `visitor` (the app's own name for its user or device, 1 to 128 characters), and where
known `region` (a code of ours) or `lat`, `lon`, `accuracy`, `datum`.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from codegen.errors import ForgedSerial
from codegen.models import Product
from codegen.reading import Reading, item_of, read_address, read_link
from core.errors import N_, BadInput, YimaError
from core.regions.tree import RegionTree
from identity.api_key import verify
from scanapp.api import blueprint
from scanapp.intake.answer import Answer
from scanapp.web.extensions import process
from scanapp.web.position import place_at
from scanapp.web.visits import visit_of
from traceability.visit import Kind, Outcome, Place

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_VISITOR_LENGTH = 128
BODY_BYTES_MOST = 16_384
_VISITORS = uuid.UUID("6f2f6a53-4a7b-4a4e-9d0c-7d3f0a1f9c11")  # namespace of the apps' own names


class KeyNeeded(YimaError):
    code = "key_needed"
    status = 401
    message = N_("Send the brand's API key in the header: Authorization: Bearer yk_…")


@blueprint.post("/01/<gtin>/21/<serial>")
def scan_digital_link(gtin: str, serial: str) -> Response:
    """Records an app's scan of a GS1 Digital Link as it is printed."""
    return _visit(Kind.SCAN, lambda: read_link(gtin, serial))


@blueprint.post("/01/<gtin>/21/<serial>/claim")
def claim_digital_link(gtin: str, serial: str) -> Response:
    """Decides an app's claim of a GS1 Digital Link as it is printed."""
    return _visit(Kind.CLAIM, lambda: read_link(gtin, serial))


@blueprint.post("/<string:text>")
@blueprint.post("/<code:text>")
def scan_any_link(text: str) -> Response:
    """Records an app's scan of a short link, or of a code in another form."""
    return _visit(Kind.SCAN, lambda: read_address(text))


@blueprint.post("/<string:text>/claim")
@blueprint.post("/<code:text>/claim")
def claim_any_link(text: str) -> Response:
    """Decides an app's claim of a short link, or of a code in another form."""
    return _visit(Kind.CLAIM, lambda: read_address(text))


def _visit(kind: Kind, reader: Callable[[], Reading]) -> Response:
    kept, environ = process(), request.environ
    catalogue = kept.catalogue
    kept.take_care()
    brand_id = verify(catalogue.content.api_keys, _presented(environ))
    if brand_id is None:
        raise KeyNeeded()
    body = _body(environ)
    visitor_id = _visitor(brand_id, body)
    source = kept.source_of_app(visitor_id)
    code = item_of(reader())
    place = _place(body, catalogue.regions)
    visit = visit_of(kind, code, visitor_id, source, place, "app")
    if visit.brand_id != brand_id:
        raise ForgedSerial()  # another brand's code is none of this brand's
    answer = kept.submit(visit)
    if answer.outcome is Outcome.FORGED:
        raise ForgedSerial()
    product = catalogue.content.products.get(answer.product_id or 0)
    return Response(orjson.dumps(_as_json(answer, product)), content_type="application/json")


# Of the headers just what is needed, and by hand: Werkzeug's answers know all of HTTP, and both
# together would take a tenth of the view's time.


def _presented(environ: "WSGIEnvironment") -> str:
    """The key in the header, empty when there is none."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _body(environ: "WSGIEnvironment") -> Mapping[str, Any]:
    sent = environ["wsgi.input"].read(BODY_BYTES_MOST + 1)
    if len(sent) > BODY_BYTES_MOST:
        raise RequestEntityTooLarge()
    form = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    is_json = form == "application/json" or (
        form.startswith("application/") and form.endswith("+json")
    )
    body = _loads(sent) if is_json else None
    if not isinstance(body, dict):
        raise BadInput(reason=N_("Send a JSON object."))
    return body


def _loads(sent: bytes) -> Any:
    """What the JSON says; None if it is none."""
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError:  # or just not strict enough: names may be no Unicode
        try:
            return json.loads(sent.decode())  # UTF-8 and nothing else (RFC 8259, 8.1)
        except (ValueError, RecursionError):  # thousands of brackets within each other
            return None


def _visitor(brand_id: int, body: Mapping[str, Any]) -> uuid.UUID:
    name = body.get("visitor")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_VISITOR_LENGTH:
        raise BadInput(
            reason=N_("Send your user's or device's name as visitor (1 to 128 letters).")
        )
    spelled = name.encode(errors="surrogatepass").hex()
    # `uuid.uuid5` does the same and imports its hash anew each time.
    digest = hashlib.sha1(_VISITORS.bytes + f"{brand_id}:{spelled}".encode(), usedforsecurity=False)
    return uuid.UUID(bytes=digest.digest()[:16], version=5)


def _place(body: Mapping[str, Any], regions: RegionTree) -> Place | None:
    region = body.get("region")
    if region is not None:
        if not isinstance(region, str) or region not in regions:
            raise BadInput(reason=N_("The region is not one of our codes; see yima regions."))
        return Place(regions.canonical(region), "app")
    return place_at(body, "app", regions) if "lat" in body or "lon" in body else None


def _as_json(answer: Answer, product: Product | None) -> dict[str, Any]:
    claim = answer.claim
    return {
        "outcome": answer.outcome,
        "gtin": product.gtin if product else None,
        "product": {"zh": product.name_zh, "en": product.name_en} if product else None,
        "lot": answer.lot,
        "produced_on": answer.produced_on.isoformat() if answer.produced_on else None,
        "expires_on": answer.expires_on.isoformat() if answer.expires_on else None,
        "reason": answer.void_reason,
        "first_at": answer.first_at.isoformat() if answer.first_at else None,
        "first_region": answer.first_region,
        "scans": answer.scans,
        "verdict": answer.verdict.decision,
        "doubts": [reason.code for reason in answer.verdict.reasons],
        "claim": {
            "state": claim.state,
            "points": claim.points,
            "reason": claim.reason,
            "repeated": claim.is_repeat,
        }
        if claim
        else None,
        "offer_points": answer.offer_points,
    }
