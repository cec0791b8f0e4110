import http.client
import json
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core import logs
from core.errors import BadInput
from core.settings import BadSetting, log_style
from tests.running import Shop, Town, open_shop, town, wait_until

SHARED = (town,)
PHONE = "13800138000"
CROWD = 40


def record(message: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("scanapp.web.errors", logging.WARNING, "", 1, message, values, info)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_json_line_is_one_object_with_time_level_and_requests() -> None:
    with logs.about(["a1b2c3d4e5f6"]):
        line = logs.JsonLines().format(record("batch of %d\ngiven up: “%s”", 3, "锁"))
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == "batch of 3\ngiven up: “锁”"
    assert told["level"] == "WARNING"
    assert told["logger"] == "scanapp.web.errors"
    assert told["requests"] == ["a1b2c3d4e5f6"]
    assert told["time"].endswith("+00:00")


def test_a_line_for_people_ends_with_its_requests() -> None:
    with logs.about(["first", "second"]):
        assert logs.Lines().format(record("given up")).endswith(": given up [first second]")
    assert logs.Lines().format(record("given up")).endswith(": given up")


def test_a_job_for_very_many_requests_names_some() -> None:
    with logs.about(str(number) for number in range(5000)):
        line = json.loads(logs.JsonLines().format(record("done")))
    assert len(line["requests"]) == logs.REQUESTS_SHOWN


def test_portions_name_all() -> None:
    ids = tuple(str(number) for number in range(250))
    portions = logs.portions(ids)
    assert [len(portion) for portion in portions] == [100, 100, 50]
    assert [name for portion in portions for name in portion] == list(ids)
    assert logs.portions(()) == [()]


@pytest.mark.parametrize("formatter", [logs.JsonLines(), logs.Lines()])
def test_an_error_is_told_with_its_place_and_cause_but_nobodys_phone(
    formatter: logging.Formatter,
) -> None:
    def fail() -> None:
        try:
            int(PHONE + "x")
        except ValueError as error:
            raise BadInput(reason=f"no member has {PHONE}") from error

    try:
        fail()
    except BadInput as error:
        line = formatter.format(record("failed", error=error))
    assert "BadInput" in line
    assert "ValueError" in line
    assert "test_logs.py" in line
    assert PHONE not in line


def test_another_handlers_traceback_is_not_taken_over() -> None:
    line = record("failed", error=raised(ValueError(PHONE)))
    assert PHONE in logging.Formatter().format(line)
    assert PHONE not in logs.Lines().format(line)


def test_blocks_end_what_they_are_about() -> None:
    logs.set_requests(["outer"])
    with logs.about(["inner"]):
        assert logs.requests() == ("inner",)
    assert logs.requests() == ("outer",)
    logs.set_requests(())
    assert logs.requests() == ()


def test_level_and_form_are_read_from_the_environment() -> None:
    assert log_style({}) == ("INFO", False)
    assert log_style({"YIMA_LOG_LEVEL": "debug", "YIMA_LOG_FORMAT": "JSON"}) == ("DEBUG", True)


@pytest.mark.parametrize("name", ["YIMA_LOG_LEVEL", "YIMA_LOG_FORMAT"])
def test_a_wrong_setting_is_named(name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        log_style({name: "loud"})


def test_the_formatter_is_found_by_the_configurations_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LOG_FORMAT", "json")
    assert isinstance(logs.formatter(), logs.JsonLines)
    module, name = logs.config()["formatters"]["lines"]["()"].rsplit(".", 1)
    assert getattr(sys.modules[module], name) is logs.formatter


@pytest.fixture
def json_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The town's processes, when asked for before the town, write JSON lines."""
    monkeypatch.setenv("YIMA_LOG_FORMAT", "json")


def lines(town: Town, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (town.home / f"{name}.log").read_text().splitlines()]


def scan(town: Town, shop: Shop, number: int, request_id: str) -> http.client.HTTPMessage:
    connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=30)
    headers = {
        "Authorization": f"Bearer {shop.key}",
        "Content-Type": "application/json",
        "X-Request-Id": request_id,
    }
    connection.request("POST", shop.path(number), json.dumps({"visitor": "somebody"}), headers)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    connection.close()
    return response.headers


@pytest.mark.usefixtures("json_logs")
def test_a_request_is_followed_from_the_proxy_into_the_jobs_that_it_caused(town: Town) -> None:
    shop = open_shop(town)
    town.start_web()
    names = [f"proxy-0a1b2c{number:02}" for number in range(CROWD)]
    with ThreadPoolExecutor(CROWD) as threads:
        answers = threads.map(lambda n: scan(town, shop, n, names[n]), range(CROWD))
    assert [headers["X-Request-Id"] for headers in answers] == names
    assert town.count("outbox", "topic = 'trace'") < CROWD, "no two were committed together"
    worker, cron = town.start("worker"), town.start("cron")
    wait_until(town.owes_nothing, "for the worker")
    town.stop(worker, cron)
    told = [
        name
        for line in lines(town, "worker")
        if line["message"].startswith("topic trace: rows")
        for name in line.get("requests", ())
    ]
    assert sorted(told) == names
    everything = town.log("worker") + town.log("cron") + town.log("web")
    assert "somebody" not in everything
    assert shop.serials[0] not in everything


@pytest.mark.usefixtures("json_logs")
def test_the_web_servers_own_lines_are_json_too(town: Town) -> None:
    open_shop(town)
    town.start_web()
    [server] = town.processes
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    before = children.read_text().split()
    os.kill(int(before[-1]), signal.SIGKILL)
    wait_until(lambda: lines(town, "web"), "for the server to miss its process")
    assert {line["logger"] for line in lines(town, "web")} == {"_granian"}
