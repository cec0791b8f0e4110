"""Apps that scan and claim while something breaks, and write down what they were told."""

import http.client
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.running import PATIENCE_SECONDS, App, Shop, Town, open_shop, sign_all_in, wait_until

# In the suite a moment of each fault must do; `make faults` takes a minute.
SECONDS = float(os.environ.get("YIMA_FAULT_SECONDS", 3))
APPS = 8
MEMBERS = 40
POINTS = 5
DAILY_LIMIT = 10
HOT = 100  # items that all apps want
STAY = 50  # requests on a connection, or so
RETRY_SECONDS = 0.1
NOTHING_CHANGED = ("overloaded", "unavailable")


@dataclass(frozen=True)
class Told:
    """What was said in the end about a visitor's scan or claim of an item.

    `is_certain`: no try before this answer may have been written. Without a claim `state`,
    `reason` and `points` are None, 0.
    """

    visitor: str
    number: int
    is_claim: bool
    is_certain: bool
    outcome: str
    state: str | None = None
    reason: str | None = None
    points: int = 0
    is_repeated: bool = False


class Client:
    """Asks again until it is answered, and keeps in `told` what it was told.

    `tries` counts by what became of them, an answer's status or an error's name.
    """

    def __init__(self, town: Town, shop: Shop, number: int = 0) -> None:
        self._town = town
        self._shop = shop
        self._app = App(town.port, shop.key, f"198.51.100.{number}")
        self.told: list[Told] = []
        self.tries: dict[str, int] = {}

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._app.__exit__(kind, error, trace)

    def scan(self, number: int, visitor: str) -> Told:
        return self._ask(number, visitor, is_claim=False)

    def claim(self, number: int, visitor: str) -> Told:
        return self._ask(number, visitor, is_claim=True)

    def hang_up(self) -> None:
        """The next request is for whichever of the web's processes takes it."""
        self._app.hang_up()

    def _ask(self, number: int, visitor: str, is_claim: bool) -> Told:
        path = self._shop.path(number) + ("/claim" if is_claim else "")
        is_certain, pause = True, threading.Event()
        for _ in range(int(PATIENCE_SECONDS / RETRY_SECONDS)):
            said = self._try(path, visitor)
            if isinstance(said, dict):
                told = _told(visitor, number, is_claim, is_certain, said)
                self.told.append(told)
                return told
            is_certain &= said
            pause.wait(RETRY_SECONDS)
        raise AssertionError(f"never answered: {self.tries} {self._town.log('web')}")

    def _try(self, path: str, visitor: str) -> dict[str, Any] | bool:
        """The answer, or whether it is certain that nothing was written."""
        try:
            reply = self._app.ask(path, {"visitor": visitor})
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._count(type(error).__name__)
            return isinstance(error, ConnectionRefusedError)
        self._count(str(reply.status))
        if reply.status == 503:
            assert reply.headers["Retry-After"].isdigit()
            return reply.body["code"] in NOTHING_CHANGED
        assert reply.status == 200, f"{reply.body} {self._town.log('web')}"
        return dict(reply.body)

    def _count(self, what: str) -> None:
        self.tries[what] = self.tries.get(what, 0) + 1


def _told(
    visitor: str, number: int, is_claim: bool, is_certain: bool, said: dict[str, Any]
) -> Told:
    claim = (said["claim"] or {}) if is_claim else {}
    return Told(
        visitor=visitor,
        number=number,
        is_claim=is_claim,
        is_certain=is_certain,
        outcome=said["outcome"],
        state=claim.get("state"),
        reason=claim.get("reason"),
        points=claim.get("points", 0),
        is_repeated=claim.get("repeated", False),
    )


class Load:
    """Scans and claims by `APPS` clients at once, as long as the block lasts.

    Half of what is asked is about items that everybody wants, half about items of the client's own.
    Half of the visitors are signed in. When the block ends every client got all its answers.
    """

    def __init__(self, town: Town, shop: Shop) -> None:
        self._clients = [Client(town, shop, number) for number in range(APPS)]
        self._fresh = [list(range(HOT + n, len(shop.serials), APPS)) for n in range(APPS)]
        self._pool = ThreadPoolExecutor(APPS)
        self._speaking: list[Future[None]] = []
        self._ended = threading.Event()
        with Client(town, shop) as first:
            for number in range(APPS):
                for visitor in _visitors(number)[::2]:
                    first.scan(number, visitor)
        self._before = first.told
        sign_all_in(town, shop, MEMBERS)

    def __enter__(self) -> "Load":
        self._speaking = [self._pool.submit(self._speak, number) for number in range(APPS)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._pool.shutdown()
        if error is None:
            for speaking in self._speaking:
                speaking.result()

    @property
    def told(self) -> Sequence[Told]:
        """What the clients were told so far, in no order."""
        return [*self._before, *(each for client in self._clients for each in client.told)]

    @property
    def tries(self) -> dict[str, int]:
        """How often which status or error came back, in all."""
        names = {name for client in self._clients for name in client.tries}
        return {name: sum(c.tries.get(name, 0) for c in self._clients) for name in sorted(names)}

    def wait_for(self, answers: int) -> None:
        """Comes back once so many more requests were answered."""
        enough = len(self.told) + answers

        def answered() -> bool:
            assert not any(speaking.done() for speaking in self._speaking), "a client gave up"
            return len(self.told) >= enough

        wait_until(answered, f"for {answers} answers: {self.tries}")

    def rounds(self, answers: int, calm_seconds: float = 0) -> Iterator[None]:
        """Comes back whenever so many more requests were answered, until `SECONDS` are over.

        Between two rounds at least `calm_seconds` go by. After the last one, too, answers are
        waited for: who can't go on would be noticed.
        """
        until = time.monotonic() + SECONDS
        while True:
            self.wait_for(answers)
            yield
            calm = time.monotonic() + calm_seconds
            if calm >= until:
                break
            wait_until(lambda: time.monotonic() >= calm)  # noqa: B023
        self.wait_for(answers)

    def _speak(self, number: int) -> None:
        luck = random.Random(number)
        fresh, visitors = self._fresh[number], _visitors(number)
        with self._clients[number] as client:
            while not self._ended.is_set():
                item = fresh.pop() if fresh and luck.random() < 0.5 else luck.randrange(HOT)
                ask = luck.choice((client.scan, client.claim))
                ask(item, luck.choice(visitors))
                if luck.randrange(STAY) == 0:
                    client.hang_up()


def _visitors(number: int) -> list[str]:
    """Whom a client speaks for: so many that few scan as much as a collector."""
    return [f"visitor-{number}-{each}" for each in range(max(12, int(SECONDS * 2)))]


def open_rush(town: Town, items: int = HOT + int(SECONDS * 400), **campaign: Any) -> Shop:
    """A shop with items for a load; its limits and its budget may or may not be reached."""
    budget = int(SECONDS * 40) * POINTS
    limits = {"daily_limit": DAILY_LIMIT, "budget_points": budget, **campaign}
    return open_shop(town, items, points=POINTS, **limits)
