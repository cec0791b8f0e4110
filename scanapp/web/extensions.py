"""Flask's extensions, bound to our own tables and settings."""

import json
from typing import Any, cast

import orjson
from flask import Flask, current_app
from flask.json.provider import JSONProvider
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from core.db import Base, engine_options
from core.settings import Settings
from scanapp.intake.process import Process
from scanapp.web.looking import guard

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})
# The request's session; a proxy that has all of a Session's methods, which its type does not say.
db_session = cast(Session, db.session)
guard(db.session)
csrf = CSRFProtect()
babel = Babel()

# Errors and logs that name parameters would name persons.
ENGINE: dict[str, Any] = {"pool_size": 10, "max_overflow": 20, "hide_parameters": True}


class Json(JSONProvider):
    """JSON of answers, keys in the order in which they were written, and of requests.

    These are read by the standard library: callers may name users by what is no Unicode.
    """

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return json.loads(s)


def configure(app: Flask, settings: Settings) -> None:
    """The app knows its settings, database and secrets; nothing is connected yet."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(**ENGINE),
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        SESSION_REFRESH_EACH_REQUEST=False,  # as long as the session itself, from sign-in
        WTF_CSRF_CHECK_DEFAULT=False,  # each door with forms asks for it itself
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session itself
        WTF_CSRF_SSL_STRICT=False,  # SameSite cookies guard; some in-app browsers send no referrer
        BABEL_DEFAULT_LOCALE="zh",
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["settings"] = settings


def settings_of() -> Settings:
    """The settings of the running app."""
    return cast(Settings, current_app.extensions["settings"])


def process() -> Process:
    """What the running process keeps."""
    return cast(Process, current_app.extensions["process"])
