"""What console and portal share: who is signed in, what they may do, and their menu."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from core import once
from core.errors import N_, YimaError
from identity import queries as identities
from identity import sessions
from identity.models import Brand, Operator
from identity.permission import Permission, may
from identity.sign_in import sign_in
from scanapp.office.section import Section
from scanapp.web import errors, forms, language
from scanapp.web.address import client_address
from scanapp.web.extensions import db_session, process, settings_of

View = TypeVar("View", bound=Callable[..., Any])


class NotAllowed(YimaError):
    code = "not_allowed"
    status = 403
    message = N_("Your role does not include this. Ask an administrator of the brand.")


class Office:
    """One office door: its blueprint, who may enter, and its sections in the order of the menu."""

    def __init__(
        self, blueprint: Blueprint, enter: Permission, home: str, sections: Sequence[Section]
    ) -> None:
        self._name = blueprint.name
        self._enter = enter
        self.sections = sections
        self._home = home
        for section in sections:
            blueprint.register_blueprint(section)
        blueprint.before_request(self._identify)
        blueprint.context_processor(self._context)
        blueprint.add_url_rule("/sign-in", "sign_in", self._sign_in, methods=["GET", "POST"])
        blueprint.add_url_rule("/sessions", "sessions", self._sessions, methods=["GET", "POST"])
        blueprint.add_url_rule("/sign-out", "sign_out", self._sign_out, methods=["POST"])

    def _identify(self) -> AnyResponse | None:
        g.operator = None
        if "session_id" in session:
            g.operator = identities.operator_of_session(
                db_session, session["brand_id"], UUID(session["session_id"])
            )
        if request.endpoint in (f"{self._name}.sign_in", f"{self._name}.sign_out"):
            return None
        if g.operator is None or not may(g.operator.role, self._enter):
            session.clear()
            return redirect(url_for(f"{self._name}.sign_in", next=request.full_path))
        g.brand = identities.brand(db_session, g.operator.brand_id)
        language.tell_times_of(g.brand)
        return self._sent_before()

    def _sent_before(self) -> AnyResponse | None:
        """Where to go instead, when this very form did already what it says."""
        if request.method != "POST" or "key" in request.form:  # reports count by their own key
            return None
        typed = request.form.get(forms.FORM_KEY)
        if not typed or once.spend(db_session, g.operator.brand_id, forms.form_key(typed)):
            return None
        db_session.rollback()
        flash(_("That form was sent already, and counted once."), "info")
        return redirect(url_for(self._home), code=303)

    def _context(self) -> dict[str, Any]:
        if g.get("operator") is None or g.get("brand") is None:
            return {"operator_name": None, "nav": ()}
        return {
            "operator_name": g.operator.name,
            "organisation_name": language.named(g.brand),
            "home_url": url_for(self._home),
            "sign_out_url": url_for(f"{self._name}.sign_out"),
            "sessions_url": url_for(f"{self._name}.sessions"),
            "nav": [self._nav(each) for each in self.sections if self._may_use(each)],
        }

    def _may_use(self, section: Section) -> bool:
        return may(g.operator.role, section.entry.permission)

    def _nav(self, section: Section) -> tuple[str, str, bool]:
        """The entry's address and label, and whether a page of its section is being shown."""
        name = f"{self._name}.{section.name}"
        label = errors.translated(section.entry.label)
        return url_for(f"{name}.{section.entry.view}"), label, name in request.blueprints

    def _sign_in(self) -> AnyResponse | str | tuple[str, int]:
        if request.method != "POST":
            return render_template("office_sign_in.html", error=None, login="")
        login, password = request.form.get("login", ""), request.form.get("password", "")
        address = client_address(request, settings_of().trusted_proxies)
        source = process().source(address).hex()
        result = sign_in(db_session, login, password, source, settings_of().secret_key)
        refusal = result.refusal
        if refusal is None and not may(result.operator.role, self._enter):  # type: ignore[union-attr]
            refusal = NotAllowed()
        if refusal is not None or result.operator is None:
            error = errors.message_of(refusal or NotAllowed())
            status = refusal.status if refusal else 403
            return render_template("office_sign_in.html", error=error, login=login), status
        session.clear()
        session.permanent = True
        begun = sessions.begin(db_session, result.operator, request.headers.get("User-Agent", ""))
        session["brand_id"], session["session_id"] = begun.brand_id, begun.id.hex
        return redirect(self._safe_next())

    def _sessions(self) -> AnyResponse | str:
        # Imported here: the pages of an office know the door.
        from scanapp.office import own_sessions

        if request.method != "POST":
            return own_sessions.show()
        return own_sessions.end(f"{self._name}.sessions")

    def _safe_next(self) -> str:
        """Where the operator wanted to go, if that is a page of this very door."""
        home = url_for(self._home)
        wanted = request.args.get("next", "")
        prefix = home.rsplit("/", 1)[0] + "/"
        is_ours = wanted.startswith(prefix) and "//" not in wanted and wanted.isprintable()
        return wanted if is_ours else home

    def _sign_out(self) -> AnyResponse:
        if g.operator is not None:
            sessions.end(db_session, g.operator.brand_id, g.operator.id, session_id())
        session.clear()
        return redirect(url_for(f"{self._name}.sign_in"))


def requires(permission: Permission) -> Callable[[View], View]:
    """The view is only for roles that have the permission; others get a 403 that says so."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Response | str:
            if not may(g.operator.role, permission):
                raise NotAllowed()
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return decorate


def operator() -> Operator:
    """Who is signed in at this door."""
    found: Operator = g.operator
    return found


def brand() -> Brand:
    """The brand of who is signed in."""
    found: Brand = g.brand
    return found


def session_id() -> UUID:
    """The session of who is signed in."""
    return UUID(session["session_id"])
