"""A session cookie for each door, so that signing in at one says nothing to another."""

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

_DOORS = {"/console": "yima_console", "/portal": "yima_portal"}
_CONSUMER = "yima_consumer"


class CookiePerDoor(SecureCookieSessionInterface):
    """Flask's signed cookie under a name and path of the door that is asked."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The door's session; an empty one, at no cost, for who brings no cookie of it."""
        if "HTTP_COOKIE" not in request.environ:  # reading none takes its time, too
            return self.session_class()
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Writes the cookie; nothing to write is the rule, and found out at once."""
        if session or session.modified:
            super().save_session(app, session, response)

    def get_cookie_name(self, app: Flask) -> str:
        return _DOORS.get(self._door(), _CONSUMER)

    def get_cookie_path(self, app: Flask) -> str:
        return self._door() or "/"

    @staticmethod
    def _door() -> str:
        for prefix in _DOORS:
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                return prefix
        return ""
