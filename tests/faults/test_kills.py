"""Everything that runs is killed in mid-load, one part at a time and all together."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import embedded
from lab.install import install
from tests.faults.audit import audit
from tests.faults.load import MEMBERS, Load, open_rush
from tests.running import Town, sign_all_in, wait_until

ANSWERS = 200  # between two kills
# The web's server gives up when a process that it started again dies within 5.5 s.
CALM_SECONDS = 6


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Path]:
    """The home of servers that force to disk what they acknowledge."""
    home = tmp_path / "servers"
    yield home
    embedded.erase(home)


@pytest.fixture
def town(servers: Path, tmp_path: Path) -> Iterator[Town]:
    addresses = embedded.start(servers)
    install(addresses.database_url)
    town = Town(addresses.database_url, addresses.redis_url, tmp_path / "town")
    yield town
    town.end()


def kill_web(town: Town, _servers: Path) -> None:
    town.kill(*town.named("web"))
    town.start_web(workers=2)


def kill_web_workers(town: Town, _servers: Path) -> None:
    """The server that started them starts others."""
    [web] = town.named("web")
    before = set(children(web.pid))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(children(web.pid)) - before) == len(before), town.log("web"))


def kill_worker(town: Town, _servers: Path) -> None:
    town.kill(*town.named("worker"))
    town.start("worker")


def kill_postgres(_town: Town, servers: Path) -> None:
    kill_servers(servers, "postgres")
    embedded.start_postgres(servers)


def kill_valkey(_town: Town, servers: Path) -> None:
    kill_servers(servers, "valkey")
    embedded.start_valkey(servers)


def kill_all(town: Town, servers: Path) -> None:
    town.kill(*town.processes)
    kill_servers(servers, "postgres", "valkey")
    embedded.start(servers)
    town.start_web(workers=2)
    town.start("worker")
    town.start("cron")


def kill_servers(home: Path, *names: str) -> None:
    """The servers are gone with all their children, as by a crash of the machine."""
    parents = [each.pid for each in embedded.status(home) if each.name in names]
    pids = [pid for parent in parents if parent for pid in (parent, *children(parent))]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(s.pid is None for s in embedded.status(home) if s.name in names))


def children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in listed]


KILLS = (kill_web, kill_web_workers, kill_worker, kill_postgres, kill_valkey, kill_all)


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
def test_what_is_killed_in_mid_load_loses_and_doubles_nothing(
    town: Town, servers: Path, kill: Callable[[Town, Path], None]
) -> None:
    shop = open_rush(town)
    town.start_web(workers=2)
    town.start("worker")
    town.start("cron")
    with Load(town, shop) as load:
        for _ in load.rounds(ANSWERS, CALM_SECONDS):
            kill(town, servers)
    sign_all_in(town, shop, MEMBERS)
    audit(town, shop, load.told)
