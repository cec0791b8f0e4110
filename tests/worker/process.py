"""A worker or a clock as a process of its own, with the handlers that the tests need.

    python tests/worker/process.py worker|cron

The handler writes each row's number down, and does with some what their payload says.
"""

import os
import signal
import sys

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, outbox
from core.outbox import OutboxRow
from core.settings import from_environ
from worker.rooms import HANDLERS
from worker.run import run_cron, run_worker

TOPIC, REPLIES = "letters", "replies"
GATE = 4711  # an advisory lock: who holds it keeps the gate closed


def write(session: Session, rows: list[OutboxRow]) -> None:
    letters = [{"number": row.payload["number"]} for row in rows]
    session.execute(text("INSERT INTO letter VALUES (:number)"), letters)
    for row in rows:
        if "reply" in row.payload:
            reply = {"number": row.payload["reply"]}
            owed = outbox.Owed(REPLIES, row.brand_id, reply, clock.now())
            outbox.put(session, [owed])
    if any(row.payload.get("deadly") and row.attempts == 1 for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    if any(row.payload.get("gated") for row in rows):
        session.execute(text(f"SELECT pg_advisory_xact_lock_shared({GATE})"))


if __name__ == "__main__":
    HANDLERS.clear()
    HANDLERS.update({TOPIC: write, REPLIES: write})
    {"worker": run_worker, "cron": run_cron}[sys.argv[1]](from_environ())
