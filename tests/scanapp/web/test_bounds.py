"""Whatever is typed into whichever field, a process goes on answering others."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import scanapp
from scanapp.web.request import TEXT_CHARACTERS_MOST
from tests.scanapp.browser import Browser, hidden

# Unicode's normalisation sorts such marks by insertion: time by the square of their number.
MARKS = "\u0301\u0323"
FIELD = re.compile(
    r"""(?:form(?:\.get|\.getlist)?[\[(]|(?:text|whole|day|moment)\(\w+(?:\.form)?, )"(\w+)\""""
)
NAMED = re.compile(r"""(?<![\w-])name="(\w+)\"""")
SECONDS_MOST = 1.0


@pytest.fixture
def admin(client: FlaskClient, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(client, "brand_admin")


def fields() -> set[str]:
    """The names of all fields that templates show or views read."""
    root = Path(scanapp.__file__).parent
    found: set[str] = set()
    for path in root.rglob("*"):
        if path.suffix == ".html":
            found |= set(NAMED.findall(path.read_text()))
        elif path.suffix == ".py":
            found |= set(FIELD.findall(path.read_text()))
    return found


def addresses(app: Flask) -> Iterator[str]:
    """An address of each route that takes forms."""
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            values = dict.fromkeys(rule.arguments, 1)
            if "action" in values:
                values["action"] = "void"  # type: ignore[assignment]
            with app.test_request_context():
                yield app.url_map.bind("localhost").build(rule.endpoint, values, "POST")


def test_no_field_of_any_form_stops_a_process(app: Flask, admin: Browser) -> None:
    names = fields()
    assert {"password", "login", "code", "phone", "gtin", "csrf_token"} <= names
    token = hidden(admin.get("/console/products"))["csrf_token"]
    few, many = MARKS * (TEXT_CHARACTERS_MOST // len(MARKS)), MARKS * 50_000
    slow = []
    for address in sorted(set(addresses(app))):
        for marks, some in ((few, names), (many, {"password"}), (many, {"code"})):
            form = {**dict.fromkeys(some, marks), "csrf_token": token}
            begun = time.perf_counter()
            answer = admin.client.post(address, data=form)
            if time.perf_counter() - begun > SECONDS_MOST:
                slow.append(address)
            assert answer.status_code < 500, address
    assert slow == []


@pytest.mark.parametrize(
    ("path", "field"), [("/console/sign-in", "password"), ("/portal/sign-in", "login")]
)
def test_others_are_answered_while_a_stranger_signs_in_with_marks(
    app: Flask, client: FlaskClient, path: str, field: str
) -> None:
    waits: list[float] = []
    done = threading.Event()

    def ask() -> None:
        other = app.test_client()
        while not done.is_set():
            begun = time.perf_counter()
            assert other.get("/healthz").status_code == 200
            waits.append(time.perf_counter() - begun)
            done.wait(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    for text in (MARKS * 50_000, MARKS * 2_000):
        Browser(client).submit(path, **{"login": "mei", "password": "x", field: text})
    done.set()
    asking.join()
    assert max(waits) < SECONDS_MOST


def test_a_text_that_is_too_long_is_refused_in_words(client: FlaskClient) -> None:
    page = Browser(client).submit("/console/sign-in", login="a" * 5_000, password="x")
    assert page.status_code == 413
    assert "more than 4,096 characters" in page.text


def test_a_query_is_bounded_as_a_form_is(admin: Browser) -> None:
    assert admin.get("/console/set-up?after=" + "a" * 9_000).status_code == 413
    assert admin.get("/console/set-up?after=a%00b").status_code == 400
