"""Campaigns, their budgets, and claims."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand


class Campaign(Base):
    """`points` for the first claim of an item; what is None is not restricted."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("points > 0", name="pays"),)

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    points: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    product_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    area_codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  # where goods were put
    daily_limit: Mapped[int | None]  # claims a person and day
    budget_points: Mapped[int]
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class CampaignBudget(Base):
    """What of the campaign's budget is promised; apart from it, because it is hot."""

    __tablename__ = "campaign_budget"
    __table_args__ = (of_brand("campaign_id", "campaign.id"),)

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    reserved_points: Mapped[int] = mapped_column(default=0)


class Claim(Base):
    """The one claim of an item: granted, or held until the brand decides."""

    __tablename__ = "claim"
    __table_args__ = (
        of_brand("campaign_id", "campaign.id"),
        Index(
            "ix_claim_visitor", "brand_id", "visitor_id", postgresql_where=text("member_id IS NULL")
        ),
        Index("ix_claim_member", "brand_id", "member_id", "decided_at"),
        Index(
            "ix_claim_held",
            "brand_id",
            "decided_at",
            postgresql_where=text("decision = 'held'"),
        ),
    )

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    campaign_id: Mapped[int]
    visitor_id: Mapped[UUID]
    member_id: Mapped[int | None]
    points: Mapped[int]
    decision: Mapped[str]  # a ClaimState; refused is a held one that the brand refused
    reasons: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime]
    bound_at: Mapped[datetime | None]


class ClaimRefusal(Base):
    """A claim that was turned away; the item itself stays claimable."""

    __tablename__ = "claim_refusal"
    __table_args__ = (Index("ix_claim_refusal_code", "brand_id", "code_id"),)

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    code_id: Mapped[int]
    campaign_id: Mapped[int | None]
    visitor_id: Mapped[UUID]
    reason: Mapped[str]


class ClaimCount(Base):
    """Claims granted to a person (a member, or a visitor not signed in) on one day."""

    __tablename__ = "claim_count"
    __table_args__ = (of_brand("campaign_id", "campaign.id"),)

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)  # m:<member id> or v:<visitor id>
    day: Mapped[date] = mapped_column(primary_key=True)
    claims: Mapped[int]
