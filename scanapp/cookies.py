"""A session cookie for each door, so that signing in at one says nothing to another."""

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface

_DOORS = {"/console": "yima_console", "/portal": "yima_portal"}
_CONSUMER = "yima_consumer"


class CookiePerDoor(SecureCookieSessionInterface):
    """Flask's signed cookie under a name and path of the door that is asked."""

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
