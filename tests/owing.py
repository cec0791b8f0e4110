"""Rows of the outbox as they come, whatever they say."""

from typing import Any

from sqlalchemy.orm import Session

from core import clock, outbox


def owe(session: Session, topic: str, brand_id: int, payload: dict[str, Any]) -> None:
    """The topic owes a row with the payload."""
    outbox.put(session, [outbox.Owed(topic, brand_id, payload, clock.now())])
