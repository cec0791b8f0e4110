"""Yima as it runs in earnest: web, worker and clock as processes, on servers of the test's own."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from psutil import CONN_ESTABLISHED, CONN_LISTEN, Process
from redis import Redis
from rq import Worker
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from codegen.models import CodeOrder, Product
from codegen.printing import code_list, labels
from core import outbox
from core.db import make_engine, make_sessions
from core.settings import Settings, from_environ, own_secrets
from identity import api_key
from identity.models import Brand
from members.bind import sign_in
from rewards import bind
from rewards.audit import Books, audit
from rewards.models import Campaign
from tests import factories

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 90
STOP_SECONDS = 20
REQUEST_SECONDS = 60
DOORS = "consumer,api"


def wait_until(condition: Callable[[], Any], why: str = "") -> None:
    """Returns once the condition holds; fails when it does not in time."""
    pause = threading.Event()
    for _ in range(PATIENCE_SECONDS * 20):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError(f"waited in vain {why}")


@dataclass
class Town:
    """A database, a Redis, and the processes that a test starts on them."""

    database_url: str
    redis_url: str
    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.messages = self.home / "messages.txt"
        self._environ = {
            **os.environ,
            **own_secrets(self.home),
            "YIMA_KEY_ENCRYPTION_KEY": base64.b64encode(factories.KEK).decode(),
            "YIMA_HOME": str(self.home),
            "YIMA_DATABASE_URL": self.database_url,
            "YIMA_REDIS_URL": self.redis_url,
            "YIMA_COOKIE_SECURE": "0",
            "YIMA_MESSAGES_FILE": str(self.messages),
            "YIMA_TRUSTED_PROXIES": "127.0.0.1",
            "YIMA_DOORS": DOORS,
        }
        self.settings: Settings = from_environ(self._environ)
        self._engine = make_engine(self.database_url)
        self.sessions: sessionmaker[Session] = make_sessions(self._engine)
        self.redis = Redis.from_url(self.redis_url)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_web(
        self,
        *options: str,
        workers: int = 1,
        database_url: str | None = None,
        redis_url: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """All processes of the web answer on `port`; the URLs are its way to database and Redis.

        Without other options it says no farewell to its clients, so it ends at once.
        """
        self.port = self.port or free_port()
        more = {
            "YIMA_DATABASE_URL": database_url or self.database_url,
            "YIMA_REDIS_URL": redis_url or self.redis_url,
        }
        options = ("--farewell-seconds", "0", *options)
        process = self.start(
            "web", "--port", str(self.port), "--workers", str(workers), *options, **more
        )

        def answers() -> bool:
            assert process.poll() is None, self.log("web")
            return len(self._connected(process, CONN_LISTEN)) == workers

        wait_until(answers, f"for the web: {self.log('web')}")
        return process

    def talking(self, web: subprocess.Popen[bytes]) -> set[Process]:
        """Those of the web's processes that clients are connected to."""
        return self._connected(web, CONN_ESTABLISHED)

    def _connected(self, web: subprocess.Popen[bytes], status: str) -> set[Process]:
        return {
            process
            for process in Process(web.pid).children()
            for each in process.net_connections("tcp")
            if (each.laddr.port, each.status) == (self.port, status)
        }

    def start(self, name: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """`yima <name>` as a process of its own."""
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", name, *arguments],
                cwd=ROOT,
                env={**self._environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        """The last of what the process wrote."""
        file = self.home / f"{name}.log"
        return file.read_text(errors="replace")[-2000:] if file.exists() else ""

    def stop(self, *processes: subprocess.Popen[bytes]) -> None:
        """The processes have ended, politely if they can."""
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.processes.remove(process)

    def named(self, name: str) -> list[subprocess.Popen[bytes]]:
        """The processes that were started by this name and not stopped since."""
        return [process for process in self.processes if process.args[3] == name]

    def kill(self, *processes: subprocess.Popen[bytes]) -> None:
        """The processes are gone at once, and all that they started."""
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
        for process in processes:
            process.wait()
            self.processes.remove(process)

    def end(self) -> None:
        self.stop(*self.processes)
        self.redis.close()
        self._engine.dispose()

    def worker_pid(self) -> int:
        """The process id of the one worker that waits for bells."""
        wait_until(lambda: Worker.count(connection=self.redis) == 1, "for a worker")
        [worker] = Worker.all(connection=self.redis)
        assert worker.pid is not None
        return int(worker.pid)

    def owes_nothing(self) -> bool:
        with self.sessions() as session:
            return not outbox.owed(session)

    def one(self, query: str, **values: Any) -> Any:
        """The one value that the query finds."""
        with self.sessions() as session:
            return session.execute(text(query), values).scalar_one()

    def count(self, table: str, where: str = "true", **values: Any) -> int:
        """How many rows the table has."""
        return int(self.one(f"SELECT count(*) FROM {table} WHERE {where}", **values))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Shop:
    """A brand with codes on sale, a campaign and a key for its app."""

    brand: Brand
    product: Product
    order: CodeOrder
    campaign: Campaign
    serials: list[str]  # of the order's codes, in order
    key: str

    def path(self, number: int) -> str:
        """The path of the code's GS1 Digital Link; numbers start at 0."""
        return f"/01/{self.product.gtin}/21/{self.serials[number]}"

    def code_id(self, number: int) -> int:
        return self.order.lo + number


def open_shop(town: Town, quantity: int = 100, **campaign: Any) -> Shop:
    """A new brand in the town's database; keywords describe its campaign."""
    with town.sessions.begin() as session:
        brand = factories.brand(session)
        product = factories.product(session, brand)
        order = factories.active_order(session, brand, product, quantity)
        codes = code_list(session, order, town.settings.key_encryption_key)
        return Shop(
            brand=brand,
            product=product,
            order=order,
            campaign=factories.campaign(session, brand, **campaign),
            serials=[label.serial for label in labels(codes, 1, quantity)],
            key=api_key.issue(session, brand.id, "app")[1],
        )


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: Any

    @property
    def claim(self) -> dict[str, Any]:
        """What was said about the claim; with `reason` when it was refused."""
        return dict(self.body["claim"])


class App:
    """A brand's app: POSTs JSON over one connection that it keeps open."""

    def __init__(self, port: int, key: str, address: str = "198.51.100.7") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "X-Forwarded-For": address,
        }

    def __enter__(self) -> "App":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """The next request opens a connection of its own."""
        self._connection.close()

    def scan(self, path: str, visitor: str, **more: Any) -> Reply:
        return self.post(path, {"visitor": visitor, **more})

    def claim(self, path: str, visitor: str, **more: Any) -> Reply:
        return self.post(f"{path}/claim", {"visitor": visitor, **more})

    def post(self, path: str, body: dict[str, Any]) -> Reply:
        """The reply; a connection that the server closed meanwhile is opened anew, once."""
        try:
            return self.ask(path, body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            return self.ask(path, body)

    def ask(self, path: str, body: dict[str, Any]) -> Reply:
        """The reply to this one try; after a failure the next opens a connection of its own."""
        try:
            self._connection.request("POST", path, json.dumps(body), self._headers)
            response = self._connection.getresponse()
            return Reply(response.status, response.headers, json.loads(response.read()))
        except BaseException:
            self.hang_up()
            raise


def books(town: Town, shop: Shop) -> Books:
    """The brand's books, once all that is owed was done."""
    wait_until(town.owes_nothing, "for the worker")
    with town.sessions() as session:
        return audit(session, shop.brand.id)


def sign_all_in(town: Town, shop: Shop, members: int = 1) -> None:
    """Everybody who scanned is one of so many members from now on, with the points that wait."""
    with town.sessions() as session:
        visitors = session.scalars(text("SELECT DISTINCT visitor_id FROM scan ORDER BY 1")).all()
    for number, visitor in enumerate(visitors):
        phone = f"138{number % members:08d}"
        with town.sessions.begin() as session:
            bind.lock_visitor(session, visitor)
            signed_in = sign_in(session, shop.brand.id, visitor, phone, town.settings.secret_key)
            bind.bind(session, shop.brand.id, visitor, signed_in.member.id)
            # An app's user stays the visitor that it was; a browser would get a new one.
            kept = text("UPDATE visitor_binding SET ended_at = NULL WHERE visitor_id = :visitor")
            session.execute(kept, {"visitor": visitor})


@pytest.fixture
def town(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town on the suite's servers, with a database of the test's own and an empty Redis."""
    town = Town(database_url, redis_url, tmp_path / "town")
    yield town
    town.end()
