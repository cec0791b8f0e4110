"""One request, one transaction: what a view did is committed when it has answered."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request, session

from core import outbox
from scanapp.web.extensions import db, db_session, process
from scanapp.web.looking import SAFE


@contextmanager
def transaction() -> Iterator[None]:
    """What happens within is committed when the block ends; nothing of it is left if it raises.

    After the commit the workers are rung for what it owes them. Requests that only look, and those
    that never asked for the session, have nothing to commit.
    """
    try:
        yield
        if request.method in SAFE or not db.session.registry.has():
            return
        db_session.commit()
    except BaseException:
        if db.session.registry.has():
            db_session.rollback()
        if request.method not in SAFE:
            session.pop("_flashes", None)  # what they tell did not happen
        raise
    for topic in outbox.topics_owed(db_session):
        process().ring(topic)
