"""What a process keeps: key ring, catalogue, committer, bells, and their caretaker."""

import logging
import threading
from collections.abc import Callable
from uuid import UUID

from codegen.errors import ForgedSerial
from codegen.keys import KeyRing, Opened
from core.settings import Settings
from members.sender import LogSender, Sender, append_to
from scanapp.intake.bell import Ringer, open_bell
from scanapp.intake.catalogue import REFRESH_SECONDS, Catalogue
from scanapp.intake.committer import Committer, open_sessions
from scanapp.intake.forged import ForgedTally, source_of

log = logging.getLogger(__name__)


class Process:
    """What all requests of a process share; made once. `submit` hands a visit to the committer."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret_key
        # A connection of its own for each of the two threads: once it is there, nobody who takes
        # all others can stop the scans.
        sessions, committing = (open_sessions(settings.database_url) for _ in range(2))
        self.keys = KeyRing(sessions, settings.key_encryption_key)
        self.catalogue = Catalogue(sessions)
        self.forged = ForgedTally(sessions)
        self._bells = Ringer(open_bell(settings.redis_url).ring)
        self._committer = Committer(committing, self.catalogue, self._bells.ring)
        self._start = threading.Lock()
        self._caretaker: threading.Thread | None = None
        self._closed = threading.Event()
        self.submit = self._committer.submit
        self.ring = self._bells.ring
        file = settings.messages_file
        self.sender: Sender = LogSender(append_to(file) if file is not None else None)

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
