"""What the bells start. RQ finds `drain` by its name; arguments are plain JSON."""

import functools
import logging

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from core import outbox
from core.bells import Bell
from core.db import make_engine, make_sessions
from core.settings import Settings, from_environ
from worker import faults
from worker.bells import open_bell
from worker.drain import drain_topic
from worker.rooms import HANDLERS

# Topics take turns at a worker: points must not wait until a long backlog of traces is done.
TURN_SECONDS = 0.1

log = logging.getLogger(__name__)


def drain(topic: str) -> None:
    """The topic's owed rows are done or parked; topics that owe rows afterwards are rung.

    After a tenth of a second it is the others' turn, and the topic is rung again.

    Rows that could not be worked on for lack of a database stay owed.
    """
    bell = _bell()
    bell.lift(topic)
    handler = HANDLERS.get(topic)
    if handler is None:
        log.error("topic %s has no handler here; its rows stay owed", topic)
        return
    sessions = make_sessions(_engine())
    try:
        drained = drain_topic(sessions, handler, topic, seconds=TURN_SECONDS)
        with sessions() as session:
            owing = outbox.owing(session, HANDLERS)
    except DBAPIError as error:
        log.warning("topic %s: rows stay owed: %s", topic, faults.describe(error))
        return
    log.info("topic %s: %d done, %d parked", topic, drained.done, drained.parked)
    for owed in owing:
        # Rows of our own that are left are held by another worker, which sees to them.
        if owed != topic or drained.more:
            bell.ring(owed)


@functools.cache
def _settings() -> Settings:
    return from_environ()


@functools.cache
def _bell() -> Bell:
    return open_bell(_settings().redis_url)


@functools.cache
def _engine() -> Engine:
    # One job at a time needs one connection. Errors that name parameters would name persons.
    return make_engine(_settings().database_url, pool_size=1, hide_parameters=True)
