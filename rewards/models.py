"""Campaigns, claims, and the double-entry ledger of points."""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Campaign(Base):
    """`points` for the first claim of an item; what is None is not restricted."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("points > 0", name="pays"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), index=True)
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

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    reserved_points: Mapped[int] = mapped_column(default=0)


class Claim(Base):
    """The one claim of an item: granted, or held until the brand decides."""

    __tablename__ = "claim"
    __table_args__ = (
        Index("ix_claim_visitor", "visitor_id", postgresql_where=text("member_id IS NULL")),
        Index("ix_claim_member", "member_id", "decided_at"),
        Index(
            "ix_claim_held",
            "brand_id",
            "decided_at",
            postgresql_where=text("decision = 'held'"),
        ),
    )

    code_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    brand_id: Mapped[int]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    visitor_id: Mapped[UUID]
    member_id: Mapped[int | None]
    points: Mapped[int]
    decision: Mapped[str]  # granted, held, refused (a held one that the brand refused)
    reasons: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime]
    bound_at: Mapped[datetime | None]


class ClaimRefusal(Base):
    """A claim that was turned away; the item itself stays claimable."""

    __tablename__ = "claim_refusal"
    __table_args__ = (Index("ix_claim_refusal_code", "code_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    brand_id: Mapped[int]
    code_id: Mapped[int]
    campaign_id: Mapped[int | None]
    visitor_id: Mapped[UUID]
    reason: Mapped[str]


class ClaimCount(Base):
    """Claims granted to a person (a member, or a visitor not signed in) on one day."""

    __tablename__ = "claim_count"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)  # m:<member id> or v:<visitor id>
    day: Mapped[date] = mapped_column(primary_key=True)
    claims: Mapped[int]


class Account(Base):
    """An account of points. The issuing account's balance is derived, never stored: it is hot."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("brand_id", "kind", "member_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("balance >= 0", name="not_overdrawn"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    kind: Mapped[str]  # issuing, member
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    balance: Mapped[int] = mapped_column(default=0)


class Transfer(Base):
    """Points moved from one account to another; immutable, and never twice under one key."""

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("brand_id", "key"),
        CheckConstraint("points > 0", name="moves_something"),
        Index("ix_transfer_credit", "credit_account_id", "id"),
        Index("ix_transfer_debit", "debit_account_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    key: Mapped[str]
    debit_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    credit_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    points: Mapped[int]
    reason: Mapped[str]  # claim
    code_id: Mapped[int | None]
    at: Mapped[datetime]
