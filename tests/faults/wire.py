"""A wire between the web and a server that breaks at the worst moment, or is cut for a while."""

import contextlib
import enum
import socket
import threading
from collections.abc import Iterator

from scanapp.serving import farewell

_SO_DETACH_FILTER = 27  # socket(7); Python has no name for it
_COMMIT = b"COMMIT\0"  # the end of a simple query (PostgreSQL's protocol, message Query)


class Break(enum.Enum):
    BEFORE = "the server never hears of it"
    AT_ONCE = "the server hears of it, and that the client is gone"
    AFTER = "the server has done it, its answer is lost"


class Cut(enum.Enum):
    REFUSED = "the machine is there, the server is not: connections end, new ones are refused"
    SILENT = "the machine is not there: whatever is sent to it vanishes"


class Wire:
    """Forwards connections to `target` until they are broken, or it is cut."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._clients: set[socket.socket] = set()
        self._whole = threading.Event()
        self._whole.set()
        self._lock = threading.Lock()
        self._breaks: list[Break] = []
        self._commits = 0
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def break_commits(self, how: Break, times: int) -> None:
        """The next COMMIT and every other one after it breaks its connection, so many times."""
        with self._lock:
            self._breaks = [how] * times
            self._commits = 0

    def cut(self, how: Cut) -> None:
        """Nothing comes through any more."""
        if how is Cut.SILENT:
            self._whole.clear()
            with self._lock:
                for one in (self._listener, *self._clients):
                    farewell.make_deaf(one)
        else:
            _end(self._listener)
            with self._lock:
                _end(*self._clients)

    def mend(self) -> None:
        """Everything comes through again; what vanished is sent again by the senders' kernels."""
        if self._whole.is_set():
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, daemon=True).start()
            return
        with self._lock:
            for one in (self._listener, *self._clients):
                one.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        self._whole.set()

    def close(self) -> None:
        _end(self._listener)

    def _accept(self) -> None:
        listener = self._listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                self._clients.add(client)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lost = threading.Event()
            threading.Thread(target=self._ask, args=(client, server, lost), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, server, lost), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        for data in _received(client):
            how = self._due() if data.endswith(_COMMIT) else None
            if how is Break.AFTER:
                lost.set()  # the answer is awaited, and ends the connection
            if how is not Break.BEFORE:
                with contextlib.suppress(OSError):
                    server.sendall(data)
            if how in (Break.BEFORE, Break.AT_ONCE):
                break
        self._forget(client)
        _end(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        for data in _received(server):
            if lost.is_set():
                break
            self._whole.wait()
            with contextlib.suppress(OSError):
                client.sendall(data)
        self._forget(client)
        _end(client, server)

    def _forget(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.discard(client)

    def _due(self) -> Break | None:
        with self._lock:
            self._commits += 1
            if not self._breaks or self._commits % 2 == 0:
                return None
            self.broken += 1
            return self._breaks.pop()


def _received(end: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := end.recv(65536):
            yield data


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
