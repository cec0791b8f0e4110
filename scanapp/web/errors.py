"""What goes wrong, said in the reader's language: a page for people, RFC 9457 for programs."""

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from core.errors import N_, YimaError
from scanapp.intake.committer import Unavailable
from scanapp.web.extensions import db_session
from scanapp.web.headers import request_id

RETRY_AFTER_SECONDS = "5"
_FORMS = ("text/html", "application/json")

log = logging.getLogger(__name__)


class StrangeText(YimaError):
    code = "strange_text"
    message = N_("A field or the address holds a character that is no text. Remove it, try again.")


def message_of(error: YimaError) -> str:
    """The error's message in the reader's language."""
    facts = {name: _fact(value) for name, value in error.facts.items()}
    return _(error.message) % facts


def translated(message: str) -> str:
    """A message that was marked with `N_`, in the reader's language."""
    return _(message)


def _fact(value: Any) -> Any:
    """A fact as it is read in a sentence: words of ours translated, a number with its thousands."""
    if isinstance(value, int) and not isinstance(value, bool):
        return format_decimal(value)
    return _(value) if isinstance(value, str) and value else value


def wants_json() -> bool:
    """Whether a program is asking."""
    if request.blueprint == "api" or request.is_json or "Authorization" in request.headers:
        return True
    return request.accept_mimetypes.best_match(_FORMS, "text/html") == "application/json"


def register(app: Flask) -> None:
    """Errors of ours, of HTTP and of the database become answers; the rest is logged and a 500."""
    app.register_error_handler(YimaError, ours)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(DataError, _bad_value)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(PoolTimeout, _database)
    app.register_error_handler(Exception, _unforeseen)


def answer(status: int, code: str, title: str, detail: str, facts: dict[str, Any]) -> Response:
    """The problem document or page."""
    if wants_json():
        response = jsonify(
            type=f"about:blank#{code}",
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id(),
            **{name: value for name, value in facts.items() if isinstance(value, (int, str))},
        )
        response.headers["Content-Type"] = "application/problem+json"
    else:
        response = make_response(
            render_template(
                "error.html",
                title=title,
                what_to_do=detail,
                status=status,
                request_id=request_id(),
            )
        )
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def ours(error: YimaError) -> Response:
    """What an error of ours becomes: its message in the reader's language, facts beside it."""
    return answer(error.status, error.code, _title(error.status), message_of(error), error.facts)


def _csrf(error: CSRFError) -> Response:
    detail = _("This form was open for too long. Go back, load the page again and send it anew.")
    return answer(400, "stale_form", _title(400), detail, {})


def http(error: HTTPException) -> Response:
    """What an error of HTTP becomes: what to do about it."""
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    details = {
        404: _("There is no such page. Check the address, or go back."),
        405: _("This address does not take that kind of request."),
        413: _("What you sent is too large. Send less at a time."),
        429: _("Too many requests. Wait a little and try again."),
    }
    detail = details.get(
        error.code, _("The request could not be understood. Go back and try again.")
    )
    response = answer(error.code, f"http_{error.code}", _title(error.code), detail, {})
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())  # RFC 9110, 15.5.6
    return response


def _bad_value(error: DataError) -> Response:
    """What no view refused and PostgreSQL can't keep, such as the character NUL."""
    _do_without_session()
    log.warning("request %s: bad value: %s", request_id(), type(error.orig).__name__)
    return ours(StrangeText())


def _database(error: Exception) -> Response:
    _do_without_session()
    original = type(getattr(error, "orig", error)).__name__
    log.warning("request %s: database: %s", request_id(), original)
    return ours(Unavailable())


def _unforeseen(error: Exception) -> Response:
    log.exception("request %s failed", request_id())
    _do_without_session()
    detail = _("Something went wrong on our side. Nothing was changed; please try again.")
    return answer(500, "internal", _title(500), detail, {})


def _do_without_session() -> None:
    """The page of an error asks the database nothing: what was loaded is stale after a failure.

    Its menu, which depends on who is signed in, is left out.
    """
    db_session.rollback()
    g.operator = None


def _title(status: int) -> str:
    titles = {
        400: _("That did not work"),
        401: _("Please sign in"),
        403: _("Not allowed"),
        404: _("Not found"),
        409: _("That does not fit"),
        413: _("Too large"),
        429: _("Too often"),
        500: _("Our mistake"),
        503: _("Not available right now"),
    }
    return titles.get(status, _("That did not work"))
