"""What a process keeps for its scans: key ring, catalogue, committer, and their caretaker."""

import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from codegen.errors import ForgedSerial
from codegen.keys import KeyRing, Opened
from core.settings import Settings
from members.sender import LogSender, Sender
from scanapp.intake.bell import open_bell
from scanapp.intake.catalogue import REFRESH_SECONDS, Catalogue
from scanapp.intake.committer import Committer, open_sessions
from scanapp.intake.forged import ForgedAttempts, source_of

log = logging.getLogger(__name__)


class Intake:
    """The doors' one way to look, scan and claim; made once a process."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret_key
        # A connection of its own for each of the two threads: once it is there, nobody who takes
        # all others can stop the scans.
        sessions, committing = (open_sessions(settings.database_url) for _ in range(2))
        self.keys = KeyRing(sessions, settings.key_encryption_key)
        self.catalogue = Catalogue(sessions)
        self.forged = ForgedAttempts(sessions)
        self._bells = _Ringer(open_bell(settings.redis_url).ring)
        self._committer = Committer(committing, self.catalogue, self._bells.ring)
        self._start = threading.Lock()
        self._caretaker: threading.Thread | None = None
        self._closed = threading.Event()
        self.submit = self._committer.submit
        self.ring = self._bells.ring
        file = settings.messages_file
        self.sender: Sender = LogSender(_append_to(file) if file is not None else None)

    def open(self, serial: str, source: bytes) -> Opened:
        """What the canonical serial holds, without a query; a forged one is counted for its source.

        Raises `ForgedSerial`, and `MalformedSerial` for a mistyped one, which accuses nobody.
        """
        self.take_care()
        try:
            return self.keys.open(serial)
        except ForgedSerial:
            self.forged.add(source)
            raise

    def source(self, address: str) -> bytes:
        """The address as antifraud may know it."""
        return source_of(address, self._secret)

    def source_of_app(self, visitor_id: UUID) -> bytes:
        """An app's user as antifraud may know it: all of an app's users share its address."""
        return source_of(f"app {visitor_id}", self._secret)

    def take_care(self) -> None:
        """Starts, once, the thread that refreshes the catalogue and writes down forged counts."""
        if self._caretaker is None:
            with self._start:
                if self._caretaker is None:
                    self._tidy()
                    self._caretaker = threading.Thread(
                        target=self._run, name="caretaker", daemon=True
                    )
                    self._caretaker.start()

    def close(self) -> None:
        """The caretaker has ended and written down what was counted; for apps that come and go."""
        self._closed.set()
        if self._caretaker is not None:
            self._caretaker.join()
            self._take_turn(self.forged.flush)

    def _run(self) -> None:
        while not self._closed.wait(REFRESH_SECONDS):
            self._take_turn(self._tidy)

    @staticmethod
    def _take_turn(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the database is away; the next second tries again
            log.warning("caretaker: %s", type(error).__name__)

    def _tidy(self) -> None:
        self.catalogue.refresh()
        self.keys.refresh()
        self.forged.flush()


def _append_to(file: Path) -> Callable[[str], None]:
    """Shows messages by adding them, a line each, to a file that only its owner reads."""

    def show(message: str) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(f"{message}\n")

    return show


class _Ringer:
    """Rings bells in a thread of its own: a Redis that does not answer delays no commit."""

    def __init__(self, ring: Callable[[str], bool]) -> None:
        self._ring = ring
        self._topics: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, topic: str) -> None:
        """The topic's bell will be rung soon; returns at once."""
        if self._thread is None:
            with self._start:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="bells", daemon=True)
                    self._thread.start()
        self._topics.put(topic)

    def _run(self) -> None:
        while True:
            topics = {self._topics.get()}
            while not self._topics.empty():
                topics.add(self._topics.get())
            for topic in sorted(topics):
                try:
                    self._ring(topic)
                except Exception as error:  # the clock rings again; this thread must live on
                    log.warning("bell %s: %s", topic, type(error).__name__)
