"""Operators and API keys: who and what may act for the brand. Secrets are shown once."""

import secrets

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import N_, YimaError
from identity import api_key, queries
from identity.errors import (
    BadCode,
    BadName,
    BadPassword,
    CommonPassword,
    DistributorNeeded,
    DistributorNotAllowed,
    NameTaken,
)
from identity.operator import add_operator, disable
from scanapp.brand import words
from scanapp.brand.setup import MANAGE_PEOPLE, section
from scanapp.brand.setup.parties import companies
from scanapp.office import door
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session

PASSWORD_BYTES = 12  # 96 random bits, 16 characters


ABOUT: forms.About = {
    BadName: "name",
    BadCode: "login",
    NameTaken: "login",
    BadPassword: "password",
    CommonPassword: "password",
    DistributorNeeded: "distributor",
    DistributorNotAllowed: "distributor",
}


class Yourself(YimaError):
    code = "yourself"
    status = 409
    message = N_("You can't end your own access. Ask another administrator.")


@section.route("/set-up/operators", methods=["GET", "POST"])
@door.requires(MANAGE_PEOPLE)
def operators() -> Response | str | tuple[str, int]:
    """Everybody who may sign in; adds one, and shows a password made for them, once."""

    def do() -> Response | str:
        typed = request.form.get("password", "")
        password = typed or secrets.token_urlsafe(PASSWORD_BYTES)
        added = add_operator(
            db_session,
            door.brand().id,
            login=request.form.get("login", ""),
            name=request.form.get("name", ""),
            role=request.form.get("role", ""),
            password=password,
            distributor_id=forms.whole(request.form, "distributor"),
        )
        if not typed:
            return _operators(None, shown=(added.login, password))
        flash(_("%(name)s may sign in now.", name=added.name), "genuine")
        return redirect(url_for("brand.setup.operators"), code=303)

    return forms.answered(do, _operators, ABOUT)


@section.post("/set-up/operators/<int(max=9223372036854775807):operator_id>/disable")
@door.requires(MANAGE_PEOPLE)
def operator_disable(operator_id: int) -> Response | str | tuple[str, int]:
    """Ends an operator's access and sessions."""

    def do() -> Response:
        if operator_id == door.operator().id:
            raise Yourself()
        ended = disable(db_session, door.brand().id, operator_id)
        flash(_("%(name)s can't sign in any more.", name=ended.name), "genuine")
        return redirect(url_for("brand.setup.operators"), code=303)

    return forms.answered(do, _operators)


@section.route("/set-up/keys", methods=["GET", "POST"])
@door.requires(MANAGE_PEOPLE)
def api_keys() -> Response | str | tuple[str, int]:
    """The API keys; issues one, and shows it once."""

    def do() -> str:
        _key, secret = api_key.issue(db_session, door.brand().id, request.form.get("name", ""))
        return _keys(None, shown=secret)

    return forms.answered(do, _keys, ABOUT)


@section.post("/set-up/keys/<int(max=9223372036854775807):key_id>/revoke")
@door.requires(MANAGE_PEOPLE)
def api_key_revoke(key_id: int) -> Response | str | tuple[str, int]:
    """Revokes a key; what uses it is refused within seconds."""

    def do() -> Response:
        revoked = api_key.revoke(db_session, door.brand().id, key_id)
        flash(_("The key “%(name)s” opens nothing any more.", name=revoked.name), "genuine")
        return redirect(url_for("brand.setup.api_keys"), code=303)

    return forms.answered(do, _keys)


def _operators(error: YimaError | None, shown: tuple[str, str] | None = None) -> str:
    brand_id = door.brand().id
    found = queries.operators(db_session, brand_id, after=request.args.get("after", ""))
    last = found[-1].login if len(found) == queries.MOST else None
    return render_template(
        "setup/operators.html",
        operators=found,
        myself=door.operator().id,
        roles=words.roles(),
        companies=companies(),
        values={} if shown else request.form,
        shown=shown,
        error=message_of(error) if error else None,
        next_url=url_for("brand.setup.operators", after=last) if last else None,
    )


def _keys(error: YimaError | None, shown: str | None = None) -> str:
    return render_template(
        "setup/api_keys.html",
        keys=queries.api_keys(db_session, door.brand().id),
        values={} if shown else request.form,
        shown=shown,
        error=message_of(error) if error else None,
    )
