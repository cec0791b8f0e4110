"""The web's processes as the system sees them."""

import os
from collections.abc import Iterator

import pytest
from psutil import Process

from tests.running import Town


@pytest.fixture
def two_cpus() -> Iterator[set[int]]:
    """Two CPUs at most, whatever the machine has, for the test and the processes that it starts."""
    all_of_them = os.sched_getaffinity(0)
    few = set(sorted(all_of_them)[:2])
    os.sched_setaffinity(0, few)
    yield few
    os.sched_setaffinity(0, all_of_them)


def cpus_of(town: Town, *options: str, workers: int = 2) -> list[set[int]]:
    """On which CPUs each process of a new web may run, that of its last thread included."""
    web = town.start_web(*options, workers=workers)  # they listen, so they are where they stay
    found = []
    for process in Process(web.pid).children():
        last = max(thread.id for thread in process.threads())
        found.append({*process.cpu_affinity(), *os.sched_getaffinity(last)})
    town.stop(web)
    return found


def test_each_process_keeps_to_a_cpu_of_its_own(town: Town, two_cpus: set[int]) -> None:
    cpus = cpus_of(town)
    assert all(len(each) == 1 for each in cpus)
    assert set.union(*cpus) == two_cpus


def test_processes_roam_where_they_are_told_to(town: Town, two_cpus: set[int]) -> None:
    assert cpus_of(town, "--no-pin") == [two_cpus] * 2


def test_fewer_processes_than_cpus_go_where_there_is_room(town: Town, two_cpus: set[int]) -> None:
    assert cpus_of(town, workers=1) == [two_cpus]
