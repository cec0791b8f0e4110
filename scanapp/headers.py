"""Headers that every answer carries: what a page may load, and who may frame it."""

import re
import secrets

from flask import Flask, Request, Response, g, request

from core import logs
from core.settings import Settings
from scanapp.address import is_within

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


_WELL_FORMED = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{7,63}")


def register(app: Flask, settings: Settings) -> None:
    """Every request gets an id, which its log lines carry, and every answer the headers."""

    @app.before_request
    def name_request() -> None:
        g.request_id = _told_by_proxy(request, settings) or secrets.token_hex(6)
        logs.set_requests((g.request_id,))

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        logs.set_requests(())

    @app.after_request
    def add(response: Response) -> Response:
        for name, value in ALWAYS:
            response.headers.add(name, value)
        response.headers.add("X-Request-Id", g.get("request_id", ""))
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers.add("Cache-Control", "no-store")
        return response


def _told_by_proxy(request: Request, settings: Settings) -> str | None:
    """The id that a trusted proxy gave the request, if it is one."""
    told = request.headers.get("X-Request-Id")
    if told is None or not _WELL_FORMED.fullmatch(told):
        return None
    return told if is_within(request.remote_addr or "", settings.trusted_proxies) else None
