"""The demo as people start it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core import embedded
from tests.running import ROOT, wait_until

pytestmark = pytest.mark.story

DEMO_SECONDS = 240
PROMISED = {
    "books_balance": True,
    "claims_granted": 372,
    "codes_issued": 2400,
    "honest_items_flagged": 0,
    "parked_rows": 0,
    "problems": [],
}


def demo(home: Path, *options: str) -> subprocess.Popen[str]:
    """`yima demo` in that home."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", *options],
        cwd=ROOT,
        env={**os.environ, "YIMA_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The exit status, and what was said on both channels."""
    try:
        said, complained = process.communicate(timeout=DEMO_SECONDS)
    finally:
        process.terminate()
    return process.returncode, said, complained


def test_the_demo_tells_its_story_without_a_problem_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    home = tmp_path / "a home of my own"
    first = demo(home, "--once", "--json")
    lock = home / "demo" / "demo.lock"
    wait_until(lambda: lock.exists() and lock.read_text())
    status, _, complained = told(demo(home, "--once"))
    assert status == 1
    assert f"A demo is running here already (process {first.pid})." in complained
    assert "Traceback" not in complained

    status, said, complained = told(first)
    assert (status, "Traceback" in complained) == (0, False), complained
    figures = json.loads(said.splitlines()[-1])
    assert {name: figures[name] for name in PROMISED} == PROMISED
    assert figures["outcomes"]["first"] > 500
    assert figures["findings"] >= 1
    servers = embedded.status(home / "demo")
    assert [server.pid for server in servers] == [None, None]
    embedded.erase(home / "demo")


def test_a_port_that_is_taken_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, _, complained = told(demo(tmp_path, "--once", "--port", port))
    assert status == 1
    assert f"Port {port} is taken." in complained
    assert "Traceback" not in complained
    assert embedded.status(tmp_path / "demo") == []
