"""Sessions of operators: begun at sign-in, ended one by one or all at once."""

import uuid
from datetime import timedelta

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFound
from identity.models import Operator, OperatorSession

LIFE = timedelta(hours=12)  # from sign-in, however busy
DEVICE_CHARACTERS_MAX = 120
KEPT = timedelta(days=7)


def begin(session: Session, operator: Operator, device: str) -> OperatorSession:
    """A new session of the operator; `device` is what the browser calls itself."""
    now = clock.now()
    begun = OperatorSession(
        brand_id=operator.brand_id,
        id=uuid.uuid4(),
        operator_id=operator.id,
        device="".join(c for c in device if c.isprintable())[:DEVICE_CHARACTERS_MAX],
        started_at=now,
        expires_at=now + LIFE,
    )
    session.add(begun)
    session.flush()
    return begun


def end(session: Session, brand_id: int, operator_id: int, session_id: uuid.UUID) -> None:
    """The operator's session is over; ended again, it stays so. Raises `NotFound`."""
    found = session.get(OperatorSession, (brand_id, session_id))
    if found is None or found.operator_id != operator_id:
        raise NotFound(what="session", name=str(session_id))
    found.ended_at = found.ended_at or clock.now()
    session.flush()


def end_all(session: Session, brand_id: int, operator_id: int, but: uuid.UUID | None = None) -> int:
    """How many sessions of the operator ended now: all, or all but one."""
    query = (
        update(OperatorSession)
        .where(OperatorSession.brand_id == brand_id, OperatorSession.operator_id == operator_id)
        .where(OperatorSession.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if but is not None:
        query = query.where(OperatorSession.id != but)
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def purge(session: Session, limit: int = 10_000) -> int:
    """How many sessions that expired a week ago were deleted, at most `limit`."""
    key = tuple_(OperatorSession.brand_id, OperatorSession.id)
    old = (
        select(OperatorSession.brand_id, OperatorSession.id)
        .where(OperatorSession.expires_at < clock.now() - KEPT)
        .limit(limit)
    )
    query = delete(OperatorSession).where(key.in_(old))
    query = query.execution_options(synchronize_session=False)
    return session.execute(query).rowcount  # type: ignore[attr-defined]
