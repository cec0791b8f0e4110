"""Consumers of a brand: who they are, as little as possible of it, and which visitor is whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand


class Member(Base):
    __tablename__ = "member"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    created_at: Mapped[datetime]


class MemberIdentity(Base):
    """A `(provider, subject)` pair of a member: found by digest, readable only when unsealed."""

    __tablename__ = "member_identity"
    __table_args__ = (
        Index("ix_member_identity_member", "brand_id", "member_id"),
        of_brand("member_id", "member.id"),
        UniqueConstraint("brand_id", "provider", "subject_digest"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int]
    provider: Mapped[str]
    subject_digest: Mapped[bytes]
    sealed_subject: Mapped[bytes]
    created_at: Mapped[datetime]


class VisitorBinding(Base):
    """The browser `visitor_id` is signed in as the member, or was until `ended_at`.

    What it scanned before it signed in stays known as the member's.
    """

    __tablename__ = "visitor_binding"
    __table_args__ = (
        Index("ix_visitor_binding_member", "brand_id", "member_id"),
        of_brand("member_id", "member.id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[int]
    bound_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OneTimeCode(Base):
    """A code sent to a subject for the browser that asked; only its digest is kept."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index("ix_one_time_code_subject", "brand_id", "subject_digest", "sent_at"),)

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    subject_digest: Mapped[bytes]
    visitor_id: Mapped[UUID | None]  # who asked: the attempts are this browser's
    code_digest: Mapped[bytes]
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
