"""Products, signing keys, code orders, and the state of codes as disjoint ranges."""

import enum
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand


class Layer(enum.StrEnum):
    """What a code is printed on. Only a carton's code may be packed into and shipped as one."""

    ITEM = "item"
    CARTON = "carton"


class RangeState(enum.StrEnum):
    ISSUED = "issued"
    ACTIVE = "active"
    FROZEN = "frozen"
    VOID = "void"


class Product(Base):
    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("brand_id", "gtin"),)

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    gtin: Mapped[str]  # GTIN-14
    name_zh: Mapped[str]
    name_en: Mapped[str]
    created_at: Mapped[datetime]


class GtinChange(Base):
    """A product's GTIN was wrong, and was corrected: append-only.

    What is printed stays: a link with `old_gtin` is as good as one with the product's own.
    """

    __tablename__ = "gtin_change"
    __table_args__ = (
        of_brand("product_id", "product.id"),
        Index("ix_gtin_change_product", "brand_id", "product_id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    product_id: Mapped[int]
    old_gtin: Mapped[str]
    new_gtin: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]


class SigningKey(Base):
    """A brand's key; the secret is wrapped (AES-KW, RFC 3394), never in the clear."""

    __tablename__ = "signing_key"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 20 bits, random
    wrapped_secret: Mapped[bytes]
    next_number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]  # opens, no longer issues
    revoked_at: Mapped[datetime | None]  # opens nothing: its secret leaked


class CodeOrder(Base):
    """`quantity` codes `[lo, hi)` of one layer; every serial is derived from it."""

    __tablename__ = "code_order"
    __table_args__ = (
        of_brand("key_id", "signing_key.key_id"),
        of_brand("product_id", "product.id"),
        UniqueConstraint("brand_id", "external_id"),
        UniqueConstraint("brand_id", "lo"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    external_id: Mapped[str]
    fingerprint: Mapped[str]  # of the content: the same again, or a conflict
    layer: Mapped[str]
    key_id: Mapped[int]
    quantity: Mapped[int]
    lo: Mapped[int]
    hi: Mapped[int]
    product_id: Mapped[int | None]
    lot: Mapped[str | None]
    scheme: Mapped[str]
    host: Mapped[str]
    letter_case: Mapped[str]
    created_at: Mapped[datetime]


class CodeRange(Base):
    """State and properties of the codes `[lo, hi)`; rows never overlap."""

    __tablename__ = "code_range"
    __table_args__ = (
        of_brand("order_id", "code_order.id"),
        of_brand("product_id", "product.id"),
        Index("ix_code_range_order", "brand_id", "order_id"),
        CheckConstraint("lo < hi", name="not_empty"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    lo: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hi: Mapped[int]
    order_id: Mapped[int]
    layer: Mapped[str]
    state: Mapped[str]
    product_id: Mapped[int | None]
    lot: Mapped[str | None]
    plant: Mapped[str | None]
    produced_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    reason: Mapped[str | None]
    changed_at: Mapped[datetime]


class RangeChange(Base):
    """What was done to `[lo, hi)`, by whom and why: append-only."""

    __tablename__ = "range_change"
    __table_args__ = (
        Index("ix_range_change_order", "brand_id", "order_id"),
        of_brand("order_id", "code_order.id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_id: Mapped[int]
    lo: Mapped[int]
    hi: Mapped[int]
    action: Mapped[str]  # activate, freeze, thaw, void
    actor: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[datetime]
