"""Where the embedded servers keep their files, and as whom they run.

    home/embedded/lock                         held while servers are started or stopped
    home/embedded/postgres.json, valkey.json   port and password, readable by the owner only
    home/embedded/postgres.log, valkey.log
    home/embedded/data/                        the servers' own folders, or a link to them

PostgreSQL refuses to work for root. Run by root, both servers therefore work as the owner of the
data folder, which is `nobody` when root made it. If `nobody` can't enter the home (`/root` is
closed to everybody), the data live in a new folder `yima-…` in `/var/lib` (throw-away servers: in
the folder for temporary files) and `data` is a link to it. No folder that was there before ever
gets other permissions.
"""

import contextlib
import errno
import fcntl
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.embedded import process
from core.embedded.errors import EmbeddedError, NoPlace, StartupFailed

NOBODY = "nobody"
LOCK_SECONDS = 180  # longer than a start or a stop may take


@dataclass(frozen=True)
class Record:
    """What must stay the same over restarts of a server."""

    port: int
    password: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """One home's servers: `room` is home/embedded, `data` the real path of their own folders."""

    room: Path
    data: Path
    user: dict[str, Any]  # how subprocess is told to change the user; empty: stay who we are

    def folder(self, server: str) -> Path:
        return self.data / server

    def log(self, server: str) -> Path:
        return self.room / f"{server}.log"

    def record_file(self, server: str) -> Path:
        return self.room / f"{server}.json"

    def mark(self, server: str) -> str:
        """A word in the server's command line by which it is known to be ours."""
        return f"yima-{sha256(os.fsencode(self.folder(server))).hexdigest()[:20]}"

    def admits(self, path: Path) -> bool:
        """Whether the servers' user may enter the folder, or execute the file, at `path`."""
        return _may_use(path, self.user)

    def give(self, path: Path) -> None:
        """The new file or folder belongs to the servers' user."""
        if self.user:
            os.chown(path, self.user["user"], self.user["group"])

    def failure(self, server: str, reason: str, since: int) -> StartupFailed:
        """The error that shows what the server wrote to its log after the first `since` bytes."""
        log = self.log(server)
        return StartupFailed(
            server=server, reason=reason, log=log, tail=process.tail(process.said(log, since))
        )

    def record(self, server: str) -> Record | None:
        """What was kept for the server, None before its first start."""
        path = self.record_file(server)
        try:
            kept = json.loads(path.read_text())
            return Record(port=int(kept["port"]), password=str(kept["password"]))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise EmbeddedError(
                reason=f"{path} is damaged ({error!r}). Restore it from a backup."
            ) from error

    def keep(self, server: str, record: Record) -> None:
        """The record replaces the one before, whole or not at all."""
        path = self.record_file(server)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def record_with_free_port(self, server: str, *, but: int | None = None) -> Record:
        """The server's record, made or changed so that its port is free and is not `but`."""
        before = self.record(server)
        password = before.password if before else secrets.token_hex(24)
        wanted = before.port if before and before.port != but else None
        record = Record(port=process.free_port(wanted), password=password)
        if record != before:
            self.keep(server, record)
        return record


def find(home: Path) -> Place | None:
    """The place of a home whose servers were started before; changes nothing."""
    room = home.resolve() / "embedded"
    link = room / "data"
    if not os.path.lexists(link):
        return None
    if not link.exists():
        raise EmbeddedError(
            reason=f"The servers' data in {link.readlink()} are gone. Restore them, or delete "
            f"{room} to start with an empty database."
        )
    data = link.resolve()
    return Place(room, data, _user(data.stat().st_uid))


def settle(home: Path, *, durable: bool) -> Place:
    """The home's place, made if there was none; the caller holds its lock."""
    found = find(home)
    if found is not None:
        return found
    room = home.resolve() / "embedded"
    data = room / "data"
    user = _user(os.geteuid())
    if not user or _may_use(room, user):
        data.mkdir()
        data.chmod(0o711 if user else 0o700)
    else:
        data.symlink_to(_elsewhere(room, user, durable=durable))
    return Place(room, data.resolve(), user)


def erase(place: Place) -> None:
    """Deletes the servers' data, records and logs, for ever; the caller holds the lock."""
    shutil.rmtree(place.data)
    for path in place.room.iterdir():
        if path.name != "lock":  # another may be waiting for it
            path.unlink()


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keeps every other process and thread from starting or stopping this home's servers.

    Raises EmbeddedError if the home can't be written, or another holds on for too long.
    """
    room = home.resolve() / "embedded"
    try:
        if not room.exists():
            _make(room)
        lock = os.open(room / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedError(
            reason=f"{room} can't be used ({error.strerror}). Set YIMA_HOME to a folder of yours."
        ) from error
    try:
        if not process.wait_until(lambda: _try_lock(lock), LOCK_SECONDS):
            raise EmbeddedError(
                reason=f"Another process has been starting or stopping the servers of {home} for "
                f"{LOCK_SECONDS} s. End it and try again."
            )
        yield
    finally:
        os.close(lock)


def _make(room: Path) -> None:
    """The folder is there, with its lock and its permissions, whoever of several made it."""
    room.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="new-", dir=room.parent))
    # A folder would take the place of an empty one, in which another may be about to work.
    (draft / "lock").touch(0o600)
    draft.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        draft.rename(room)
    except OSError as error:
        shutil.rmtree(draft)
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user(owner: int) -> dict[str, Any]:
    """As whom servers run whose data belong to `owner`."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(NOBODY)
    except KeyError:
        raise EmbeddedError(
            reason=f"PostgreSQL refuses to work for root, and there is no user {owner or NOBODY}. "
            "Run Yima as an ordinary user."
        ) from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _may_use(path: Path, user: dict[str, Any]) -> bool:
    # Asked of the system itself: mode bits alone don't tell (access lists, user namespaces).
    question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    try:
        return subprocess.run(question, cwd="/", env=process.environment(), **user).returncode == 0
    except PermissionError:
        raise EmbeddedError(
            reason="Here root may not become another user, and PostgreSQL refuses to work for "
            "root. Run Yima as an ordinary user."
        ) from None


def _elsewhere(room: Path, user: dict[str, Any], *, durable: bool) -> Path:
    # /var/tmp is swept of old files by some systems, so it is only the second choice.
    roots = [Path("/var/lib") if durable else Path(tempfile.gettempdir()), Path("/var/tmp")]
    for root in roots:
        if root.is_dir() and _may_use(root, user):
            with contextlib.suppress(OSError):
                folder = Path(tempfile.mkdtemp(prefix="yima-", dir=root))
                folder.chmod(0o711)
                return folder
    tried = ", ".join(map(str, roots))
    raise NoPlace(user=pwd.getpwuid(user["user"]).pw_name, folder=room, tried=tried)
