"""The reference `textbook`: the scan as most would write it first.

Flask and the ORM, a row per code, a transaction and an RQ job per scan. Run by gunicorn's
gthread workers.
"""

import os
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request
from redis import Redis
from rq import Queue
from sqlalchemy import DateTime, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

POOL = {"pool_size": 20, "max_overflow": 20}


class Base(DeclarativeBase):
    pass


class Code(Base):
    """A row for every code that was ever issued."""

    __tablename__ = "textbook_code"

    serial: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="active")
    scans: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    first_visitor: Mapped[str | None]


class ScanRow(Base):
    __tablename__ = "textbook_scan"

    id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(String(20), index=True)
    visitor: Mapped[str]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def credit(scan_id: int) -> None:
    """What the job would do."""


def create_app() -> Flask:
    """The application, on the database and Redis that the environment names."""
    app = Flask(__name__, static_folder=None)
    engine = create_engine(os.environ["YIMA_DATABASE_URL"], **POOL)
    queue = Queue("textbook", connection=Redis.from_url(os.environ["YIMA_REDIS_URL"]))

    @app.post("/<serial>")
    def scan(serial: str) -> tuple[Response, int] | Response:
        visitor = request.get_json()["visitor"]
        now = datetime.now(UTC)
        with Session(engine) as session, session.begin():
            code = session.get(Code, serial, with_for_update=True)
            if code is None:
                return jsonify(outcome="forged"), 404
            is_first = code.first_at is None
            if is_first:
                code.first_at, code.first_visitor = now, visitor
            code.scans += 1
            row = ScanRow(serial=serial, visitor=visitor, at=now)
            session.add(row)
            session.flush()
            scan_id = row.id
        queue.enqueue(credit, scan_id, result_ttl=0)
        return jsonify(outcome="first" if is_first else "again")

    return app
