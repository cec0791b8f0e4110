"""Work that must happen later, written in the same transaction as its cause.

A row is owed until it is `done` or `parked`. Redis only rings a bell; this table is the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Identity, Index, Text, cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, logs
from core.db import Base, run
from core.rows import as_json_rows

DONE_KEPT = timedelta(days=1)
REQUESTS_KEPT = 300  # of those that a row is owed to: a whole batch's

_OWED = text("done_at IS NULL AND parked_at IS NULL")
_TOPICS: dict[str, "Topic[Any]"] = {}
_SESSION_OWES = "topics owed"  # in the session's `info`

Payload = TypeVar("Payload", bound=msgspec.Struct)


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


class Owed(NamedTuple):
    """A row that is about to be put: `put` or `INSERT_OWED` writes it."""

    topic: str
    brand_id: int
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Topic(Generic[Payload]):
    """One kind of work for later: its name, and the type of what each of its rows says.

    Rows that were put by an older release must stay readable: payload types only gain fields that
    have a default.
    """

    name: str
    payload: type[Payload]

    def __post_init__(self) -> None:
        _TOPICS[self.name] = self

    def owed(self, brand_id: int, payload: Payload, requests: Iterable[str]) -> Owed:
        """The row that owes the topic's handler the payload, at most some hundred entries.

        It keeps the ids of the `requests` that caused it, for the logs.
        """
        says = msgspec.to_builtins(payload)
        ids = list(dict.fromkeys(filter(None, requests)))[:REQUESTS_KEPT]
        return Owed(self.name, brand_id, {**says, "requests": ids} if ids else says, clock.now())

    def put(self, session: Session, brand_id: int, payload: Payload) -> None:
        """Owes the topic's handler the payload; the row keeps this thread's requests."""
        put(session, [self.owed(brand_id, payload, logs.requests())])

    def read(self, row: OutboxRow) -> Payload:
        """What the row says. Raises `msgspec.ValidationError` when it says something else."""
        return msgspec.convert(row.payload, self.payload)


def topics() -> tuple[str, ...]:
    """The names of all topics that are defined in this process, sorted."""
    return tuple(sorted(_TOPICS))


# For statements that write more than the outbox, too: `WITH … owed AS ({INSERT_OWED})`. The
# parameter is what `owed_rows` makes.
INSERT_OWED = """
    INSERT INTO outbox (topic, brand_id, payload, created_at)
    SELECT * FROM json_to_recordset(CAST(%(owed)s AS json))
             AS t(topic text, brand_id bigint, payload jsonb, created_at timestamptz)
"""


def owed_rows(rows: Iterable[Owed]) -> str:
    """The parameter `owed` of `INSERT_OWED`."""
    return as_json_rows([row._asdict() for row in rows])


def put(session: Session, rows: Sequence[Owed]) -> None:
    """The rows are owed as soon as the session's transaction is committed."""
    run(session, INSERT_OWED, {"owed": owed_rows(rows)})
    _remember(session, (row.topic for row in rows))


def topics_owed(session: Session) -> list[str]:
    """The topics that were put by this session since it was last asked, to ring after a commit."""
    return sorted(session.info.pop(_SESSION_OWES, ()))


def _remember(session: Session, topics: Iterable[str]) -> None:
    session.info.setdefault(_SESSION_OWES, set()).update(topics)


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
        .returning(OutboxRow.topic)
    )
    topics = session.scalars(query).all()
    _remember(session, topics)
    return len(topics)


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


def purge(session: Session, limit: int) -> int:
    """How many rows done more than a day ago were deleted, at most `limit`."""
    old = OutboxRow.done_at < clock.now() - DONE_KEPT
    oldest = select(OutboxRow.id).where(old).limit(limit)
    query = delete(OutboxRow).where(OutboxRow.id.in_(oldest))
    return session.execute(query).rowcount  # type: ignore[attr-defined]
