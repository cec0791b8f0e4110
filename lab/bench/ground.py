"""What benchmarks stand on: servers of their own, a brand with active codes, web processes."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from codegen.activate import Batch, Numbers, activate
from codegen.models import CodeOrder
from codegen.order import OrderRequest, place
from codegen.printing import code_list, labels
from codegen.product import register
from core import clock, embedded, settings
from core.db import make_engine, make_sessions
from core.settings import Settings
from identity import api_key
from identity.brand import found_brand
from lab.demo.stage import free_port
from lab.install import install
from rewards.campaign import Terms, launch

WORKERS = 2
THREADS = 128  # as many as the load has connections, however two processes share them
START_SECONDS = 90


@dataclass(frozen=True)
class Ground:
    """Durable servers under `home`, and the environment that processes on them need."""

    home: Path
    settings: Settings
    environment: dict[str, str]
    sessions: sessionmaker[Session]


@dataclass(frozen=True)
class Stock:
    """A brand with active codes; `serials` in the order of their numbers."""

    brand_id: int
    order: CodeOrder
    api_key: str
    serials: list[str]


@contextmanager
def ground(home: Path) -> Iterator[Ground]:
    """Empty, installed, durable servers; stopped and erased afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    embedded.erase(home)
    addresses = embedded.start(home)
    environment = {
        **os.environ,
        **settings.own_secrets(home),
        "YIMA_HOME": str(home),
        "YIMA_DATABASE_URL": addresses.database_url,
        "YIMA_REDIS_URL": addresses.redis_url,
        "YIMA_COOKIE_SECURE": "0",
        "YIMA_DOORS": "consumer,api",
        "YIMA_TRUSTED_PROXIES": "127.0.0.1",  # that is the load client
        "YIMA_LOG_LEVEL": "WARNING",
    }
    install(addresses.database_url)
    engine = make_engine(addresses.database_url)
    try:
        yield Ground(home, settings.from_environ(environment), environment, make_sessions(engine))
    finally:
        engine.dispose()
        embedded.erase(home)


def stock(base: Ground, quantity: int, campaign: Terms | None = None) -> Stock:
    """A brand with `quantity` active codes and an API key; with a campaign if terms are given."""
    kek = base.settings.key_encryption_key
    with base.sessions.begin() as session:
        brand = found_brand(session, f"b{time.monotonic_ns()}", "品牌", "Brand")
        product = register(session, brand.id, "6901234567892", "青梅酒", "Plum wine")
        request = OrderRequest("bench", quantity, "yima.test", product_id=product.id)
        order = place(session, brand.id, request, kek)
        batch = Batch(lot="L1", produced_on=clock.now().date())
        activate(session, brand.id, order.id, Numbers(1, quantity), batch, "bench")
        if campaign is not None:
            launch(session, brand.id, campaign)
        _, secret = api_key.issue(session, brand.id, "bench")
        codes = code_list(session, order, kek)
    serials = [label.serial for label in labels(codes, 1, quantity)]
    return Stock(brand.id, order, secret, serials)


@contextmanager
def bare(base: Ground) -> Iterator[int]:
    """Flask that does nothing, on the web server that the product uses; yields its port."""
    port = free_port(0)
    command = [sys.executable, "-m", "lab.bench.bare", str(port), str(WORKERS), str(THREADS)]
    with _process(command, base.environment, port):
        yield port


@contextmanager
def yima(base: Ground) -> Iterator[int]:
    """The product as `yima web` serves it; yields its port."""
    port = free_port(0)
    command = [sys.executable, "-m", "cli", "web", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--farewell-seconds", "0"]
    with _process(command, base.environment, port):
        yield port


@contextmanager
def gunicorn(base: Ground, application: str) -> Iterator[int]:
    """The application on gunicorn's threads, as a textbook would; yields its port."""
    port = free_port(0)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers"]
    command += [str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)]
    command += ["--log-level", "error", application]
    with _process(command, base.environment, port):
        yield port


@contextmanager
def _process(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_for(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()


def wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    """The process answers on the port. Raises `RuntimeError` when it does not in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/static/logo.svg", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"no web server came up on port {port}")


def recorded(base: Ground, answered: float) -> int:
    """How many scans there are. Raises `RuntimeError` if more were `answered` with success."""
    scans = count(base, "scan")
    if scans < answered:
        raise RuntimeError(f"{scans} scans are recorded and {answered:.0f} were answered")
    return scans


def count(base: Ground, table: str) -> int:
    """How many rows the table has."""
    with base.sessions() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
