"""Load in a closed loop: by a compiled client (wrk) where it is installed, else by our own."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 128
THREADS = 2

# Each thread walks its own part of the file, so that no two clients ask for the same line.
WRK_SCRIPT = """
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

# What an answer names is asked for next, by whichever connection is free.
_WRK_FOLLOWS = """
local named, start, fresh = {}, init, request
function init(args) follow = args[4]; start(args) end
request = function()
  if #named > 0 then return wrk.format("GET", table.remove(named)) end
  return fresh()
end
function response(status, headers, body)
  local path = body:match(follow)
  if path then named[#named + 1] = path end
end
"""


@dataclass(frozen=True)
class Peak:
    """What a closed loop reached; only good answers count as requests."""

    requests_per_second: float
    errors: int


def client_name() -> str:
    """Which closed-loop client is used."""
    return "wrk" if shutil.which("wrk") else "python"


def write_requests(file: Path, lines: Sequence[str]) -> None:
    """Writes requests, one a line: `METHOD PATH API_KEY_OR_- BODY`."""
    file.write_text("\n".join(lines) + "\n")


def peak(
    port: int,
    requests: Path,
    seconds: float,
    start_at: int = 0,
    follow: str | None = None,
    connections: int = CONNECTIONS,
) -> Peak:
    """Drives the server with all it can take for some seconds.

    `follow` is a pattern, the same to Lua and to `re`: the path in its one group, found in an
    answer, is asked for too.
    """
    if client_name() != "wrk":
        return _python_peak(port, requests, seconds, start_at, follow, connections)
    script = requests.with_suffix(".lua")
    script.write_text(WRK_SCRIPT + (_WRK_FOLLOWS if follow else ""))
    command = ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s"]
    command += ["-s", str(script), f"http://127.0.0.1:{port}", "--"]
    command += [str(requests), str(THREADS), str(start_at), *([follow] if follow else [])]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", out)
    bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    bad += sum(
        int(n) for line in re.findall(r"Socket errors:(.*)", out) for n in re.findall(r"\d+", line)
    )
    if done is None or done[3] != "s":
        raise RuntimeError(f"wrk said something else: {out}")
    return Peak((int(done[1]) - bad) / float(done[2]), bad)


def _python_peak(
    port: int,
    requests: Path,
    seconds: float,
    start_at: int,
    follow: str | None,
    connections: int,
) -> Peak:
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
                status, body = _exchange(link, lines[index % len(lines)])
                named = re.search(follow, body) if follow else None
                good, bad = good + (status < 400), bad + (status >= 400)
                if named:
                    status, _ = _exchange(link, f"GET {named[1]} - ")
                    good, bad = good + (status < 400), bad + (status >= 400)
        with lock:
            done[0] += good
            done[1] += bad

    threads = [threading.Thread(target=drive) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Peak(done[0] / seconds, done[1])


def as_bytes(line: str) -> bytes:
    """The line's request as HTTP/1.1."""
    method, path, key, *bodies = line.split(" ", 3)
    body = bodies[0] if bodies else ""
    authorization = "" if key == "-" else f"Authorization: Bearer {key}\r\n"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _exchange(link: socket.socket, line: str) -> tuple[int, str]:
    """Sends one request on a kept connection; the answer's status and body."""
    link.sendall(as_bytes(line))
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(link)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    size = int(length.group(1)) if length else 0
    while len(rest) < size:
        rest += _some(link)
    return int(head.split(b" ", 2)[1]), rest.decode(errors="replace")


def _some(link: socket.socket) -> bytes:
    received = link.recv(65536)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def scan_line(path: str, api_key: str, visitor: str) -> str:
    """The request of an app's scan."""
    return f"POST {path} {api_key} {json.dumps({'visitor': visitor})}"
