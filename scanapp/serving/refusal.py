"""A refusal that is said without the application's work: worded once for each kind of reader."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Flask

from core.errors import YimaError
from scanapp.web import errors, headers, language

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# What an answer's language and form depend on.
_ASKED_BY = ("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_AUTHORIZATION", "CONTENT_TYPE")
_HEADER_MOST = 200
_READERS_KEPT = 64
_NAME = "name-of-the-request"  # stands for it in the words that are kept

Refusal = tuple[str, list[tuple[str, str]], bytes]
Refuse = Callable[["WSGIEnvironment"], Refusal]


def wording(app: Flask, error: YimaError) -> Refuse:
    """Says for a request's environment how `error` is told: status line, headers, body."""

    @lru_cache(_READERS_KEPT)
    def worded(accept: str, languages: str, authorization: str, form: str, chosen: str) -> Refusal:
        named = {headers.REQUEST_ID: _NAME}
        asked = {"Accept": accept, "Accept-Language": languages, "Content-Type": form}
        if authorization:
            asked["Authorization"] = authorization
        if chosen:
            asked["Cookie"] = f"{language.COOKIE}={chosen}"
        with app.test_request_context(headers=asked, environ_overrides=named):
            response = errors.ours(error)
            del response.headers["Content-Length"]
            return response.status, list(response.headers), response.get_data()

    def refuse(environ: "WSGIEnvironment") -> Refusal:
        accept, languages, authorization, form = (
            str(environ.get(name, ""))[:_HEADER_MOST] for name in _ASKED_BY
        )
        # That there is a key says a program asks; whose it is must not be kept.
        key = "given" if authorization else ""
        chosen = language.chosen_in(environ.get("HTTP_COOKIE", ""))
        status, fields, body = worded(accept, languages, key, form, chosen)
        body = body.replace(_NAME.encode(), environ[headers.REQUEST_ID].encode())
        return status, [*fields, ("Content-Length", str(len(body)))], body

    return refuse
