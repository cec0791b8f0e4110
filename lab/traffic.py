"""Traffic by the clock: requests leave when they are due, whatever comes back.

Each goes on a free kept connection, or on a new one while there are fewer than `connections_most`;
past that it is not sent and counts as such. So a server that slows down is met by more requests at
a time, as by people, and not by fewer, as by a client that waits for it.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

CUT_OFF = 0  # instead of a status: the connection ended before the answer
REFUSED = -1  # … could not be opened
NOT_SENT = -2  # … all connections were busy
ANSWER_SECONDS = 30.0
_TICK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `kind` is for who looks at the results."""

    kind: str
    method: str
    path: str
    key: str = ""
    body: str = ""

    def as_bytes(self) -> bytes:
        """The request as HTTP/1.1."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        if self.body:
            lines.append("Content-Type: application/json")
        if self.method != "GET":
            lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + f"\r\n\r\n{self.body}").encode()


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a request; `seconds` from when it was due to the answer's last byte."""

    request: Request
    at: float  # time.monotonic() when it was due
    seconds: float
    status: int
    has_retry_after: bool = False


class Traffic:
    """Sends what `next_request` gives, `rate_per_second`, from its own thread; a context manager.

    The rate may be changed at any time. Leaving the block waits for the answers under way.
    """

    def __init__(
        self,
        port: int,
        next_request: Callable[[], Request],
        rate_per_second: float,
        connections_most: int,
    ) -> None:
        self.rate_per_second = rate_per_second
        self._port = port
        self._next = next_request
        self._most = connections_most
        self._told: deque[Told] = deque()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._drive()), daemon=True)
        self._free: list[_Link] = []
        self._links = 0

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._thread.join()

    def told(self) -> list[Told]:
        """What came back since the last call."""
        return [self._told.popleft() for _ in range(len(self._told))]

    async def _drive(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not self._ends.is_set():
            while due <= time.monotonic():
                task = asyncio.create_task(self._send(self._next(), due))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                due += 1 / self.rate_per_second
            await asyncio.sleep(_TICK_SECONDS)
        if under_way:
            await asyncio.wait(under_way)
        for link in self._free:
            link.transport.close()

    async def _send(self, request: Request, due: float) -> None:
        link, status = await self._link()
        has_retry_after = False
        if link is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, has_retry_after = await link.ask(request.as_bytes())
            if link.is_open:
                self._free.append(link)
            else:
                self._links -= 1
        told = Told(request, due, time.monotonic() - due, status, has_retry_after)
        self._told.append(told)

    async def _link(self) -> tuple["_Link | None", int]:
        while self._free:
            link = self._free.pop()
            if link.is_open:
                return link, CUT_OFF
            self._links -= 1
        if self._links >= self._most:
            return None, NOT_SENT
        self._links += 1
        try:
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(_Link, "127.0.0.1", self._port)
        except OSError:
            self._links -= 1
            return None, REFUSED
        return link, CUT_OFF


class _Link(asyncio.Protocol):
    """A kept connection, one request at a time."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.is_open = True
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bool]] | None = None

    async def ask(self, request: bytes) -> tuple[int, bool]:
        """The answer's status, and whether it says when to come again; `CUT_OFF` without one."""
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.is_open = False
            self.transport.abort()
            raise

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._answer is None or self._answer.done():
            return
        fields = dict(_fields(head))
        if len(body) < int(fields.get(b"content-length", 0)):
            return
        if fields.get(b"connection") == b"close":
            self.is_open = False
            self.transport.close()
        self._answer.set_result((int(head[9:12]), b"retry-after" in fields))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((CUT_OFF, False))


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        yield name.lower(), value.strip()
