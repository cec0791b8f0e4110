"""What every answer carries, and the name of every request.

Around the application, not in its hooks: a scan is answered in a quarter of a millisecond, and
each hook and each checked header would be a hundredth of it.
"""

import re
from collections.abc import Iterable
from random import getrandbits
from typing import TYPE_CHECKING, Any

from flask import has_request_context, request

from core import logs
from core.settings import Settings
from scanapp.web.address import is_within

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(self), camera=(self)"),
)
# Of every answer but static files, which are the same for everybody.
_READERS_OWN = (("Cache-Control", "no-store"), ("Vary", "Accept-Language, Cookie"))
REQUEST_ID = "yima.request_id"  # in the environ of every request
_WELL_FORMED = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{7,63}")


def request_id() -> str:
    """The name of the request that is being answered; empty outside of one."""
    return request.environ.get(REQUEST_ID, "") if has_request_context() else ""


def around(application: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    """The application; its requests have an id, which its log lines and answers carry."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        name = _told_by_proxy(environ, settings) or f"{getrandbits(48):012x}"
        environ[REQUEST_ID] = name
        logs.set_requests((name,))

        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            if all(key != "Cache-Control" for key, _ in headers):
                headers.extend(_READERS_OWN)
            headers.extend(ALWAYS)
            headers.append(("X-Request-Id", name))
            return start_response(status, headers, error)

        try:
            return application(environ, start)
        finally:
            logs.set_requests(())

    return answer


def _told_by_proxy(environ: "WSGIEnvironment", settings: Settings) -> str | None:
    """The id that a trusted proxy gave the request, if it is one."""
    told = environ.get("HTTP_X_REQUEST_ID")
    if told is None or not _WELL_FORMED.fullmatch(told):
        return None
    return told if is_within(environ.get("REMOTE_ADDR", ""), settings.trusted_proxies) else None
