"""Accounts of a brand, and the transfers between them."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand


class Account(Base):
    """An account of points. The issuing account's balance is derived, never stored: it is hot.

    Whose it is, `kind` and `owner_id` say together; what these mean the rooms above know.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("brand_id", "kind", "owner_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("balance >= 0", name="not_overdrawn"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]  # issuing, or a kind of owner
    owner_id: Mapped[int | None]
    balance: Mapped[int] = mapped_column(default=0)


class Transfer(Base):
    """Points moved from one account to another; immutable, and never twice under one key."""

    __tablename__ = "transfer"
    __table_args__ = (
        of_brand("debit_account_id", "account.id"),
        of_brand("credit_account_id", "account.id"),
        UniqueConstraint("brand_id", "key"),
        CheckConstraint("points > 0", name="moves_something"),
        Index("ix_transfer_credit", "brand_id", "credit_account_id", "id"),
        Index("ix_transfer_debit", "brand_id", "debit_account_id", "id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]
    debit_account_id: Mapped[int]
    credit_account_id: Mapped[int]
    points: Mapped[int]
    reason: Mapped[str]  # such as claim
    subject_id: Mapped[int | None]  # what the reason is about, such as the claimed code
    at: Mapped[datetime]
