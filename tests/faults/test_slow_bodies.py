"""Bodies that never arrive hold nobody else up, and lose their connection."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from scanapp.serving import bodies
from tests.running import Town, wait_until

SLOW = 80  # more than a process lets in; enough to take all readers
CLAIM = b"POST /claim HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\nticket="


@contextlib.contextmanager
def slow_bodies(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many clients that send the beginning of a form and then nothing more."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            client.sendall(CLAIM)
            clients.append(client)
        yield clients


@pytest.fixture
def web(town: Town) -> httpx.Client:
    town.start_web("--threads", "64")
    return httpx.Client(base_url=town.address, timeout=5)


def test_slow_bodies_take_no_places_and_are_hung_up_on(town: Town, web: httpx.Client) -> None:
    with web, slow_bodies(town.port, SLOW) as clients:
        time.sleep(0.5)
        for _ in range(20):
            assert web.get("/m/nobody/").status_code == 404
        told = web.post("/claim", content=b"ticket=x")
        assert told.status_code == 503  # the same source: the others are told apart from it
        begun = time.monotonic()
        for client in clients:
            client.settimeout(bodies.DEADLINE_SECONDS + 10)
            with contextlib.suppress(ConnectionError):
                answer = client.recv(1_000)
                assert answer == b"" or b" 503 " in answer or b" 408 " in answer
        assert time.monotonic() - begun < bodies.DEADLINE_SECONDS + 10
        wait_until(lambda: web.post("/claim", content=b"ticket=x").status_code == 400, "for forms")


def test_a_process_without_places_says_that_it_is_not_ready(town: Town, web: httpx.Client) -> None:
    with web, contextlib.ExitStack() as stack:
        assert web.get("/readyz").status_code == 200
        for number in range(8):
            # From eight addresses of this machine: one alone would get no more than its share.
            for _ in range(bodies.PER_SOURCE_MOST + 4):
                client = stack.enter_context(socket.socket())
                client.bind((f"127.0.0.{number + 2}", 0))
                client.connect(("127.0.0.1", town.port))
                client.sendall(CLAIM)
        wait_until(lambda: web.get("/readyz").status_code == 503, "for the process to say no")
        assert json.loads(web.get("/readyz").text)["crowded"] is True
        assert web.get("/healthz").status_code == 200
    wait_until(lambda: httpx.get(f"{town.address}/readyz").status_code == 200, "for it to recover")
