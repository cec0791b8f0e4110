"""All that is known about one code, gathered for a person who looks into it."""

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from antifraud.models import Finding
from antifraud.queries import findings
from codegen import queries as codes
from codegen.errors import ForgedSerial
from codegen.keys import KeyRing
from codegen.models import Layer, Product, SigningKey
from codegen.queries import CodeCard
from codegen.reading import ItemCode, Sscc, read_item, same_lot
from codegen.serial import key_id_of
from core import clock, global_names
from core.errors import N_, BadInput
from core.global_names import NameKind
from core.regions.tree import RegionTree
from rewards.models import Claim
from rewards.queries import claim_of
from scanapp.office.scanned import carton_numbered, code_numbered
from traceability import queries
from traceability.models import Carton, Sighting
from traceability.queries import Happening, Seller, Whereabouts

ASKED_CHARACTERS_MAX = 2_048


class Signature(enum.StrEnum):
    RIGHT = "right"
    FORGED = "forged"
    REVOKED = "revoked"  # it names a key of the brand that was revoked, since its secret leaked
    OTHER_BRAND = "other_brand"
    NOT_CHECKED = "not_checked"  # asked for by number: there was no serial


@dataclass(frozen=True)
class PlaceName:
    """A region by its code, and its path in both languages."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class CartonFacts:
    """The carton that an item is in, or that the code itself is on; `name` is `PO-7 #12`."""

    name: str
    sscc: str | None
    quantity: int
    packed_at: datetime


@dataclass(frozen=True)
class Moment:
    """One entry of a code's life.

    `kind` is ordered, activate, freeze, thaw, void, packing, shipping, receiving, inspecting,
    scan or claim; `text` is the reason of a change, a scan's outcome or a claim's decision.
    """

    at: datetime
    kind: str
    of_carton: bool = False
    site: str | None = None
    to_site: str | None = None
    document: str | None = None
    actor: str | None = None
    text: str | None = None
    place: PlaceName | None = None


@dataclass(frozen=True)
class Dossier:
    """What is known; without a `card` the code is none of the brand's.

    `seller` had the goods at `seller_at`: the first scan, else now. `doubts` are sentences about
    a link that is not as it was printed.
    """

    asked: str
    signature: Signature
    serial: str | None = None
    card: CodeCard | None = None
    doubts: tuple[str, ...] = ()
    whereabouts: Whereabouts | None = None
    carton: CartonFacts | None = None
    seller: Seller | None = None
    seller_at: datetime | None = None
    territories: tuple[PlaceName, ...] = ()
    timeline: tuple[Moment, ...] = ()
    sighting: Sighting | None = None
    sighting_place: PlaceName | None = None
    claim: Claim | None = None
    findings: tuple[Finding, ...] = ()


def dossier(
    session: Session, keys: KeyRing, regions: RegionTree, text: str, brand_id: int | None
) -> Dossier:
    """Everything about the code that `text` names, as far as it is the brand's (None: any's).

    `text` is what the reader reads, or an order's number (`PO-7 #12`); that and a carton's SSCC
    need the brand. Raises `BadInput`, `Unreadable`, `OrderNotFound`, `NumbersOutsideOrder` or
    `NotFound` (SSCC).
    """
    asked = text.strip()
    if not 1 <= len(asked) <= ASKED_CHARACTERS_MAX:
        raise BadInput(reason=N_("Type a serial, the link of a code, or an order and a number."))
    named = code_numbered(session, brand_id, asked)
    if named is not None:
        return _gather(session, regions, asked, *named, None)
    link = read_item(asked)
    if isinstance(link, Sscc):
        named = carton_numbered(session, brand_id, link)
        return _gather(session, regions, asked, *named, None)
    try:
        opened = keys.open(link.serial)
    except ForgedSerial:
        return Dossier(asked, _refused(session, link.serial, brand_id), link.serial)
    if brand_id not in (None, opened.brand_id):
        return Dossier(asked, Signature.OTHER_BRAND, link.serial)
    return _gather(session, regions, asked, opened.brand_id, opened.code_id, link)


def _refused(session: Session, serial: str, brand_id: int | None) -> Signature:
    """Why no key in force opens the serial."""
    key_id = key_id_of(serial)
    owner = global_names.brand_of(session, NameKind.SIGNING_KEY, str(key_id))
    if owner is None or brand_id not in (None, owner):
        return Signature.FORGED
    key = session.get_one(SigningKey, (owner, key_id))
    return Signature.REVOKED if key.revoked_at else Signature.FORGED


def _gather(
    session: Session,
    regions: RegionTree,
    asked: str,
    brand_id: int,
    code_id: int,
    link: ItemCode | None,
) -> Dossier:
    signature = Signature.RIGHT if link else Signature.NOT_CHECKED
    serial = link.serial if link else None
    card = codes.code_card(session, brand_id, code_id)
    if card is None:
        return Dossier(asked, signature, serial)
    sighting = session.get(Sighting, (brand_id, code_id))
    seller_at = sighting.at if sighting else clock.now()
    whereabouts = queries.where_is(session, brand_id, code_id)
    seller = queries.who_should_sell(session, brand_id, code_id, seller_at)
    grounds = seller.territories if seller else ()
    claim = claim_of(session, brand_id, code_id)
    return Dossier(
        asked=asked,
        signature=signature,
        serial=serial,
        card=card,
        doubts=_doubts(session, card, link),
        whereabouts=whereabouts,
        carton=_carton(session, brand_id, whereabouts.carton_id if whereabouts else None),
        seller=seller,
        seller_at=seller_at if seller else None,
        territories=tuple(
            place for ground in grounds if (place := _place(regions, ground.region_code))
        ),
        timeline=_timeline(regions, card, queries.what_happened(session, brand_id, code_id), claim),
        sighting=sighting,
        sighting_place=_place(regions, sighting.region_code if sighting else None),
        claim=claim,
        findings=_findings(session, regions, sighting),
    )


def _doubts(session: Session, card: CodeCard, link: ItemCode | None) -> tuple[str, ...]:
    if link is None:
        return ()
    doubts = []
    if link.host is not None and link.host != card.order.host.lower():
        doubts.append(N_("The link names another host than the one that was printed."))
    if link.gtin is not None and link.gtin not in _gtins(session, card.product):
        doubts.append(N_("The link names another product than the code is on."))
    if link.lot is not None and card.range.lot and not same_lot(link.lot, card.range.lot):
        doubts.append(N_("The link names another lot than the item's."))
    return tuple(doubts)


def _gtins(session: Session, product: Product | None) -> set[str]:
    """The product's GTIN, and those that it was printed with before a correction."""
    if product is None:
        return set()
    changes = codes.gtin_changes(session, product.brand_id, product.id)
    return {product.gtin, *(change.old_gtin for change in changes)}


def _carton(session: Session, brand_id: int, carton_id: int | None) -> CartonFacts | None:
    carton = session.get(Carton, (brand_id, carton_id)) if carton_id is not None else None
    if carton is None:
        return None
    name = codes.names_of(session, brand_id, [carton.carton_id])[carton.carton_id]
    return CartonFacts(name, carton.sscc, carton.quantity, carton.packed_at)


def _place(regions: RegionTree, code: str | None) -> PlaceName | None:
    if code is None or code not in regions:
        return None
    return PlaceName(code, regions.path_name(code, "zh"), regions.path_name(code, "en"))


def _timeline(
    regions: RegionTree, card: CodeCard, happenings: Iterable[Happening], claim: Claim | None
) -> tuple[Moment, ...]:
    """All that happened to the code, oldest first."""
    found = [Moment(card.order.created_at, "ordered")]
    found += [
        Moment(change.at, change.action, actor=change.actor, text=change.reason)
        for change in card.changes
    ]
    found += [
        Moment(
            at=one.at,
            kind=one.step,
            of_carton=one.of_carton,
            site=one.site_name,
            to_site=one.to_site_name,
            document=one.document,
            actor=one.actor,
            text=one.outcome,
            place=_place(regions, one.region_code),
        )
        for one in happenings
    ]
    if claim is not None:
        found.append(Moment(claim.decided_at, "claim", text=claim.decision))
    return tuple(sorted(found, key=lambda moment: moment.at))


def _findings(
    session: Session, regions: RegionTree, sighting: Sighting | None
) -> tuple[Finding, ...]:
    """The findings about the flow and the region that the first scan counts for."""
    if sighting is None or sighting.in_territory is not False or sighting.distributor_id is None:
        return ()
    region = sighting.region_code
    return tuple(
        finding
        for finding in findings(session, sighting.brand_id, sighting.distributor_id)
        if finding.product_id == sighting.product_id
        and region in regions
        and finding.region_code in regions
        and region is not None
        and regions.contains(finding.region_code, region)
    )


def pseudonym(visitor_id: UUID) -> str:
    """Six characters that stay the same for a visitor, and lead nobody to them."""
    return hashlib.blake2s(visitor_id.bytes, person=b"dossier").hexdigest()[:6]


def as_json(found: Dossier) -> dict[str, Any]:
    """The dossier as plain values, without personal data; times are ISO 8601."""
    card, sighting, claim = found.card, found.sighting, found.claim
    return {
        "asked": found.asked,
        "signature": found.signature.value,
        "serial": found.serial,
        "code": _card_json(card) if card else None,
        "doubts": list(found.doubts),
        "custody": _plain(asdict(found.whereabouts)) if found.whereabouts else None,
        "carton": _plain(asdict(found.carton)) if found.carton else None,
        "should_sell": _plain(asdict(found.seller)) if found.seller else None,
        "should_sell_at": found.seller_at.isoformat() if found.seller_at else None,
        "territories": [asdict(place) for place in found.territories],
        "timeline": [_plain(asdict(moment)) for moment in found.timeline],
        "first_scan": {
            "at": sighting.at.isoformat(),
            "place": asdict(found.sighting_place) if found.sighting_place else None,
            "source": sighting.region_source,
            "by": pseudonym(sighting.visitor_id),
            "in_territory": sighting.in_territory,
        }
        if sighting
        else None,
        "claim": {
            "at": claim.decided_at.isoformat(),
            "decision": claim.decision,
            "points": claim.points,
            "by": pseudonym(claim.visitor_id),
        }
        if claim
        else None,
        "findings": [{"id": one.id, "status": one.status} for one in found.findings],
    }


def _card_json(card: CodeCard) -> dict[str, Any]:
    state = card.range
    return _plain(
        {
            "code_id": card.code_id,
            "order": card.order.external_id,
            "number": card.number,
            "layer": Layer(card.order.layer).value,
            "state": state.state,
            "reason": state.reason,
            "gtin": card.product.gtin if card.product else None,
            "product": card.product.name_zh if card.product else None,
            "lot": state.lot,
            "plant": state.plant,
            "produced_on": state.produced_on,
            "expires_on": state.expires_on,
        }
    )


def _plain(value: Any) -> Any:
    """The value with its times and days as text."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
