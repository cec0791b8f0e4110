"""Operators see where they are signed in, and end it."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.scanapp.browser import Browser


def test_signing_out_ends_the_session_though_its_cookie_is_kept(
    client: FlaskClient, sign_in: Callable[..., Browser], app: Flask
) -> None:
    browser = sign_in(client)
    stolen = client.get_cookie("yima_console", path="/console")
    assert stolen is not None
    browser.get("/console/")
    browser.post("/console/sign-out")
    thief = app.test_client()
    thief.set_cookie("yima_console", stolen.value, path="/console")
    assert thief.get("/console/").status_code == 302


def test_other_sessions_are_listed_and_ended(
    client: FlaskClient, sign_in: Callable[..., Browser], app: Flask
) -> None:
    here = sign_in(client)
    other = Browser(app.test_client())
    other.client.set_cookie("yima_language", "en")
    signed_in = other.submit(
        "/console/sign-in", login="brand_admin@example.com", password="correct horse battery"
    )
    assert signed_in.status_code == 302
    page = here.get("/console/sessions").text
    assert page.count("This one") == 1
    assert "End all others" in page
    here.post("/console/sessions")
    assert other.get("/console/").status_code == 302
    assert here.get("/console/").status_code == 200
