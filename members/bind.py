"""A visitor (one browser) becomes a member of a brand, and stops being one."""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from core import clock
from members import seal, turn
from members.models import Member, MemberIdentity, VisitorBinding
from members.queries import PHONE


@dataclass(frozen=True)
class SignedIn:
    """The member, and the visitor as whom the browser goes on from now."""

    member: Member
    visitor_id: uuid.UUID
    rotated: bool  # the visitor was another member's: the browser must get the new id


def sign_in(
    session: Session, brand_id: int, visitor_id: uuid.UUID, phone: str, secret: bytes
) -> SignedIn:
    """The member with this phone, new if there was none, with the visitor bound to it.

    Only for a phone that was confirmed. A visitor that is bound to another member of the brand
    stays that member's, with all it scanned; the browser then goes on as a new visitor.
    Raises `BadPhone`.
    """
    member = _member(session, brand_id, seal.normal(phone), secret)
    if _bind(session, brand_id, visitor_id, member.id):
        return SignedIn(member, visitor_id, rotated=False)
    fresh = uuid.uuid4()
    _bind(session, brand_id, fresh, member.id)
    return SignedIn(member, fresh, rotated=True)


def sign_out(session: Session, brand_id: int, visitor_id: uuid.UUID) -> None:
    """The visitor is nobody's at the brand any more. Give the browser a new visitor id after it."""
    session.execute(
        delete(VisitorBinding)
        .where(VisitorBinding.brand_id == brand_id, VisitorBinding.visitor_id == visitor_id)
        .execution_options(synchronize_session=False)
    )


def _member(session: Session, brand_id: int, phone: str, secret: bytes) -> Member:
    subject = seal.digest(secret, brand_id, phone)
    # Two browsers at once with a new phone must become one member.
    turn.take(session, subject)
    query = (
        select(Member)
        .join(
            MemberIdentity,
            and_(
                MemberIdentity.brand_id == Member.brand_id,
                MemberIdentity.member_id == Member.id,
            ),
        )
        .where(MemberIdentity.brand_id == brand_id, MemberIdentity.provider == PHONE)
        .where(MemberIdentity.subject_digest == subject)
    )
    found = session.scalar(query)
    if found is not None:
        return found
    member = Member(brand_id=brand_id, created_at=clock.now())
    session.add(member)
    session.flush()
    values = {
        "brand_id": brand_id,
        "member_id": member.id,
        "provider": PHONE,
        "subject_digest": subject,
        "sealed_subject": seal.seal(secret, brand_id, phone),
        "created_at": member.created_at,
    }
    session.execute(insert(MemberIdentity).values(values))
    return member


def _bind(session: Session, brand_id: int, visitor_id: uuid.UUID, member_id: int) -> bool:
    """Whether the visitor is now the member's; false when it is another's."""
    row = postgresql.insert(VisitorBinding).values(
        visitor_id=visitor_id, brand_id=brand_id, member_id=member_id, bound_at=clock.now()
    )
    query = row.on_conflict_do_update(
        index_elements=[VisitorBinding.brand_id, VisitorBinding.visitor_id],
        set_={"bound_at": row.excluded.bound_at},
        where=VisitorBinding.member_id == row.excluded.member_id,
    ).returning(VisitorBinding.visitor_id)
    return session.scalar(query) is not None
