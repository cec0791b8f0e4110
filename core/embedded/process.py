"""Server processes: launched so that they outlive us, recognised, ended; their ports and logs."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.embedded.errors import EmbeddedError, StopFailed

LOG_BYTES_MAX = 10_000_000
TAIL_LINES = 20
# Below the range from which Linux and macOS take the ports of outgoing connections: otherwise a
# client may be given the port of a server that is just being restarted, even by connecting to it.
PORTS = range(20_000, 32_000)
_PORT_TRIES = 100

# The shell ends at once, so that the server belongs to init: no zombie here, no signal from our
# terminal there.
_LAUNCHER = '"$@" >&2 </dev/null & echo $!'


def environment(**more: str) -> dict[str, str]:
    """What servers see of our environment: hardly anything, and English messages."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept, **more}


def launch(
    command: Sequence[str | Path], *, folder: Path, log: Path, user: Mapping[str, Any]
) -> int:
    """The process id of `command`, started in `folder` as `user`, writing to the end of `log`."""
    with open(log, "ab", opener=private) as output:
        done = subprocess.run(
            ["/bin/sh", "-c", _LAUNCHER, "sh", *command],
            cwd=folder,
            env=environment(PG_GRANDPARENT_PID=str(os.getpid())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            check=True,
            **user,
        )
    return int(done.stdout)


def runs(pid: int, mark: str) -> bool:
    """Whether process `pid` lives and has `mark` in its command line.

    A process id alone proves nothing: after a crash it may belong to anybody.
    """
    if Path("/proc/self/cmdline").exists():
        line = _command_line(pid)
    else:
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        line = shown.stdout
    return mark.encode() in line


def _command_line(pid: int) -> bytes:
    """The process' command line; empty when there is no such process."""
    for _ in range(50):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
        if line:
            return line
        time.sleep(0.002)  # empty while the process becomes another program, or is being reaped
    return b""


def read_pid(path: Path) -> int | None:
    """The number on the first line of the pid file, None if there is none above 1."""
    try:
        pid = int(path.read_bytes().split(b"\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid > 1 else None


def end(pid: int, mark: str, steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Ends the process by each signal in turn, waiting for so many seconds after each.

    Raises StopFailed if it outlives them all, or is not ours to end.
    """
    for number, seconds in steps:
        if not runs(pid, mark):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            raise StopFailed(
                pid=pid, reason="it belongs to another user; stop it as that user"
            ) from None
        if wait_until(lambda: not runs(pid, mark), seconds):
            return
    raise StopFailed(pid=pid, reason="it outlived every signal")


def comes_up(pid: int, mark: str, ready: Callable[[], bool], seconds: float) -> bool | None:
    """True as soon as the server is ready, False if it died, None if neither within `seconds`."""
    alive = True

    def settled() -> bool:
        nonlocal alive
        alive = runs(pid, mark)
        return not alive or ready()

    return alive if wait_until(settled, seconds) else None


def wait_until(happened: Callable[[], bool], seconds: float) -> bool:
    """Whether it happened within so many seconds; looks a hundred times a second."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def free_port(wanted: int | None = None) -> int:
    """`wanted` if it is free on 127.0.0.1, otherwise any other free port."""
    candidates = random.sample(PORTS, _PORT_TRIES)
    for port in candidates if wanted is None else [wanted, *candidates]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As the servers do: a port in TIME_WAIT is free, one that is listened on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise EmbeddedError(reason=f"No free port found on 127.0.0.1 ({_PORT_TRIES} tries).")


def turn_log(log: Path) -> int:
    """The length of the log in bytes; one that grew too long is put aside first."""
    length = log.stat().st_size if log.exists() else 0
    if length <= LOG_BYTES_MAX:
        return length
    log.replace(log.with_suffix(".old.log"))
    return 0


def said(log: Path, since: int) -> str:
    """What the server wrote to its log after the first `since` bytes (the last 64 kB of it)."""
    if not log.exists():
        return ""
    with log.open("rb") as lines:
        lines.seek(max(since, log.stat().st_size - 65_536))
        return lines.read().decode(errors="replace")


def tail(text: str) -> str:
    """The last lines of a server's output, for an error message."""
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


def private(path: str, flags: int) -> int:
    """An opener for `open`: a file that is made can be read by its owner only."""
    return os.open(path, flags, 0o600)
