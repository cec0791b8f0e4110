"""Consumers of a brand: who they are, as little as possible of it, and which visitor is whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Member(Base):
    __tablename__ = "member"
    __table_args__ = (Index("ix_member_brand", "brand_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    created_at: Mapped[datetime]


class MemberIdentity(Base):
    """A `(provider, subject)` pair of a member: found by digest, readable only when unsealed."""

    __tablename__ = "member_identity"
    __table_args__ = (UniqueConstraint("brand_id", "provider", "subject_digest"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    provider: Mapped[str]
    subject_digest: Mapped[bytes]
    sealed_subject: Mapped[bytes]
    created_at: Mapped[datetime]


class VisitorBinding(Base):
    """The browser `visitor_id` is signed in as the member."""

    __tablename__ = "visitor_binding"

    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    bound_at: Mapped[datetime]


class OneTimeCode(Base):
    """A code sent to a subject; only its digest is kept."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index("ix_one_time_code_subject", "brand_id", "subject_digest", "sent_at"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    subject_digest: Mapped[bytes]
    code_digest: Mapped[bytes]
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
