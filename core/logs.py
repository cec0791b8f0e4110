"""Logs of every process: one way to write them, and the requests that a line is about.

Lines never tell serials, phone numbers or points. Messages of ours name ids; errors of others may
quote values, so theirs are masked or left out.
"""

import contextlib
import json
import logging
import logging.config
import re
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core import settings

REQUESTS_SHOWN = 100  # in one line
_TELLING = re.compile(
    r"""
    [^\s@]{1,64}@\S+                            # an e-mail address; bounded, for long messages
    | \b[0-9A-Z]{4,5}(?:[ ][0-9A-Z]{4,5}){2,}\b  # a serial, typed in groups
    | \d(?:[ .:()/-]{0,2}\d){6,}                 # a phone, typed in groups; a network address
    | \b(?=[\w-]*\d)[\w-]{6,}                   # a word with a digit: a phone, a serial, an id
    """,
    re.VERBOSE,
)
_LONGEST = 300
_CHATTY = ("alembic", "httpx")

_requests: ContextVar[tuple[str, ...]] = ContextVar("requests", default=())


def set_requests(ids: Iterable[str]) -> None:
    """Lines of this thread are about these requests from now on; none for none."""
    _requests.set(tuple(ids))


def requests() -> tuple[str, ...]:
    """The ids of the requests that this thread works for."""
    return _requests.get()


def portions(ids: Sequence[str]) -> list[Sequence[str]]:
    """The ids, as many at a time as one line shows: for a line that must name all of them."""
    starts = range(0, len(ids), REQUESTS_SHOWN)
    return [ids[start : start + REQUESTS_SHOWN] for start in starts] or [ids]


@contextlib.contextmanager
def about(ids: Iterable[str]) -> Iterator[None]:
    """Lines of the block are about these requests."""
    token = _requests.set(tuple(ids))
    try:
        yield
    finally:
        _requests.reset(token)


def masked(message: str) -> str:
    """The message, 300 characters at most, without what may be a number or id of somebody."""
    return _TELLING.sub("…", message)[:_LONGEST]


def configure() -> None:
    """This process logs as the environment says; does nothing where logging is set up already."""
    if not logging.getLogger().hasHandlers():
        logging.config.dictConfig(config())


def config() -> dict[str, Any]:
    """What `configure` sets up, as `logging.config.dictConfig` wants it. Raises `BadSetting`."""
    level, _ = settings.log_style()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "core.logs.formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in _CHATTY},
    }


def formatter() -> logging.Formatter:
    """The formatter that `YIMA_LOG_FORMAT` asks for."""
    _, is_json = settings.log_style()
    return JsonLines() if is_json else Lines()


class Lines(logging.Formatter):
    """Lines for people; the requests that a line is about stand in brackets at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(requests)s")

    def format(self, record: logging.LogRecord) -> str:
        ids = requests()[:REQUESTS_SHOWN]
        record.requests = f" [{' '.join(ids)}]" if ids else ""
        record.exc_text = None  # another handler's, perhaps with what is masked here
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        return _told(ei[1])


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC), level, logger, process, message, requests, error."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if ids := requests()[:REQUESTS_SHOWN]:
            line["requests"] = ids
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _told(error: BaseException | None) -> str:
    """The error and what caused it: places of the program, and messages without values."""
    told: list[str] = []
    while error is not None and len(told) < 5:
        places = "".join(traceback.format_tb(error.__traceback__))
        # A database's message quotes rows.
        message = "" if isinstance(error, SQLAlchemyError) else f": {masked(str(error))}"
        told.append(f"{places}{type(error).__name__}{message}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nafter:\n".join(told)
