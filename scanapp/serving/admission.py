"""So many requests at a time and no more: who comes on top is told at once to come again.

A request that waits for its commit holds a thread, and one that finds no thread waits unseen in the
web server, however long. So the server has some threads more than requests are let in, and these
spare ones say no. The app words the refusal once for each kind of reader; said again it costs next
to nothing, so that a flood of refusals leaves the machine to those who were let in.
"""

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from scanapp import measures
from scanapp.intake.committer import Overloaded
from scanapp.serving.refusal import Refuse, wording

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Machines ask these to learn how we are, just when we are busy.
ALWAYS_LET_IN = frozenset({"/healthz", "/readyz", "/metrics"})


class Admission:
    """The WSGI application `inner` for at most `most` requests at a time, `refuse` for the others.

    `refuse` says what to answer to a request's environment: status line, headers, body.
    """

    def __init__(
        self,
        inner: "WSGIApplication",
        most: int,
        refuse: Refuse,
    ) -> None:
        self._inner = inner
        self._most = most
        self._inside = 0
        self._full_since: float | None = None
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
            if not is_let_in and self._full_since is None:
                self._full_since = time.monotonic()
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
                self._full_since = None

    def full_seconds(self) -> float:
        """How long requests have been refused without any that was let in having ended."""
        since = self._full_since
        return 0.0 if since is None else time.monotonic() - since


def register(app: Flask, most: int) -> None:
    """The app answers at most `most` requests at a time in this process; 0: as many as come."""
    if most:
        admission = Admission(app.wsgi_app, most, wording(app, Overloaded()))
        app.extensions["admission"] = admission
        app.wsgi_app = admission  # type: ignore[method-assign]
