"""Findings of diversion, their evidence, and every step that was taken about them."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand


class Status(enum.StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"  # the facts changed


class Finding(Base):
    """Goods of a distributor turn up in a region far more often than chance explains."""

    __tablename__ = "finding"
    __table_args__ = (
        of_brand("distributor_id", "distributor.id"),
        of_brand("product_id", "product.id"),
        UniqueConstraint("brand_id", "distributor_id", "product_id", "region_code"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    distributor_id: Mapped[int]
    product_id: Mapped[int]
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    status: Mapped[str]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    placed_scans: Mapped[int]  # the flow's first scans whose place is known
    off_scans: Mapped[int]  # of these, in this region
    expected_scans: Mapped[float]
    log10_e_value: Mapped[float]
    coherent_cartons: Mapped[int]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)


class FindingStep(Base):
    """What was said or done about a finding: append-only."""

    __tablename__ = "finding_step"
    __table_args__ = (
        Index("ix_finding_step_finding", "brand_id", "finding_id"),
        of_brand("finding_id", "finding.id"),
    )

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    finding_id: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]  # opened, updated, withdrawn, answered, confirmed, dismissed
    text: Mapped[str]


class ReportState(enum.StrEnum):
    NEW = "new"
    LOOKED_INTO = "looked_into"
    CLOSED = "closed"


class Report(Base):
    """A consumer's word about a code; `brand_id` is None when no brand's key made the serial.

    `note` to `at` are the consumer's; who took it up last, when, and what came of it the brand's.
    """

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int | None] = mapped_column(ForeignKey("brand.id"), index=True)
    serial: Mapped[str]
    bought_where: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=ReportState.NEW, server_default=ReportState.NEW)
    handled_by: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    handled_note: Mapped[str] = mapped_column(default="", server_default="")

    @property
    def case_number(self) -> str:
        """What the consumer was told to keep."""
        return f"R{self.id:06d}"
