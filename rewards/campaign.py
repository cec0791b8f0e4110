"""Campaigns: points for the first claim of an item, within dates, places, limits and a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from codegen.errors import ProductNotFound
from codegen.models import Product
from core import clock
from core.errors import N_, BadInput
from core.regions.models import Region
from rewards.errors import CampaignNotFound
from rewards.models import Campaign, CampaignBudget

MAX_POINTS = 1_000_000
MAX_BUDGET_POINTS = 10**15


@dataclass(frozen=True)
class Terms:
    """What a campaign promises; None restricts nothing."""

    name_zh: str
    name_en: str
    points: int
    budget_points: int
    starts_at: datetime
    ends_at: datetime | None = None
    product_ids: tuple[int, ...] | None = None
    area_codes: tuple[str, ...] | None = None
    daily_limit: int | None = None


def launch(session: Session, brand_id: int, terms: Terms) -> Campaign:
    """The brand's new campaign, with its whole budget free.

    Raises `BadInput`, and `ProductNotFound` when a product is not the brand's.
    """
    _check(session, terms)
    if terms.product_ids:
        _check_products(session, brand_id, terms.product_ids)
    campaign = Campaign(
        brand_id=brand_id,
        name_zh=terms.name_zh.strip(),
        name_en=terms.name_en.strip() or terms.name_zh.strip(),
        points=terms.points,
        budget_points=terms.budget_points,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        product_ids=list(terms.product_ids) if terms.product_ids else None,
        area_codes=list(terms.area_codes) if terms.area_codes else None,
        daily_limit=terms.daily_limit,
        created_at=clock.now(),
    )
    session.add(campaign)
    session.flush()
    session.add(CampaignBudget(brand_id=brand_id, campaign_id=campaign.id, reserved_points=0))
    session.flush()
    return campaign


def stop(session: Session, brand_id: int, campaign_id: int) -> None:
    """The campaign grants nothing from now on; what it granted stays. Raises `CampaignNotFound`."""
    query = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.brand_id == brand_id)
        .where(Campaign.stopped_at.is_(None))
        .values(stopped_at=clock.now())
    )
    stopped = session.execute(query).rowcount  # type: ignore[attr-defined]
    if not stopped and session.get(Campaign, (brand_id, campaign_id)) is None:
        raise CampaignNotFound()


def _check(session: Session, terms: Terms) -> None:
    names = (terms.name_zh.strip(), terms.name_en.strip())
    if not names[0] or not all(name.isprintable() and len(name) <= 100 for name in names):
        raise BadInput(
            field="name_zh", reason=N_("Give the campaign a name of 1 to 100 printable characters.")
        )
    if not 1 <= terms.points <= MAX_POINTS:
        raise BadInput(field="points", reason=N_("A claim pays 1 to 1,000,000 points."))
    if not terms.points <= terms.budget_points <= MAX_BUDGET_POINTS:
        raise BadInput(
            field="budget_points",
            reason=N_("The budget pays at least one claim, at most 10^15 points."),
        )
    if terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        raise BadInput(field="ends_at", reason=N_("The campaign ends before it starts."))
    if terms.daily_limit is not None and terms.daily_limit < 1:
        raise BadInput(
            field="daily_limit",
            reason=N_("The daily limit is at least 1; leave it empty for none."),
        )
    if terms.area_codes:
        _check_areas(session, terms.area_codes)


def _check_products(session: Session, brand_id: int, product_ids: Sequence[int]) -> None:
    query = select(Product.id).where(Product.brand_id == brand_id, Product.id.in_(product_ids))
    if set(product_ids) - set(session.scalars(query)):
        raise ProductNotFound()


def _check_areas(session: Session, codes: Sequence[str]) -> None:
    known = set(session.scalars(select(Region.code).where(Region.code.in_(codes))))
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise BadInput(reason=f"Unknown region: {', '.join(unknown[:5])}")
