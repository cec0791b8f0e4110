"""A web that is told to end while everybody asks: whoever was heard is answered."""

import os
import signal
import time
from collections import Counter

import httpx
import pytest
from psutil import Process

from lab.traffic import REFUSED, Told, Traffic
from tests.faults.audit import audit_scans
from tests.faults.test_overload import scans, sent
from tests.running import Town, free_port, open_shop, wait_until

SCANS_PER_SECOND = 150
LOAD_SECONDS = 2
# As many threads as the clients have connections: nobody is told to come again.
CONNECTIONS_MOST = 500
FAREWELL_SECONDS = 1.5
OPTIONS = ("--threads", str(CONNECTIONS_MOST), "--farewell-seconds", str(FAREWELL_SECONDS))
PROMPT_SECONDS = 10
ROUNDS = 1 if "YIMA_FAULT_SECONDS" not in os.environ else 15


def test_a_web_told_to_end_answers_whoever_asked(town: Town) -> None:
    shop = open_shop(town, SCANS_PER_SECOND * 20)
    following = scans(shop)
    told: list[Told] = []
    for _ in range(ROUNDS):
        web = town.start_web(*OPTIONS, workers=2)
        with Traffic(
            town.port, lambda: next(following), SCANS_PER_SECOND, CONNECTIONS_MOST
        ) as traffic:
            time.sleep(LOAD_SECONDS)
            web.terminate()
            begun = time.monotonic()
            wait_until(lambda: web.poll() is not None, "for the web to end")  # noqa: B023
            took = time.monotonic() - begun
            time.sleep(0.2)
        assert web.returncode == 0, town.log("web")
        assert took < FAREWELL_SECONDS + PROMPT_SECONDS
        town.stop(web)
        of_round = sent(traffic)
        assert REFUSED in {each.status for each in of_round}, "nobody asked when it was gone"
        told += of_round
    statuses = Counter(each.status for each in told)
    assert statuses.keys() == {200, REFUSED}, statuses
    audit_scans(town, shop, told)
    assert town.count("scan") == statuses[200]


def test_a_web_that_will_end_says_so_to_load_balancers(town: Town) -> None:
    web = town.start_web("--farewell-seconds", "60")
    with httpx.Client(base_url=town.address) as balancer:
        assert balancer.get("/readyz").status_code == 200
        web.terminate()

        def says_no() -> bool:
            return balancer.get("/readyz").json().get("ending") is True

        wait_until(says_no, "for the web to say that it ends")
        assert balancer.get("/healthz").headers["Connection"] == "close"
    web.terminate()  # somebody is in a hurry
    begun = time.monotonic()
    wait_until(lambda: web.poll() is not None, "for the web to end")
    assert time.monotonic() - begun < PROMPT_SECONDS


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_web_told_to_end_while_it_starts_does_end(town: Town, how: signal.Signals) -> None:
    web = town.start("web", "--port", str(free_port()), "--farewell-seconds", "0.5")
    wait_until(lambda: Process(web.pid).children(), "for the web's first process")
    web.send_signal(how)
    begun = time.monotonic()
    wait_until(lambda: web.poll() is not None, "for the web to end")
    assert time.monotonic() - begun < PROMPT_SECONDS
    assert "ERROR" not in town.log("web")
