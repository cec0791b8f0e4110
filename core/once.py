"""Keys that count once: a form that is sent twice does what it says once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.db import Base

KEPT = timedelta(days=2)  # longer than a page can be open: sessions end before


class SpentKey(Base):
    """The key was used, in the transaction that did what it was for."""

    __tablename__ = "spent_key"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    key: Mapped[UUID] = mapped_column(primary_key=True)
    spent_at: Mapped[datetime]


def spend(session: Session, brand_id: int, key: UUID) -> bool:
    """Whether the key was unspent, and is spent if this transaction commits.

    Of many at once one gets true; the others wait for its end.
    """
    row = insert(SpentKey).values(brand_id=brand_id, key=key, spent_at=clock.now())
    spent = row.on_conflict_do_nothing().returning(SpentKey.key)
    return session.scalar(spent) is not None


def purge(session: Session, limit: int = 10_000) -> int:
    """How many keys spent two days ago were deleted, at most `limit`."""
    old = select(SpentKey.brand_id, SpentKey.key).where(SpentKey.spent_at < clock.now() - KEPT)
    query = delete(SpentKey).where(tuple_(SpentKey.brand_id, SpentKey.key).in_(old.limit(limit)))
    query = query.execution_options(synchronize_session=False)
    return session.execute(query).rowcount  # type: ignore[attr-defined]
