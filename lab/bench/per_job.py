"""The reference `per_job`: a claim and its credit as most would write them first.

Flask and the ORM, a transaction and an RQ job a claim, a conditional UPDATE of the one budget row
(taken last, so that it is held no longer than needed); the job posts one transfer.
"""

import functools
import os
from datetime import UTC, date, datetime

from flask import Flask, Response, jsonify, request
from redis import Redis
from rq import Queue
from sqlalchemy import DateTime, Engine, String, UniqueConstraint, create_engine, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lab.bench.textbook import POOL

QUEUE = "per_job"
CAMPAIGN = 1
POINTS = 5
DAILY_LIMIT = 100


class Base(DeclarativeBase):
    pass


class Code(Base):
    """A row for every code that was ever issued."""

    __tablename__ = "per_job_code"

    serial: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="active")


class Budget(Base):
    __tablename__ = "per_job_budget"

    id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)


class Daily(Base):
    __tablename__ = "per_job_daily"

    visitor: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    claims: Mapped[int]


class Claim(Base):
    __tablename__ = "per_job_claim"

    id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(String(20), unique=True)
    visitor: Mapped[str]
    points: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Account(Base):
    __tablename__ = "per_job_account"

    visitor: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)


class Transfer(Base):
    __tablename__ = "per_job_transfer"
    __table_args__ = (UniqueConstraint("claim_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int]
    visitor: Mapped[str]
    points: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def create_app() -> Flask:
    """The application, on the database and Redis that the environment names."""
    app = Flask(__name__, static_folder=None)
    queue = Queue(QUEUE, connection=Redis.from_url(os.environ["YIMA_REDIS_URL"]))

    @app.post("/<serial>/claim")
    def claim(serial: str) -> tuple[Response, int] | Response:
        visitor = request.get_json()["visitor"]
        with Session(_engine()) as session:
            claim_id = _claim(session, serial, visitor)
            if claim_id is None:
                return jsonify(state="refused"), 409
            session.commit()
        queue.enqueue(credit, claim_id, result_ttl=0)
        return jsonify(state="granted", points=POINTS)

    return app


def _claim(session: Session, serial: str, visitor: str) -> int | None:
    """The new claim, or None if it is refused."""
    now = datetime.now(UTC)
    code = session.get(Code, serial, with_for_update=True)
    if code is None or code.state != "active":
        return None
    code.state = "claimed"
    row = Claim(serial=serial, visitor=visitor, points=POINTS, at=now)
    session.add(row)
    session.flush()
    count = insert(Daily).values(visitor=visitor, day=now.date(), claims=1)
    count = count.on_conflict_do_update(
        index_elements=["visitor", "day"],
        set_={"claims": Daily.claims + 1},
        where=Daily.claims < DAILY_LIMIT,
    )
    if session.scalar(count.returning(Daily.claims)) is None:
        return None
    spend = update(Budget).where(Budget.id == CAMPAIGN, Budget.reserved + POINTS <= Budget.points)
    spent = session.scalar(spend.values(reserved=Budget.reserved + POINTS).returning(Budget.id))
    return row.id if spent is not None else None


def credit(claim_id: int) -> None:
    """The job: the claim's points are in the visitor's account, once."""
    with Session(_engine()) as session, session.begin():
        claim = session.get_one(Claim, claim_id)
        transfer = {"claim_id": claim.id, "visitor": claim.visitor, "points": claim.points}
        posted = insert(Transfer).values(**transfer, at=datetime.now(UTC))
        if session.scalar(posted.on_conflict_do_nothing().returning(Transfer.id)) is not None:
            change = update(Account).where(Account.visitor == claim.visitor)
            session.execute(change.values(balance=Account.balance + claim.points))


@functools.cache
def _engine() -> Engine:
    return create_engine(os.environ["YIMA_DATABASE_URL"], **POOL)
