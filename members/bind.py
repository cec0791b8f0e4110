"""A visitor (one browser) becomes a member of a brand, and stops being one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
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
    is_first: bool  # the visitor of before was nobody's yet: what it claimed may be bound


def sign_in(
    session: Session, brand_id: int, visitor_id: uuid.UUID, phone: str, secret: bytes
) -> SignedIn:
    """The member with this phone, new if there was none, signed in as a new visitor.

    Only for a phone that was confirmed. Whoever put the cookie of before into the browser would
    else be signed in, too. What that visitor scanned stays known as the member's, unless it is
    another member's already. Raises `BadPhone`.
    """
    member = _member(session, brand_id, phone, secret)
    now = clock.now()
    was = _bind(session, brand_id, visitor_id, member.id, ended_at=now)
    fresh = uuid.uuid4()
    _bind(session, brand_id, fresh, member.id)
    return SignedIn(member, fresh, is_first=was)


def sign_out(session: Session, brand_id: int, visitor_id: uuid.UUID) -> None:
    """The visitor is nobody's at the brand any more. Give the browser a new visitor id after it."""
    session.execute(
        update(VisitorBinding)
        .where(VisitorBinding.brand_id == brand_id, VisitorBinding.visitor_id == visitor_id)
        .where(VisitorBinding.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _member(session: Session, brand_id: int, phone: str, secret: bytes) -> Member:
    number = seal.normal(phone)
    subject = seal.digest(secret, brand_id, number)
    # Two browsers at once with a new phone must become one member.
    turn.take(session, subject)
    found = _known(session, brand_id, [subject])
    if found is None:
        before = [seal.digest(secret, brand_id, form) for form in seal.as_before(phone)]
        found = _known(session, brand_id, before)
        if found is not None:  # kept by an earlier release, in another form
            found.subject_digest = subject
            found.sealed_subject = seal.seal(secret, brand_id, number)
    if found is not None:
        return session.get_one(Member, (brand_id, found.member_id))
    member = Member(brand_id=brand_id, created_at=clock.now())
    session.add(member)
    session.flush()
    values = {
        "brand_id": brand_id,
        "member_id": member.id,
        "provider": PHONE,
        "subject_digest": subject,
        "sealed_subject": seal.seal(secret, brand_id, number),
        "created_at": member.created_at,
    }
    session.execute(insert(MemberIdentity).values(values))
    return member


def _known(session: Session, brand_id: int, subjects: list[bytes]) -> MemberIdentity | None:
    """The identity with one of the digests, if there is one."""
    query = select(MemberIdentity).where(
        MemberIdentity.brand_id == brand_id,
        MemberIdentity.provider == PHONE,
        MemberIdentity.subject_digest.in_(subjects),
    )
    return session.scalars(query.order_by(MemberIdentity.id).limit(1)).first()


def _bind(
    session: Session,
    brand_id: int,
    visitor_id: uuid.UUID,
    member_id: int,
    ended_at: datetime | None = None,
) -> bool:
    """Whether the visitor is now the member's; false when it is another's."""
    row = postgresql.insert(VisitorBinding).values(
        visitor_id=visitor_id,
        brand_id=brand_id,
        member_id=member_id,
        bound_at=clock.now(),
        ended_at=ended_at,
    )
    query = row.on_conflict_do_update(
        index_elements=[VisitorBinding.brand_id, VisitorBinding.visitor_id],
        set_={"bound_at": row.excluded.bound_at, "ended_at": row.excluded.ended_at},
        where=VisitorBinding.member_id == row.excluded.member_id,
    ).returning(VisitorBinding.visitor_id)
    return session.scalar(query) is not None
