"""Who comes while as many requests as may are being answered is told so at once, in words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.settings import Settings
from tests.scanapp.opened import opened


@pytest.fixture
def narrow(settings: Settings) -> Iterator[Flask]:
    """An app that answers one request at a time; at `/busy` it is asked again meanwhile."""
    with opened(replace(settings, requests_most=1)) as app:

        @app.get("/busy/<path:path>")
        def busy(path: str) -> dict[str, Any]:
            from flask import request

            headers = {name: value for name, value in request.headers if name != "Host"}
            answer = app.test_client().get(f"/{path}", headers=headers)
            return {
                "status": answer.status_code,
                "headers": dict(answer.headers),
                "text": answer.get_data(as_text=True),
            }

        @app.get("/broken")
        def broken() -> str:
            raise RuntimeError("on purpose")

        yield app


def meanwhile(client: FlaskClient, path: str = "healthz", **headers: str) -> dict[str, Any]:
    """What somebody else is told while the client is being answered."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return dict(client.get(f"/busy/{path}", headers=names).get_json())


def test_programs_are_told_when_to_come_again(narrow: Flask) -> None:
    for _ in range(2):  # worded anew, and said again
        told = meanwhile(narrow.test_client(), "anything", Authorization="Bearer x")
        assert told["status"] == 503
        assert told["headers"]["Retry-After"].isdigit()
        assert told["headers"]["Content-Type"] == "application/problem+json"
        assert '"overloaded"' in told["text"]
        assert "Bearer" not in told["text"]
        assert int(told["headers"]["Content-Length"]) == len(told["text"].encode())


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Very many people are scanning right now."), ("zh", "扫码")]
)
def test_people_get_a_page_in_their_language(narrow: Flask, language: str, words: str) -> None:
    told = meanwhile(narrow.test_client(), "anything", Accept="text/html", Accept_Language=language)
    assert told["status"] == 503
    assert told["headers"]["Content-Type"].startswith("text/html")
    assert told["headers"]["Cache-Control"] == "no-store"
    assert "default-src 'none'" in told["headers"]["Content-Security-Policy"]
    assert words in told["text"]


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_who_is_refused_has_a_request_number_and_is_counted(narrow: Flask, kind: str) -> None:
    client = narrow.test_client()
    for _ in range(2):  # worded anew, and said again
        told = meanwhile(client, "anything", Accept=kind)
        name = told["headers"]["X-Request-Id"]
        assert name in told["text"]
    assert meanwhile(client, "anything", Accept=kind)["headers"]["X-Request-Id"] != name
    refused = b'yima_request_seconds_count{route="none",status="503"}'
    [counted] = [line for line in client.get("/metrics").data.splitlines() if refused in line]
    assert float(counted.rsplit(b" ", 1)[1]) >= 3


@pytest.mark.parametrize("path", ["healthz", "readyz", "metrics"])
def test_machines_that_ask_how_we_are_are_let_in(narrow: Flask, path: str) -> None:
    told = meanwhile(narrow.test_client(), path)
    assert "overloaded" not in told["text"]
    assert told["status"] == 200


def test_a_place_is_free_again_whatever_became_of_the_request(narrow: Flask) -> None:
    client = narrow.test_client()
    for _ in range(3):
        assert client.get("/broken").status_code == 500
        assert meanwhile(client, "anything")["status"] == 503
    assert b"yima_requests_refused_total" in client.get("/metrics").data


def test_without_a_bound_everybody_is_let_in(app: Flask) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/no/such/page").status_code == 404
