"""The demo's own servers and processes: started, watched, and stopped together."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO

import httpx

from core import embedded, settings
from core.errors import BadInput
from core.settings import Settings
from lab.install import install

FAVOURITE_PORT = 8000
START_SECONDS = 90
STOP_SECONDS = 10


class Stage:
    """Servers, web, worker and clock on loopback, all data under `home`; a context manager.

    Raises `BadInput` when another demo uses the same home, or the wanted port is taken.
    """

    def __init__(self, home: Path, port: int | None) -> None:
        self.home = home
        self.files = home / "files"
        self.messages = home / "messages.txt"
        self._logs = home / "logs"
        self._wanted_port = port
        self._lock: IO[str] | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.port = 0
        self.settings: Settings

    @property
    def address(self) -> str:
        """The web server's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Stage":
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = self._claim_home()
        try:
            self.port = free_port(self._wanted_port)
            self._clear()
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _claim_home(self) -> IO[str]:
        lock = (self.home / "demo.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "?"
            lock.close()
            raise BadInput(
                reason=f"A demo is running here already (process {pid}). "
                "Use it, or end it with Ctrl-C first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _clear(self) -> None:
        """Each demo begins with an empty database; what an earlier one left is removed."""
        embedded.erase(self.home)
        for folder in (self.files, self._logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self.messages.unlink(missing_ok=True)

    def _start(self) -> None:
        addresses = embedded.start(self.home)
        self._environment = {
            **os.environ,
            **settings.own_secrets(self.home),
            "YIMA_HOME": str(self.home),
            "YIMA_DATABASE_URL": addresses.database_url,
            "YIMA_REDIS_URL": addresses.redis_url,
            "YIMA_COOKIE_SECURE": "0",
            "YIMA_MESSAGES_FILE": str(self.messages),
            "YIMA_TRUSTED_PROXIES": "127.0.0.1",
        }
        self.settings = settings.from_environ(self._environment)
        install(self.settings.database_url)
        self._run("web", "web", "--port", str(self.port))
        self._run("worker", "worker")
        self._run("cron", "cron")
        self._await_web()

    def _run(self, name: str, *arguments: str) -> None:
        with (self._logs / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "cli", *arguments],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the demo, which stops them in order
                )
            )

    def _await_web(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                httpx.get(f"{self.address}/static/logo.svg", timeout=2).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise BadInput(reason=f"The web server did not answer; see {self._logs / 'web.log'}.")

    def check_alive(self) -> None:
        """Raises `BadInput` when one of the processes has ended."""
        for process in self._processes:
            if process.poll() is not None:
                name = process.args[3] if isinstance(process.args, list) else "?"
                raise BadInput(reason=f"The {name} process ended; see {self._logs}/{name}.log.")

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # children, too, that outlived it
            process.wait()
        embedded.stop(self.home)
        if self._lock is not None:
            self._lock.close()


def free_port(wanted: int | None) -> int:
    """The wanted port, else the favourite, else any; raises `BadInput` if the wanted is taken."""
    for port in (FAVOURITE_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise BadInput(
        reason=f"Port {wanted} is taken. Choose another with --port, or end what listens there."
    )
