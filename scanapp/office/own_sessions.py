"""Where the operator is signed in: the list of their own sessions, and ending them."""

from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import NotFound
from identity import queries, sessions
from scanapp.office import door
from scanapp.web import language
from scanapp.web.extensions import db_session


@dataclass(frozen=True)
class SessionLine:
    id: str
    device: str
    started_at: str | None
    is_this: bool


def show() -> str:
    """The operator's open sessions, newest first."""
    operator = door.operator()
    return render_template(
        "office_sessions.html",
        sessions=[
            SessionLine(
                id=found.id.hex,
                device=found.device or _("a browser that tells no name"),
                started_at=language.moment(found.started_at),
                is_this=found.id == door.session_id(),
            )
            for found in queries.sessions_of(db_session, operator.brand_id, operator.id)
        ],
    )


def end(home: str) -> Response:
    """Ends one of the operator's other sessions, or all of them."""
    operator = door.operator()
    chosen = request.form.get("session", "")
    if chosen:
        sessions.end(db_session, operator.brand_id, operator.id, _id(chosen))
    else:
        sessions.end_all(db_session, operator.brand_id, operator.id, but=door.session_id())
    flash(_("Ended. Whoever used it must sign in again."), "success")
    return redirect(url_for(home), code=303)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(what="session", name=text[:40]) from error
