"""Adding a place where goods are made, kept or sold."""

import enum

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.regions.errors import UnknownRegion
from core.regions.models import Region
from identity import naming, queries
from identity.errors import BadChoice, DistributorNeeded, NameTaken
from identity.models import Site, SiteKind


class Channel(enum.StrEnum):
    """Ways in which goods reach people."""

    GENERAL = "general"  # 流通: wholesale and small shops
    KA = "ka"  # key accounts: chains and supermarkets
    CATERING = "catering"  # 餐饮
    ECOMMERCE = "ecommerce"  # 电商
    GROUP = "group"  # 团购: bulk sales to companies


def add_site(
    session: Session,
    brand_id: int,
    code: str,
    name: str,
    kind: str,
    region_code: str,
    channel: str | None = None,
    distributor_id: int | None = None,
) -> Site:
    """The new site; `code` is the ERP's own, without `distributor_id` it is the brand's.

    Raises `BadCode`, `BadName`, `BadChoice` (kind or channel), `UnknownRegion`,
    `DistributorNeeded`, `NotFound` (distributor) or `NameTaken`.
    """
    values = {
        "brand_id": brand_id,
        "code": naming.erp_code("site code", code),
        "name": naming.name("site's name", name),
        "kind": _kind(kind, distributor_id),
        "region_code": _region_code(session, region_code),
        "channel": channel_code(channel),
        "distributor_id": distributor_id,
    }
    if distributor_id is not None and not queries.distributor(session, brand_id, distributor_id):
        raise NotFound(what="distributor", name=distributor_id)
    site = session.scalar(insert(Site).values(values).on_conflict_do_nothing().returning(Site))
    if site is None:
        raise NameTaken(what="site", name=values["code"])
    return site


def channel_code(channel: str | None) -> str | None:
    """The channel's code; nothing for none or blank. Raises `BadChoice`."""
    if not channel:
        return None
    if channel not in set(Channel):
        raise BadChoice(what="channel", value=naming.shown(channel), choices=", ".join(Channel))
    return Channel(channel).value


def _kind(kind: str, distributor_id: int | None) -> str:
    if kind not in set(SiteKind):
        raise BadChoice(what="kind of site", value=naming.shown(kind), choices=", ".join(SiteKind))
    if kind == SiteKind.DISTRIBUTOR and distributor_id is None:
        raise DistributorNeeded(what="distributor's site")
    return SiteKind(kind).value


def _region_code(session: Session, code: str) -> str:
    code = code.strip().upper()
    # PostgreSQL refuses NUL and surrogates with an error of its own: only ask what can be there.
    region = session.get(Region, code) if code.isascii() and code.isalnum() else None
    if region is None:
        raise UnknownRegion(name=naming.shown(code))
    return region.code
