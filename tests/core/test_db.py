import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db import check_direct, make_engine, run
from core.settings import BadSetting
from tests.demotion import demoted

WRITE = "CREATE TABLE IF NOT EXISTS written ()"


def by_sqlalchemy(session: Session) -> None:
    session.execute(text(WRITE))


def by_driver(session: Session) -> None:
    run(session, WRITE, {})


@pytest.fixture
def pool(database_url: str) -> Iterator[Engine]:
    """An engine that keeps five connections of a primary that has since been demoted."""
    engine = make_engine(database_url, pool_size=5)
    with demoted(database_url), contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(engine.connect())
    yield engine
    engine.dispose()


@pytest.mark.parametrize("write", [by_sqlalchemy, by_driver])
def test_connections_that_only_read_are_all_given_up_at_the_first_write(
    pool: Engine, write: Callable[[Session], None]
) -> None:
    with Session(pool) as session, pytest.raises(DBAPIError) as refused:
        write(session)
    assert refused.value.connection_invalidated
    for _ in range(6):
        with Session(pool) as session:
            write(session)
            session.commit()


class Pooler:
    """Stands before PostgreSQL and treats what a client asks for at its start as PgBouncer does."""

    def __init__(self, target: tuple[str, int], is_silent: bool) -> None:
        self._target, self._is_silent = target, is_silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            start = _message(client)
            while len(start) == 8:  # asks for TLS or GSS
                client.sendall(b"N")
                start = _message(client)
            words = start[8:].split(b"\0")
            if not self._is_silent and b"options" in words:
                said = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
                client.sendall(b"E" + struct.pack("!i", 4 + len(said)) + said)
                return
            pairs = zip(words[0:-2:2], words[1:-2:2], strict=True)
            kept = b"".join(b"%s\0%s\0" % pair for pair in pairs if pair[0] != b"options") + b"\0"
            with socket.create_connection(self._target) as server:
                server.sendall(struct.pack("!i", 8 + len(kept)) + start[4:8] + kept)
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()


def _message(client: socket.socket) -> bytes:
    head = client.recv(4, socket.MSG_WAITALL)
    return head + client.recv(struct.unpack("!i", head)[0] - 4, socket.MSG_WAITALL)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_pooler_that_withholds_our_settings_stops_the_start(
    database_url: str, is_silent: bool
) -> None:
    url = make_url(database_url)
    assert url.host
    assert url.port
    pooler = Pooler((url.host, url.port), is_silent)
    behind = url.set(port=pooler.port).render_as_string(hide_password=False)
    with pytest.raises(BadSetting, match="YIMA_DATABASE_URL leads to a connection pooler"):
        check_direct(behind)
    pooler.close()


def test_a_direct_way_and_a_database_that_is_away_stop_no_start(database_url: str) -> None:
    check_direct(database_url)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = make_url(database_url).set(port=port)
    check_direct(away.render_as_string(hide_password=False))
