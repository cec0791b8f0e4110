"""So many requests at a time and no more: who comes on top is told at once to come again.

A request that waits for its commit holds a thread, and one that finds no thread waits unseen in the
web server, however long. So the server has some threads more than requests are let in, and these
spare ones say no. The app words the refusal once for each kind of reader; said again it costs next
to nothing, so that a flood of refusals leaves the machine to those who were let in.
"""

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Flask

from scanapp import measures
from scanapp.intake.committer import Overloaded
from scanapp.web import errors, headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Machines ask these to learn how we are, just when we are busy.
ALWAYS_LET_IN = frozenset({"/healthz", "/readyz", "/metrics"})
# What an answer's language and form depend on.
_ASKED_BY = ("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_AUTHORIZATION", "CONTENT_TYPE")
_HEADER_MOST = 200
_READERS_KEPT = 64
_NAME = "name-of-the-request"  # stands for it in the words that are kept

Refusal = tuple[str, list[tuple[str, str]], bytes]


class Admission:
    """The WSGI application `inner` for at most `most` requests at a time, `refuse` for the others.

    `refuse` says what to answer to a request's environment: status line, headers, body.
    """

    def __init__(
        self,
        inner: "WSGIApplication",
        most: int,
        refuse: "Callable[[WSGIEnvironment], Refusal]",
    ) -> None:
        self._inner = inner
        self._most = most
        self._inside = 0
        self._door = threading.Lock()
        self._refuse = refuse

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ALWAYS_LET_IN:
            return self._inner(environ, start_response)
        with self._door:
            is_let_in = self._inside < self._most
            self._inside += is_let_in
        if not is_let_in:
            measures.REFUSED.inc()
            status, fields, body = self._refuse(environ)
            start_response(status, fields)
            return [body]
        try:
            return self._inner(environ, start_response)
        finally:
            with self._door:
                self._inside -= 1


def register(app: Flask, most: int) -> None:
    """The app answers at most `most` requests at a time in this process; 0: as many as come."""
    if most:
        app.wsgi_app = Admission(  # type: ignore[method-assign]
            app.wsgi_app, most, _wording(app)
        )


def _wording(app: Flask) -> "Callable[[WSGIEnvironment], Refusal]":
    @lru_cache(_READERS_KEPT)
    def worded(accept: str, languages: str, authorization: str, form: str) -> Refusal:
        named = {headers.REQUEST_ID: _NAME}
        asked = {"Accept": accept, "Accept-Language": languages, "Content-Type": form}
        if authorization:
            asked["Authorization"] = authorization
        with app.test_request_context(headers=asked, environ_overrides=named):
            response = errors.ours(Overloaded())
            del response.headers["Content-Length"]
            return response.status, list(response.headers), response.get_data()

    def refuse(environ: "WSGIEnvironment") -> Refusal:
        accept, languages, authorization, form = (
            str(environ.get(name, ""))[:_HEADER_MOST] for name in _ASKED_BY
        )
        # That there is a key says a program asks; whose it is must not be kept.
        status, fields, body = worded(accept, languages, "given" if authorization else "", form)
        body = body.replace(_NAME.encode(), environ[headers.REQUEST_ID].encode())
        return status, [*fields, ("Content-Length", str(len(body)))], body

    return refuse
