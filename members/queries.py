"""What there is to read of members, scoped to the brand; phone numbers only masked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, and_, bindparam, func, select
from sqlalchemy.orm import Session

from members import seal
from members.models import Member, MemberIdentity, VisitorBinding

MOST = 500
PHONE = "phone"  # the provider whose subjects are phone numbers


@dataclass(frozen=True)
class MemberLine:
    """A member as a list shows it."""

    member_id: int
    masked_phone: str
    created_at: datetime


def member_of(session: Session, brand_id: int, visitor_id: UUID) -> Member | None:
    """The member of the brand as whom the visitor is signed in, if any."""
    query = (
        select(Member)
        .join(
            VisitorBinding,
            and_(
                VisitorBinding.brand_id == Member.brand_id,
                VisitorBinding.member_id == Member.id,
            ),
        )
        .where(VisitorBinding.brand_id == brand_id, VisitorBinding.visitor_id == visitor_id)
        .where(VisitorBinding.ended_at.is_(None))
    )
    return session.scalar(query)


def members_of_visitors(
    session: Session, pairs: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], int]:
    """The member's id by `(visitor_id, brand_id)`; those not signed in are absent. One query.

    For a batch of some hundred scans of any brands.
    """
    if not pairs:
        return {}
    visitors, brands = zip(*pairs, strict=True)
    asked = (
        func.unnest(
            bindparam("visitors", list(visitors), ARRAY(Uuid)),
            bindparam("brands", list(brands), ARRAY(BigInteger)),
        )
        .table_valued("visitor_id", "brand_id", name="asked")
        .render_derived()
    )
    bound = VisitorBinding
    is_asked = and_(
        bound.brand_id == asked.c.brand_id,
        bound.visitor_id == asked.c.visitor_id,
        bound.ended_at.is_(None),
    )
    query = select(bound.visitor_id, bound.brand_id, bound.member_id).join(asked, is_asked)
    return {(visitor, brand): member for visitor, brand, member in session.execute(query)}


def newest(
    session: Session,
    brand_id: int,
    secret: bytes,
    before_id: int | None = None,
    limit: int = MOST,
) -> list[MemberLine]:
    """The brand's members, newest first, at most 500; `before_id` turns the page."""
    query = select(Member).where(Member.brand_id == brand_id).order_by(Member.id.desc())
    if before_id is not None:
        query = query.where(Member.id < before_id)
    found = list(session.scalars(query.limit(min(limit, MOST))))
    phones = masked_phones(session, brand_id, [member.id for member in found], secret)
    return [MemberLine(member.id, phones.get(member.id, ""), member.created_at) for member in found]


def masked_phones(
    session: Session, brand_id: int, member_ids: Collection[int], secret: bytes
) -> dict[int, str]:
    """The masked phone by member id, for a page of the brand's members; others are absent."""
    query = select(MemberIdentity.member_id, MemberIdentity.sealed_subject).where(
        MemberIdentity.brand_id == brand_id,
        MemberIdentity.provider == PHONE,
        MemberIdentity.member_id.in_(list(member_ids)),
    )
    return {
        member_id: seal.mask(seal.unseal(secret, brand_id, sealed))
        for member_id, sealed in session.execute(query)
    }


def count(session: Session, brand_id: int, since: datetime | None = None) -> int:
    """How many members the brand has; with `since` only who joined from then on."""
    query = select(func.count()).select_from(Member).where(Member.brand_id == brand_id)
    if since is not None:
        query = query.where(Member.created_at >= since)
    return session.scalar(query) or 0
