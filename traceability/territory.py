"""Where a distributor may sell, granted and ended; the past keeps its own territories."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen.errors import ProductNotFound
from codegen.models import Product
from core.errors import N_, BadInput, NotFound
from core.regions.errors import UnknownRegion
from core.regions.models import Region
from identity.models import Distributor
from identity.site import channel_code
from traceability.errors import TerritoryExists
from traceability.models import Territory
from traceability.topics import TRACE, ToTrace


def grant(
    session: Session,
    *,
    brand_id: int,
    distributor_id: int,
    region_code: str,
    valid_from: datetime,
    valid_to: datetime | None = None,
    product_id: int | None = None,
    channel: str | None = None,
) -> Territory:
    """The new territory: region and all below, from `valid_from` until before `valid_to`.

    Without `product_id` it is for all products, without `channel` for all channels. Several
    distributors may have the same. Past sightings of the distributor are judged again. Raises
    `UnknownRegion`, `NotFound` (distributor), `ProductNotFound`, `BadChoice` (channel),
    `TerritoryExists` or `BadInput`.
    """
    _check_times(valid_from, valid_to)
    # Taken for update so that two grants at once see each other.
    row = (brand_id, distributor_id)
    if session.get(Distributor, row, with_for_update={"key_share": True}) is None:
        raise NotFound(what="distributor", name=distributor_id)
    if product_id is not None and session.get(Product, (brand_id, product_id)) is None:
        raise ProductNotFound()
    territory = Territory(
        brand_id=brand_id,
        distributor_id=distributor_id,
        region_code=_region(session, region_code),
        product_id=product_id,
        channel=channel_code(channel),
        valid_from=valid_from,
        valid_to=valid_to,
    )
    _check_new(session, territory)
    session.add(territory)
    session.flush()
    _owe_judging(session, territory)
    return territory


def end(session: Session, *, brand_id: int, territory_id: int, at: datetime) -> Territory:
    """The territory, which is no longer valid from `at` on; before, it was.

    Sightings since then are judged again. Raises `NotFound` or `BadInput`.
    """
    territory = session.get(Territory, (brand_id, territory_id), with_for_update=True)
    if territory is None:
        raise NotFound(what="territory", name=territory_id)
    _check_times(territory.valid_from, at)
    if territory.valid_to is not None and at > territory.valid_to:
        raise BadInput(reason=N_("The territory ended before that. Grant a new one instead."))
    territory.valid_to = at
    session.flush()
    _owe_judging(session, territory)
    return territory


def _check_times(valid_from: datetime, valid_to: datetime | None) -> None:
    if valid_from.tzinfo is None or (valid_to is not None and valid_to.tzinfo is None):
        raise BadInput(reason=N_("Give the time with its offset, like 2026-11-20T08:00:00+08:00."))
    if valid_to is not None and valid_to <= valid_from:
        raise BadInput(field="valid_to", reason=N_("A territory must end after it begins."))


def _region(session: Session, code: str) -> str:
    """The code under which facts about the region are kept; raises `UnknownRegion`."""
    code = code.strip().upper()
    region = session.get(Region, code) if code.isascii() and code.isalnum() else None
    if region is None:
        raise UnknownRegion(what="region", name=code[:20])
    return region.same_as or region.code


def _check_new(session: Session, territory: Territory) -> None:
    query = select(Territory.id).where(
        Territory.brand_id == territory.brand_id,
        Territory.distributor_id == territory.distributor_id,
        Territory.region_code == territory.region_code,
        Territory.product_id.is_not_distinct_from(territory.product_id),
        Territory.channel.is_not_distinct_from(territory.channel),
        (Territory.valid_to.is_(None)) | (Territory.valid_to > territory.valid_from),
    )
    if territory.valid_to is not None:
        query = query.where(Territory.valid_from < territory.valid_to)
    if session.scalar(query.limit(1)) is not None:
        raise TerritoryExists()


def _owe_judging(session: Session, territory: Territory) -> None:
    TRACE.put(session, territory.brand_id, ToTrace(distributors=(territory.distributor_id,)))
