"""Who takes part: brands, their distributors, sites, operators and API keys."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.day import DEFAULT_ZONE
from core.db import Base, of_brand


class Role(enum.StrEnum):
    """What an operator may do; `DISTRIBUTOR` sees only what concerns its own company."""

    BRAND_ADMIN = "brand_admin"
    WAREHOUSE = "warehouse"
    INSPECTOR = "inspector"
    DISTRIBUTOR = "distributor"


class SiteKind(enum.StrEnum):
    PLANT = "plant"
    WAREHOUSE = "warehouse"
    DISTRIBUTOR = "distributor"
    OUTLET = "outlet"


class Brand(Base):
    __tablename__ = "brand"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)  # in addresses: a-z 0-9 and hyphens
    name_zh: Mapped[str]
    name_en: Mapped[str]
    # IANA's name: where the brand's days begin and end, and whose clock its pages show.
    time_zone: Mapped[str] = mapped_column(default=DEFAULT_ZONE, server_default=DEFAULT_ZONE)
    created_at: Mapped[datetime]


class Distributor(Base):
    __tablename__ = "distributor"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]  # the ERP's own
    name: Mapped[str]
    created_at: Mapped[datetime]


class Site(Base):
    __tablename__ = "site"
    __table_args__ = (
        of_brand("distributor_id", "distributor.id"),
        UniqueConstraint("brand_id", "code"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]  # the ERP's own
    name: Mapped[str]
    kind: Mapped[str]
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    channel: Mapped[str | None]
    distributor_id: Mapped[int | None]


class Operator(Base):
    __tablename__ = "operator"
    __table_args__ = (
        UniqueConstraint("brand_id", "login"),
        of_brand("distributor_id", "distributor.id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    distributor_id: Mapped[int | None]
    login: Mapped[str]  # taken in the installation, too: see core/global_names.py
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class OperatorSession(Base):
    """A sign-in of an operator at one browser, until it is ended or expires."""

    __tablename__ = "operator_session"
    __table_args__ = (
        of_brand("operator_id", "operator.id"),
        Index("ix_operator_session_operator", "brand_id", "operator_id"),
    )

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    device: Mapped[str]  # what the browser calls itself
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ApiKey(Base):
    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("brand_id", "prefix"),)

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]  # shown in lists, finds the row; taken in the installation, too
    secret_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInFailures(Base):
    """Failed sign-ins of one subject (a login, or a digest of an address) in a time window."""

    __tablename__ = "sign_in_failures"

    subject: Mapped[str] = mapped_column(primary_key=True)
    window_started_at: Mapped[datetime]
    failures: Mapped[int]
