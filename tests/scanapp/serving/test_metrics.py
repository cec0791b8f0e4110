import http.client
import ipaddress
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from core import outbox
from core.settings import Settings
from scanapp.serving.standing import standing
from tests.owing import owe
from tests.running import App, Town, open_shop, town, wait_until
from tests.scanapp.opened import opened
from tests.scanapp.shop import Shop, Street
from worker.rooms import HANDLERS

SHARED = (town,)
RUSH, RUSHES_MOST = 40, 20  # scans; one process may take a whole rush
Commit = Callable[[], AbstractContextManager[Session]]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> Samples:
    """Every sample by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return parsed(answer.text)


def grown(after: Samples, before: Samples, name: str, **labels: str) -> float:
    key = name, tuple(sorted(labels.items()))
    return after.get(key, 0.0) - before.get(key, 0.0)


def test_what_consumers_do_is_counted_by_route_status_and_outcome(
    street: Street, shop: Shop, client: FlaskClient
) -> None:
    before = read(client)
    phone = street.phone()
    page = phone.look(shop.path())
    phone.client.get(page.beacon)
    phone.client.post("/claim", data={"ticket": page.ticket})
    client.get("/01/06901234567892/21/0000000000000000000F")
    after = read(client)
    served = {"route": "consumer.digital_link", "status": "200"}
    assert grown(after, before, "yima_request_seconds_count", **served) >= 1
    assert grown(after, before, "yima_visits_total", kind="look", outcome="first") >= 1
    assert grown(after, before, "yima_visits_total", kind="scan", outcome="first") == 1
    assert grown(after, before, "yima_claims_total", state="granted") == 1
    assert grown(after, before, "yima_forged_attempts_total") >= 1
    assert grown(after, before, "yima_intake_batch_visits_count") >= 3
    assert grown(after, before, "yima_intake_wait_seconds_count") >= 3


def test_an_unknown_address_makes_no_label_of_its_own(client: FlaskClient) -> None:
    before = read(client)
    client.get("/no/such/page/13800138000")
    client.open("/healthz", method="ANYTHING")
    text = client.get("/metrics").text
    assert "13800138000" not in text
    assert "ANYTHING" not in text
    after = parsed(text)
    assert grown(after, before, "yima_request_seconds_count", route="none", status="404") == 1
    assert grown(after, before, "yima_request_seconds_count", route="none", status="405") == 1


def test_what_is_owed_is_shown_by_topic_with_its_age(commit: Commit, client: FlaskClient) -> None:
    with commit() as session:
        for _ in range(3):
            owe(session, "trace", 1, {"scans": []})
    figures = read(client)
    assert figures["yima_database_up", ()] == 1
    assert figures["yima_outbox_owed", (("topic", "trace"),)] == 3
    assert figures["yima_outbox_owed", (("topic", "credit"),)] == 0
    assert figures["yima_outbox_age_seconds", (("topic", "trace"),)] > 0
    assert figures["yima_outbox_age_seconds", (("topic", "credit"),)] == 0
    assert figures["yima_credits_total", ()] == 0
    assert figures["yima_findings", (("status", "open"),)] == 0


def test_every_topic_that_is_worked_on_is_shown() -> None:
    assert set(outbox.topics()) == set(HANDLERS)


def test_figures_of_an_empty_installation_are_zero(session: Session) -> None:
    found = standing(session)
    assert found.owed == dict.fromkeys(outbox.topics(), (0, 0.0))


def test_figures_of_the_process_are_shown_when_the_database_is_away(settings: Settings) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/yima"
    with opened(replace(settings, database_url=url)) as app:
        figures = read(app.test_client())
    assert figures["yima_database_up", ()] == 0
    assert not [name for name, _ in figures if name.startswith("yima_outbox")]


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("::1", None, 200),
        ("::ffff:127.0.0.1", None, 200),
        ("10.1.2.3", None, 200),
        ("10.2.0.1", None, 404),
        ("198.51.100.7", None, 404),
        ("127.0.0.1", "198.51.100.7", 404),
        ("127.0.0.1", "127.0.0.1, 198.51.100.7", 404),
        ("198.51.100.7", "127.0.0.1", 404),
        ("127.0.0.1", "nonsense", 404),
        ("127.0.0.1", "10.1.2.3", 200),
    ],
)
def test_only_this_machine_and_named_networks_read(
    settings: Settings, address: str, forwarded: str | None, status: int
) -> None:
    networks = (ipaddress.ip_network("10.1.0.0/16"),)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with opened(replace(settings, metrics_networks=networks)) as app:
        asker = {"REMOTE_ADDR": address}
        answer = app.test_client().get("/metrics", headers=headers, environ_base=asker)
    assert answer.status_code == status
    assert status == 200 or "yima_" not in answer.text


def scraped(town: Town) -> Samples:
    connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=30)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    samples = parsed(response.read().decode())
    connection.close()
    return samples


def test_two_processes_add_up_whichever_is_asked(town: Town) -> None:
    shop = open_shop(town, quantity=RUSH * RUSHES_MOST)
    town.start_web(workers=2)
    folder = town.home / f"web-{town.port}" / "metrics"

    def counting() -> int:
        return len({file.stem.rsplit("_", 1)[1] for file in folder.glob("*.db")})

    def scan(numbers: range) -> None:
        for number in numbers:
            with App(town.port, shop.key) as app:  # a connection each, for whoever takes it
                assert app.scan(shop.path(number), f"person {number}").status == 200

    sent = 0
    # Both processes' files, and those of the one that started them, which counts nothing.
    while counting() < 3 and sent < RUSH * RUSHES_MOST:
        rush = range(sent, sent + RUSH)
        threads = [threading.Thread(target=scan, args=(rush[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent += RUSH
    assert counting() == 3
    scans = "yima_visits_total", (("kind", "scan"), ("outcome", "first"))
    # A batch is counted just after its answers were given.
    wait_until(lambda: scraped(town).get(scans) == sent, "for both processes' counts")
    assert [scraped(town)[scans] for _ in range(6)] == [sent] * 6
    samples = scraped(town)
    assert samples["yima_outbox_owed", (("topic", "trace"),)] > 0
    text = " ".join(f"{name}{labels}" for name, labels in samples)
    assert shop.serials[0] not in text
    assert "person" not in text
