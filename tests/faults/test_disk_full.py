"""PostgreSQL's disk is full: nobody is told that something was kept which was not."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import embedded
from lab.install import install
from tests.faults.audit import audit
from tests.faults.load import Load, open_rush
from tests.running import Town, wait_until

SECONDS = float(os.environ.get("YIMA_FAULT_SECONDS", 5))
ANSWERS = 200
DISK_MB = 400
ITEMS = 500 + int(SECONDS * 400)
BLOCK_BYTES = 64 * 1024


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of its own, which PostgreSQL's user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="yima-disk-"))
    folder.chmod(0o711)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    embedded.erase(folder)
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def cramped_town(disk: Path, redis_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town whose PostgreSQL keeps its data on the small disk, durably."""
    url = embedded.start_postgres(disk).url
    assert url is not None
    install(url)
    town = Town(url, redis_url, tmp_path / "town")
    yield town
    town.end()


def fill(disk: Path) -> Path:
    """The file that takes whatever room is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while shutil.disk_usage(disk).free >= BLOCK_BYTES:
            file.write(bytes(BLOCK_BYTES))
    return ballast


def test_a_full_disk_loses_and_invents_nothing(cramped_town: Town, disk: Path) -> None:
    town = cramped_town
    shop = open_rush(town, ITEMS)
    town.start_web()
    load = Load(town, shop)
    town.start("worker")
    town.start("cron")
    with load:
        load.wait_for(ANSWERS)
        ballast = fill(disk)
        wait_until(lambda: load.tries.get("503", 0) > 0, "for the disk to be full")
        threading.Event().wait(SECONDS)
        assert load.tries.keys() == {"200", "503"}
        ballast.unlink()
        # PostgreSQL that can't write its log ends itself; its supervisor starts it again.
        assert embedded.start_postgres(disk).url == town.database_url
        load.wait_for(ANSWERS)
    assert load.tries.keys() == {"200", "503"}
    audit(town, shop, load.told)
