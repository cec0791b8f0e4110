"""Headers that every answer carries: what a page may load, and who may frame it."""

import secrets

from flask import Flask, Response, g, request

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

_ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(self), camera=(self)"),
)


def register(app: Flask) -> None:
    """Every request gets an id, every answer the headers."""

    @app.before_request
    def name_request() -> None:
        g.request_id = secrets.token_hex(6)

    @app.after_request
    def add(response: Response) -> Response:
        for name, value in _ALWAYS:
            response.headers.add(name, value)
        response.headers.add("X-Request-Id", g.get("request_id", ""))
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers.add("Cache-Control", "no-store")
        return response
