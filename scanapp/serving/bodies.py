"""A request takes a thread's time only once its body has arrived.

Granian hands a request on when its headers are there, and reading the body waits for the client as
long as its connection lives. So bodies are read here, before admission, by a few threads of their
own. One that is late loses its connection; a source that holds many back gets no more.
"""

import io
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from flask import Flask, Request

from core.errors import N_, YimaError
from core.settings import Settings
from scanapp.intake.committer import Overloaded
from scanapp.serving import sockets
from scanapp.serving.refusal import Refuse, wording
from scanapp.web.address import client_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READERS_MOST = 64  # bodies under way at a time in a process; each holds a thread
PER_SOURCE_MOST = 8  # of them, when a source is not alone any more
SCARCE = 16  # so many are under way before sources are told apart
# Forms are there within a second. Uploads may take longer: 16 kB/s is a bad mobile connection.
DEADLINE_SECONDS = 10.0
SLOWEST_BYTES_PER_SECOND = 16_000
LOOK_SECONDS = 1.0
CHUNK_BYTES = 65_536
IN_MEMORY_BYTES = 262_144


class BodyTooSlow(YimaError):
    code = "body_too_slow"
    status = 408
    message = N_("What you sent did not arrive in time. Please send it again.")


class BodyTooLarge(YimaError):
    code = "body_too_large"
    status = 413
    message = N_("What you sent is too large. Send less at a time.")


@dataclass(eq=False)
class _Reading:
    """A body under way. Seconds are those of `time.monotonic`."""

    peer: str
    source: str
    due_at: float
    is_late: bool = False


class Bodies:
    """The WSGI application `inner`, asked with bodies that are there.

    `source_of` says where a request comes from, `most_of` how many bytes it may bring; the others
    say how a body is refused that finds no reader, comes late, or is larger.
    """

    def __init__(
        self,
        inner: "WSGIApplication",
        source_of: "Callable[[WSGIEnvironment], str]",
        most_bytes: int,
        refusals: tuple[Refuse, Refuse, Refuse],
    ) -> None:
        self._inner = inner
        self._source_of = source_of
        self._most_bytes = most_bytes
        self._no_reader, self._late, self._too_large = refusals
        self._readings: set[_Reading] = set()
        self._door = threading.Lock()
        self._guard: threading.Thread | None = None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if not length and "HTTP_TRANSFER_ENCODING" not in environ:
            return self._inner(environ, start_response)
        expected = int(length) if length.isdecimal() else None
        if expected is not None and expected > self._most_bytes:
            return _said(self._too_large, environ, start_response)
        reading = self._begin(environ, expected or 0)
        if reading is None:
            return _said(self._no_reader, environ, start_response)
        try:
            body, size = self._read(environ["wsgi.input"], expected)
        finally:
            with self._door:
                self._readings.discard(reading)
        if size > self._most_bytes:
            return _said(self._too_large, environ, start_response)
        if reading.is_late or (expected is not None and size < expected):
            return _said(self._late, environ, start_response)
        environ["wsgi.input"] = body
        environ["CONTENT_LENGTH"] = str(size)
        environ["wsgi.input_terminated"] = True
        return self._inner(environ, start_response)

    @property
    def is_full(self) -> bool:
        """Whether as many bodies are under way as may be."""
        return len(self._readings) >= READERS_MOST

    def _begin(self, environ: "WSGIEnvironment", expected: int) -> _Reading | None:
        """A reading that is under way from now on; None when it must not begin."""
        peer, source = environ.get("REMOTE_ADDR", ""), self._source_of(environ)
        allowed = DEADLINE_SECONDS + expected / SLOWEST_BYTES_PER_SECOND
        reading = _Reading(peer, source, time.monotonic() + allowed)
        with self._door:
            if len(self._readings) >= READERS_MOST:
                return None
            if len(self._readings) >= SCARCE:
                held = Counter(each.source for each in self._readings)
                if held[source] >= PER_SOURCE_MOST:
                    return None
            self._readings.add(reading)
            if self._guard is None:
                self._guard = threading.Thread(target=self._watch, name="bodies", daemon=True)
                self._guard.start()
        return reading

    def _read(self, sent: IO[bytes], expected: int | None) -> tuple[IO[bytes], int]:
        """The body, from its beginning, and how many bytes it has; no more than allowed."""
        is_small = expected is not None and expected <= IN_MEMORY_BYTES
        body: IO[bytes] = io.BytesIO()
        if not is_small:
            body = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - read by the app
        size, limit = 0, self._most_bytes + 1 if expected is None else expected
        while size < limit:
            chunk = sent.read(min(CHUNK_BYTES, limit - size))
            if not chunk:
                break
            size += len(chunk)
            body.write(chunk)
        body.seek(0)
        return body, size

    def _watch(self) -> None:
        """Ends the connections of bodies that are late; their readers then come to an end."""
        while True:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            with self._door:
                late = [each for each in self._readings if each.due_at < now]
                for each in late:
                    each.is_late = True
            for peer in {each.peer for each in late}:
                sockets.hang_up(peer, DEADLINE_SECONDS)


def register(app: Flask, settings: Settings) -> None:
    """The app is asked with whole bodies only, of `max_upload_bytes` at most."""

    def source_of(environ: "WSGIEnvironment") -> str:
        return client_address(Request(environ), settings.trusted_proxies)

    refusals = wording(app, Overloaded()), wording(app, BodyTooSlow()), wording(app, BodyTooLarge())
    bodies = Bodies(app.wsgi_app, source_of, settings.max_upload_bytes, refusals)
    app.extensions["bodies"] = bodies
    app.wsgi_app = bodies  # type: ignore[method-assign]


def _said(
    refuse: Refuse, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    status, fields, body = refuse(environ)
    # What is left of the body would be taken for the next request.
    start_response(status, [*fields, ("Connection", "close")])
    return [body]
