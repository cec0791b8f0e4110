"""What console and portal share: who is signed in, what they may do, and their menu."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Response, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.errors import N_, YimaError
from identity import queries as identities
from identity.models import Brand, Operator
from identity.permission import Permission, may
from identity.sign_in import sign_in
from scanapp.office.section import Section
from scanapp.web import errors, language
from scanapp.web.address import client_address
from scanapp.web.extensions import db_session, intake, settings_of

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
        blueprint.add_url_rule("/sign-out", "sign_out", self._sign_out, methods=["POST"])

    def _identify(self) -> AnyResponse | None:
        g.operator = None
        if "brand_id" in session:
            g.operator = identities.operator_of_session(
                db_session, session["brand_id"], session["operator_id"], session["epoch"]
            )
        if request.endpoint in (f"{self._name}.sign_in", f"{self._name}.sign_out"):
            return None
        if g.operator is None or not may(g.operator.role, self._enter):
            session.clear()
            return redirect(url_for(f"{self._name}.sign_in", next=request.full_path))
        g.brand = identities.brand(db_session, g.operator.brand_id)
        language.tell_times_of(g.brand)
        return None

    def _context(self) -> dict[str, Any]:
        if g.get("operator") is None or g.get("brand") is None:
            return {"operator_name": None, "nav": ()}
        return {
            "operator_name": g.operator.name,
            "organisation_name": language.named(g.brand),
            "home_url": url_for(self._home),
            "sign_out_url": url_for(f"{self._name}.sign_out"),
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
        if request.method == "GET":
            return render_template("office_sign_in.html", error=None, login="")
        login, password = request.form.get("login", ""), request.form.get("password", "")
        address = client_address(request, settings_of().trusted_proxies)
        result = sign_in(db_session, login, password, intake().source(address).hex())
        db_session.commit()  # a refusal is counted, too
        refusal = result.refusal
        if refusal is None and not may(result.operator.role, self._enter):  # type: ignore[union-attr]
            refusal = NotAllowed()
        if refusal is not None or result.operator is None:
            error = errors.message_of(refusal or NotAllowed())
            status = refusal.status if refusal else 403
            return render_template("office_sign_in.html", error=error, login=login), status
        session.clear()
        session.permanent = True
        session["brand_id"] = result.operator.brand_id
        session["operator_id"] = result.operator.id
        session["epoch"] = result.operator.session_epoch
        return redirect(self._safe_next())

    def _safe_next(self) -> str:
        """Where the operator wanted to go, if that is a page of this very door."""
        home = url_for(self._home)
        wanted = request.args.get("next", "")
        prefix = home.rsplit("/", 1)[0] + "/"
        return wanted if wanted.startswith(prefix) and "//" not in wanted else home

    def _sign_out(self) -> AnyResponse:
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
