"""Load: a compiled client (wrk) in a closed loop where it is installed, else our own in Python.

The open loop is our own in any case: requests leave by the clock, whatever comes back, so a slow
answer is measured as slow and delays no other.
"""

import json
import re
import shutil
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
THREADS = 2
OPEN_CONNECTIONS = 48

# Each thread walks its own part of the file, so that no two clients ask for the same line.
_WRK_SCRIPT = """
local lines, at, step = {}, 0, 1
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
  step = tonumber(args[2]); at = number - step + 1
  at = at + (tonumber(args[3]) or 0)
end
request = function()
  at = (at + step - 1) % #lines + 1
  local method, path, key, body = lines[at]:match("^(%S+) (%S+) (%S+) ?(.*)$")
  local headers = {["Content-Type"] = "application/json"}
  if key ~= "-" then headers["Authorization"] = "Bearer " .. key end
  return wrk.format(method, path, headers, body)
end
"""


@dataclass(frozen=True)
class Peak:
    """What a closed loop reached."""

    requests_per_second: float
    errors: int


@dataclass(frozen=True)
class Latency:
    """Percentiles of an open loop, in milliseconds, from when a request was due."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    requests: int
    errors: int


def client_name() -> str:
    """Which closed-loop client is used."""
    return "wrk" if shutil.which("wrk") else "python"


def write_requests(file: Path, lines: Sequence[str]) -> None:
    """Writes requests, one a line: `METHOD PATH API_KEY_OR_- BODY`."""
    file.write_text("\n".join(lines) + "\n")


def peak(port: int, requests: Path, seconds: float, start_at: int = 0) -> Peak:
    """Drives the server with all it can take for some seconds."""
    if client_name() != "wrk":
        return _python_peak(port, requests, seconds, start_at)
    script = requests.with_suffix(".lua")
    script.write_text(_WRK_SCRIPT)
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "10s"]
    command += ["-s", str(script), f"http://127.0.0.1:{port}", "--"]
    command += [str(requests), str(THREADS), str(start_at)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    bad += sum(
        int(n) for line in re.findall(r"Socket errors:(.*)", out) for n in re.findall(r"\d+", line)
    )
    return Peak(float(rate.group(1)) if rate else 0.0, bad)


def open_loop(
    port: int,
    lines: Sequence[str],
    rate_per_second: float,
    seconds: float,
    begin: float | None = None,
) -> Latency:
    """Sends by the clock at the rate; latency counts from when each request was due.

    The first is due at `begin` (of `time.perf_counter`), by default in half a second.
    """
    total = min(len(lines), int(rate_per_second * seconds))
    latencies: list[float] = []
    errors = [0]
    lock = threading.Lock()
    next_index = iter(range(total))
    start = time.perf_counter() + 0.5 if begin is None else begin

    def drive() -> None:
        mine, bad = [], 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    index = next(next_index, None)
                if index is None:
                    break
                due = start + index / rate_per_second
                pause = due - time.perf_counter()
                if pause > 0:
                    time.sleep(pause)
                status = _exchange(link, lines[index])
                mine.append(time.perf_counter() - due)
                bad += status >= 400
        with lock:
            latencies.extend(mine)
            errors[0] += bad

    threads = [threading.Thread(target=drive) for _ in range(OPEN_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(latencies, n=100)
    p50, p95, p99 = (round(cuts[n - 1] * 1000, 1) for n in (50, 95, 99))
    return Latency(p50, p95, p99, len(latencies), errors[0])


def _python_peak(port: int, requests: Path, seconds: float, start_at: int) -> Peak:
    lines = requests.read_text().splitlines()
    deadline = time.perf_counter() + seconds
    done = [0, 0]
    lock = threading.Lock()
    following = iter(range(start_at, start_at + 100 * len(lines)))

    def drive() -> None:
        good = bad = 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
            while time.perf_counter() < deadline:
                with lock:
                    index = next(following)
                status = _exchange(link, lines[index % len(lines)])
                good, bad = good + 1, bad + (status >= 400)
        with lock:
            done[0] += good
            done[1] += bad

    threads = [threading.Thread(target=drive) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Peak(done[0] / seconds, done[1])


def _exchange(link: socket.socket, line: str) -> int:
    """Sends one request on a kept connection; the answer's status."""
    method, path, key, *bodies = line.split(" ", 3)
    body = bodies[0] if bodies else ""
    authorization = "" if key == "-" else f"Authorization: Bearer {key}\r\n"
    link.sendall(
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(link)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    missing = int(length.group(1)) - len(rest) if length else 0
    while missing > 0:
        missing -= len(_some(link))
    return int(head.split(b" ", 2)[1])


def _some(link: socket.socket) -> bytes:
    received = link.recv(65536)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def scan_line(path: str, api_key: str, visitor: str) -> str:
    """The request of an app's scan."""
    return f"POST {path} {api_key} {json.dumps({'visitor': visitor})}"
