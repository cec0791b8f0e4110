"""Requests that only look: they change nothing, whatever address they ask for.

Safe methods are safe by construction (RFC 9110, 9.2.1): what they would commit is refused. A page
that is fetched before anybody wants to see it counts as not seen.
"""

from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import scoped_session

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Sec-Purpose (Fetch, 2.2.1), and what browsers sent before there was one.
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_AHEAD = ("prefetch", "prerender", "preview")


def is_ahead() -> bool:
    """Whether a browser fetches ahead of its user, who may never come to see it."""
    told = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return any(word in told for word in _AHEAD)


def is_prerendering() -> bool:
    """Whether the page is built in the background, to be shown when its user comes to it."""
    return "prerender" in request.headers.get("Sec-Purpose", "").lower()


def is_view() -> bool:
    """Whether somebody sees what this request asks for."""
    return request.method not in ("HEAD", "OPTIONS") and not is_ahead()


class SafeMethodWrote(RuntimeError):
    """A view committed although its method is safe: a fault of ours."""


def guard(session: scoped_session) -> None:
    """Requests with a safe method commit nothing by the session."""

    @event.listens_for(session, "before_commit")
    def refuse(_session: object) -> None:
        if has_request_context() and request.method in SAFE:
            raise SafeMethodWrote(request.endpoint)
