"""What the system knows about running processes (Linux' /proc, proc(5))."""

from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that the process' main thread started and that live."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


def memory_mb(pid: int) -> float:
    """Resident memory, in MB of 10⁶ bytes; 0 when the process is gone."""
    return _status(pid).get("VmRSS", 0) * 1024 / 1e6


def threads(pid: int) -> int:
    """Threads, the main one included; 0 when the process is gone."""
    return _status(pid).get("Threads", 0)


def open_files(pid: int) -> int:
    """Open files, sockets and pipes; 0 when the process is gone."""
    folder = Path(f"/proc/{pid}/fd")
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def _status(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    words = [line.split() for line in lines]
    return {each[0][:-1]: int(each[1]) for each in words if len(each) > 1 and each[1].isdigit()}
