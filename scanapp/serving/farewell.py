"""How a web process goes: whoever has asked already is answered.

A server that just closes its connections cuts off requests that are on their way on them: the
client was told that it may use the connection again. So the end is announced by SIGUSR1 before it
comes. From then on `/readyz` says no, so that load balancers send nobody any more, and every answer
ends its connection. Last the listening socket is made deaf, so that nobody is waiting at it when it
is closed. `yima web` sends the signals (`scanapp/serving/server.py`).
"""

import ctypes
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from scanapp.serving import sockets

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ANNOUNCE = signal.SIGUSR1
SECONDS = "YIMA_FAREWELL_SECONDS"  # between announcement and deafness; set by `yima web`
# Whoever was accepted by then is answered; the others' kernels try again, and are refused.
DEAF_SECONDS = 0.3

_SO_ATTACH_FILTER = 26  # socket(7); Python has no name for it
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: RET 0


class Farewell:
    """The WSGI application `inner`; once the end is announced, every answer ends its connection."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner
        self.is_announced = False

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if not self.is_announced:
            return self._inner(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[..., Any]:
            return start_response(status, [*headers, ("Connection", "close")], *error)

        return self._inner(environ, start)

    def announce(self, seconds: float) -> None:
        """The end is near: in so many seconds this process takes no new connection."""
        if not self.is_announced:
            self.is_announced = True
            threading.Thread(target=_close_ears, args=(seconds,), daemon=True).start()


def register(app: Flask) -> None:
    """The app can be told that it will end."""
    farewell = Farewell(app.wsgi_app)
    app.extensions["farewell"] = farewell
    app.wsgi_app = farewell  # type: ignore[method-assign]


def listen(app: Flask) -> None:
    """This process hears the announcement of `yima web`; to be called in its main thread.

    Under another server the signal may mean something else, so there nothing happens.
    """
    seconds = os.environ.get(SECONDS)
    if seconds is not None:
        signal.signal(ANNOUNCE, lambda *_: app.extensions["farewell"].announce(float(seconds)))


def _close_ears(seconds: float) -> None:
    """Makes every socket deaf on which this process, whoever opened it, takes connections."""
    time.sleep(seconds)
    for one in sockets.opened():
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            make_deaf(one)


def make_deaf(one: socket.socket) -> None:
    """The kernel drops what comes to the socket; what had come to it can still be had."""
    program = ctypes.create_string_buffer(_DROP_ALL)
    one.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program))
    )
