"""The web's processes as the system sees them."""

import os

from lab.processes import children
from tests.running import Town, wait_until


def cpus_of(town: Town, *options: str) -> list[set[int]]:
    """On which CPUs each process of a new web may run, that of its last thread included."""
    web = town.start_web(*options, workers=2)
    wait_until(lambda: len(children(web.pid)) == 2, "for the web's processes")
    found = []
    for pid in children(web.pid):
        threads = sorted(map(int, os.listdir(f"/proc/{pid}/task")))
        found.append(os.sched_getaffinity(pid) | os.sched_getaffinity(threads[-1]))
    town.stop(web)
    return found


def test_each_process_keeps_to_a_cpu_of_its_own(town: Town) -> None:
    ours = os.sched_getaffinity(0)
    cpus = cpus_of(town)
    assert all(len(each) == 1 for each in cpus)
    assert len(set.union(*cpus)) == min(2, len(ours))


def test_processes_roam_where_they_are_told_to(town: Town) -> None:
    assert cpus_of(town, "--no-pin") == [os.sched_getaffinity(0)] * 2
