"""Work that must happen later, written in the same transaction as its cause.

A row is owed until it is `done` or `parked`. Redis only rings a bell; this table is the truth.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, Text, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, logs
from core.db import Base

TOPICS = ("credit", "trace", "detect")
REQUESTS_KEPT = 300  # of those that a row is owed to: a whole batch's

_OWED = text("done_at IS NULL AND parked_at IS NULL")


class OutboxRow(Base):
    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_owed", "topic", "id", postgresql_where=_OWED),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    topic: Mapped[str]
    brand_id: Mapped[int]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    done_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    error: Mapped[str | None]


def put(
    session: Session,
    topic: str,
    brand_id: int,
    payload: dict[str, Any],
    requests: Iterable[str] | None = None,
) -> None:
    """Owes the topic's handler one `payload` (JSON, at most some hundred entries).

    The row keeps the `requests` that caused it: by default those this thread works for.
    """
    payload = with_requests(payload, logs.requests() if requests is None else requests)
    session.execute(
        insert(OutboxRow).values(
            topic=topic, brand_id=brand_id, payload=payload, created_at=clock.now()
        )
    )


def with_requests(payload: dict[str, Any], requests: Iterable[str]) -> dict[str, Any]:
    """The payload with the ids of the requests that it is owed to, for the logs."""
    ids = list(dict.fromkeys(filter(None, requests)))[:REQUESTS_KEPT]
    return {**payload, "requests": ids} if ids else payload


def requests_of(rows: Iterable[OutboxRow]) -> tuple[str, ...]:
    """The ids that the rows keep, each once, in the order of the rows."""
    return tuple(dict.fromkeys(each for row in rows for each in row.payload.get("requests", ())))


def take(session: Session, topic: str, limit: int) -> list[OutboxRow]:
    """Up to `limit` owed rows, oldest first, locked until the transaction ends.

    Rows that another worker holds are skipped, so two workers never do the same row at once.
    """
    query = (
        select(OutboxRow)
        .where(OutboxRow.topic == topic, _OWED)
        .order_by(OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def take_by_id(session: Session, ids: Sequence[int]) -> list[OutboxRow]:
    """Those of the rows `ids` that are still owed, locked; rows held elsewhere are skipped."""
    query = (
        select(OutboxRow)
        .where(OutboxRow.id.in_(ids), _OWED)
        .order_by(OutboxRow.id)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def mark_done(session: Session, ids: Sequence[int]) -> None:
    """The rows are done; commit this with the work itself."""
    session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(done_at=clock.now()))


def count_attempt(session: Session, ids: Sequence[int]) -> None:
    """One more attempt for each row; commit it before the work, which may kill the process."""
    session.execute(
        update(OutboxRow).where(OutboxRow.id.in_(ids)).values(attempts=OutboxRow.attempts + 1)
    )


def park(session: Session, row_id: int, error: str) -> None:
    """The row is set aside with what went wrong (first 2,000 characters), for a person to see."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id)
        .values(parked_at=clock.now(), error=error[:2000])
    )


def retry(session: Session, row_ids: Sequence[int], brand_id: int) -> int:
    """How many parked rows of the brand are owed again."""
    query = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(row_ids), OutboxRow.brand_id == brand_id)
        .where(OutboxRow.parked_at.is_not(None))
        .values(parked_at=None, error=None, attempts=0)
    )
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def parked(session: Session, brand_id: int, limit: int = 100) -> list[OutboxRow]:
    """The brand's rows that were set aside, newest first."""
    query = (
        select(OutboxRow)
        .where(OutboxRow.brand_id == brand_id, OutboxRow.parked_at.is_not(None))
        .order_by(OutboxRow.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def owed(session: Session, brand_id: int | None = None) -> dict[str, int]:
    """How many rows each topic owes, to all or to one brand; those that owe none are absent."""
    query = select(OutboxRow.topic, func.count()).where(_OWED).group_by(OutboxRow.topic)
    if brand_id is not None:
        query = query.where(OutboxRow.brand_id == brand_id)
    return {row[0]: row[1] for row in session.execute(query)}


def owing(session: Session, topics: Iterable[str]) -> list[str]:
    """Those of the topics that owe at least one row; one index probe each, however many it owes."""
    asked = func.unnest(cast(list(topics), ARRAY(Text))).column_valued("asked")
    row = select(OutboxRow.id).where(OutboxRow.topic == asked, _OWED)
    return list(session.scalars(select(asked).where(row.exists())))


def purge(session: Session, done_before: datetime, limit: int = 10_000) -> int:
    """How many rows done before then were deleted, at most `limit`."""
    oldest = select(OutboxRow.id).where(OutboxRow.done_at < done_before).limit(limit)
    query = delete(OutboxRow).where(OutboxRow.id.in_(oldest))
    return session.execute(query).rowcount  # type: ignore[attr-defined]
